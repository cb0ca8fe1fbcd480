"""Results that a notebook or a model answer quotes are those of the committed tables."""

import ast
import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def literal(notebook, name):
    """What the notebook's script assigns to the name."""
    tree = ast.parse((ROOT / "tutorials" / f"{notebook}.py").read_text(encoding="utf-8"))
    return next(ast.literal_eval(line.value) for line in tree.body
                if isinstance(line, ast.Assign) and getattr(line.targets[0], "id", "") == name)  # fmt: skip


def committed(folder, case):
    """{rule: row} of a committed table."""
    summary = json.loads((ROOT / "figures" / folder / "summary.json").read_text(encoding="utf-8"))
    return {row["rule"]: row for row in summary["rows"] if row["case"] == case}


def answer(name):
    """The text of a model answer in one line."""
    return " ".join((ROOT / "numpyfa" / "course" / "answers" / f"{name}.md").read_text(encoding="utf-8").split())


def cells(page, pattern):
    """The cells of the one table row of a page that begins so."""
    rows = re.findall(rf"^\| {pattern} \|.*$", (ROOT / "docs" / page).read_text(encoding="utf-8"), re.M)
    assert len(rows) == 1, rows
    return [cell.strip() for cell in rows[0].strip("|").split("|")]


@pytest.mark.parametrize("where", literal("06_convolutions", "COMMITTED"))
def test_the_test_errors_of_notebook_06_are_the_committed_ones_to_a_hundredth(where):
    folder, case = where
    rows = committed(folder, case)
    for rule, (mean, sd) in literal("06_convolutions", "COMMITTED")[where].items():
        assert mean == pytest.approx(rows[rule]["test_error"], abs=0.0051), f"{folder}, {case}: {rule}"
        assert sd == pytest.approx(rows[rule]["test_error_sd"], abs=0.0051), f"{folder}, {case}: {rule}"


def test_in_three_of_the_four_nets_of_notebook_06_the_control_took_the_largest_rate_of_its_grid():
    edges = [committed(*where)["shallow"]["at the edge"] for where in literal("06_convolutions", "COMMITTED")]
    assert sorted(edges) == ["hidden_lr", "lr", "lr", "lr"]  # no hidden layer learns in the control


@pytest.mark.parametrize("case", literal("11_a_fair_comparison", "COMMITTED"))
def test_the_errors_and_losses_of_notebook_11_are_the_committed_ones_to_a_hundredth(case):
    rows = committed("over-fitting", case)
    for rule, quoted in literal("11_a_fair_comparison", "COMMITTED")[case].items():
        for what, (mean, sd) in zip(("test_error", "test_loss"), quoted):
            assert mean == pytest.approx(rows[rule][what], abs=0.0051), f"{case}: {rule}, {what}"
            assert sd == pytest.approx(rows[rule][f"{what}_sd"], abs=0.0051), f"{case}: {rule}, {what}"


def test_the_one_seed_of_resnet_20_in_answer_07_is_the_committed_one():
    rows = {row["rule"]: row for row in json.loads(
        (ROOT / "figures" / "pfa-resnet20" / "summary.json").read_text(encoding="utf-8"))["rows"]}  # fmt: skip
    said = re.search(r"one seed of FA at ([\d.]+) % where backpropagation has ([\d.]+) %", answer(
        "07_residual_nets_and_batch_norm"))  # fmt: skip
    for number, rule in zip(said.groups(), ("fa", "bp")):
        assert float(number) == pytest.approx(rows[rule]["test_error"], abs=0.0051), rule


def test_the_ratios_of_dfas_step_and_bps_in_answer_12_are_those_of_the_page_on_speed():
    said = re.search(r"a DFA step takes ([\d.]+) and ([\d.]+) times PyTorch's BP step, and ours of BP ([\d.]+) and "
                     r"([\d.]+) times", answer("12_numpy_and_cupy"))  # fmt: skip
    rows = "resnet20, dfa", "lenet, dfa", "resnet20, bp", "lenet, bp"
    assert list(said.groups()) == [cells("speed.md", row)[1] for row in rows]
