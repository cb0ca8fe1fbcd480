"""Sweeps: what is tried, what is chosen by, what goes on, and what an interruption leaves."""

import csv
import errno
import json
import math
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest

from numpyfa import cli
from numpyfa.errors import InputError
from numpyfa.lab import run, sweep, sweep_words, trial
from numpyfa.lab.points import edges
from numpyfa.lab.protocol import Protocol
from numpyfa.lab.tables import pick, read_rows
from numpyfa.rules import RULES

pytestmark = pytest.mark.usefixtures("unrendered")
SMALL = Protocol(net="784-8-10", rules=("bp", "fa"), epochs=9, seeds=2, examples=200, validation=100, batch_size=20)
GRID = {"lr": [0.01, 0.1, 1.0, 1e38], "hidden_lr": [1.0, 3.0]}


@pytest.fixture
def digits(tmp_path, mini):
    """A data set of 300 + 100 MNIST digits, as a user's file."""
    part, path = mini.part(300, 100), tmp_path / "digits.npz"
    np.savez(path, x_train=part.x_train, y_train=part.y_train, x_test=part.x_test, y_test=part.y_test)
    return str(path)


def words(digits, out, *more):
    base = ["sweep", "--net", "784-8-10", "--data", digits, "--validation", "100", "--seeds", "2", "--epochs", "2"]
    return [*base, "--lr", "0.01,0.1,1", "--hidden-lr", "1,3", *more, "--out", str(out)]


def test_each_rule_tries_8_points_and_the_best_is_tested_from_2_seeds_that_chose_nothing(tmp_path, in_this_process):
    protocol = replace(SMALL, epochs=1)
    found = sweep.sweep(protocol, GRID, tmp_path / "run")
    rows = read_rows(tmp_path / "run" / "history.csv")
    assert len(rows) == 2 * (8 + 2) and [line["rule"] for line in found] == ["bp", "fa"]
    for line in found:
        tried, tests = (pick(rows, rule=line["rule"], stage=stage) for stage in ("trial", "test"))
        assert len(tried) == 8 and {row["seed"] for row in tried} == {0} and [row["seed"] for row in tests] == [1, 2]
        best = min(
            (row for row in tried if not math.isnan(row["held_out_error"])), key=lambda row: row["held_out_error"]
        )
        assert line["held_out_error"] == best["held_out_error"] and "test_error" not in best
        assert all(row[name] == best[name] == line[name] for row in tests for name in GRID)
        assert line["test_error"] == pytest.approx(np.mean([row["test_error"] for row in tests]))
    assert not list((tmp_path / "run" / "checkpoints").iterdir() if (tmp_path / "run" / "checkpoints").exists() else [])
    times = json.loads((tmp_path / "run" / "summary.json").read_text())["times"]
    assert all(row["seconds_per_epoch"] > 0 for row in times)


def test_the_held_out_examples_of_every_case_are_said(tmp_path, in_this_process):
    each = sweep.sweeping("x", SMALL, [{"lr": 0.1}], {"a": {"validation": 50}, "b": {"validation": 70}})
    rows = run.run(each, each.settings, tmp_path / "run")["rows"]
    assert "by the error on 50 or 70 held-out training examples" in each.show(each, each.settings, rows)[-1]


def test_a_case_has_the_rules_that_it_names(tmp_path, in_this_process):
    cases = {"both": {}, "fa, alone": {"rules": ["fa"], "lr": 0.1}}
    found = sweep.sweep(SMALL, {"hidden_lr": [1.0, 3.0]}, tmp_path / "run", cases=cases)
    assert [(line["case"], line["rule"]) for line in found] == [("both", "bp"), ("both", "fa"), ("fa, alone", "fa")]
    both, alone = found[1:]
    assert both["test_error"] == alone["test_error"] and both["angle_1"] == alone["angle_1"]
    assert (tmp_path / "run" / "figure.png").exists()


def test_words_lists_and_no_value_at_all_can_be_chosen_like_numbers(tmp_path, in_this_process):
    """16 points of four fields, one of them called as a column of what is measured. The best held-out error wins."""
    grid = {
        "loss": ["softmax", "logistic"],
        "feedback": [None, "normal:1000"],
        "schedule": [[], [[1, 0.5]]],
        "lr": np.array([0.03, 0.3]),
    }
    [found] = sweep.sweep(replace(SMALL, rules=("fa",), epochs=2), grid, tmp_path / "run")
    trials = pick(read_rows(tmp_path / "run" / "history.csv"), stage="trial")
    assert len(trials) == 16 and len({row["point"] for row in trials}) == 16
    best = min(trials, key=lambda row: row["held_out_error"])
    assert best["point"] == sweep.word({name: found[name] for name in grid})
    assert found["held_out_error"] == best["held_out_error"] and found["feedback"] is None


