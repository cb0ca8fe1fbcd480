"""DFA is BP where B_l = W_L^T .. W_{l+1}^T, in a linear net.

With one hidden layer it is FA, bit for bit. Sent to chosen layers alone, the layers below get the exact gradient of
<e, h> of the chosen layer above them. And Nokland's negative control: with the layers above frozen DFA on the first
layer cannot align, and gains nothing on average, where BP does; with all layers learning it gains nearly all.
"""

from collections.abc import Iterator

import numpy as np

from ..backend import Streams
from ..convolution import Conv
from ..gradcheck import TOLERANCE, Check, compare
from ..layers import Dense
from ..losses import SoftmaxCrossEntropy, SquaredError
from ..models import mlp
from ..network import Network
from ..optim import SGD
from ..rules import DFA, FA, Rule, make_rule
from .bp import overfits
from .nets import (
    ROUNDING,
    batch,
    dense_net,
    equals_bp_in,
    give,
    largest,
    largest_difference,
    linear_nets,
    of_layers,
    outcome,
    passed,
    products,
)


def make_bp(rule: DFA) -> DFA:
    """B_l = W_L^T .. W_{l+1}^T"""
    B = products(rule.net)
    return give(rule, B=lambda layer: B[layer.number])


def laws() -> Iterator[Check]:
    name = "with B = product of the W^T, linear, it is BP"
    yield from equals_bp_in(linear_nets(), name, lambda net: make_bp(DFA(net)))
    yield one_hidden_layer()
    yield error_below_an_activation()
    yield from chosen_layers()
    gains = {case: float(np.mean([gain(*case, seed) for seed in range(10)]))
             for case in (("dfa", True), ("bp", True), ("dfa", False))}  # fmt: skip
    yield Check("layers above frozen: share of the loss that is gained", gains["dfa", True], 0.05)
    yield Check("bp, layers above frozen: share of the loss that is left", 1 - gains["bp", True], 0.6)
    yield Check("all layers learning: share of the loss that is left", 1 - gains["dfa", False], 0.1)
    yield overfits("dfa")


def one_hidden_layer() -> Check:
    net = Network(6, [Dense(5, "tanh"), Dense(3)], dtype="float64")
    fa, dfa = FA(net), DFA(net)
    dfa.feedback[1]["B"] = fa.feedback[2]["B"]
    gap = largest_difference(outcome(net, fa)[1], outcome(net, dfa)[1])
    return Check("one hidden layer: fa = dfa", gap, 0.0)


def error_below_an_activation() -> Check:
    """The error is dL/dz of the output, (h - y) h (1 - h) where the output is logistic and the loss squared."""
    rule = DFA(dense_net("tanh", last=("logistic",)))
    traces, output = passed(rule.net, SquaredError())
    h, y = traces[3].h, output.target
    e = dict(rule.signals(traces, output))[1].e
    gap = largest(e - ((h - y) * h * (1 - h)) @ rule.feedback[1]["B"])
    return Check("logistic output: the error is dL/dz", gap, ROUNDING)


def chosen_layers() -> Iterator[Check]:
    layers = [Conv(2, 3, "tanh", "avgpool"), Conv(3, 2, "tanh"), Dense(4, "tanh"), Dense(4, "tanh"), Dense(3)]
    net = Network((7, 7, 1), layers, dtype="float64", seed=6)
    cases: list[tuple[str, Rule, int]] = [("cdfa", make_rule("cdfa", net), 3), ("to layer 4", DFA(net, layers=(4,)), 4)]
    for name, rule, told in cases:
        (signals, gradients), x = outcome(net, rule), batch(net)[0]
        e = signals[told].e

        def surrogate(e: np.ndarray = e, told: int = told, x: np.ndarray = x) -> tuple[float, list[np.ndarray]]:
            return float((e * net.forward(x)[told].h).sum()) / len(x), []

        for parameter in ("1.W", "2.b"):
            check = compare(parameter, gradients[parameter], net.parameters()[parameter], surrogate, TOLERANCE)
            yield Check(f"{name}: {parameter} is the gradient of <e, h> of layer {told}", check.figure, TOLERANCE)


def gain(name: str, frozen: bool, seed: int) -> float:
    """1 - loss after / loss before 300 steps on 100 examples of a linear task; frozen: layer 1 alone learns."""
    net = mlp("20-15-10-5", dtype="float64", seed=seed)
    rng = Streams(0)("data")
    x = rng.standard_normal((100, 20))
    target = np.eye(5)[(x @ rng.standard_normal((20, 5))).argmax(axis=1)]
    rule, optimizer, values = make_rule(name, net, seed=seed), SGD(0.2), []
    for _ in range(300):
        traces = net.forward(x)
        output = SoftmaxCrossEntropy().output(net, traces, target)
        values.append(float(output.value))
        gradients = of_layers(rule.gradients(traces, output))
        optimizer.update(net.parameters(), {k: g for k, g in gradients.items() if not frozen or k.startswith("1.")})
    return 1 - values[-1] / values[0]
