"""Kernel-shaped direct feedback

Equation
    e_l = fold(error B_{l+1}), the same error at each place,  B random and fixed

Shapes
    B is (outputs, fan_in): for a convolution it has the kernel's shape with one output channel a class, so it is far
    smaller than a full map, and folding it shares it over the places.

Source
    BioTorch's "DFA" for convolutions.

Differs from the paper
    It has none: BioTorch calls it DFA, but it is another rule than Nokland's, which `dfa` is.

Notes
    What a layer sends down does not depend on its own delta: in its place stands the error of the output, repeated at
    each place of the layer's map. Where there is no convolution, this is `dfa` with the feedback kept at the layer
    above. What a layer feeds through a junction arrives as in backpropagation.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

from ..backend import Array, array_module
from ..layers import Layer, Signal, Trace, Weighted
from ..losses import Output
from .base import Own, Rule, Signals, Traces


@dataclass
class KDFA(Rule):
    """Kernel-shaped direct feedback: e_l = fold(error B_{l+1}), the same error at each place   [BioTorch]"""

    name: ClassVar[str] = "kdfa"
    init: str = "glorot"  # BioTorch: Xavier's uniform

    def receiving_layers(self) -> Any:
        return self.crossed_layers()

    def init_feedback(self, layer: Weighted) -> Own:
        fan_in, fan_out = layer.fans
        fans = fan_in, fan_out // layer.size * self.net.size_out  # as a kernel with one output channel a class
        return {"B": self.draw(layer, (self.net.size_out, len(layer.W)), self.init, fans)}

    def signals(self, traces: Traces, output: Output) -> Signals:
        return self.descend(traces, output, self.hidden())

    def across(self, layer: Layer, trace: Trace, signal: Signal, output: Output) -> Array:
        """The error of the output in delta's place."""
        places = len(signal.delta) // len(output.error)
        error_at_each_place = array_module(output.error).repeat(output.error, places, axis=0)
        return layer.carry(error_at_each_place, self.feedback[layer.number]["B"])
