"""The figure that all experiments of trained nets share.

Errors by epoch first; then the angles of each rule's deltas to BP's and of W^T to what stands in its place: by epoch, a
panel a layer, where hidden layers are few, and by layer, at the last epoch, where they are many.
"""

import re
import textwrap
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from . import plots
from .experiment import Settings
from .layer_names import layer_names
from .looks import Look, looks
from .protocol import Protocol
from .tables import Rows, pick

DEEP = 4  # from so many hidden layers on, angles are drawn by layer
TOGETHER = 3  # up to so many rules, the training error is in the panel of the test error
BANDS = 12  # up to so many rules, lines have bands of one standard deviation
LONG = 12  # from so many layers on, a panel of layers is as wide as the page
MOST_NAMES = 40  # of layers below an axis


@dataclass
class Nets:
    """What a figure of trained nets is drawn from: the rows of each rule's seeds, and how it looks."""

    protocol: Protocol
    published: dict[str, float]
    rows: Rows
    names: dict[int, str] = field(init=False)
    runs: dict[str, list[Rows]] = field(init=False)
    looks: dict[str, Look] = field(init=False)
    band: bool = field(init=False)

    def __post_init__(self) -> None:
        rules, seeds = self.protocol.rules, range(self.protocol.seeds)
        self.names = layer_names(self.protocol)
        self.runs = {rule: [pick(self.rows, rule=rule, seed=seed) for seed in seeds] for rule in rules}
        self.looks = looks(rules)
        self.band = len(rules) <= BANDS

    def layers(self, measure: str) -> list[int]:
        """The numbers of the layers in which any rule but BP was measured at the last epoch."""
        found = {name for rule, runs in self.runs.items() if rule != "bp" for name in runs[0][-1]}
        return sorted(int(name.removeprefix(measure)) for name in found if name.startswith(measure))

    def printed(self, column: str) -> dict[str, float]:
        """What the paper prints in this column of the table, by rule."""
        if column == "test_error":
            return {rule: self.published[rule] for rule in self.runs if rule in self.published}
        found = {rule: self.published.get(f"{rule} {column}") for rule in self.runs}
        return {rule: value for rule, value in found.items() if value is not None}


@dataclass
class Panel:
    draw: Callable[[Any], None]
    wide: bool = False


def draw_nets(name: str, published: dict[str, float], figure: Any, settings: Settings, rows: Rows) -> None:
    """Errors, then angles, in the form that suits the depth of the net."""
    nets = Nets(Protocol(**settings), published, rows)
    deep = len(nets.layers("angle_")) >= DEEP
    panels = [*courses(nets), *(by_layer(nets) if deep else by_epoch(nets))]
    axes, cell = place(figure, panels, list(nets.looks))
    for panel, each in zip(panels, axes):
        panel.draw(each)
    plots.shared_legend(figure, [line_of(look) for look in nets.looks.values()], list(nets.looks), cell)
    figure.suptitle(heading(name, nets.protocol, 115 if len(panels) > 1 else 55))


