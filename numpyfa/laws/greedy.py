"""Greedy is BP where each head is the rest of the net: a linear one, h_l A_l + c_l = h_L, in a linear net without sums;
one of another kind in a net that goes on as that head does.

Each head descends its own cross-entropy, and so does h by e. What a layer is told depends on no layer above it. With
stage = n, layers learn one after the other, n batches each, and the output layer throughout.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..backend import Array
from ..convolution import Conv
from ..gradcheck import TOLERANCE, Check, compare
from ..layers import Signal, Trace
from ..losses import Output, SoftmaxCrossEntropy
from ..network import Network
from ..rules import Greedy
from ..rules.heads import mlp_sr
from .nets import (
    Arrays,
    batch,
    dense_net,
    equals_bp,
    equals_bp_in,
    largest,
    linear_nets,
    outcome,
    passed,
    products,
    unlike,
    worst,
)


def make_bp(rule: Greedy) -> Greedy:
    """A_l = W_{l+1} .. W_L, and c_l what the biases above make; in a head of another kind, the layers above"""
    net = rule.net
    if rule.heads != "linear":
        return as_the_layers_above(rule)
    traces, B = net.forward(batch(net, 1)[0]), products(net)
    for number, own in rule.feedback.items():
        own["1.W"][...] = B[number].T
        own["1.b"][...] = (traces[net.last.number].h - traces[number].h.reshape(1, -1) @ own["1.W"])[0]
    return rule


def as_the_layers_above(rule: Greedy) -> Greedy:
    """Layer 1's head with the parameters of layers 2, 3, ..."""
    above = rule.net.parameters()
    for name, array in rule.feedback[1].items():
        number, _, rest = name.partition(".")
        array[...] = above[f"{int(number) + 1}.{rest}"]
    return rule


def surrogate(layer: Any, own: Arrays, trace: Trace, signal: Signal, output: Output) -> Array:
    logits = trace.h.reshape(len(trace.h), -1) @ own["1.W"] + own["1.b"]
    return SoftmaxCrossEntropy()(logits, output.target)[0]


def laws() -> Iterator[Check]:
    name = "with A = product of the W, linear, it is BP"
    yield from equals_bp_in(linear_nets("dense", "conv"), name, lambda net: make_bp(Greedy(net)))
    yield from with_a_net_for_a_head()
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


def with_a_net_for_a_head() -> Iterator[Check]:
    """Heads of Belilovsky et al.: what they tell and what they learn, by finite differences; and where that is BP."""
    layers = [Conv(3, 3, "tanh", padding=1), *mlp_sr((6, 6, 3), 3)]
    net = unlike(Network((6, 6, 2), layers, dtype="float64", seed=5))
    rule = Greedy(net, heads="mlp-sr", layers=(1,))
    yield from head_checks(rule)
    yield equals_bp("with a head = the layers above, it is BP", make_bp(rule))


def head_checks(rule: Greedy) -> Iterator[Check]:
    """e / N and the gradients of layer 1's head against differences of the head's loss."""
    traces, output = passed(rule.net, n=8)
    h, head = np.array(traces[1].h), rule.nets[1]

    def loss() -> tuple[float, list[Array]]:
        answer = head.forward(h, train=True)[head.last.number].h
        return float(SoftmaxCrossEntropy()(answer, output.target)[0]), []

    gradients, told = rule.gradients(traces, output), dict(rule.signals(traces, output))[1].e
    yield compare("e of a head by finite differences", told.reshape(h.shape) / len(h), h, loss, TOLERANCE)
    checks = [
        compare(name, gradients.get(f"feedback.1.{name}"), p, loss, TOLERANCE) for name, p in head.parameters().items()
    ]
    yield worst("a head's parameters by finite differences", checks)
