"""The figure: error by examples in both nets, and the angle of FA's signals."""

from typing import Any

import numpy as np

from ...lab.experiment import Settings
from ...lab.plots import COLOURS, STYLES, band
from ...lab.tables import Rows, column, over_seeds, pick


def draw(figure: Any, settings: Settings, rows: Rows) -> None:
    figure.set_size_inches(10, 3.6)
    course = pick(rows, part="course")
    *errors, angles = figure.subplots(1, 3)
    for axes, net in zip(errors, settings["students"]):
        draw_errors(axes, course, net, settings["seeds"])
    draw_angles(angles, settings, pick(course, rule="fa"))
    figure.suptitle(f"lillicrap-task3: {settings['seeds']} trials; lines: geometric mean, band: range", fontsize=9)


def draw_errors(axes: Any, course: Rows, net: str, trials: int) -> None:
    for colour, style, rule in zip(COLOURS, STYLES, ("bp", "fa", "shallow")):
        own = pick(course, rule=rule, net=net)
        if own:
            runs = np.array([column(pick(own, trial=trial), "nse") for trial in range(trials)])
            x = column(pick(own, trial=0), "examples")
            axes.plot(x, np.exp(np.log(runs).mean(axis=0)), color=colour, ls=style, label=rule.upper())
            axes.fill_between(x, runs.min(axis=0), runs.max(axis=0), color=colour, alpha=0.15, lw=0)
    axes.set(xlabel="examples", ylabel="normalised squared error", xscale="log", yscale="log", title=net)
    axes.legend(fontsize=7, frameon=False)


def draw_angles(axes: Any, settings: Settings, course: Rows) -> None:
    styles = iter(zip(COLOURS, STYLES))
    for net in settings["students"]:
        own = pick(course, net=net)
        for name in [name for name in own[0] if name.startswith("angle_") and own[0][name] != ""]:
            colour, style = next(styles)
            band(axes, *over_seeds(own, "examples", name), colour, style, f"{net}, layer {name[-1]}")
    axes.set(xlabel="examples", ylabel="degrees", xscale="log", ylim=(0, 95), title="FA's signal to BP's")
    axes.legend(fontsize=7, frameon=False)
