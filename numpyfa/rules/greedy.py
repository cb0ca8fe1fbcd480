"""Greedy layerwise learning

Equation
    e_l = (softmax(h_l A_l + c_l) - target) A_l^T,  the gradient of a classifier of the layer's own
    dA_l = h_l^T (p - target) / N,  dc_l = the mean of p - target,  p = softmax(h_l A_l + c_l)
    with other `heads`: e_l is what a small net on h_l, which learns by backpropagation, sends down to h_l

Shapes
    h_l is flattened, (N, units); A is (units, outputs) and c is (outputs). A head is a net whose input is h_l; its
    parameters are numbered as a net's are, so A is "1.W" and c is "1.b".

Source
    Belilovsky, Eickenberg & Oyallon 2019 (greedy layerwise) and 2020 (decoupled greedy learning), and their code.

Differs from the paper
    The authors' classifiers are small convolutional nets: heads="mlp-sr". Linear ones are the default here, and are
    what a dense layer has in any case.

Notes
    No signal passes between layers, so all can learn at once (decoupled). With `stage` = n, layers learn one after the
    other, n batches each (sequential); the output layer, which the loss itself trains, learns throughout. The target
    has to be one-hot. Heads only serve to train: their batch norm always takes the statistics of the batch.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

from ..backend import Array
from ..errors import check_whole, choose
from ..layers import Layer, Signal, Trace, Weighted
from ..losses import Output, SoftmaxCrossEntropy
from ..network import Network
from .base import DirectRule, Own
from .bp import BP
from .heads import HEADS


@dataclass
class Greedy(DirectRule):
    """Greedy layerwise learning: e_l = (softmax(h_l A_l + c_l) - target) A_l^T   [Belilovsky et al. 2019]"""

    name: ClassVar[str] = "greedy"
    heads: str = "linear"  # mlp-sr is the authors' choice for most of their experiments
    stage: int = 0  # batches that each layer learns for before the next one begins; 0: all learn at once
    init: str = "fan_in"  # of A, and of a head's weights
    learned: ClassVar[tuple[str, ...]] = ("A", "c")  # in a linear head; see `parameters`

    def __post_init__(self) -> None:
        choose(HEADS, self.heads, "heads of greedy")
        check_whole("greedy: stage", self.stage, 0)
        self.nets: dict[int, Network] = {}
        super().__post_init__()

    def init_feedback(self, layer: Layer) -> Own:
        shape, outputs, net = layer.shape_out, self.net.size_out, self.net
        layers = HEADS[self.heads if len(shape) == 3 else "linear"](shape, outputs)
        head = self.nets[layer.number] = Network(shape, layers, init="zeros", dtype=net.dtype, device=net.module)
        rng = self.streams("feedback", layer.number)
        for part in head.layers:
            if isinstance(part, Weighted):
                part.W[...] = self.draw(layer, part.W.shape, self.init, part.fans, rng=rng)
        return head.parameters()

    def parameters(self) -> dict[str, Array]:
        """All that the heads learn: the arrays themselves."""
        return {f"feedback.{n}.{name}": array for n, own in self.feedback.items() for name, array in own.items()}

    def project(self, layer: Layer, own: Own, trace: Trace, output: Output) -> Array | None:
        if self.stage and layer is not self.learning(output.batch_number):
            return None
        bp, traces, answer = self.ask(layer, trace, output.target)
        first = bp.net[1]
        return bp.send(first, traces[1], dict(bp.signals(traces, answer))[1], answer)

    def learning(self, batch_number: int) -> Layer:
        """The one layer that learns in this batch, where they learn one after the other."""
        place = max(batch_number - 1, 0) // self.stage
        return self.direct[min(place, len(self.direct) - 1)]

    def feedback_gradients(self, layer: Layer, own: Own, trace: Trace, signal: Signal, output: Output) -> Own:
        bp, traces, answer = self.ask(layer, trace, output.target)
        return bp.gradients(traces, answer)

    def ask(self, layer: Layer, trace: Trace, target: Array) -> tuple[BP, dict[int, Trace], Output]:
        """Backpropagation in the layer's head, its traces, and its loss on what the layer gave."""
        head = self.nets[layer.number]
        traces = head.forward(trace.h, train=True)
        return BP(head), traces, SoftmaxCrossEntropy().output(head, traces, target)

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self.feedback = {number: head.parameters() for number, head in self.nets.items()}
