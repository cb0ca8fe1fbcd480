"""The command line, and the main job from end to end."""

import csv
import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import numpyfa as fa
from numpyfa import cli, data
from numpyfa.experiments import EXPERIMENTS, folder, runner
from numpyfa.experiments.folder import identity
from numpyfa.experiments.protocol import Protocol, build


@pytest.fixture
def npz(tmp_path, mini):
    """A data set of 300 + 100 MNIST digits, as a user's file."""
    path = tmp_path / "digits.npz"
    part = mini.part(300, 100)
    np.savez(path, x_train=part.x_train, y_train=part.y_train, x_test=part.x_test, y_test=part.y_test)
    return path


def train(npz, out, *more, net="784-20-10", rule="fa", epochs=2):
    """The arguments of a short training run."""
    words = ["train", "--net", net, "--rule", rule, "--data", npz, "--epochs", epochs, "--out", out, *more]
    return [str(word) for word in words]


def refused(capsys, *arguments):
    """The one line that bad input gives; checks that the status is 2 and nothing else is said."""
    assert cli.main([str(argument) for argument in arguments]) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1 and lines[0].startswith("numpyfa: "), lines
    return lines[0]


def test_the_main_job_in_short_writes_all_it_promises(tmp_path, capsys):
    out = tmp_path / "run"
    arguments = ["reproduce", "mnist-200-80-10", "--epochs", "1", "--seeds", "2", "--out", str(out)]
    assert cli.main(arguments) == 0
    printed = capsys.readouterr().out
    assert re.search(r"^bp +\d+\.\d\d \(\d+\.\d\d\) +\d+\.\d\d \(\d+\.\d\d\)", printed, re.M)
    assert "step 0.16, mean (s.d.) over 2 seeds" in printed

    rows = list(csv.DictReader((out / "history.csv").read_text().splitlines()))
    assert list(rows[0])[:6] == ["rule", "seed", "epoch", "train_error", "test_error", "loss"]
    assert {"angle_1", "angle_2"} <= set(rows[0]) and len(rows) == 2 * 2 * 2
    starts = {(row["rule"], row["seed"]): row["test_error"] for row in rows if row["epoch"] == "0"}
    assert starts["bp", "0"] == starts["fa", "0"] != starts["bp", "1"], "BP and FA start from the same weights"

    summary = json.loads((out / "summary.json").read_text())
    assert summary["experiment"] == "mnist-200-80-10" and summary["protocol"]["lr"] == 0.16
    assert [row["rule"] for row in summary["rows"]] == ["bp", "fa"]
    for row in summary["rows"]:
        finals = [float(r["test_error"]) for r in rows if r["rule"] == row["rule"] and r["epoch"] == "1"]
        assert row["test_error"] == pytest.approx(np.mean(finals)) and row["test_error"] < 20
        assert row["test_error_sd"] == pytest.approx(np.std(finals, ddof=1))
        assert {"train_error", "train_error_sd"} <= set(row)
    assert (out / "figure.png").read_bytes().startswith(b"\x89PNG")
    assert len(list((out / "checkpoints").glob("*.npz"))) == 4
    assert not list(out.rglob("*.part"))


def test_ctrl_c_then_resume_gives_the_uninterrupted_numbers_bit_for_bit(tmp_path, npz, capsys):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    arguments = train(npz, parts, "--seeds", "2", rule="bp,fa", epochs=60)
    words = [sys.executable, "-m", "numpyfa", *arguments]
    process = subprocess.Popen(words, stderr=subprocess.PIPE, text=True, start_new_session=True)
    deadline = time.monotonic() + 60
    while not list(parts.glob("checkpoints/*.npz")) and time.monotonic() < deadline:
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the workers too
    _, error = process.communicate(timeout=60)
    assert process.returncode == 130 and "--resume" in error and "Traceback" not in error, error
    assert not list(parts.rglob("*.part"))
    assert not (parts / "summary.json").exists()

    assert cli.main([*arguments, "--resume"]) == 0
    assert cli.main(train(npz, whole, "--seeds", "2", rule="bp,fa", epochs=60)) == 0
    assert (parts / "history.csv").read_bytes() == (whole / "history.csv").read_bytes()
    for path in (whole / "checkpoints").iterdir():
        a, b = (np.load(folder / "checkpoints" / path.name) for folder in (whole, parts))
        assert all(np.array_equal(a[name], b[name]) for name in a.files if name != "meta")


