"""Losses: the value, averaged over the batch, and e = dL/dh of each example at the network's output.

h and target are (N, outputs); target is one-hot for classes. The division by N is left to
`Layer.gradients`, so e is each example's own.
"""

from dataclasses import dataclass

from .backend import array_module
from .errors import InputError
from .local import Activation, Identity, logistic


@dataclass(slots=True)
class Output:
    """What the loss says about a batch: its value, e = dL/dh at the output, the target; and for a direct rule
    `error` = dL/dz of the output layer, which is e itself when that layer has no tail."""

    value: object
    e: object
    target: object
    error: object = None


class SoftmaxCrossEntropy:
    """L = -sum_k y_k log p_k, p = softmax(h);  e = p - y.  The network's output h is the logits."""

    needs_logits = True

    def output(self, h, target):
        _check_shapes(h, target)
        xp = array_module(h)
        shifted = h - h.max(axis=1, keepdims=True)  # leaves p unchanged and keeps exp from overflowing
        p = xp.exp(shifted)
        total = p.sum(axis=1, keepdims=True)
        p /= total
        value = (xp.log(total).sum() - (shifted * target).sum()) / len(h)
        return Output(value, p - target, target)


class LogisticCrossEntropy:
    """L = -sum_k y_k log p_k + (1 - y_k) log(1 - p_k), p = logistic(h);  e = p - y.  h is the logits."""

    needs_logits = True

    def output(self, h, target):
        _check_shapes(h, target)
        xp = array_module(h)
        p = logistic(h)
        value = (xp.logaddexp(h * 0, h) - h * target).sum() / len(h)
        return Output(value, p - target, target)


class SquaredError:
    """L = 1/2 sum_k (h_k - y_k)^2;  e = h - y"""

    needs_logits = False

    def output(self, h, target):
        _check_shapes(h, target)
        e = h - target
        return Output(0.5 * (e * e).sum() / len(h), e, target)


LOSSES = {
    "softmax": SoftmaxCrossEntropy,
    "logistic": LogisticCrossEntropy,
    "squared": SquaredError,
}


def check_loss(loss, net):
    """Raise InputError if a loss that wants logits is given a network whose last layer has an activation."""
    last = net.layers[-1]
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


def _check_shapes(h, target):
    if h.shape != target.shape:
        raise InputError(
            f"the target must have the output's shape {h.shape}, one-hot for classes; found {target.shape}"
        )
