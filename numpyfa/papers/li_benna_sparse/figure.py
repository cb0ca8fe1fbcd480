"""The figure: test error and angles against the density of feedback."""

from typing import Any

import numpy as np

from ...lab.experiment import Settings
from ...lab.plots import COLOURS, STYLES, band
from ...lab.tables import Rows, column, over_seeds, pick
from .verdict import path_angle

RULES = ("fa", "dfa", "usf", "pfa")


def draw(figure: Any, settings: Settings, rows: Rows) -> None:
    figure.set_size_inches(10, 3.6)
    errors, weights, signals = figure.subplots(1, 3)
    draw_all(errors, rows, "test_error", RULES)
    draw_all(weights, rows, "weight_angle_2", ("fa", "usf", "pfa"))
    draw_all(signals, rows, "angle_1", RULES)
    bp = column(pick(rows, rule="bp"), "test_error").mean()
    errors.axhline(bp, color="0.3", lw=1, label="BP")
    errors.set(ylabel="test error (%)", yscale="log")
    d = np.geomspace(min(settings["densities"]), 1, 50)
    due = [path_angle(settings, each) for each in d]
    weights.plot(d, due, color="0.3", lw=1, label="arctan(1 / sqrt(d k))")
    weights.set(ylabel="degrees", ylim=(0, 95), title="layer 2: feedback path to W^T")
    signals.set(ylabel="degrees", ylim=(0, 95), title="layer 1: signal to BP's")
    for axes in (errors, weights, signals):
        axes.set(xlabel="share of connections", xscale="log")
        axes.legend(fontsize=7, frameon=False)
    figure.suptitle(f"li-benna-sparse: {settings['seeds']} seeds, {settings['epochs']} epochs", fontsize=9)


def draw_all(axes: Any, rows: Rows, name: str, rules: tuple[str, ...]) -> None:
    for colour, style, rule in zip(COLOURS, STYLES, RULES):
        if rule in rules:
            places = over_seeds(pick(rows, rule=rule), "density", name)
            band(axes, *places, colour, style, rule.upper(), marker="o", ms=3)
