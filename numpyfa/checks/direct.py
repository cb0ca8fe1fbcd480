"""The laws of the rules that send the error straight across, and of those that send none."""

import numpy as np

from ..backend import Streams
from ..gradcheck import TOLERANCE, Check, compare
from ..layers import Conv, Dense
from ..learn import train_step
from ..losses import SoftmaxCrossEntropy
from ..models import mlp
from ..network import Network
from ..optim import SGD
from ..rules import BDFA, DFA, DKP, DRTP, IFA, KDFA, SDFA, Greedy, SparseDFA, rule
from .laws import DECAY, LR, STEPS
from .nets import NETS, ROUNDING, batch, conv_net, dense_net, outcome, use_bp_feedback


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


def direct_signs():
    """sDFA's hidden deltas depend on the sign of the error alone. BDFA's B is the sign of the product of the W^T in a
    linear net, and one bit an entry. A unit of sparse DFA hears exactly as many outputs as it should."""
    net = dense_net("tanh")
    a_rule, (x, target) = SDFA(net), batch(net)
    traces = net.forward(x)
    output = SoftmaxCrossEntropy().output(traces[-1].h, target)
    before = a_rule.signals(traces, output)
    output.e = output.e * Streams(0)("factor").uniform(0.1, 3, output.e.shape)
    after = a_rule.signals(traces, output)
    figure = max(float(np.abs(a.delta - b.delta).max()) for a, b in zip(before[:-1], after[:-1]))
    rows = [Check("sdfa: change of the hidden deltas with the error's size", figure, 0.0)]
    for kind, build in NETS.items():
        net = build("identity") if kind == "dense" else build("identity", norm=None)
        a_rule = BDFA(net)
        signs = {number: own["B"] for number, own in a_rule.feedback.items()}
        product = use_bp_feedback(BDFA(net)).feedback
        wrong = sum(int((signs[number] != np.sign(own["B"])).sum()) for number, own in product.items())
        rows.append(Check(f"bdfa: entries of B that are not the product's sign, {kind} net", float(wrong), 0.0))
        tails = build("tanh")
        same = BDFA(tails, random=True)
        odd = sum(int((abs(own["B"]) != 1).sum()) for own in same.feedback.values())
        rows.append(Check(f"bdfa, random: entries of B that are not 1 or -1, {kind} net", float(odd), 0.0))
    for nonzero in (1, 2, 3):
        heard = SparseDFA(conv_net("tanh"), nonzero=nonzero).feedback.values()
        wrong = sum(int(((own["B"] != 0).sum(axis=0) != nonzero).sum()) for own in heard)
        rows.append(Check(f"sparse-dfa: units that do not hear {nonzero} of 3 outputs", float(wrong), 0.0))
    return rows


def chosen_layers():
    """Direct feedback to the dense layers alone: the convolutions below get the exact gradient of <e, h> of the dense
    layer above them; the same holds below any chosen layer."""
    layers = [Conv(2, 3, "tanh", "avgpool"), Conv(3, 2, "tanh"), Dense(4, "tanh"), Dense(4, "tanh"), Dense(3)]
    net = Network((7, 7, 1), layers, dtype="float64", seed=6)
    rows = []
    for name, a_rule, told in (("cdfa", rule("cdfa", net), 3), ("dfa to layer 4", DFA(net, layers=(4,)), 4)):
        (signals, gradients), x = outcome(net, a_rule), batch(net)[0]
        e = signals[told - 1].e

        def surrogate(e=e, told=told, x=x):
            return float((e * net.forward(x)[told - 1].h).sum()) / len(x), []

        for parameter in ("1.W", "2.b"):
            check = compare(parameter, gradients[parameter], net.parameters()[parameter], surrogate, TOLERANCE)
            rows.append(
                Check(f"{name}: {parameter} is the gradient of <e, h> of layer {told}", check.figure, TOLERANCE)
            )
    return rows


