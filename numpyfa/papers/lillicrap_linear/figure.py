"""The figure: six panels from the rows of all jobs, one function each."""

from typing import Any

import numpy as np

from ...lab.experiment import Settings
from ...lab.looks import COLOURS, LOOKS
from ...lab.plots import degrees, grid, logarithmic, plain_ticks, rule_band
from ...lab.tables import Rows, column, over_seeds, pick
from .work import ANGLES, ANY

PALE = 0.4


def draw(figure: Any, settings: Settings, rows: Rows) -> None:
    errors, angles, scales, drifts, lyapunov, field = grid(figure, 6, 3, height=56)
    draw_errors(errors, pick(rows, part="learn"), settings)
    draw_angles(angles, pick(rows, part="learn", rule="fa"))
    draw_scales(scales, pick(rows, part="scale"))
    scales.set(title=f"angle after {settings['scale_examples']} examples")
    draw_drifts(drifts, pick(rows, part="drift"))
    draw_lyapunov(lyapunov, pick(rows, part="lyapunov"), settings["seeds"])
    draw_field(field)
    figure.suptitle(f"lillicrap-linear: 30-20-10, {settings['seeds']} seeds")


def draw_errors(axes: Any, rows: Rows, settings: Settings) -> None:
    """The geometric mean over seeds and their range."""
    for rule, _ in settings["learners"]:
        t, *_ = over_seeds(pick(rows, rule=rule), "step", "error")
        runs = [column(pick(rows, rule=rule, seed=seed), "error") for seed in range(settings["seeds"])]
        axes.fill_between(t, np.min(runs, axis=0), np.max(runs, axis=0), color=LOOKS[rule].colour, alpha=0.15, lw=0)
        axes.plot(t, np.exp(np.log(runs).mean(axis=0)), label=rule, **LOOKS[rule].line())
    logarithmic(axes)
    axes.set(xlabel="examples", ylabel="|E|$^2$ / |W*|$^2$", title="error (geometric mean, range)")
    axes.legend(loc="lower left")


def draw_angles(axes: Any, rows: Rows) -> None:
    """Over the errors that are left, and paler over errors of all directions alike."""
    for to, name in ANGLES:
        rule_band(axes, *over_seeds(rows, "step", name), LOOKS[to], f"B e to {to}")
    for to, name in ANY:
        rule_band(axes, *over_seeds(rows, "step", name), LOOKS[to], f"{to}, any e", alpha=PALE)
    degrees(axes)
    axes.set(xlabel="examples", title="angle while FA learns")
    axes.legend(loc="upper right", bbox_to_anchor=(1, 0.92))


def draw_scales(axes: Any, rows: Rows) -> None:
    for to, name in ANGLES:
        x, mean, deviation = over_seeds(rows, "scale", name)
        axes.errorbar(x, mean, deviation, marker=LOOKS[to].marker, label=f"B e to {to}", **LOOKS[to].line())
    for to, name in ANY:
        x, mean, deviation = over_seeds(rows, "scale", name)
        axes.errorbar(x, mean, deviation, marker=LOOKS[to].marker, label=f"{to}, any e", alpha=PALE, **LOOKS[to].line())
    degrees(axes)
    axes.set(xlabel="scale of the first weights", xscale="log")
    axes.legend(loc="upper left", bbox_to_anchor=(0, 0.92))


def draw_drifts(axes: Any, rows: Rows) -> None:
    t, mean, deviation = over_seeds(rows, "dt", "drift")
    axes.errorbar(t, mean, deviation, color=COLOURS[0], marker="o", label="change to the end")
    axes.plot(t, mean[-1] * t / t[-1], color="0.4", ls=":", label="first order in dt")
    axes.set(
        xlabel="dt",
        ylabel="largest change",
        xscale="log",
        yscale="log",
        title="B W$_2$ + W$_2^T$ B$^T$ - W$_1$ W$_1^T$",
    )
    plain_ticks(axes.xaxis, list(t))
    axes.legend(loc="upper left")


def draw_lyapunov(axes: Any, rows: Rows, seeds: int) -> None:
    for seed in range(seeds):
        own = pick(rows, seed=seed)
        axes.plot(column(own, "t"), column(own, "V") / own[0]["V"], color=COLOURS[0], lw=0.8)
    logarithmic(axes)
    axes.set(xlabel="t", ylabel="V / V at 0", title="V = |B E|$^2$ from zero weights")


def draw_field(axes: Any) -> None:
    """The flow of the 1-1-1 net, W* = B = 1: dW_2/dt = (1 - W_2 W_1) W_1, dW_1/dt = 1 - W_2 W_1."""
    a, w = np.meshgrid(np.linspace(-3, 3, 41), np.linspace(-3, 3, 41))
    axes.streamplot(a, w, 1 - w * a, (1 - w * a) * a, color="0.6", linewidth=0.5, arrowsize=0.6, density=0.8)
    for low, high, colour, style in ((1 / 3, 3, 0, "-"), (-3, -1, 0, "-"), (-1, -1 / 3, 3, "--")):
        line = np.linspace(low, high, 100)
        axes.plot(line, 1 / line, color=COLOURS[colour], ls=style, lw=2)
    axes.set(xlabel="W$_1$", ylabel="W$_2$", title="W$_2$ W$_1$ = 1 (dashed: unstable)", xlim=(-3, 3), ylim=(-3, 3))
