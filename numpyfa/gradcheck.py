"""Finite differences: is each update the gradient it claims to be?

The central difference (f(p + s) - f(p - s)) / 2s has an error of order s^2; s = 1e-5 and float64 leave about 1e-9.
ReLU and max pool have kinks, where no derivative exists: an entry whose two evaluations lie on different smooth
pieces (see `Local.branch`) is skipped, and counted.

A rule other than BP is the gradient of no loss. But each of its local updates is: with e and the layer's input held
constant, (dW, db, ...) is the gradient of the surrogate <e, h(W, b, ...)> / N. That is what is checked for every
layer the rule tells something, and for the output layer the true loss too. A rule that gives delta without an e, as
LRA-E does, is checked against <delta, z(W, b)> / N. Whether e itself is what the rule means to send, only an identity
can tell: with the right feedback the rule is BP.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .backend import Array
from .errors import InputError
from .layers import Signal, Trace
from .losses import Loss, check_loss
from .network import Network
from .rules import BP, Rule

Function = Callable[[], tuple[float, list[Array]]]  # a value, and the smooth pieces that it was computed on

STEP = 1e-5
TOLERANCE = 1e-6


@dataclass(frozen=True)
class Check:
    """One line of a verification: a figure that must not exceed its tolerance. NaN fails."""

    name: str
    figure: float
    tolerance: float
    skipped: int = 0
    note: str = ""

    @property
    def passed(self) -> bool:
        return bool(self.figure <= self.tolerance)


class GradientMismatch(AssertionError):
    """An update differs from its finite difference. The message names the parameter and its worst entry."""


def check_gradients(
    net: Network,
    rule: Rule,
    loss: Loss,
    x: Array,
    target: Array,
    *,
    train: bool = True,
    tolerance: float = TOLERANCE,
) -> list[Check]:
    """Check every gradient of `net` under `rule` by finite differences; return the checks if all pass.

    net     a Network with dtype float64; keep it small, for every entry costs two forward passes
    x       a batch (N, *input_shape); a few examples do
    target  (N, outputs)
    train   training mode (batch statistics, dropout with a fixed mask) or evaluation mode

    The figure is the largest |analytic - numeric| of a parameter, relative to its largest gradient entry.
    Raises GradientMismatch otherwise, naming the first failing parameter and its worst entry.
    """
    checks = gradient_checks(net, rule, loss, x, target, train=train, tolerance=tolerance)
    failed = [check for check in checks if not check.passed]
    if failed:
        first = failed[0]
        raise GradientMismatch(f"{len(failed)} of {len(checks)} gradients are wrong; {first.name}: {first.note}")
    return checks


def gradient_checks(
    net: Network,
    rule: Rule,
    loss: Loss,
    x: Array,
    target: Array,
    *,
    train: bool = True,
    tolerance: float = TOLERANCE,
) -> list[Check]:
    """The checks of `check_gradients`, passed or not."""
    if net.dtype != np.float64:
        raise InputError(f"gradients are checked in float64, found a net of {net.dtype}: build it with dtype='float64'")
    check_loss(loss, net)

    def forward() -> dict[int, Trace]:
        return net.forward(x, train=train, noise=_SAME)

    traces = forward()
    output = loss.output(net, traces, target)
    before = {name: p.copy() for name, p in net.parameters().items()}
    gradients = rule.gradients(traces, output)
    changed = [name for name, p in net.parameters().items() if not np.array_equal(p, before[name])]
    if changed:
        raise InputError(
            f"{type(rule).__name__} changes {', '.join(changed)} in place while it says what layers are told"
        )

    def true_loss() -> tuple[float, list[Array]]:
        traces = forward()
        return float(loss(traces[net.last.number].h, target)[0]), _branches(net, traces)

    checks = []
    for name, p in net.parameters().items():
        if isinstance(rule, BP) or net[int(name.partition(".")[0])] is net.last:
            checks.append(compare(f"{name} by the loss", gradients.get(name), p, true_loss, tolerance))
    told = dict(rule.signals(traces, output))
    for number in sorted(told.keys() - {net.last.number}):
        checks += _local_checks(net[number], traces[number], told[number], gradients, train, tolerance)
    return checks


def _local_checks(
    layer: Any,
    trace: Trace,
    signal: Signal,
    gradients: dict[str, Array],
    train: bool,
    tolerance: float,
) -> list[Check]:
    """What the rule makes of the layer's parameters against the surrogate <e, h> / N."""

    def surrogate() -> tuple[float, list[Array]]:
        if signal.e is None:
            return float((signal.delta * layer.weigh(trace.x, layer.W, layer.b)).sum()) / len(trace.h), []
        now = layer.forward(*trace.inputs, train=train, noise=_SAME)
        return float((signal.e.reshape(now.h.shape) * now.h).sum()) / len(now.h), _layer_branches(layer, now)

    by = "<delta, z>" if signal.e is None else "<e, h>"
    return [
        compare(f"{layer.number}.{name} by {by}", gradients.get(f"{layer.number}.{name}"), p, surrogate, tolerance)
        for name, p in layer.parameters().items()
    ]


