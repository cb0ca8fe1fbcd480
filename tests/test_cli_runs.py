"""The command line on real runs: a rule's own options, the list of runs, what is told at the end."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import numpyfa as fa
from numpyfa import cli
from numpyfa.lab import folder

pytestmark = pytest.mark.usefixtures("unrendered")
FIGURES = Path(__file__).parents[1] / "figures"


@pytest.fixture
def npz(tmp_path, mini):
    part = mini.part(100, 50)
    path = tmp_path / "digits.npz"
    np.savez(path, x_train=part.x_train, y_train=part.y_train, x_test=part.x_test, y_test=part.y_test)
    return str(path)


@pytest.fixture
def listed(capsys):
    """A function that lists a folder of runs: {name: the rest of its line}."""

    def run(folder):
        capsys.readouterr()
        assert cli.main(["runs", str(folder)]) == 0
        lines = [line.partition(" ") for line in capsys.readouterr().out.splitlines()[1:]]
        return {name.rpartition("/")[2]: rest.strip() for name, _, rest in lines}

    return run


def test_rules_with_options_run_resume_and_are_listed(npz, tmp_path, capsys, in_this_process, listed):
    words = ["train", "--net", "784-20-10-10", "--data", npz, "--decay", "1e-3"]
    rules = ["--rule", "bp,pfa", "--rule", "pfa:orthogonal=true,expansion=1", "--out", str(tmp_path / "runs" / "a")]
    assert cli.main([*words, *rules, "--epochs", "1"]) == 0
    assert cli.main([*words, *rules, "--epochs", "2", "--resume"]) == 0
    printed, said = capsys.readouterr()
    assert "pfa:expansion=1,orthogonal=true, seed 0: epoch 2 of 2" in said and "Warning" not in said
    assert re.search(r"^pfa:expansion=1,orthogonal=true +\d", printed, re.M)

    command = re.findall(r'docs/after-training.md goes on in Python: net = fa.load_net\("(.*)"\)', printed)[-1]
    assert str(fa.load_net(command)).startswith("Network of 3 layers")
    words = ["train", "--net", "784-20-10-10", "--data", npz, "--decay", "1e-3", "--epochs", "2"]
    assert cli.main([*words, "--rule", "pfa-o", "--out", str(tmp_path / "runs" / "b")]) == 0
    a, b = (fa.checkpoint.read(tmp_path / "runs" / path)[0]["net/2.W"] for path in
            ("a/checkpoints/pfa,expansion=1,orthogonal=true-seed0.npz", "b/checkpoints/pfa-o-seed0.npz"))  # fmt: skip
    assert np.array_equal(a, b), "pfa-o is pfa with these options"

    found = listed(tmp_path / "runs")
    assert list(found) == ["a", "b"]
    pattern = r"784-20-10-10-digits +1 +2 of 2 epochs +finished +bp [\d.]+ \([\d.]+\), pfa [\d.]+ \(.*, pfa:expansion=1"
    assert re.match(pattern, found["a"]), found
    for part in (tmp_path / "runs" / "a" / "parts").iterdir():
        part.unlink()
    assert " resumable " in listed(tmp_path / "runs")["a"]
    (tmp_path / "runs" / "b" / "protocol.json").write_text("{")
    assert "damaged: " in listed(tmp_path / "runs")["b"]
    assert " results only " in listed(FIGURES / "mnist-1000-10")["mnist-1000-10"]


def test_a_run_with_adam_for_the_feedback_resumes_to_the_same_numbers_and_to_no_other(
    npz, tmp_path, capfd, in_this_process, refused
):
    words = ["train", "--net", "784-20-10", "--data", npz, "--rule", "bp,dkp", "--decay", "1e-3", "--batch-size", "20"]
    second = ["--feedback-optimizer", "adam", "--feedback-lr", "0.001", "--feedback-decay", "1e-6"]
    for out, epochs, more in (("a", "3", []), ("b", "1", []), ("b", "3", ["--resume"])):
        assert cli.main([*words, *second, "--epochs", epochs, "--out", str(tmp_path / out), *more]) == 0
    printed, said = capfd.readouterr()
    assert "learning rate 0.1, of the feedback 0.001 by adam, 1 seed" in printed and "arning" not in said
    a, b = ((tmp_path / out / "history.csv").read_text() for out in "ab")
    assert a == b and a.count("dkp") == 4
    settings = json.loads((tmp_path / "a" / "summary.json").read_text())["settings"]
    assert [settings[f"feedback_{key}"] for key in ("optimizer", "lr", "momentum", "decay")] == [
        "adam", 0.001, None, 1e-6]  # fmt: skip

    assert cli.main([*words, "--epochs", "3", "--out", str(tmp_path / "one")]) == 0
    one, two = (
        {rule: fa.checkpoint.read(tmp_path / out / "checkpoints" / f"{rule}-seed0.npz") for rule in ("bp", "dkp")}
        for out in ("one", "a")
    )
    assert np.array_equal(one["bp"][0]["net/1.W"], two["bp"][0]["net/1.W"]), "bp trains as ever beside dkp"
    assert not np.array_equal(one["dkp"][0]["feedback/1.B"], two["dkp"][0]["feedback/1.B"])
    assert two["dkp"][1]["step"] == two["dkp"][1]["feedback step"] == 15 and two["bp"][1]["feedback step"] is None
    assert {name for name in two["dkp"][0] if "optimizer/" in name} == {
        "feedback_optimizer/feedback.1.B.m", "feedback_optimizer/feedback.1.B.s"}  # fmt: skip

    for change, message in (
        ([], r"another feedback_optimizer adam \(now None\), feedback_lr 0.001 \(now None\)"),
        ([*second[:3], "0.002", *second[4:]], r"another feedback_lr 0.001 \(now 0.002\)"),
        (second[:4], r"another feedback_decay 1e-06 \(now None\)"),
    ):
        line = refused(*words, *change, "--epochs", "3", "--out", tmp_path / "a", "--resume")
        assert re.search(message, line), line


def test_a_run_from_before_5_of_the_settings_is_refused_by_their_names(npz, tmp_path, in_this_process, refused):
    words = ["train", "--net", "784-10", "--data", npz, "--epochs", "1", "--out", str(tmp_path / "run")]
    assert cli.main(words) == 0
    path = tmp_path / "run" / "protocol.json"
    record = folder.read_sealed(path)
    own = {key: value for key, value in record["settings"].items() if not key.startswith("feedback_")}
    folder.write_sealed(path, record | {"settings": own})
    names = "feedback_optimizer, feedback_lr, feedback_momentum, feedback_decay, feedback_schedule"
    assert f"holds a run of an earlier version, without {names}: go on with that" in refused(*words, "--resume")


def test_kp_with_adam_for_the_feedback_runs_and_is_warned_of_in_one_line(npz, tmp_path):
    words = ["train", "--net", "784-20-10", "--data", npz, "--rule", "kp", "--decay", "1e-3", "--epochs", "1"]
    second = ["--feedback-optimizer", "adam", "--feedback-lr", "0.001", "--out", str(tmp_path / "run")]
    command = [sys.executable, "-m", "numpyfa", *words, *second]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "0.1, of the feedback 0.001 by adam" in done.stdout, done.stderr
    warning = "numpyfa: warning: kp: its law asks for feedback that takes the updates of W's own optimiser; leave"
    assert done.stderr.count("arning") == 1 and warning in done.stderr


DAMAGES = {
    "nothing in the record": lambda run: (run / "protocol.json").write_text(""),
    "a number flipped": lambda run: flip(run / "protocol.json", b'"seeds": 1', b'"seeds": 2'),
    "a part cut": lambda run: cut(next(run.glob("parts/*"))),
    "a part that is a folder": lambda run: replace(next(run.glob("parts/*"))),
    "no part, a checkpoint cut": lambda run: (shutil.rmtree(run / "parts"), cut(next(run.glob("checkpoints/*")))),
    "no record, a broken summary": lambda run: ((run / "protocol.json").unlink(), cut(run / "summary.json")),
}  # fmt: skip


def flip(path, before, after):
    path.write_bytes(path.read_bytes().replace(before, after))


def cut(path):
    path.write_bytes(path.read_bytes()[:40])


def replace(path):
    path.unlink()
    path.mkdir()


def test_each_of_6_damages_is_listed_as_damaged_beside_a_whole_run(npz, tmp_path, in_this_process, listed):
    whole = tmp_path / "runs" / "whole"
    assert cli.main(["train", "--net", "784-10", "--data", npz, "--epochs", "1", "--out", str(whole)]) == 0
    for name, damage in DAMAGES.items():
        damage(shutil.copytree(whole, tmp_path / "runs" / name.replace(" ", "-")))
    (tmp_path / "runs" / "no-run").mkdir()
    found = listed(tmp_path / "runs")
    assert " finished " in found.pop("whole") and len(found) == 6
    assert all(rest.startswith("damaged: ") for rest in found.values()), found


def test_of_a_run_and_its_replacement_one_is_listed_as_running(npz, tmp_path, in_this_process, listed):
    old = tmp_path / "runs" / "a"
    assert cli.main(["train", "--net", "784-10", "--data", npz, "--epochs", "1", "--out", str(old)]) == 0
    with folder.locked(old):
        assert " running " in listed(tmp_path / "runs")["a"]
        (old / ".new").mkdir()
        shutil.copy(old / "protocol.json", old / ".new")
        found = listed(tmp_path / "runs")
    assert " finished " in found["a"] and " running " in found[".new"]


@pytest.mark.parametrize("words", [["rules"], ["train", "--net", "784-10", "--rule", "kp", "--epochs", "1"]])
def test_a_notebooks_backend_breaks_no_command_and_warnings_name_no_file(words, npz, tmp_path):
    environment = os.environ | {"MPLBACKEND": "module://matplotlib_inline.not_installed"}
    more = ["--data", npz, "--out", str(tmp_path / "run")] if words[0] == "train" else []
    command = [sys.executable, "-m", "numpyfa", *words, *more]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    if more:
        assert (tmp_path / "run" / "figure.png").read_bytes().startswith(b"\x89PNG")
        warning = "numpyfa: warning: kp: without a decay the gap B - W^T never shrinks; set one, such as 1e-4\n"
        assert done.stderr.count("arning") == 1 and warning in done.stderr


def test_a_job_that_fails_leaves_no_semaphore_and_one_line(npz, tmp_path):
    command = [
        "train",
        "--net",
        "784-10",
        "--lr",
        "1e30",
        "--loss",
        "squared",
        "--data",
        npz,
        "--out",
        str(tmp_path / "run"),
    ]
    done = subprocess.run([sys.executable, "-m", "numpyfa", *command], capture_output=True, text=True, check=False)
    lines = [line for line in done.stderr.splitlines() if ": epoch " not in line]
    assert done.returncode == 2 and len(lines) == 1 and "the loss is not finite" in lines[0], done.stderr
