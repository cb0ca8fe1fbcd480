"""Every gradient against finite differences."""

import numpy as np

from ..gradcheck import TOLERANCE, Check, compare, directional_check, gradient_checks
from ..layers import Conv, Dense
from ..local import LOCALS, AvgPool, BatchNorm, Dropout, GlobalAvgPool, LeakyReLU, MaxPool, Subsample
from ..losses import LOSSES, SoftmaxCrossEntropy, SquaredError
from ..models import mlp
from ..network import Network
from ..rules import BP, RULES
from .nets import NETS, SHAPES, batch, dense_net, fit_for, words, worst


def tails_by_finite_differences():
    """BP against finite differences for every local operation, in every kind of net where it fits."""
    makers = {
        name: kind for name, kind in LOCALS.items() if "pool" not in name and name not in ("batchnorm", "subsample")
    }
    makers |= {"leakyrelu 0.2": lambda: LeakyReLU(0.2), "dropout 0.2": lambda: Dropout(0.2)}
    rows = []
    for name, make in makers.items():
        tail = ("tanh", make) if "dropout" in name else (make,)
        rows += [_finite_differences(f"{name}, {kind} net", build(*tail)) for kind, build in NETS.items()]
    rows.append(_finite_differences("batchnorm, dense net", dense_net(BatchNorm, "tanh")))
    pools = {"maxpool": MaxPool, "avgpool": AvgPool, "globalavgpool": GlobalAvgPool}
    pools |= {"subsample": Subsample, "subsample 2, 8 channels": lambda: Subsample(2, 8)}
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
        for net_name in NETS:
            found = fit_for(rule_name, net_name, "tanh")
            if found:
                net, a_rule, _ = found
                checks = gradient_checks(net, a_rule, SoftmaxCrossEntropy(), *batch(net))
                rows.append(worst(f"{rule_name}: local updates, {net_name} net", checks))
    return rows


def feedback_by_finite_differences():
    """Each gradient of learned feedback against a surrogate, with what comes in held constant."""
    rows = []
    for rule_name, surrogate in SURROGATES.items():
        for net_name in NETS:
            found = fit_for(rule_name, net_name, "tanh")
            if found:
                rows.append(worst(f"{rule_name}: feedback, {net_name} net", feedback_checks(*found[:2], surrogate)))
    return rows


def feedback_checks(net, a_rule, surrogate):
    """The gradients of all that `a_rule` learns against those of `surrogate(layer, own, trace, signal, output)`."""
    x, target = batch(net)
    traces = net.forward(x, train=True)
    output = SoftmaxCrossEntropy().output(traces[-1].h, target)
    signals = a_rule.signals(traces, output)
    gradients, checks = a_rule.gradients(traces, signals, output), []
    output.error = signals[-1].delta
    for name, p in a_rule.parameters().items():
        number = int(name.split(".")[1])
        layer, own = net.layers[number - 1], a_rule.feedback[number]
        trace, signal = traces[number - 1], signals[number - 1]

        def value(seen=(layer, own, trace, signal, output)):
            return float(surrogate(*seen)), []

        checks.append(compare(name, gradients.get(name), p, value, TOLERANCE))
    return checks


def inverses_by_finite_differences():
    """DTP: each gradient of an inverse against |g(h) - x|^2 / N."""
    rows = []
    for net_name in ("dense", "conv"):
        net, a_rule, _ = fit_for("sdtp", net_name, "tanh")
        x, checks = batch(net)[0], []
        traces = net.forward(x)
        for layer in a_rule.receiving_layers():
            x, h = traces[layer.number - 2].h, traces[layer.number - 1].h

            def value(seen=(a_rule, layer, h, x)):
                a_rule, layer, h, x = seen
                return float(((a_rule.inverse(layer, h)[0] - x.reshape(len(x), -1)) ** 2).sum()) / len(x), []

            for name, gradient in a_rule.inverse_gradients(layer, x, h).items():
                own = a_rule.feedback[layer.number][name]
                checks.append(compare(f"{layer.number}.{name}", gradient, own, value, TOLERANCE))
        rows.append(worst(f"dtp: inverses, {net_name} net", checks))
    return rows


def hebbian(key):
    """<delta, h K^T> / N: what B learns under Kolen-Pollack, and each rule that borrows its product."""
    return lambda layer, own, trace, signal, output: (
        (signal.delta * (layer.rows(trace.x) @ own[key].T)).sum() / len(trace.h)
    )


def symmetric(layer, own, trace, signal, output):
    return 1e-3 * (own["B"] ** 2).sum() - 2e-3 * (own["B"] * layer.W.T).sum()


def activation(layer, own, trace, signal, output):
    y, q = layer.rows(trace.x) @ layer.W, layer.rows(trace.x) @ own["B"].T
    return (1e-3 * (q * q).sum() - 2e-3 * (y * q).sum()) / len(y)


def information(layer, own, trace, signal, output):
    y = layer.rows(trace.x) @ layer.W
    r, x = layer.fold(y @ own["B"]), layer.rows(trace.x)
    return (-2e-3 * (x * (y @ own["B"])).sum() + 1e-3 * (r * r).sum()) / len(y) + 1e-3 * (own["B"] ** 2).sum()


def direct(layer, own, trace, signal, output):
    return (output.error * (trace.h.reshape(len(trace.h), -1) @ own["B"].T)).sum() / len(trace.h)


def classifier(layer, own, trace, signal, output):
    logits = trace.h.reshape(len(trace.h), -1) @ own["A"] + own["c"]
    return SoftmaxCrossEntropy().output(logits, output.target).value


# The function of its feedback that each rule descends, by the rules' own defaults.
SURROGATES = {
    "kp": hebbian("B"),
    "pfa": lambda layer, own, trace, signal, output: (
        ((signal.delta @ own["G"]) * (layer.rows(trace.x) @ own["P"].T)).sum() / len(trace.h)
    ),
    "sparse-pfa": lambda layer, own, trace, signal, output: (
        ((signal.delta @ own["B"]) * (layer.rows(trace.x) @ (own["R"] * own["mask"]).T)).sum() / len(trace.h)
    ),
    "sa": symmetric,
    "aa": activation,
    "ia": information,
    "lra-e": hebbian("E"),
    "dkp": direct,
    "greedy": classifier,
}


def _finite_differences(name, net, loss=None, train=True, n=5):
    loss = loss or SoftmaxCrossEntropy()
    x, target = batch(net, n, regression=isinstance(loss, SquaredError))
    return worst(name, gradient_checks(net, BP(net), loss, x, target, train=train))
