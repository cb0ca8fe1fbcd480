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
    The inverse is taken anew for every batch: a reference, not a method to train large nets with. On a GPU it is
    computed there.
"""

from typing import ClassVar

from ..backend import Array, array_module
from ..layers import Weighted
from .base import Own, SequentialRule


class PseudoBP(SequentialRule):
    """Pseudo-backpropagation: e_l = delta_{l+1} W_{l+1}^+, the Moore-Penrose inverse   [Lillicrap et al. 2016]"""

    name: ClassVar[str] = "pseudo"

    def stand_in(self, layer: Weighted, own: Own) -> Array:
        return array_module(layer.W).linalg.pinv(layer.W)
