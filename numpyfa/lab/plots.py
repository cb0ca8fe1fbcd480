"""What figures share: their size, style and files, and lines, axes and marks that read well in print.

A figure is laid out at the size it is printed in: 180 mm, the width of a page's text, or 88 mm, a column's, with no
letter below 7 points. Which rule has which colour and line style is in `lab.looks`.
Matplotlib is imported when something is drawn: it takes a second, and a notebook's setting of its backend, which a
figure without a window does not need, may name what is not installed.
"""

import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from ..files import whole_file
from .looks import COLOURS as COLOURS
from .looks import STYLES as STYLES
from .looks import Look

MILLIMETRE = 1 / 25.4  # of an inch
PAGE, COLUMN, TALLEST = 180 * MILLIMETRE, 88 * MILLIMETRE, 240 * MILLIMETRE
DPI = 180
FORMATS: dict[str, Any] = {"png": {"pil_kwargs": {"optimize": True}}, "svg": {"metadata": {"Date": None}}}
STYLE: dict[Any, Any] = {
    "font.size": 8,
    "axes.titlesize": 8,
    "figure.titlesize": 8,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "legend.fontsize": 7,
    "legend.title_fontsize": 7,
    "legend.frameon": False,
    "legend.handlelength": 3.0,  # so that a dash and the gap after it are seen
    "legend.borderaxespad": 0.3,
    "lines.linewidth": 1.2,
    "lines.markersize": 3.2,
    "lines.markeredgewidth": 0.7,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.alpha": 0.3,
    "grid.linewidth": 0.5,
    "svg.hashsalt": "numpyfa",  # the same names of parts each time, so that the same figure is the same file
    "svg.fonttype": "path",  # letters as outlines: a reader's machine may lack the font, and labels would move
}
EPOCHS = [0, *(digit * 10**power for power in range(9) for digit in (1, 2, 5))]
NUMBERS = [float(f"{digit}e{power}") for power in range(-9, 10) for digit in (1, 2, 3, 5)]
PERCENTS = [0, 0.1, 0.2, 0.5, 1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 90]
FEW_PERCENTS = [0, 0.1, 0.3, 1, 3, 10, 30, 90]


def save(stem: Path, draw: Callable[[Any], None]) -> None:
    """Let `draw(figure)` fill a figure in the common style, and write it as `stem`.png and `stem`.svg."""
    with without_backend():
        import matplotlib
        from matplotlib.figure import Figure  # without pyplot: no window, no global state
    with matplotlib.rc_context(STYLE), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a letter that the font lacks becomes a box
        figure = Figure(layout="constrained")
        draw(figure)
        for kind, options in FORMATS.items():
            with whole_file(Path(f"{stem}.{kind}"), "wb") as file:
                figure.savefig(file, dpi=DPI, format=kind, **options)


@contextmanager
def without_backend() -> Iterator[None]:
    """Inside, the environment names no backend."""
    before = os.environ.pop("MPLBACKEND", None)
    try:
        yield
    finally:
        if before is not None:
            os.environ["MPLBACKEND"] = before


# Panels