def test_a_sweep_whose_test_set_has_changed_is_not_gone_on_with(digits, tmp_path, in_this_process, refused):
    assert cli.main(words(digits, tmp_path / "run")) == 0
    with np.load(digits) as archive:
        arrays = dict(archive)
    np.savez(digits, **arrays | {"y_test": np.zeros_like(arrays["y_test"])})
    assert "another fingerprints" in refused(*words(digits, tmp_path / "run"), "--resume")


def test_a_net_of_70_layers_has_files_with_names_that_a_disk_can_hold(digits, tmp_path, in_this_process, monkeypatch):
    monkeypatch.chdir(tmp_path)
    deep = "-".join(["784", *["20"] * 70, "10"])
    command = words(digits, "")[:-2]
    command[command.index("784-8-10")] = f"784-20-10,{deep}"
    assert cli.main([*command, "--epochs", "1", "--lr", "0.01,0.1"]) == 0
    [out] = (tmp_path / "runs").iterdir()
    assert len(out.name) == 160 and len(list((out / "parts").iterdir())) == 2 * 2 * (4 + 2)
    assert all(len(path.name) <= 170 for path in out.rglob("*"))


def test_trials_see_held_out_examples_and_only_the_tests_the_test_set(tmp_path, in_this_process, monkeypatch, mnist):
    seen = {}
    ready = sweep.train
    monkeypatch.setattr(sweep, "train", lambda protocol, rule, seed, examples, *more: seen.setdefault(
        seed, examples) and ready(protocol, rule, seed, examples, *more))  # fmt: skip
    sweep.held_out_or_test.cache_clear()
    sweep.sweep(replace(SMALL, rules=("bp",), epochs=1, seeds=1), {"lr": [0.1, 0.2]}, tmp_path / "run")
    trial, test = seen[0], seen[1]
    held, trained, unseen = ({image.tobytes() for image in x} for x in (trial.x_test, trial.x_train, mnist.x_test))
    assert len(trial.x_test) == 100 and len(trial.x_train) == 200
    assert not held & trained and not held & unseen
    assert (test.x_test == mnist.x_test).all() and (test.x_train == trial.x_train).all()


def test_halving_by_3_has_rounds_of_1_3_and_9_epochs_for_9_3_and_1_points_and_keeps_the_better(
    tmp_path, in_this_process
):
    protocol, grid = replace(SMALL, rules=("fa",)), {"lr": [0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 1e38]}
    each = sweep.sweeping("halved", protocol, sweep.product(grid), halving=3)
    assert sweep.rounds(each.settings, SMALL.net) == [(1, 9), (3, 3), (9, 1)]
    assert sweep.count(each.settings) == 9 + 3 + 1 + 2
    table = run.run(each, each.settings, tmp_path / "run")["rows"]
    rows = read_rows(tmp_path / "run" / "history.csv")
    by_round = {epochs: pick(rows, stage="trial", epochs=epochs) for epochs in (1, 3, 9)}
    assert [len(found) for found in by_round.values()] == [9, 3, 1]
    for before, after in ((1, 3), (3, 9)):
        finite = [row for row in by_round[before] if not math.isnan(row["held_out_error"])]
        best = sorted(finite, key=lambda row: row["held_out_error"])[: len(by_round[after])]
        assert {row["lr"] for row in by_round[after]} == {row["lr"] for row in best}
    assert table[0]["lr"] == by_round[9][0]["lr"] and table[0]["held_out_error"] == by_round[9][0]["held_out_error"]


