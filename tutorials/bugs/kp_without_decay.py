"""Kolen-Pollack with a decay factor of 1, which is no decay.

W and B take the same steps, so their difference never changes. The angle between them still falls a little, because
both grow, and that passes for the method at work. The law is that the gap shrinks, by (1 - lr decay) a step.
"""

import numpy as np

import numpyfa as fa
from numpyfa.gradcheck import Check
from numpyfa.laws.kp import gap
from numpyfa.laws.nets import batch, dense_net


def Right():
    return fa.SGD(0.1, decay=0.5)


def Broken():
    return fa.SGD(0.1, decay=0.0)


def check(optimizer):
    net = dense_net("tanh")
    rule, sgd = fa.KP(net), optimizer()
    start = np.linalg.norm(gap(rule)[3])
    x, target = batch(net)
    for _ in range(100):
        fa.train_step(net, rule, fa.SoftmaxCrossEntropy(), sgd, x, target)
    return Check("|B - W^T| after / before 100 steps", float(np.linalg.norm(gap(rule)[3]) / start), 0.01)
