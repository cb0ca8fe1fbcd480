"""Sign feedback with fixed magnitudes writes the signed matrix over its magnitudes.

The first batch is right. At the second, the stored "magnitude" has a sign already, so wherever W keeps its sign the
product is positive: the feedback has lost the signs it is named after. The feedback must agree in sign with W at
every step, so look at the second.
"""

import numpy as np

import numpyfa as fa
from numpyfa import checks
from numpyfa.gradcheck import Check

Right = fa.FRSF


class Broken(fa.FRSF):
    def transport(self, layer, feedback, trace, signal):
        feedback["M"][...] = feedback["M"] * np.sign(layer.W).T
        return signal.delta @ feedback["M"]


def check(rule):
    net = checks.dense_net("tanh")
    a_rule, layer = rule(net), net.layers[1]
    checks.outcome(net, a_rule)
    wrong = np.sign(a_rule.stand_in(layer)) != np.sign(layer.W.T)
    return Check("share of feedback of the wrong sign at the second batch", float(wrong.mean()), 0.0)