def test_a_finished_run_can_be_extended_to_more_epochs_seeds_and_rules(tmp_path, npz):
    assert cli.main(train(npz, tmp_path / "a", epochs=1)) == 0
    longer = ("--seeds", "2", "--resume")
    assert cli.main(train(npz, tmp_path / "a", *longer, rule="fa,dfa", epochs=3)) == 0
    assert len(list((tmp_path / "a" / "checkpoints").iterdir())) == 4
    short = ["reproduce", "mnist-200-80-10", "--seeds", "1", "--batch-size", "6000", "--out", str(tmp_path / "b")]
    assert cli.main([*short, "--epochs", "1", "--rules", "bp"]) == 0
    assert cli.main([*short, "--epochs", "2", "--rules", "bp,shallow", "--resume"]) == 0
    rows = json.loads((tmp_path / "b" / "summary.json").read_text())["rows"]
    assert [row["rule"] for row in rows] == ["bp", "shallow"]


def test_an_existing_run_is_kept_unless_told_otherwise(tmp_path, npz, capsys):
    out = tmp_path / "run"
    assert cli.main(train(npz, out)) == 0
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    capsys.readouterr()
    assert "--resume" in refused(capsys, *train(npz, out))
    assert "another lr 0.1 (now 0.2)" in refused(capsys, *train(npz, out, "--lr", "0.2", "--resume"))
    assert "more than the 1 asked for" in refused(capsys, *train(npz, out, "--resume", epochs=1))
    assert "learning rate" in refused(capsys, *train(npz, out, "--lr", "-1", "--force"))
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before
    assert cli.main(train(npz, out, "--lr", "0.2", "--force")) == 0
    assert json.loads((out / "summary.json").read_text())["protocol"]["lr"] == 0.2


def test_a_half_written_folder_or_checkpoint_is_one_clear_line(tmp_path, npz, capsys):
    out = tmp_path / "run"
    assert cli.main(train(npz, out)) == 0
    capsys.readouterr()
    checkpoint = out / "checkpoints" / "fa-seed0.npz"
    whole = checkpoint.read_bytes()
    checkpoint.write_bytes(whole[:2000])
    line = refused(capsys, *train(npz, out, "--resume", epochs=3))
    assert "fa-seed0.npz is truncated" in line and "delete it" in line
    checkpoint.write_bytes(whole)
    (out / "protocol.json").write_text('{"experiment": ')
    assert "missing or damaged" in refused(capsys, *train(npz, out, "--resume"))
    (out / "protocol.json").unlink()
    assert "missing" in refused(capsys, *train(npz, out, "--resume"))


def test_a_checkpoint_from_another_net_is_refused(tmp_path, npz, capsys):
    a, b = tmp_path / "a", tmp_path / "b"
    assert cli.main(train(npz, a)) == 0
    assert cli.main(train(npz, b, net="784-30-10")) == 0
    (b / "checkpoints" / "fa-seed0.npz").replace(a / "checkpoints" / "fa-seed0.npz")
    capsys.readouterr()
    assert "belongs to another net" in refused(capsys, *train(npz, a, "--resume", epochs=3))


@pytest.mark.skipif(os.geteuid() == 0 and not Path("/proc/1").exists(), reason="needs a place that cannot be written")
def test_an_unwritable_folder_is_one_clear_line(tmp_path, npz, capsys):
    assert "cannot write into" in refused(capsys, *train(npz, "/proc/nowhere/run"))
    (tmp_path / "file").write_text("mine")
    assert "is a file" in refused(capsys, *train(npz, tmp_path / "file"))
    assert "cannot write into" in refused(capsys, *train(npz, tmp_path / "file" / "run"))
    assert (tmp_path / "file").read_text() == "mine"


def test_a_diverging_rule_is_one_clear_line(tmp_path, npz, capfd):
    """capfd, unlike capsys, hears what the workers say too."""
    line = refused(capfd, *train(npz, tmp_path / "run", "--lr", "1e4", "--loss", "squared", rule="bp,shallow"))
    assert re.search("bp, seed 0: the loss is not finite at step .* learning rate too large .*now 10000", line)


def only_bp_diverges(protocol, rule_name, *rest):
    if rule_name == "bp":
        raise fa.Diverged("bp diverged")
    runner.run_job(protocol, rule_name, *rest)


def test_when_one_rule_diverges_the_others_finish(tmp_path, npz, capfd, monkeypatch):
    monkeypatch.setattr(runner, "run_job", only_bp_diverges)
    assert "bp diverged" in refused(capfd, *train(npz, tmp_path / "run", rule="bp,fa,shallow", epochs=3))
    assert [folder.epochs_done(tmp_path / "run", rule, 0) for rule in ("bp", "fa", "shallow")] == [0, 3, 3]
    rows = list(csv.DictReader((tmp_path / "run" / "history.csv").read_text().splitlines()))
    assert {row["rule"] for row in rows} == {"fa", "shallow"}


