"""The identities and laws that the engine and each rule must obey. `numpyfa check` and the tests run the same ones.

Each function returns a list of `Check`s: a figure and the tolerance it must not exceed. All run in float64.
"""

import math

import numpy as np

from .gradcheck import Check, directional_check, gradient_checks
from .layers import Conv, Dense, Junction
from .learn import train_step
from .local import LOCALS, AvgPool, BatchNorm, Dropout, GlobalAvgPool, LeakyReLU, MaxPool
from .losses import LOSSES, SoftmaxCrossEntropy, SquaredError
from .models import mlp
from .network import Network
from .optim import SGD, Adam
from .rules import BP, DFA, FA, RULES, rule

ROUNDING = 1e-12
SHAPES = [(5, 5, 1, 3, 1, 0), (7, 6, 2, 3, 2, 1), (6, 7, 3, 2, 2, 0), (5, 9, 2, 5, 3, 2), (4, 4, 2, 1, 1, 0)]


def dense_net(*tail, last=()):
    """6-5-4-3, small enough to check every entry. `tail` are names or functions that make a local operation."""
    layers = [Dense(size, *made(tail)) for size in (5, 4)]
    return Network(6, [*layers, Dense(3, *last)], dtype="float64", seed=1)


def conv_net(*tail, last=(), norm=BatchNorm):
    """A 6 x 7 image of 2 channels, a strided convolution, a padded one with batch norm and pooling, a dense output."""
    norms = [norm()] if norm else []
    layers = [
        Conv(3, 3, *made(tail), stride=2, padding=1),
        Conv(4, 2, *norms, *made(tail), AvgPool(2), padding=1),
        Dense(3, *last),
    ]
    return Network((6, 7, 2), layers, dtype="float64", seed=2)


def residual_net(*tail, last=(), norm=BatchNorm):
    """Two residual blocks, one with a shortcut of its own; batch norm; global pooling; a dense output."""

    def norms():
        return [norm()] if norm else []

    layers = [
        Conv(2, 3, *norms(), *made(tail), padding=1),
        Conv(2, 3, *norms(), *made(tail), padding=1),
        Conv(2, 3, *norms(), padding=1),
        Junction(*made(tail), sources=(-1, -3)),
        Conv(3, 3, *norms(), *made(tail), stride=2, padding=1),
        Conv(3, 1, stride=2, source=-2),
        Junction(*norms(), *made(tail), GlobalAvgPool(), sources=(-1, -2)),
        Dense(3, *last),
    ]
    return Network((5, 5, 2), layers, dtype="float64", seed=3)


def made(tail):
    """New local operations for one layer."""
    return [item if isinstance(item, str) else item() for item in tail]


NETS = {"dense": dense_net, "conv": conv_net, "residual": residual_net}


def batch(net, n=5, seed=0, regression=False):
    """Random inputs and one-hot targets (or normal ones) for a net."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, *net.input_shape))
    if regression:
        return x, rng.standard_normal((n, net.size_out))
    return x, np.eye(net.size_out)[rng.integers(0, net.size_out, n)]


def outcome(net, a_rule, loss=None, n=5):
    """(signals, gradients) of one batch."""
    x, target = batch(net, n)
    traces = net.forward(x, train=True, noise=np.random.default_rng(0))
    signals = a_rule.signals(traces, (loss or SoftmaxCrossEntropy()).output(traces[-1].h, target))
    return signals, net.gradients(traces, signals)


def largest_difference(a, b):
    """max |a - b| / max |b| over the arrays of two dictionaries; infinite if their names differ."""
    if a.keys() != b.keys():
        return math.inf
    scale = max(float(np.abs(array).max()) for array in b.values()) or 1.0
    return max(float(np.abs(a[name] - b[name]).max()) for name in b) / scale


def worst(name, checks):
    """Many gradient checks as one line: the largest figure, and all that was skipped."""
    bad = [check for check in checks if not check.passed]
    top = max(bad or checks, key=lambda check: math.inf if math.isnan(check.figure) else check.figure)
    return Check(name, top.figure, top.tolerance, sum(c.skipped for c in checks), f"{top.name}, {top.note}")


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
        rows.append(_finite_differences(f"conv {_words(shape)}", Network((height, width, channels), layers,
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


def output_layer_equals_bp():
    """Every rule gives the output layer BP's update, to the last bit."""
    rows = []
    for rule_name in RULES:
        for net_name, build in NETS.items():
            net = build("tanh")
            last = f"{len(net.layers)}."
            mine, true = (outcome(net, r)[1] for r in (rule(rule_name, net), BP(net)))
            mine, true = ({k: v for k, v in g.items() if k.startswith(last)} for g in (mine, true))
            rows.append(Check(f"{rule_name}: output layer = BP's, {net_name} net", largest_difference(mine, true), 0.0))
    return rows


