"""Kernel-shaped direct feedback: e_l = fold(error B_{l+1}), the same error at each place,  B random and fixed.

Source: BioTorch's "DFA" for convolutions; another rule than Nokland's, which `dfa` is.
What a layer sends down does not depend on its own delta: in its place stands the error of the output, repeated at each
place of the layer's map. B is (outputs, fan_in): for a convolution it has the kernel's shape with one output channel a
class, so it is far smaller than a full map, and folding it shares it over the places. Where there is no convolution,
this is `dfa` with the feedback kept at the layer above. What a layer feeds through a junction arrives as in
backpropagation.
"""

from dataclasses import dataclass

from ..backend import array_module
from ..layers import Weighted
from .base import Rule


@dataclass
class KDFA(Rule):
    """Kernel-shaped direct feedback: e_l = fold(error B_{l+1}), the same error at each place   [BioTorch]"""

    init: str = "glorot"  # BioTorch: Xavier's uniform

    def receiving_layers(self):
        return self.crossed_layers()

    def init_feedback(self, layer):
        fan_in, fan_out = layer.fans
        fans = fan_in, fan_out // layer.size * self.net.size_out  # as a kernel with one output channel a class
        return {"B": self.draw(layer, (self.net.size_out, fan_in), self.init, fans)}

    def sweep(self, traces, output):
        error = self.net.layers[-1].backward(traces[-1], output.e).delta

        def across(layer, trace, signal):
            if not isinstance(layer, Weighted):
                return layer.fold(signal.delta)
            at_each_place = array_module(error).repeat(error, len(signal.delta) // len(error), axis=0)
            return layer.carry(at_each_place, self.feedback[layer.number]["B"])

        return self.descend(traces, {len(self.net.layers): output.e}, across, self.hidden())
