"""Layers and nets: z = rows(x) W + b, what a layer feeds is added, and BP through any wiring is the gradient.

A source that is named twice counts twice, a batch of one is a batch, and no rule's signals change what a net computed.
"""

from collections.abc import Iterator

import numpy as np

from ..convolution import Conv
from ..gradcheck import Check
from ..layers import Dense, Junction
from ..network import Network
from .nets import ROUNDING, SHAPES, batch, by_differences, largest, unlike, words


def laws() -> Iterator[Check]:
    for shape in SHAPES:
        height, width, channels, kernel, stride, padding = shape
        layers = [Conv(3, kernel, "tanh", stride=stride, padding=padding), Dense(3)]
        net = Network((height, width, channels), layers, dtype="float64", seed=5)
        yield by_differences(f"conv {words(shape)} by finite differences", net)
    twice = [Dense(4, "tanh"), Junction("tanh", sources=(-1, -1)), Dense(3)]
    yield by_differences("a source named twice, by finite differences", unlike(Network(6, twice, dtype="float64")))
    fork = [Dense(4, "tanh"), Dense(4, "tanh", source=-2), Junction("tanh", sources=(-1, -2, -2)), Dense(3)]
    yield by_differences("the input used twice, by finite differences", unlike(Network(6, fork, dtype="float64")))
    yield by_hand()


def by_hand() -> Check:
    """Two dense layers and a sum of one source twice, against three lines."""
    layers = [Dense(4, "tanh"), Junction(sources=(-1, -1)), Dense(3)]
    net = unlike(Network(6, layers, dtype="float64"))
    x, (first, last) = batch(net)[0], (net[1], net[3])
    h = np.tanh(x @ first.W + first.b)
    h = (h + h) @ last.W + last.b
    return Check("forward pass = three lines by hand", largest(net.forward(x)[3].h - h), ROUNDING)
