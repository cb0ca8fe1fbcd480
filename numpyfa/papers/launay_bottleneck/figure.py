"""The figure: alignment and error against the width of the bottleneck."""

from typing import Any

from ...lab.experiment import Settings
from ...lab.plots import COLOURS, STYLES, band
from ...lab.tables import Rows, over_seeds, pick
from .verdict import THEIRS

LINES = (
    ("trained", "below", "below, through the bottleneck"),
    ("read", "below", "below, trained without one"),
    ("trained", "inside", "inside, its open units"),
    ("trained", "above", "above"),
)


def draw(figure: Any, settings: Settings, rows: Rows) -> None:
    figure.set_size_inches(10, 3.6)
    cosines, theirs, errors = figure.subplots(1, 3)
    for colour, style, (part, name, label) in zip(COLOURS, STYLES, LINES):
        band(cosines, *over_seeds(pick(rows, part=part), "units", name), colour, style, label, marker="o", ms=3)
    for colour, style, place in zip(COLOURS[4:], STYLES, range(3)):
        values = [each[place] for each in THEIRS.values()]
        theirs.plot(list(THEIRS), values, color=colour, ls=style, marker="s", ms=3, label=f"place {place + 1}")
    theirs.plot(list(THEIRS), [THEIRS[800][0] * b / 800 for b in THEIRS], "k+", label="two masks alone")
    for colour, style, name in zip(COLOURS, STYLES, ("train_error", "test_error")):
        own = pick(rows, part="trained")
        band(errors, *over_seeds(own, "units", name), colour, style, name.replace("_", " "), marker="o", ms=3)
    cosines.set(ylabel="cosine of DFA's signals with BP's", title="ours, MNIST", ylim=(-0.05, 1.05))
    theirs.set(ylabel="cosine of DFA's signals with BP's", title="the authors' logs, CIFAR-10", ylim=(-0.05, 1.05))
    errors.set(ylabel="error (%)", title="ours, MNIST")
    for axes in (cosines, theirs, errors):
        axes.set(xlabel="units of layer 2 that hear", xscale="log")
        axes.legend(fontsize=7, frameon=False)
    figure.suptitle(f"launay-bottleneck: {settings['seeds']} seeds", fontsize=9)
