"""The table, and what it says of the paper's two claims."""

import math

import numpy as np

from ...lab.experiment import Settings
from ...lab.tables import Rows, column, pick

PARTS = ("alone, drawn above", "alone, trained above")


def table(settings: Settings, rows: Rows) -> Rows:
    """A row a way on: the training error before, at its highest, and at the end, and the test error at the end."""
    lines = [line(rows, "thawed", rule, rule) for rule in ("bp", "dfa")]
    return lines + [line(rows, part, rule, f"{rule}, layer 1 {part}") for part in PARTS for rule in ("bp", "fa", "dfa")]


def line(rows: Rows, part: str, rule: str, name: str) -> dict:
    own = pick(rows, part=part, rule=rule)
    last = pick(own, epoch=max(row["epoch"] for row in own))
    seeds = sorted({row["seed"] for row in own})
    found = {"rule": name, "before": float(column(pick(own, epoch=0), "train_error").mean())}
    found["highest"] = float(np.mean([column(pick(own, seed=seed), "train_error").max() for seed in seeds]))
    for what in ("train_error", "test_error"):
        values = column(last, what)
        found |= {what: float(values.mean()), f"{what}_sd": float(values.std(ddof=1)) if len(last) > 1 else math.nan}
    return found


def verdict(settings: Settings, table: Rows) -> list[str]:
    of = {row["rule"]: row for row in table}
    bp, dfa = of["bp"], of["dfa"]
    rise = "after a rise" if dfa["highest"] > dfa["before"] else "without a rise"
    lines = [
        f"when all layers learn, the training error goes from {bp['before']:.1f} % to {bp['train_error']:.2f} % under "
        f"BP and to {dfa['train_error']:.2f} % under DFA, {rise} to {dfa['highest']:.1f} %"
    ]
    for part in PARTS:
        rows = {rule: of[f"{rule}, layer 1 {part}"] for rule in ("bp", "fa", "dfa")}
        better = [rule.upper() for rule, row in rows.items() if row["train_error"] < row["before"] - 1]
        ends = ", ".join(f"{rule.upper()} {row['train_error']:.1f} %" for rule, row in rows.items())
        lines.append(
            f"layer 1 {part}: from {rows['bp']['before']:.1f} %, {ends}; by a point or more improve: "
            f"{', '.join(better) or 'none'}"
        )
    return lines
