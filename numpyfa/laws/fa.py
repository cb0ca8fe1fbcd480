"""FA is BP where B = W^T, in any net.

In a linear net with one hidden layer, under gradient flow,

    B^T W_2^T + W_2 B - W_1^T W_1    stands still                  [Lillicrap et al. 2016]

and with steps of a finite size it drifts in proportion to the learning rate: half of it, half the drift.
"""

from collections.abc import Iterator

from ..backend import Array
from ..gradcheck import Check
from ..layers import Dense
from ..learn import train_step
from ..losses import SquaredError
from ..network import Network
from ..optim import SGD
from ..rules import FA
from .bp import overfits
from .nets import batch, equals_bp_in, give, largest, tanh_nets


def make_bp(rule: FA) -> FA:
    """B = W^T"""
    return give(rule, B=lambda layer: layer.W.T)


def laws() -> Iterator[Check]:
    yield from equals_bp_in(tanh_nets(), "with B = W^T it is BP", lambda net: make_bp(FA(net)))
    drifts = {lr: drift(lr) for lr in (0.01, 0.005)}
    yield Check("linear: drift of the invariant relative to its terms, learning rate 0.005", drifts[0.005], 0.02)
    yield Check("linear: drift at 0.01 / drift at 0.005, from 2", abs(drifts[0.01] / drifts[0.005] - 2), 0.1)
    yield overfits("fa")


def drift(lr: float) -> float:
    """How far the invariant moves in a time of 2, relative to W_2 B."""
    net = Network(8, [Dense(6, bias=False), Dense(4, bias=False)], dtype="float64", init="normal:0.1")
    rule, optimizer = FA(net, init="uniform:0.5"), SGD(lr)
    x, target = batch(net, 30, regression=True)
    before = invariant(rule)
    for _ in range(round(2 / lr)):
        train_step(net, rule, SquaredError(), optimizer, x, target)
    return largest(invariant(rule) - before) / largest(net[2].W @ rule.feedback[2]["B"])


def invariant(rule: FA) -> Array:
    """Lillicrap et al.'s B W + W^T B^T - A A^T, in our letters."""
    first, second, B = rule.net[1], rule.net[2], rule.feedback[2]["B"]
    return second.W @ B + (second.W @ B).T - first.W.T @ first.W
