"""sDFA is BP where B_l = W_L^T .. W_{l+1}^T and each error is 1 or -1, in a linear net.

Its hidden deltas depend on the error's sign alone, never on its size.
"""

from collections.abc import Iterator

import numpy as np

from ..backend import Streams
from ..gradcheck import Check
from ..losses import SquaredError
from ..rules import SDFA
from .nets import batch, dense_net, equals_bp, give, largest, linear_nets, passed, products


def make_bp(rule: SDFA) -> SDFA:
    """B_l = W_L^T .. W_{l+1}^T"""
    B = products(rule.net)
    return give(rule, B=lambda layer: B[layer.number])


def laws() -> Iterator[Check]:
    for kind, net in linear_nets().items():
        h = net.forward(batch(net)[0])[net.last.number].h
        name = f"with B = product of the W^T and errors of 1 and -1, linear, it is BP, {kind} net"
        yield equals_bp(name, make_bp(SDFA(net)), SquaredError(), h - np.sign(h))
    rule = SDFA(dense_net("tanh"))
    traces, output = passed(rule.net)
    factor = Streams(0)("factor").uniform(0.1, 3, output.error.shape)
    other = output._replace(signal=output.signal._replace(delta=output.error * factor))
    before, after = (dict(rule.signals(traces, each)) for each in (output, other))
    figure = largest(*(before[n].delta - after[n].delta for n in rule.hidden()))
    yield Check("change of the hidden deltas with the error's size", figure, 0.0)
