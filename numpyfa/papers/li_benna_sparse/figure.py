"""The figure: test error and angles against the density of feedback."""

from typing import Any

import numpy as np

from ...lab.experiment import Settings
from ...lab.looks import LOOKS
from ...lab.plots import degrees, grid, percents, plain_ticks, rule_band, shared_legend
from ...lab.tables import Rows, column, over_seeds, pick
from .verdict import path_angle

RULES = ("fa", "dfa", "usf", "pfa")


def draw(figure: Any, settings: Settings, rows: Rows) -> None:
    errors, weights, signals = grid(figure, 3, 3, height=60)
    draw_errors(errors, rows)
    draw_paths(weights, settings, rows)
    draw_rules(signals, rows, "angle_1", RULES)
    degrees(signals)
    signals.set(title="dense 1: signal to BP's")
    for axes in (errors, weights, signals):
        axes.set(xlabel="share of connections", xscale="log")
        plain_ticks(axes.xaxis, settings["densities"])
    shared_legend(figure, *errors.get_legend_handles_labels())
    figure.suptitle(f"li-benna-sparse: {settings['seeds']} seeds, {settings['epochs']} epochs")


def draw_rules(axes: Any, rows: Rows, name: str, rules: tuple[str, ...]) -> None:
    for rule in rules:
        places, look = over_seeds(pick(rows, rule=rule), "density", name), LOOKS[rule]
        rule_band(axes, *places, look, rule.upper(), marker=look.marker)


def draw_errors(axes: Any, rows: Rows) -> None:
    draw_rules(axes, rows, "test_error", RULES)
    axes.axhline(column(pick(rows, rule="bp"), "test_error").mean(), label="BP", **LOOKS["bp"].line())
    percents(axes)
    axes.set(ylabel="test error (%)")


def draw_paths(axes: Any, settings: Settings, rows: Rows) -> None:
    """The angle of what stands for W^T in layer 2, and the law of product feedback."""
    draw_rules(axes, rows, "weight_angle_2", ("fa", "usf", "pfa"))
    d = np.geomspace(min(settings["densities"]), 1, 50)
    axes.plot(d, [path_angle(settings, each) for each in d], color="0.5", label="arctan(1 / sqrt(d k))")
    degrees(axes)
    axes.set(title="dense 2: path to W$^T$")
    axes.legend(handles=[axes.lines[-2]], loc="lower left")
