"""The figure: alignment and error against the width of the bottleneck."""

from typing import Any

from ...lab.experiment import Settings
from ...lab.looks import COLOURS, STYLES
from ...lab.plots import band, grid, percents, plain_ticks
from ...lab.tables import Rows, over_seeds, pick
from .verdict import THEIRS

LINES = (
    ("trained", "below", "below, through the bottleneck"),
    ("read", "below", "below, trained without one"),
    ("trained", "inside", "inside, its open units"),
    ("trained", "above", "above"),
)


def draw(figure: Any, settings: Settings, rows: Rows) -> None:
    cosines, theirs, errors = grid(figure, 3, 3, height=68)
    draw_cosines(cosines, rows)
    draw_theirs(theirs)
    draw_errors(errors, pick(rows, part="trained"))
    for axes in (cosines, theirs, errors):
        axes.set(xlabel="units of dense 2 that hear", xscale="log")
        plain_ticks(axes.xaxis, [1, 8, 46, 191, 800])
        axes.legend()
    for axes in (cosines, theirs):
        axes.set(ylabel="DFA's signals and BP's (cosine)", ylim=(-0.05, 1.3))
    figure.suptitle(f"launay-bottleneck: {settings['seeds']} seeds")


def draw_cosines(axes: Any, rows: Rows) -> None:
    for colour, style, (part, name, label) in zip(COLOURS, STYLES, LINES):
        band(axes, *over_seeds(pick(rows, part=part), "units", name), colour, style, label, marker="o")
    axes.set(title="ours, MNIST")


def draw_theirs(axes: Any) -> None:
    for colour, style, place in zip(COLOURS[4:], STYLES, range(3)):
        values = [each[place] for each in THEIRS.values()]
        axes.plot(list(THEIRS), values, color=colour, ls=style, marker="s", label=f"place {place + 1}")
    axes.plot(list(THEIRS), [THEIRS[800][0] * b / 800 for b in THEIRS], "k+", label="two masks alone")
    axes.set(title="the authors' logs, CIFAR-10")


def draw_errors(axes: Any, rows: Rows) -> None:
    for colour, style, name in zip(COLOURS, STYLES, ("train_error", "test_error")):
        band(axes, *over_seeds(rows, "units", name), colour, style, name.replace("_", " "), marker="o")
    percents(axes)
    axes.set(ylabel="error (%)", title="ours, MNIST")
