"""What is installed and what is packed: one version, lower bounds that a command pins, and no file left behind."""

import configparser
import importlib.util
import re
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath

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


def test_an_unknown_extra_is_refused_with_those_there_are(setup, floor):
    extras = list(setup["options.extras_require"])
    assert {"theory", "sklearn", "course", "test", "dev"} <= set(extras)
    with pytest.raises(ValueError, match=f"no extra 'tests': choose from {', '.join(extras)}$"):
        floor.floor(setup, ["tests"])


# -- What is packed --------------------------------------------------------------------------------------------------

ALWAYS = ("LICENSE", "MANIFEST.in", "README.md", "pyproject.toml", "setup.cfg")  # setuptools packs them unasked
LEFT_OUT = (".gitignore",)


MANIFEST = (ROOT / "MANIFEST.in").read_text(encoding="utf-8")


def is_packed(name, manifest=MANIFEST):
    """Whether MANIFEST.in, or setuptools unasked, puts this file outside the package into the source distribution.
    The last line that matches decides."""
    path = PurePosixPath(name)
    packed = name in ALWAYS
    for line in manifest.splitlines():
        command, first, *others = line.split()
        inside = PurePosixPath(first) in path.parents
        if command in ("include", "exclude"):
            matches = any(fnmatch(name, each) and name.count("/") == each.count("/") for each in (first, *others))
        elif command in ("recursive-include", "recursive-exclude"):
            matches = inside and any(fnmatch(path.name, pattern) for pattern in others)
        elif command in ("graft", "prune"):
            matches = inside
        else:
            raise ValueError(f"this test does not know '{command}' of MANIFEST.in")
        if matches:
            packed = "include" in command or command == "graft"
    return packed


@pytest.mark.parametrize(
    "name, packed",
    [
        ("noxfile.py", True),
        ("docs/notation.md", True),
        ("docs/a.xyz", False),
        ("docs/api/layers.md", False),
    ],
)
def test_a_file_that_no_pattern_names_or_that_is_pruned_is_not_packed(name, packed):
    assert is_packed(name) == packed


@pytest.mark.parametrize("line", ["prune docs", "exclude docs/guide.md", "recursive-exclude docs *.md"])
def test_a_line_at_the_end_that_leaves_a_file_out_is_seen(line):
    assert is_packed("docs/guide.md") and not is_packed("docs/guide.md", f"{MANIFEST}{line}\n")
    with pytest.raises(ValueError, match="does not know 'global-exclude'"):
        is_packed("docs/guide.md", "global-exclude *.md")


def test_each_of_gits_more_than_300_files_outside_the_package_is_in_the_source_distribution():
    found = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    names = [name for name in found.stdout.splitlines() if not name.startswith("numpyfa/")]
    if found.returncode or not (ROOT / ".git").exists():
        pytest.skip("no clone of the repository")
    assert len(names) > 300
    assert [name for name in names if not is_packed(name)] == list(LEFT_OUT)


def test_each_file_of_the_package_is_code_or_package_data_and_each_folder_of_code_a_package(setup):
    patterns = [line for line in setup["options.package_data"]["numpyfa"].split("\n") if line]
    package = Path(numpyfa.__file__).parent
    files = [path for path in package.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    data = [path.relative_to(package).as_posix() for path in files if path.suffix != ".py"]
    assert {"py.typed", "bundled/mnist.npz"} <= set(data)
    assert [name for name in data if not any(fnmatch(name, pattern) for pattern in patterns)] == []
    assert [path for path in files if path.suffix == ".py" and not (path.parent / "__init__.py").is_file()] == []


def test_from_another_folder_python_m_numpyfa_is_the_command_line(tmp_path, capsys):
    from numpyfa.cli import main

    with pytest.raises(SystemExit):
        main(["--version"])
    command = [sys.executable, "-m", "numpyfa", "--version"]
    found = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert found.stdout == capsys.readouterr().out and found.returncode == 0
    assert found.stdout.startswith(f"numpyfa {numpyfa.__version__} (NumPy ")
