"""IFA is BP where B_1 = W_L^T .. W_2^T and W_l^T W_l = I of the layers between, in a linear net.

Only the first layer has feedback, and the signal reaches every layer above it: they learn.
"""

from collections.abc import Iterator

from ..convolution import Conv
from ..gradcheck import Check
from ..layers import Dense, Junction
from ..learn import train_step
from ..losses import SoftmaxCrossEntropy
from ..models import mlp
from ..network import Network
from ..optim import SGD
from ..rules import IFA
from .nets import ROUNDING, batch, dense_net, equals_bp, give, largest, outcome, products, unlike
from .pseudo import orthonormal


def make_bp(rule: IFA) -> IFA:
    """W_l^T W_l = I between the first layer and the last, B_1 = W_L^T .. W_2^T"""
    for layer in rule.crossed_layers():
        if layer is not rule.net.last:
            layer.W[...] = orthonormal(layer.W)
    B = products(rule.net)
    return give(rule, B=lambda layer: B[layer.number])


def laws() -> Iterator[Check]:
    name = "with W_2^T W_2 = I and B = product of the W^T, linear, it is BP"
    yield equals_bp(f"{name}, dense net", make_bp(IFA(dense_net("identity"))))
    net = unlike(Network((3, 3, 2), [Conv(5, 1), Conv(4, 1), Dense(3)], dtype="float64"))
    yield equals_bp(f"{name}, net of 1x1 kernels", make_bp(IFA(net)))

    net = Network(6, [Dense(4, "tanh"), Dense(4, "tanh"), Junction(sources=(-1, -2)), Dense(3)], dtype="float64")
    signals, _ = outcome(unlike(net), IFA(net))
    gap = largest(signals[3].e - signals[1].delta - signals[2].delta)
    yield Check("a junction is told the sum of its sources' deltas", gap, ROUNDING)

    net = mlp("12-10-9-8-4", dtype="float64")
    rule = IFA(net)
    x, target = batch(net, 30)
    before = {name: p.copy() for name, p in net.parameters().items()}
    values = [train_step(net, rule, SoftmaxCrossEntropy(), SGD(0.2), x, target) for _ in range(501)]
    still = sum(bool((p == before[name]).all()) for name, p in net.parameters().items())
    yield Check("layers with feedback, beyond the first", float(len(rule.feedback) - 1), 0.0)
    yield Check("parameters that have not moved", float(still), 0.0)
    yield Check("loss after / before 500 steps", values[-1] / values[0], 0.1)
