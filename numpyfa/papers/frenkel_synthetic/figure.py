"""The figure: the course of learning in both tasks."""

from typing import Any

from ...lab.experiment import Settings
from ...lab.plots import COLOURS, STYLES, band
from ...lab.tables import Rows, over_seeds, pick

PANELS = (
    ("regression", "train_loss", "cosines: training loss"),
    ("classification", "train_error", "classes: training error (%)"),
    ("classification", "test_error", "classes: test error (%)"),
)


def draw(figure: Any, settings: Settings, rows: Rows) -> None:
    figure.set_size_inches(10, 3.6)
    for axes, (task, name, label) in zip(figure.subplots(1, 3), PANELS):
        for number, rule in enumerate(settings["rules"]):
            own = pick(rows, task=task, rule=rule, factor=settings["factors"][0])
            if own:
                style = STYLES[number % len(STYLES)]
                band(axes, *over_seeds(own, "epoch", name), COLOURS[number], style, rule.upper())
        log_or_zero(axes, name)
        axes.set(xlabel="epoch", ylabel=label, xscale="log")
    axes.legend(fontsize=7, frameon=False)
    figure.suptitle(f"frenkel-synthetic: {settings['sizes']}, {settings['seeds']} seeds", fontsize=9)


def log_or_zero(axes: Any, name: str) -> None:
    """Logarithmic, with a place for an error of 0 %."""
    if name.endswith("loss"):
        axes.set_yscale("log")
    else:
        axes.set_yscale("symlog", linthresh=0.1)
        axes.set_ylim(0, None)
