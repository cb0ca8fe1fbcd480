"""The hidden layers' gradients are summed over the batch, the output layer's averaged.

It happens where the loss is averaged by a library and the feedback is multiplied by hand. The hidden layers then learn
as many times faster as there are examples in a batch, and a direct rule seems to want a tiny learning rate. The
same batch twice has the same mean gradient, in every layer.
"""

import numpy as np

import numpyfa as fa
from numpyfa.gradcheck import Check
from numpyfa.laws.nets import batch, dense_net, largest_difference

Right = fa.DFA


class Broken(fa.DFA):
    def project(self, layer, own, trace, output):
        return len(trace.h) * (output.error @ own["B"])


def check(rule):
    net, found = dense_net("tanh"), []
    x, target = batch(net)
    for times in (1, 2):
        traces = net.forward(np.tile(x, (times, 1)))
        output = fa.SoftmaxCrossEntropy().output(net, traces, np.tile(target, (times, 1)))
        found.append(rule(net).gradients(traces, output))
    return Check("the batch twice over has the same gradient", largest_difference(*found), 1e-12)
