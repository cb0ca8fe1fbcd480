"""The figure: the course of learning in both tasks."""

from collections.abc import Callable
from typing import Any

from ...lab.experiment import Settings
from ...lab.looks import LOOKS
from ...lab.plots import epochs, grid, logarithmic, percents, rule_band, shared_legend
from ...lab.tables import Rows, over_seeds, pick

PANELS: tuple[tuple[str, str, str, Callable[..., None]], ...] = (
    ("regression", "train_loss", "cosines: training loss", logarithmic),
    ("classification", "train_error", "classes: training error (%)", percents),
    ("classification", "test_error", "classes: test error (%)", percents),
)


def draw(figure: Any, settings: Settings, rows: Rows) -> None:
    panels = grid(figure, 3, 3, height=60)
    for axes, (task, name, label, scale) in zip(panels, PANELS):
        for rule in settings["rules"]:
            own = pick(rows, task=task, rule=rule, factor=settings["factors"][0])
            if own:
                rule_band(axes, *over_seeds(own, "epoch", name), LOOKS[rule], rule.upper())
        scale(axes)
        epochs(axes, 1, settings[task][2])
        axes.set(ylabel=label)
    shared_legend(figure, *panels[-1].get_legend_handles_labels())
    figure.suptitle(f"frenkel-synthetic: {settings['sizes']}, {settings['seeds']} seeds")
