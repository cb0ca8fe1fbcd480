"""The figure: error by examples in both nets, and the angle of FA's signals."""

from typing import Any

import numpy as np

from ...lab.experiment import Settings
from ...lab.looks import COLOURS, LOOKS, STYLES
from ...lab.plots import band, degrees, grid, logarithmic
from ...lab.tables import Rows, column, over_seeds, pick

RULES = ("bp", "fa", "shallow")


def draw(figure: Any, settings: Settings, rows: Rows) -> None:
    *errors, angles = grid(figure, 3, 3, height=62)
    course = pick(rows, part="course")
    for axes, net in zip(errors, settings["students"]):
        draw_errors(axes, course, net, settings["seeds"])
    draw_angles(angles, settings, pick(course, rule="fa"))
    figure.suptitle(f"lillicrap-task3: {settings['seeds']} trials; lines: geometric mean, bands: range")


def draw_errors(axes: Any, course: Rows, net: str, trials: int) -> None:
    for rule in RULES:
        own = pick(course, rule=rule, net=net)
        if own:
            runs = np.array([column(pick(own, trial=trial), "nse") for trial in range(trials)])
            x, look = column(pick(own, trial=0), "examples"), LOOKS[rule]
            axes.plot(x, np.exp(np.log(runs).mean(axis=0)), label=rule.upper(), **look.line())
            axes.fill_between(x, runs.min(axis=0), runs.max(axis=0), color=look.colour, alpha=0.15, lw=0)
    logarithmic(axes)
    axes.set(xlabel="examples", ylabel="normalised squared error", xscale="log", title=net)
    axes.legend()


def draw_angles(axes: Any, settings: Settings, course: Rows) -> None:
    """Of each hidden layer of each net: FA's delta to BP's."""
    looks = iter(zip(COLOURS, STYLES))
    for net in settings["students"]:
        own = pick(course, net=net)
        for name in [name for name in own[0] if name.startswith("angle_") and own[0][name] != ""]:
            band(axes, *over_seeds(own, "examples", name), *next(looks), f"{net}, dense {name[-1]}")
    degrees(axes)
    axes.set(xlabel="examples", xscale="log", title="FA's signal to BP's")
    axes.legend()
