"""Sparse PFA is BP where B R = W^T, in any net. R descends <delta B, h (mask R)^T> / N.

    dR = mask * (B^T dW^T)
    R - mask * (B^T W^T) <- (1 - lr decay) (R - mask * (B^T W^T))        a step of SGD

so the path B R comes to lie arctan(1/sqrt(d k)) from W^T, and is sqrt(d^2 + d/k) times as long. B is fixed.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..backend import Array
from ..gradcheck import Check
from ..layers import Signal, Trace
from ..losses import Output
from ..rules import SparsePFA
from .nets import NETS, ROUNDING, Arrays, equals_bp_in, largest, outcome, tanh_nets
from .pfa import gap_law, is_kp, limit, wide


def make_bp(rule: SparsePFA) -> SparsePFA:
    """R = B^+ W^T, and so B R = W^T"""
    for number, own in rule.feedback.items():
        own["R"] = np.linalg.pinv(own["B"]) @ rule.net[number].W.T
    return rule


def surrogate(layer: Any, own: Arrays, trace: Trace, signal: Signal, output: Output) -> Array:
    return ((signal.delta @ own["B"]) * (layer.rows(trace.x) @ (own["R"] * own["mask"]).T)).sum() / len(trace.h)


def laws() -> Iterator[Check]:
    yield from equals_bp_in(tanh_nets(), "with B R = W^T it is BP", lambda net: make_bp(SparsePFA(net)))
    for kind, build in NETS.items():
        for density in (1, 0.5):
            rule = SparsePFA(build("tanh"), density=density, expansion=3)
            yield product(f"density {density}: dR = mask B^T dW^T, {kind} net", rule)
        rule = SparsePFA(build("tanh"), density=0.5, expansion=3)
        yield gap_law(f"R - mask B^T W^T follows its law, {kind} net", rule, "R", "B")
    yield is_kp(lambda net: SparsePFA(net, density=1, expansion=1), "R", "B")
    for k, d in ((10, 0.5), (10, 0.3)):  # a smaller density leaves too few entries for the law of large numbers
        rule = SparsePFA(wide(), density=d, expansion=k)
        yield from limit(f"k = {k}, density {d}", rule, lambda own, W: own["mask"] * (own["B"].T @ W.T), d, k)


def product(name: str, rule: SparsePFA) -> Check:
    _, gradients = outcome(rule.net, rule)
    figure = largest(*(gradients[f"feedback.{n}.R"] - own["mask"] * (own["B"].T @ gradients[f"{n}.W"].T)
                       for n, own in rule.feedback.items()))  # fmt: skip
    return Check(name, figure, ROUNDING)
