"""Ours beside the paper's: one verdict for all, on made-up rows and at the end of a real command."""

import importlib.util
import json
import math
import re
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from numpyfa import cli
from numpyfa.lab import compare
from numpyfa.lab.protocol import Protocol
from numpyfa.lab.training import training
from numpyfa.papers import EXPERIMENTS, PAPERS

ROOT = Path(__file__).parents[1]


def nets(**more):
    """An experiment whose paper prints bp's and fa's error and one of fa's angles."""
    more = {"published": {"bp": 1.5, "fa": 2.0, "fa weight_angle_2": 60.0}, "source": "A paper", **more}
    return training("made-up", Protocol(net="784-20-10", rules=("bp", "fa")), place="Table 1", **more)


def row(rule, error, sd, **more):
    return {"rule": rule, "test_error": error, "test_error_sd": sd, **more}


def verdict(ours, sd, paper, column="test_error"):
    (found,) = compare.compare(
        nets(published={f"fa {column}": paper}),
        {"seeds": 5},
        [{"rule": "fa", column: ours, f"{column}_sd": sd}],
    )
    return found["verdict"]


@pytest.mark.parametrize(
    "ours, sd, paper, due",
    [
        (10.0, 0.5, 11.0, "inside our spread"),  # 1 is 2 deviations
        (10.0, 1.1, 11.0, "inside our spread"),  # 2.2 is 20 % of 11
        (10.0, 1.11, 11.0, "spread too large to tell"),
        (11.0, 1.11, 11.0, "spread too large to tell"),  # however near the means are
        (18.07, 3.33, 13.06, "spread too large to tell"),
        (13.1, 1.01, 11.0, "apart"),  # a large spread that does not reach is no excuse
        (0.1, 0.1, 0.0, "inside our spread"),  # 0.2 points count as little, of any number
        (0.1, 0.11, 0.0, "spread too large to tell"),
        (10.0, 0.49, 11.0, "close"),  # 1 of 11 is 9.1 %
        (10.0, 0.49, 11.2, "apart"),  # 1.2 of 11.2 is 10.7 %
        (12.2, 0.49, 11.0, "apart"),
        (1.0, 0.01, 1.19, "close"),  # 16 %, but 0.19 points
        (1.0, 0.01, 1.21, "apart"),
        (10.0, math.nan, 10.0, "close"),  # of one seed no spread is known
        (10.0, None, 10.0, "close"),
        (math.nan, 0.5, 10.0, "apart"),
        (None, None, 10.0, "apart"),
        (64.0, math.nan, (60.0, 73.0), "close"),
        (54.0, math.nan, (60.0, 73.0), "close"),  # 6 below, and 10 % of 73 are 7.3
        (44.0, math.nan, (60.0, 73.0), "apart"),
        (80.0, 3.5, (60.0, 73.0), "inside our spread"),
    ],
)
def test_one_verdict_holds_for_all_numbers(ours, sd, paper, due):
    assert verdict(ours, sd, paper) == due


def test_only_errors_and_angles_are_close_by_0_2_however_small_they_are():
    assert verdict(0.1, 0.0, 0.25) == "close" and verdict(0.1, 0.0, 0.25, "weight_angle_2") == "close"
    assert verdict(0.1, 0.0, 0.25, "loss") == "apart"


def test_the_difference_is_ours_minus_the_papers_with_mean_seeds_and_reason():
    table = [row("bp", 1.6, 0.1), row("fa", 2.5, 0.1, weight_angle_2=62.0, weight_angle_2_sd=1.5)]
    found = compare.compare(nets(why={"": "all", "fa": "only fa"}), {"seeds": 3}, table)
    assert [each["difference"] for each in found] == pytest.approx([0.1, 0.5, 2.0])
    assert [each["verdict"] for each in found] == ["inside our spread", "apart", "inside our spread"]
    assert [each["why"] for each in found] == ["all", "only fa", "all"] and {each["seeds"] for each in found} == {3}
    words = [compare.in_words(each) for each in found]
    assert words[1]["ours"] == "2.50 (0.10)" and words[1]["difference"] == "+0.50"
    assert words[2]["ours"] == "62.0 (1.5)" and words[2]["difference"] == "+2.0"


def test_a_key_is_a_row_and_a_column_also_where_rows_have_names_of_several_words():
    study = [{"what": "angle to BP", "found": 1.0}, {"what": "angle to BP at 0.25", "found": 2.0}]
    assert compare.find(study, "angle to BP at 0.25")[0]["found"] == 2.0
    assert compare.find(study, "angle to BP found")[0]["found"] == 1.0
    assert compare.find(study, "angle") is None and compare.find(study, "angle to BP test_error") is None
    twice = [{"rule": "fa", "images": 1000, "test_error": 11.0}, {"rule": "fa", "images": 60000, "test_error": 2.0}]
    assert compare.find(twice, "fa, 60000")[0]["test_error"] == 2.0 and compare.find(twice, "fa") is None


def test_rules_that_were_left_out_have_no_row():
    assert [each["name"] for each in compare.compare(nets(), {"seeds": 3}, [row("bp", 1.6, 0.1)])] == ["bp"]


def test_seeds_rules_and_device_are_no_change_of_the_experiment_and_a_setting_of_later_is_none():
    each = nets()
    same = {**each.settings, "seeds": 9, "rules": ("kp",), "device": "gpu"}
    assert compare.changes(each, same) == {}
    old = {key: value for key, value in each.settings.items() if key != "hidden_lr"}  # before the protocol had it
    assert compare.changes(each, old) == {}
    assert compare.changes(each, {**each.settings, "epochs": 3, "hidden_lr": 5.0}) == {"epochs": 3, "hidden_lr": 5.0}
    tuned = replace(each, settings=asdict(Protocol(net="784-20-10", hidden_lr=5.0)))
    assert compare.changes(tuned, old) == {"hidden_lr": None}, "what it lacks was as it is by default"


