"""Activation alignment

Equation
    e_l = delta_{l+1} B,  dB = (2 alpha q - beta y)^T x / n,  y = x W,  q = x B^T

Shapes
    B stands where W^T stands, (fan_out, fan_in). x are the layer's n input rows, y and q what W and B make of them,
    without bias: (n, fan_out).

Source
    Kunin et al. 2020 and their code: "sparse" and "amp", (alpha (|q|^2 + |y|^2) - beta <y, q>) / n.

Differs from the paper
    W's own optimiser changes B, and its decay also pulls B; theirs pulls W alone. Kunin et al. sum over a convolution's
    places where we average, so that one pair of coefficients fits every layer.

Notes
    At the defaults B learns to answer as W does, and tends to W^T on the span of the inputs. The update is stable while
    lr 2 alpha times the largest eigenvalue of x^T x / n stays below 2: large inputs want smaller coefficients.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

from ..backend import Array
from ..errors import check_number
from ..layers import Signal, Trace, Weighted
from ..losses import Output
from .base import Own, SequentialRule, beside_W


@dataclass
class AA(SequentialRule):
    """Activation alignment: e_l = delta_{l+1} B, dB = (2 alpha x B^T - beta x W)^T x / n   [Kunin et al. 2020]"""

    name: ClassVar[str] = "aa"
    alpha: float = 1e-3  # their code
    beta: float = 2e-3  # their code
    init: str = "fan_in"  # their code draws B as W
    learned: ClassVar[tuple[str, ...]] = ("B",)

    def __post_init__(self) -> None:
        check_number("aa: alpha", self.alpha, 0)
        check_number("aa: beta", self.beta, 0)
        super().__post_init__()

    def init_feedback(self, layer: Weighted) -> Own:
        return {"B": beside_W(self.draw(layer, layer.W.T.shape, self.init, fans=layer.fans))}

    def stand_in(self, layer: Weighted, own: Own) -> Array:
        return own["B"]

    def feedback_gradients(self, layer: Any, own: Own, trace: Trace, signal: Signal, output: Output) -> Own:
        x, gap = trace.x, 2 * self.alpha * own["B"].T - self.beta * layer.W
        error = layer.weigh(x, gap)  # 2 alpha q - beta y, in one product
        return {"B": layer.outer(x, error / len(error)).T}
