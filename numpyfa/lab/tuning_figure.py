"""The figure of experiments that tune each rule by the same budget."""

from typing import Any

import numpy as np

from . import plots
from .experiment import Settings
from .looks import Look, looks
from .net_figure import line_of
from .tables import Rows, pick


def draw_tuned(name: str, figure: Any, settings: Settings, rows: Rows) -> None:
    """A panel a case; one legend for all."""
    cases, field = list(settings["cases"]), next(iter(settings["grid"]))
    found = looks(dict.fromkeys(row["rule"] for row in rows))
    for axes, case in zip(plots.grid(figure, len(cases), min(len(cases), 2 + (len(cases) % 3 == 0)), height=74), cases):
        draw_case(axes, pick(rows, case=case), field, found)
        axes.set_title(case)
    plots.shared_legend(figure, [line_of(look) for look in found.values()], list(found))
    figure.suptitle(f"{name}: each rule tuned by the same budget; at the edge the test error of what was chosen")


def draw_case(axes: Any, rows: Rows, field: str, found: dict[str, Look]) -> None:
    """The held-out error of each rule against one field of the grid, at the best of the others; at the right edge the
    mean test error of what was chosen."""
    tests = {}
    for rule in dict.fromkeys(row["rule"] for row in rows):
        trials = pick(rows, rule=rule, stage="trial")
        x = sorted({row[field] for row in trials})
        best = [lowest([row["test_error"] for row in pick(trials, **{field: each})]) for each in x]
        axes.plot(x, best, marker=found[rule].marker, **found[rule].line())
        tests[rule] = float(np.mean([row["test_error"] for row in pick(rows, rule=rule, stage="test")]))
    tests = {rule: error for rule, error in tests.items() if np.isfinite(error)}
    axes.set(xlabel=field, xscale="log", ylabel="held-out error (%)")
    plots.plain_ticks(axes.xaxis, sorted({row[field] for row in rows}))
    axes.tick_params(axis="x", labelrotation=60)  # small rates are long words
    plots.percents(axes, list(tests.values()))
    marks = [(error, f"{rule} {error:.2f}", found[rule].colour) for rule, error in tests.items()]
    plots.at_edge(axes, marks, "test")


def lowest(errors: list[float]) -> float:
    """The lowest error of those that did not diverge."""
    return min((error for error in errors if np.isfinite(error)), default=np.nan)
