"""Each rule's own law."""

import numpy as np

from ..backend import Streams
from ..gradcheck import Check
from ..layers import Conv, Dense, Signal
from ..learn import train_step
from ..losses import Output, SoftmaxCrossEntropy
from ..metrics import weight_angle, weight_norm_ratio
from ..network import Network
from ..optim import SGD, Adam
from ..rules import BRSF, DKP, DRTP, KP, PFA, USF, WM
from .nets import ROUNDING, batch, conv_net, dense_net, largest_difference, residual_net

LR, DECAY, STEPS = 0.1, 0.5, 40


def kolen_pollack_gap():
    """KP: B - W^T shrinks by (1 - lr decay) a step, or by the heavy-ball recursion, whatever the data."""
    nets = {"dense": dense_net, "conv": conv_net, "residual": residual_net}
    rows = [gap_law(f"kp, SGD, {name} net", build("tanh"), SGD(LR, decay=DECAY), 0.0) for name, build in nets.items()]
    rows.append(gap_law("kp, heavy ball, dense net", dense_net("tanh"), SGD(LR, momentum=0.9, decay=DECAY), 0.9))
    decoupled = SGD(LR, decay=DECAY, decoupled=True)
    rows.append(gap_law("kp, decoupled decay, dense net", dense_net("tanh"), decoupled, 0.0))
    rows.append(
        gap_law("kp, Adam, decoupled decay, dense net", dense_net("tanh"), Adam(LR, decay=DECAY, decoupled=True), 0.0)
    )
    return rows


def gap_law(name, net, optimizer, momentum):
    """The largest deviation of the gap from its recursion over `STEPS` steps, relative to its start."""
    a_rule = KP(net)
    gaps = gap(a_rule)
    start = {number: array.copy() for number, array in gaps.items()}
    x, target = batch(net)
    factor, velocity, worst = 1.0, 0.0, 0.0
    for _ in range(STEPS):
        train_step(net, a_rule, SoftmaxCrossEntropy(), optimizer, x, target)
        velocity = momentum * velocity + DECAY * factor  # the gap is a parameter whose only gradient is its decay
        factor -= LR * velocity
        for number, array in gap(a_rule).items():
            worst = max(worst, np.abs(array - factor * start[number]).max() / np.abs(start[number]).max())
    return Check(f"{name}: the gap B - W^T follows its law", float(worst), ROUNDING)


def gap(a_rule):
    return {number: own["B"] - a_rule.net.layers[number - 1].W.T for number, own in a_rule.feedback.items()}


def weight_mirror():
    """WM: what noise writes into B is W^T on average: dense layers, convolutions with and without padding."""
    layers = {
        "dense": Dense(5, "tanh"),
        "conv, no padding": Conv(5, 3, "tanh"),
        "conv, padded": Conv(5, 3, "tanh", padding=1),
        "conv, stride 2, padded": Conv(5, 3, "tanh", stride=2, padding=1),
    }
    rows = []
    for name, layer in layers.items():
        net = Network((7, 7, 2), [Conv(3, 3, "tanh"), layer, Dense(2)], dtype="float64")
        rows += [
            Check(f"wm: error of the mean in standard errors, {noise} noise, {name}", mirror_error(WM, net, noise), 1.3)
            for noise in ("normal", "uniform")
        ]
    return rows


def mirror_error(kind, net, noise, samples=200):
    """How far the mean of many mirror steps lies from W^T, in standard errors: about 1 if it is unbiased."""
    a_rule = kind(net, rate=1.0, examples=100, noise=noise)  # at rate 1 B is what this noise alone says
    rng, estimates = Streams(0)("noise"), []
    for _ in range(samples):
        a_rule.mirror(net.layers[1], rng)
        estimates.append(a_rule.feedback[2]["B"].copy())
    standard_error = np.std(estimates, axis=0, ddof=1) / np.sqrt(samples)
    errors = (np.mean(estimates, axis=0) - net.layers[1].W.T) / standard_error
    return float(np.sqrt((errors**2).mean()))


