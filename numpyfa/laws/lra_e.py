"""LRA-E is BP where E = W^T and beta = 1, in a linear net without pools and batch norm. E descends <delta, h E^T> / N.

Each hidden layer adds a factor beta, and as beta goes to 0 the rest is feedback alignment's, with E for B:

    delta_l / beta^(L - l) -> delta_l of FA
"""

from collections.abc import Iterator
from typing import Any

from ..backend import Array
from ..gradcheck import Check
from ..layers import Signal, Trace
from ..losses import Output
from ..rules import FA, LRAE
from .nets import NETS, Arrays, equals_bp_in, fit_for, give, largest, outcome


def make_bp(rule: LRAE) -> LRAE:
    """E = W^T, which needs beta=1"""
    return give(rule, E=lambda layer: layer.W.T)


def surrogate(layer: Any, own: Arrays, trace: Trace, signal: Signal, output: Output) -> Array:
    return (signal.delta * (layer.rows(trace.x) @ own["E"].T)).sum() / len(trace.h)


def laws() -> Iterator[Check]:
    plain = {kind: build("identity", **({} if kind == "dense" else {"norm": None, "pool": False}))
             for kind, build in NETS.items()}  # fmt: skip
    name = "with E = W^T and beta = 1, linear, it is BP"
    yield from equals_bp_in(plain, name, lambda net: make_bp(LRAE(net, beta=1)))
    for kind in ("dense", "conv"):
        yield small_beta(kind)


def small_beta(kind: str) -> Check:
    net, _, _ = fit_for("lra-e", kind, "tanh")  # type: ignore[misc]
    rule, fa, last = LRAE(net, beta=1e-6), FA(net), net.last.number
    for number, own in fa.feedback.items():
        own["B"] = rule.feedback[number]["E"]
    mine, theirs = outcome(net, rule)[0], outcome(net, fa)[0]
    found = [largest(mine[n].delta / rule.beta ** (last - n) - theirs[n].delta) / largest(theirs[n].delta)
             for n in theirs]  # fmt: skip
    return Check(f"delta / beta^(L - l) is fa's as beta goes to 0, {kind} net", largest(found), 1e-4)
