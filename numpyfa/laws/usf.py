"""uSF is BP where all weights of a layer are c or -c, with c = |W| / sqrt(n) ("strict"), in any net.

To weights that are uniform on [-a, a] its feedback lies 30 degrees: cos = E|w| / sqrt(E w^2) = sqrt(3)/2.
"""

from collections.abc import Iterator

import numpy as np

from ..gradcheck import Check
from ..layers import Dense
from ..metrics import weight_angle
from ..network import Network
from ..rules import USF
from .nets import crossed, equals_bp_in, tanh_nets


def make_bp(rule: USF) -> USF:
    """W = 0.3 or -0.3, which the scale "strict" sees"""
    for layer in crossed(rule.net):
        layer.W[...] = 0.3 * np.sign(layer.W)
    return rule


def laws() -> Iterator[Check]:
    name = "strict, on weights of one magnitude it is BP"
    yield from equals_bp_in(tanh_nets(), name, lambda net: make_bp(USF(net, scale="strict")))
    net = Network(400, [Dense(300), Dense(200, init="uniform:0.1")], dtype="float64")
    yield Check("degrees from 30 to uniform weights", abs(weight_angle(USF(net))[2] - 30), 0.3)
