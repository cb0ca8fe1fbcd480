"""Studies of the theory from the command line: what they write, say, refuse, and how they go on."""

import csv
import json
import sys
from dataclasses import replace

import pytest

from numpyfa import cli
from numpyfa.errors import InputError
from numpyfa.experiments import EXPERIMENTS, STUDIES, study
from numpyfa.theory import student_teacher

NAMES = [each.name for each in STUDIES]
TINY = {
    "student-teacher": {"N": 50, "K": 2, "t": 5, "marks": 5, "seeds": 2},
    "align-then-memorise": {"students": [2], "t": 5, "shared": [0.0, 0.8], "width": 30, "linear_seeds": 1,
                            "grid": [0.4, 1.0], "heat_steps": [20, 40], "seeds": 2},
    "lillicrap-linear": {"examples": 40, "scales": [0.01, 0.25], "scale_examples": 20, "flow_time": 1.0,
                         "flow_steps": [0.01, 0.005], "seeds": 2},
    "fixed-points": {"seeds": 1, "examples": [60, 20], "epochs": 2, "scales": [[1, 1], [1, 0.01]], "scale_epochs": 2,
                     "small": 5, "small_steps": {"bp": 20, "fa": 20}, "push_steps": 20, "walk_steps": 20},
    "kolen-pollack": {"seeds": 1, "examples": 60, "epochs": 2},
    "pfa-angle": {"seeds": 1, "examples": 60, "epochs": 2, "expansions": [1, 10, 100]},
}  # fmt: skip


@pytest.fixture
def tiny(monkeypatch):
    """Each study with settings that take a moment. Its jobs run here, one after the other, not in processes."""

    def run_here(work, jobs, workers, progress=None):
        for job in jobs:
            work(*job)

    monkeypatch.setattr(study, "run_jobs", run_here)
    monkeypatch.setattr(study, "tell", lambda *message: None)
    monkeypatch.setattr(study, "stop_if_alone", lambda: None)
    for each in STUDIES:
        monkeypatch.setitem(EXPERIMENTS, each.name, replace(each, settings=each.settings | TINY[each.name]))


def refused(capsys, *arguments):
    assert cli.main([str(argument) for argument in arguments]) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1 and lines[0].startswith("numpyfa: "), lines
    return lines[0]


