"""Sparse product feedback alignment

Equation
    e_l = delta_{l+1} B R,  dR = mask * ((delta_{l+1} B)^T h_l) / N

Shapes
    As `pfa`, but each entry of B (fan_out, k fan_out) and of R (k fan_out, fan_in) exists with chance `density` d,
    drawn once; mask has the shape of R.

Source
    Li & Benna 2024 (arXiv 2405.20594) and their code.

Differs from the paper
    Nothing that we know of.

Notes
    B's entries have the variance 1/(d k fan_out), so that E[B B^T] = I; R's are not rescaled. After a long decay the
    path B R lies arctan(1/sqrt(d k)) from W^T and is sqrt(d^2 + d/k) times as long: sparse feedback is weak feedback.
    With d = 1 this is `pfa` in its two factors, which costs k times as much.
"""

import math
from dataclasses import dataclass
from typing import Any, ClassVar

from ..backend import Array
from ..errors import check_number, check_whole, warn
from ..layers import Signal, Trace, Weighted
from ..losses import Output
from ..optim import SGD, Optimizer
from .base import Own, SequentialRule, Traces


@dataclass
class SparsePFA(SequentialRule):
    """Sparse product feedback: e_l = delta_{l+1} B R, dR = mask * ((delta_{l+1} B)^T h_l) / N   [Li & Benna 2024]"""

    name: ClassVar[str] = "sparse-pfa"
    density: float = 0.5  # the authors studied 1, 0.5, 0.3, 0.17, 0.1 and 0.05
    expansion: int = 10  # k, the authors' choice in every experiment
    learned: ClassVar[tuple[str, ...]] = ("R",)

    def __post_init__(self) -> None:
        check_number("sparse-pfa: the density", self.density, 1e-6, 1)
        check_whole("sparse-pfa: the expansion", self.expansion, 1)
        self.asked: tuple[Signal, Array] | None = None  # the last signal, and its delta B
        super().__post_init__()

    def init_feedback(self, layer: Weighted) -> Own:
        (fan_in, fan_out), width = layer.W.shape, self.expansion * layer.size
        B, R, of_B, of_R = (self.streams("feedback", layer.number, part) for part in (1, 2, 3, 4))
        fans = self.expansion * layer.fans[1], layer.fans[0]  # with the kernel in both, as theirs
        init = f"uniform:{math.sqrt(3 / (self.density * width))}"
        in_B = self.draw(layer, (fan_out, width), "uniform:1", rng=of_B) <= 2 * self.density - 1
        mask = self.draw(layer, (width, fan_in), "uniform:1", rng=of_R) <= 2 * self.density - 1
        B, R = self.draw(layer, in_B.shape, init, rng=B), self.draw(layer, mask.shape, "glorot", fans, rng=R)
        return {"B": B * in_B, "R": R * mask, "mask": mask}

    def stand_in(self, layer: Weighted, own: Own) -> Array:
        return own["B"] @ own["R"]

    def across(self, layer: Any, trace: Trace, signal: Signal, output: Output) -> Array:
        """For few rows in two factors: delta B, then R."""
        wide, own = self.widen(layer, signal), self.feedback[layer.number]
        return super().across(layer, trace, signal, output) if wide is None else layer.carry(wide, own["R"])

    def feedback_gradients(self, layer: Any, own: Own, trace: Trace, signal: Signal, output: Output) -> Own:
        wide, n, x = self.widen(layer, signal), len(trace.x), trace.x
        dR = own["B"].T @ layer.outer_T(x, signal.delta / n) if wide is None else layer.outer_T(x, wide / n)
        dR *= own["mask"]
        return {"R": dR}

    def widen(self, layer: Weighted, signal: Signal) -> Array | None:
        """delta B, for the gradient and the way down. None for many rows: there B R and B^T (delta^T h) are cheaper."""
        if len(signal.delta) >= min(layer.W.shape):
            return None
        if self.asked is None or self.asked[0] is not signal:
            self.asked = signal, signal.delta @ self.feedback[layer.number]["B"]
        return self.asked[1]

    def settle(self, traces: Traces, output: Output) -> None:
        self.asked = None

    def check_optimizer(self, optimizer: Optimizer) -> None:
        if optimizer.decay == 0:
            warn("sparse-pfa: without a decay R never forgets how it began; set one, such as 1e-4")
        if type(optimizer) is not SGD:
            warn("sparse-pfa: this optimiser's steps are not linear in the gradient, so R misses B^T W^T; use SGD")
