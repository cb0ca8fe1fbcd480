"""Information alignment

Equation
    e_l = delta_{l+1} B,  dB = y^T (2 beta r - alpha x) / n + 2 gamma B,  y = x W,  r = y B

Shapes
    B, of the layer above, stands where W^T stands, (fan_out, fan_in). x are the layer's n input rows, y its answers
    without bias, r what B reconstructs: for a convolution folded into an image, where the patches overlap, and cut
    again. Everything is known at the two ends of B.

Source
    Kunin et al. 2020 and their code: the regulariser (-alpha <x, y B> + beta |r|^2) / n + gamma |B|^2 ("amp", "null"
    and "decay").

Differs from the paper
    W's own optimiser changes B, and its decay also pulls B; theirs pulls W alone. Kunin et al. sum over a convolution's
    places where we average, so that one set of coefficients fits every layer.

Notes
    B does not aim at W^T but at a damped inverse of W: for a dense layer and S = y^T y / n, at
    (2 beta S + 2 gamma I)^-1 alpha y^T x / n. The update is stable while lr (2 beta s + 2 gamma) < 2, s the largest
    eigenvalue of S: large answers want a smaller beta.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

from ..backend import Array
from ..errors import check_number
from ..layers import Signal, Trace, Weighted
from ..losses import Output
from .base import Own, SequentialRule


@dataclass
class IA(SequentialRule):
    """Information alignment: e_l = delta_{l+1} B, dB = y^T (2 beta r - alpha x)/n + 2 gamma B   [Kunin et al. 2020]"""

    name: ClassVar[str] = "ia"
    alpha: float = 2e-3  # their code
    beta: float = 1e-3  # their code
    gamma: float = 1e-3  # their code
    init: str = "fan_in"  # their code draws B as W
    learned: ClassVar[tuple[str, ...]] = ("B",)

    def __post_init__(self) -> None:
        check_number("ia: alpha", self.alpha, 0)
        check_number("ia: beta", self.beta, 0)
        check_number("ia: gamma", self.gamma, 0)
        super().__post_init__()

    def init_feedback(self, layer: Weighted) -> Own:
        return {"B": self.draw(layer, layer.W.T.shape, self.init, fans=layer.fans)}

    def stand_in(self, layer: Weighted, own: Own) -> Array:
        return own["B"]

    def feedback_gradients(self, layer: Any, own: Own, trace: Trace, signal: Signal, output: Output) -> Own:
        x, B = trace.x, own["B"]
        y = layer.weigh(x, layer.W)
        r = layer.carry(y, B).reshape(x.shape)
        return {"B": layer.outer_T(2 * self.beta * r - self.alpha * x, y / len(y)) + 2 * self.gamma * B}
