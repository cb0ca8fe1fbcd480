"""Fixed random-magnitude sign-concordant feedback

Equation
    e_l = delta_{l+1} (M * sign(W_{l+1})^T),  M >= 0 random and fixed

Shapes
    M has the shape of W^T, (fan_out, fan_in), and is drawn once; the sign is taken anew for every batch.

Source
    Liao, Leibo & Poggio 2016; BioTorch.

Differs from the paper
    BioTorch's form, whose |M| keeps every sign that of W. The default magnitudes are BioTorch's too.
"""

from dataclasses import dataclass
from typing import ClassVar

from ..backend import Array, array_module
from ..layers import Weighted
from .base import Own, SequentialRule
from .magnitude import magnitudes


@dataclass
class FRSF(SequentialRule):
    """Fixed random-magnitude sign feedback: e_l = delta_{l+1} (M * sign(W_{l+1})^T), M fixed   [Liao et al. 2016]"""

    name: ClassVar[str] = "frsf"
    init: str = "glorot"  # BioTorch: |M| of Xavier's uniform; "xiao": those of Xiao et al. 2018

    def init_feedback(self, layer: Weighted) -> Own:
        return {"M": abs(self.draw(layer, layer.W.T.shape, magnitudes(layer, self.init), fans=layer.fans))}

    def stand_in(self, layer: Weighted, own: Own) -> Array:
        sign = array_module(layer.W).sign(layer.W)
        return own["M"] * sign.T