def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_lost_worker_is_one_clear_line(tmp_path, npz, capfd, monkeypatch):
    monkeypatch.setattr(runner, "run_job", die)
    line = refused(capfd, *train(npz, tmp_path / "run"))
    assert "--resume" in line


def test_a_folder_in_use_is_refused(tmp_path, npz, capsys):
    with folder.locked(tmp_path / "run"):
        assert "another run is writing" in refused(capsys, *train(npz, tmp_path / "run"))
        assert "another run is writing" in refused(capsys, *train(npz, tmp_path / "run", "--force"))


def test_a_checkpoint_of_another_seed_is_refused(tmp_path, npz, capsys):
    out = tmp_path / "run"
    assert cli.main(train(npz, out, "--seeds", "2")) == 0
    (out / "checkpoints" / "fa-seed1.npz").replace(out / "checkpoints" / "fa-seed0.npz")
    capsys.readouterr()
    assert "fa-seed0.npz belongs to another run" in refused(capsys, *train(npz, out, "--seeds", "2", "--resume"))


def test_changed_data_cannot_be_resumed(tmp_path, npz, capsys):
    out = tmp_path / "run"
    assert cli.main(train(npz, out)) == 0
    arrays = dict(np.load(npz))
    np.savez(npz, **(arrays | {"x_train": 255 - arrays["x_train"]}))
    capsys.readouterr()
    assert "another fingerprint" in refused(capsys, *train(npz, out, "--resume", epochs=3))


def test_resuming_with_less_or_where_nothing_is_loses_nothing(tmp_path, npz, capsys):
    out = tmp_path / "run"
    assert cli.main(train(npz, out, "--seeds", "2", rule="bp,fa")) == 0
    before = (out / "history.csv").read_bytes()
    capsys.readouterr()
    assert "holds 2 seeds of bp,fa" in refused(capsys, *train(npz, out, "--seeds", "2", "--resume", rule="fa"))
    assert "holds 2 seeds of bp,fa" in refused(capsys, *train(npz, out, "--resume", rule="bp,fa"))
    assert (out / "history.csv").read_bytes() == before
    assert "holds no run" in refused(capsys, *train(npz, tmp_path / "typo", "--resume"))


def test_force_replaces_a_run_and_spares_what_is_not_its_own(tmp_path, npz):
    out = tmp_path / "run"
    assert cli.main(train(npz, out)) == 0
    mine = [out / "notes.txt", out / "checkpoints" / "mine.npz"]
    for path in mine:
        path.write_text("mine")
    assert cli.main(train(npz, out, "--force", epochs=1)) == 0
    assert all(path.read_text() == "mine" for path in mine)


def final(out, rule="fa", seed=0):
    with np.load(Path(out) / "checkpoints" / f"{rule}-seed{seed}.npz") as arrays:
        return dict(arrays)


def test_every_option_changes_what_it_should(tmp_path, npz):
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


def test_the_seed_fixes_the_order_of_the_examples(tmp_path, npz):
    """A net that starts at zero differs between seeds by the order alone."""
    words = train(npz, tmp_path / "run", "--seeds", "2", "--init", "zeros", net="784-10", rule="bp", epochs=1)
    assert cli.main(words) == 0
    a, b = (final(tmp_path / "run", "bp", seed)["net/1.W"] for seed in (0, 1))
    assert not np.array_equal(a, b)


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["reproduce", "mnist-200-8-10"], "unknown experiment 'mnist-200-8-10': did you mean 'mnist-200-80-10'"),
        (["reproduce", "mnist-1000-10", "--rules", "bp,fb"], "unknown rule 'fb': did you mean 'fa'|'bp'"),
        (["reproduce", "mnist-1000-10", "--rules", "bp,bp"], "name each rule once"),
        (["reproduce", "mnist-1000-10", "--epochs", "0"], "epochs must be from 1, found 0"),
        (["reproduce", "mnist-1000-10", "--seeds", "0"], "seeds must be from 1"),
        (["reproduce", "mnist-1000-10", "--batch-size", "0"], "batch_size must be from 1"),
        (["reproduce", "mnist-1000-10", "--lr", "nan"], "learning rate must be a number above 0"),
        (["reproduce", "mnist-1000-10", "--lr", "fast"], "invalid float value: 'fast'"),
        (["reproduce", "mnist-1000-10", "--resume", "--force"], "not allowed with"),
        (["reproduce"], "the following arguments are required: experiment"),
        (["train", "--net", "783-10"], r"examples of shape \(783,\)"),
        (["train", "--net", "784-9"], "10 classes, but the net has 9 outputs"),
        (["train", "--net", "lenett"], "unknown net 'lenett': did you mean 'lenet'"),
        (["train", "--data", "mnits"], "did you mean 'mnist'"),
        (["train", "--data", "missing.npz"], "there is no file missing.npz"),
        (["train", "--activation", "tahn"], "did you mean 'tanh'"),
        (["train", "--loss", "softmx"], "did you mean 'softmax'"),
        (["train", "--optimizer", "adm"], "did you mean 'adam'"),
        (["train", "--optimizer", "adam", "--momentum", "0.9"], "momentum is an option of sgd"),
        (["train", "--init", "glorto"], "did you mean 'glorot'"),
        (["train", "--feedback", "normal:big"], "must be a number from 0"),
        (["train", "--device", "tpu"], "invalid choice: 'tpu'"),
        (["explain", "dfaa"], "did you mean 'dfa'"),
        (["data", "cifar10"], "did you mean 'cifar-10'"),
        (["trian"], "invalid choice: 'trian'"),
        ([], "required: COMMAND"),
    ],
)
def test_bad_input_is_one_line_and_status_2(tmp_path, monkeypatch, capsys, arguments, message):
    monkeypatch.chdir(tmp_path)
    assert re.search(message, refused(capsys, *arguments))
    assert not list(tmp_path.iterdir()), "nothing is written"


