"""The figure: errors before and after the thaw, and of layer 1 alone."""

from typing import Any

from ...lab.experiment import Settings
from ...lab.plots import COLOURS, STYLES, band
from ...lab.tables import Rows, over_seeds, pick
from .verdict import PARTS

RULES = ("bp", "fa", "dfa")


def draw(figure: Any, settings: Settings, rows: Rows) -> None:
    figure.set_size_inches(10, 3.6)
    thawed, *alone = figure.subplots(1, 3)
    draw_thaw(thawed, settings["epochs"], rows)
    for axes, part in zip(alone, PARTS):
        for colour, style, rule in zip(COLOURS, STYLES, RULES):
            band(
                axes, *over_seeds(pick(rows, part=part, rule=rule), "epoch", "train_error"), colour, style, rule.upper()
            )
        axes.set(xlabel="epoch", ylabel="training error (%)", title=f"layer 1 {part}", ylim=(0, 100))
        axes.legend(fontsize=7, frameon=False)
    figure.suptitle(f"nokland-frozen: {settings['sizes']}, {settings['seeds']} seeds", fontsize=9)


def draw_thaw(axes: Any, epochs: int, rows: Rows) -> None:
    """Training and test errors: the upper layers under BP, then all under BP or DFA."""
    for name, style in (("train_error", "-"), ("test_error", ":")):
        frozen = over_seeds(pick(rows, part="frozen"), "epoch", name)
        band(axes, *frozen, COLOURS[0], style, None)
        for colour, rule in ((COLOURS[0], "bp"), (COLOURS[2], "dfa")):
            x, mean, deviation = over_seeds(pick(rows, part="thawed", rule=rule), "epoch", name)
            label = f"{rule.upper()}, {name.partition('_')[0]}"
            band(axes, x + epochs, mean, deviation, colour, style, label)
    axes.axvline(epochs, color="0.5", lw=0.8)
    axes.set(
        xlabel="epoch; all layers learn from the line on", ylabel="error (%)", title="first layer frozen, then not"
    )
    axes.set_yscale("symlog", linthresh=1)
    axes.set_ylim(0, None)
    axes.legend(fontsize=7, frameon=False)
