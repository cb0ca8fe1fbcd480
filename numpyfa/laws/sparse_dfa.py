"""Sparse DFA is BP where B_l = W_L^T .. W_{l+1}^T, in a linear net: with every entry of B, then, that it has not.

As it is drawn, each unit hears exactly as many outputs as it should.
"""

from collections.abc import Iterator

from ..gradcheck import Check
from ..rules import SparseDFA
from .nets import conv_net, equals_bp_in, give, linear_nets, products


def make_bp(rule: SparseDFA) -> SparseDFA:
    """B_l = W_L^T .. W_{l+1}^T"""
    B = products(rule.net)
    return give(rule, B=lambda layer: B[layer.number])


def laws() -> Iterator[Check]:
    name = "with B = product of the W^T, linear, it is BP"
    yield from equals_bp_in(linear_nets(), name, lambda net: make_bp(SparseDFA(net)))
    for nonzero in (1, 2, 3):
        heard = SparseDFA(conv_net("tanh"), nonzero=nonzero).feedback.values()
        wrong = sum(int(((own["B"] != 0).sum(axis=0) != nonzero).sum()) for own in heard)
        yield Check(f"units that do not hear {nonzero} of 3 outputs", float(wrong), 0.0)
