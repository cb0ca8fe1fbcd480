"""The figures of both experiments."""

from typing import Any

import numpy as np

from ...lab.experiment import Settings
from ...lab.plots import COLOURS, STYLES, band
from ...lab.tables import Rows, over_seeds, pick
from ...theory import learned_feedback as theory


def draw_gap(figure: Any, settings: Settings, rows: Rows) -> None:
    figure.set_size_inches(10, 3.8)
    gaps, angles = figure.subplots(1, 2)
    for colour, style, case in zip(COLOURS, [*STYLES, (0, (5, 1))], settings["cases"]):
        own = pick(rows, case=case, layer=2)
        for axes, name, label in ((gaps, "gap", case), (angles, "angle", case)):
            x, mean, deviation = over_seeds(own, "step", name)
            band(axes, x, mean, deviation, colour, style, label)
        x, due, _ = over_seeds(own, "step", "gap_due")
        gaps.plot(x[::3], due[::3], "o", color=colour, ms=3, mfc="none")
    gaps.set(
        xlabel="step",
        ylabel="|B - W^T| / at the start",
        yscale="log",
        title="layer 2, circles: (1 - lr decay)^t; two coincide",
    )
    angles.set(xlabel="step", ylabel="angle of B to W^T (degrees)", ylim=(0, 95))
    gaps.legend(fontsize=7, frameon=False)
    figure.suptitle(f"kolen-pollack: {settings['seeds']} seeds", fontsize=9)


def draw_path(figure: Any, settings: Settings, rows: Rows) -> None:
    figure.set_size_inches(10, 3.8)
    ends, course = figure.subplots(1, 2)
    last, k = pick(rows, step=max(row["step"] for row in rows)), np.geomspace(1, max(settings["expansions"]), 100)
    ends.plot(k, [theory.path_angle(each) for each in k], color="0.3", label="arctan(1 / sqrt k)")
    for colour, marker, layer in zip(COLOURS, "os", (2, 3)):
        own = [row for row in last if row["layer"] == layer and row["k"] != "orthogonal"]
        x, mean, deviation = over_seeds(own, "k", "angle")
        ends.errorbar(x, mean, deviation, color=colour, marker=marker, ms=4, ls="", label=f"layer {layer}")
        x, mean, _ = over_seeds(own, "k", "angle_of_G")
        ends.plot(x, mean, color=colour, ls=":", lw=1, label=f"layer {layer}: from its own B")
    ends.set(xlabel="k", ylabel="angle of B R to W^T (degrees)", xscale="log", ylim=(0, 60), title="at the end")
    ends.legend(fontsize=7, frameon=False)
    for colour, style, expansion in zip(COLOURS, STYLES, [1, 10, 100, "orthogonal"]):
        x, mean, deviation = over_seeds(pick(rows, k=expansion, layer=2), "step", "angle")
        label = "orthogonal" if expansion == "orthogonal" else f"k = {expansion}"
        band(course, x, mean, deviation, colour, style, label)
    course.set(xlabel="step", ylabel="angle of B R to W^T (degrees)", ylim=(0, 95), title="layer 2")
    course.legend(fontsize=7, frameon=False)
    figure.suptitle(
        f"pfa-angle: {settings['seeds']} seeds, learning rate {settings['lr']:g}, decay {settings['decay']:g}",
        fontsize=9,
    )
