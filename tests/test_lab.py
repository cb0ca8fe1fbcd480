"""Runs: what they write, refuse, resume and leave behind; and the main job from end to end."""

import csv
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import numpyfa as fa
from numpyfa import cli
from numpyfa.lab import folder, progress, run, training
from numpyfa.lab.protocol import Protocol, build
from numpyfa.papers import EXPERIMENTS

pytestmark = pytest.mark.usefixtures("unrendered")
NETS = [name for name, each in EXPERIMENTS.items() if each.begun]
STUDY = "kolen-pollack"
TINY = {
    "seeds": 1,
    "examples": 40,
    "epochs": 1,
    "cases": {name: case for name, case in EXPERIMENTS[STUDY].settings["cases"].items() if case[0] == "sgd"},
}


@pytest.fixture
def npz(tmp_path, mini):
    """A data set of 300 + 100 MNIST digits, as a user's file."""
    path = tmp_path / "digits.npz"
    part = mini.part(300, 100)
    np.savez(path, x_train=part.x_train, y_train=part.y_train, x_test=part.x_test, y_test=part.y_test)
    return path


@pytest.fixture
def study(monkeypatch):
    """A study of three jobs of a moment each, and the words that run it."""
    small = replace(EXPERIMENTS[STUDY], settings=EXPERIMENTS[STUDY].settings | TINY)
    monkeypatch.setitem(EXPERIMENTS, STUDY, small)
    return ["reproduce", STUDY, "--out"]


def train(npz, out, *more, net="784-20-10", rule="fa", epochs=2):
    """The arguments of a short training run."""
    words = ["train", "--net", net, "--rule", rule, "--data", npz, "--epochs", epochs, "--out", out, *more]
    return [str(word) for word in words]


