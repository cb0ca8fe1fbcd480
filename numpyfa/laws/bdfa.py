"""BDFA is BP where B_l = W_L^T .. W_{l+1}^T and not its sign, in a linear net.

As it is made, B is the sign of that product in a linear net, and one bit an entry in every net.
"""

from collections.abc import Iterator

import numpy as np

from ..gradcheck import Check
from ..rules import BDFA
from .nets import dense_net, equals_bp_in, give, linear_nets, products, tanh_nets


def make_bp(rule: BDFA) -> BDFA:
    """B_l = W_L^T .. W_{l+1}^T"""
    B = products(rule.net)
    return give(rule, B=lambda layer: B[layer.number])


def laws() -> Iterator[Check]:
    name = "with B = product of the W^T, linear, it is BP"
    yield from equals_bp_in(linear_nets(), name, lambda net: make_bp(BDFA(net)))
    for kind, net in linear_nets().items():
        product = products(net)
        wrong = sum(int((own["B"] != np.sign(product[n])).sum()) for n, own in BDFA(net).feedback.items())
        yield Check(f"entries of B that are not the product's sign, linear {kind} net", float(wrong), 0.0)
    net = dense_net("relu")
    product = net[3].W.T @ net[2].W.T  # as if the activations were linear
    wrong = int((BDFA(net).feedback[1]["B"] != np.sign(product)).sum())
    yield Check("relu: entries of B that are not the product's sign, dense net", float(wrong), 0.0)
    for kind, net in tanh_nets().items():
        for random in (False, True):
            odd = sum(int((abs(own["B"]) != 1).sum()) for own in BDFA(net, random=random).feedback.values())
            form = "random: " if random else ""
            yield Check(f"{form}entries of B that are not 1 or -1, {kind} net", float(odd), 0.0)
