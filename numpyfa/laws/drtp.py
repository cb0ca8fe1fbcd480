"""DRTP is BP where B_l = W_L^T .. W_{l+1}^T and the error equals the target, in a linear net.

Its hidden deltas do not depend on the output.
"""

from collections.abc import Iterator

from ..backend import Streams
from ..gradcheck import Check
from ..losses import SquaredError
from ..rules import DRTP
from .nets import batch, dense_net, equals_bp, give, largest, linear_nets, passed, products


def make_bp(rule: DRTP) -> DRTP:
    """B_l = W_L^T .. W_{l+1}^T"""
    B = products(rule.net)
    return give(rule, B=lambda layer: B[layer.number])


def laws() -> Iterator[Check]:
    for kind, net in linear_nets().items():
        h = net.forward(batch(net)[0])[net.last.number].h
        name = f"with B = product of the W^T and the error equal to the target, linear, it is BP, {kind} net"
        yield equals_bp(name, make_bp(DRTP(net)), SquaredError(), h / 2)
    rule = DRTP(dense_net("tanh"))
    traces, output = passed(rule.net)
    factor = Streams(0)("factor").uniform(-3, 3, output.e.shape)
    other = output._replace(signal=output.signal._replace(e=output.e * factor, delta=output.error * factor))
    before, after = (dict(rule.signals(traces, each)) for each in (output, other))
    figure = largest(*(before[n].delta - after[n].delta for n in rule.hidden()))
    yield Check("change of the hidden deltas with the output", figure, 0.0)
