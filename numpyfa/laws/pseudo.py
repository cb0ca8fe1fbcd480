"""Pseudo-backpropagation is BP where each W has orthonormal columns or rows, in any net: then W^+ = W^T.

For any W of full column rank, W^+ = (W^T W)^-1 W^T.
"""

from collections.abc import Iterator

import numpy as np

from ..backend import Array
from ..gradcheck import Check
from ..rules import PseudoBP
from .nets import dense_net, equals_bp_in, largest, tanh_nets


def make_bp(rule: PseudoBP) -> PseudoBP:
    """W with orthonormal columns, or rows where it has more columns than rows"""
    for layer in rule.crossed_layers():
        for W in layer.W.reshape(layer.blocks, -1, layer.size):  # views
            W[...] = orthonormal(W)
    return rule


def orthonormal(W: Array) -> Array:
    if W.shape[0] < W.shape[1]:
        return orthonormal(W.T).T
    return np.linalg.qr(W)[0]


def laws() -> Iterator[Check]:
    yield from equals_bp_in(tanh_nets(), "on orthogonal weights it is BP", lambda net: make_bp(PseudoBP(net)))
    net = dense_net("tanh")
    W = net[3].W  # (4, 3), of full rank
    gap = PseudoBP(net).stand_in(net[3], {}) - np.linalg.solve(W.T @ W, W.T)
    yield Check("W^+ = (W^T W)^-1 W^T", largest(gap), 1e-10)
