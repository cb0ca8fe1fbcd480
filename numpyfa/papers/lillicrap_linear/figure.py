"""The figure: six panels from the rows of all jobs."""

from typing import Any

import numpy as np

from ...lab.experiment import Settings
from ...lab.plots import COLOURS, STYLES, band
from ...lab.tables import Rows, column, over_seeds, pick
from .work import ANGLES


def draw(figure: Any, settings: Settings, rows: Rows) -> None:
    figure.set_size_inches(11, 6)
    errors, angles, scales, drifts, lyapunov, field = figure.subplots(2, 3).reshape(-1)
    for colour, style, (rule, lr) in zip(COLOURS, STYLES, settings["learners"]):
        t, *_ = over_seeds(pick(rows, part="learn", rule=rule), "step", "error")
        runs = [column(pick(rows, part="learn", rule=rule, seed=seed), "error") for seed in range(settings["seeds"])]
        errors.fill_between(t, np.min(runs, axis=0), np.max(runs, axis=0), color=colour, alpha=0.15, lw=0)
        errors.plot(t, np.exp(np.log(runs).mean(axis=0)), color=colour, ls=style, label=f"{rule}, learning rate {lr:g}")
    errors.set(xlabel="examples", ylabel="|T - W A|^2 / |T|^2", yscale="log", title="error (geometric mean, range)")
    for colour, style, (to, name) in zip(COLOURS, STYLES, ANGLES):
        t, mean, deviation = over_seeds(pick(rows, part="learn", rule="fa"), "step", name)
        band(angles, t, mean, deviation, colour, style, f"B e to {to}")
        t, mean, deviation = over_seeds(pick(rows, part="scale"), "scale", name)
        scales.errorbar(t, mean, deviation, color=colour, ls=style, marker="o", ms=3, label=f"B e to {to}")
    angles.set(xlabel="examples", ylabel="degrees", title="angle while FA learns", ylim=(0, 95))
    scales.set(xlabel="scale of the first weights", ylabel="degrees", xscale="log", ylim=(0, 95),
               title=f"angle after {settings['scale_examples']} examples")  # fmt: skip
    t, mean, deviation = over_seeds(pick(rows, part="drift"), "dt", "drift")
    drifts.errorbar(t, mean, deviation, color=COLOURS[0], marker="o", ms=3, label="change to the end")
    drifts.plot(t, mean[-1] * t / t[-1], color="0.4", ls=":", label="first order in dt")
    drifts.set(xlabel="dt", ylabel="largest change", xscale="log", yscale="log", title="B W + W^T B^T - A A^T")
    drifts.set_xticks(t, [f"{each:g}" for each in t])
    drifts.minorticks_off()
    for seed in range(settings["seeds"]):
        own = pick(rows, part="lyapunov", seed=seed)
        lyapunov.plot(column(own, "t"), column(own, "V") / own[0]["V"], color=COLOURS[0], lw=0.8)
    lyapunov.set(xlabel="t", ylabel="V / V at 0", yscale="log", title="V = |B E|^2 from zero weights")
    draw_field(field)
    for axes in (errors, angles, scales, drifts):
        axes.legend(fontsize=7, frameon=False)
    figure.suptitle(f"lillicrap-linear: 30-20-10, {settings['seeds']} seeds", fontsize=9)


def draw_field(axes: Any) -> None:
    """The flow of the 1-1-1 net, T = B = 1: dW/dt = (1 - W A) A, dA/dt = 1 - W A."""
    a, w = np.meshgrid(np.linspace(-3, 3, 41), np.linspace(-3, 3, 41))
    axes.streamplot(a, w, 1 - w * a, (1 - w * a) * a, color="0.6", linewidth=0.6, arrowsize=0.7, density=1.1)
    for low, high, colour, style in ((1 / 3, 3, 0, "-"), (-3, -1, 0, "-"), (-1, -1 / 3, 1, "--")):
        line = np.linspace(low, high, 100)
        axes.plot(line, 1 / line, color=COLOURS[colour], ls=style, lw=2)
    axes.set(xlabel="A", ylabel="W", title="1-1-1: W A = 1 (dashed: unstable)", xlim=(-3, 3), ylim=(-3, 3))
