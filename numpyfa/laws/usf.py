"""uSF is BP where all weights of a layer are c or -c, with c = |W| / sqrt(n) ("strict"), in any net.

To weights that are uniform on [-a, a] its feedback lies 30 degrees: cos = E|w| / sqrt(E w^2) = sqrt(3)/2.
"""

from collections.abc import Iterator

import numpy as np

from ..convolution import Conv
from ..gradcheck import Check
from ..layers import Dense
from ..metrics import weight_angle
from ..network import Network
from ..rules import USF
from .nets import ROUNDING, crossed, equals_bp_in, largest, tanh_nets


def make_bp(rule: USF) -> USF:
    """W = 0.3 or -0.3, which the scale "strict" sees"""
    for layer in crossed(rule.net):
        layer.W[...] = 0.3 * np.sign(layer.W)
    return rule


def laws() -> Iterator[Check]:
    name = "strict, on weights of one magnitude it is BP"
    yield from equals_bp_in(tanh_nets(), name, lambda net: make_bp(USF(net, scale="strict")))
    yield from magnitudes()
    net = Network(400, [Dense(300), Dense(200, init="uniform:0.1")], dtype="float64")
    yield Check("degrees from 30 to uniform weights", abs(weight_angle(USF(net))[2] - 30), 0.3)


def magnitudes() -> Iterator[Check]:
    """c of each paper, for a 3x3 kernel from 3 to 5 channels and for a dense layer from 20 to 4 units."""
    net = Network((6, 6, 1), [Conv(3, 3), Conv(5, 3), Dense(4)], dtype="float64")
    known = {
        "biotorch": {2: (2 / (27 + 45)) ** 0.5, 3: (2 / (20 + 4)) ** 0.5},
        "liao": {2: 1.0, 3: 1.0},
        "xiao": {2: (2 / 45) ** 0.5, 3: 20**-0.5},
        "strict": {n: float(np.linalg.norm(net[n].W)) / net[n].W.size ** 0.5 for n in (2, 3)},
    }
    for scale, values in known.items():
        rule = USF(net, scale=scale)
        gaps = [rule.stand_in(net[n], {}) - c * np.sign(net[n].W).T for n, c in values.items()]
        yield Check(f"{scale}: c as the paper has it", largest(*gaps), ROUNDING)
