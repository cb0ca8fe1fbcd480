"""Small nets, batches and comparisons that the laws share. All in float64, and with biases that are not 0."""

import math
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

import numpy as np

from ..backend import Array, Streams, to_device, to_host
from ..convolution import Conv
from ..errors import InputError
from ..gradcheck import Check, gradient_checks
from ..layers import Dense, Junction, Layer, Signal, Weighted
from ..learn import train_step
from ..local import AvgPool, BatchNorm, GlobalAvgPool
from ..locally_connected import LocallyConnected
from ..losses import Loss, SoftmaxCrossEntropy, SquaredError
from ..network import Network
from ..optim import SGD, Optimizer
from ..rules import BP, Rule, make_rule
from . import law_of

ROUNDING = 1e-12
SHAPES = [(5, 5, 1, 3, 1, 0), (7, 6, 2, 3, 2, 1), (6, 7, 3, 2, 2, 0), (5, 9, 2, 5, 3, 2), (4, 4, 2, 1, 1, 0)]
LR, DECAY, STEPS = 0.1, 0.5, 40  # of the laws that follow feedback as it learns

Arrays = dict[str, Array]
One = TypeVar("One", bound=Rule)


# -- Nets ----------------------------------------------------------------------------------------------------------


def dense_net(*tail: Any, last: tuple[Any, ...] = ()) -> Network:
    """6-5-4-3, small enough to check every entry. `tail` are names or functions that make a local operation."""
    layers = [Dense(size, *made(tail)) for size in (5, 4)]
    return unlike(Network(6, [*layers, Dense(3, *last)], dtype="float64", seed=1))


def conv_net(*tail: Any, last: tuple[Any, ...] = (), norm: Any = BatchNorm, pool: bool = True) -> Network:
    """A 6 x 7 image of 2 channels, a strided convolution, a padded one with batch norm and pooling, a dense output."""
    norms, pools = [norm()] if norm else [], [AvgPool(2)] if pool else []
    layers = [
        Conv(3, 3, *made(tail), stride=2, padding=1),
        Conv(4, 2, *norms, *made(tail), *pools, padding=1),
        Dense(3, *last),
    ]
    return unlike(Network((6, 7, 2), layers, dtype="float64", seed=2))


def residual_net(*tail: Any, last: tuple[Any, ...] = (), norm: Any = BatchNorm, pool: bool = True) -> Network:
    """Two residual blocks, one with a shortcut of its own; batch norm; global pooling; a dense output."""

    def norms() -> list[Any]:
        return [norm()] if norm else []

    pools = [GlobalAvgPool()] if pool else []
    layers: list[Layer] = [
        Conv(2, 3, *norms(), *made(tail), padding=1),
        Conv(2, 3, *norms(), *made(tail), padding=1),
        Conv(2, 3, *norms(), padding=1),
        Junction(*made(tail), sources=(-1, -3)),
        Conv(3, 3, *norms(), *made(tail), stride=2, padding=1),
        Conv(3, 1, stride=2, source=-2),
        Junction(*norms(), *made(tail), *pools, sources=(-1, -2)),
        Dense(3, *last),
    ]
    return unlike(Network((5, 5, 2), layers, dtype="float64", seed=3))


def locally_connected_net(*tail: Any, last: tuple[Any, ...] = (), norm: Any = BatchNorm, pool: bool = True) -> Network:
    """As `conv_net`, but no place shares its weights with another."""
    norms, pools = [norm()] if norm else [], [AvgPool(2)] if pool else []
    layers = [
        LocallyConnected(2, 3, *made(tail), stride=2, padding=1),
        LocallyConnected(3, 2, *norms, *made(tail), *pools),
        Dense(3, *last),
    ]
    return unlike(Network((5, 6, 2), layers, dtype="float64", seed=4))


def made(tail: Iterable[Any]) -> list[Any]:
    """New local operations for one layer."""
    return [item if isinstance(item, str) else item() for item in tail]


def unlike(net: Network) -> Network:
    """The net with every b, gamma and beta moved a little: at 0 and 1 they would hide who forgets or adds them."""
    rng = Streams(0)("unlike")
    for name, p in net.parameters().items():
        if not name.endswith(".W"):
            p += rng.uniform(-0.3, 0.3, p.shape)
    return net


NETS: dict[str, Callable[..., Network]] = {
    "dense": dense_net,
    "conv": conv_net,
    "locally connected": locally_connected_net,
    "residual": residual_net,
}


def tanh_nets(*kinds: str) -> dict[str, Network]:
    """A net of each kind, or of those named, with tanh."""
    return {kind: NETS[kind]("tanh") for kind in kinds or NETS}


def linear_nets(*kinds: str) -> dict[str, Network]:
    """The same without activation and batch norm: the output is linear in the input."""
    return {kind: NETS[kind]("identity", **without_norm(kind)) for kind in kinds or NETS}


def without_norm(kind: str) -> dict[str, Any]:
    return {} if kind == "dense" else {"norm": None}


