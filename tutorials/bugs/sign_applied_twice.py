"""Sign feedback with fixed magnitudes writes the signed matrix over its magnitudes.

The first batch is right. At the second, the stored "magnitude" has a sign already, so wherever W keeps its sign the
product is positive: the feedback has lost the signs it is named after. The feedback must agree in sign with W at
every step, so look at the second.
"""

import numpy as np

import numpyfa as fa
from numpyfa.gradcheck import Check
from numpyfa.laws.nets import dense_net, passed

Right = fa.FRSF


class Broken(fa.FRSF):
    def stand_in(self, layer, own):
        own["M"][...] = own["M"] * np.sign(layer.W).T
        return own["M"]


def check(rule):
    net = dense_net("tanh")
    signed, layer = rule(net), net[2]
    traces, output = passed(net)
    signed.gradients(traces, output)
    wrong = np.sign(signed.stand_in(layer, signed.feedback[2])) != np.sign(layer.W.T)
    return Check("share of feedback of the wrong sign at the second batch", float(wrong.mean()), 0.0)
