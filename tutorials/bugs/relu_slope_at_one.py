"""The slope of ReLU is taken as 1 where z > 1, not where z > 0.

Units with a small positive input go on firing but stop learning. It looks like a threshold somebody chose. Finite
differences catch it.
"""

import numpyfa as fa
from numpyfa import checks
from numpyfa.gradcheck import gradient_checks


class Broken(fa.ReLU):
    from_output = False

    def slope(self, z, h):
        return z > 1


Right = fa.ReLU


def check(activation):
    net = fa.Network(6, [fa.Dense(5, activation()), fa.Dense(3)], dtype="float64")
    return checks.nets.worst(
        "W below ReLU against finite differences",
        gradient_checks(net, fa.BP(net), fa.SoftmaxCrossEntropy(), *checks.batch(net)),
    )