def test_a_shortened_run_is_called_so_and_what_is_apart_has_its_reason():
    each = nets(shortened="10 of 100 epochs", why={"": "Nobody knows."})
    lines = compare.in_lines(each, each.settings, [row("bp", 9.0, 0.1), row("fa", 9.0, 0.1)])
    assert lines[-2:] == ["Shortened: 10 of 100 epochs.", "Why apart: Nobody knows."]
    changed = compare.in_lines(each, {**each.settings, "epochs": 1}, [row("bp", 9.0, 0.1)])
    assert changed[-1] == "These are not the experiment's own settings: epochs were changed."
    assert compare.in_lines(nets(published={}), each.settings, [row("bp", 9.0, 0.1)]) == []


def test_a_run_ends_with_the_papers_number_beside_its_own(in_this_process, monkeypatch, tmp_path, capsys):
    each = EXPERIMENTS["mnist-1000-10"]
    small = replace(each, settings=each.settings | {"net": "784-20-10", "epochs": 1, "examples": 300, "seeds": 2})
    monkeypatch.setitem(EXPERIMENTS, each.name, small)
    assert cli.main(["reproduce", each.name, "--out", str(tmp_path / "run")]) == 0
    printed = capsys.readouterr().out
    ours = json.loads((tmp_path / "run" / "summary.json").read_text())["rows"][1]
    line = rf"^fa +test error +3\.23 +{ours['test_error']:.2f} \({ours['test_error_sd']:.2f}\) +2 +\+\d+\.\d\d +apart$"
    assert re.search(line, printed, re.M), printed
    assert printed.count("3.23") == 2, "once in the comparison and once in the question"


# The page


@pytest.fixture
def pages(monkeypatch):
    spec = importlib.util.spec_from_file_location("pages", ROOT / "tools" / "pages.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_number_that_is_apart_without_a_reason_cannot_be_on_the_page(pages, monkeypatch):
    monkeypatch.setitem(EXPERIMENTS, "mnist-1000-10", replace(EXPERIMENTS["mnist-1000-10"], why={}))
    with pytest.raises(pages.PageError, match="mnist-1000-10: fa test_error is apart, and `why` of"):
        pages.papers()


def test_a_published_number_without_a_row_is_an_error(pages, monkeypatch):
    monkeypatch.setitem(EXPERIMENTS, "mnist-1000-10", replace(EXPERIMENTS["mnist-1000-10"], published={"fo": 3.23}))
    with pytest.raises(pages.PageError, match="mnist-1000-10: its table has no row and column for 'fo'"):
        pages.papers()


def test_every_experiment_stands_in_one_of_the_three_tables(pages):
    text = "\n".join([*pages.papers(), *pages.not_run(), *pages.without_number()])
    done = {pages.read(folder)["experiment"] for folder in pages.folders()}
    assert all(f"[{folder}](" in text for folder in pages.folders())
    assert all(f"`{name}`" in text for name in EXPERIMENTS if name not in done)


def test_no_shortened_experiment_is_on_the_page_without_the_word(pages):
    for line in pages.papers()[2:]:
        folder = re.match(r"\| \[([^]]+)\]", line)[1]
        shortened = EXPERIMENTS[pages.read(folder)["experiment"]].shortened
        assert bool(shortened) == (", shortened |" in line) and shortened in line


@pytest.mark.parametrize("name", [name for name, each in EXPERIMENTS.items() if each.shortened])
def test_what_an_experiment_calls_shortened_is_what_its_settings_say(name):
    each = EXPERIMENTS[name]
    settings = each.settings.get("protocol", each.settings)
    epochs = re.findall(r"(\d+) of (?:about |up to )?(\d+) epochs", each.shortened)
    images = re.search(r"([\d,]+) images", each.shortened)
    seeds = re.search(r"(\d+) of (\d+) seeds", each.shortened)
    assert epochs or images
    if name == "frenkel-synthetic":  # a list a task: examples to train and to test on, epochs
        ours = [settings[task][2] for task in ("regression", "classification")]
    else:
        ours = [settings["epochs"]] * bool(epochs)
        assert settings["examples"] == (int(images[1].replace(",", "")) if images else None)
    assert [int(said) for said, _ in epochs] == ours and all(int(said) < int(whole) for said, whole in epochs)
    assert not seeds or int(seeds[1]) == each.settings["seeds"] < int(seeds[2])


WHOLE = {
    "lillicrap-task3": "its file says that nothing is",
    "li-benna-mnist": "its file says: at full length",
    "pfa-adam": "a study of our own, of no paper's length",
}


def test_what_a_file_calls_shortened_its_experiments_call_so_too():
    silent = {each.name for paper in PAPERS if "hortened" in paper.__doc__
              for each in paper.EXPERIMENTS if not (each.shortened or each.not_run)}  # fmt: skip
    assert silent == set(WHOLE)


def test_an_experiment_without_a_published_number_says_why_there_is_none(pages, monkeypatch):
    assert [name for name, each in EXPERIMENTS.items() if not each.published and not each.why.get("")] == []
    monkeypatch.setitem(EXPERIMENTS, "kolen-pollack", replace(EXPERIMENTS["kolen-pollack"], why={}))
    with pytest.raises(pages.PageError, match="kolen-pollack: no number stands beside it, and `why` of"):
        pages.without_number()
