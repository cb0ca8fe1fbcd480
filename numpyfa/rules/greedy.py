"""Greedy layerwise learning: e_l = (softmax(h_l A_l + c_l) - target) A_l^T,  the gradient of a classifier of its own.

Source: Belilovsky, Eickenberg & Oyallon 2019 (greedy layerwise) and 2020 (decoupled greedy learning).
Each hidden layer has a linear classifier on its flattened output, A (units, outputs) and c (outputs), and both learn by
its own cross-entropy: dA = h^T (p - target) / N, dc the mean of p - target. No signal passes between layers, so all
can learn at once (decoupled). With `stage` = n, layers learn one after the other, n batches each (sequential); the
output layer, which the loss itself trains, learns throughout. The target has to be one-hot.
The authors' classifiers are small convolutional nets of their own; ours are linear.
"""

from dataclasses import dataclass

from ..errors import check_number
from ..losses import SoftmaxCrossEntropy
from .base import DirectRule


@dataclass
class Greedy(DirectRule):
    """Greedy layerwise learning: e_l = (softmax(h_l A_l + c_l) - target) A_l^T   [Belilovsky et al. 2019]"""

    stage: int = 0  # batches that each layer learns for before the next one begins; 0: all learn at once
    init: str = "fan_in"  # of A
    learned = ("A", "c")

    def __post_init__(self):
        check_number("greedy: stage", self.stage, 0, whole=True)
        super().__post_init__()

    def init_feedback(self, layer):
        A = self.draw(layer, (layer.size_out, self.net.size_out), self.init)
        return {"A": A, "c": A[0] * 0}

    def project(self, layer, feedback, trace, output):
        if self.stage and layer is not self.direct[min(max(self.step - 1, 0) // self.stage, len(self.direct) - 1)]:
            return None
        return self.classify(feedback, trace, output.target) @ feedback["A"].T

    def feedback_gradients(self, layer, feedback, trace, signal, output):
        error = self.classify(feedback, trace, output.target) / len(trace.h)
        return {"A": trace.h.reshape(len(error), -1).T @ error, "c": error.sum(axis=0)}

    def classify(self, feedback, trace, target):
        """p - target: the error of the layer's own classifier."""
        h = trace.h.reshape(len(trace.h), -1)
        return SoftmaxCrossEntropy().output(h @ feedback["A"] + feedback["c"], target).e
