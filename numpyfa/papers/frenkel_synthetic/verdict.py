"""The table beside the slides, and what it says."""

import math
from typing import Any

from ...lab.experiment import Settings
from ...lab.tables import Rows, column, pick

COLUMNS = {
    "regression_loss": ("regression", "train_loss"),
    "regression_test_loss": ("regression", "test_loss"),
    "train_error": ("classification", "train_error"),
    "test_error": ("classification", "test_error"),
    "angle_1": ("classification", "angle_1"),
    "angle_2": ("classification", "angle_2"),
}


def table(settings: Settings, rows: Rows) -> Rows:
    """A row a rule, and one more for each other learning rate: means and deviations over seeds at the end."""
    return [line(settings, rows, rule, factor) for factor in settings["factors"] for rule in settings["rules"]]


def line(settings: Settings, rows: Rows, rule: str, factor: float) -> dict:
    found: dict[str, Any] = {"rule": rule if factor == 1 else f"{rule}, rate x {factor:g}"}
    for name, (task, measure) in COLUMNS.items():
        last = pick(rows, task=task, rule=rule, factor=factor, epoch=settings[task][2])
        if not last or measure not in last[0] or (rule == "bp" and "angle" in name):
            found |= {name: "", f"{name}_sd": ""}
        else:
            values = column(last, measure)
            found |= {
                name: float(values.mean()),
                f"{name}_sd": float(values.std(ddof=1)) if len(last) > 1 else math.nan,
            }
    return found


def verdict(settings: Settings, table: Rows) -> list[str]:
    names = {"regression_loss": "training loss of the cosines", "test_error": "test error of the classes"}
    return [f"{words}, learning rate {settings['lr'] * factor:g}: {order(table, name, factor)}"
            for name, words in names.items() for factor in settings["factors"]]  # fmt: skip


def order(table: Rows, name: str, factor: float) -> str:
    """The rules from the best to the worst."""
    ending = "" if factor == 1 else f", rate x {factor:g}"
    rules = {row["rule"].partition(",")[0]: row for row in table if row["rule"].partition(",")[2] == ending[1:]}
    ranked = sorted((row[name], rule) for rule, row in rules.items() if row[name] != "")
    return ", ".join(f"{rule} {value:.3g}" for value, rule in ranked)
