"""frSF is BP where M = |W^T|, in any net: the signs are the weights' own.

M never changes, and what stands where W^T stands has W's signs of now, also after W has changed its own.
"""

from collections.abc import Iterator

import numpy as np

from ..gradcheck import Check
from ..rules import FRSF
from .nets import dense_net, equals_bp_in, give, largest_difference, tanh_nets, train


def make_bp(rule: FRSF) -> FRSF:
    """M = |W^T|"""
    return give(rule, M=lambda layer: abs(layer.W.T))


def laws() -> Iterator[Check]:
    yield from equals_bp_in(tanh_nets(), "with M = |W^T| it is BP", lambda net: make_bp(FRSF(net)))
    rule = FRSF(dense_net("tanh"))
    before = {name: M.copy() for name, M in rule.arrays().items()}
    negative = sum(int((M < 0).sum()) for M in before.values())
    yield Check("magnitudes that are negative", float(negative), 0.0)
    rule.net[2].W *= -1
    train(rule)
    yield Check("change of M in training", largest_difference(rule.arrays(), before), 0.0)
    wrong = sum(int(np.sum(np.sign(rule.stand_in(rule.net[n], own)) != np.sign(rule.net[n].W.T)))
                for n, own in rule.feedback.items())  # fmt: skip
    yield Check("signs that are not W's after training", float(wrong), 0.0)