def start(words, **options):
    """A run in a process of its own, and all that it starts."""
    return subprocess.Popen(
        [sys.executable, "-m", "numpyfa", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True, **options,
    )  # fmt: skip


def wait_for(condition):
    deadline = time.monotonic() + 60
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert condition()


def content(out):
    """Every file below and its bytes."""
    return {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}


def history(out):
    return list(csv.DictReader((out / "history.csv").read_text().splitlines()))


def test_the_main_job_in_short_writes_all_it_promises(tmp_path, capsys, rendered):
    out = tmp_path / "run"
    words = ["reproduce", "mnist-200-80-10", "--epochs", "1", "--seeds", "2", "--examples", "6000", "--out", str(out)]
    assert cli.main(words) == 0
    printed = capsys.readouterr().out
    assert re.search(r"^bp +\d+\.\d\d \(\d+\.\d\d\) +\d+\.\d\d \(\d+\.\d\d\)", printed, re.M)
    assert "learning rate 0.16, mean (s.d.) over 2 seeds" in printed and "parts and checkpoints are in" in printed

    rows = history(out)
    assert list(rows[0])[:6] == ["rule", "seed", "epoch", "train_error", "test_error", "loss"]
    assert {"angle_1", "angle_2"} <= set(rows[0]) and len(rows) == 2 * 2 * 2
    starts = {(row["rule"], row["seed"]): row["test_error"] for row in rows if row["epoch"] == "0"}
    assert starts["bp", "0"] == starts["fa", "0"] != starts["bp", "1"], "BP and FA start from the same weights"

    summary = json.loads((out / "summary.json").read_text())
    assert summary["experiment"] == "mnist-200-80-10" and summary["settings"]["lr"] == 0.16
    assert [row["rule"] for row in summary["rows"]] == ["bp", "fa"] and summary["seconds"] > 0
    for row in summary["rows"]:
        finals = [float(r["test_error"]) for r in rows if r["rule"] == row["rule"] and r["epoch"] == "1"]
        assert row["test_error"] == pytest.approx(np.mean(finals)) and row["test_error"] < 60
        assert row["test_error_sd"] == pytest.approx(np.std(finals, ddof=1))
        assert {"train_error", "train_error_sd"} <= set(row)
    assert (out / "figure.png").read_bytes().startswith(b"\x89PNG") and b"<svg" in (out / "figure.svg").read_bytes()
    assert len(list((out / "checkpoints").glob("*.npz"))) == len(list((out / "parts").glob("*.json"))) == 4
    assert not list(out.rglob("*.part"))


# Interrupted runs


@pytest.mark.parametrize("number, status", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_run_says_how_to_go_on_and_resumes_to_the_same_bits(tmp_path, npz, number, status):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    words = train(npz, parts, rule="bp,fa", epochs=300)
    process = start(words)
    wait_for(lambda: list(parts.glob("checkpoints/*.npz")))
    if number == signal.SIGINT:
        os.killpg(process.pid, number)  # as a terminal does: to the workers too
    else:
        process.send_signal(number)
    _, error = process.communicate(timeout=60)
    assert process.returncode == status and "--resume" in error and "Traceback" not in error, error
    assert not list(parts.rglob("*.part")) and not (parts / "summary.json").exists()
    assert len(history(parts)) >= 2, "the epochs that were done are in the table"

    epochs = 2 + max(int(row["epoch"]) for row in history(parts))
    words = train(npz, parts, rule="bp,fa", epochs=epochs)
    assert cli.main([*words, "--resume"]) == 0
    assert cli.main(train(npz, whole, rule="bp,fa", epochs=epochs)) == 0
    assert (parts / "history.csv").read_bytes() == (whole / "history.csv").read_bytes()
    for path in (whole / "checkpoints").iterdir():
        a, b = (np.load(folder / "checkpoints" / path.name) for folder in (whole, parts))
        assert all(np.array_equal(a[name], b[name]) for name in a.files if name != "meta")


def test_a_study_that_was_interrupted_does_only_the_jobs_that_are_missing(
    study, in_this_process, tmp_path, monkeypatch
):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    assert cli.main([*study, str(whole)]) == 0
    ready, done = EXPERIMENTS[STUDY], []

    def stop_at_third(settings, *job):
        if len(done) == 2:
            raise KeyboardInterrupt
        done.append(job)
        return ready.work(settings, *job)

    monkeypatch.setitem(EXPERIMENTS, STUDY, replace(ready, work=stop_at_third))
    with pytest.raises(SystemExit) as stopped:
        cli.main([*study, str(parts)])
    assert stopped.value.code == 130 and len(list(parts.glob("parts/*.json"))) == 2
    assert not (parts / "summary.json").exists()

    done.clear()
    count = replace(ready, work=lambda settings, *job: done.append(job) or ready.work(settings, *job))
    monkeypatch.setitem(EXPERIMENTS, STUDY, count)
    assert cli.main([*study, str(parts), "--resume"]) == 0
    assert len(done) == 1
    assert (parts / "history.csv").read_bytes() == (whole / "history.csv").read_bytes()


def test_a_study_in_processes_of_its_own_gives_the_same_rows(study, tmp_path, request):
    small = EXPERIMENTS[STUDY]
    run.run(small, small.settings, tmp_path / "there")
    request.getfixturevalue("in_this_process")
    run.run(small, small.settings, tmp_path / "here")
    here, there = (tmp_path / where / "history.csv" for where in ("here", "there"))
    assert here.read_bytes() == there.read_bytes()


def processes_of(session):
    """The processes that a session still has, but for those that have ended."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            words = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(words[3]) == session and words[0] != "Z":
            found.append(stat.parent.name)
    return found


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks for processes in /proc")
def test_a_killed_run_leaves_no_process_and_no_open_pipe_after_5_seconds(tmp_path, npz):
    process = start(train(npz, tmp_path / "run", "--seeds", "2", epochs=3000))
    wait_for(lambda: len(list((tmp_path / "run").glob("checkpoints/*.npz"))) == 2)  # both processes are at work
    process.kill()
    process.communicate(timeout=5)  # raises if a worker still holds the pipe
    deadline = time.monotonic() + 5
    while processes_of(process.pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert processes_of(process.pid) == []


# Resuming


def test_a_finished_run_can_be_extended_to_more_epochs_seeds_and_rules(tmp_path, npz, in_this_process):
    a, whole = tmp_path / "a", tmp_path / "whole"
    assert cli.main(train(npz, a, epochs=1)) == 0
    assert cli.main(train(npz, a, "--seeds", "2", "--resume", rule="fa,dfa", epochs=3)) == 0
    assert cli.main(train(npz, whole, "--seeds", "2", rule="fa,dfa", epochs=3)) == 0
    assert len(list((a / "checkpoints").iterdir())) == 4
    assert (a / "history.csv").read_bytes() == (whole / "history.csv").read_bytes()


def test_an_existing_run_is_kept_unless_told_otherwise(tmp_path, npz, refused, in_this_process):
    out = tmp_path / "run"
    assert cli.main(train(npz, out)) == 0
    before = content(out)
    assert "--resume" in refused(*train(npz, out))
    assert "another lr 0.1 (now 0.2)" in refused(*train(npz, out, "--lr", "0.2", "--resume"))
    assert "2 epochs of fa 0, more than the 1 asked for" in refused(*train(npz, out, "--resume", epochs=1))
    (out / "parts" / "job-fa-0.json").unlink()
    assert "2 epochs of fa 0, more than the 1 asked for" in refused(*train(npz, out, "--resume", epochs=1))
    assert "learning rate" in refused(*train(npz, out, "--lr", "-1", "--force"))
    assert cli.main(train(npz, out, "--resume")) == 0
    assert content(out).keys() == before.keys()
    assert (out / "history.csv").read_bytes() == before[out / "history.csv"]


@pytest.mark.parametrize("seeds", [1, 3])
def test_a_study_goes_on_only_with_its_own_settings(study, tmp_path, refused, in_this_process, seeds):
    out = tmp_path / "run"
    assert cli.main([*study, str(out), "--seeds", "2"]) == 0
    before = content(out)
    assert "holds a run already" in refused(*study, out, "--seeds", 2)
    assert f"another seeds 2 (now {seeds})" in refused(*study, out, "--seeds", seeds, "--resume")
    assert f"holds the run '{STUDY}', not 'pfa-angle'" in refused("reproduce", "pfa-angle", "--out", out, "--resume")
    assert content(out) == before


def test_a_study_and_a_training_run_do_not_touch_each_others_folders(study, tmp_path, refused, npz, in_this_process):
    """Not even when the first was interrupted, and --force leaves nothing of the other kind behind."""
    of_training = ["train", "--net", "784-5-10", "--data", str(npz), "--epochs", "1", "--out"]
    for first, second in ((study, of_training), (of_training, study)):
        out = tmp_path / first[0]
        assert cli.main([*first, str(out)]) == 0
        for name in folder.RESULTS:  # as if it had been interrupted
            (out / name).unlink()
        kept = (out / "protocol.json").read_bytes()
        assert "holds a run already" in refused(*second, out)
        assert "holds the run" in refused(*second, out, "--resume")
        assert (out / "protocol.json").read_bytes() == kept
        assert cli.main([*first, str(out), "--resume"]) == 0
        assert cli.main([*second, str(out), "--force"]) == 0
        assert bool(list(out.glob("checkpoints/*"))) == (second is of_training)


def test_resuming_with_less_or_where_nothing_is_loses_nothing(tmp_path, npz, refused, in_this_process):
    out = tmp_path / "run"
    assert cli.main(train(npz, out, "--seeds", "2", rule="bp,fa")) == 0
    before = (out / "history.csv").read_bytes()
    held = "a run of rules bp,fa and seeds 2: ask for at least these"
    assert held in refused(*train(npz, out, "--seeds", "2", "--resume", rule="fa"))
    assert held in refused(*train(npz, out, "--resume", rule="bp,fa"))
    assert (out / "history.csv").read_bytes() == before
    assert "holds no run" in refused(*train(npz, tmp_path / "typo", "--resume"))


def test_changed_data_cannot_be_resumed(tmp_path, npz, refused, in_this_process):
    out = tmp_path / "run"
    assert cli.main(train(npz, out)) == 0
    arrays = dict(np.load(npz))
    np.savez(npz, **(arrays | {"x_train": 255 - arrays["x_train"]}))
    assert "another fingerprint" in refused(*train(npz, out, "--resume", epochs=3))


def test_a_folder_in_use_is_refused(tmp_path, npz, refused):
    with folder.locked(tmp_path / "run"):
        assert "another run is writing" in refused(*train(npz, tmp_path / "run"))
        assert "another run is writing" in refused(*train(npz, tmp_path / "run", "--force"))


def test_augmented_and_standardised_training_resumes_to_the_same_numbers(tmp_path, in_this_process):
    x = np.random.default_rng(0).integers(0, 255, (60, 8, 8, 1), dtype=np.uint8)
    np.savez(tmp_path / "d.npz", x_train=x, y_train=np.arange(60) % 3, x_test=x[:9], y_test=np.arange(9) % 3)
    flags = ["--augment", "--standardise", "--burst", "0.1", "--decay", "0.01", "--decoupled", "--validation", "10"]
    base = ["train", "--net", "resnet8", "--rule", "kp", "--data", str(tmp_path / "d.npz"), "--batch-size", "8", *flags]
    assert cli.main([*base, "--epochs", "3", "--out", str(tmp_path / "a")]) == 0
    assert cli.main([*base, "--epochs", "1", "--out", str(tmp_path / "b")]) == 0
    assert cli.main([*base, "--epochs", "3", "--out", str(tmp_path / "b"), "--resume"]) == 0
    assert (tmp_path / "a" / "history.csv").read_text() == (tmp_path / "b" / "history.csv").read_text()


def test_a_run_whose_learning_rate_drops_cannot_be_given_more_epochs(tmp_path, npz, in_this_process):
    protocol = Protocol(net="784-3-10", data=str(npz), epochs=4, seeds=1, drops=(0.5,))
    dropping = training.training("drops", protocol)
    run.run(dropping, dropping.settings, tmp_path / "run")
    with pytest.raises(fa.InputError, match=r"another epochs 4 \(now 5\)"):
        run.run(dropping, dropping.settings | {"epochs": 5}, tmp_path / "run", resume=True)
    *_, optimizer, _ = build(protocol, "bp", 0, fa.load(str(npz)))
    batches = -(-300 // protocol.batch_size)
    assert [optimizer.lr(step) for step in (0, 2 * batches - 1, 2 * batches)] == pytest.approx([0.1, 0.1, 0.01])


def test_going_on_under_another_numpy_is_said_and_both_machines_are_recorded(
    study, tmp_path, capsys, in_this_process, monkeypatch
):
    out, here = tmp_path / "run", run.machine()
    assert cli.main([*study, str(out)]) == 0
    monkeypatch.setattr(run, "machine", lambda: here | {"cores": 99})
    (out / "parts" / "job-SGD, no decay-0.json").unlink()
    capsys.readouterr()
    assert cli.main([*study, str(out), "--resume"]) == 0
    assert "begun with" not in capsys.readouterr().err, "the number of cores changes no number"
    monkeypatch.setattr(run, "machine", lambda: here | {"numpy": "9.9"})
    assert cli.main([*study, str(out), "--resume"]) == 0
    assert f"numpyfa: the run was begun with numpy {np.__version__} (now 9.9)" in capsys.readouterr().err
    for name in ("protocol.json", "summary.json"):
        machines = json.loads((out / name).read_text())["machines"]
        assert [each["numpy"] for each in machines] == [np.__version__, "9.9"]


# Replacing


def test_force_replaces_a_run_and_spares_what_is_not_its_own(tmp_path, npz, in_this_process):
    out = tmp_path / "run"
    assert cli.main(train(npz, out, rule="bp,fa")) == 0
    mine = [out / "notes.txt", out / "checkpoints" / "mine.npz", out / "parts" / "mine.json"]
    for path in mine:
        path.write_text("mine")
    assert cli.main(train(npz, out, "--force", "--lr", "0.2", epochs=1)) == 0
    assert all(path.read_text() == "mine" for path in mine)
    assert json.loads((out / "summary.json").read_text())["settings"]["lr"] == 0.2
    assert {path.name for path in out.glob("parts/job*")} == {"job-fa-0.json"}
    assert {path.name for path in out.glob("checkpoints/*seed*")} == {"fa-seed0.npz"}
    assert not (out / ".new").exists()


def test_a_run_that_is_to_be_replaced_stays_until_the_new_one_is_done(tmp_path, npz, in_this_process, monkeypatch):
    out = tmp_path / "run"
    assert cli.main(train(npz, out)) == 0
    before = content(out)
    save, calls = training.checkpoint.save, []

    def stop_at_second(*arguments):
        calls.append(save(*arguments))
        if len(calls) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(training.checkpoint, "save", stop_at_second)
    with pytest.raises(SystemExit):
        cli.main(train(npz, out, "--lr", "0.2", "--force", epochs=3))
    assert before.items() <= content(out).items()
    monkeypatch.setattr(training.checkpoint, "save", save)
    assert cli.main(train(npz, out, "--lr", "0.2", "--resume", epochs=3)) == 0
    assert cli.main(train(npz, tmp_path / "whole", "--lr", "0.2", epochs=3)) == 0
    assert (out / "history.csv").read_bytes() == (tmp_path / "whole" / "history.csv").read_bytes()
    assert not (out / ".new").exists()


def test_a_replacement_that_is_cut_off_while_it_takes_its_place_is_finished_by_the_next_command(
    study, tmp_path, in_this_process
):
    old, new = tmp_path / "old", tmp_path / "new"
    assert cli.main([*study, str(old), "--seeds", "2"]) == 0 and cli.main([*study, str(new)]) == 0
    (new / ".lock").unlink()
    for name in (".done", ".moving"):
        out = tmp_path / name[1:]
        shutil.copytree(old, out)
        shutil.copytree(new, out / name)
        if name == ".moving":  # what was there is gone, and one file has moved
            for path in folder.ours(out):
                path.unlink()
            (out / name / "history.csv").replace(out / "history.csv")
        assert cli.main([*study, str(out), "--resume"]) == 0
        assert {path.name for path in folder.ours(out)} == {path.name for path in folder.ours(new)}
        assert (out / "history.csv").read_bytes() == (new / "history.csv").read_bytes()


# Damage


def test_every_flipped_bit_of_a_part_or_a_protocol_is_noticed_or_changes_nothing(study, tmp_path, in_this_process):
    out, small = tmp_path / "run", EXPERIMENTS[STUDY]
    run.run(small, small.settings, out)
    job = ("SGD, no decay", 0)
    about = folder.identity(small, small.settings, {})
    right = folder.read_part(out, job, about), folder.compare(out, small, small.settings, {})
    noticed = 0
    for path in (folder.part(out, job), out / "protocol.json"):
        whole = path.read_bytes()
        for place in range(0, len(whole), 3):
            path.write_bytes(whole[:place] + bytes([whole[place] ^ 1 << place % 8]) + whole[place + 1 :])
            try:
                found = folder.read_part(out, job, about), folder.compare(out, small, small.settings, {})
                assert found == right, f"byte {place} of {path.name}"
            except fa.InputError:
                noticed += 1
        path.write_bytes(whole)
    assert noticed > 300


def test_what_is_damaged_or_in_anothers_place_is_one_line_and_what_is_not_ours_is_let_be(
    study, tmp_path, refused, in_this_process
):
    out = tmp_path / "run"
    (out / "parts").mkdir(parents=True)
    (out / "parts" / "mine.json").write_text("{}")
    assert cli.main([*study, str(out)]) == 0
    first, second = sorted((out / "parts").glob("job*"))[:2]
    whole, protocol = first.read_text(), (out / "protocol.json").read_text()
    number = re.search(r'"gap": 0\.(\d)', whole)
    for damage in ("", "{", "{}", "[]", "[{}]", whole[:-20], second.read_text(),
                   whole[: number.start(1)] + "1" + whole[number.end(1) :].replace("0", "1", 1)):  # fmt: skip
        first.write_text(damage)
        assert f"{first.name} is damaged" in refused(*study, out, "--resume")
    first.write_text(whole)
    for damage in ("{", "[]", '{"experiment": "kolen-pollack"}', protocol.replace('"seeds": 1', '"seeds": 2')):
        (out / "protocol.json").write_text(damage)
        assert "protocol.json is missing or damaged" in refused(*study, out, "--resume")
    (out / "protocol.json").unlink()
    assert "protocol.json is missing or damaged" in refused(*study, out, "--resume")
    assert cli.main([*study, str(out), "--force"]) == 0
    assert (out / "parts" / "mine.json").read_text() == "{}"


def test_a_checkpoint_that_is_damaged_or_of_another_net_or_seed_is_one_line(tmp_path, npz, refused, in_this_process):
    a, b = tmp_path / "a", tmp_path / "b"
    assert cli.main(train(npz, a, "--seeds", "2", epochs=1)) == 0
    assert cli.main(train(npz, b, "--seeds", "2", net="784-30-10", epochs=1)) == 0
    first, second = (a / "checkpoints" / f"fa-seed{seed}.npz" for seed in (0, 1))
    whole = first.read_bytes()
    further = train(npz, a, "--seeds", "2", "--resume", epochs=2)
    first.write_bytes(whole[:2000])
    line = refused(*further)
    assert "fa-seed0.npz is truncated" in line and "delete it" in line
    first.write_bytes(second.read_bytes())
    assert "fa-seed0.npz belongs to another run" in refused(*further)
    first.write_bytes((b / "checkpoints" / "fa-seed0.npz").read_bytes())
    assert "fa-seed0.npz belongs to another" in refused(*further)
    first.write_bytes(whole)
    assert cli.main(further) == 0


@pytest.mark.skipif(os.geteuid() == 0 and not Path("/proc/1").exists(), reason="needs a place that cannot be written")
def test_an_unwritable_folder_is_one_clear_line(tmp_path, npz, refused):
    assert "cannot write into" in refused(*train(npz, "/proc/nowhere/run"))
    (tmp_path / "file").write_text("mine")
    assert "is a file" in refused(*train(npz, tmp_path / "file"))
    assert "cannot write into" in refused(*train(npz, tmp_path / "file" / "run"))
    assert (tmp_path / "file").read_text() == "mine"


# Workers


def only_bp_diverges(work, settings, place, *rest):
    if place.job[0] == "bp":
        raise fa.Diverged("bp diverged")
    return run.do_job(work, settings, place, *rest)


def test_when_one_rule_diverges_the_others_finish(tmp_path, npz, refused, monkeypatch):
    monkeypatch.setattr(run, "do_job", only_bp_diverges)
    assert "bp diverged" in refused(*train(npz, tmp_path / "run", rule="bp,fa,shallow", epochs=3))
    assert {row["rule"] for row in history(tmp_path / "run")} == {"fa", "shallow"}
    assert {path.name for path in (tmp_path / "run").glob("parts/*")} == {"job-fa-0.json", "job-shallow-0.json"}


def test_a_diverging_rule_is_one_clear_line(tmp_path, npz, refused):
    line = refused(*train(npz, tmp_path / "run", "--lr", "1e4", "--loss", "squared", rule="bp"))
    assert re.search("bp, seed 0: the loss is not finite at step .* learning rate too large .*now 10000", line)


def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_job_that_loses_3_workers_ends_the_run_with_a_clear_line_a_loss(tmp_path, npz, capfd, monkeypatch):
    monkeypatch.setattr(run, "do_job", die)
    assert cli.main(train(npz, tmp_path / "run")) == 2
    again, once_more, last = capfd.readouterr().err.splitlines()
    assert again == once_more == "numpyfa: a process was killed (out of memory?): fa 0 is tried again"
    assert last == "numpyfa: a process was killed (out of memory?): go on with --resume; again and again with fa 0"


SCRIPT = """
from numpyfa.lab.run import run
from numpyfa.papers import EXPERIMENTS
each = EXPERIMENTS["kolen-pollack"]
{}run(each, each.settings | {{"seeds": 1, "examples": 40, "epochs": 1}}, {!r}, force=True)
"""


def test_a_script_without_a_main_guard_hears_how_to_write_one(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT.format("", str(tmp_path / "run")))
    done = subprocess.run([sys.executable, script], capture_output=True, text=True)
    assert "put that call under  if __name__ == '__main__':" in done.stderr and "memory" not in done.stderr
    assert done.stderr.count("Traceback") == 1, done.stderr
    script.write_text(SCRIPT.format("if __name__ == '__main__': ", str(tmp_path / "run")))
    assert subprocess.run([sys.executable, script]).returncode == 0


TELLS_MUCH = """
from numpyfa.lab import pool

def work(jobs):
    pool.tell([{"job": jobs, "epoch": number} for number in range(60_000)])

if __name__ == "__main__":
    heard = []
    pool.run_jobs(work, [(1,), (2,)], 2, heard.append)
    print([len(rows) for rows in heard])
"""


def test_two_jobs_that_tell_60000_rows_as_their_last_act_end_and_are_heard(tmp_path):
    """No worker can end before its rows are read: a pipe holds 64 KB of these 2 MB."""
    script = tmp_path / "script.py"
    script.write_text(TELLS_MUCH)
    process = subprocess.Popen(
        [sys.executable, script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        printed, said = process.communicate(timeout=30)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
    assert printed == "[60000, 60000]\n", said


# What is shown


def test_without_a_terminal_each_epoch_is_a_line_with_the_time_that_is_left(tmp_path, npz):
    process = start(train(npz, tmp_path / "run", epochs=3), env=os.environ | {"MPLBACKEND": "module://nonsense"})
    printed, said = process.communicate(timeout=60)
    lines = said.splitlines()
    assert process.returncode == 0 and len(lines) == 3, said
    assert re.fullmatch(r"fa, seed 0: epoch 2 of 3, test error \d+\.\d\d % \(67%, about \d+ s left\)", lines[1])
    assert "fa" in printed and (tmp_path / "run" / "figure.png").read_bytes().startswith(b"\x89PNG")


def test_the_bar_moves_with_every_report_and_shows_the_last_words(capsys):
    with progress.Bar() as bar:
        bar.at(0.25)
        bar.at(0.5, "fa, seed 0: epoch 1 of 2")
        bar.say("mind the gap")
    said = capsys.readouterr().err
    assert "50%" in said and "epoch 1 of 2" in said and "numpyfa: mind the gap" in said
    assert [progress.duration(seconds) for seconds in (0.1, 80, 600, 9000)] == ["1 s", "80 s", "10 min", "2.5 h"]


class Heard(progress.Progress):
    """What a run says of how far it is."""

    def __init__(self):
        self.shares = []

    def at(self, share, words=None):
        self.shares.append(share)


def test_a_run_of_2_epochs_that_goes_on_to_8_starts_at_a_quarter_and_of_2_seeds_at_an_eighth(
    tmp_path, npz, in_this_process
):
    """So that the time left counts only what this run does."""
    protocol = Protocol(net="784-3-10", data=str(npz), rules=("fa",), epochs=2, seeds=1)
    for seeds, first in ((1, 0.25), (2, 0.125)):
        out, heard = tmp_path / str(seeds), Heard()
        two, eight = (training.training("some", replace(protocol, epochs=epochs)) for epochs in (2, 8))
        run.run(two, two.settings, out)
        run.run(eight, eight.settings | {"seeds": seeds}, out, resume=True, progress=heard)
        assert heard.shares[0] == first and heard.shares[-1] == 1
        assert heard.shares == sorted(heard.shares)


def test_history_is_written_as_epochs_end(tmp_path, npz, in_this_process, monkeypatch):
    """After each epoch the table holds it, while the run goes on."""
    out, seen, tell = tmp_path / "run", [], run.Place.report

    def look(place, share, rows=None, words=None):
        tell(place, share, rows, words)
        if words:
            seen.append(len(history(out)))

    monkeypatch.setattr(run.Place, "report", look)
    monkeypatch.setattr(run, "OFTEN", 0)
    assert cli.main(train(npz, out, epochs=3)) == 0
    assert seen == [2, 3, 4]


def test_a_result_that_the_terminal_cannot_show_does_not_fail_a_finished_run(tmp_path, npz):
    out = os.fsdecode(os.fsencode(tmp_path) + "/run-\u00e9".encode() + b"-\xff")
    process = start(train(npz, out, epochs=1), env=os.environ | {"PYTHONIOENCODING": "ascii"}, errors="replace")
    printed, said = process.communicate(timeout=60)
    assert process.returncode == 0 and "history.csv" in printed, said


# Settings


def final(out, rule="fa", seed=0):
    with np.load(Path(out) / "checkpoints" / f"{rule}-seed{seed}.npz") as arrays:
        return dict(arrays)


def test_every_option_changes_what_it_should(tmp_path, npz, in_this_process):
    """Two epochs with one option changed, against the same run without: the feedback, the weights, or both differ."""
    assert cli.main(train(npz, tmp_path / "base", "--seeds", "2")) == 0
    base, other_seed = final(tmp_path / "base"), final(tmp_path / "base", seed=1)
    assert not np.array_equal(base["feedback/2.B"], other_seed["feedback/2.B"])
    changes = ["--feedback normal:1", "--decay 0.01", "--lr 0.2", "--batch-size 20", "--momentum 0.5", "--init glorot",
               "--activation relu", "--loss squared", "--optimizer adam"]  # fmt: skip
    for number, change in enumerate(changes):
        out = tmp_path / str(number)
        assert cli.main(train(npz, out, *change.split())) == 0
        found = final(out)
        assert np.array_equal(base["feedback/2.B"], found["feedback/2.B"]) != ("feedback" in change), change
        assert not np.array_equal(base["net/2.W"], found["net/2.W"]), change
    assert 0.8 < final(tmp_path / "0")["feedback/2.B"].std() < 1.2


def test_the_seed_fixes_the_order_of_the_examples(tmp_path, npz, in_this_process):
    """A net that starts at zero differs between seeds by the order alone."""
    words = train(npz, tmp_path / "run", "--seeds", "2", "--init", "zeros", net="784-10", rule="bp", epochs=1)
    assert cli.main(words) == 0
    a, b = (final(tmp_path / "run", "bp", seed)["net/1.W"] for seed in (0, 1))
    assert not np.array_equal(a, b)


@pytest.mark.parametrize("what, message", [("label", r"labels must lie in 0\.\.9, found -1"), ("nan", "holds NaN")])
def test_bad_data_is_one_line_and_status_2(tmp_path, refused, mini, what, message):
    x, y = mini.x_train[:50].astype("float32"), mini.y_train[:50].copy()
    if what == "nan":
        x[3, 0, 0] = np.nan
    else:
        y[7] = -1
    np.savez(tmp_path / "bad.npz", x_train=x, y_train=y, x_test=mini.x_test, y_test=mini.y_test)
    assert re.search(message, refused(*train(tmp_path / "bad.npz", tmp_path / "run")))


def test_gpu_without_a_gpu_is_one_line_with_the_reason(tmp_path, npz, refused, monkeypatch):
    monkeypatch.setattr(fa.backend, "find_gpu", lambda: (None, "no driver"))
    assert "no driver; use --device cpu" in refused(*train(npz, tmp_path / "run", "--device", "gpu"))


def test_any_net_any_optimiser_any_option_trains_and_the_table_names_the_layers(tmp_path, npz, in_this_process, capsys):
    options = "--optimizer sgd --momentum 0.9 --decay 1e-4 --lr 0.01 --dtype float64 --batch-size 50 --init glorot"
    options = [*options.split(), "--feedback", "uniform:0.5", "--activation", "relu"]
    assert cli.main(train(npz, tmp_path / "run", *options, net="lenet", rule="fa,shallow", epochs=1)) == 0
    assert re.search(r"angle conv 3 \(deg\) +angle dense 4 \(deg\)", capsys.readouterr().out)
    assert cli.main(train(npz, tmp_path / "b", "--optimizer", "adam", "--lr", "0.001", rule="dfa", epochs=1)) == 0


def test_the_learning_rate_follows_the_batch_size_unless_given():
    experiment = EXPERIMENTS["mnist-200-80-10"]
    assert experiment.adapt()["lr"] == experiment.settings["lr"] == 0.16
    assert experiment.adapt(batch_size=64)["lr"] == 0.64
    assert experiment.adapt(batch_size=64, lr=0.1)["lr"] == 0.1


def test_a_learning_rate_of_a_rules_own_is_said_beside_the_common_one():
    protocol = Protocol(**EXPERIMENTS["dkp-cnn"].settings)
    assert protocol.learning_rates() == "0.01 (dkp 0.002)"
    assert replace(protocol, rules=("bp",)).learning_rates() == "0.01"
    assert EXPERIMENTS["dkp-cnn"].adapt(lr=0.5)["lr_of"] == ()


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_a_quick_form_changes_settings_that_exist_and_leaves_less_to_do(name):
    each = EXPERIMENTS[name]
    quick = each.adapt(quick=True)
    assert set(quick) == set(each.settings) and quick != each.settings
    assert len(list(each.jobs(quick))) <= len(list(each.jobs(each.settings)))
    assert each.adapt(quick=True, seeds=7)["seeds"] == 7


@pytest.mark.parametrize("name", NETS)
def test_a_quick_form_of_trained_nets_sees_at_most_a_tenth_of_the_examples(name):
    def seen(settings):
        examples = settings["examples"] or 60000
        return examples * settings["epochs"] * settings["seeds"] * len(settings["rules"])

    each = EXPERIMENTS[name]
    assert seen(each.adapt(quick=True)) <= seen(each.settings) / 10


def test_a_study_refuses_the_options_of_training(refused, tmp_path):
    line = refused("reproduce", "fixed-points", "--lr", "0.1", "--out", tmp_path / "run")
    assert "takes --quick, --seeds, found --lr" in line and "papers/fixed_points/work.py" in line
    assert "found --batch-size" in refused("reproduce", "pfa-angle", "--batch-size", "3")
    assert "seeds must be a whole number from 1" in refused("reproduce", "pfa-angle", "--seeds", "0")
    assert "found 1000000000" in refused("reproduce", "pfa-angle", "--seeds", "1000000000")
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_the_main_job_at_its_defaults_brings_bp_to_2_percent_and_closes_fas_gap(tmp_path):
    """20 epochs, 3 seeds. BP overfits to zero training error; FA's train and test errors stay close together."""
    out = tmp_path / "run"
    assert cli.main(["reproduce", "mnist-200-80-10", "--out", str(out)]) == 0
    bp, fa_row = json.loads((out / "summary.json").read_text())["rows"]
    assert 1.6 < bp["test_error"] < 2.2 and bp["train_error"] < 0.05
    assert 4 < fa_row["test_error"] < 8 and fa_row["test_error"] - fa_row["train_error"] < bp["test_error"]
