"""What is installed: one version, and lower bounds that a command pins."""

import configparser
import importlib.util
import re
from pathlib import Path

import pytest

import numpyfa

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def setup():
    parser = configparser.ConfigParser()
    parser.read(ROOT / "setup.cfg", encoding="utf-8")
    return parser


@pytest.fixture(scope="module")
def floor():
    spec = importlib.util.spec_from_file_location("floor", ROOT / "tools" / "floor.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_version_is_that_of_setup_cfg_in_the_package_and_in_the_citation(setup):
    version = setup["metadata"]["version"]
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert re.search(r"^version: (.*)$", citation, re.M)[1] == version
    assert numpyfa.__version__ in (version, "unknown")


def test_the_8_lower_bounds_of_theory_are_pinned_as_setup_cfg_states_them(setup, floor):
    lines = floor.floor(setup, ["theory"])
    assert len(lines) == 8 and lines[0] == "numpy==2.0" and lines[-1].startswith("scipy==1.")
    assert len(floor.floor(setup, ["theory", "test"])) == len(floor.floor(setup, ["test"])), "nothing is said twice"


@pytest.mark.parametrize("line", ["numpy", "numpy>2.0", "numpy>=2.0,<3", "numpy==2.0"])
def test_a_requirement_without_a_plain_lower_bound_is_refused(floor, line):
    with pytest.raises(ValueError, match=re.escape(f"write a requirement as name>=version; found '{line}'")):
        floor.pin(line)


def test_an_unknown_extra_is_refused_with_the_6_there_are(setup, floor):
    with pytest.raises(ValueError, match="no extra 'tests': choose from theory, images, cuda12, cuda13, test, bench"):
        floor.floor(setup, ["tests"])
