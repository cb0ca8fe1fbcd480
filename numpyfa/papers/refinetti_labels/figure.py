"""The figure: four panels against noise, as the paper has, and the course of alignment by layer."""

from typing import Any

from ...lab.experiment import Settings
from ...lab.plots import COLOURS, STYLES, band
from ...lab.tables import Rows, over_seeds, pick

PANELS = (
    ("train_error", "training error (%)"),
    ("test_error", "test error, true labels (%)"),
    ("weights", "weights with F F^T (cosine)"),
    ("signals", "DFA's signals with BP's (cosine)"),
    ("similarity", "weights of two seeds (cosine)"),
)


def draw(figure: Any, settings: Settings, rows: Rows) -> None:
    figure.set_size_inches(10, 6)
    *panels, course = figure.subplots(2, 3).reshape(-1)
    last = [row for row in rows if row["part"] == "seeds" or row["epoch"] == settings["epochs"]]
    for axes, (name, label) in zip(panels, PANELS):
        draw_against_noise(axes, settings, pick(last, part="seeds" if name == "similarity" else "course"), name)
        axes.set(xlabel="label noise", ylabel=label)
    panels[0].legend(fontsize=7, frameon=False)
    draw_course(course, settings, pick(rows, part="course", rule="dfa"))
    figure.suptitle(f"refinetti-label-noise: {settings['seeds']} seeds, {settings['epochs']} epochs", fontsize=9)


def draw_against_noise(axes: Any, settings: Settings, rows: Rows, name: str) -> None:
    for colour, rule in zip(COLOURS, settings["rules"]):
        for style, activation in zip(STYLES, settings["activations"]):
            own = pick(rows, rule=rule, activation=activation)
            band(
                axes, *over_seeds(own, "noise", name), colour, style, f"{rule.upper()}, {activation}", marker="o", ms=3
            )


def draw_course(axes: Any, settings: Settings, rows: Rows) -> None:
    """The weights of each layer by epoch, without noise and with the most of it."""
    activation = settings["activations"][-1]
    noises = (min(settings["noises"]), max(settings["noises"]))
    for colour, noise in zip(COLOURS[1:], noises):
        for style, layer in zip(STYLES, (2, 3)):
            own = [row for row in pick(rows, activation=activation, noise=noise) if row["epoch"] > 0]
            band(axes, *over_seeds(own, "epoch", f"weights_{layer}"), colour, style, f"W_{layer}, noise {noise:g}")
    axes.set(xlabel="epoch", ylabel="weights with F F^T (cosine)", xscale="log", title=f"DFA, {activation}")
    axes.legend(fontsize=7, frameon=False)
