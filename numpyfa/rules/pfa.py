"""Product feedback alignment

Equation
    e_l = delta_{l+1} B R,  dR = (delta_{l+1} B)^T h_l / N,  B random and fixed

Shapes
    B is (fan_out, k fan_out): it spreads delta over k times as many neurons. R is (k fan_out, fan_in) and learns by the
    product of what its two ends know, with W's own learning rate and decay.

Source
    Li & Benna 2024 (arXiv 2405.20594) and their code. With k = 1 and orthogonal B it is their PFA-o.

Differs from the paper
    Nothing but the path P = B R is ever seen of R, and it learns by dP = B dR = (delta_{l+1} B B^T)^T h_l / N. So P and
    G = B B^T are kept, (fan_out, fan_in) and (fan_out, fan_out): the same numbers under SGD, at a cost that does not
    grow with k. `sparse-pfa` keeps B and R themselves.

Notes
    R -> B^T W^T and the path B R -> B B^T W^T, which is W^T for orthogonal B; for random B of variance 1/(k fan_out) it
    stays arctan(1/sqrt k) away. No single matrix mirrors W. The limit holds for SGD, with or without momentum, and
    needs the decay to forget how R began. Under Adam and its like only the orthogonal form keeps it, if the decay is
    decoupled: there P takes W's own updates.
"""

import math
from dataclasses import dataclass
from typing import Any, ClassVar

from ..backend import Array
from ..errors import check_whole, warn
from ..layers import Signal, Trace, Weighted
from ..losses import Output
from ..optim import SGD, Optimizer
from .base import Own, SequentialRule


@dataclass
class PFA(SequentialRule):
    """Product feedback alignment: e_l = delta_{l+1} B R, dR = (delta_{l+1} B)^T h_l / N   [Li & Benna 2024]"""

    name: ClassVar[str] = "pfa"
    expansion: int = 10  # k, the authors' choice in every experiment
    orthogonal: bool = False  # True is PFA-o, for which the authors take k = 1
    learned: ClassVar[tuple[str, ...]] = ("P",)
    in_step: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_whole("pfa: the expansion", self.expansion, 1)
        super().__post_init__()

    def init_feedback(self, layer: Weighted) -> Own:
        B, R = self.factors(layer)
        return {"P": B @ R, "G": B @ B.T}

    def factors(self, layer: Weighted) -> tuple[Array, Array]:
        """B with E[B B^T] = I, and the R to begin with: Glorot's uniform, with the kernel in both fans as theirs."""
        (fan_in, fan_out), width = layer.W.shape, self.expansion * layer.size
        spec = "orthogonal" if self.orthogonal else f"uniform:{math.sqrt(3 / width)}"
        B, R = (self.streams("feedback", layer.number, part) for part in (1, 2))
        fans = self.expansion * layer.fans[1], layer.fans[0]
        return (
            self.draw(layer, (fan_out, width), spec, rng=B),
            self.draw(layer, (width, fan_in), "glorot", fans, rng=R),
        )

    def stand_in(self, layer: Weighted, own: Own) -> Array:
        return own["P"]

    def feedback_gradients(self, layer: Any, own: Own, trace: Trace, signal: Signal, output: Output) -> Own:
        return {"P": layer.outer_T(trace.x, signal.delta / len(trace.x) @ own["G"])}

    def check_optimizer(self, optimizer: Optimizer) -> None:
        if optimizer.decay == 0:
            warn("pfa: without a decay R never forgets how it began; set one, such as 1e-4")
        if type(optimizer) is not SGD and not (self.orthogonal and optimizer.decoupled):
            warn("pfa: unless the steps are linear in the gradient B R misses its limit; use SGD, or orthogonal B and "
                 "decoupled decay")  # fmt: skip
