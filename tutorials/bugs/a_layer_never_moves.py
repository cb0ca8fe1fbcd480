"""The list of what the optimiser updates is written out by hand, and one layer is missing from it.

A deep net learns around one layer that keeps its initial weights, and nobody notices. Take one step, and see that every
parameter has moved.
"""

import numpyfa as fa
from numpyfa.gradcheck import Check
from numpyfa.laws.nets import dense_net, outcome


def Right(net):
    return net.parameters()


def Broken(net):
    return {name: p for name, p in net.parameters().items() if name not in ("2.W", "2.b")}


def check(listed):
    net = dense_net("tanh")
    before = {name: p.copy() for name, p in net.parameters().items()}
    _, gradients = outcome(net, fa.BP(net))
    parameters = listed(net)
    fa.SGD(0.1).update(parameters, {name: gradients[name] for name in parameters})
    still = sum(bool((p == before[name]).all()) for name, p in net.parameters().items())
    return Check("parameters that one step has not moved", float(still), 0.0)
