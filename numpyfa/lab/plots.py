"""Figures: one style for all, and the figure that runs of trained nets share.

Readable in print and by the colour-blind: the colours are Okabe & Ito's, and line styles tell the same story.
Matplotlib is imported when something is drawn: it takes a second, and a notebook's setting of its backend, which a
figure without a window does not need, may name what is not installed.
"""

import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, Any

import numpy as np

from .experiment import Settings
from .protocol import Protocol
from .tables import Rows, pick

COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"]
STYLES = ["-", "--", ":", "-."]
TICKS = [0, 0.1, 0.3, 1, 3, 10, 30, 90]
STYLE: dict[Any, Any] = {
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.3,
}


DEEP = 4  # from so many hidden layers on, the angles are drawn by layer, at the end, instead of by epoch


def save(file: IO[bytes], draw: Callable[[Any], None]) -> None:
    """Let `draw(figure)` fill a figure in the common style, and write it as PNG."""
    with without_backend():
        import matplotlib
        from matplotlib.figure import Figure  # without pyplot: no window, no global state
    with matplotlib.rc_context(STYLE), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a letter that the font lacks becomes a box
        figure = Figure(layout="constrained")
        draw(figure)
        figure.savefig(file, dpi=150, format="png")


@contextmanager
def without_backend() -> Iterator[None]:
    """Inside, the environment names no backend."""
    before = os.environ.pop("MPLBACKEND", None)
    try:
        yield
    finally:
        if before is not None:
            os.environ["MPLBACKEND"] = before


def band(axes: Any, x: Any, mean: Any, deviation: Any, colour: str, style: Any, label: str | None, **line: Any) -> None:
    """A line with a band of one standard deviation."""
    axes.plot(x, mean, color=colour, ls=style, label=label, **line)
    axes.fill_between(x, mean - deviation, mean + deviation, color=colour, alpha=0.15, lw=0)


def whole_numbers(axes: Any) -> None:
    """Ticks along x at whole numbers."""
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))


def draw_nets(name: str, published: dict[str, float], figure: Any, settings: Settings, rows: Rows) -> None:
    """The errors of each rule by epoch and its angles to BP, in the form that suits the depth of the net."""
    protocol = Protocol(**settings)
    seeds = range(protocol.seeds)
    runs = {rule: [pick(rows, rule=rule, seed=seed) for seed in seeds] for rule in protocol.rules}
    depth = max(len(columns(each, "angle_")) for each in runs.values())
    (draw_deep if depth >= DEEP else draw_shallow)(figure, published, protocol, runs)
    words = "1 seed" if protocol.seeds == 1 else f"mean and s.d. of {protocol.seeds} seeds"
    rates = protocol.learning_rates()
    figure.suptitle(f"{name}: {words}, batch {protocol.batch_size}, learning rate {rates}", fontsize=9)


def draw_shallow(figure: Any, published: dict, protocol: Protocol, runs: dict[str, list[Rows]]) -> None:
    """Left: train and test error. Right: the delta angle of each hidden layer, by epoch."""
    figure.set_size_inches(9, 3.6)
    errors, angles = figure.subplots(1, 2)
    for number, (name, own) in enumerate(runs.items()):
        colour = COLOURS[number % len(COLOURS)]
        curve(errors, own, "test_error", colour, "-", f"{heading(name)} test")
        curve(errors, own, "train_error", colour, "--", f"{heading(name)} train")
        found = columns(own, "angle_")
        if name != "bp":
            for style, column in zip(STYLES * len(found), found):
                curve(angles, own, column, colour, style, f"{heading(name)} layer {layer_of(column)}", start=0)
        if name in published:
            errors.axhline(published[name], color=colour, lw=0.8, ls=(0, (1, 3)))
            errors.annotate(f"poster: {published[name]} %", (0.98, published[name]),
                            xycoords=("axes fraction", "data"), ha="right", va="bottom", fontsize=7,
                            color=colour)  # fmt: skip
    errors.set(xlabel="epoch", ylabel="error (%)", title=title(protocol))
    top = errors.get_ylim()[1]
    errors.set_yscale("symlog", linthresh=0.1)  # logarithmic, but with a place for 0 %
    errors.set_yticks(TICKS, [f"{tick:g}" for tick in TICKS])
    errors.minorticks_off()
    errors.set_ylim(0, top)
    degrees(angles, "alignment", "epoch", "angle to the BP delta (degrees)")
    for axes in (errors, angles):
        if axes.get_legend_handles_labels()[0]:
            axes.legend(fontsize=7, frameon=False)


