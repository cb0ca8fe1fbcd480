"""A layer without an activation multiplies by its output h where the slope should be 1.

It comes from writing the slope in terms of h, as tanh' = 1 - h^2, and handing h on when there is no activation. Under
a direct rule no loss has this update as its gradient, so comparing losses shows nothing. But each local update is the
gradient of <e, h> with e held constant, and that check catches it.
"""

import numpyfa as fa
from numpyfa.laws.nets import by_differences


class Broken(fa.Activation):
    def f(self, z):
        return z

    def slope(self, z, h):
        return h


Right = fa.Identity


def check(activation):
    net = fa.Network(6, [fa.Dense(5, activation()), fa.Dense(3)], dtype="float64")
    return by_differences("DFA's local updates against <e, h>", net, fa.DFA(net))
