"""DTP is BP where each inverse is g(h) = h W^T, in a linear net without sums; and so is its simplified form.

With exact inverses of linear layers the signal at the last hidden layer goes down through W^-1:

    e_l = target_lr delta_L W_L^T W_{L-1}^-1 .. W_{l+1}^-1

Each inverse descends |g(h) - x|^2 / N, with g(h) = tanh(h V + c), and so comes to reconstruct its layer's input. The
simplified form starts from e_{L-1} = g(p) - g(y), and its g_L learns to invert p = softmax(h_L).
"""

import functools
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..backend import Array, Streams
from ..gradcheck import TOLERANCE, Check, compare
from ..layers import Dense
from ..losses import softmax
from ..network import Network
from ..rules import DTP
from .nets import ROUNDING, batch, dense_net, equals_bp_in, fit_for, largest, linear_nets, outcome, passed, worst


def make_bp(rule: DTP) -> DTP:
    """V = W^T, which needs activation="identity" and target_lr=1; for a convolution, what its units make of it"""
    for number, own in rule.feedback.items():
        own["V"] = jacobian(rule.net, number)
    return rule


def laws() -> Iterator[Check]:
    for form, simplified in (("", False), ("simplified, ", True)):
        options: dict[str, Any] = {"target_lr": 1, "activation": "identity", "simplified": simplified}
        name = f"{form}with V = W^T, linear, it is BP"
        yield from equals_bp_in(linear_nets("dense", "conv"), name, functools.partial(bp_by, options))
    yield from inverses_by_differences()
    yield exact_inverses()
    yield from simplified_by_hand()
    yield from one_settled_batch()
    yield learning_of_inverses()


def bp_by(options: dict[str, Any], net: Network) -> DTP:
    return make_bp(DTP(net, **options))


def jacobian(net: Network, number: int) -> Array:
    """What unit errors at h of a layer become at its input, (units, units below): W^T, for a linear dense layer."""
    layer = net[number]
    trace = layer.forward(np.zeros((layer.size_out, *layer.shape_in)))
    delta = layer.backward(trace, np.eye(layer.size_out).reshape(trace.h.shape)).delta
    return layer.carry(delta, layer.W.T).reshape(layer.size_out, -1)


def inverses_by_differences() -> Iterator[Check]:
    for kind in ("dense", "conv"):
        fitted: Any = fit_for("sdtp", kind, "tanh")
        net, rule, _ = fitted
        traces, checks = net.forward(batch(net)[0]), []
        for layer in rule.receiving_layers():
            x, h = traces[layer.number].x, traces[layer.number].h

            def value(rule: Any = rule, layer: Any = layer, x: Array = x, h: Array = h) -> tuple[float, list[Any]]:
                return float(((rule.inverse(layer, h)[0] - x.reshape(len(x), -1)) ** 2).sum()) / len(x), []

            for name, gradient in rule.inverse_gradients(layer, x, h).items():
                own = rule.feedback[layer.number][name]
                checks.append(compare(f"{layer.number}.{name}", gradient, own, value, TOLERANCE))
        yield worst(f"inverses by finite differences, {kind} net", checks)


def exact_inverses() -> Check:
    layers = [Dense(4), Dense(4), Dense(4), Dense(3)]
    net = Network(4, layers, dtype="float64", init="orthogonal", seed=2)
    rule = DTP(net, activation="identity", target_lr=0.3)
    scale = Streams(0)("scale")
    for number, own in rule.feedback.items():
        layer: Any = net[number]
        layer.W *= scale.uniform(0.5, 2, layer.W.shape)
        layer.b += scale.uniform(-1, 1, layer.b.shape)
        own["V"] = np.linalg.inv(layer.W)
        own["c"] = -layer.b @ own["V"]
    signals, _ = outcome(net, rule)
    e, found = 0.3 * signals[4].delta @ net[4].W.T, []
    for number in (3, 2, 1):
        found.append(largest(signals[number].e - e) / largest(e))
        e = e @ np.linalg.inv(net[number].W)
    return Check("exact linear inverses give the closed form", largest(found), ROUNDING)


def simplified_by_hand() -> Iterator[Check]:
    """e_2 = tanh(p V_3 + c_3) - tanh(y V_3 + c_3), and e_1 = tanh(h_2 V_2 + c_2) - tanh((h_2 - e_2) V_2 + c_2)."""
    net = dense_net("tanh")
    rule = with_offsets(DTP(net, simplified=True))
    traces, output = passed(net)
    signals = dict(rule.signals(traces, output))
    p, h = softmax(traces[3].h), traces[2].h
    e2 = g(rule, 3, p) - g(rule, 3, output.target)
    e1 = g(rule, 2, h) - g(rule, 2, h - e2)
    for number, e in ((2, e2), (1, e1)):
        figure = largest(signals[number].e - e)
        yield Check(f"simplified, tanh: e_{number} = the equation by hand", figure, ROUNDING)


def one_settled_batch() -> Iterator[Check]:
    """V <- V - rate d|g(h) - x|^2 / N dV, x the layer's input plus noise and h its answer; p for the output layer."""
    net = dense_net("tanh")
    rule = with_offsets(DTP(net, simplified=True, noise=0.3, rate=0.1))
    traces, output = passed(net, batch_number=7)
    expected = {}
    for number in (2, 3):
        x = traces[number].x
        x = x + 0.3 * Streams(0)("noise", number, 7).standard_normal(x.shape)
        z = x @ net[number].W + net[number].b
        h = np.tanh(z) if number == 2 else softmax(z)
        found = g(rule, number, h)
        delta = 2 * (found - x) * (1 - found**2) / len(x)
        expected[number] = rule.feedback[number]["V"] - 0.1 * h.T @ delta
    rule.settle(traces, output)
    for number, V in expected.items():
        figure = largest(rule.feedback[number]["V"] - V)
        yield Check(f"simplified, tanh: V_{number} after a batch = the equation by hand", figure, ROUNDING)


def with_offsets(rule: DTP) -> DTP:
    """The rule with offsets c that are not 0."""
    for number, own in rule.feedback.items():
        own["c"] += Streams(0)("offset", number).uniform(-0.5, 0.5, own["c"].shape)
    return rule


def g(rule: DTP, number: int, h: Array) -> Array:
    own = rule.feedback[number]
    return np.tanh(h @ own["V"] + own["c"])


def learning_of_inverses() -> Check:
    layers = [Dense(4, "tanh"), Dense(4, "tanh"), Dense(4, "tanh"), Dense(3)]
    net = Network(4, layers, dtype="float64")
    rule = DTP(net, noise=0.1, rate=0.05)
    before = reconstruction_error(rule)
    for batch_number in range(1, 501):
        rule.settle(*passed(net, n=200, batch_number=batch_number))
    return Check("reconstruction error after / before the inverses learn", reconstruction_error(rule) / before, 0.5)


def reconstruction_error(rule: DTP) -> float:
    """The mean of |g(f(x)) - x|^2 over the inverses."""
    traces, _ = passed(rule.net, n=200)
    errors = [rule.inverse(layer, traces[layer.number].h)[0] - traces[layer.number].x
              for layer in rule.receiving_layers()]  # fmt: skip
    return float(sum((error**2).sum(axis=1).mean() for error in errors))
