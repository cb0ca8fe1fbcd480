"""Feedback alignment

Equation
    e_l = delta_{l+1} B_{l+1},  B random and fixed

Shapes
    B stands where W^T stands: (fan_out, fan_in). delta_{l+1} is (rows, fan_out), e_l is (rows, fan_in).

Source
    Lillicrap, Cownden, Tweed & Akerman 2016.

Differs from the paper
    They chose the scale of a uniform B by hand; the default here is that of Nokland's code.

Notes
    The forward weights come to align with B, and so the learning signal with the true one.
"""

from dataclasses import dataclass
from typing import ClassVar

from ..backend import Array
from ..layers import Weighted
from .base import Own, SequentialRule


@dataclass
class FA(SequentialRule):
    """Feedback alignment: e_l = delta_{l+1} B_{l+1}, B random and fixed   [Lillicrap et al. 2016]"""

    name: ClassVar[str] = "fa"
    init: str = "uniform_fan_out"  # Nokland's code; Lillicrap et al. chose the scale of a uniform B by hand

    def init_feedback(self, layer: Weighted) -> Own:
        return {"B": self.draw(layer, layer.W.T.shape, self.init)}

    def stand_in(self, layer: Weighted, own: Own) -> Array:
        return own["B"]