def test_a_survivor_goes_on_from_its_checkpoint_to_what_it_would_have_been_in_one_go(
    tmp_path, in_this_process, monkeypatch
):
    protocol, grid = replace(SMALL, rules=("fa",), epochs=4), {"lr": [0.01, 0.1]}
    epochs, ready = [], trial.run_epoch
    monkeypatch.setattr(trial, "run_epoch", lambda *more: epochs.append(1) or ready(*more))
    sweep.sweep(protocol, grid, tmp_path / "halved", halving=2)
    assert len(epochs) == 2 * 2 + 2 + 2 * 4, "two points for 2 epochs, one for 2 more, two tests of 4"
    sweep.sweep(protocol, grid, tmp_path / "whole")
    halved, whole = (read_rows(tmp_path / name / "history.csv") for name in ("halved", "whole"))
    survivor = pick(halved, stage="trial", epochs=4)[0]
    assert survivor == pick(whole, stage="trial", lr=survivor["lr"])[0]


def test_a_later_round_on_another_machine_begins_anew_and_gives_the_same_rows(tmp_path, in_this_process, monkeypatch):
    protocol, grid = replace(SMALL, rules=("fa",), epochs=4), {"lr": [0.01, 0.1]}
    sweep.sweep(protocol, grid, tmp_path / "here", halving=2)
    monkeypatch.setattr(sweep.Checkpoints, "load", lambda *_: 0)
    sweep.sweep(protocol, grid, tmp_path / "there", halving=2)
    a, b = ((tmp_path / name / "history.csv").read_bytes() for name in ("here", "there"))
    assert a == b


@pytest.mark.parametrize("stop_at", [3, 30, 60])
def test_a_sweep_that_is_stopped_within_any_job_resumes_to_the_same_bytes_and_loses_one_epoch(
    digits, tmp_path, in_this_process, monkeypatch, capsys, stop_at
):
    """24 trials in four rounds and 4 tests, kept after every epoch."""
    monkeypatch.setattr(trial, "OFTEN", -1.0)
    more = ["--halving", "2", "--epochs", "8"]
    assert cli.main(words(digits, tmp_path / "whole", *more)) == 0
    epochs, ready = [], trial.run_epoch

    def stop(*arguments):
        epochs.append(1)
        if len(epochs) == stop_at:
            raise KeyboardInterrupt
        return ready(*arguments)

    monkeypatch.setattr(trial, "run_epoch", stop)
    with pytest.raises(SystemExit) as stopped:
        cli.main(words(digits, tmp_path / "stopped", *more))
    assert stopped.value.code == 130
    capsys.readouterr()
    assert cli.main(["runs", str(tmp_path)]) == 0
    assert re.findall(r"(\d+) of (\d+) jobs", capsys.readouterr().out) == [
        (str(len(list(tmp_path.glob("stopped/parts/*.json")))), "28"), ("28", "28")
    ]  # fmt: skip
    assert cli.main(words(digits, tmp_path / "stopped", *more, "--resume")) == 0
    a, b = ((tmp_path / name / "history.csv").read_bytes() for name in ("whole", "stopped"))
    assert a == b
    rounds = 6 * 2 * 1 + 3 * 2 * 1 + 2 * 2 * 2 + 1 * 2 * 4 + 4 * 8
    assert len(epochs) == rounds + 1, "all epochs once, and the one under way twice"


def test_a_killed_sweep_resumes_to_the_same_bytes(digits, tmp_path, in_this_process):
    """kill -9 of the parent, whose workers end with it."""
    more = ["--epochs", "40", "--rules", "bp,fa,dfa"]
    command = [sys.executable, "-m", "numpyfa", *words(digits, tmp_path / "parts", *more)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True)
    deadline = time.monotonic() + 60
    while len(list(tmp_path.glob("parts/parts/*.json"))) < 3 and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=10)
    assert process.returncode == -signal.SIGKILL
    assert cli.main(words(digits, tmp_path / "parts", *more, "--resume")) == 0
    assert cli.main(words(digits, tmp_path / "whole", *more)) == 0
    a, b = ((tmp_path / name / "history.csv").read_bytes() for name in ("whole", "parts"))
    assert a == b


