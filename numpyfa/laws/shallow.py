"""Shallow is BP in a net of one layer. In every other one, hidden layers get no gradient at all."""

from collections.abc import Iterator

from ..gradcheck import Check
from ..layers import Dense
from ..network import Network
from ..rules import Shallow
from .nets import dense_net, equals_bp, outcome


def make_bp(rule: Shallow) -> Shallow:
    """Nothing can, but to have no hidden layer."""
    return rule


def laws() -> Iterator[Check]:
    net = Network(6, [Dense(3)], dtype="float64")
    yield equals_bp("without hidden layers it is BP", make_bp(Shallow(net)))
    net = dense_net("tanh")
    signals, gradients = outcome(net, Shallow(net))
    told = sum(not name.startswith("3.") for name in gradients)
    yield Check("hidden gradients", float(told), 0.0)
    yield Check("hidden layers that are told something", float(len(signals) - 1), 0.0)
