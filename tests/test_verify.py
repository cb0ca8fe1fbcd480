"""A run against what is known of its experiment: the band, which settings share a reference, and what is refused."""

import importlib.util
import json
import math
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from numpyfa import cli
from numpyfa.errors import Diverged, InputError
from numpyfa.lab import listing, reference
from numpyfa.papers import EXPERIMENTS

pytestmark = pytest.mark.usefixtures("unrendered")
ROOT = Path(__file__).parents[1]
NET, STUDY = "mnist-1000-10", "kolen-pollack"


@pytest.fixture
def tool():
    spec = importlib.util.spec_from_file_location("reference_tool", ROOT / "tools" / "reference.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def small(monkeypatch, in_this_process):
    """A net and a study that take a moment."""
    net, study = EXPERIMENTS[NET], EXPERIMENTS[STUDY]
    cases = {name: case for name, case in study.settings["cases"].items() if case[0] == "sgd"}
    tiny = {"net": "784-20-10", "epochs": 1, "examples": 300, "seeds": 2}
    monkeypatch.setitem(EXPERIMENTS, NET, replace(net, settings=net.settings | tiny))
    settings = study.settings | {"seeds": 1, "examples": 40, "epochs": 1, "cases": cases}
    monkeypatch.setitem(EXPERIMENTS, STUDY, replace(study, settings=settings))


def made(tmp_path, name):
    """Run an experiment; return the words that verify it against that run, and a function that changes the
    reference."""
    assert cli.main(["reproduce", name, "--out", str(tmp_path / "first")]) == 0
    summary = json.loads((tmp_path / "first" / "summary.json").read_text())
    entry, file = reference.entry(EXPERIMENTS[name], summary, "figures/first"), tmp_path / "reference.json"

    def write(change=lambda rows: None):
        change(entry["rows"])
        file.write_text(json.dumps({"experiments": {name: [entry]}}))

    write()
    return ["reproduce", name, "--verify", "--reference", str(file), "--out", str(tmp_path / "second")], write


# The band


@pytest.mark.parametrize(
    "what, mean, sd, due",
    [
        ("fa test_error", 1.5, 0.5, 0.5),
        ("fa test_error", 1.0, 0.01, 0.0994987),  # 100 sqrt(0.01 * 0.99 / 10,000)
        ("fa train_error", 0.0, 0.0, 0.0099995),  # as of 1 image in 10,000
        ("SGD test error %", 100.0, None, 0.0099995),
        ("fa angle_1", 60.0, 0.1, 0.5),
        ("FA's angle to BP found", 60.0, None, 0.5),
        ("dfa logit_cosine_1", 0.03, None, 0.01),
        ("fa loss", 0.3, None, 0.006),
        ("x found", 8e-15, None, 1e-9),
    ],
)
def test_the_deviation_in_the_band_is_the_references_or_the_floor(what, mean, sd, due):
    assert max(sd or 0, reference.floor(what, mean)) == pytest.approx(due, rel=1e-5)
    assert reference.band(what, mean, sd, 5, 2) == pytest.approx(3 * due * math.sqrt(0.7), rel=1e-5)


@pytest.mark.parametrize("seeds, rows, due", [(3, 1, 9.5), (5, 1, 4.0), (3, 6, 2.0), (5, 6, 0.8)])
def test_of_independent_seeds_so_many_percent_are_outside_by_chance(rng, seeds, rows, due):
    """One row has only its own deviation, and 3 of these leave Student's t, 9.5 % with 2 degrees of freedom and 4.0 %
    with 4; the median over six rows that scatter alike brings it down."""
    outside = []
    for _ in range(6000 // rows):
        first, second = rng.normal(5, 1, (2, rows, seeds))
        deviations = first.std(1, ddof=1).tolist()
        for row in range(rows):
            half = reference.band("loss", 5, deviations[row], seeds, seeds, deviations)
            outside.append(abs(first[row].mean() - second[row].mean()) > half)
    assert 100 * np.mean(outside) == pytest.approx(due, abs=1.0)


def test_a_deviation_that_is_small_by_chance_is_the_median_of_its_column():
    rows = {"bp": {"loss": [5.0, 0.3]}, "fa": {"loss": [5.0, 0.5]}, "kp": {"loss": [5.0, 9.0], "norm": [5.0, 0.2]}}
    table = [{"rule": "bp", "loss": 5.0}, {"rule": "fa", "loss": 5.0}, {"rule": "kp", "loss": 5.0, "norm": 5.0}]
    found = reference.verify({"seeds": 2, "rows": rows}, {"seeds": 2}, table)
    assert [row["band"] for row in found] == pytest.approx([1.5, 1.5, 27.0, 0.6]), "3 s, with sqrt(1/2 + 1/2) = 1"


def test_a_rate_that_another_rounding_chose_is_not_outside():
    entry = {"seeds": 1, "rows": {"bp": {"lr": [0.01, None], "test_error": [9.0, None]}}}
    table = [{"rule": "bp", "lr": 0.05, "test_error": 9.0}]
    (row,) = reference.verify(entry, {"seeds": 1, "points": [{"lr": 0.01}, {"lr": 0.05}]}, table)
    assert row["column"] == "test_error" and row["inside"]
    assert not all(row["inside"] for row in reference.verify(entry, {"seeds": 1}, table)), (
        "a rate that was given counts"
    )


def test_what_is_missing_or_no_number_is_outside():
    entry = {"seeds": 1, "rows": {"bp": {"loss": [1.0, None]}, "fa": {"loss": [1.0, None]}}}
    found = reference.verify(entry, {"seeds": 1}, [{"rule": "bp", "loss": math.nan}])
    assert [row["inside"] for row in found] == [False, False]
    left_out = reference.verify(entry, {"seeds": 1, "rules": ["bp"]}, [{"rule": "bp", "loss": 1.0}])
    assert [row["inside"] for row in left_out] == [True]


# Which settings share a reference


def test_more_seeds_or_fewer_rules_share_a_reference_and_all_else_does_not():
    each = EXPERIMENTS[NET]
    own = reference.mark(each, each.settings)
    same = [{"seeds": 9}, {"rules": ("bp",)}, {"device": "gpu"}]
    other = [{"epochs": 3}, {"lr": 0.2}, {"examples": 100}, {"data": "fashion-mnist"}, {"dtype": "float64"}]
    assert {reference.mark(each, each.settings | change) for change in same} == {own}
    assert len({own, *(reference.mark(each, each.settings | change) for change in other)}) == 6
    study = EXPERIMENTS[STUDY]
    marks = {reference.mark(study, study.settings | {"seeds": seeds}) for seeds in (3, 4)}
    assert len(marks) == 2, "a study's table may depend on its seeds in any way"


def test_a_summary_from_before_a_setting_was_there_shares_the_reference():
    each = EXPERIMENTS[NET]
    old = json.loads(json.dumps({key: value for key, value in each.settings.items() if key != "hidden_lr"}))
    assert reference.mark(each, old) == reference.mark(each, each.settings)
    assert reference.mark(each, old | {"hidden_lr": 2.0}) != reference.mark(each, each.settings)


# The command


@pytest.mark.parametrize("name", [NET, STUDY])
@pytest.mark.filterwarnings("ignore:kp.*:UserWarning")
def test_a_run_is_inside_the_band_of_itself_and_outside_that_of_another_number(small, tmp_path, capsys, name):
    words, write = made(tmp_path, name)
    assert cli.main(words) == 0
    assert "inside the band: all " in capsys.readouterr().out

    def move(rows):
        column, (mean, sd) = next((key, value) for key, value in rows[list(rows)[1]].items() if value[0] > 1e-6)
        seeds = EXPERIMENTS[name].settings["seeds"]
        rows[list(rows)[1]][column] = [mean + 2 * reference.band(column, mean, sd, seeds, seeds), sd]

    write(move)
    assert cli.main([*words, "--resume"]) == 1
    printed = capsys.readouterr().out
    assert "OUTSIDE the band: 1 of " in printed and printed.count("outside: ") == 1


def test_more_seeds_and_one_rule_alone_can_be_verified(small, tmp_path, capsys):
    words, _ = made(tmp_path, NET)
    assert cli.main([*words, "--seeds", "3", "--rules", "fa"]) == 0
    printed = capsys.readouterr().out.split("Beside ")[-1]
    assert "\nfa " in printed and "\nbp " not in printed


def test_what_has_no_reference_is_refused_before_it_is_run(small, tmp_path, refused):
    words, _ = made(tmp_path, NET)
    assert "has no reference for these settings, only for: no options" in refused(*words, "--epochs", "3")
    assert "only for: no options" in refused(*words, "--quick")
    assert "has no reference for kp: leave it out with --rules" in refused(*words, "--rules", "bp,kp")
    assert not (tmp_path / "second").exists()
    words[words.index("--reference") + 1] = str(tmp_path / "none.json")
    assert "none.json is not here: go to a copy of the repository" in refused(*words)
    (tmp_path / "none.json").write_text("{")
    assert "is no file of references" in refused(*words)
    with pytest.raises(InputError, match="no numbers of their own, only words"):
        each = EXPERIMENTS["fixed-points"]
        only_words = {"settings": reference.mark(each, each.settings), "seeds": 3, "changes": {}, "rows": {}}
        reference.choose_entry({"fixed-points": [only_words]}, each, each.settings)


# The committed file


def test_the_committed_references_are_what_the_command_writes(tool, capsys):
    assert tool.main(["--check"]) == 0, capsys.readouterr().out


def test_every_committed_result_is_inside_its_own_band():
    known = reference.read(ROOT / reference.FILE)
    for path in sorted((ROOT / "figures").glob("*/summary.json")):
        summary = json.loads(path.read_text())
        each = EXPERIMENTS[summary["experiment"]]
        (entry,) = [entry for entry in known[each.name] if entry["from"] == f"figures/{path.parent.name}"]
        if entry["rows"]:
            assert reference.choose_entry(known, each, summary["settings"])["settings"] == entry["settings"]
        rows = reference.verify(entry, summary["settings"], summary["rows"])
        assert all(row["inside"] for row in rows) and (rows or not entry["rows"]), path.parent.name


def test_a_row_of_a_sweep_that_is_missing_is_outside_and_a_rule_that_was_left_out_is_not():
    summary = json.loads((ROOT / "figures" / "over-fitting" / "summary.json").read_text())
    entry = reference.entry(EXPERIMENTS["over-fitting"], summary, "")
    settings, table = summary["settings"], summary["rows"]
    outside = {row["name"] for row in reference.verify(entry, settings, table[1:]) if not row["inside"]}
    assert outside == {"300 images, bp"}
    without = [row for row in table if row["rule"] != "bp"]
    found = reference.verify(entry, settings | {"rules": ["fa", "shallow"]}, without)
    assert {row["name"] for row in found} == {f"{n} images, {rule}" for n in (300, 1000) for rule in ("fa", "shallow")}


def test_a_sweep_of_other_points_has_another_mark_and_one_of_fewer_rules_has_not():
    each = EXPERIMENTS["over-fitting"]
    settings = each.settings
    fewer = settings | {"points": settings["points"][:1]}
    assert reference.mark(each, fewer) != reference.mark(each, settings)
    assert reference.mark(each, settings | {"rules": ["bp"], "seeds": 1}) != reference.mark(each, fewer)
    assert reference.mark(each, settings | {"rules": ["bp"], "seeds": 1}) == reference.mark(each, settings)


def test_a_quick_form_that_has_changed_loses_its_reference(tool, monkeypatch):
    each = EXPERIMENTS[NET]
    entry = {"from": tool.QUICK, "settings": reference.mark(each, tool.quick(each)), "seeds": 3, "rows": {}}
    before = {NET: [entry, {**entry, "from": "figures/x"}], "gone": [entry]}
    assert tool.kept(before) == {NET: [entry]}
    monkeypatch.setitem(EXPERIMENTS, NET, replace(each, quick=each.quick | {"epochs": 7}))
    assert tool.kept(before) == {}


# The list, and all at once


def test_the_list_says_what_is_committed_what_is_shortened_and_what_was_not_run_and_why(tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    known = reference.read(reference.FILE)
    each = EXPERIMENTS[NET]
    assert listing.state(each, known) == "committed with 5 seeds (epochs 60)"
    assert listing.state(EXPERIMENTS["fashion-lenet"], known).endswith("; shortened: 10 of 100 epochs")
    assert listing.state(each, {}) == "no result committed"
    assert listing.state(each, None) == ""
    assert listing.state(replace(each, not_run="no data"), {}) == "not run: no data"
    monkeypatch.chdir(tmp_path)
    lines = listing.listed(EXPERIMENTS)
    assert lines[-1].endswith("Which results are committed is told where figures/reference.json is, in a checkout.")
    assert len(lines) == 2 + 2 * len(EXPERIMENTS) + 2 and not any("committed with" in line for line in lines)


@pytest.fixture
def three(small, monkeypatch):
    """A net, a study that diverges, and another study."""

    def diverge(*_):
        raise Diverged("the loss is nan at step 3")

    chosen = {NET: EXPERIMENTS[NET], "broken": replace(EXPERIMENTS[STUDY], name="broken", work=diverge),
              STUDY: EXPERIMENTS[STUDY]}  # fmt: skip
    monkeypatch.setattr(cli, "EXPERIMENTS", chosen)
    return chosen


@pytest.mark.filterwarnings("ignore:kp.*:UserWarning")
def test_all_goes_on_after_one_that_fails_and_can_be_resumed(three, tmp_path, capsys):
    words = ["reproduce", "--all", "--out", str(tmp_path)]
    assert cli.main(words) == 2
    said = capsys.readouterr()
    names, ends = zip(*(line.split(maxsplit=1) for line in said.out.splitlines()[-3:]))
    assert names == (NET, "broken", STUDY)
    assert ends[0].endswith(" done") and ends[1].endswith("FAILED: Diverged: the loss is nan at step 3")
    assert "numpyfa: broken: FAILED: Diverged" in said.err
    assert all((tmp_path / name / "summary.json").exists() for name in (NET, STUDY))
    assert cli.main(words) == 2
    assert "holds a run already: --resume, --force, or another --out" in capsys.readouterr().err

    three["broken"] = replace(three["broken"], work=EXPERIMENTS[STUDY].work)
    before = (tmp_path / NET / "parts" / "job-fa-0.json").stat().st_mtime_ns
    assert cli.main([*words, "--resume"]) == 0
    assert (tmp_path / NET / "parts" / "job-fa-0.json").stat().st_mtime_ns == before, "what was done is not done again"
    assert capsys.readouterr().out.count("  done") == 3


def test_data_that_is_not_here_is_said_and_left_out_of_all(three, tmp_path, capsys, monkeypatch):
    net = three[NET]
    monkeypatch.setenv("NUMPYFA_DATA", str(tmp_path))
    for name in ("imagenet@224", str(tmp_path / "none.npz")):
        assert listing.needs(net.settings | {"data": name}) == f"{name}, not here"
    (tmp_path / "imagenet").mkdir()
    assert listing.needs(net.settings | {"data": "imagenet@224"}) == "imagenet@224"
    assert listing.needs({"protocol": {"data": "mnist"}}) == "mnist" and listing.needs({}) == "in the package"
    gone = {NET: replace(net, settings=net.settings | {"data": "gone@32"})}
    monkeypatch.setattr(cli, "EXPERIMENTS", gone)
    assert cli.main(["reproduce", "--all", "--out", str(tmp_path)]) == 0
    assert capsys.readouterr().out.endswith("left out: gone@32, not here\n") and not (tmp_path / NET).exists()


def test_all_refuses_an_option_that_one_does_not_take_before_anything_runs(three, tmp_path, refused):
    assert "takes --quick, --seeds, found --epochs" in refused("reproduce", "--all", "--epochs", 1, "--out", tmp_path)
    assert not list(tmp_path.iterdir())
    assert "name one experiment or give --all" in refused("reproduce", NET, "--all")


def test_what_would_be_ignored_is_refused(refused):
    for words in ([NET], ["--all"]):
        assert "leave out the name and --all" in refused("reproduce", "--list", *words)
        assert "--reference is what --verify holds a run against" in refused("reproduce", *words, "--reference", "x")


def test_all_leaves_out_what_is_not_run_here_unless_its_short_form_is_wanted(three, tmp_path, capsys, monkeypatch):
    long = replace(three[STUDY], name="long", not_run="it takes a year", quick={})
    monkeypatch.setattr(cli, "EXPERIMENTS", {"long": long})
    assert cli.main(["reproduce", "--all", "--out", str(tmp_path)]) == 0
    assert (
        capsys.readouterr().out.endswith("left out: not run here, it takes a year\n")
        and not (tmp_path / "long").exists()
    )
    assert cli.main(["reproduce", "--all", "--quick", "--out", str(tmp_path)]) == 0
    assert (tmp_path / "long" / "summary.json").exists()
    assert cli.main(["reproduce", "long", "--out", str(tmp_path / "by its name")]) == 0


def test_an_experiment_without_a_reference_is_no_failure_of_all(three, tmp_path, capsys, monkeypatch):
    words, _ = made(tmp_path, STUDY)
    capsys.readouterr()
    alone = {name: three[name] for name in (NET, STUDY)}
    monkeypatch.setattr(cli, "EXPERIMENTS", alone)
    words[1] = "--all"
    assert cli.main(words) == 0
    said = capsys.readouterr()
    assert re.findall(r"^(\S+) .*?(left out: no reference|done)$", said.out, re.M) == [
        (NET, "left out: no reference"),
        (STUDY, "done"),
    ]
    assert "FAILED" not in said.out + said.err
    words[words.index("--reference") + 1] = str(tmp_path / "none.json")
    assert cli.main([*words, "--resume"]) == 2, "a file that is not there is still a mistake"
