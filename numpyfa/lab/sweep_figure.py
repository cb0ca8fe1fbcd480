"""The figure of a sweep: the held-out error against the learning rate, for each rule."""

from typing import Any

import numpy as np

from ..errors import is_number
from . import plots
from .experiment import Settings
from .looks import Look, looks
from .net_figure import line_of
from .points import Point, by_word, edges
from .tables import Rows, pick


def draw_sweep(name: str, figure: Any, settings: Settings, rows: Rows) -> None:
    """A panel a case; one legend for all."""
    cases, field = list(settings["cases"]), abscissa(settings["points"])
    found = looks(dict.fromkeys(row["rule"] for row in rows))
    for axes, case in zip(plots.grid(figure, len(cases), min(len(cases), 2 + (len(cases) % 3 == 0)), height=74), cases):
        draw_case(axes, pick(rows, case=case), field, by_word(settings), found)
        axes.set_title(case)
    plots.shared_legend(figure, [line_of(look) for look in found.values()], list(found))
    figure.suptitle(f"{name}: a large mark is what was chosen, and an open one lies at the edge of what was tried")


def abscissa(points: list[dict]) -> str:
    """The field that the error is drawn against: the learning rate, or else the first that has several numbers."""
    several = [name for name in points[0] if len({str(point[name]) for point in points}) > 1] or list(points[0])
    numbers = [name for name in several if all(is_number(point[name]) for point in points)]
    return "lr" if "lr" in numbers else (numbers or several)[0]


def draw_case(axes: Any, rows: Rows, field: str, points: dict[str, Point], found: dict[str, Look]) -> None:
    """For each rule the lowest mean held-out error at each value of the field, over the other fields. The error of a
    point is that after its last round. A large mark is at what was chosen; at the right edge is its mean test error."""
    values = list({str(point[field]): point[field] for point in points.values()}.values())
    numbers = all(map(is_number, values))
    places = {str(value): value if numbers else place for place, value in enumerate(values)}
    log = numbers and min(values) > 0
    tests = {}
    for rule in dict.fromkeys(row["rule"] for row in rows):
        look = found[rule]
        tried, own = pick(rows, rule=rule, stage="trial"), pick(rows, rule=rule, stage="test")
        x = sorted(places, key=places.__getitem__)
        errors = [lowest(tried, [each for each, point in points.items() if str(point[field]) == value]) for value in x]
        line = look.line() | (
            {"ls": "none"} if len(values) == len(points) and len(next(iter(points.values()))) > 1 else {}
        )
        axes.plot([places[value] for value in x], errors, marker=look.marker, ms=3, **line)
        best = own[0]["point"]
        axes.plot(places[str(points[best][field])], lowest(tried, [best]), marker=look.marker, ms=6, color=look.colour,
                  mfc="none" if edges(list(points.values()), points[best]) else look.colour, zorder=5)  # fmt: skip
        tests[rule] = float(np.mean([row["test_error"] for row in own]))
    tests = {rule: error for rule, error in tests.items() if np.isfinite(error)}
    axes.set(xlabel=field, ylabel="held-out error (%)", xscale="log" if log else "linear")
    if not numbers:
        axes.set_xticks(list(places.values()), list(places))
    elif len(values) <= 10:
        plots.plain_ticks(axes.xaxis, sorted(values))
    axes.tick_params(axis="x", labelrotation=60)  # small rates are long words
    plots.percents(axes, list(tests.values()))
    marks = [(error, f"{rule} {error:.2f}", found[rule].colour) for rule, error in tests.items()]
    plots.at_edge(axes, marks, "test")


def lowest(trials: Rows, words: list[str]) -> float:
    """The lowest mean error of these points, of each after the last round that it was in; NaN if all diverged."""
    means = []
    for word in words:
        own = pick(trials, point=word)
        last = [row["held_out_error"] for row in own if row["epochs"] == max(row["epochs"] for row in own)]
        means.append(float(np.mean(last)))
    return min((mean for mean in means if np.isfinite(mean)), default=np.nan)