def numeric_gradient(function: Function, p: Array, step: float = STEP) -> tuple[np.ndarray, np.ndarray]:
    """(gradient, smooth): the central differences of `function` in each entry of the array p, and where they hold.

    `function()` returns (value, branches); p is changed in place and put back.
    """
    gradient, smooth = np.zeros(p.shape), np.ones(p.shape, bool)
    _, here = function()
    for index in np.ndindex(p.shape):
        kept = p[index].copy()
        p[index] = kept + step
        above, branches_above = function()
        p[index] = kept - step
        below, branches_below = function()
        p[index] = kept
        gradient[index] = (above - below) / (2 * step)
        smooth[index] = _same(here, branches_above) and _same(here, branches_below)
    return gradient, smooth


def directional_check(
    net: Network,
    loss: Loss,
    x: Array,
    target: Array,
    rng: np.random.Generator,
    *,
    step: float = 1e-6,
    tolerance: float = 1e-5,
) -> Check:
    """<gradient, u> under BP against one central difference of the loss along a random direction u of all parameters.

    Two forward passes whatever the size, so it suits large nets. `rng` is a numpy Generator; the net is on the CPU.
    """
    traces = net.forward(x)
    gradients = BP(net).gradients(traces, loss.output(net, traces, target))
    parameters = net.parameters()
    kept = {name: p.copy() for name, p in parameters.items()}
    direction = {name: rng.standard_normal(p.shape) for name, p in parameters.items()}
    values = []
    for sign in (1, -1):
        for name, p in parameters.items():
            p[...] = kept[name] + sign * step * direction[name]
        values.append(float(loss(net.forward(x)[net.last.number].h, target)[0]))
    for name, p in parameters.items():
        p[...] = kept[name]
    numeric = (values[0] - values[1]) / (2 * step)
    analytic = sum(float((gradients[name] * direction[name]).sum()) for name in gradients)
    error = abs(numeric - analytic) / max(abs(numeric), abs(analytic), 1e-4)
    return Check("all parameters along one direction", error, tolerance, note=f"{analytic:.6g}, numeric {numeric:.6g}")


def compare(name: str, analytic: Array | None, p: Array, function: Function, tolerance: float) -> Check:
    """A `Check` of the analytic gradient of `function` in the array p; see `numeric_gradient` for both."""
    if analytic is None or analytic.shape != p.shape:
        found = "no gradient" if analytic is None else f"a gradient of shape {analytic.shape}"
        return Check(name, math.inf, tolerance, note=f"{found} was returned for a parameter of shape {p.shape}")
    numeric, smooth = numeric_gradient(function, p)
    difference = np.where(smooth, np.abs(analytic - numeric), 0.0)
    difference = np.where(np.isnan(difference), np.inf, difference)
    worst = np.unravel_index(difference.argmax(), difference.shape)
    scale = max(np.abs(analytic).max(), np.abs(numeric).max(), 1e-4)  # 1e-4: below it, rounding is all there is
    figure = float(difference[worst] / scale) if smooth.any() else math.nan
    place = ", ".join(map(str, worst))
    note = f"worst entry [{place}]: analytic {analytic[worst]:.6g}, numeric {numeric[worst]:.6g}"
    return Check(name, figure, tolerance, int((~smooth).sum()), note)


class _Same:
    """Noise that is the same at every call, whichever layer asks: a dropout mask stays as it is."""

    def __getattr__(self, name: str) -> Any:
        return getattr(np.random.default_rng(0), name)


_SAME: Any = _Same()


def _branches(net: Network, traces: dict[int, Trace]) -> list[Array]:
    return [each for layer in net.layers for each in _layer_branches(layer, traces[layer.number])]


def _layer_branches(layer: Any, trace: Trace) -> list[Array]:
    return [item.branch(memo) for item, memo in zip(layer.tail, trace.memos) if item.branch(memo) is not None]


def _same(a: list[Array], b: list[Array]) -> bool:
    return all((x == y).all() for x, y in zip(a, b))
