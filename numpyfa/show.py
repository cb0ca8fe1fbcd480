"""Pictures that teach: matrices side by side, the layers of a net with the angle at each, a run as a strip of frames.

Each function returns a matplotlib figure; a notebook draws it, a script calls `plt.show()` or `figure.savefig(...)`.
Orange is positive, purple negative and white 0, which print and the colour-blind tell apart.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .backend import to_host
from .errors import InputError
from .lab.looks import BLUE, GREY

COLOURS = "PuOr_r"
NUMBERS = 8  # up to so many rows and columns, a matrix's entries are written into it


def matrices(panels: Mapping[str, Any], *, numbers: bool | None = None, same_scale: bool = False) -> Any:
    """A figure with one matrix a panel, in one row: matrices({"W^T": W.T, "B": B, "delta": delta}).

    Each has a scale of its own, symmetric about 0, unless `same_scale`. Entries are written out where a matrix has at
    most 8 rows and columns, or as `numbers` says. Titles have the shapes; a vector is a row.

    Raises InputError where there is no panel, or one that is no matrix.
    """
    import matplotlib.pyplot as plt

    arrays = {name: np.atleast_2d(np.asarray(to_host(each))) for name, each in panels.items()}
    wrong = [name for name, each in arrays.items() if each.ndim != 2 or each.size == 0]
    if wrong or not arrays:
        raise InputError(f"matrices are expected, by name; found {f'no matrix for {wrong[0]}' if wrong else 'none'}")
    widths = [float(np.clip(each.shape[1] / max(each.shape[0], 1), 0.35, 2.5)) for each in arrays.values()]
    figure, axes = plt.subplots(
        1, len(arrays), figsize=(1 + 2.2 * sum(widths), 3.0), layout="constrained", width_ratios=widths, squeeze=False
    )
    largest = max(_largest(each) for each in arrays.values())
    for ax, (name, each) in zip(axes[0], arrays.items()):
        limit = largest if same_scale else _largest(each)
        image = ax.imshow(each, cmap=COLOURS, vmin=-limit, vmax=limit, aspect="auto", interpolation="nearest")
        ax.set(title=f"{name}\n{each.shape[0]} x {each.shape[1]}", xticks=[], yticks=[])
        if max(each.shape) <= NUMBERS if numbers is None else numbers:
            for (row, column), entry in np.ndenumerate(each):
                colour = "white" if abs(entry) > 0.7 * limit else "black"
                ax.text(column, row, f"{entry:.2g}", ha="center", va="center", fontsize=7, color=colour)
        else:
            figure.colorbar(image, ax=ax, location="bottom", shrink=0.8, ticks=[-limit, 0, limit], format="%.2g")
    return figure


def angles(net: Any, by_layer: Mapping[int, float], title: str = "angle of delta to backpropagation's") -> Any:
    """A figure of a net as a row of boxes, one a layer, with the angle at each: angles(net, delta_angle(...)).

    A hand on each dial points from 0 degrees (right, as backpropagation) to 90 (up, of no use) and 180 (left, against
    it). A layer without an angle has an empty dial.

    Raises InputError where the net has no such layer.
    """
    import matplotlib.pyplot as plt

    numbers = [layer.number for layer in net.layers]
    unknown = sorted(set(by_layer) - set(numbers))
    if unknown:
        raise InputError(f"the net has layers {numbers[0]} to {numbers[-1]}; found an angle for layer {unknown[0]}")
    figure, axes = plt.subplots(1, len(numbers), figsize=(1.7 * len(numbers), 2.1), layout="constrained", squeeze=False)
    figure.suptitle(title, fontsize=10)
    half = np.radians(np.linspace(0, 180, 90))
    for ax, layer in zip(axes[0], net.layers):
        ax.plot(np.cos(half), np.sin(half), color=GREY, lw=1)
        ax.plot([-1, 1], [0, 0], color=GREY, lw=1)
        for mark, place in ((0, "left"), (90, "center"), (180, "right")):
            x, y = np.cos(np.radians(mark)), np.sin(np.radians(mark))
            ax.text(
                1.12 * x, 1.12 * y, f"{mark}", fontsize=7, color=GREY, ha=place, va="bottom" if mark == 90 else "center"
            )
        value = by_layer.get(layer.number, np.nan)
        words = "exact" if layer is net.last and not np.isfinite(value) else "none"
        if np.isfinite(value):
            x, y = np.cos(np.radians(value)), np.sin(np.radians(value))
            ax.annotate(
                "", (x, y), (0, 0), arrowprops={"arrowstyle": "-|>", "color": BLUE, "lw": 2, "shrinkA": 0, "shrinkB": 0}
            )
            words = f"{value:.0f} degrees"
        shape = " x ".join(map(str, layer.shape_out))
        ax.set_title(f"layer {layer.number}, {shape}", fontsize=9)
        ax.text(0, -0.28, words, ha="center", fontsize=9)
        ax.set(xlim=(-1.5, 1.5), ylim=(-0.45, 1.35), aspect="equal")
        ax.axis("off")
    return figure


def frames(strip: Sequence[Any], titles: Sequence[str], *, columns: int = 8, same_scale: bool = True) -> Any:
    """A figure of a training run as a strip of frames: the same matrix at several times.

    frames([W at first, W later, ...], ["step 0", "step 100", ...]); after `columns` frames a new row begins. All are on
    one scale, unless `same_scale` is False: then each is relative to its own largest entry. A vector of 784 numbers, or
    of another square number of them, is shown as that image.

    Raises InputError where there is no frame, or not a title for each.
    """
    import matplotlib.pyplot as plt

    pictures = [_picture(np.asarray(to_host(each))) for each in strip]
    if not pictures or len(pictures) != len(titles):
        raise InputError(f"a title for each frame is expected; found {len(pictures)} frames and {len(titles)} titles")
    lines = -(-len(pictures) // columns)
    wide = min(columns, len(pictures))
    height, width = pictures[0].shape
    tall = float(np.clip(height / width, 0.3, 2))
    figure, axes = plt.subplots(
        lines, wide, figsize=(1.5 * wide, lines * (0.4 + 1.5 * tall)), layout="constrained", squeeze=False
    )
    largest = max(map(_largest, pictures))
    for place, ax in enumerate(axes.flat):
        ax.axis("off")
        if place < len(pictures):
            limit = largest if same_scale else _largest(pictures[place])
            ax.imshow(pictures[place], cmap=COLOURS, vmin=-limit, vmax=limit, aspect="auto", interpolation="nearest")
            ax.set_title(titles[place], fontsize=8)
    return figure


def _largest(array: np.ndarray) -> float:
    """The largest absolute entry that is finite, or 1."""
    finite = np.abs(array[np.isfinite(array)])
    return float(finite.max(initial=0.0)) or 1.0


def _picture(array: np.ndarray) -> np.ndarray:
    side = round(array.size**0.5)
    if array.ndim == 1 and side > 1 and side * side == array.size:
        return array.reshape(side, side)
    return array.reshape(array.shape[0], -1) if array.ndim > 1 else np.atleast_2d(array)