@pytest.mark.parametrize("share", [0.0, 0.3, 0.6, 0.95])
def test_a_sweep_whose_disk_fills_at_any_write_says_so_in_one_line_and_resumes_to_the_same_bytes(
    digits, tmp_path, in_this_process, monkeypatch, capfd, share
):
    """The write so far on and all after it fail; then there is room again. No file is left half-written."""
    monkeypatch.setattr(trial, "OFTEN", -1.0)
    writes, ready = [], os.fsync

    def count(handle):
        writes.append(handle)
        ready(handle)

    monkeypatch.setattr(os, "fsync", count)
    assert cli.main(words(digits, tmp_path / "whole")) == 0
    room = int(share * len(writes))
    writes.clear()

    def fill(handle):
        count(handle)
        if len(writes) > room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", fill)
    capfd.readouterr()
    assert cli.main(words(digits, tmp_path / "parts")) == 2
    said = [line for line in capfd.readouterr().err.splitlines() if line and ": done in " not in line]
    assert len(said) == 1 and "No space left on device" in said[0], said
    assert not list((tmp_path / "parts").rglob("*.part"))
    monkeypatch.setattr(os, "fsync", ready)
    more = ["--resume"] if (tmp_path / "parts" / "protocol.json").exists() else []
    assert cli.main([*words(digits, tmp_path / "parts"), *more]) == 0
    a, b = ((tmp_path / name / "history.csv").read_bytes() for name in ("whole", "parts"))
    assert a == b


def test_a_grid_whose_edge_was_chosen_says_so_and_grows_on_resume_by_its_new_jobs_alone(
    digits, tmp_path, in_this_process, capsys, monkeypatch, rendered
):
    out, grow = tmp_path / "run", ["--rules", "bp,fa,dfa", "--resume"]
    base = ["sweep", "--net", "784-8-10", "--data", digits, "--validation", "100", "--epochs", "2", "--out", str(out)]
    assert cli.main([*base, "--lr", "0.0001,0.001,0.01", "--seeds", "1"]) == 0
    printed = capsys.readouterr().out
    assert re.search(r"chosen at the edge of the grid: bp in 784-8-10 \(lr\)", printed)
    assert "chosen from 3 points by the error on 100 held-out training examples; tested from 1 fresh" in printed
    before = set(os.listdir(out / "parts"))
    assert cli.main([*base, "--lr", "0.0001,0.001,0.01,0.1,1", "--seeds", "2", *grow]) == 0
    rows = list(csv.DictReader((out / "history.csv").read_text().splitlines()))
    assert len(rows) == 3 * (5 + 2) and before < set(os.listdir(out / "parts"))
    assert (out / "figure.png").read_bytes().startswith(b"\x89PNG")


def test_values_of_net_and_examples_are_cases_and_the_rest_is_chosen(digits):
    values = {"net": ["784-8-10", "784-9-10"], "examples": [50, 100], "lr": [0.1, 0.2], "optimizer": ["sgd", "adam"]}
    each = sweep_words.asked(SMALL, values | {"data": [digits], "decay": [1e-3]}, None, 1, 0)
    assert list(each.settings["cases"]) == [f"{net} {n} examples" for net in values["net"] for n in (50, 100)]
    assert each.settings["points"][1] == {"lr": 0.1, "optimizer": "adam"} and len(each.settings["points"]) == 4
    assert each.settings["protocol"]["decay"] == 1e-3 and each.name == "sweep-784-8-10-784-9-10-digits"


def test_all_rules_are_those_that_fit_the_net(in_this_process):
    fit, others = sweep.fitting([SMALL])
    assert len(fit) >= 20 and {"bp", "fa", "dfa", "kp"} <= set(fit) and set(fit) | set(others) == set(RULES)
    assert sweep_words.read_rules(["all", "pfa-o"], SMALL, {"x": {}}) == (*fit, "pfa-o")


def test_20_random_points_lie_between_the_ends_evenly_on_a_log_scale_and_are_the_same_each_time():
    grid = {"lr": [0.001, 0.1], "batch_size": [8, 128], "optimizer": ["sgd", "adam"]}
    points = sweep.drawn(grid, 20)
    assert points == sweep.drawn(grid, 20) and len({sweep.word(point) for point in points}) == 20
    assert all(0.001 <= point["lr"] <= 0.1 and 8 <= point["batch_size"] <= 128 for point in points)
    assert all(isinstance(point["batch_size"], int) for point in points)
    assert {point["optimizer"] for point in points} == {"sgd", "adam"}
    many = np.log10([point["lr"] for point in sweep.drawn({"lr": [0.001, 0.1]}, 200)])
    assert abs(np.mean(many) + 2) < 0.12 and np.mean(many < -2.5) == pytest.approx(0.25, abs=0.1)


def test_numbers_from_0_on_are_drawn_evenly():
    values = [point["decay"] for point in sweep.drawn({"decay": [0, 0.1]}, 200)]
    assert len(set(values)) == 200 and 0 < min(values) < 0.01 and 0.09 < max(values) < 0.1
    assert abs(np.mean(values) - 0.05) < 0.01