@pytest.mark.parametrize("what, message", [("label", r"labels must lie in 0\.\.9, found -1"), ("nan", "holds NaN")])
def test_bad_data_is_one_line_and_status_2(tmp_path, capsys, mini, what, message):
    x, y = mini.x_train[:50].astype("float32"), mini.y_train[:50].copy()
    if what == "nan":
        x[3, 0, 0] = np.nan
    else:
        y[7] = -1
    np.savez(tmp_path / "bad.npz", x_train=x, y_train=y, x_test=mini.x_test, y_test=mini.y_test)
    assert re.search(message, refused(capsys, *train(tmp_path / "bad.npz", tmp_path / "run")))


def test_gpu_without_a_gpu_is_one_line_with_the_reason(tmp_path, npz, capsys, monkeypatch):
    monkeypatch.setattr(fa.backend, "find_gpu", lambda: (None, "no driver"))
    assert "no driver; use --device cpu" in refused(capsys, *train(npz, tmp_path / "run", "--device", "gpu"))


def test_any_net_any_optimiser_any_option_trains(tmp_path, npz):
    options = "--optimizer sgd --momentum 0.9 --decay 1e-4 --lr 0.01 --dtype float64 --batch-size 50 --init glorot"
    options = [*options.split(), "--feedback", "uniform:0.5", "--activation", "relu"]
    assert cli.main(train(npz, tmp_path / "run", *options, net="lenet", rule="fa,shallow", epochs=1)) == 0
    assert cli.main(train(npz, tmp_path / "b", "--optimizer", "adam", "--lr", "0.001", rule="dfa", epochs=1)) == 0


def test_the_step_follows_the_batch_size_unless_given():
    experiment = EXPERIMENTS["mnist-200-80-10"]
    assert experiment.adapt().lr == 0.16
    assert experiment.adapt(batch_size=64).lr == 0.64
    assert experiment.adapt(batch_size=64, lr=0.1).lr == 0.1


def test_the_published_errors_stand_beside_ours(tmp_path, npz):
    protocol = replace(EXPERIMENTS["mnist-1000-10"].protocol, net="784-20-10", data=str(npz), epochs=1, seeds=1)
    summary = runner.run(EXPERIMENTS["mnist-1000-10"], protocol, tmp_path / "run")
    printed = cli.table(EXPERIMENTS["mnist-1000-10"], protocol, summary)
    assert summary["rows"][1]["published_test_error"] == 3.23
    assert re.search(r"^fa .* 3\.23$", printed, re.M) and "published test error %" in printed


def test_the_progress_bar_is_silent_when_not_a_terminal(tmp_path, npz):
    words = [sys.executable, "-m", "numpyfa", *train(npz, tmp_path / "run")]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert done.stderr == ""


def test_rules_and_explain_show_the_equation_the_source_and_the_code(capsys):
    assert cli.main(["rules"]) == 0
    listed = capsys.readouterr().out
    for name, kind in fa.RULES.items():
        assert cli.main(["explain", name]) == 0
        printed = capsys.readouterr().out
        assert re.search(rf"^{name} +{re.escape(kind.__doc__.splitlines()[0])}", listed, re.M)
        assert (
            "Source:" in printed and re.search(r"\(\w+, \w+\)|shapes", printed) and f"class {kind.__name__}" in printed
        )
    assert 'signal.delta @ feedback["B"]' in (cli.main(["explain", "fa"]), capsys.readouterr().out)[1]


