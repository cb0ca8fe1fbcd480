"""Direct random target projection

Equation
    e_l = target B_l,  B random and fixed

Shapes
    target is one-hot, (N, outputs); B_l is (outputs, units), so one row a class.

Source
    Frenkel, Lefebvre & Bol 2021 (arXiv 1909.01311) and their code.

Differs from the paper
    Nothing that we know of: their code subtracts +target B as we do.

Notes
    A hidden layer need not wait for the output.
"""

from dataclasses import dataclass
from typing import ClassVar

from ..backend import Array
from ..layers import Layer, Trace
from ..losses import Output
from .base import DirectRule, Own


@dataclass
class DRTP(DirectRule):
    """Direct random target projection: e_l = target B_l, B random and fixed   [Frenkel et al. 2021]"""

    name: ClassVar[str] = "drtp"
    init: str = "kaiming_fan_out"  # U(-a, a), a = sqrt(6/units), their code

    def init_feedback(self, layer: Layer) -> Own:
        return {"B": self.draw(layer, (self.net.size_out, layer.size_out), self.init)}

    def project(self, layer: Layer, own: Own, trace: Trace, output: Output) -> Array | None:
        return output.target @ own["B"]
