"""Symmetric alignment

Equation
    e_l = delta_{l+1} B,  dB = 2 alpha B - beta W^T

Shapes
    B stands where W^T stands, (fan_out, fan_in), and learns by W's own optimiser.

Source
    Kunin et al. 2020 and their code: the regulariser alpha |B|^2 - beta <W^T, B> ("decay" and "self").

Differs from the paper
    The optimiser's decay also pulls B, so that B tends to beta / (2 alpha + decay) W^T; theirs pulls W alone.

Notes
    Without decay B tends to (beta / 2 alpha) W^T, which is W^T at the defaults, by (1 - 2 lr alpha) an update. B has to
    know W: the method is not local, and asks how much alignment is worth rather than how a brain would do it.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

from ..backend import Array
from ..errors import check_number
from ..layers import Signal, Trace, Weighted
from ..losses import Output
from .base import Own, SequentialRule, beside_W


@dataclass
class SA(SequentialRule):
    """Symmetric alignment: e_l = delta_{l+1} B, dB = 2 alpha B - beta W^T   [Kunin et al. 2020]"""

    name: ClassVar[str] = "sa"
    alpha: float = 1e-3  # their code
    beta: float = 2e-3  # their code
    init: str = "fan_in"  # their code draws B as W
    learned: ClassVar[tuple[str, ...]] = ("B",)

    def __post_init__(self) -> None:
        check_number("sa: alpha", self.alpha, 0)
        check_number("sa: beta", self.beta, 0)
        super().__post_init__()

    def init_feedback(self, layer: Weighted) -> Own:
        return {"B": beside_W(self.draw(layer, layer.W.T.shape, self.init, fans=layer.fans))}

    def stand_in(self, layer: Weighted, own: Own) -> Array:
        return own["B"]

    def feedback_gradients(self, layer: Any, own: Own, trace: Trace, signal: Signal, output: Output) -> Own:
        return {"B": 2 * self.alpha * own["B"] - self.beta * layer.W.T}
