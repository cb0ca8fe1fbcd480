"""The figure: errors before and after the thaw, and of layer 1 alone."""

from typing import Any

from ...lab.experiment import Settings
from ...lab.looks import DOTTED, LOOKS, SOLID
from ...lab.plots import band, grid, rule_band
from ...lab.tables import Rows, over_seeds, pick
from .verdict import PARTS


def draw(figure: Any, settings: Settings, rows: Rows) -> None:
    thawed, *alone = grid(figure, 3, 3, height=62)
    draw_thaw(thawed, settings["epochs"], rows)
    for axes, part in zip(alone, PARTS):
        draw_alone(axes, part, pick(rows, part=part))
    figure.suptitle(f"nokland-frozen: {settings['sizes']}, {settings['seeds']} seeds")


def draw_thaw(axes: Any, epochs: int, rows: Rows) -> None:
    """Training and test errors: the upper layers under BP, then all under BP or DFA."""
    for name, style in (("train_error", SOLID), ("test_error", DOTTED)):
        band(axes, *over_seeds(pick(rows, part="frozen"), "epoch", name), LOOKS["bp"].colour, style, None)
        for rule in ("bp", "dfa"):
            x, mean, deviation = over_seeds(pick(rows, part="thawed", rule=rule), "epoch", name)
            label = f"{rule.upper()}, {name.partition('_')[0]}"
            band(axes, x + epochs, mean, deviation, LOOKS[rule].colour, style, label)
    axes.axvline(epochs, color="0.5", lw=0.6)
    axes.set(xlabel="epoch; from the line on all layers learn", ylabel="error (%)", title="dense 1 frozen, then not")
    axes.set_yscale("symlog", linthresh=1)
    axes.set_ylim(0, None)
    axes.set_yticks([0, 1, 3, 10, 30, 90], ["0", "1", "3", "10", "30", "90"])
    axes.minorticks_off()
    axes.legend()


def draw_alone(axes: Any, part: str, rows: Rows) -> None:
    for rule in ("bp", "fa", "dfa"):
        rule_band(axes, *over_seeds(pick(rows, rule=rule), "epoch", "train_error"), LOOKS[rule], rule.upper())
    axes.set(xlabel="epoch", ylabel="training error (%)", title=f"dense 1 {part}", ylim=(0, 100))
    axes.legend()
