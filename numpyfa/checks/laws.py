"""Each rule's own law."""

import math

import numpy as np

from ..backend import Streams
from ..gradcheck import Check
from ..layers import Conv, Dense, Signal
from ..learn import train_step
from ..losses import Output, SoftmaxCrossEntropy, SquaredError
from ..metrics import weight_angle, weight_norm_ratio
from ..network import Network
from ..optim import SGD, Adam
from ..rules import AA, BRSF, FA, IA, KP, PFA, SA, USF, WM, SparsePFA
from .nets import NETS, ROUNDING, batch, dense_net, largest_difference

LR, DECAY, STEPS = 0.1, 0.5, 40


def kolen_pollack_gap():
    """KP: B - W^T shrinks by (1 - lr decay) a step, or by the heavy-ball recursion, whatever the data."""
    rows = [gap_law(f"kp, SGD, {name} net", build("tanh"), SGD(LR, decay=DECAY), 0.0) for name, build in NETS.items()]
    rows += [
        gap_law(f"kp, heavy ball, {name} net", build("tanh"), SGD(LR, momentum=0.9, decay=DECAY), 0.9)
        for name, build in NETS.items()
    ]
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
    """PFA: dR = B^T dW^T; the kept path is the product of the two factors, step by step; after a long decay B R lies
    arctan(1/sqrt(d k)) from W^T and is sqrt(d^2 + d/k) times as long, for expansions k and densities d; PFA-o has no
    angle left; an identity for B makes it Kolen-Pollack."""
    rows = []
    for kind, build in NETS.items():
        net = build("tanh")
        a_rule, (x, target) = SparsePFA(net, density=1, expansion=3), batch(net)
        traces = net.forward(x, train=True)
        output = SoftmaxCrossEntropy().output(traces[-1].h, target)
        signals = a_rule.signals(traces, output)
        dW, dR = net.gradients(traces, signals), a_rule.gradients(traces, signals, output)
        figure = max(
            np.abs(dR[f"feedback.{number}.R"] - own["B"].T @ dW[f"{number}.W"].T).max()
            for number, own in a_rule.feedback.items()
        )
        rows.append(Check(f"sparse-pfa of density 1: dR = B^T dW^T, {kind} net", float(figure), ROUNDING))
        rules = PFA(build("tanh"), expansion=3), SparsePFA(build("tanh"), density=1, expansion=3)
        name = f"pfa = its two factors, {kind} net, weights after {STEPS} steps"
        rows.append(Check(name, trained_apart(*rules), ROUNDING))

    # A smaller density leaves so few entries that 150 units are too few for the law of large numbers.
    cases = [(k, 1) for k in (1, 2, 5, 10, 20)] + [(10, 0.5), (10, 0.3)]
    for k, d in cases:
        net = Network(100, [Dense(100, "tanh"), Dense(150)], dtype="float64")
        a_rule = PFA(net, expansion=k) if d == 1 else SparsePFA(net, density=d, expansion=k)
        forget_the_start(net, a_rule)
        name = f"pfa, k = {k}" if d == 1 else f"sparse-pfa, k = {k}, density {d}"
        rows += path_checks(name, a_rule, math.degrees(math.atan(1 / math.sqrt(d * k))), math.sqrt(d * d + d / k), 1.0)
    net = Network(100, [Dense(100, "tanh"), Dense(150)], dtype="float64")
    a_rule = PFA(net, expansion=1, orthogonal=True)
    forget_the_start(net, a_rule)
    rows += path_checks("pfa-o", a_rule, 0.0, 1.0, 0.01)

    for name, kind, key, fixed in (
        ("pfa", lambda net: PFA(net, expansion=1), "P", "G"),
        ("sparse-pfa of density 1", lambda net: SparsePFA(net, density=1, expansion=1), "R", "B"),
    ):
        pfa, kp = kind(dense_net("tanh")), KP(dense_net("tanh"))
        for number, own in pfa.feedback.items():
            own[fixed] = np.eye(len(own[fixed]))
            own[key] = kp.feedback[number]["B"].copy()
        name = f"{name} with the identity for B is kp, weights after {STEPS} steps"
        rows.append(Check(name, trained_apart(pfa, kp), ROUNDING))
    net = dense_net("tanh")
    a_rule, optimizer = PFA(net, expansion=1, orthogonal=True), Adam(LR, decay=DECAY, decoupled=True)
    gap_of = lambda: {n: own["P"] - net.layers[n - 1].W.T for n, own in a_rule.feedback.items()}  # noqa: E731
    start, (x, target) = gap_of(), batch(net)
    for _ in range(STEPS):
        train_step(net, a_rule, SoftmaxCrossEntropy(), optimizer, x, target)
    figure = max(np.abs(g - (1 - LR * DECAY) ** STEPS * start[n]).max() for n, g in gap_of().items())
    return [*rows, Check("pfa-o, Adam, decoupled decay: P - W^T follows Kolen-Pollack's law", float(figure), 1e-6)]


def path_checks(name, a_rule, angle, ratio, tolerance):
    """The angle and norm ratio of what stands for the W^T of layer 2 against theory."""
    return [
        Check(f"{name}: degrees from the path angle of theory", abs(weight_angle(a_rule)[2] - angle), tolerance),
        Check(f"{name}: distance from the norm ratio of theory", abs(weight_norm_ratio(a_rule)[2] - ratio),
              0.03 * tolerance),
    ]  # fmt: skip


def trained_apart(first, second):
    """The largest difference of the weights after two rules have trained alike nets, relative to the largest weight."""
    x, target = batch(first.net)
    for a_rule in (first, second):
        optimizer = SGD(LR, momentum=0.9, decay=0.01)
        for _ in range(STEPS):
            train_step(a_rule.net, a_rule, SoftmaxCrossEntropy(), optimizer, x, target)
    return largest_difference(first.net.parameters(), second.net.parameters())