def test_data_lists_where_each_set_is(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(data, "cache", lambda: tmp_path)
    monkeypatch.delenv("NUMPYFA_DATA", raising=False)
    assert cli.main(["data"]) == 0
    printed = capsys.readouterr().out
    assert re.search(r"^mnist +bundled", printed, re.M)
    assert re.search(r"^cifar-10 +not here: numpyfa data cifar-10 fetches it", printed, re.M)


def test_doctor_reports_versions_blas_and_the_reason_for_no_gpu(capsys):
    assert cli.main(["doctor"]) == 0
    printed = capsys.readouterr().out
    for what in ("numpyfa", "numpy", "blas", "cores", "BLAS threads", "cupy distributions", "GPU"):
        assert re.search(rf"^{what} +\S", printed, re.M), what
    assert re.search(r"^GPU +(yes: |no: \S)", printed, re.M)


def test_importing_numpyfa_imports_neither_cupy_nor_matplotlib():
    code = "import sys, numpyfa; print([m for m in ('cupy', 'matplotlib', 'pooch') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.slow
def test_the_main_job_at_its_defaults_brings_bp_to_2_percent_and_closes_fas_gap(tmp_path):
    """20 epochs, 3 seeds. BP overfits to zero training error; FA's train and test errors stay close together."""
    out = tmp_path / "run"
    assert cli.main(["reproduce", "mnist-200-80-10", "--out", str(out)]) == 0
    bp, fa_row = json.loads((out / "summary.json").read_text())["rows"]
    assert 1.6 < bp["test_error"] < 2.2 and bp["train_error"] < 0.05
    assert 4 < fa_row["test_error"] < 8 and fa_row["test_error"] - fa_row["train_error"] < bp["test_error"]


def test_augmented_and_standardised_training_resumes_to_the_same_numbers(tmp_path):
    x = np.random.default_rng(0).integers(0, 255, (60, 8, 8, 1), dtype=np.uint8)
    np.savez(tmp_path / "d.npz", x_train=x, y_train=np.arange(60) % 3, x_test=x[:9], y_test=np.arange(9) % 3)
    flags = ["--augment", "--standardise", "--burst", "0.1", "--decay", "0.01", "--decoupled", "--validation", "10"]
    base = ["train", "--net", "resnet8", "--rule", "kp", "--data", str(tmp_path / "d.npz"), "--batch-size", "8", *flags]
    assert cli.main([*base, "--epochs", "3", "--out", str(tmp_path / "a")]) == 0
    assert cli.main([*base, "--epochs", "1", "--out", str(tmp_path / "b")]) == 0
    assert cli.main([*base, "--epochs", "3", "--out", str(tmp_path / "b"), "--resume"]) == 0
    assert (tmp_path / "a" / "history.csv").read_text() == (tmp_path / "b" / "history.csv").read_text()


def test_a_run_whose_step_drops_cannot_be_given_more_epochs(tmp_path, npz):
    protocol = Protocol(net="784-3-10", data=str(npz), epochs=4, seeds=1, drops=(0.5,))
    assert identity(protocol, "x") != identity(replace(protocol, epochs=5), "x")
    assert identity(replace(protocol, drops=()), "x") == identity(replace(protocol, drops=(), epochs=5), "x")
    *_, optimizer = build(protocol, "bp", 0, fa.load(str(npz)))
    batches = -(-len(fa.load(str(npz)).x_train) // protocol.batch_size)
    assert [optimizer.lr(step) for step in (0, 2 * batches - 1, 2 * batches)] == pytest.approx([0.1, 0.1, 0.01])


@pytest.mark.parametrize(
    "name", [name for name, each in EXPERIMENTS.items() if hasattr(each, "protocol") and each.quick]
)
def test_an_experiments_quick_form_changes_what_it_says(name):
    experiment = EXPERIMENTS[name]
    quick = experiment.adapt(quick=True)
    assert quick.examples < 20000 and quick.epochs <= 2 and quick.seeds == 1
    assert experiment.adapt(quick=True, epochs=7).epochs == 7 and experiment.adapt(lr=0.5).lr_of == ()


def test_a_step_of_a_rules_own_is_said_beside_the_common_one():
    protocol = EXPERIMENTS["dkp-cnn"].protocol
    assert protocol.steps() == "0.01 (dkp 0.002)"
    assert replace(protocol, rules=("bp",)).steps() == "0.01"