def test_a_sweep_is_made_again_from_its_settings():
    cases = {"a": {"net": "784-20-10", "rules": ["bp"]}, "b": {}}
    each = sweep.sweeping("x", SMALL, sweep.product({"lr": [0.01, 0.1]}), cases, halving=2)
    assert sweep.named("x", each.settings).settings == each.settings


def test_a_choice_at_the_end_of_3_numbers_is_at_the_edge_and_of_words_it_is_not():
    points = sweep.product({"lr": [0.1, 0.2, 0.3], "optimizer": ["a", "b", "c"]})
    assert edges(points, {"lr": 0.1, "optimizer": "a"}) == ["lr"]
    assert edges(points, {"lr": 0.2, "optimizer": "c"}) == []
    scales = sweep.product({"feedback": ["normal:0.1", "normal:1", "normal:10"], "lr": [0.1, 0.2]})
    assert edges(scales, {"feedback": "normal:10", "lr": 0.2}) == ["feedback"]
    assert edges(scales, {"feedback": "normal:1", "lr": 0.1}) == []


@pytest.mark.parametrize(
    "more, message",
    [
        (["--foo", "3"], "unrecognized arguments: --foo 3"),
        (["--lr", ","], "an empty grid: give values with commas"),
        (["--lr", "0.1", "--hidden-lr", "1"], "an empty grid: give several values of an option"),
        (["--lr", "0.1,x"], "expected numbers with commas between them, found '0.1,x'"),
        (["--lr", "0.1,-1"], "learning rate"),
        (["--lr", "0.1,0.1"], "the points of a sweep must differ"),
        (["--validation", "0"], "hold training examples out to choose by, found a validation of 0"),
        (["--rules", "bp,af"], "unknown rule 'af'"),
        (["--halving", "1"], "halving must be a whole number from 2"),
        (["--halving", "3"], "halving by 3 needs as many epochs, found 2"),
        (["--seeds", "0"], "seeds must be a whole number from 1"),
        (["--optimizer", "sgd,adam", "--momentum", "0,0.9"], "momentum is an option of sgd and manhattan"),
        (["--net", "784-8-10,784-8-10"], "two cases would both be called '784-8-10'"),
        (["--tries", "0"], "tries must be a whole number from 1"),
        (["--draw", "0"], "the number of points to draw"),
        (["--optimizer", "sgd,adam:epsilon=1"], "no option 'epsilon'"),
    ],
)
def test_bad_input_is_one_line_and_exit_2(more, message, digits, tmp_path, refused):
    assert message in refused(*words(digits, tmp_path / "run", *more))
    assert not (tmp_path / "run" / "history.csv").exists()


def test_more_than_1000_jobs_are_refused_with_their_number_and_time_unless_they_are_meant(digits, tmp_path, refused):
    many = ["--lr", ",".join(f"{n / 1000}" for n in range(1, 251))]
    line = refused(*words(digits, tmp_path / "run", *many))
    assert re.search(
        r"1,004 jobs, which may take about [\d.]+ (s|min|h) on \d+ cores: .* --yes if they are meant", line
    )


@pytest.mark.parametrize(
    "grid, message",
    [
        ({}, "an empty grid: give several values"),
        ({"lr": []}, "an empty grid: lr needs a list of values"),
        ({"lr": 0.1}, "an empty grid: lr needs a list"),
        ({"learning_rate": [0.1]}, "unknown field of a protocol 'learning_rate'"),
        ({"seeds": [1, 2]}, "seeds cannot be chosen for each rule"),
    ],
)
def test_a_bad_grid_in_python_says_what_is_wrong(grid, message, tmp_path):
    with pytest.raises(InputError, match=message):
        sweep.sweep(SMALL, grid, tmp_path / "run")


def test_a_field_that_a_rule_or_case_has_for_itself_cannot_be_chosen(tmp_path):
    with pytest.raises(InputError, match="lr is chosen, so the case may not set it"):
        sweep.sweep(SMALL, {"lr": [0.1, 0.2]}, tmp_path / "run", cases={"x": {"lr": 1.0}})
    with pytest.raises(InputError, match="nor lr_of: it would win"):
        sweep.sweep(replace(SMALL, lr_of=(("fa", 1.0),)), {"lr": [0.1, 0.2]}, tmp_path / "run")
