"""KP is BP where B = W^T, in any net. B descends <delta, h B^T> / N, delta and h held constant.

Whatever the data, the gap between B and W^T is a parameter whose only gradient is its decay:

    B - W^T <- (1 - lr decay) (B - W^T)      a step of SGD, or of any optimiser with a decoupled decay

and with momentum it follows the heavy ball's recursion.
"""

from collections.abc import Iterator
from typing import Any

from ..backend import Array
from ..gradcheck import Check
from ..layers import Signal, Trace
from ..learn import train_step
from ..losses import Output, SoftmaxCrossEntropy
from ..network import Network
from ..optim import SGD, Adam, Optimizer
from ..rules import KP, Rule
from .nets import DECAY, LR, NETS, ROUNDING, STEPS, Arrays, batch, dense_net, equals_bp_in, give, largest, tanh_nets


def make_bp(rule: KP) -> KP:
    """B = W^T"""
    return give(rule, B=lambda layer: layer.W.T)


def surrogate(layer: Any, own: Arrays, trace: Trace, signal: Signal, output: Output) -> Array:
    return (signal.delta * (layer.rows(trace.x) @ own["B"].T)).sum() / len(trace.h)


def laws() -> Iterator[Check]:
    yield from equals_bp_in(tanh_nets(), "with B = W^T it is BP", lambda net: make_bp(KP(net)))
    for kind, build in NETS.items():
        yield gap_law(f"SGD, {kind} net", build("tanh"), SGD(LR, decay=DECAY))
        yield gap_law(f"heavy ball, {kind} net", build("tanh"), SGD(LR, momentum=0.9, decay=DECAY), 0.9)
    for optimizer in (SGD(LR, decay=DECAY, decoupled=True), Adam(LR, decay=DECAY, decoupled=True)):
        name = f"{type(optimizer).__name__}, decoupled decay, dense net"
        yield gap_law(name, dense_net("tanh"), optimizer)


def gap_law(name: str, net: Network, optimizer: Optimizer, momentum: float = 0.0) -> Check:
    """The largest deviation of the gap from its recursion over `STEPS` steps, relative to its start."""
    rule = KP(net)
    start, (x, target) = gap(rule), batch(net)
    factor, velocity, found = 1.0, 0.0, []
    for _ in range(STEPS):
        train_step(net, rule, SoftmaxCrossEntropy(), optimizer, x, target)
        velocity = momentum * velocity + DECAY * factor
        factor -= LR * velocity
        found += [largest(now - factor * start[n]) / largest(start[n]) for n, now in gap(rule).items()]
    return Check(f"{name}: the gap B - W^T follows its law", largest(found), ROUNDING)


def gap(rule: Rule, name: str = "B") -> dict[int, Array]:
    """{number: B - W^T}"""
    return {number: own[name] - rule.net[number].W.T for number, own in rule.feedback.items()}
