"""Every gradient against finite differences."""

import numpy as np

from ..gradcheck import Check, directional_check, gradient_checks
from ..layers import Conv, Dense
from ..local import LOCALS, AvgPool, BatchNorm, Dropout, GlobalAvgPool, LeakyReLU, MaxPool
from ..losses import LOSSES, SoftmaxCrossEntropy, SquaredError
from ..models import mlp
from ..network import Network
from ..rules import BP, RULES, rule
from .nets import NETS, SHAPES, batch, dense_net, words, worst


def tails_by_finite_differences():
    """BP against finite differences for every local operation, in every kind of net where it fits."""
    makers = {name: kind for name, kind in LOCALS.items() if "pool" not in name and name != "batchnorm"}
    makers |= {"leakyrelu 0.2": lambda: LeakyReLU(0.2), "dropout 0.2": lambda: Dropout(0.2)}
    rows = []
    for name, make in makers.items():
        tail = ("tanh", make) if "dropout" in name else (make,)
        rows += [_finite_differences(f"{name}, {kind} net", build(*tail)) for kind, build in NETS.items()]
    rows.append(_finite_differences("batchnorm, dense net", dense_net(BatchNorm, "tanh")))
    pools = {"maxpool": MaxPool, "avgpool": AvgPool, "globalavgpool": GlobalAvgPool}
    pools |= {"maxpool 3/2": lambda: MaxPool(3, 2), "avgpool 3/2": lambda: AvgPool(3, 2)}
    for name, make in pools.items():
        net = Network((7, 6, 2), [Conv(3, 3, "tanh", make(), padding=1), Dense(3)], dtype="float64", seed=4)
        rows.append(_finite_differences(name, net))
    for kind in ("conv", "residual"):
        net = NETS[kind]("tanh")
        for array in net.running().values():
            array += 0.3
        rows.append(_finite_differences(f"batchnorm in evaluation, {kind} net", net, train=False))
    return rows


def kinks_are_skipped():
    """A ReLU unit with zero weights sits on its kink for every example: its 6 weights and bias are skipped, no more."""
    net = dense_net("relu")
    net.layers[0].W[:, 2] = 0
    check = _finite_differences("relu with a unit on its kink", net)
    return [check, Check("entries skipped there, beyond the 7 in two ways", abs(check.skipped - 14.0), 0.0)]


def losses_by_finite_differences():
    """BP against finite differences for every loss, in every kind of net."""
    rows = []
    for kind, build in NETS.items():
        rows += [
            _finite_differences(f"{name} loss, {kind} net", build("tanh"), loss()) for name, loss in LOSSES.items()
        ]
        net = build("tanh", last=("logistic",))
        rows.append(_finite_differences(f"squared loss after a logistic output, {kind} net", net, SquaredError()))
    return rows


def layers_by_finite_differences():
    """BP against finite differences for convolutions of many shapes, a batch of one, and the full-size net."""
    rows = []
    for shape in SHAPES:
        height, width, channels, kernel, stride, padding = shape
        layers = [Conv(3, kernel, "tanh", stride=stride, padding=padding), Dense(3)]
        rows.append(_finite_differences(f"conv {words(shape)}", Network((height, width, channels), layers,
                                                                         dtype="float64", seed=5)))  # fmt: skip
    rows.append(_finite_differences("a batch of one, dense net", dense_net("tanh"), n=1))
    net = mlp("784-200-80-10", dtype="float64")
    x, target = batch(net, 16)
    check = directional_check(net, SoftmaxCrossEntropy(), x, target, np.random.default_rng(0))
    return [*rows, Check(f"784-200-80-10, {check.name}", check.figure, check.tolerance, note=check.note)]


def rules_by_finite_differences():
    """Every rule's local updates against the surrogate <e, h>/N, on dense, conv and residual nets."""
    rows = []
    for rule_name in RULES:
        for net_name, build in NETS.items():
            net = build("tanh")
            x, target = batch(net)
            checks = gradient_checks(net, rule(rule_name, net), SoftmaxCrossEntropy(), x, target)
            rows.append(worst(f"{rule_name}: local updates, {net_name} net", checks))
    return rows


def _finite_differences(name, net, loss=None, train=True, n=5):
    loss = loss or SoftmaxCrossEntropy()
    x, target = batch(net, n, regression=isinstance(loss, SquaredError))
    return worst(name, gradient_checks(net, BP(net), loss, x, target, train=train))
