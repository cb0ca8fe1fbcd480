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

from ..backend import Array
from ..layers import Weighted
from .base import Own, SequentialRule, beside_W
from .magnitude import magnitudes, signed


@dataclass
class FRSF(SequentialRule):
    """Fixed random-magnitude sign feedback: e_l = delta_{l+1} (M * sign(W_{l+1})^T), M fixed   [Liao et al. 2016]"""

    name: ClassVar[str] = "frsf"
    init: str = "glorot"  # BioTorch: |M| of Xavier's uniform; "xiao": those of Xiao et al. 2018

    def init_feedback(self, layer: Weighted) -> Own:
        M = self.draw(layer, layer.W.T.shape, magnitudes(layer, self.init), fans=layer.fans)
        return {"M": beside_W(abs(M))}

    def stand_in(self, layer: Weighted, own: Own) -> Array:
        return own["M"] * signed(1, layer.W).T