def place(figure: Any, panels: list[Panel], labels: list[str]) -> tuple[list[Any], Any]:
    """(the axes of each panel, an empty cell for the legend or None): two or three side by side, wide ones below them,
    and the legend below all if no cell is left for it."""
    narrow = sum(not panel.wide for panel in panels)
    across = narrow if narrow <= 3 else 2 if narrow == 4 else 3
    rows, wide = -(-narrow // across), len(panels) - narrow
    height = {1: 75, 2: 60, 3: 52}[across]
    left = narrow < rows * across and len(labels) <= 12
    legend = 0 if left else -(-len(labels) // plots.legend_columns(labels))
    width = plots.COLUMN if len(panels) == 1 else plots.PAGE
    figure.set_size_inches(width, (rows * height + wide * 68 + 8 + 4 * legend) * plots.MILLIMETRE)
    cells = figure.add_gridspec(rows + wide, across, height_ratios=[height] * rows + [68] * wide)
    axes = [figure.add_subplot(cells[number // across, number % across]) for number in range(narrow)]
    axes += [figure.add_subplot(cells[rows + number, :]) for number in range(wide)]
    return axes, figure.add_subplot(cells[rows - 1, narrow % across :]) if left else None


def heading(name: str, protocol: Protocol, width: int) -> str:
    """What was run, in lines of so many letters; a file's name may hold bytes that are no letters, or dollars."""
    mean = "mean and s.d." if len(protocol.rules) <= BANDS else "mean"
    seeds = "1 seed" if protocol.seeds == 1 else f"{mean} of {protocol.seeds} seeds"
    words = f"{name}: {short(protocol.net)} on {protocol.data}, {seeds}, batch {protocol.batch_size}, "
    words += f"learning rate {protocol.learning_rates()}"
    words = words.encode(errors="replace").decode().replace("$", r"\$")
    lines = -(-len(words) // width)
    return "\n".join(textwrap.wrap(words, min(width, len(words) // lines + 9)))  # of about the same length


def short(net: str) -> str:
    """784-240-240-240-240-10 as 784-4x240-10."""
    return re.sub(r"(?<!\d)(\d+)(-\1){3,}(?!\d)", lambda same: f"{same[0].count('-') + 1}x{same[1]}", net)


def line_of(look: Look) -> Any:
    """A line for a legend."""
    from matplotlib.lines import Line2D

    return Line2D([], [], marker=look.marker, **look.line())


# By epoch


def courses(nets: Nets) -> list[Panel]:
    """Errors, and the test loss where it was measured."""
    if len(nets.runs) <= TOGETHER:
        panels = [Panel(partial(errors, nets, "test_error", "train_error", "error: test (thin: training)"))]
    else:
        panels = [Panel(partial(errors, nets, "test_error", None, "test error"))]
        panels.append(Panel(partial(errors, nets, "train_error", None, "training error")))
    if any("test_loss" in row for row in nets.rows):
        panels.append(Panel(partial(test_losses, nets)))
    return panels


def errors(nets: Nets, column: str, thin: str | None, title: str, axes: Any) -> None:
    """An error of each rule by epoch, and another in thin lines; what the paper prints is at the edge."""
    for rule, look in nets.looks.items():
        if thin:
            course(axes, nets.runs[rule], thin, look, 1, False, lw=0.7, alpha=0.7, marker=None)
        course(axes, nets.runs[rule], column, look, 1, nets.band)
    printed = nets.printed(column)
    plots.percents(axes, list(printed.values()))
    axes.set(ylabel="error (%)", title=title)
    plots.epochs(axes, 1, nets.protocol.epochs)
    plots.published(axes, printed, nets.looks)


def test_losses(nets: Nets, axes: Any) -> None:
    for rule, look in nets.looks.items():
        course(axes, nets.runs[rule], "test_loss", look, 1, nets.band)
    plots.logarithmic(axes)
    axes.set(ylabel="loss", title="test loss")
    plots.epochs(axes, 1, nets.protocol.epochs)


def by_epoch(nets: Nets) -> list[Panel]:
    """A panel for each layer and kind of angle."""
    deltas = [(f"angle_{number}", f"{nets.names[number]}: delta to BP's") for number in nets.layers("angle_")]
    weights = [(f"weight_angle_{number}", f"{nets.names[number]}: W$^T$ to its feedback")
               for number in nets.layers("weight_angle_")]  # fmt: skip
    return [Panel(partial(angle, nets, *each)) for each in (*deltas, *weights)]


def angle(nets: Nets, column: str, title: str, axes: Any) -> None:
    """One layer's angle of each rule but BP, by epoch."""
    for rule, runs in nets.runs.items():
        if rule != "bp" and column in runs[0][-1]:
            course(axes, runs, column, nets.looks[rule], 0, nets.band)
    plots.degrees(axes)
    axes.set_title(title)
    plots.epochs(axes, 0, nets.protocol.epochs)
    plots.published(axes, nets.printed(column), nets.looks)


def course(axes: Any, runs: list[Rows], column: str, look: Look, start: int, band: bool, **line: Any) -> None:
    """The mean over runs of one column from epoch `start`, with markers where the axis has ticks, and if wanted a band
    of one standard deviation."""
    rows = list(zip(*([row for row in run if row["epoch"] >= start] for run in runs)))
    epochs = [row[0]["epoch"] for row in rows]
    values = np.array([[each.get(column, np.nan) for each in row] for row in rows], float)
    mean, few = values.mean(axis=1), len(epochs) <= 12
    marks = [place for place, epoch in enumerate(epochs) if few or epoch in plots.EPOCHS]
    axes.plot(epochs, mean, **{"marker": look.marker, "markevery": marks} | look.line() | line)
    if values.shape[1] > 1 and band:
        deviation = values.std(axis=1, ddof=1)
        axes.fill_between(epochs, mean - deviation, mean + deviation, color=look.colour, alpha=0.15, lw=0)


# By layer


def by_layer(nets: Nets) -> list[Panel]:
    """A panel for each kind of angle, at the last epoch."""
    panels = []
    for measure, title in (("angle_", "delta to BP's"), ("weight_angle_", "W$^T$ to its feedback")):
        numbers = nets.layers(measure)
        if numbers:
            panels.append(Panel(partial(angles, nets, measure, numbers, title), wide=len(numbers) >= LONG))
    return panels


def angles(nets: Nets, measure: str, numbers: list[int], title: str, axes: Any) -> None:
    """The angles of each rule but BP in these layers, side by side in each; a line breaks where a rule has no angle."""
    rules = [rule for rule in nets.runs if rule != "bp"]
    stars = {number: nets.printed(f"{measure}{number}") for number in numbers}
    for place, rule in enumerate(rules):
        x = np.arange(len(numbers)) + (place - (len(rules) - 1) / 2) * min(0.08, 0.6 / len(rules))
        layer_line(axes, x, nets.runs[rule], [f"{measure}{number}" for number in numbers], nets.looks[rule])
        found = [(at, stars[number][rule]) for at, number in zip(x, numbers) if rule in stars[number]]
        for at, value in found:
            axes.plot(at, value, "*", color=nets.looks[rule].colour, mec="black", mew=0.5, ms=7, zorder=4)
    plots.degrees(axes)
    names = [nets.names[number] for number in numbers]
    every = 1 + len(numbers) // MOST_NAMES
    axes.set_xticks(range(0, len(numbers), every), names[::every], rotation=90 if len(numbers) > 5 else 0)
    axes.set_xlim(-0.5, len(numbers) - 0.5)
    axes.set_title(f"{title}, last epoch{', stars: published' if any(stars.values()) else ''}")


def layer_line(axes: Any, x: np.ndarray, runs: list[Rows], columns: list[str], look: Look) -> None:
    """The mean over runs of each column at the last epoch, with a bar of one standard deviation."""
    values = np.array([[run[-1].get(column, np.nan) for column in columns] for run in runs], float)
    deviation = values.std(axis=0, ddof=1) if len(runs) > 1 else None
    axes.errorbar(x, values.mean(axis=0), deviation, marker=look.marker, elinewidth=0.7, **look.line() | {"lw": 0.9})
