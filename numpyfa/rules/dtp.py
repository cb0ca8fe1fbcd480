"""Difference target propagation

Equation
    e_{l-1} = g_l(h_l) - g_l(h_l - e_l),  g_l(h) = f(h V_l + c_l) a learned inverse
    e_{L-1} = target_lr delta_L W_L^T,  or simplified:  e_{L-1} = g_L(p) - g_L(target),  p = softmax(h_L)

Shapes
    V is (units, units of the layer's input), c one number a unit of the input. A convolution's inverse is a full map.

Source
    Lee, Zhang, Fischer & Bengio 2015 and their code; the simplified form of Bartunov et al. 2018.

Differs from the paper
    Each layer has a target and learns by 1/2 |h_l - target_l|^2, so e_l = h_l - target_l; theirs has no 1/2. The
    authors train g by centred RMSprop, in turns of whole epochs; ours takes one update of plain SGD after each batch.

Notes
    After each batch g_l goes down |g_l(h_l) - x|^2 at a learning rate of its own, `rate`; h_l is the layer's answer to
    x, its input plus noise. A sum of layers has no inverse, so residual nets are refused. The simplified form needs
    softmax cross-entropy.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

from ..backend import Array, array_module, to_device
from ..errors import InputError, check_number
from ..layers import Junction, Layer, Signal, Trace, Weighted
from ..local import make_local
from ..losses import Loss, Output, SoftmaxCrossEntropy, softmax
from .base import Own, Rule, Signals, Traces


@dataclass
class DTP(Rule):
    """Difference target propagation: e_{l-1} = g_l(h_l) - g_l(h_l - e_l), g_l a learned inverse   [Lee et al. 2015]"""

    name: ClassVar[str] = "dtp"
    simplified: bool = False  # True: no gradient crosses W_L either [Bartunov et al. 2018]
    target_lr: float = 0.3277  # the authors' number, but theirs is on the mean gradient of 100 examples
    noise: float = 0.3598  # the authors' value for seven layers of 240 tanh
    rate: float = 0.005  # the authors' number, but theirs is for centred RMSprop
    activation: str = "tanh"  # f, as the authors'
    init: str = "orthogonal"  # of V, as the authors'

    def __post_init__(self) -> None:
        sums = [layer.number for layer in self.net.layers if isinstance(layer, Junction)]
        if sums:
            raise InputError(
                f"dtp needs an inverse of each layer, but a sum (layer {sums[0]}) has none: use a plain net"
            )
        for name in ("target_lr", "noise", "rate"):
            check_number(f"dtp: {name}", getattr(self, name), 0)
        self.f = make_local(self.activation)
        super().__post_init__()

    def receiving_layers(self) -> Any:
        return [layer for layer in self.crossed_layers() if self.simplified or layer is not self.net.last]

    def init_feedback(self, layer: Weighted) -> Own:
        V = self.draw(layer, (layer.size_out, self.net[layer.number - 1].size_out), self.init)
        return {"V": V, "c": V[0] * 0}

    def inverse(self, layer: Layer, h: Array) -> tuple[Array, Any]:
        """(g(h), what its backward pass needs)."""
        own = self.feedback[layer.number]
        return self.f.forward(h.reshape(len(h), -1) @ own["V"] + own["c"])

    def difference(self, layer: Layer, h: Array, target: Array) -> Array:
        """g(h) - g(target), both in one product: reading V costs more than multiplying by it."""
        both = array_module(h).concatenate([h, target])
        answers = self.inverse(layer, both)[0]
        return answers[: len(h)] - answers[len(h) :]

    def signals(self, traces: Traces, output: Output) -> Signals:
        return self.descend(traces, output, self.hidden())

    def across(self, layer: Layer, trace: Trace, signal: Signal, output: Output) -> Array:
        """No matrix, but the difference of two answers of the layer's inverse."""
        if layer is not self.net.last:
            return self.difference(layer, trace.h, trace.h - signal.e)
        if self.simplified:
            return self.difference(layer, output.e + output.target, output.target)
        return self.target_lr * (signal.delta @ layer.W.T)

    def check_loss(self, loss: Loss) -> None:
        if self.simplified and not isinstance(loss, SoftmaxCrossEntropy):
            raise InputError(f"simplified dtp needs softmax cross-entropy, found {type(loss).__name__}")

    def settle(self, traces: Traces, output: Output) -> None:
        for layer in self.receiving_layers():
            rng = self.streams("noise", layer.number, output.batch_number)
            x = traces[layer.number].x
            x = x + to_device((self.noise * rng.standard_normal(x.shape)).astype(self.net.dtype), self.net.module)
            h = layer.forward(x, train=True, noise=rng).h
            h = softmax(h) if layer is self.net.last else h  # its targets are probabilities
            for name, gradient in self.inverse_gradients(layer, x, h).items():
                gradient *= self.rate  # in place: V may be the largest array there is
                self.feedback[layer.number][name] -= gradient

    def inverse_gradients(self, layer: Layer, x: Array, h: Array) -> Own:
        """The gradients of |g(h) - x|^2, averaged over the batch."""
        found, memo = self.inverse(layer, h)
        delta = self.f.backward(2 * (found - x.reshape(len(x), -1)), memo)[0] / len(x)
        return {"V": h.reshape(len(x), -1).T @ delta, "c": delta.sum(axis=0)}
