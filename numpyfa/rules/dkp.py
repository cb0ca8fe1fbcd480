"""Direct Kolen-Pollack

Equation
    e_l = error B_l,  dB_l = error^T h_l / N,  B and W decay alike

Shapes
    As DFA: B_l is (outputs, units). For a convolution B_l has one full map a class, and nothing is shared over places.

Source
    Webster, Choi & Ahn 2021 ("Learning the Connections in Direct Feedback Alignment") and their code.

Differs from the paper
    Here B takes the updates of W's own optimiser, unless it is given another; the authors' code trains B by Adam. As
    theirs on CIFAR-10: feedback_optimizer=Adam(lr, decay=1e-6), lr 1e-4 times 0.8 every epoch, beside SGD for W.

Notes
    B learns by the product of the error and the layer's output: for the last hidden layer that is Kolen-Pollack itself,
    as long as both take the updates of one optimiser, or of two of the same settings.
"""

from dataclasses import dataclass
from typing import ClassVar

from ..backend import Array
from ..errors import warn
from ..layers import Layer, Signal, Trace
from ..losses import Output
from ..optim import SGD, Optimizer
from .base import DirectRule, Own


@dataclass
class DKP(DirectRule):
    """Direct Kolen-Pollack: e_l = error B_l, dB_l = error^T h_l / N   [Webster et al. 2021]"""

    name: ClassVar[str] = "dkp"
    init: str = "kaiming_fan_out"  # U(-a, a), a = sqrt(6/units): the authors' code on CIFAR-10; zeros on CIFAR-100
    learned: ClassVar[tuple[str, ...]] = ("B",)

    def init_feedback(self, layer: Layer) -> Own:
        return {"B": self.draw(layer, (self.net.size_out, layer.size_out), self.init)}

    def project(self, layer: Layer, own: Own, trace: Trace, output: Output) -> Array | None:
        return output.error @ own["B"]

    def check_optimizer(self, optimizer: Optimizer) -> None:
        if optimizer.decay == 0:
            warn("dkp: without a decay the last hidden B never comes closer to W^T; set one, such as 1e-4")
        elif not optimizer.decoupled and not isinstance(optimizer, SGD):
            warn("dkp: coupled decay through this optimiser breaks its last hidden B's law; use decoupled=True, or SGD")

    def feedback_gradients(self, layer: Layer, own: Own, trace: Trace, signal: Signal, output: Output) -> Own:
        return {"B": output.error.T / len(trace.h) @ trace.h.reshape(len(trace.h), -1)}
