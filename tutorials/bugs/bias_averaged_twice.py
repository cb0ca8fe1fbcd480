"""The bias's gradient is a mean over the batch, and is then divided by the batch size again.

With batches of 128 the biases learn 128 times too slowly. The net still learns, since tanh units get by with the
weights alone. Finite differences on b catch it.
"""

import numpyfa as fa
from numpyfa.laws.nets import by_differences


class Broken(fa.Dense):
    def gradients(self, trace, signal):
        gradients = super().gradients(trace, signal)
        gradients["b"] = gradients["b"] / len(trace.h)
        return gradients


Right = fa.Dense


def check(layer):
    net = fa.Network(6, [layer(5, "tanh"), layer(3)], dtype="float64")
    return by_differences("b against finite differences", net)