def use_bp_feedback(a_rule):
    """Set a rule's feedback to what BP would use: B = W^T; for DFA the product of the W^T, which is the transposed
    Jacobian of the output by the layer and so exact in a linear net only."""
    net = a_rule.net
    if isinstance(a_rule, FA):
        for number, own in a_rule.feedback.items():
            own["B"] = net.layers[number - 1].W.T.copy()
    if isinstance(a_rule, DFA):
        n = net.size_out
        traces = net.forward(np.zeros((n, *net.input_shape)))
        output = SquaredError().output(traces[-1].h, traces[-1].h - np.eye(n))  # e = one row per output
        signals = BP(net).signals(traces, output)
        for number, own in a_rule.feedback.items():
            own["B"] = signals[number - 1].e.reshape(n, -1)
    return a_rule


def rules_with_bp_feedback_equal_bp():
    """The whole rule is BP when its feedback is what BP would use."""
    rows = []
    for name, build in NETS.items():
        net = build("tanh")
        figure = largest_difference(outcome(net, use_bp_feedback(FA(net)))[1], outcome(net, BP(net))[1])
        rows.append(Check(f"fa with B = W^T is BP, {name} net", figure, ROUNDING))
    for name, build in NETS.items():
        net = build("identity", **({} if name == "dense" else {"norm": None}))
        figure = largest_difference(outcome(net, use_bp_feedback(DFA(net)))[1], outcome(net, BP(net))[1])
        rows.append(Check(f"dfa with B = product of the W^T is BP, linear {name} net", figure, ROUNDING))
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
    return [Check(f"fold is the adjoint of rows, {_words(s)}", adjoint_gap(*s), ROUNDING) for s in SHAPES]


def adjoint_gap(height, width, channels, kernel, stride, padding, seed=0):
    """|<rows(x), r> - <x, fold(r)>| relative to |x| |r|."""
    rng = np.random.default_rng(seed)
    layer = Conv(2, kernel, stride=stride, padding=padding)
    net = Network((height, width, channels), [layer], dtype="float64")
    x = rng.standard_normal((3, *net.input_shape))
    rows = layer.rows(x)
    r = rng.standard_normal(rows.shape)
    return float(abs((rows * r).sum() - (x * layer.fold(r)).sum()) / (np.linalg.norm(x) * np.linalg.norm(r)))


def conv_equals_six_loops():
    """A convolution against its definition, written as six loops."""
    return [Check(f"conv = six loops, {_words(s)}", six_loop_gap(*s), ROUNDING) for s in SHAPES]


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


CHECKS = (
    tails_by_finite_differences,
    kinks_are_skipped,
    losses_by_finite_differences,
    layers_by_finite_differences,
    rules_by_finite_differences,
    output_layer_equals_bp,
    rules_with_bp_feedback_equal_bp,
    one_hidden_layer_fa_is_dfa,
    shallow_leaves_hidden_layers,
    fold_is_the_adjoint_of_rows,
    conv_equals_six_loops,
    cross_entropy_at_small_weights,
    twenty_examples_are_overfitted,
    updates_follow_the_order_of_the_equations,
)


def _finite_differences(name, net, loss=None, train=True, n=5):
    loss = loss or SoftmaxCrossEntropy()
    x, target = batch(net, n, regression=isinstance(loss, SquaredError))
    return worst(name, gradient_checks(net, BP(net), loss, x, target, train=train))


def _words(shape):
    height, width, channels, kernel, stride, padding = shape
    return f"{height}x{width}x{channels} kernel {kernel} stride {stride} padding {padding}"