def fit_for(rule_name: str, kind: str, *tail: Any, **options: Any) -> tuple[Network, Rule, list[str]] | None:
    """(net, rule, what was left out) of a rule and a kind of net: pools and batch norm are left out one after the other
    until the rule accepts the net; None if it refuses every such net."""
    ways: list[dict[str, Any]] = [{}] if kind == "dense" else [{}, {"pool": False}, {"pool": False, "norm": None}]
    for way in ways:
        net = NETS[kind](*tail, **way | options)
        try:
            return net, make_rule(rule_name, net), sorted(way)
        except InputError:
            pass
    return None


def fitting(rule_name: str) -> Iterator[tuple[str, Network, Rule]]:
    """(kind, net, rule) of each kind of net that the rule accepts, with tanh."""
    for kind in NETS:
        found = fit_for(rule_name, kind, "tanh")
        if found:
            yield kind, found[0], found[1]


class Defined(Conv):
    """A convolution that runs by its definition, without the fast form."""

    rows, fold = Conv.rows, Conv.fold


class DefinedByPlace(LocallyConnected):
    """The same of a convolution that shares no weights."""

    weigh, outer, outer_T, carry = Weighted.weigh, Weighted.outer, Weighted.outer_T, Weighted.carry


SLOW: dict[type, type] = {Conv: Defined, LocallyConnected: DefinedByPlace}


def by_definition(net: Network) -> Network:
    """The same net with the fast form taken out of its convolutions."""
    for layer in net.layers:
        if type(layer) in SLOW:
            layer.__class__ = SLOW[type(layer)]
    return net


# -- Batches -------------------------------------------------------------------------------------------------------


def batch(net: Network, n: int = 5, seed: int = 0, regression: bool = False) -> tuple[Array, Array]:
    """Random inputs and one-hot targets (or normal ones) for a net."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, *net.input_shape))
    if regression:
        return x, rng.standard_normal((n, net.size_out))
    return x, np.eye(net.size_out)[rng.integers(0, net.size_out, n)]


def passed(net: Network, loss: Loss | None = None, n: int = 5, target: Array = None, batch_number: int = 1) -> Any:
    """(traces, output) of one batch in training mode."""
    x, classes = batch(net, n)
    traces = net.forward(x, train=True, noise=np.random.default_rng(0))
    target = classes if target is None else target
    return traces, (loss or SoftmaxCrossEntropy()).output(net, traces, target, batch_number)


def outcome(
    net: Network, rule: Rule, loss: Loss | None = None, n: int = 5, target: Array = None, batch_number: int = 1
) -> tuple[dict[int, Signal], Arrays]:
    """({layer number: signal}, every gradient) of one batch."""
    traces, output = passed(net, loss, n, target, batch_number)
    return dict(rule.signals(traces, output)), rule.gradients(traces, output)


def train(rule: One, optimizer: Optimizer | None = None, steps: int = STEPS, n: int = 5) -> One:
    """The rule after so many steps on one batch of classes, by SGD with a decay if nothing else is said."""
    optimizer = optimizer or SGD(LR, decay=DECAY)
    x, target = batch(rule.net, n)
    for _ in range(steps):
        train_step(rule.net, rule, SoftmaxCrossEntropy(), optimizer, x, target, np.random.default_rng(0))
    return rule


# -- Comparisons ---------------------------------------------------------------------------------------------------


def largest(*arrays: Any) -> float:
    """The largest |entry| of all the arrays or numbers; NaN if one of them holds NaN."""
    return float(np.max([np.max(np.abs(array)) for array in arrays]))


def largest_difference(a: Arrays, b: Arrays) -> float:
    """max |a - b| / max |b| over the arrays of two dictionaries; infinite if their names differ."""
    if a.keys() != b.keys():
        return math.inf
    return largest(*(a[name] - b[name] for name in b)) / (largest(*b.values()) or 1.0)


def of_layers(gradients: Arrays) -> Arrays:
    """Those gradients that are of the net's own parameters, not of feedback."""
    return {name: gradient for name, gradient in gradients.items() if not name.startswith("feedback.")}


def equals_bp(name: str, rule: Rule, loss: Loss | None = None, target: Array = None) -> Check:
    """The check that a rule's gradients are BP's."""
    mine, true = (of_layers(outcome(rule.net, r, loss, target=target)[1]) for r in (rule, BP(rule.net)))
    return Check(name, largest_difference(mine, true), ROUNDING)


def equals_bp_in(nets: dict[str, Network], name: str, make: Callable[[Network], Rule]) -> Iterator[Check]:
    """`equals_bp` in each of the nets, by a rule that `make` makes for it."""
    for kind, net in nets.items():
        yield equals_bp(f"{name}, {kind} net", make(net))


def by_differences(
    name: str, net: Network, rule: Rule | None = None, loss: Loss | None = None, train: bool = True, n: int = 5
) -> Check:
    """Every gradient of a net under a rule (BP if none is given) against finite differences, as one check."""
    loss = loss or SoftmaxCrossEntropy()
    x, target = batch(net, n, regression=isinstance(loss, SquaredError))
    return worst(name, gradient_checks(net, rule or BP(net), loss, x, target, train=train))


