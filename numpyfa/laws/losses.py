"""Losses: e = dL/dh, by finite differences in every kind of net, and each value is what it says.

The value is a mean over the batch, and e is each example's own: the same batch twice over has the same gradients.
"""

import math
from collections.abc import Iterator

import numpy as np

from ..gradcheck import TOLERANCE, Check, compare
from ..losses import LOSSES, LogisticCrossEntropy, SoftmaxCrossEntropy, SquaredError
from ..models import mlp
from ..rules import BP
from .nets import NETS, ROUNDING, batch, by_differences, dense_net, largest_difference


def laws() -> Iterator[Check]:
    for kind, build in NETS.items():
        for name, loss in LOSSES.items():
            yield by_differences(f"{name} by finite differences, {kind} net", build("tanh"), loss=loss())
        net = build("tanh", last=("logistic",))
        yield by_differences(
            f"squared after a logistic output by finite differences, {kind} net", net, loss=SquaredError()
        )
    yield from by_hand()
    yield any_target()
    yield twice_over()
    net = mlp("784-200-80-10", dtype="float64", init="normal:1e-4")
    x, target = batch(net, 50)
    value = float(SoftmaxCrossEntropy()(net.forward(x)[net.last.number].h, target)[0])
    yield Check("softmax at small weights = ln 10", abs(value - math.log(10)), 1e-6)


def by_hand() -> Iterator[Check]:
    """Two examples, three outputs, each sum written out."""
    h, y = [[0.5, -1.0, 2.0], [0.0, 3.0, -2.0]], [[0, 0, 1], [1, 0, 0]]
    softmax = sum(math.log(sum(math.exp(a) for a in row)) - row[one.index(1)] for row, one in zip(h, y)) / 2
    logistic = sum(math.log1p(math.exp(-a if b else a)) for row, one in zip(h, y) for a, b in zip(row, one)) / 2
    squared = sum((a - b) ** 2 for row, one in zip(h, y) for a, b in zip(row, one)) / 4
    for loss, value in ((SoftmaxCrossEntropy, softmax), (LogisticCrossEntropy, logistic), (SquaredError, squared)):
        found = loss()(np.array(h), np.array(y, float))[0]
        yield Check(f"{loss.__name__} by hand", abs(float(found) - value), ROUNDING)


def any_target() -> Check:
    """Softmax cross-entropy's e is its gradient also where a target does not sum to 1."""
    rng = np.random.default_rng(0)
    h, y = rng.standard_normal((4, 3)), rng.uniform(0, 2, (4, 3))
    loss = SoftmaxCrossEntropy()
    check = compare("e", loss(h, y)[1] / 4, h, lambda: (float(loss(h, y)[0]), []), TOLERANCE)
    return Check("softmax: e = p sum(y) - y for any target", check.figure, TOLERANCE)


def twice_over() -> Check:
    net, found = dense_net("tanh"), []
    x, target = batch(net)
    for times in (1, 2):
        traces = net.forward(np.tile(x, (times, 1)))
        output = SoftmaxCrossEntropy().output(net, traces, np.tile(target, (times, 1)))
        found.append(BP(net).gradients(traces, output) | {"value": np.array(output.value)})
    return Check("the same batch twice over: change of value and gradients", largest_difference(*found), ROUNDING)
