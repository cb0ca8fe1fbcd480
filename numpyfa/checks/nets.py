"""Small nets, batches and comparisons that the checks share. All in float64."""

import math

import numpy as np

from ..errors import InputError
from ..gradcheck import Check
from ..layers import Conv, Dense, Junction, Weighted
from ..local import AvgPool, BatchNorm, GlobalAvgPool
from ..losses import SoftmaxCrossEntropy, SquaredError
from ..network import Network
from ..rules import BP, DTP, IFA, KDFA, DirectRule, Greedy, rule

ROUNDING = 1e-12
SHAPES = [(5, 5, 1, 3, 1, 0), (7, 6, 2, 3, 2, 1), (6, 7, 3, 2, 2, 0), (5, 9, 2, 5, 3, 2), (4, 4, 2, 1, 1, 0)]


def dense_net(*tail, last=()):
    """6-5-4-3, small enough to check every entry. `tail` are names or functions that make a local operation."""
    layers = [Dense(size, *made(tail)) for size in (5, 4)]
    return Network(6, [*layers, Dense(3, *last)], dtype="float64", seed=1)


def conv_net(*tail, last=(), norm=BatchNorm, pool=True):
    """A 6 x 7 image of 2 channels, a strided convolution, a padded one with batch norm and pooling, a dense output."""
    norms, pools = [norm()] if norm else [], [AvgPool(2)] if pool else []
    layers = [
        Conv(3, 3, *made(tail), stride=2, padding=1),
        Conv(4, 2, *norms, *made(tail), *pools, padding=1),
        Dense(3, *last),
    ]
    return Network((6, 7, 2), layers, dtype="float64", seed=2)


def residual_net(*tail, last=(), norm=BatchNorm, pool=True):
    """Two residual blocks, one with a shortcut of its own; batch norm; global pooling; a dense output."""

    def norms():
        return [norm()] if norm else []

    pools = [GlobalAvgPool()] if pool else []
    layers = [
        Conv(2, 3, *norms(), *made(tail), padding=1),
        Conv(2, 3, *norms(), *made(tail), padding=1),
        Conv(2, 3, *norms(), padding=1),
        Junction(*made(tail), sources=(-1, -3)),
        Conv(3, 3, *norms(), *made(tail), stride=2, padding=1),
        Conv(3, 1, stride=2, source=-2),
        Junction(*norms(), *made(tail), *pools, sources=(-1, -2)),
        Dense(3, *last),
    ]
    return Network((5, 5, 2), layers, dtype="float64", seed=3)


def made(tail):
    """New local operations for one layer."""
    return [item if isinstance(item, str) else item() for item in tail]


NETS = {"dense": dense_net, "conv": conv_net, "residual": residual_net}


def fit_for(rule_name, kind, *tail, **options):
    """(net, rule, what was left out) of a rule and a kind of net: pools and batch norm are left out one after the other
    until the rule accepts the net; None if it refuses every such net."""
    ways = [{}] if kind == "dense" else [{}, {"pool": False}, {"pool": False, "norm": None}]
    for way in ways:
        net = NETS[kind](*tail, **way | options)
        try:
            return net, rule(rule_name, net), sorted(way)
        except InputError:
            pass


def batch(net, n=5, seed=0, regression=False):
    """Random inputs and one-hot targets (or normal ones) for a net."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, *net.input_shape))
    if regression:
        return x, rng.standard_normal((n, net.size_out))
    return x, np.eye(net.size_out)[rng.integers(0, net.size_out, n)]


def outcome(net, a_rule, loss=None, n=5, target=None):
    """(signals, gradients) of one batch."""
    x, classes = batch(net, n)
    target = classes if target is None else target
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


def use_bp_feedback(a_rule):
    """Set a rule's feedback to what BP would use: B = W^T, or M = |W^T| where the signs are the weights' own.

    For a direct rule B is the product of the W^T, that is the transposed Jacobian of the output by the layer;
    it is the same for every input, and the rule then exact, only in a linear net.
    """
    net = a_rule.net
    transposed = {layer.number: layer.W.T.copy() for layer in net.layers if isinstance(layer, Weighted)}
    if isinstance(a_rule, DirectRule | IFA | KDFA):
        n = net.size_out
        traces = net.forward(np.zeros((n, *net.input_shape)))
        output = SquaredError().output(traces[-1].h, traces[-1].h - np.eye(n))  # e = one row per output
        signals = BP(net).signals(traces, output)
    for number, own in a_rule.feedback.items():
        if isinstance(a_rule, KDFA):
            delta = signals[number - 1].delta
            own["B"] = delta[:: len(delta) // n] @ transposed[number]  # the same delta at each place
        elif isinstance(a_rule, Greedy):
            own["A"] = signals[number - 1].e.reshape(n, -1).T
        elif isinstance(a_rule, DirectRule | IFA):
            own["B"] = signals[number - 1].e.reshape(n, -1)
        elif isinstance(a_rule, DTP):
            own["V"] = jacobian(net, number)
        elif "R" in own:
            own["R"] = np.linalg.pinv(own["B"]) @ transposed[number]  # B R = W^T
        else:
            key = next(key for key in ("B", "P", "E", "M") if key in own)
            own[key] = np.abs(transposed[number]) if key == "M" else transposed[number]
    return a_rule


def jacobian(net, number):
    """What unit errors at h of a layer become at its input, (units, units below): W^T, for a linear dense layer."""
    layer = net.layers[number - 1]
    trace = layer.forward(np.zeros((layer.size_out, *layer.shape_in)))
    delta = layer.backward(trace, np.eye(layer.size_out).reshape(trace.h.shape)).delta
    return layer.carry(delta, layer.W.T).reshape(layer.size_out, -1)


def words(shape):
    height, width, channels, kernel, stride, padding = shape
    return f"{height}x{width}x{channels} kernel {kernel} stride {stride} padding {padding}"
