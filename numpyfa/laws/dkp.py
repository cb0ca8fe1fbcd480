"""DKP is BP where B_l = W_L^T .. W_{l+1}^T, in a linear net. B descends <error, h B^T> / N, error and h held constant.

For the last hidden layer this is Kolen-Pollack: B - W^T <- (1 - lr decay) (B - W^T). For a convolution B is a full
map: dB = error^T h / N at each place.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..backend import Array
from ..gradcheck import Check
from ..layers import Signal, Trace
from ..losses import Output
from ..rules import DKP
from .nets import (
    DECAY,
    LR,
    ROUNDING,
    STEPS,
    Arrays,
    conv_net,
    dense_net,
    equals_bp_in,
    give,
    largest,
    linear_nets,
    passed,
    products,
    train,
)


def make_bp(rule: DKP) -> DKP:
    """B_l = W_L^T .. W_{l+1}^T"""
    B = products(rule.net)
    return give(rule, B=lambda layer: B[layer.number])


def surrogate(layer: Any, own: Arrays, trace: Trace, signal: Signal, output: Output) -> Array:
    return (output.error * (trace.h.reshape(len(trace.h), -1) @ own["B"].T)).sum() / len(trace.h)


def laws() -> Iterator[Check]:
    name = "with B = product of the W^T, linear, it is BP"
    yield from equals_bp_in(linear_nets(), name, lambda net: make_bp(DKP(net)))
    rule = DKP(dense_net("tanh"))
    start = rule.feedback[2]["B"] - rule.net[3].W.T
    train(rule)
    now = rule.feedback[2]["B"] - rule.net[3].W.T
    figure = largest(now - (1 - LR * DECAY) ** STEPS * start) / largest(start)
    yield Check("the last hidden B - W^T follows Kolen-Pollack's law", figure, ROUNDING)

    net = conv_net("tanh")
    traces, output = passed(net)
    gradients = DKP(net).gradients(traces, output)
    for number in (1, 2):
        h = traces[number].h
        naive = np.einsum("no,nyxc->oyxc", output.error, h) / len(h)
        gap = largest(gradients[f"feedback.{number}.B"].reshape(naive.shape) - naive)
        yield Check(f"dB of conv layer {number} is error^T h / N at each place", gap, ROUNDING)
