"""Sign direct feedback alignment

Equation
    e_l = sign(error) B_l,  B random and fixed

Shapes
    As DFA: error is (N, outputs), B_l is (outputs, units).

Source
    Nokland 2016, who remarks that the sign of the error of a class is known beforehand; trained by Frenkel et al. 2021.

Differs from the paper
    Nothing that we know of.

Notes
    For one-hot targets the sign is -1 for the right class and +1 for all others, whatever the output: the signal never
    shrinks, and with many classes most of it is the same for every example. That part pushes units into saturation;
    batch norm takes it out.
"""

from dataclasses import dataclass
from typing import ClassVar

from ..backend import Array, array_module
from ..layers import Layer, Trace
from ..losses import Output
from .base import DirectRule, Own


@dataclass
class SDFA(DirectRule):
    """Sign direct feedback alignment: e_l = sign(error) B_l, B random and fixed   [Frenkel et al. 2021]"""

    name: ClassVar[str] = "sdfa"
    init: str = "kaiming_fan_out"  # U(-a, a), a = sqrt(6/units): Frenkel et al.'s code

    def init_feedback(self, layer: Layer) -> Own:
        return {"B": self.draw(layer, (self.net.size_out, layer.size_out), self.init)}

    def project(self, layer: Layer, own: Own, trace: Trace, output: Output) -> Array | None:
        return array_module(output.error).sign(output.error) @ own["B"]
