"""IA is BP where B = W^T, in any net. B descends (-alpha <x, r> + beta |r|^2) / n + gamma |B|^2 with y = x W, r = y B.

While W and the inputs stand still, in a dense layer with S = y^T y / n, B is drawn to

    B* = (2 beta S + 2 gamma I)^-1 alpha y^T x / n,    B - B* <- (I - lr (2 beta S + 2 gamma I)) (B - B*)
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..backend import Array
from ..gradcheck import Check
from ..layers import Signal, Trace
from ..losses import Output
from ..optim import SGD
from ..rules import IA
from .nets import ROUNDING, Arrays, dense_net, equals_bp_in, give, largest, tanh_nets
from .sa import fit_feedback


def make_bp(rule: IA) -> IA:
    """B = W^T"""
    return give(rule, B=lambda layer: layer.W.T)


def surrogate(layer: Any, own: Arrays, trace: Trace, signal: Signal, output: Output) -> Array:
    x = layer.rows(trace.x)
    y = x @ layer.W
    r = layer.fold(y @ own["B"])
    fit = (-2e-3 * (x * (y @ own["B"])).sum() + 1e-3 * (r * r).sum()) / len(y)  # the defaults
    return fit + 1e-3 * (own["B"] ** 2).sum()


def laws() -> Iterator[Check]:
    yield from equals_bp_in(tanh_nets(), "with B = W^T it is BP", lambda net: make_bp(IA(net)))
    yield Check("B - B* follows its law, dense net", law_gap(steps=30), ROUNDING)
    yield Check("B tends to B*, dense net", law_gap(steps=1000, start=0.0), 1e-6)


def law_gap(steps: int, start: float = 1.0, lr: float = 0.5) -> float:
    """How far B lies from its law after so many steps; with start = 0, from B* itself."""
    net = dense_net("tanh")
    rule = IA(net, alpha=1.0, beta=0.5, gamma=0.1)
    before = {n: own["B"].copy() for n, own in rule.feedback.items()}
    traces, found = fit_feedback(rule, SGD(lr), steps), []
    for n, own in rule.feedback.items():
        x = traces[n].x
        y = x @ net[n].W
        pull = y.T @ y / len(x) + 0.2 * np.eye(len(before[n]))
        aim = np.linalg.solve(pull, y.T @ x / len(x))
        once = np.linalg.matrix_power(np.eye(len(pull)) - lr * pull, steps)
        found.append(own["B"] - aim - start * once @ (before[n] - aim))
    return largest(*found)
