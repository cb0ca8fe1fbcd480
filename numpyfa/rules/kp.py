"""Kolen-Pollack

Equation
    e_l = delta_{l+1} B_{l+1},  dB_{l+1} = delta_{l+1}^T h_l / N,  W and B decay alike

Shapes
    B stands where W^T stands, (fan_out, fan_in), and learns by the same product of what its two ends know as W does.

Source
    Kolen & Pollack 1994; Akrout et al. 2019, eqs. 16-17.

Differs from the paper
    Nothing that we know of.

Notes
    With the same linear update and decay the gap B - W^T shrinks by (1 - lr decay) an update, whatever the data;
    without decay it never shrinks. RMSprop and Adam keep the law if the decay is decoupled, since B's gradient is
    exactly W's transposed; a coupled decay breaks it.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

from ..backend import Array
from ..errors import warn
from ..layers import Signal, Trace, Weighted
from ..losses import Output
from ..optim import SGD, Optimizer
from .base import Own, SequentialRule


@dataclass
class KP(SequentialRule):
    """Kolen-Pollack: e_l = delta_{l+1} B_{l+1}, dB_{l+1} = delta_{l+1}^T h_l / N   [Kolen & Pollack 1994]"""

    name: ClassVar[str] = "kp"
    init: str = "akrout"  # N(0, 1/(fan_in + fan_out)), their code
    learned: ClassVar[tuple[str, ...]] = ("B",)
    in_step: ClassVar[bool] = True

    def init_feedback(self, layer: Weighted) -> Own:
        return {"B": self.draw(layer, layer.W.T.shape, self.init)}

    def stand_in(self, layer: Weighted, own: Own) -> Array:
        return own["B"]

    def check_optimizer(self, optimizer: Optimizer) -> None:
        if optimizer.decay == 0:
            warn("kp: without a decay the gap B - W^T never shrinks; set one, such as 1e-4")
        if optimizer.decay != 0 and not optimizer.decoupled and not isinstance(optimizer, SGD):
            warn("kp: coupled decay through this optimiser breaks B -> W^T; use decoupled=True, or SGD")

    def feedback_gradients(self, layer: Any, own: Own, trace: Trace, signal: Signal, output: Output) -> Own:
        return {"B": layer.outer_T(trace.x, signal.delta / len(trace.x))}
