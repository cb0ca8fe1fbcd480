"""Binary direct feedback alignment

Equation
    e_l = error B_l,  B = sign(D_l) of one bit an entry, fixed,  D_l = W_L^T .. W_{l+1}^T at the start

Shapes
    D_l and B_l are (outputs, units). D_l may also be random (`random=True`).

Source
    Han & Yoo 2019 (arXiv 1901.01986).

Differs from the paper
    Every hidden layer is sent the error directly. As `cbdfa`, with layers="dense", it is the authors': direct feedback
    for the dense layers, backpropagation below. Where the way up holds pools or batch norm, we take their own Jacobian
    at an input of zero; activations count as 1.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..backend import Array, array_module, to_device
from ..layers import Layer, Signal, Trace
from ..local import Activation
from ..losses import Output
from .base import DirectRule, Own
from .bp import BP


@dataclass
class BDFA(DirectRule):
    """Binary direct feedback alignment: e_l = error B_l, B = sign(W_L^T .. W_{l+1}^T) at first   [Han & Yoo 2019]"""

    name: ClassVar[str] = "bdfa"
    random: bool = False  # True: random signs, which did better than the product in their tables

    def init_feedback(self, layer: Layer) -> Own:
        shape = self.net.size_out, layer.size_out
        D = drawn = self.draw(layer, shape, "uniform:1")
        if not self.random:
            D = self.forward_product(layer).reshape(shape)
        xp = array_module(D)
        return {"B": xp.sign(xp.where(D == 0, drawn, D))}  # below a max pool some of D is 0: its sign is drawn

    def project(self, layer: Layer, own: Own, trace: Trace, output: Output) -> Array | None:
        return output.error @ own["B"]

    def forward_product(self, layer: Layer) -> Array:
        """W_L^T .. W_{l+1}^T: what unit errors at the output become at h of the layer, one row an output."""
        net, last, linear = self.net, self.net.last, LinearBP(self.net)
        traces = net.forward(to_device(np.zeros((net.size_out, *net.input_shape), net.dtype), net.module))
        unit = to_device(np.eye(net.size_out, dtype=net.dtype), net.module)
        output = Output(0.0, unit, linear.receive(last, traces[last.number], unit))
        return dict(linear.signals(traces, output))[layer.number].e


class LinearBP(BP):
    """Backpropagation as if the activations were linear."""

    def receive(self, layer: Layer, trace: Trace, e: Array) -> Signal:
        delta = e
        for item, memo in zip(reversed(layer.tail), reversed(trace.memos)):
            delta = delta if isinstance(item, Activation) else item.backward(delta, memo)[0]
        return Signal(e, delta.reshape(-1, layer.shape_z[-1]), {})
