"""Backpropagation

Equation
    e_l = delta_{l+1} W_{l+1}^T

Shapes
    delta_{l+1} is (rows, fan_out) of layer l+1, W_{l+1} is (fan_in, fan_out), e_l is (rows, fan_in).

Source
    Rumelhart, Hinton & Williams 1986.

Differs from the paper
    Nothing that we know of in the rule; loss, units and optimiser are the user's choice.

Notes
    The exact gradient. It needs the transpose of every forward weight on the way down: weight transport.
"""

from typing import ClassVar

from ..backend import Array
from ..layers import Weighted
from .base import Own, SequentialRule


class BP(SequentialRule):
    """Backpropagation: e_l = delta_{l+1} W_{l+1}^T   [Rumelhart, Hinton & Williams 1986]"""

    name: ClassVar[str] = "bp"

    def stand_in(self, layer: Weighted, own: Own) -> Array:
        return layer.W.T
