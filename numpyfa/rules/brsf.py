"""Batchwise random-magnitude sign-concordant feedback: e_l = delta_{l+1} (M * sign(W_{l+1})^T),  M >= 0 redrawn.

Source: Liao, Leibo & Poggio 2016; BioTorch's form, whose |M| keeps every sign that of W.
As frSF, with M (fan_out, fan_in), but M is drawn anew after every batch.
"""

from dataclasses import dataclass

from ..backend import array_module
from .base import SequentialRule
from .magnitude import spread


@dataclass
class BRSF(SequentialRule):
    """Batchwise random-magnitude sign feedback: e_l = delta_{l+1} (M * sign(W_{l+1})^T)   [Liao et al. 2016]"""

    init: str = "glorot"  # BioTorch: |M| of Xavier's uniform; "xiao": those of Xiao et al. 2018
    linear = True

    def init_feedback(self, layer):
        return {"M": abs(self.draw(layer, layer.W.T.shape, spread(layer, self.init), fans=layer.fans))}

    def transport(self, layer, feedback, trace, signal):
        sign = array_module(layer.W).sign(layer.W)
        return signal.delta @ (feedback["M"] * sign.T)

    def settle(self, traces):
        for layer in self.receiving_layers():
            M = self.draw(layer, layer.W.T.shape, spread(layer, self.init), fans=layer.fans, step=self.step)
            self.feedback[layer.number]["M"][...] = abs(M)
