"""PFA is BP where its path P = B R = W^T, in any net. P descends <delta G, h P^T> / N with G = B B^T.

The kept path is the product of the two factors, step by step, which `sparse-pfa` of density 1 keeps. With the identity
for B it is Kolen-Pollack. Otherwise, whatever the data,

    P - G W^T <- (1 - lr decay) (P - G W^T)        a step of SGD

so P -> B B^T W^T, which lies arctan(1/sqrt k) from W^T and is sqrt(1 + 1/k) times as long; PFA-o has no angle left.
"""

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ..backend import Array
from ..gradcheck import Check
from ..layers import Dense, Signal, Trace
from ..losses import Output
from ..metrics import weight_angle, weight_norm_ratio
from ..network import Network
from ..optim import SGD, Adam
from ..rules import KP, PFA, Rule, SparsePFA
from .kp import gap
from .nets import (
    DECAY,
    LR,
    NETS,
    ROUNDING,
    STEPS,
    Arrays,
    dense_net,
    equals_bp_in,
    give,
    largest,
    largest_difference,
    tanh_nets,
    train,
)


def make_bp(rule: PFA) -> PFA:
    """P = W^T"""
    return give(rule, P=lambda layer: layer.W.T)


def surrogate(layer: Any, own: Arrays, trace: Trace, signal: Signal, output: Output) -> Array:
    return ((signal.delta @ own["G"]) * (layer.rows(trace.x) @ own["P"].T)).sum() / len(trace.h)


def laws() -> Iterator[Check]:
    yield from equals_bp_in(tanh_nets(), "with B R = W^T it is BP", lambda net: make_bp(PFA(net)))
    for kind, build in NETS.items():
        path, factors = PFA(build("tanh"), expansion=3), SparsePFA(build("tanh"), density=1, expansion=3)
        yield trained_alike(f"it is its two factors, {kind} net", path, factors)
        yield gap_law(f"P - G W^T follows its law, {kind} net", PFA(build("tanh"), expansion=3), "P", "G")
    yield is_kp(lambda net: PFA(net, expansion=1), "P", "G")
    for k in (1, 2, 5, 10, 20):
        yield from limit(f"k = {k}", PFA(wide(), expansion=k), lambda own, W: own["G"] @ W.T, 1, k)
    rule = PFA(wide(), expansion=1, orthogonal=True)
    yield from limit("pfa-o", rule, lambda own, W: own["G"] @ W.T, 1, math.inf, 0.01)
    yield under_adam()


def wide() -> Network:
    """Wide enough for the law of large numbers."""
    return Network(100, [Dense(100, "tanh"), Dense(150)], dtype="float64")


def trained_alike(name: str, first: Rule, second: Rule) -> Check:
    """The weights of two alike nets after each rule has trained one."""
    for rule in (first, second):
        train(rule, SGD(LR, momentum=0.9, decay=0.01))
    figure = largest_difference(first.net.parameters(), second.net.parameters())
    return Check(f"{name}: weights after {STEPS} steps", figure, ROUNDING)


def gap_law(name: str, rule: Rule, key: str, fixed: str) -> Check:
    """G W^T for P, or mask * B^T W^T for R: what it tends to follows W, and the gap to it shrinks by its decay."""

    def gaps() -> dict[int, Array]:
        found = {}
        for number, own in rule.feedback.items():
            aim = (own["G"] if fixed == "G" else own["B"].T) @ rule.net[number].W.T
            found[number] = own[key] - own.get("mask", 1) * aim
        return found

    start = gaps()
    train(rule)
    factor = (1 - LR * DECAY) ** STEPS
    figure = largest(*(now - factor * start[n] for n, now in gaps().items())) / largest(*start.values())
    return Check(f"{name} over {STEPS} steps", figure, ROUNDING)


def is_kp(make: Callable[[Network], Rule], key: str, fixed: str) -> Check:
    rule, kp = make(dense_net("tanh")), KP(dense_net("tanh"))
    for number, own in rule.feedback.items():
        own[fixed] = np.eye(len(own[fixed]))
        own[key] = kp.feedback[number]["B"].copy()
    return trained_alike("with the identity for B it is kp", rule, kp)


def limit(
    name: str, rule: Rule, at: Callable[[Arrays, Array], Array], d: float, k: float, scale: float = 1.0
) -> Iterator[Check]:
    """The angle and the length of the path when its gap is gone, for a density d and an expansion k."""
    own, W = rule.feedback[2], rule.net[2].W
    own["P" if "P" in own else "R"] = at(own, W)
    angle, length = math.degrees(math.atan(1 / math.sqrt(d * k))), math.sqrt(d * d + d / k)
    yield Check(f"{name}: degrees from the angle of theory", abs(weight_angle(rule)[2] - angle), scale)
    yield Check(
        f"{name}: distance from the norm ratio of theory", abs(weight_norm_ratio(rule)[2] - length), 0.03 * scale
    )


def under_adam() -> Check:
    """PFA-o under Adam, where P takes W's own steps: the gap P - W^T shrinks by its decoupled decay."""
    rule = PFA(dense_net("tanh"), expansion=1, orthogonal=True)
    start = gap(rule, "P")
    train(rule, Adam(LR, decay=DECAY, decoupled=True))
    factor = (1 - LR * DECAY) ** STEPS
    figure = largest(*(now - factor * start[n] for n, now in gap(rule, "P").items())) / largest(*start.values())
    return Check("pfa-o, Adam, decoupled decay: the gap P - W^T follows Kolen-Pollack's law", figure, 1e-9)
