"""The alignment compares e B before the slope with BP's delta after it.

Each side is a sensible vector, but they are not the same quantity: one lives at h, the other at z. The angle then
stays away from 0 even when the rule is backpropagation. So set B = W^T, and ask for an angle of 0.
"""

import numpy as np

import numpyfa as fa
from numpyfa import checks
from numpyfa.gradcheck import Check


def Right(rule, traces, output):
    return fa.metrics.delta_angle(rule, traces, output)[2]


def Broken(rule, traces, output):
    mine = rule.signals(traces, output)[1].e
    true = fa.BP(rule.net).signals(traces, output)[1].delta
    return float(np.mean(fa.metrics.angle(mine, true)))


def check(angle):
    net = checks.dense_net("tanh")
    rule = checks.use_bp_feedback(fa.FA(net))
    traces = net.forward(3 * checks.batch(net)[0])
    output = fa.SoftmaxCrossEntropy().output(traces[-1].h, checks.batch(net)[1])
    return Check("degrees to BP when B = W^T", angle(rule, traces, output), 1e-5)
