"""What must be equal: rules that coincide, adjoint maps, a layer and its definition, a loss and its known value."""

import math

import numpy as np

from ..gradcheck import Check
from ..layers import Conv, Dense, Weighted
from ..learn import train_step
from ..losses import SoftmaxCrossEntropy, SquaredError
from ..models import mlp
from ..network import Network
from ..optim import SGD, Adam
from ..rules import (
    AA,
    BDFA,
    BP,
    BRSF,
    DFA,
    DKP,
    DRTP,
    DTP,
    FA,
    FRSF,
    IA,
    IFA,
    KDFA,
    KP,
    LRAE,
    PFA,
    RULES,
    SA,
    SDFA,
    USF,
    WM,
    Greedy,
    PseudoBP,
    SparseDFA,
    SparsePFA,
    rule,
)
from .nets import (
    NETS,
    ROUNDING,
    SHAPES,
    batch,
    dense_net,
    fit_for,
    largest_difference,
    outcome,
    use_bp_feedback,
    words,
)


def output_layer_equals_bp():
    """Every rule gives the output layer BP's update, to the last bit."""
    rows = []
    for rule_name in RULES:
        for net_name in NETS:
            found = fit_for(rule_name, net_name, "tanh")
            if not found:
                continue
            net, a_rule, _ = found
            last = f"{len(net.layers)}."
            mine, true = (outcome(net, r)[1] for r in (a_rule, BP(net)))
            mine, true = ({k: v for k, v in g.items() if k.startswith(last)} for g in (mine, true))
            rows.append(Check(f"{rule_name}: output layer = BP's, {net_name} net", largest_difference(mine, true), 0.0))
    return rows


def rules_with_bp_feedback_equal_bp():
    """The whole rule is BP when its feedback is what BP would use; of what each is sent, see the lines below."""
    rows = []

    def compare(name, a_rule, loss=None, target=None):
        mine, true = (outcome(a_rule.net, r, loss, target=target)[1] for r in (a_rule, BP(a_rule.net)))
        rows.append(Check(f"{name} is BP, {kind} net", largest_difference(mine, true), ROUNDING))

    for kind, build in NETS.items():
        for each in (FA, KP, WM, SA, AA, IA, FRSF, BRSF):
            name = f"{each.__name__.lower()} with {'M = |W^T|' if each in (FRSF, BRSF) else 'B = W^T'}"
            compare(name, use_bp_feedback(each(build("tanh"))))
        compare("pfa with B R = W^T", use_bp_feedback(PFA(build("tanh"))))
        compare("sparse-pfa with B R = W^T", use_bp_feedback(SparsePFA(build("tanh"))))
        net = build("tanh")
        for layer in net.layers:
            if isinstance(layer, Weighted):
                wide = layer.W.shape[0] < layer.W.shape[1]
                q = np.linalg.qr(layer.W.T if wide else layer.W)[0]
                layer.W[...] = q.T if wide else q
        compare("pseudo on orthogonal weights", PseudoBP(net))
        net = build("tanh")
        for layer in net.layers:
            if isinstance(layer, Weighted):
                layer.W[...] = np.sign(layer.W) * 0.3
        compare("usf, strict, on weights of one magnitude", USF(net, scale="strict"))
        linear = {} if kind == "dense" else {"norm": None}
        for each in (DFA, DKP, SparseDFA, BDFA):
            compare(f"{each.__name__.lower()} with B = product of the W^T, linear,",
                    use_bp_feedback(each(build("identity", **linear))))  # fmt: skip
        net = build("identity", **linear)
        h = net.forward(batch(net)[0])[-1].h
        compare("drtp with B = product of the W^T and the error equal to the target, linear,",
                use_bp_feedback(DRTP(net)), SquaredError(), h / 2)  # fmt: skip
        compare("sdfa with B = product of the W^T and errors of 1 and -1, linear,",
                use_bp_feedback(SDFA(net)), SquaredError(), h - np.sign(h))  # fmt: skip
        plain = {} if kind == "dense" else {"norm": None, "pool": False}
        compare("lra-e with E = W^T and beta = 1, linear,", use_bp_feedback(LRAE(build("identity", **plain), beta=1)))
        if kind != "residual":
            options = {"target_step": 1, "activation": "identity"}
            compare("dtp with V = W^T, linear,", use_bp_feedback(DTP(build("identity", **linear), **options)))
            compare("sdtp with V = W^T, linear,",
                    use_bp_feedback(DTP(build("identity", **linear), simplified=True, **options)))  # fmt: skip
            compare("greedy with A = product of the W, linear,", use_bp_feedback(Greedy(build("identity", **linear))))

    kind = "dense"
    net = dense_net("identity")
    net.layers[1].W[...] = np.linalg.qr(net.layers[1].W)[0]
    compare("ifa with W_2^T W_2 = I and B = product of the W^T, linear,", use_bp_feedback(IFA(net)))
    compare("kdfa with B = product of the W^T, linear,", use_bp_feedback(KDFA(dense_net("identity"))))
    kind = "conv"
    net = Network((3, 3, 2), [Conv(5, 1), Conv(4, 1), Dense(3)], dtype="float64")
    net.layers[1].W[...] = np.linalg.qr(net.layers[1].W)[0]
    compare("ifa with 1x1 kernels, W_2^T W_2 = I and B = product of the W^T, linear,", use_bp_feedback(IFA(net)))
    net = Network((6, 7, 2), [Conv(3, 3, padding=1), Conv(4, 2, "globalavgpool"), Dense(3)], dtype="float64")
    compare("kdfa below a global pool, with B = W_3^T W_2^T / places, linear,", use_bp_feedback(KDFA(net)))
    return rows


