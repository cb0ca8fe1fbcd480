"""The alignment compares e B before the slope with BP's delta after it.

Each side is a sensible vector, but they are not the same quantity: one lives at h, the other at z. The angle then
stays away from 0 even when the rule is backpropagation. So set B = W^T, and ask for an angle of 0.
"""

import numpy as np

import numpyfa as fa
from numpyfa.gradcheck import Check
from numpyfa.laws.nets import batch, dense_net, use_bp_feedback


def Right(rule, traces, output):
    return fa.metrics.delta_angle(rule, traces, output)[2]


def Broken(rule, traces, output):
    mine = dict(rule.signals(traces, output))[2].e
    true = dict(fa.BP(rule.net).signals(traces, output))[2].delta
    return float(np.mean(fa.metrics.angle(mine, true)))


def check(angle):
    net = dense_net("tanh")
    rule = use_bp_feedback(fa.FA(net))
    x, target = batch(net)
    traces = net.forward(3 * x)
    output = fa.SoftmaxCrossEntropy().output(net, traces, target)
    return Check("degrees to BP when B = W^T", angle(rule, traces, output), 1e-5)
