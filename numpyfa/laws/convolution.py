"""A convolution is its definition: six loops forward, `rows` and `fold` adjoint, and the fast form equal to both.

    <rows(x), r> = <x, fold(r)>
    weigh = rows W      outer = rows^T delta      outer_T = delta^T rows      carry = fold(delta M)

That a whole training step is the same with and without the fast form is among the laws of every rule.
"""

from collections.abc import Iterator

from ..gradcheck import Check
from .nets import ROUNDING, SHAPES, adjoint_gap, patch_gaps, six_loop_gap, words


def laws() -> Iterator[Check]:
    for shape in SHAPES:
        yield Check(f"fold is the adjoint of rows, {words(shape)}", adjoint_gap(*shape), ROUNDING)
        yield Check(f"conv = six loops, {words(shape)}", six_loop_gap(*shape), ROUNDING)
    names = ("weigh = rows W", "outer = rows^T delta", "outer_T = delta^T rows", "carry = fold(delta M)")
    for shape in (*SHAPES, (9, 8, 6, 3, 1, 1), (5, 4, 20, 2, 1, 3)):
        for name, gap in zip(names, patch_gaps(*shape)):
            yield Check(f"{name}, {words(shape)}", gap, ROUNDING)
