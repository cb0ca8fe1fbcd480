"""AA is BP where B = W^T, in any net. B descends (alpha |q|^2 - beta <y, q>) / n with y = x W, q = x B^T.

While W and the inputs stand still, with S = x^T x / n over a layer's n input rows,

    B - (beta / 2 alpha) W^T <- (B - (beta / 2 alpha) W^T) (I - 2 lr alpha S)        a step of SGD

so B -> (beta / 2 alpha) W^T on the span of the inputs.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..backend import Array
from ..gradcheck import Check
from ..layers import Signal, Trace
from ..losses import Output
from ..optim import SGD
from ..rules import AA
from .nets import NETS, ROUNDING, Arrays, equals_bp_in, give, largest, tanh_nets
from .sa import fit_feedback


def make_bp(rule: AA) -> AA:
    """B = W^T"""
    return give(rule, B=lambda layer: layer.W.T)


def surrogate(layer: Any, own: Arrays, trace: Trace, signal: Signal, output: Output) -> Array:
    y, q = layer.rows(trace.x) @ layer.W, layer.rows(trace.x) @ own["B"].T
    return (1e-3 * (q * q).sum() - 2e-3 * (y * q).sum()) / len(y)  # the default alpha and beta


def laws() -> Iterator[Check]:
    yield from equals_bp_in(tanh_nets(), "with B = W^T it is BP", lambda net: make_bp(AA(net)))
    for kind in ("dense", "conv"):
        yield Check(f"B - (beta / 2 alpha) W^T follows its law, {kind} net", law_gap(kind), ROUNDING)
    rule = AA(NETS["dense"]("tanh"), alpha=0.5, beta=1.0)
    fit_feedback(rule, SGD(1.0), 1000)
    figure = largest(*(own["B"] - rule.net[n].W.T for n, own in rule.feedback.items()))
    yield Check("B tends to W^T, dense net", figure, 1e-6)


def law_gap(kind: str, alpha: float = 0.3, beta: float = 0.9, lr: float = 0.1, steps: int = 30) -> float:
    """How far B lies from its law after so many steps."""
    net = NETS[kind]("tanh")
    rule, aim = AA(net, alpha=alpha, beta=beta), beta / (2 * alpha)
    start = {n: own["B"] - aim * net[n].W.T for n, own in rule.feedback.items()}
    traces, found = fit_feedback(rule, SGD(lr), steps), []
    for n, own in rule.feedback.items():
        layer: Any = net[n]
        x = layer.rows(traces[n].x)
        once = np.eye(x.shape[1]) - 2 * lr * alpha * x.T @ x / len(x)
        found.append(own["B"] - aim * layer.W.T - start[n] @ np.linalg.matrix_power(once, steps))
    return largest(*found)
