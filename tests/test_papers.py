"""Studies of the theory from the command line: what they write, say, refuse, and how they go on."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest

from numpyfa import cli
from numpyfa.errors import InputError
from numpyfa.experiments import EXPERIMENTS, STUDIES, fixed_points, study
from numpyfa.theory import student_teacher

NAMES = [each.name for each in STUDIES]
TINY = {
    "student-teacher": {"N": 50, "K": 2, "t": 5, "marks": 5, "seeds": 2},
    "align-then-memorise": {"students": [2], "t": 5, "linear_steps": 50, "identity_steps": 100, "shared": [0.0, 0.8],
                            "width": 30, "linear_seeds": 1, "grid": [0.4, 1.0], "heat_steps": [20, 40], "seeds": 2},
    "lillicrap-linear": {"examples": 40, "scales": [0.01, 0.25], "scale_examples": 20, "flow_time": 1.0,
                         "flow_steps": [0.01, 0.005], "seeds": 2},
    "fixed-points": {"seeds": 1, "examples": [60, 20], "epochs": 2, "scale_epochs": 2, "small": 5, "small_steps": 40,
                     "scales": [["fa", 1, 1, 0.1], ["fa", 1, 0.01, 0.1], ["bp", 1, 1, 0.1]], "push_steps": 20,
                     "draws": 2, "walk_steps": 100},
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
    assert summary["experiment"] == name and summary["settings"] == EXPERIMENTS[name].settings and summary["machine"]
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
    assert cli.main(["reproduce", "kolen-pollack", "--out", str(tmp_path / "here")]) == 0
    monkeypatch.undo()
    small = EXPERIMENTS["kolen-pollack"].settings | TINY["kolen-pollack"]
    study.run(EXPERIMENTS["kolen-pollack"], small, tmp_path / "there")
    here, there = (tmp_path / where / "history.csv" for where in ("here", "there"))
    assert here.read_bytes() == there.read_bytes()


def test_ctrl_c_ends_a_studys_processes_and_it_goes_on_to_the_rows_of_a_whole_run(tmp_path):
    words = [sys.executable, "-m", "numpyfa", "reproduce", "align-then-memorise", "--quick", "--seeds", "4"]
    out = tmp_path / "parts"
    process = subprocess.Popen([*words, "--out", str(out)], stderr=subprocess.PIPE, text=True, start_new_session=True)
    deadline = time.monotonic() + 60
    while len(list(out.glob("parts/job-*.json"))) < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGINT)
    _, error = process.communicate(timeout=60)
    assert process.returncode == 130 and "--resume" in error and "Traceback" not in error, error
    assert not (out / "summary.json").exists() and not list(out.rglob("*.part"))
    subprocess.run([*words, "--out", str(out), "--resume"], check=True, capture_output=True)
    subprocess.run([*words, "--out", str(tmp_path / "whole")], check=True, capture_output=True)
    assert (out / "history.csv").read_bytes() == (tmp_path / "whole" / "history.csv").read_bytes()


@pytest.mark.parametrize("name", NAMES)
def test_a_study_goes_on_only_with_its_own_settings_and_seeds(name, tiny, tmp_path, capsys):
    out = tmp_path / "run"
    assert cli.main(["reproduce", name, "--seeds", "2", "--out", str(out)]) == 0
    capsys.readouterr()
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    assert "holds a run already" in refused(capsys, "reproduce", name, "--seeds", 2, "--out", out)
    for seeds in (1, 3):
        line = refused(capsys, "reproduce", name, "--seeds", seeds, "--out", out, "--resume")
        assert f"another seeds 2 (now {seeds})" in line
    other = "pfa-angle" if name != "pfa-angle" else "kolen-pollack"
    assert f"holds the run '{name}', not '{other}'" in refused(capsys, "reproduce", other, "--out", out, "--resume")
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before


def test_what_is_damaged_or_not_ours_is_neither_used_nor_removed(tiny, tmp_path, capsys):
    out, name = tmp_path / "run", "align-then-memorise"
    (out / "parts").mkdir(parents=True)
    (out / "parts" / "mine.json").write_text("{}")
    assert cli.main(["reproduce", name, "--out", str(out)]) == 0
    heat = (out / "parts" / "job-heat.json").read_text()
    for damage in ("{", "{}", "[]", "[{}]", heat.replace('"t": 5', '"t": 6')):
        (out / "parts" / "job-heat.json").write_text(damage)
        capsys.readouterr()
        assert "job-heat.json is damaged" in refused(capsys, "reproduce", name, "--out", out, "--resume")
    for damage in ("{", "[]", '{"experiment": "align-then-memorise"}'):
        (out / "protocol.json").write_text(damage)
        assert "protocol.json is missing or damaged" in refused(capsys, "reproduce", name, "--out", out, "--resume")
    assert cli.main(["reproduce", name, "--out", str(out), "--force"]) == 0
    assert (out / "parts" / "mine.json").read_text() == "{}"


def test_a_study_and_a_training_run_do_not_touch_each_others_folders(tiny, tmp_path, capsys, mini):
    """Not even when the first was interrupted, and --force leaves nothing of the other kind behind."""
    digits, part = tmp_path / "digits.npz", mini.part(60, 20)
    np.savez(digits, x_train=part.x_train, y_train=part.y_train, x_test=part.x_test, y_test=part.y_test)
    of_study = ["reproduce", "kolen-pollack", "--out"]
    of_training = ["train", "--net", "784-5-10", "--data", str(digits), "--epochs", "1", "--out"]
    for first, second in ((of_study, of_training), (of_training, of_study)):
        out = tmp_path / first[0]
        assert cli.main([*first, str(out)]) == 0
        for name in ("history.csv", "summary.json", "figure.png"):  # as if it had been interrupted
            (out / name).unlink()
        capsys.readouterr()
        kept = (out / "protocol.json").read_bytes()
        assert "holds a run already" in refused(capsys, *second, out)
        assert "holds the run" in refused(capsys, *second, out, "--resume")
        assert (out / "protocol.json").read_bytes() == kept
        assert cli.main([*first, str(out), "--resume"]) == 0
        assert cli.main([*second, str(out), "--force"]) == 0
        assert bool(list(out.glob("parts/*"))) != bool(list(out.glob("checkpoints/*")))


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


def test_a_verdict_on_stability_depends_on_where_the_stable_cases_lie():
    def case(cosine, least, solution="bp", kind="random"):
        return {"cosine": cosine, "least": least, "solution": solution, "kind": kind}

    own = case(0.6, 0.1, "fa", "own")
    _, found, verdict = fixed_points.stability([own, case(0.1, -1), case(0.3, -2), case(0.5, 1, kind="mixed")])
    assert verdict == "yes" and "2 random B: cosine 0.1 to 0.3, 2 unstable" in found and "from 0.50" in found
    assert fixed_points.stability([own, case(0.1, 1), case(0.3, -2)])[2] == "in part: the two overlap"


def test_a_verdict_on_pushes_asks_both_solutions():
    def rows(bp, fa):
        pairs = [(solution, learn) for solution in ("bp", "fa") for learn in ("both", "hidden")]
        losses = {"bp": bp, "fa": fa}
        return [{"solution": a, "learn": b, "seed": 0, "loss": loss} for a, b in pairs for loss in losses[a]]

    assert fixed_points.pushes(rows([1, 5, 2], [1, 0.5]))[2] == "yes"
    assert fixed_points.pushes(rows([1, 0.9], [1, 0.5]))[2] == "no"
    assert fixed_points.pushes(rows([1, 5, 2], [1, 1.5]))[2] == "no"


def test_a_verdict_on_extrema_compares_the_gradient_with_the_update():
    def rows(gradient):
        return [{"hidden": hidden, "step": step, "update": 1e-3, "gradient": gradient, "loss": 1.0}
                for hidden in (40, 5) for step in (1, 2)]  # fmt: skip

    both = [fixed_points.extrema({"hidden": 40, "narrow": 5}, rows(gradient)) for gradient in (2e-3, 0.5)]
    assert [[verdict for *_, verdict in claims] for claims in both] == [["yes", "yes"], ["no", "no"]]


def test_verdicts_on_scales_name_the_nets_that_decide_them():
    def net(sB, cosine, error):
        return {"rule": "fa", "sW": 1, "sB": sB, "lr": 0.1, "cosine": cosine, "test_error": error}

    necessary, enough = fixed_points.scale_claims([net(1, 0.7, 10), net(2, 0.1, 11), net(3, 0.9, 30)])
    assert necessary[2] == "no" and "sB 2" in necessary[1]
    assert enough[2] == "yes" and "sB 3" in enough[1]
    necessary, enough = fixed_points.scale_claims([net(1, 0.7, 10), net(2, 0.1, 30)])
    assert necessary[2] == "not refuted" and enough[2] == "no"


def test_a_switch_breaks_what_was_learned_if_the_loss_rises_whatever_it_comes_to_in_the_end():
    def rows(**courses):
        return [{"first": pair[:2], "then": pair[3:], "epoch": epoch, "loss": loss, "cosine": -0.1}
                for pair, course in courses.items() for epoch, loss in enumerate(course)]  # fmt: skip

    others = {"bp_bp": [3, 2, 1, 0.6, 0.5], "bp_shallow": [3, 2, 1, 0.9, 0.8]}
    drives, breaks = fixed_points.switches(2, rows(bp_fa=[3, 2, 1, 4, 0.5], fa_bp=[3, 2, 1, 0.9, 0.5], **others))
    assert drives[2] == "yes" and breaks[2] == "yes" and "0.50 under fa" in drives[1] and "4.00" in breaks[1]
    drives, breaks = fixed_points.switches(2, rows(bp_fa=[3, 2, 1, 1, 1.2], fa_bp=[3, 2, 1, 2, 0.1], **others))
    assert drives[2] == "no" and breaks[2] == "no"


def test_a_random_walk_has_a_power_of_one_half_and_is_told_from_bp():
    def rows(fa_power, bp_power):
        steps, powers = (2, 10, 50, 100, 300, 500, 4000), {"fa": fa_power, "bp": bp_power}
        pairs = [(rule, step) for rule in powers for step in steps]
        return [{"rule": r, "step": step, "distance": step ** powers[r], "to_last_update": 0.0} for r, step in pairs]

    assert "FA 0.50 (0.00), 0.50" in fixed_points.random_walk(rows(0.5, 0.9))[1]
    assert fixed_points.random_walk(rows(0.5, 0.9))[2] == "not decided"
    assert fixed_points.random_walk(rows(0.5, 0.55))[2].startswith("not shown")


def test_the_deviation_in_the_table_is_of_simulation_from_theory(tiny):
    """At t = 0 both are the same to rounding, and later a finite N is off by something of order 1 / sqrt N."""
    rows = EXPERIMENTS["student-teacher"].work(EXPERIMENTS["student-teacher"].settings, "fa", 0)
    simulated = study.pick(rows, part="simulation")
    assert max(row["deviation"] for row in simulated if row["t"] == 0) < 1e-12
    assert 0.001 < max(row["deviation"] for row in simulated) < 5 / 50**0.5
    assert {row["seed"] for row in simulated} == {0, 1}
