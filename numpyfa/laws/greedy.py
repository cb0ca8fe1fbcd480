"""Greedy is BP where each classifier is the rest of the net: h_l A_l + c_l = h_L, in a linear net without sums.

Each classifier descends its own cross-entropy. What a layer is told depends on no layer above it. With stage = n,
layers learn one after the other, n batches each, and the output layer throughout.
"""

from collections.abc import Iterator
from typing import Any

from ..backend import Array
from ..gradcheck import Check
from ..layers import Signal, Trace
from ..losses import Output, SoftmaxCrossEntropy
from ..rules import Greedy
from .nets import Arrays, batch, dense_net, equals_bp_in, largest, linear_nets, outcome, products


def make_bp(rule: Greedy) -> Greedy:
    """A_l = W_{l+1} .. W_L, and c_l what the biases above make"""
    net = rule.net
    traces, B = net.forward(batch(net, 1)[0]), products(net)
    for number, own in rule.feedback.items():
        own["A"] = B[number].T
        own["c"] = (traces[net.last.number].h - traces[number].h.reshape(1, -1) @ own["A"])[0]
    return rule


def surrogate(layer: Any, own: Arrays, trace: Trace, signal: Signal, output: Output) -> Array:
    logits = trace.h.reshape(len(trace.h), -1) @ own["A"] + own["c"]
    return SoftmaxCrossEntropy()(logits, output.target)[0]


def laws() -> Iterator[Check]:
    name = "with A = product of the W, linear, it is BP"
    yield from equals_bp_in(linear_nets("dense", "conv"), name, lambda net: make_bp(Greedy(net)))
    net = dense_net("tanh")
    rule = Greedy(net)
    before = outcome(net, rule)[0][1].delta
    net[2].W *= 2
    net[3].W *= 2
    yield Check(
        "change of the first delta with the layers above", largest(outcome(net, rule)[0][1].delta - before), 0.0
    )
    staged = Greedy(net, stage=3)
    for number, learns in ((1, 1), (3, 1), (4, 2), (100, 2)):
        told = sorted(outcome(net, staged, batch_number=number)[0])
        yield Check(f"3 batches a layer: batch {number} trains layers {learns} and 3", float(told != [learns, 3]), 0.0)
