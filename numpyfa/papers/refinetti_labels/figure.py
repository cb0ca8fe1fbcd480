"""The figure: five panels against noise, and the course of alignment by layer."""

from typing import Any

from ...lab.experiment import Settings
from ...lab.looks import COLOURS, DOTTED, LOOKS, SOLID
from ...lab.plots import band, epochs, grid, shared_legend
from ...lab.tables import Rows, over_seeds, pick

PANELS = (
    ("train_error", "training error (%)"),
    ("test_error", "test error, true labels (%)"),
    ("weights", "weights and F F$^T$ (cosine)"),
    ("signals", "DFA's signals and BP's (cosine)"),
    ("similarity", "weights of two seeds (cosine)"),
)
STYLES = {"relu": SOLID, "tanh": DOTTED}


def draw(figure: Any, settings: Settings, rows: Rows) -> None:
    *panels, course = grid(figure, 6, 3)
    last = [row for row in rows if row["part"] == "seeds" or row["epoch"] == settings["epochs"]]
    for axes, (name, label) in zip(panels, PANELS):
        draw_against_noise(axes, settings, pick(last, part="seeds" if name == "similarity" else "course"), name)
        axes.set(xlabel="label noise", ylabel=label)
    draw_course(course, settings, pick(rows, part="course", rule="dfa"))
    shared_legend(figure, *panels[0].get_legend_handles_labels())
    figure.suptitle(f"refinetti-label-noise: {settings['seeds']} seeds, {settings['epochs']} epochs")


def draw_against_noise(axes: Any, settings: Settings, rows: Rows, name: str) -> None:
    for rule in settings["rules"]:
        for activation in settings["activations"]:
            places = over_seeds(pick(rows, rule=rule, activation=activation), "noise", name)
            look, label = LOOKS[rule], f"{rule.upper()}, {activation}"
            band(axes, *places, look.colour, STYLES[activation], label, marker=look.marker)


def draw_course(axes: Any, settings: Settings, rows: Rows) -> None:
    """The weights of each layer by epoch, without noise and with the most of it."""
    activation = settings["activations"][-1]
    for colour, noise in zip(COLOURS, (min(settings["noises"]), max(settings["noises"]))):
        for style, layer in zip((SOLID, DOTTED), (2, 3)):
            own = pick(rows, activation=activation, noise=noise)
            band(axes, *over_seeds(own, "epoch", f"weights_{layer}"), colour, style, f"dense {layer}, noise {noise:g}")
    epochs(axes, 0, settings["epochs"])
    axes.set(ylabel="weights and F F$^T$ (cosine)", title=f"DFA, {activation}")
    axes.legend()
