"""The figures of both experiments, a function a panel."""

from typing import Any

import numpy as np

from ...lab.experiment import Settings
from ...lab.looks import COLOURS, LOOKS, STYLES, Look, looks
from ...lab.plots import band, degrees, grid, logarithmic, plain_ticks, rule_band, shared_legend
from ...lab.tables import Rows, over_seeds, pick
from ...theory import learned_feedback as theory

DRAWN = [1, 10, 100, "orthogonal"]  # the courses that are drawn


def draw_gap(figure: Any, settings: Settings, rows: Rows) -> None:
    gaps, angles = grid(figure, 2, 2, height=75)
    cases = {case: pick(rows, case=case, layer=2) for case in settings["cases"]}
    draw_gaps(gaps, cases)
    draw_angles(angles, cases)
    shared_legend(figure, *gaps.get_legend_handles_labels())
    figure.suptitle(f"kolen-pollack: {settings['seeds']} seeds")


def draw_gaps(axes: Any, cases: dict[str, Rows]) -> None:
    """The gap, and as circles what the law says."""
    for number, (colour, style, (case, own)) in enumerate(zip(COLOURS, STYLES, cases.items())):
        band(axes, *over_seeds(own, "step", "gap"), colour, style, case)
        x, due, _ = over_seeds(own, "step", "gap_due")
        axes.plot(x[::3], due[::3], "o", color=colour, mfc="none", ms=2.5 + number)  # two laws coincide: both are seen
    logarithmic(axes)
    axes.set(xlabel="step", ylabel="|B - W$^T$| / at the start", title="dense 2, circles: (1 - lr decay)$^t$")


def draw_angles(axes: Any, cases: dict[str, Rows]) -> None:
    for colour, style, (case, own) in zip(COLOURS, STYLES, cases.items()):
        band(axes, *over_seeds(own, "step", "angle"), colour, style, case)
    degrees(axes)
    axes.set(xlabel="step", ylabel="angle of B to W$^T$ (degrees)", title="dense 2")


def draw_path(figure: Any, settings: Settings, rows: Rows) -> None:
    ends, course = grid(figure, 2, 2, height=75)
    draw_ends(ends, pick(rows, step=max(row["step"] for row in rows)), max(settings["expansions"]))
    draw_courses(course, pick(rows, layer=2))
    figure.suptitle(
        f"pfa-angle: {settings['seeds']} seeds, learning rate {settings['lr']:g}, decay {settings['decay']:g}"
    )


def draw_ends(axes: Any, last: Rows, most: int) -> None:
    """The angle at the last step against k, beside the law."""
    k = np.geomspace(1, most, 100)
    axes.plot(k, [theory.path_angle(each) for each in k], color="0.3", label="arctan(1 / sqrt k)")
    for colour, marker, layer in zip(COLOURS, "os", (2, 3)):
        own = [row for row in last if row["layer"] == layer and row["k"] != "orthogonal"]
        x, mean, deviation = over_seeds(own, "k", "angle")
        axes.errorbar(x, mean, deviation, color=colour, marker=marker, ls="", mfc="none", label=f"dense {layer}")
        x, mean, _ = over_seeds(own, "k", "angle_of_G")
        axes.plot(x, mean, color=colour, ls=":", label=f"dense {layer}: from its own B")
    axes.set(xlabel="k", ylabel="angle of B R to W$^T$ (degrees)", xscale="log", ylim=(0, 60), title="at the end")
    plain_ticks(axes.xaxis, [tick for tick in (1, 2, 5, 10, 20, 50, 100) if tick <= most])
    axes.legend(loc="upper right")


def draw_courses(axes: Any, rows: Rows) -> None:
    for expansion, look in path_looks().items():
        label = "orthogonal" if expansion == "orthogonal" else f"k = {expansion}"
        x, mean, deviation = over_seeds(pick(rows, k=expansion), "step", "angle")
        rule_band(axes, x, mean, deviation, look, label, marker=look.marker, markevery=max(1, len(x) // 6))
    degrees(axes)
    axes.set(xlabel="step", ylabel="angle of B R to W$^T$ (degrees)", title="dense 2")
    axes.legend(loc="upper right", bbox_to_anchor=(1, 0.92))


def path_looks() -> dict[Any, Look]:
    """Product feedback's own colour in shades, and for orthogonal B that rule's."""
    shades = looks(f"pfa:expansion={k}" for k in DRAWN[:-1])
    return dict(zip(DRAWN, [*shades.values(), LOOKS["pfa-o"]]))
