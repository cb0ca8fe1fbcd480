"""What a tool of tools/ says, where a wrong word would mislead."""

import importlib.util
import sys
from pathlib import Path

import pytest


@pytest.fixture
def mutate():
    spec = importlib.util.spec_from_file_location("mutate", Path(__file__).parents[1] / "tools" / "mutate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_mutant_whose_test_sleeps_for_9_seconds_of_a_tenth_has_timed_out_and_is_not_killed(
    mutate, monkeypatch, tmp_path
):
    monkeypatch.setattr(mutate, "TIMEOUT", 0.1)
    found = mutate.run(str(tmp_path), [sys.executable, "-c", "import time; time.sleep(9)"])
    assert mutate.outcome("test", found) == ("timed out", "in a test")
    monkeypatch.setattr(mutate, "TIMEOUT", 60)
    found = mutate.run(str(tmp_path), [sys.executable, "-c", "raise SystemExit('a sum is wrong')"])
    assert mutate.outcome("check", found) == ("check", "a sum is wrong")


def test_every_mutants_line_is_in_its_file_exactly_once(mutate):
    """A line that has been rewritten takes its mutant with it, and nobody would notice."""
    package = Path(__file__).parents[1] / "numpyfa"
    counts = {(mutant.file, mutant.old): (package / mutant.file).read_text().count(mutant.old)
              for mutant in mutate.MUTANTS}  # fmt: skip
    assert [found for found, count in counts.items() if count != 1] == []