def forget_the_start(net, a_rule, steps=400):
    """Send random deltas, under a decay so strong that what R began with is gone: (1 - 0.05)^400 = 1e-9."""
    rng, optimizer = Streams(0)("noise"), SGD(LR, decay=0.05 / LR)
    for _ in range(steps):
        traces = net.forward(rng.standard_normal((50, *net.input_shape)))
        signals = [None, Signal(None, rng.standard_normal((50, net.size_out)), {})]
        gradients = net.gradients(traces, signals) | a_rule.gradients(traces, signals, Output(None, None, None))
        optimizer.update(net.parameters() | a_rule.parameters(), gradients)


def sign_feedback():
    """uSF: 30 degrees to uniform weights, for cos = sqrt(3)/2. brSF: another magnitude each batch, the signs kept."""
    net = Network(400, [Dense(300), Dense(200, init="uniform:0.1")], dtype="float64")
    rows = [Check("usf: degrees from 30 to uniform weights", abs(weight_angle(USF(net))[2] - 30), 0.3)]

    net = dense_net("tanh")
    a_rule = BRSF(net)
    before = {number: own["M"].copy() for number, own in a_rule.feedback.items()}
    a_rule.step = 1
    a_rule.settle(None)
    kept = sum(float((own["M"] == before[number]).sum()) for number, own in a_rule.feedback.items())
    negative = sum(float((own["M"] < 0).sum()) for own in a_rule.feedback.values())
    return [*rows, Check("brsf: magnitudes that outlive a batch or are negative", kept + negative, 0.0)]


def regularised_feedback():
    """SA: B - (beta / 2 alpha) W^T shrinks by (1 - 2 lr alpha) a step. AA: B tends to W^T. IA: B tends to
    (2 beta S + 2 gamma I)^-1 alpha y^T x / n, S = y^T y / n. Dense layers, and for SA and AA convolutions."""
    rows = []
    for kind in ("dense", "conv"):
        net = NETS[kind]("tanh")
        a_rule = SA(net, alpha=0.3, beta=0.9)
        starts = {n: own["B"] - 1.5 * net.layers[n - 1].W.T for n, own in a_rule.feedback.items()}
        fit_feedback(a_rule, SGD(0.1), 30)
        figure = max(
            np.abs(own["B"] - 1.5 * net.layers[n - 1].W.T - (1 - 2 * 0.1 * 0.3) ** 30 * starts[n]).max()
            for n, own in a_rule.feedback.items()
        )
        rows.append(Check(f"sa: B - (beta / 2 alpha) W^T follows its law, {kind} net", float(figure), ROUNDING))
        net = NETS[kind]("tanh")
        a_rule = AA(net, alpha=0.5, beta=1.0)
        fit_feedback(a_rule, Adam(0.01), 4000)
        figure = max(np.abs(own["B"] - net.layers[n - 1].W.T).max() for n, own in a_rule.feedback.items())
        rows.append(Check(f"aa: B tends to W^T, {kind} net", float(figure), 1e-6))
    net = dense_net("tanh")
    a_rule = IA(net, alpha=1.0, beta=0.5, gamma=0.1)
    traces, figure = fit_feedback(a_rule, Adam(0.01), 4000), 0.0
    for n, own in a_rule.feedback.items():
        x = traces[n - 1].x
        y = x @ net.layers[n - 1].W
        expected = np.linalg.solve(y.T @ y / len(x) + 0.2 * np.eye(len(own["B"])), y.T @ x / len(x))
        figure = max(figure, np.abs(own["B"] - expected).max())
    return [*rows, Check("ia: B tends to its closed form, dense net", float(figure), 1e-6)]


def fit_feedback(a_rule, optimizer, steps):
    """Let the feedback alone learn, on one batch of 200 examples; return the traces."""
    net = a_rule.net
    x, target = batch(net, 200)
    traces = net.forward(x, train=True)
    output = SoftmaxCrossEntropy().output(traces[-1].h, target)
    signals = a_rule.signals(traces, output)
    for _ in range(steps):
        optimizer.update(a_rule.parameters(), a_rule.gradients(traces, signals, output))
    return traces


def linear_invariant():
    """FA in a linear net with one hidden layer: B^T W_2^T + W_2 B - W_1^T W_1 stands still under gradient flow, and
    drifts in proportion to the step: half the step, half the drift."""
    drifts = []
    for lr in (0.01, 0.005):
        net = Network(8, [Dense(6, bias=False), Dense(4, bias=False)], dtype="float64", init="normal:0.1")
        a_rule, optimizer = FA(net, init="uniform:0.5"), SGD(lr)
        x, target = batch(net, 30, regression=True)
        before = invariant(a_rule)
        for _ in range(round(2 / lr)):
            train_step(net, a_rule, SquaredError(), optimizer, x, target)
        drifts.append(np.abs(invariant(a_rule) - before).max())
    moved = np.abs(net.layers[1].W @ a_rule.feedback[2]["B"]).max()
    return [
        Check("fa, linear: drift of the invariant relative to its terms, step 0.005", float(drifts[1] / moved), 0.02),
        Check(
            "fa, linear: drift at step 0.01 / drift at step 0.005, from 2", abs(float(drifts[0] / drifts[1]) - 2), 0.1
        ),
    ]


def invariant(a_rule):
    """Lillicrap et al.'s B W + W^T B^T - A A^T, in our letters."""
    (first, second), B = a_rule.net.layers, a_rule.feedback[2]["B"]
    return second.W @ B + (second.W @ B).T - first.W.T @ first.W
