"""The table, and what it says of the poster's claim."""

import math

import numpy as np

from ...lab.experiment import Settings
from ...lab.tables import Rows, column, deviation, pick


def table(settings: Settings, rows: Rows) -> Rows:
    lines = []
    for kind in ("bp", "fa"):
        theory, simulated = pick(rows, part="theory", rule=kind), pick(rows, part="simulation", rule=kind)
        end = theory[-1]["t"]
        cosines, random = column(theory, "cosine"), pick(rows, part="random R", rule=kind, t=end)
        error, ends = column(pick(simulated, t=end), "error"), column(pick(simulated, t=end), "cosine")
        apart = {t: max(row["deviation"] for row in simulated if row["t"] <= t) for t in (10, 100, end)}
        lines.append({
            "rule": kind,
            "cos(v, F) at 0": cosines[0].item(),
            "highest in theory": cosines.max().item(),
            f"at {end:g}: theory": cosines[-1].item(),
            "simulation": f"{ends.min():.2f} to {ends.max():.2f}",
            f"error at {end:g}: theory": theory[-1]["error"],
            "theory, random R": mean_and_sd(column(random, "error")),
            "error, simulation": mean_and_sd(error),
            f"deviation to t = 10, 100, {end:g}": ", ".join(f"{each:.2f}" for each in apart.values()),
        })  # fmt: skip
    return lines


def mean_and_sd(values: np.ndarray) -> str:
    """The mean over seeds, and in brackets the standard deviation if there are several."""
    sd = deviation(values)
    return f"{values.mean():.4f}" + ("" if math.isnan(sd) else f" ({sd:.4f})")


def verdict(settings: Settings, table: Rows) -> list[str]:
    rows = {row["rule"]: row for row in table}
    highest = {rule: row["highest in theory"] for rule, row in rows.items()}
    aligns = highest["fa"] > 0.9 > highest["bp"]
    answer = "v aligns with F under FA alone" if aligns else "v does not align under FA alone"
    end = f"at {settings['t']:g}: theory"
    course = "; ".join(f"{rule.upper()} {highest[rule]:.2f}, {row[end]:.2f}"
                       for rule, row in rows.items())  # fmt: skip
    times = next(name for name in table[0] if name.startswith("deviation"))
    apart = "; ".join(f"{rule.upper()} {row[times]}" for rule, row in rows.items())
    return [
        f"the cosine of v and F in theory, at its highest and at the end: {course}: {answer}",
        f"the largest {times} of simulation from theory: {apart}",
    ]