def one_hidden_layer_fa_is_dfa():
    """With one hidden layer FA and DFA are the same rule, bit for bit."""
    net = Network(6, [Dense(5, "tanh"), Dense(3)], dtype="float64")
    fa, dfa = FA(net), DFA(net)
    dfa.feedback[1]["B"] = fa.feedback[2]["B"]
    return [Check("one hidden layer: fa = dfa", largest_difference(outcome(net, fa)[1], outcome(net, dfa)[1]), 0.0)]


def shallow_leaves_hidden_layers():
    """Under `shallow` only the output layer has gradients."""
    net = dense_net("tanh")
    told = sum(not name.startswith("3.") for name in outcome(net, rule("shallow", net))[1])
    return [Check("shallow: hidden gradients", float(told), 0.0)]


def fold_is_the_adjoint_of_rows():
    """<rows(x), r> = <x, fold(r)> for convolutions of many shapes."""
    return [Check(f"fold is the adjoint of rows, {words(s)}", adjoint_gap(*s), ROUNDING) for s in SHAPES]


def adjoint_gap(height, width, channels, kernel, stride, padding, seed=0):
    """|<rows(x), r> - <x, fold(r)>| relative to |x| |r|."""
    rng = np.random.default_rng(seed)
    layer = Conv(2, kernel, stride=stride, padding=padding)
    net = Network((height, width, channels), [layer], dtype="float64")
    x = rng.standard_normal((3, *net.input_shape))
    rows = layer.rows(x)
    r = rng.standard_normal(rows.shape)
    return float(abs((rows * r).sum() - (x * layer.fold(r)).sum()) / (np.linalg.norm(x) * np.linalg.norm(r)))


def matrices_carry_what_transport_sends():
    """A rule that calls itself linear: what a convolution carries patch by patch is fold(transport)."""
    rows = []
    for name, kind in RULES.items():
        if getattr(kind, "linear", False):
            net, a_rule, _ = fit_for(name, "conv", "tanh")
            signals, _ = outcome(net, a_rule)
            layer, signal = net.layers[1], signals[1]
            trace = net.forward(batch(net)[0], train=True)[1]
            sent = layer.fold(a_rule.transport(layer, a_rule.feedback.get(2, {}), trace, signal))
            gap = float(np.abs(a_rule.across(layer, trace, signal) - sent).max() / np.abs(sent).max())
            rows.append(Check(f"{name}: carried = fold(transport)", gap, ROUNDING))
    return rows


