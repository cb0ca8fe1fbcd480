"""Greedy layerwise learning

Equation
    e_l = (softmax(h_l A_l + c_l) - target) A_l^T,  the gradient of a classifier of the layer's own
    dA = h^T (p - target) / N,  dc = the mean of p - target,  p = softmax(h_l A_l + c_l)

Shapes
    h_l is flattened, (N, units); A is (units, outputs) and c is (outputs).

Source
    Belilovsky, Eickenberg & Oyallon 2019 (greedy layerwise) and 2020 (decoupled greedy learning).

Differs from the paper
    The authors' classifiers are small convolutional nets of their own; ours are linear.

Notes
    No signal passes between layers, so all can learn at once (decoupled). With `stage` = n, layers learn one after the
    other, n batches each (sequential); the output layer, which the loss itself trains, learns throughout. The target
    has to be one-hot.
"""

from dataclasses import dataclass
from typing import ClassVar

from ..backend import Array
from ..errors import check_whole
from ..layers import Layer, Signal, Trace
from ..losses import Output, SoftmaxCrossEntropy
from .base import DirectRule, Own


@dataclass
class Greedy(DirectRule):
    """Greedy layerwise learning: e_l = (softmax(h_l A_l + c_l) - target) A_l^T   [Belilovsky et al. 2019]"""

    name: ClassVar[str] = "greedy"
    stage: int = 0  # batches that each layer learns for before the next one begins; 0: all learn at once
    init: str = "fan_in"  # of A
    learned: ClassVar[tuple[str, ...]] = ("A", "c")

    def __post_init__(self) -> None:
        check_whole("greedy: stage", self.stage, 0)
        super().__post_init__()

    def init_feedback(self, layer: Layer) -> Own:
        A = self.draw(layer, (layer.size_out, self.net.size_out), self.init)
        return {"A": A, "c": A[0] * 0}

    def project(self, layer: Layer, own: Own, trace: Trace, output: Output) -> Array | None:
        if self.stage and layer is not self.learning(output.batch_number):
            return None
        return self.classify(own, trace, output.target) @ own["A"].T

    def learning(self, batch_number: int) -> Layer:
        """The one layer that learns in this batch, where they learn one after the other."""
        place = max(batch_number - 1, 0) // self.stage
        return self.direct[min(place, len(self.direct) - 1)]

    def feedback_gradients(self, layer: Layer, own: Own, trace: Trace, signal: Signal, output: Output) -> Own:
        error = self.classify(own, trace, output.target) / len(trace.h)
        return {"A": trace.h.reshape(len(error), -1).T @ error, "c": error.sum(axis=0)}

    def classify(self, own: Own, trace: Trace, target: Array) -> Array:
        """p - target: the error of the layer's own classifier."""
        h = trace.h.reshape(len(trace.h), -1)
        return SoftmaxCrossEntropy()(h @ own["A"] + own["c"], target)[1]