@pytest.mark.filterwarnings("ignore:kp.*:UserWarning")
@pytest.mark.parametrize("name", NAMES)
def test_each_study_writes_its_tables_and_figure_and_says_what_it_found(name, tiny, tmp_path, capsys):
    assert cli.main(["reproduce", name, "--out", str(tmp_path / "run")]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith(f"{name}: ") and "parts are in" in printed
    folder = tmp_path / "run"
    assert (folder / "figure.png").read_bytes().startswith(b"\x89PNG")
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["study"] == name and summary["settings"] == EXPERIMENTS[name].settings and summary["machine"]
    rows = list(csv.DictReader((folder / "history.csv").read_text().splitlines()))
    assert len(rows) > 5 and len(summary["rows"]) > 1
    assert not list(folder.rglob("*.part"))


@pytest.mark.parametrize("name", NAMES)
def test_a_studys_quick_form_changes_settings_that_exist_and_has_fewer_jobs_or_less_to_do(name):
    each = EXPERIMENTS[name]
    quick = each.adapt(quick=True)
    assert set(quick) == set(each.settings) and quick != each.settings
    assert len(each.jobs(quick)) <= len(each.jobs(each.settings))
    assert each.adapt(seeds=1)["seeds"] == 1


def test_a_study_that_was_interrupted_goes_on_where_it_stopped_to_the_same_rows(tiny, tmp_path, monkeypatch):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    assert cli.main(["reproduce", "lillicrap-linear", "--out", str(whole)]) == 0
    work, done = EXPERIMENTS["lillicrap-linear"].work, []

    def stop_at_third(settings, *job):
        if len(done) == 2:
            raise KeyboardInterrupt
        done.append(job)
        return work(settings, *job)

    ready = EXPERIMENTS["lillicrap-linear"]
    monkeypatch.setitem(EXPERIMENTS, ready.name, replace(ready, work=stop_at_third))
    with pytest.raises(SystemExit) as stopped:
        cli.main(["reproduce", "lillicrap-linear", "--out", str(parts)])
    assert stopped.value.code == 130 and len(list(parts.glob("parts/*.json"))) == 2
    assert not (parts / "history.csv").exists()

    done.clear()
    monkeypatch.setitem(EXPERIMENTS, ready.name, replace(ready, work=lambda s, *job: done.append(job) or work(s, *job)))
    assert cli.main(["reproduce", "lillicrap-linear", "--out", str(parts), "--resume"]) == 0
    assert len(done) == len(ready.jobs(ready.settings)) - 2
    assert (parts / "history.csv").read_bytes() == (whole / "history.csv").read_bytes()


def test_a_study_in_processes_of_its_own_gives_the_same_rows(tmp_path, tiny, monkeypatch):
    """The real runner, two workers, the quick form of kolen-pollack cut to one epoch by its seeds' jobs."""
    assert cli.main(["reproduce", "kolen-pollack", "--out", str(tmp_path / "here")]) == 0
    monkeypatch.undo()
    small = EXPERIMENTS["kolen-pollack"].settings | TINY["kolen-pollack"]
    study.run(EXPERIMENTS["kolen-pollack"], small, tmp_path / "there")
    here, there = (tmp_path / where / "history.csv" for where in ("here", "there"))
    assert here.read_bytes() == there.read_bytes()


def test_a_study_is_neither_replaced_nor_continued_as_another_unless_told(tiny, tmp_path, capsys):
    out, name = tmp_path / "run", "align-then-memorise"
    assert cli.main(["reproduce", name, "--seeds", "1", "--out", str(out)]) == 0
    capsys.readouterr()
    assert "holds a run already" in refused(capsys, "reproduce", name, "--out", out)
    assert "another t 5 (now 6)" in refused_with(capsys, name, {"t": 6}, "reproduce", name, "--out", out, "--resume")
    assert f"holds the run '{name}', not 'pfa-angle'" in refused(
        capsys, "reproduce", "pfa-angle", "--out", out, "--resume"
    )
    assert cli.main(["reproduce", name, "--seeds", "2", "--out", str(out), "--resume"]) == 0
    assert json.loads((out / "summary.json").read_text())["settings"]["seeds"] == 2
    (out / "parts" / "heat.json").write_text("{")
    assert "heat.json is damaged: delete it" in refused(
        capsys, "reproduce", name, "--seeds", 2, "--out", out, "--resume"
    )
    (out / "protocol.json").write_text("{")
    assert "half-written" in refused(capsys, "reproduce", name, "--out", out, "--resume")
    assert cli.main(["reproduce", name, "--out", str(out), "--force"]) == 0


def refused_with(capsys, name, settings, *arguments):
    before = EXPERIMENTS[name]
    EXPERIMENTS[name] = replace(before, settings=before.settings | settings)
    try:
        return refused(capsys, *arguments)
    finally:
        EXPERIMENTS[name] = before


def test_a_study_refuses_the_options_of_training(capsys, tmp_path):
    line = refused(capsys, "reproduce", "fixed-points", "--lr", "0.1", "--out", tmp_path / "run")
    assert "takes --quick and --seeds, found --lr" in line and "experiments/fixed_points.py" in line
    assert "found --batch-size" in refused(capsys, "reproduce", "pfa-angle", "--batch-size", "3")
    assert "seeds must be from 1" in refused(capsys, "reproduce", "pfa-angle", "--seeds", "0")
    assert not (tmp_path / "run").exists()


def test_without_scipy_the_student_and_teacher_say_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy.special", None)
    with pytest.raises(InputError, match=r"need SciPy: pip install 'numpyfa\[theory\]'"):
        student_teacher.UNITS["erf"][0](0.5)
