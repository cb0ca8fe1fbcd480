"""The table, and what it says of the poster's claim."""

import math

import numpy as np

from ...lab.experiment import Row, Settings
from ...lab.tables import Rows, column, deviation, pick


def mean_and_sd(values: np.ndarray, digits: int = 2) -> str:
    """The mean, and in brackets the standard deviation if there are several."""
    sd = deviation(values)
    return f"{values.mean():.{digits}f}" + ("" if math.isnan(sd) else f" ({sd:.{digits}f})")


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
            "theory, random R": mean_and_sd(column(random, "error"), 4),
            "error, simulation": mean_and_sd(error, 4),
            f"deviation to t = 10, 100, {end:g}": ", ".join(f"{each:.2f}" for each in apart.values()),
        } | over_draws(settings, rows, kind, end))  # fmt: skip
    return lines


def over_draws(settings: Settings, rows: Rows, kind: str, end: float) -> Row:
    """The cosine of v and F of all draws of these: at the start, at its highest and at the end."""
    courses = [
        np.array([column(pick(rows, part=part, rule=kind, seed=draw), "cosine") for draw in range(settings["draws"])])
        for part in ("draw, theory", "draw, simulation")
    ]
    highest = [each.max(axis=1) for each in courses]
    return {
        f"cos(v, F) of {settings['draws']} draws at 0": mean_and_sd(courses[0][:, 0]),
        "highest: theory, simulation": ", ".join(map(mean_and_sd, highest)),
        "above 0.9 in: theory, simulation": ", ".join(str(sum(each > 0.9)) for each in highest),
        f"at {end:g}: theory, simulation": ", ".join(mean_and_sd(each[:, -1]) for each in courses),
    }


def verdict(settings: Settings, table: Rows) -> list[str]:
    rows = {row["rule"]: row for row in table}
    highest = {rule: row["highest in theory"] for rule, row in rows.items()}
    aligns = highest["fa"] > 0.9 > highest["bp"]
    answer = "v aligns with F under FA alone" if aligns else "v does not align under FA alone"
    end = f"at {settings['t']:g}: theory"
    found = "; ".join(f"{rule.upper()} {row['above 0.9 in: theory, simulation']}" for rule, row in rows.items())
    course = "; ".join(f"{rule.upper()} {highest[rule]:.2f}, {row[end]:.2f}"
                       for rule, row in rows.items())  # fmt: skip
    times = next(name for name in table[0] if name.startswith("deviation"))
    apart = "; ".join(f"{rule.upper()} {row[times]}" for rule, row in rows.items())
    return [
        f"the cosine of v and F in theory, at its highest and at the end: {course}: {answer}",
        f"it comes above 0.9 in so many of {settings['draws']} draws of v and F, in theory and simulation: {found}",
        f"the largest {times} of simulation from theory: {apart}",
    ]
