"""Direct feedback alignment

Equation
    e_l = error B_l,  B random and fixed

Shapes
    error = dL/dz at the output, (N, outputs); B_l is (outputs, units of layer l). For a convolution B_l has one full
    map a class: (outputs, height width channels).

Source
    Nokland 2016 and his code, from which the full maps and the default B are.

Differs from the paper
    Nothing that we know of.

Notes
    The projection enters after the layer's whole tail, so e is multiplied by f' as under any other rule.
"""

from dataclasses import dataclass
from typing import ClassVar

from ..backend import Array
from ..layers import Layer, Trace
from ..losses import Output
from .base import DirectRule, Own


@dataclass
class DFA(DirectRule):
    """Direct feedback alignment: e_l = error B_l, B random and fixed   [Nokland 2016]"""

    name: ClassVar[str] = "dfa"
    init: str = "uniform_fan_out"  # Nokland's code: U(-a, a), a = 1/sqrt(units of layer l)

    def init_feedback(self, layer: Layer) -> Own:
        return {"B": self.draw(layer, (self.net.size_out, layer.size_out), self.init)}

    def project(self, layer: Layer, own: Own, trace: Trace, output: Output) -> Array | None:
        return output.error @ own["B"]