def draw_deep(figure: Any, published: dict, protocol: Protocol, runs: dict[str, list[Rows]]) -> None:
    """Left: train and test error by epoch. Then by layer, at the last epoch: the delta angle, and where a rule has one
    the angle of W^T to what stands in its place. One legend for all."""
    weights = any(columns(own, "weight_angle_") for own in runs.values())
    figure.set_size_inches(12 if weights else 9, 4)
    errors, angles, *rest = figure.subplots(1, 2 + weights)
    for number, (name, own) in enumerate(runs.items()):
        colour, style = COLOURS[number % len(COLOURS)], STYLES[number % len(STYLES)]
        curve(errors, own, "test_error", colour, "-", name)
        curve(errors, own, "train_error", colour, (0, (1, 2)), None)
        if name in published:
            errors.plot(1.02, published[name], "<", color=colour, ms=5, clip_on=False,
                        transform=errors.get_yaxis_transform())  # fmt: skip
        if name != "bp":
            by_layer(angles, own, columns(own, "angle_"), colour, style, name)
            for axes in rest:
                by_layer(axes, own, columns(own, "weight_angle_"), colour, style, name)
    edge = ", published at the edge" if published else ""
    errors.set(xlabel="epoch", ylabel="error (%)", yscale="log", title=title(protocol))
    errors.set_xlabel(f"epoch (lines: test, dots: train{edge})")
    low, high = errors.get_ylim()
    ticks = [tick for tick in (0.1, 0.2, 0.5, 1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 90) if low <= tick <= high]
    errors.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    errors.minorticks_off()
    whole_numbers(errors)
    degrees(angles, "alignment", "hidden layer", "angle to the BP delta (degrees)")
    for axes in rest:
        degrees(axes, "weights", "layer", "angle of W^T to what stands for it (degrees)")
    figure.legend(*errors.get_legend_handles_labels(), loc="outside lower center", ncols=len(runs), frameon=False)


def heading(rule: str) -> str:
    """A rule's name as figures of few lines have it, its options as they are: PFA:expansion=5."""
    name, colon, options = rule.partition(":")
    return name.upper() + colon + options


def title(protocol: Protocol) -> str:
    """The net and the data; a file's name may hold bytes that are no letters."""
    return f"{protocol.net} on {protocol.data}".encode(errors="replace").decode()


def columns(runs: list[Rows], prefix: str) -> list[str]:
    """The columns of a rule's history that hold one number a layer, under this prefix."""
    return [column for column in runs[0][-1] if column.startswith(prefix)]


def layer_of(column: str) -> int:
    return int(column.rpartition("_")[2])


def degrees(axes: Any, title: str, across: str, along: str) -> None:
    axes.set(xlabel=across, ylabel=along, title=title)
    axes.set_ylim(0, max(95, axes.get_ylim()[1]))  # beyond 90 degrees is anti-alignment
    axes.axhline(90, color="0.5", lw=0.8)


def by_layer(axes: Any, runs: list[Rows], columns: list[str], colour: str, style: str, label: str) -> None:
    """The mean over runs of each layer's angle at the last epoch, with a bar of one standard deviation."""
    if not columns:
        return
    values = np.array([[run[-1].get(column, np.nan) for column in columns] for run in runs], float)
    layers = [layer_of(column) for column in columns]
    deviation = values.std(axis=0, ddof=1) if len(runs) > 1 else None
    whole_numbers(axes)
    axes.errorbar(layers, values.mean(axis=0), deviation, color=colour, ls=style, lw=1.3, marker="o", ms=3, label=label)


def curve(axes: Any, runs: list[Rows], column: str, colour: str, style: Any, label: str | None, start: int = 1) -> None:
    """The mean over runs of one column from epoch `start`, with a band of one standard deviation."""
    rows = list(zip(*([row for row in run if row["epoch"] >= start] for run in runs)))
    epochs = [row[0]["epoch"] for row in rows]
    values = np.array([[each[column] for each in row] for row in rows], float)
    mean = values.mean(axis=1)
    axes.plot(epochs, mean, ls=style, color=colour, lw=1.3, label=label, marker="o" if len(epochs) == 1 else None)
    if values.shape[1] > 1:
        deviation = values.std(axis=1, ddof=1)
        axes.fill_between(epochs, mean - deviation, mean + deviation, color=colour, alpha=0.15, lw=0)


def draw_tuned(name: str, figure: Any, settings: Settings, rows: Rows) -> None:
    """A panel a case: the held-out error of each rule against the first field of the grid, at the best of the others;
    at the right edge, the test error of what was chosen."""
    cases, field = list(settings["cases"]), next(iter(settings["grid"]))
    wide = min(len(cases), 3)
    high = -(-len(cases) // wide)
    figure.set_size_inches(1 + 3 * wide, 0.8 + 2.6 * high)
    panels = figure.subplots(high, wide, squeeze=False, sharey=True).reshape(-1)
    for axes, case in zip(panels, cases):
        of_case = pick(rows, case=case)
        for number, rule in enumerate(dict.fromkeys(row["rule"] for row in of_case)):
            colour, style = COLOURS[number % len(COLOURS)], STYLES[number % len(STYLES)]
            trials, tests = (pick(of_case, rule=rule, stage=stage) for stage in ("trial", "test"))
            x = sorted({row[field] for row in trials})
            best = [min(row["test_error"] for row in pick(trials, **{field: each})) for each in x]
            axes.plot(x, best, color=colour, ls=style, marker="o", ms=3, lw=1.3, label=rule)
            errors = [row["test_error"] for row in tests]
            axes.plot([1.03] * len(errors), errors, "<", color=colour, ms=4, clip_on=False,
                      transform=axes.get_yaxis_transform())  # fmt: skip
        axes.set(xlabel=field, xscale="log", yscale="log", title=case)
    for axes in panels[:: max(wide, 1)]:
        axes.set_ylabel("held-out error (%)")
    for axes in panels[len(cases) :]:
        axes.remove()
    handles = {
        label: handle for axes in panels[: len(cases)] for handle, label in zip(*axes.get_legend_handles_labels())
    }
    figure.legend(
        handles.values(), handles.keys(), loc="outside lower center", ncols=min(len(handles), 8), frameon=False
    )
    figure.suptitle(f"{name}: tuned by the same budget (triangles: test error of what was chosen)", fontsize=9)
