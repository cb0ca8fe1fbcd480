"""LRA-E, local representation alignment

Equation
    delta_l = f(z_l) - f(z_l - beta d_l),  d_l = delta_{l+1} E_{l+1},  dE_{l+1} = gamma delta_{l+1}^T h_l / N

Shapes
    E stands where W^T stands, (fan_out, fan_in). d_l is what the layer is told, of the shape of z_l.

Source
    Ororbia & Mali 2019 (arXiv 1805.11703) and their code.

Differs from the paper
    E learns by W's own optimiser, by the transpose of dW as its shape demands; one of their scripts leaves the
    transpose out.

Notes
    E carries the mismatch of a layer down, where z is moved against it by a finite beta; the layer's delta is how far
    its output would move. No slope f' appears, yet a small beta gives beta f'(z) d: feedback alignment. The way from z
    to h has to be an activation alone, so hidden layers with a pool, batch norm or dropout are refused.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

from ..backend import Array
from ..errors import InputError, check_number
from ..layers import Signal, Trace, Weighted
from ..local import Activation, Identity
from ..losses import Output
from .base import Own, SequentialRule


@dataclass
class LRAE(SequentialRule):
    """LRA-E: delta_l = f(z_l) - f(z_l - beta d_l), d_l = delta_{l+1} E_{l+1}   [Ororbia & Mali 2019]"""

    name: ClassVar[str] = "lra-e"
    beta: float = 0.1  # the authors' code
    gamma: float = 1.0  # the authors' code
    init: str = "normal:1"  # the authors' TensorFlow script; N(0, 0.1^2) in the other
    learned: ClassVar[tuple[str, ...]] = ("E",)

    def __post_init__(self) -> None:
        check_number("lra-e: beta", self.beta, 1e-12)
        check_number("lra-e: gamma", self.gamma, 0)
        for layer in self.net.layers[:-1]:
            if len(layer.tail) > 1 or not all(isinstance(item, Activation) for item in layer.tail):
                names = ", ".join(type(item).__name__ for item in layer.tail)
                raise InputError(f"lra-e: moves z through an activation alone, but layer {layer.number} has {names}")
        super().__post_init__()

    def init_feedback(self, layer: Weighted) -> Own:
        return {"E": self.draw(layer, layer.W.T.shape, self.init)}

    def stand_in(self, layer: Weighted, own: Own) -> Array:
        return own["E"]

    def receive(self, layer: Any, trace: Trace, e: Array) -> Signal:
        """delta = f(z) - f(z - beta d), where others take the slope; d is the e that the layer is told. A sum's is
        exact."""
        if layer.W is None:
            return super().receive(layer, trace, e)
        f, h = layer.tail[0] if layer.tail else Identity(), trace.h
        z = layer.weigh(trace.x, layer.W, layer.b).reshape(h.shape)
        return Signal(None, (h - f.forward(z - self.beta * e)[0]).reshape(-1, layer.shape_z[-1]), {})

    def feedback_gradients(self, layer: Any, own: Own, trace: Trace, signal: Signal, output: Output) -> Own:
        return {"E": layer.outer_T(trace.x, self.gamma / len(trace.x) * signal.delta)}
