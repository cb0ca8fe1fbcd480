"""The slope of ReLU is taken as 1 where z > 1, not where z > 0.

Units with a small positive input go on firing but stop learning. It looks like a threshold somebody chose. Finite
differences catch it.
"""

import numpyfa as fa
from numpyfa.laws.nets import by_differences


class Broken(fa.ReLU):
    from_output = False

    def slope(self, z, h):
        return z > 1


Right = fa.ReLU


def check(activation):
    net = fa.Network(6, [fa.Dense(5, activation()), fa.Dense(3)], dtype="float64")
    return by_differences("W below ReLU against finite differences", net)