def indirect_feedback():
    """IFA has feedback for the first layer alone, and its signal reaches the layers above: they learn."""
    net = mlp("12-10-9-8-4", dtype="float64")
    a_rule = IFA(net)
    x, target = batch(net, 30)
    before = {name: p.copy() for name, p in net.parameters().items()}
    first = train_step(net, a_rule, SoftmaxCrossEntropy(), SGD(0.2), x, target)[0]
    for _ in range(500):
        value = train_step(net, a_rule, SoftmaxCrossEntropy(), SGD(0.2), x, target)[0]
    still = sum(bool((p == before[name]).all()) for name, p in net.parameters().items())
    return [
        Check("ifa: layers with feedback, beyond the first", float(len(a_rule.feedback) - 1), 0.0),
        Check("ifa: parameters that have not moved", float(still), 0.0),
        Check("ifa: loss after / before 500 steps", value / first, 0.1),
    ]


def kernel_and_full_maps():
    """Direct feedback of a convolution under its two names: `dfa` has a full map a class, `kdfa` a kernel."""
    net = Network((8, 8, 2), [Conv(3, 3, "tanh", padding=1), Conv(5, 3, "tanh"), Dense(4)], dtype="float64")
    full, kernel = DFA(net).feedback, KDFA(net).feedback
    sizes = {"dfa": (full[1]["B"].shape, (4, 8 * 8 * 3)), "kdfa": (kernel[2]["B"].shape, (4, 3 * 3 * 3))}
    rows = [
        Check(f"{name}: B has the shape {shape}", float(found != shape), 0.0) for name, (found, shape) in sizes.items()
    ]
    signals, _ = outcome(net, KDFA(net))
    inner = signals[0].e[:, 2:-2, 2:-2]  # places that all nine taps of the kernel above reach
    spread = float(np.abs(inner - inner[:, :1, :1]).max() / np.abs(inner).max())
    return [*rows, Check("kdfa: spread of e over the inner places of a map", spread, ROUNDING)]


def greedy_layers():
    """Greedy: what a layer is told depends on no layer above it."""
    net = dense_net("tanh")
    a_rule = Greedy(net)
    before = outcome(net, a_rule)[0]
    for layer in net.layers[1:]:
        layer.W *= 2
    figure = float(np.abs(outcome(net, a_rule)[0][0].delta - before[0].delta).max())
    rows = [Check("greedy: change of the first delta with the layers above", figure, 0.0)]
    staged = Greedy(net, stage=3)
    for step, learns in ((1, 1), (3, 1), (4, 2), (100, 2)):
        staged.step = step
        told = [n for n, signal in enumerate(outcome(net, staged)[0], start=1) if signal is not None]
        rows.append(Check(f"greedy, 3 batches a layer: batch {step} trains layers {learns} and 3",
                          float(told != [learns, 3]), 0.0))  # fmt: skip
    return rows


def frozen_layers_gain_nothing():
    """Nokland's negative control. With the layers above frozen, DFA on the first layer cannot align, and gains nothing
    on average over 10 seeds, where BP does. With all layers learning, DFA gains nearly all."""
    gains = {(name, frozen): np.mean([_gain(name, frozen, seed) for seed in range(10)])
             for name, frozen in (("dfa", True), ("bp", True), ("dfa", False))}  # fmt: skip
    return [
        Check("dfa, layers above frozen: share of the loss that is gained", float(gains["dfa", True]), 0.05),
        Check("bp, layers above frozen: share of the loss that is left", 1 - float(gains["bp", True]), 0.6),
        Check("dfa, all layers learning: share of the loss that is left", 1 - float(gains["dfa", False]), 0.1),
    ]


def _gain(name, frozen, seed):
    """1 - loss after / loss before 300 steps on 100 examples of a linear task; frozen: layer 1 alone learns."""
    net = mlp("20-15-10-5", dtype="float64", seed=seed)
    rng = Streams(0)("data")
    x = rng.standard_normal((100, 20))
    target = np.eye(5)[(x @ rng.standard_normal((20, 5))).argmax(axis=1)]
    a_rule, optimizer, values = rule(name, net, seed=seed), SGD(0.2), []
    for _ in range(300):
        traces = net.forward(x)
        output = SoftmaxCrossEntropy().output(traces[-1].h, target)
        values.append(float(output.value))
        gradients = net.gradients(traces, a_rule.signals(traces, output))
        optimizer.update(net.parameters(), {k: g for k, g in gradients.items() if not frozen or k.startswith("1.")})
    return 1 - values[-1] / values[0]
