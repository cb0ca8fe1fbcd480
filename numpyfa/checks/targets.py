"""The laws of rules that give each layer a target: target propagation and local representation alignment."""

import numpy as np

from ..backend import Streams
from ..gradcheck import Check
from ..layers import Dense
from ..network import Network
from ..rules import DTP, FA
from .nets import ROUNDING, batch, fit_for, outcome


def target_propagation():
    """DTP with exact linear inverses: e_l = target_step delta_L W_L^T W_{L-1}^-1 .. W_{l+1}^-1. Learning the
    inverses brings the error of their reconstruction down."""
    net = Network(4, [Dense(4), Dense(4), Dense(4), Dense(3)], dtype="float64", init="orthogonal", seed=2)
    a_rule = DTP(net, activation="identity", target_step=0.3)
    scale = Streams(0)("scale")
    for number, own in a_rule.feedback.items():
        layer = net.layers[number - 1]
        layer.W *= scale.uniform(0.5, 2, layer.W.shape)
        layer.b += scale.uniform(-1, 1, layer.b.shape)
        own["V"] = np.linalg.inv(layer.W)
        own["c"] = -layer.b @ own["V"]
    signals, _ = outcome(net, a_rule)
    e, figure = 0.3 * signals[3].delta @ net.layers[3].W.T, 0.0
    for number in (3, 2, 1):
        figure = max(figure, float(np.abs(signals[number - 1].e - e).max() / np.abs(e).max()))
        e = e @ np.linalg.inv(net.layers[number - 1].W)
    rows = [Check("dtp: exact linear inverses give the closed form", figure, ROUNDING)]

    net = Network(4, [Dense(4, "tanh"), Dense(4, "tanh"), Dense(4, "tanh"), Dense(3)], dtype="float64")
    a_rule = DTP(net, noise=0.1, rate=0.05)
    traces = net.forward(batch(net, 200)[0])
    before = reconstruction_error(a_rule, traces)
    for a_rule.step in range(1, 501):
        a_rule.settle(traces)
    figure = reconstruction_error(a_rule, traces) / before
    return [*rows, Check("dtp: inverses' reconstruction error after / before learning", figure, 0.5)]


def reconstruction_error(a_rule, traces):
    """The mean of |g(f(x)) - x|^2 over the inverses."""
    total = 0.0
    for layer in a_rule.receiving_layers():
        x, h = traces[layer.number - 2].h, traces[layer.number - 1].h
        total += float(((a_rule.inverse(layer, h)[0] - x) ** 2).sum(axis=1).mean())
    return total


def local_targets():
    """LRA-E: each hidden layer adds a factor beta, and as beta goes to 0 the rest is feedback alignment's, E for B."""
    rows = []
    for kind in ("dense", "conv"):
        net, lra, _ = fit_for("lra-e", kind, "tanh")
        fa = FA(net)
        for number, own in fa.feedback.items():
            own["B"] = lra.feedback[number]["E"]
        lra.beta = 1e-6
        mine, theirs = outcome(net, lra)[0], outcome(net, fa)[0]
        figure = max(
            np.abs(a.delta / lra.beta**p - b.delta).max() / np.abs(b.delta).max()
            for a, b, p in zip(mine, theirs, reversed(range(len(net.layers))))
        )
        rows.append(Check(f"lra-e: delta / beta^(L - l) is fa's as beta goes to 0, {kind} net", float(figure), 1e-4))
    return rows
