"""Batchwise random-magnitude sign-concordant feedback

Equation
    e_l = delta_{l+1} (M * sign(W_{l+1})^T),  M >= 0 redrawn after every batch

Shapes
    As frSF: M has the shape of W^T, (fan_out, fan_in).

Source
    Liao, Leibo & Poggio 2016; BioTorch.

Differs from the paper
    BioTorch's form, whose |M| keeps every sign that of W. The default magnitudes are BioTorch's too.
"""

from dataclasses import dataclass
from typing import ClassVar

from ..backend import Array
from ..layers import Weighted
from ..losses import Output
from .base import Own, SequentialRule, Traces, beside_W
from .magnitude import magnitudes, signed


@dataclass
class BRSF(SequentialRule):
    """Batchwise random-magnitude signs: e_l = delta_{l+1} (M * sign(W_{l+1})^T), M redrawn   [Liao et al. 2016]"""

    name: ClassVar[str] = "brsf"
    init: str = "glorot"  # BioTorch: |M| of Xavier's uniform; "xiao": those of Xiao et al. 2018

    def init_feedback(self, layer: Weighted) -> Own:
        M = self.draw(layer, layer.W.T.shape, magnitudes(layer, self.init), fans=layer.fans)
        return {"M": beside_W(abs(M))}

    def stand_in(self, layer: Weighted, own: Own) -> Array:
        return own["M"] * signed(1, layer.W).T

    def settle(self, traces: Traces, output: Output) -> None:
        for layer in self.receiving_layers():
            shape, init = layer.W.T.shape, magnitudes(layer, self.init)
            M = self.draw(layer, shape, init, fans=layer.fans, batch_number=output.batch_number)
            self.feedback[layer.number]["M"][...] = abs(M)
