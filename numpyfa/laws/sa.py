"""SA is BP where B = W^T, in any net. B descends alpha |B|^2 - beta <W^T, B>.

While W stands still, whatever the data,

    B - (beta / 2 alpha) W^T <- (1 - 2 lr alpha) (B - (beta / 2 alpha) W^T)        a step of SGD
"""

from collections.abc import Iterator
from typing import Any

from ..backend import Array
from ..gradcheck import Check
from ..layers import Signal, Trace
from ..losses import Output
from ..optim import SGD, Optimizer
from ..rules import SA, Rule
from .nets import NETS, ROUNDING, Arrays, equals_bp_in, give, largest, passed, tanh_nets


def make_bp(rule: SA) -> SA:
    """B = W^T"""
    return give(rule, B=lambda layer: layer.W.T)


def surrogate(layer: Any, own: Arrays, trace: Trace, signal: Signal, output: Output) -> Array:
    return 1e-3 * (own["B"] ** 2).sum() - 2e-3 * (own["B"] * layer.W.T).sum()  # the default alpha and beta


def laws() -> Iterator[Check]:
    yield from equals_bp_in(tanh_nets(), "with B = W^T it is BP", lambda net: make_bp(SA(net)))
    for kind in ("dense", "conv"):
        net = NETS[kind]("tanh")
        rule = SA(net, alpha=0.3, beta=0.9)
        start = {n: own["B"] - 1.5 * net[n].W.T for n, own in rule.feedback.items()}
        fit_feedback(rule, SGD(0.1), 30)
        figure = largest(*(own["B"] - 1.5 * net[n].W.T - (1 - 2 * 0.1 * 0.3) ** 30 * start[n]
                           for n, own in rule.feedback.items()))  # fmt: skip
        yield Check(f"B - (beta / 2 alpha) W^T follows its law, {kind} net", figure, ROUNDING)


def fit_feedback(rule: Rule, optimizer: Optimizer, steps: int) -> dict[int, Trace]:
    """Let the feedback alone learn, on one batch of 200 examples; return the traces."""
    traces, output = passed(rule.net, n=200)
    for _ in range(steps):
        gradients = rule.gradients(traces, output)
        optimizer.update(rule.parameters(), {name: gradients[name] for name in rule.parameters()})
    return traces
