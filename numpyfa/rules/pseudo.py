"""Pseudo-backpropagation

Equation
    e_l = delta_{l+1} W_{l+1}^+,  the Moore-Penrose inverse in place of the transpose

Shapes
    W is (fan_in, fan_out) and W^+ is (fan_out, fan_in).

Source
    Lillicrap et al. 2016, who compare feedback alignment with it: small weights make B act like W^+.

Differs from the paper
    There a yardstick for angles on a linear task; here also a rule that trains any net.

Notes
    The inverse is taken anew for every batch: a reference, not a method to train large nets with. For full rank it is
    W^-1, or (W^T W)^-1 W^T for more inputs than outputs, less work than a singular value decomposition, which
    is left for the rest. On a GPU it is computed there.
"""

from typing import ClassVar

import numpy as np

from ..backend import Array, array_module
from ..layers import Weighted
from .base import Own, SequentialRule

LIMIT = 1e10  # of |A| |A^-1|, up to which A has full rank and its inverse six digits or more that are right


class PseudoBP(SequentialRule):
    """Pseudo-backpropagation: e_l = delta_{l+1} W_{l+1}^+, the Moore-Penrose inverse   [Lillicrap et al. 2016]"""

    name: ClassVar[str] = "pseudo"

    def stand_in(self, layer: Weighted, own: Own) -> Array:
        kernels = layer.W.reshape(layer.blocks, -1, layer.size)
        return array_module(layer.W).concatenate([pseudo_inverse(W) for W in kernels], axis=1)


def pseudo_inverse(W: Array) -> Array:
    """W^+, as linalg.pinv gives it."""
    linalg, (rows, columns) = array_module(W).linalg, W.shape
    if rows < columns:
        return pseudo_inverse(W.T).T
    exact = W.astype("float64")
    A = exact if rows == columns else exact.T @ exact
    try:
        inverse = linalg.inv(A)
    except np.linalg.LinAlgError:  # a pivot of exactly 0
        return linalg.pinv(W)
    if not linalg.norm(A) * linalg.norm(inverse) < LIMIT:
        return linalg.pinv(W)
    if rows > columns:
        X = inverse @ exact.T
        inverse = 2 * X - X @ exact @ X  # a step of Newton's: W^T W squares what W does to errors
    return inverse.astype(W.dtype)
