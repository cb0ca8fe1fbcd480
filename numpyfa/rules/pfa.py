"""Product feedback alignment: e_l = delta_{l+1} B R,  dR = (delta_{l+1} B)^T h_l / N,  B random and fixed.

Source: Li & Benna 2024 (arXiv 2405.20594) and their code. With k = 1 and orthogonal B it is their PFA-o.
B is (fan_out, k fan_out): it spreads delta over k times as many neurons. R is (k fan_out, fan_in) and learns by the
product of what its two ends know, with W's own step and decay. So R -> B^T W^T and the path B R -> B B^T W^T, which is
W^T for orthogonal B; for random B of variance 1/(k fan_out) it stays arctan(1/sqrt k) away. No single matrix mirrors W.
R begins as Glorot's uniform of its own matrix shape; for a convolution the authors count the kernel in both fans.
Both limits hold for SGD, with or without momentum, and need the decay to forget how R began.
"""

import math
from dataclasses import dataclass

from ..errors import InputError, warn
from ..optim import SGD
from .base import SequentialRule


@dataclass
class PFA(SequentialRule):
    """Product feedback alignment: e_l = delta_{l+1} B R, dR = (delta_{l+1} B)^T h_l / N   [Li & Benna 2024]"""

    expansion: int = 10  # k, the authors' choice in every experiment
    orthogonal: bool = False  # True is PFA-o, for which the authors take k = 1
    learned = ("R",)

    def __post_init__(self):
        if self.expansion < 1:
            raise InputError(f"pfa: the expansion must be from 1, found {self.expansion}")
        super().__post_init__()

    def init_feedback(self, layer):
        fan_in, fan_out = layer.W.shape
        width = self.expansion * fan_out
        spec = "orthogonal" if self.orthogonal else f"uniform:{math.sqrt(3 / width)}"  # E[B B^T] = I
        B, R = (self.streams("feedback", layer.number, part) for part in (1, 2))
        return {
            "B": self.draw(layer, (fan_out, width), spec, rng=B),
            "R": self.draw(layer, (width, fan_in), "glorot", rng=R),
        }

    def transport(self, layer, feedback, trace, signal):
        return signal.delta @ feedback["B"] @ feedback["R"]

    def feedback_gradients(self, layer, feedback, trace, signal, output):
        return {"R": (signal.delta @ feedback["B"]).T @ trace.rows}

    def check_optimizer(self, optimizer):
        if not isinstance(optimizer, SGD):
            warn("pfa: this optimiser's steps are not linear in the gradient, so R does not tend to B^T W^T; use SGD")
