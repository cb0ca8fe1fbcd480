"""A convolution is its definition: six loops forward, `rows` and `fold` adjoint, and the fast form equal to both.

    <rows(x), r> = <x, fold(r)>
    weigh = rows W      outer = rows^T delta      outer_T = delta^T rows      carry = fold(delta M)

That a whole training step is the same with and without the fast form is among the laws of every rule.
"""

from collections.abc import Iterator

import numpy as np

from ..backend import Array
from ..convolution import Conv
from ..gradcheck import Check
from ..lines import Cut
from ..network import Network
from .nets import ROUNDING, SHAPES, adjoint_gap, largest, line_gaps, six_loop_gap, words


def laws() -> Iterator[Check]:
    for shape in SHAPES:
        yield Check(f"fold is the adjoint of rows, {words(shape)}", adjoint_gap(*shape), ROUNDING)
        yield Check(f"conv = six loops, {words(shape)}", six_loop_gap(*shape), ROUNDING)
    names = ("weigh = rows W", "outer = rows^T delta", "outer_T = delta^T rows", "carry = fold(delta M)")
    for shape in (*SHAPES, (9, 8, 6, 3, 1, 1), (5, 4, 20, 2, 1, 3)):
        for name, gap in zip(names, line_gaps(*shape)):
            yield Check(f"{name}, {words(shape)}", gap, ROUNDING)
    for shape in ((9, 8, 6, 3, 1, 1), (7, 6, 2, 3, 2, 1)):
        images = chunk(shape) * 2 + 1
        for name, gap in zip(names, line_gaps(*shape, images=images)):
            yield Check(f"{name}, {images} images in three pieces, {words(shape)}", gap, ROUNDING)
    net = Network((6, 6, 3), [Conv(5, 3), Doubled(5, 3)], dtype="float64")
    wrong = abs(net[1].fans[0] - 27) + abs(net[1].fans[1] - 45)
    yield Check("fans of a 3x3 kernel from 3 to 5 channels, from 27 and 45", float(wrong), 0.0)
    layer, delta = net[2], np.ones((2 * 2 * 2, 5))
    gap = largest(layer.carry(delta, layer.W.T) - 2 * Conv.carry(layer, delta, layer.W.T))
    yield Check("a subclass with a fold of its own carries by it", gap, ROUNDING)


def chunk(shape: tuple[int, ...]) -> int:
    """How many images of this shape are worked on at a time, with four channels out."""
    height, width, channels, *geometry = shape
    return Cut((height, width, channels), *geometry).chunks(np.empty((1, 1)), 4)[0].stop


class Doubled(Conv):
    """A convolution whose fold is written anew."""

    def fold(self, rows: Array) -> Array:
        return 2 * super().fold(rows)