def grid(figure: Any, count: int, across: int, height: float = 52) -> list[Any]:
    """So many panels, `across` of them side by side, over the width of a page; a row is `height` mm high."""
    rows = -(-count // across)
    figure.set_size_inches(PAGE, min(TALLEST, rows * height * MILLIMETRE + 0.25))
    axes = list(figure.subplots(rows, across, squeeze=False).reshape(-1))
    for empty in axes[count:]:
        empty.remove()
    return axes[:count]


def shared_legend(figure: Any, handles: Sequence[Any], labels: Sequence[str], cell: Any = None) -> None:
    """One legend for all panels: in the empty cell of the grid, or below them in as many columns as there is room."""
    if cell is not None:
        cell.axis("off")
        cell.legend(handles, labels, loc="center left")
        return
    figure.legend(handles, labels, loc="outside lower center", ncols=legend_columns(labels))


def legend_columns(labels: Sequence[str]) -> int:
    """How many entries stand side by side over the width of a page, a line and its label each."""
    return max(1, min(len(labels), 115 // (6 + max(map(len, labels)))))


# Lines


def band(axes: Any, x: Any, mean: Any, deviation: Any, colour: str, style: Any, label: str | None, **line: Any) -> None:
    """A line with a band of one standard deviation."""
    axes.plot(x, mean, color=colour, ls=style, label=label, **line)
    axes.fill_between(x, mean - deviation, mean + deviation, color=colour, alpha=0.15, lw=0)


def rule_band(axes: Any, x: Any, mean: Any, deviation: Any, look: Look, label: str | None, **line: Any) -> None:
    """A rule's line with a band of one standard deviation."""
    axes.plot(x, mean, label=label, **look.line() | line)
    axes.fill_between(x, mean - deviation, mean + deviation, color=look.colour, alpha=0.15, lw=0)


def heights(axes: Any) -> np.ndarray:
    """All finite y values of the lines."""
    values = [np.ravel(np.asarray(line.get_ydata(), float)) for line in axes.lines]
    found = np.concatenate([*values, []])
    return found[np.isfinite(found)]


# Axes


def whole_numbers(axes: Any) -> None:
    """Ticks along x at whole numbers."""
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))


def epochs(axes: Any, first: int, last: int) -> None:
    """Epochs along x: logarithmic, with a place for 0, since most happens in the first; plain if there are few."""
    axes.set_xlabel("epoch")
    if last <= 5:
        whole_numbers(axes)
        return
    axes.set_xscale("symlog", linthresh=1, linscale=0.6)
    plain_ticks(axes.xaxis, [tick for tick in EPOCHS if first <= tick <= last])
    axes.set_xlim(first * 0.95 - 0.05 * (first == 0), last * 1.05)


def plain_ticks(axis: Any, ticks: Sequence[float]) -> None:
    """Ticks at these places, written as plain numbers."""
    axis.set_ticks(ticks, [f"{tick:g}" for tick in ticks])
    axis.set_ticks([], minor=True)


def logarithmic(axes: Any) -> None:
    """A logarithmic y axis as high as the lines: a band that reaches 0 is cut at its foot."""
    values = heights(axes)
    values = values[values > 0]
    if values.size:
        low, high = values.min() / 1.3, values.max() * 1.3
        axes.set_yscale("log")
        axes.set_ylim(low, high)
        if high < 100 * low:
            plain_ticks(axes.yaxis, [tick for tick in NUMBERS if low <= tick <= high])


def percents(axes: Any, more: Sequence[float] = ()) -> None:
    """A logarithmic y axis for errors in %, as high as the lines and `more`; if they go below 0.1 %, with a place for
    0."""
    from matplotlib.ticker import MaxNLocator

    values = np.concatenate([heights(axes), np.asarray(more, float)])
    if not values.size:
        return
    low, high = values.min(), values.max()
    if low < 0.1:
        axes.set_yscale("symlog", linthresh=0.1, linscale=0.5)
        low = 0.0
    else:
        axes.set_yscale("log")
        low /= 1.1
    high = max(1.1 * high, 1.0)
    ticks = [tick for tick in PERCENTS if low <= tick <= high]
    if low and len(ticks) < 4:
        ticks = [tick for tick in MaxNLocator(5).tick_values(low, high) if low <= tick <= high]
    plain_ticks(axes.yaxis, ticks if len(ticks) <= 7 else [tick for tick in FEW_PERCENTS if low <= tick <= high])
    axes.set_ylim(low, high)


def degrees(axes: Any) -> None:
    """Angles along y, with a line at 90 degrees: beyond it is anti-alignment."""
    top = next(top for top in (95, 125, 185) if heights(axes).max(initial=0) <= top)
    axes.set_yticks(range(0, top, 30))
    axes.set_ylim(0, top)
    axes.axhline(90, color="0.5", lw=0.6, zorder=1)
    axes.set_ylabel("angle (degrees)")


# Marks


def published(axes: Any, values: dict[str, float], looks: dict[str, Look]) -> None:
    """What the paper prints, at the right edge, each with its rule's name."""
    marks = [(value, f"{word} {value:g}", looks[word].colour) for word, value in values.items()]
    at_edge(axes, marks, "published")
    for value, _, colour in marks:
        axes.plot(1.01, in_axes(axes, value), "<", color=colour, ms=4, clip_on=False, transform=axes.transAxes)


def at_edge(axes: Any, marks: Sequence[tuple[float, str, str]], heading: str = "") -> None:
    """(y, words, colour): words at the right edge, tied to their y; those that would overlap are moved apart. To be
    called when the y axis is as it will be."""
    if not marks:
        return
    marks = sorted(marks)
    wanted = [in_axes(axes, y) for y, *_ in marks]
    height = axes.get_position().height * axes.figure.get_figheight() * 72  # in points, roughly
    gap = 8.5 / height
    places = spread(wanted, gap)
    if places[-1] > 1.1:
        return  # there are too many to be read
    for (_, words, colour), at, place in zip(marks, wanted, places):
        axes.plot([1.01, 1.07], [at, place], color=colour, lw=0.6, clip_on=False, transform=axes.transAxes)
        axes.text(1.08, place, words, va="center", fontsize=7, transform=axes.transAxes)
    axes.text(1.08, places[-1] + 1.2 * gap, heading, va="center", fontsize=7, style="italic", transform=axes.transAxes)


def in_axes(axes: Any, y: float) -> float:
    """The height of a y value, from 0 at the foot of the axes to 1 at its top."""
    place = axes.transAxes.inverted().transform(axes.transData.transform((axes.get_xlim()[1], y)))
    return float(place[1])


def spread(places: Sequence[float], gap: float) -> list[float]:
    """Rising places from 0 to 1, moved so that neighbours are at least a gap apart; on the whole as little as that
    takes, and within 0 to 1 if they fit."""
    moved: list[float] = []
    for place in places:
        moved.append(max(place, moved[-1] + gap) if moved else place)
    shift = max(float(np.mean(np.subtract(moved, places))), moved[-1] - 1)
    down = max(0.0, min(shift, moved[0]))
    return [place - down for place in moved]
