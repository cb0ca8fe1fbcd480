"""The slope of softmax is taken as p (1 - p), entry by entry: only the diagonal of its Jacobian.

p_i depends on every z_j: dp_i/dz_j = p_i (1[i = j] - p_j), so delta = p (e - sum_j e_j p_j). The diagonal alone is
right for independent logistic outputs, and happens to cancel in their cross-entropy, which hides it until somebody
trains with the squared error. Finite differences catch it.
"""

import numpy as np

import numpyfa as fa
from numpyfa.laws.nets import by_differences


class Right(fa.Local):
    def forward(self, z, train=False, noise=None):
        p = np.exp(z - z.max(axis=1, keepdims=True))
        p /= p.sum(axis=1, keepdims=True)
        return p, p

    def backward(self, e, p):
        return p * (e - (e * p).sum(axis=1, keepdims=True)), {}


class Broken(Right):
    def backward(self, e, p):
        return e * p * (1 - p), {}


def check(softmax):
    net = fa.Network(6, [fa.Dense(5, "tanh"), fa.Dense(3, softmax())], dtype="float64")
    return by_differences("W below softmax against finite differences", net, loss=fa.SquaredError())
