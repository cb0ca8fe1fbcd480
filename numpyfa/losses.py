"""Losses: the value, averaged over the batch, and e = dL/dh of each example at the network's output.

h and target are (N, outputs); target is one-hot for classes. The division by N is left to
`Layer.gradients`, so e is each example's own.

Where an answer is as good as certain, p - y underflows, and processors are slow with numbers below the smallest normal
one. Under random feedback logits grow so large that whole steps take several times as long. So the cross-entropies keep
an e that is not 0 away from there (`without_underflow`).
"""

from typing import Any, ClassVar, NamedTuple

import numpy as np

from .backend import Array, array_module, read_only
from .describe import Described
from .errors import InputError
from .layers import Signal, Trace
from .local import Activation, Identity, logistic


class Output(NamedTuple):
    """What the loss says about a batch, once for all who ask: its value, the target, the output layer's signal, and
    the batch's number (from 1), by which rules name what they draw."""

    value: Any
    target: Array
    signal: Signal
    batch_number: int = 1

    @property
    def e(self) -> Array:
        """dL/dh at the output, (N, outputs)."""
        return self.signal.e

    @property
    def error(self) -> Array:
        """dL/dz of the output layer, (N, outputs): e itself where that layer has no tail."""
        return self.signal.delta


class Loss(Described):
    """`value, e = loss(h, target)`. A subclass writes that."""

    needs_logits: ClassVar[bool] = False

    def __call__(self, h: Array, target: Array) -> tuple[Any, Array]:
        """(the value, averaged over the batch; e, each example's own). Raises InputError for shapes that differ."""
        raise NotImplementedError

    def output(self, net: Any, traces: dict[int, Trace], target: Array, batch_number: int = 1) -> Output:
        """All that the loss says about a batch of the network `net`."""
        last = net.last
        value, e = self(traces[last.number].h, target)
        return Output(value, read_only(target), last.backward(traces[last.number], e), batch_number)


def without_underflow(e: Array) -> Array:
    """e, with numbers below the root of the smallest normal one, 1e-19 in float32, raised to it: no product of two
    underflows. Signs stay, since some rules send these alone, and 0 stays 0. In place."""
    least = np.finfo(e.dtype).tiny ** 0.5
    small = array_module(e).abs(e) < least
    e[small] = array_module(e).sign(e[small]) * least
    return e


def softmax(h: Array) -> Array:
    """p_k = exp(h_k) / sum_j exp(h_j), row by row."""
    p = array_module(h).exp(h - h.max(axis=1, keepdims=True))
    return p / p.sum(axis=1, keepdims=True)


class SoftmaxCrossEntropy(Loss):
    """L = -sum_k y_k log p_k, p = softmax(h);  e = p sum(y) - y.  The network's output h is the logits.

    For one-hot targets, and all that sum to 1, e = p - y.
    """

    needs_logits = True

    def __call__(self, h: Array, target: Array) -> tuple[Any, Array]:
        check_shapes(h, target)
        xp = array_module(h)
        shifted = h - h.max(axis=1, keepdims=True)  # leaves p unchanged and keeps exp from overflowing
        p = xp.exp(shifted)
        total = p.sum(axis=1, keepdims=True)
        p /= total
        weight = target.sum(axis=1, keepdims=True)  # 1 for classes
        value = (xp.vdot(xp.log(total), weight) - xp.vdot(shifted, target)) / len(h)
        p *= weight
        p -= target
        return value, without_underflow(p)


class LogisticCrossEntropy(Loss):
    """L = -sum_k y_k log p_k + (1 - y_k) log(1 - p_k), p = logistic(h);  e = p - y.  h is the logits."""

    needs_logits = True

    def __call__(self, h: Array, target: Array) -> tuple[Any, Array]:
        check_shapes(h, target)
        xp = array_module(h)
        p = logistic(h)
        value = (xp.logaddexp(h * 0, h) - h * target).sum() / len(h)
        return value, without_underflow(p - target)


class SquaredError(Loss):
    """L = 1/2 sum_k (h_k - y_k)^2;  e = h - y"""

    def __call__(self, h: Array, target: Array) -> tuple[Any, Array]:
        check_shapes(h, target)
        e = h - target
        return 0.5 * (e * e).sum() / len(h), e


LOSSES: dict[str, type[Loss]] = {
    "softmax": SoftmaxCrossEntropy,
    "logistic": LogisticCrossEntropy,
    "squared": SquaredError,
}


def check_loss(loss: Loss, net: Any) -> None:
    """Raise InputError if a loss that wants logits is given a network whose last layer has an activation."""
    last = net.last
    if len(last.shape_out) > 1:
        raise InputError(f"the last layer must give one number an output, found the shape {last.shape_out}")
    tail = [
        type(item).__name__ for item in last.tail if isinstance(item, Activation) and not isinstance(item, Identity)
    ]
    if loss.needs_logits and tail:
        raise InputError(
            f"{type(loss).__name__} applies its own output function, so the last layer must have no activation; "
            f"found {', '.join(tail)}: drop it or use SquaredError"
        )


def check_shapes(h: Array, target: Array) -> None:
    """Raise InputError unless the target is an array of the output's shape."""
    shape = getattr(target, "shape", None)
    if h.shape != shape:
        found = shape if shape is not None else f"a {type(target).__name__}"
        raise InputError(
            f"the target must be an array of the output's shape {h.shape}, one-hot for classes "
            f"(numpyfa.one_hot(labels, classes, dtype)); found {found}"
        )
