"""Indirect feedback alignment

Equation
    e_1 = error B_1,  e_l = delta_{l-1} W_l,  B_1 random and fixed

Shapes
    B_1 is (outputs, units of layer 1), W_l is (fan_in, fan_out).

Source
    Nokland 2016.

Differs from the paper
    Nothing that we know of for plain nets. What several sources send is added, so that residual nets work too.

Notes
    Only the first layer is sent the error. Its delta then goes up through the forward weights themselves, as rows of
    the next layer's input. A layer's delta goes where its output went, so no hidden layer may have a pool: the rule
    refuses them.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

from ..backend import Array
from ..errors import InputError
from ..layers import Layer
from ..losses import Output
from .base import Own, Rule, Signals, Traces


@dataclass
class IFA(Rule):
    """Indirect feedback alignment: e_1 = error B_1, e_l = delta_{l-1} W_l, B random and fixed   [Nokland 2016]"""

    name: ClassVar[str] = "ifa"
    init: str = "uniform_fan_out"  # Nokland's code for direct feedback: U(-a, a), a = 1/sqrt(units)

    def __post_init__(self) -> None:
        for layer in self.net.layers[:-1]:
            if layer.shape_z != layer.shape_out:
                raise InputError(
                    f"ifa sends delta up as if it were the output, so a hidden layer's tail must keep its shape; layer "
                    f"{layer.number} makes {layer.shape_out} of {layer.shape_z}: leave the pool out, or use dfa"
                )
        super().__post_init__()

    def receiving_layers(self) -> Any:
        """The hidden layers fed by the network's input alone."""
        return [layer for layer in self.net.layers[:-1] if self.net.sources[layer.number] == (0,)]

    def init_feedback(self, layer: Layer) -> Own:
        return {"B": self.draw(layer, (self.net.size_out, layer.size_out), self.init)}

    def signals(self, traces: Traces, output: Output) -> Signals:
        sent: dict[int, Array] = {}  # each layer's delta, as examples
        for number in self.hidden():
            layer, trace = self.net[number], traces[number]
            if number in self.feedback:
                e = output.error @ self.feedback[number]["B"]
            else:
                below = [sent[source] for source in self.net.sources[number] if source]
                delta = sum(below[1:], start=below[0])
                e = delta if layer.W is None else layer.weigh(delta, layer.W).reshape(trace.h.shape)
            signal = self.receive(layer, trace, e)
            sent[number] = signal.delta.reshape(trace.h.shape)
            yield number, signal
            sent = {source: delta for source, delta in sent.items() if self.net.last_use[source] > number}
        yield self.net.last.number, output.signal