def product_feedback():
    """PFA: dR = B^T dW^T; after a long decay the path B R lies arctan(1/sqrt k) from W^T and sqrt(1 + 1/k) times as
    long, for k = 1, 2, 5, 10, 20; PFA-o has no angle left; an identity for B makes it Kolen-Pollack."""
    rows = []
    for kind, build in {"dense": dense_net, "conv": conv_net, "residual": residual_net}.items():
        net = build("tanh")
        a_rule, (x, target) = PFA(net, expansion=3), batch(net)
        traces = net.forward(x, train=True)
        output = SoftmaxCrossEntropy().output(traces[-1].h, target)
        signals = a_rule.signals(traces, output)
        dW, dR = net.gradients(traces, signals), a_rule.gradients(traces, signals, output)
        figure = max(
            np.abs(dR[f"feedback.{number}.R"] - own["B"].T @ dW[f"{number}.W"].T).max()
            for number, own in a_rule.feedback.items()
        )
        rows.append(Check(f"pfa: dR = B^T dW^T, {kind} net", float(figure), ROUNDING))

    for k, orthogonal in ((1, False), (2, False), (5, False), (10, False), (20, False), (1, True)):
        net = Network(100, [Dense(100, "tanh"), Dense(150)], dtype="float64")
        a_rule = PFA(net, expansion=k, orthogonal=orthogonal)
        forget_the_start(net, a_rule)
        expected = (0.0, 1.0) if orthogonal else (np.degrees(np.arctan(1 / np.sqrt(k))), np.sqrt(1 + 1 / k))
        name = "pfa-o" if orthogonal else f"pfa, k = {k}"
        angle_gap, ratio_gap = (
            abs(weight_angle(a_rule)[2] - expected[0]),
            abs(weight_norm_ratio(a_rule)[2] - expected[1]),
        )
        rows.append(Check(f"{name}: degrees from the path angle of theory", angle_gap, 0.01 if orthogonal else 1.0))
        rows.append(Check(f"{name}: distance from the norm ratio of theory", ratio_gap, 1e-6 if orthogonal else 0.03))

    nets = dense_net("tanh"), dense_net("tanh")
    pfa, kp = PFA(nets[0], expansion=1), KP(nets[1])
    for number, own in pfa.feedback.items():
        own["B"] = np.eye(len(own["B"]))
        own["R"] = kp.feedback[number]["B"].copy()
    x, target = batch(nets[0])
    optimizers = SGD(LR, momentum=0.9, decay=0.01), SGD(LR, momentum=0.9, decay=0.01)
    for _ in range(STEPS):
        for net, a_rule, optimizer in zip(nets, (pfa, kp), optimizers):
            train_step(net, a_rule, SoftmaxCrossEntropy(), optimizer, x, target)
    figure = largest_difference(nets[0].parameters(), nets[1].parameters())
    return [*rows, Check(f"pfa with the identity for B is kp, weights after {STEPS} steps", figure, ROUNDING)]


def forget_the_start(net, a_rule, steps=400):
    """Send random deltas, under a decay so strong that what R began with is gone: (1 - 0.05)^400 = 1e-9."""
    rng, optimizer = Streams(0)("noise"), SGD(LR, decay=0.05 / LR)
    for _ in range(steps):
        traces = net.forward(rng.standard_normal((50, *net.input_shape)))
        signals = [None, Signal(None, rng.standard_normal((50, net.size_out)), {})]
        gradients = net.gradients(traces, signals) | a_rule.gradients(traces, signals, Output(None, None, None))
        optimizer.update(net.parameters() | a_rule.parameters(), gradients)


def direct_kolen_pollack():
    """DKP: the B of the last hidden layer is Kolen-Pollack's; the step on B goes down the gradient; full maps."""
    net = dense_net("tanh")
    a_rule, optimizer = DKP(net), SGD(LR, decay=DECAY)
    start = a_rule.feedback[2]["B"] - net.layers[2].W.T
    x, target = batch(net)
    for _ in range(STEPS):
        train_step(net, a_rule, SoftmaxCrossEntropy(), optimizer, x, target)
    now = a_rule.feedback[2]["B"] - net.layers[2].W.T
    figure = np.abs(now - (1 - LR * DECAY) ** STEPS * start).max() / np.abs(start).max()
    rows = [Check("dkp: the last hidden B - W^T follows Kolen-Pollack's law", float(figure), ROUNDING)]

    conv = conv_net("tanh")
    a_rule, (x, target) = DKP(conv), batch(conv)
    traces = conv.forward(x, train=True)
    output = SoftmaxCrossEntropy().output(traces[-1].h, target)
    gradients = a_rule.gradients(traces, a_rule.signals(traces, output), output)
    for layer in conv.layers[:-1]:
        naive = np.einsum("no,nyxc->oyxc", output.e, traces[layer.number - 1].h) / len(x)
        difference = np.abs(gradients[f"feedback.{layer.number}.B"].reshape(naive.shape) - naive).max()
        rows.append(Check(f"dkp: dB of conv layer {layer.number} is error^T h / N at each place", difference, ROUNDING))
    return rows


def sign_feedback():
    """uSF: 30 degrees to uniform weights, for cos = sqrt(3)/2. brSF: another magnitude each batch, the signs kept."""
    net = Network(400, [Dense(300), Dense(200, init="uniform:0.1")], dtype="float64")
    rows = [Check("usf: degrees from 30 to uniform weights", abs(weight_angle(USF(net))[2] - 30), 0.3)]

    net = dense_net("tanh")
    a_rule = BRSF(net)
    before = {number: own["M"].copy() for number, own in a_rule.feedback.items()}
    a_rule.settle(1)
    kept = sum(float((own["M"] == before[number]).sum()) for number, own in a_rule.feedback.items())
    negative = sum(float((own["M"] < 0).sum()) for own in a_rule.feedback.values())
    return [*rows, Check("brsf: magnitudes that outlive a batch or are negative", kept + negative, 0.0)]


def direct_targets():
    """DRTP's hidden deltas ignore the output."""
    net = dense_net("tanh")
    a_rule, (x, target) = DRTP(net), batch(net)
    traces = net.forward(x)
    output = SoftmaxCrossEntropy().output(traces[-1].h, target)
    before = a_rule.signals(traces, output)
    output.e = output.e * Streams(0)("factor").uniform(-3, 3, output.e.shape)
    after = a_rule.signals(traces, output)
    figure = max(float(np.abs(a.delta - b.delta).max()) for a, b in zip(before[:-1], after[:-1]))
    return [Check("drtp: change of the hidden deltas with the output", figure, 0.0)]