def patches_equal_their_definitions():
    """A convolution's three products, made a few images at a time, against `rows` and `fold`."""
    rows = []
    for shape in (*SHAPES, (9, 8, 6, 3, 1, 1), (5, 4, 20, 2, 1, 3)):
        names = ("weigh = rows W", "product = rows^T delta", "carry = fold(delta M)")
        rows += [Check(f"{name}, {words(shape)}", gap, ROUNDING) for name, gap in zip(names, patch_gaps(*shape))]
    return rows


def patch_gaps(height, width, channels, kernel, stride, padding, images=7, seed=0):
    """The largest differences of `Conv.weigh`, `product` and `carry` from what they stand for, each relative."""
    rng = np.random.default_rng(seed)
    layer = Conv(4, kernel, stride=stride, padding=padding)
    net = Network((height, width, channels), [layer], dtype="float64", seed=seed)
    x = rng.standard_normal((images, *net.input_shape))
    rows = layer.rows(x)
    delta, M = rng.standard_normal((len(rows), 4)), rng.standard_normal((4, rows.shape[1]))
    pairs = [
        (layer.weigh(x, layer.W, layer.b + 1), rows @ layer.W + 1),
        (layer.product(x, delta), rows.T @ delta),
        (layer.carry(delta, M), layer.fold(delta @ M)),
    ]
    return [float(np.abs(mine - right).max() / (np.abs(right).max() or 1)) for mine, right in pairs]


def conv_equals_six_loops():
    """A convolution against its definition, written as six loops."""
    return [Check(f"conv = six loops, {words(s)}", six_loop_gap(*s), ROUNDING) for s in SHAPES]


def six_loop_gap(height, width, channels, kernel, stride, padding, seed=0):
    """The largest difference between `Conv` and six loops, relative to the largest output."""
    rng = np.random.default_rng(seed)
    layer = Conv(3, kernel, stride=stride, padding=padding)
    net = Network((height, width, channels), [layer], dtype="float64")
    x = rng.standard_normal((2, *net.input_shape))
    layer.b[...] = rng.standard_normal(3)
    h = net.forward(x)[0].h
    W = layer.W.reshape(kernel, kernel, channels, 3)
    naive = np.zeros_like(h) + layer.b
    for n, y, z, o in np.ndindex(h.shape):
        for i in range(kernel):
            for j in range(kernel):
                row, column = y * stride + i - padding, z * stride + j - padding
                if 0 <= row < height and 0 <= column < width:
                    naive[n, y, z, o] += x[n, row, column] @ W[i, j, :, o]
    return float(np.abs(h - naive).max() / np.abs(naive).max())


def cross_entropy_at_small_weights():
    """With small weights ten classes are equally likely, so the loss is ln 10."""
    net = mlp("784-200-80-10", dtype="float64", init="normal:1e-4")
    x, target = batch(net, 50)
    value = float(SoftmaxCrossEntropy().output(net.forward(x)[-1].h, target).value)
    return [Check("cross-entropy at small weights = ln 10", abs(value - math.log(10)), 1e-6)]


def twenty_examples_are_overfitted():
    """BP, FA and DFA bring the loss of 20 random examples to zero."""
    rows = []
    for name in ("bp", "fa", "dfa"):
        rows.append(Check(f"{name}: loss on 20 overfitted examples", overfit(name), 1e-3))
    return rows


def overfit(rule_name, steps=2000):
    """The loss after training 20-12-10 on 20 random examples with random labels."""
    net = mlp("20-12-10", dtype="float64")
    x, target = batch(net, 20)
    a_rule, loss, optimizer = rule(rule_name, net), SoftmaxCrossEntropy(), Adam(0.02)
    for _ in range(steps):
        value, _ = train_step(net, a_rule, loss, optimizer, x, target)
    return value


def updates_follow_the_order_of_the_equations():
    """One batch of SGD moves W by exactly -lr x^T delta / N, and every layer uses the weights from before the step."""
    net = dense_net("tanh")
    x, target = batch(net)
    _, gradients = outcome(net, BP(net))
    expected = {name: p - 0.1 * gradients[name] for name, p in net.parameters().items()}
    train_step(net, BP(net), SoftmaxCrossEntropy(), SGD(0.1), x, target)
    return [Check("one step of SGD = W - lr dW", largest_difference(net.parameters(), expected), ROUNDING)]
