"""Direct Kolen-Pollack: e_l = error B_l,  dB_l = error^T h_l / N,  B and W decay alike.

Source: Webster, Choi & Ahn 2021 ("Learning the Connections in Direct Feedback Alignment") and their code.
As DFA, with B (outputs, units), but B learns by the product of the error and the layer's output: for the last hidden
layer that is Kolen-Pollack itself. For a convolution B_l has one full map a class, and nothing is shared over places.
"""

from dataclasses import dataclass

from ..errors import warn
from ..optim import SGD
from .base import DirectRule


@dataclass
class DKP(DirectRule):
    """Direct Kolen-Pollack: e_l = error B_l, dB_l = error^T h_l / N   [Webster et al. 2021]"""

    init: str = "kaiming_fan_out"  # U(-a, a), a = sqrt(6/units): the authors' code on CIFAR-10; zeros on CIFAR-100
    learned = ("B",)

    def init_feedback(self, layer):
        return {"B": self.draw(layer, (self.net.size_out, layer.size_out), self.init)}

    def project(self, layer, feedback, trace, output):
        return output.error @ feedback["B"]

    def check_optimizer(self, optimizer):
        if not optimizer.decay:
            warn("dkp: without a decay the last hidden B never comes closer to W^T; set one, such as 1e-4")
        elif not optimizer.decoupled and not isinstance(optimizer, SGD):
            warn("dkp: coupled decay through this optimiser breaks its last hidden B's law; use decoupled=True, or SGD")

    def feedback_gradients(self, layer, feedback, trace, signal, output):
        return {"B": output.error.T / len(trace.h) @ trace.h.reshape(len(trace.h), -1)}