def worst(name: str, checks: list[Check]) -> Check:
    """Many gradient checks as one line: the largest figure, and all that was skipped."""
    bad = [check for check in checks if not check.passed]
    top = max(bad or checks, key=lambda check: math.inf if math.isnan(check.figure) else check.figure)
    return Check(name, top.figure, top.tolerance, sum(c.skipped for c in checks), f"{top.name}, {top.note}")


def words(shape: tuple[int, ...]) -> str:
    height, width, channels, kernel, stride, padding = shape
    return f"{height}x{width}x{channels} kernel {kernel} stride {stride} padding {padding}"


# -- What makes a rule BP ------------------------------------------------------------------------------------------


def use_bp_feedback(rule: Rule) -> Any:
    """The rule with the feedback that makes it BP, as its law says."""
    return law_of(type(rule)).make_bp(rule)


def give(rule: One, **arrays: Callable[[Any], Array]) -> One:
    """The rule with its feedback set, layer by layer: give(rule, B=lambda layer: layer.W.T)."""
    for number, own in rule.feedback.items():
        for name, make in arrays.items():
            own[name] = np.array(make(rule.net[number]))
    return rule


def products(net: Network) -> dict[int, Array]:
    """{number: W_L^T .. W_{l+1}^T}, (outputs, units of layer l): the transposed Jacobian of the output by the layer.

    It is the same for every input only in a linear net.
    """
    return {n: signal.e.reshape(net.size_out, -1) for n, signal in unit_errors(net).items()}


def unit_errors(net: Network) -> dict[int, Signal]:
    """What BP tells each layer when the errors at the output are 1, one example an output."""
    traces = net.forward(np.zeros((net.size_out, *net.input_shape)))
    h = traces[net.last.number].h
    return dict(BP(net).signals(traces, SquaredError().output(net, traces, h - np.eye(net.size_out))))


# -- A convolution and its definition ------------------------------------------------------------------------------


def adjoint_gap(
    height: int, width: int, channels: int, kernel: int, stride: int, padding: int, seed: int = 0, conv: Any = Conv
) -> float:
    """|<rows(x), r> - <x, fold(r)>| relative to |x| |r|."""
    rng = np.random.default_rng(seed)
    layer = conv(2, kernel, stride=stride, padding=padding)
    net = Network((height, width, channels), [layer], dtype="float64")
    x = rng.standard_normal((3, *net.input_shape))
    rows = layer.rows(x)
    r = rng.standard_normal(rows.shape)
    return float(abs((rows * r).sum() - (x * layer.fold(r)).sum()) / (np.linalg.norm(x) * np.linalg.norm(r)))


def line_gaps(
    height: int,
    width: int,
    channels: int,
    kernel: int,
    stride: int,
    padding: int,
    images: int = 7,
    dtype: str = "float64",
    device: Any = "cpu",
    conv: Any = Conv,
) -> list[float]:
    """The largest differences of a convolution's four products from what they stand for, each relative."""
    rng = np.random.default_rng(0)
    layer = conv(4, kernel, stride=stride, padding=padding)
    net = Network((height, width, channels), [layer], dtype=dtype, device=device)

    def draw(*shape: int) -> Array:
        return to_device(rng.standard_normal(shape).astype(dtype), net.module)

    x = draw(images, *net.input_shape)
    rows = layer.rows(x)
    delta, M, bias = draw(len(rows), 4), draw(4, rows.shape[1]), draw(*layer.b.shape)
    z = (rows @ layer.W).reshape(images, *layer.shape_z) + bias
    pairs = [
        (layer.weigh(x, layer.W, bias), z.reshape(-1, 4)),
        (layer.outer(x, delta), rows.T @ delta),
        (layer.outer_T(x, delta), delta.T @ rows),
        (layer.carry(delta, M), layer.fold(delta @ M)),
    ]
    hosts = [(to_host(mine), to_host(right)) for mine, right in pairs]
    return [largest(mine - right) / (largest(right) or 1.0) for mine, right in hosts]


def six_loop_gap(
    height: int, width: int, channels: int, kernel: int, stride: int, padding: int, seed: int = 0
) -> float:
    """The largest difference between `Conv` and six loops, relative to the largest output."""
    rng = np.random.default_rng(seed)
    layer = Conv(3, kernel, stride=stride, padding=padding)
    net = Network((height, width, channels), [layer], dtype="float64")
    x = rng.standard_normal((2, *net.input_shape))
    layer.b[...] = rng.standard_normal(3)
    h = net.forward(x)[1].h
    W = layer.W.reshape(kernel, kernel, channels, 3)
    naive = np.zeros_like(h) + layer.b
    for n, y, z, o in np.ndindex(h.shape):
        for i in range(kernel):
            for j in range(kernel):
                row, column = y * stride + i - padding, z * stride + j - padding
                if 0 <= row < height and 0 <= column < width:
                    naive[n, y, z, o] += x[n, row, column] @ W[i, j, :, o]
    return largest(h - naive) / largest(naive)


def crossed(net: Network) -> list[Weighted]:
    """The layers with weights that a signal crosses on its way down."""
    return BP(net).crossed_layers()
