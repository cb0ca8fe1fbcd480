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
from .base import Own, SequentialRule


@dataclass
class SparsePFA(SequentialRule):
    """Sparse product feedback: e_l = delta_{l+1} B R, dR = mask * ((delta_{l+1} B)^T h_l) / N   [Li & Benna 2024]"""

    name: ClassVar[str] = "sparse-pfa"
    density: float = 0.5  # the authors studied 1, 0.5, 0.3, 0.17, 0.1 and 0.05
    expansion: int = 10  # k, the authors' choice in every experiment
    learned: ClassVar[tuple[str, ...]] = ("R",)
    in_step: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_number("sparse-pfa: the density", self.density, 1e-6, 1)
        check_whole("sparse-pfa: the expansion", self.expansion, 1)
        self.spread: dict[int, tuple[Any, Array]] = {}  # a layer's signal, and its delta B, between two calls
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
        if many_rows(layer, signal):
            return super().across(layer, trace, signal, output)
        own, (asked, wide) = self.feedback[layer.number], self.spread.pop(layer.number, (None, None))
        return layer.carry(wide if asked is signal else signal.delta @ own["B"], own["R"])

    def feedback_gradients(self, layer: Any, own: Own, trace: Trace, signal: Signal, output: Output) -> Own:
        if many_rows(layer, signal):
            dR = own["B"].T @ layer.outer_T(trace.x, signal.delta / len(trace.x))
        else:
            wide = signal.delta @ own["B"]
            self.spread[layer.number] = signal, wide  # for `across`, which is asked next and forgets it
            dR = layer.outer_T(trace.x, wide / len(trace.x))
        dR *= own["mask"]
        return {"R": dR}

    def check_optimizer(self, optimizer: Optimizer) -> None:
        if optimizer.decay == 0:
            warn("sparse-pfa: without a decay R never forgets how it began; set one, such as 1e-4")
        if type(optimizer) is not SGD:
            warn("sparse-pfa: this optimiser's steps are not linear in the gradient, so R misses B^T W^T; use SGD")


def many_rows(layer: Weighted, signal: Signal) -> bool:
    """Whether B R and B^T (delta^T h), products of W's size, are cheaper than to widen delta."""
    return len(signal.delta) >= min(layer.W.shape)
