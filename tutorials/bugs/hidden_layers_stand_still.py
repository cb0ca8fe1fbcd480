"""No signal reaches the hidden layers at all, under any rule, and the accuracy looks fine.

A trained output layer on random features classifies most digits, so a plot of the loss does not show that the hidden
gradients are zero. Compare with `shallow`, which trains the output layer alone: a rule at work beats it clearly.
"""

import numpyfa as fa
from numpyfa.gradcheck import Check

Right = fa.DFA


class Broken(fa.DFA):
    def project(self, layer, own, trace, output):
        return 0 * (output.error @ own["B"])


def error(rule):
    net = fa.mlp("784-50-30-10")
    data, loss = fa.load("mnist").part(5000, 1000), fa.SoftmaxCrossEntropy()
    return fa.fit(net, rule(net), loss, fa.SGD(0.1), data, epochs=4, batch_size=16)[-1]["test_error"]


def check(rule):
    return Check("test error relative to shallow learning's", error(rule) / error(fa.Shallow), 2 / 3)
