"""Feedback that learns without ever seeing W: Kolen and Pollack's law, and the angle of product feedback.

python tutorials/06_feedback_that_learns.py         `numpyfa reproduce kolen-pollack`, `... pfa-angle` are all of it
"""

# %% 1. Two synapses that are told the same
#
# This page uses the library's own nets, and their letters: rows are examples, W is (fan_in, fan_out), and B stands
# where W^T stands. The weight from unit j to unit i moves by the product of what its two ends know: dW = h_j delta_i.
# The feedback weight from i to j joins the same two units and can move by the same product. Let both also decay a
# little each step:
#
#     W <- W - lr (dW + decay W),      B <- B - lr (dW^T + decay B)
#
# Subtract: the learned part cancels, whatever the data, the net or the error are.
#
#     B_t - W_t^T = (1 - lr decay)^t (B_0 - W_0^T)
#
# That needs both to take the same steps, entry by entry. So B comes to W^T, and feedback alignment to backpropagation,
# though no weight was ever copied. Without a decay the gap never shrinks; B only looks better as what both have learned
# outgrows the start.

import os

# Before NumPy: with other work on the machine BLAS threads make small products many times slower.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import matplotlib.pyplot as plt
import numpy as np

import numpyfa as fa
from numpyfa.theory import learned_feedback as theory

images = fa.load("mnist").part(1000, 500)


def train(make_rule, decay, epochs=20):
    """(step, W^T and what stands for it in layer 2) after every epoch."""
    net = fa.mlp("784-100-50-10", dtype="float64")
    rule, sgd, loss, rng = make_rule(net), fa.SGD(0.1, decay=decay), fa.SoftmaxCrossEntropy(), np.random.default_rng(0)
    x, y = net.to_float(net.as_input(images.x_train)), np.eye(10)[images.y_train]
    course = [(0, net[2].W.T.copy(), rule.stand_in(net[2], rule.feedback[2]).copy())]
    for _ in range(epochs):
        for batch in np.split(rng.permutation(1000), 50):
            fa.train_step(net, rule, loss, sgd, x[batch], y[batch])
        course.append((sgd.step, net[2].W.T.copy(), rule.stand_in(net[2], rule.feedback[2]).copy()))
    return course


# %% 2. The law, to the last digit

decay = 0.03
course = train(fa.KP, decay)
(_, W0, B0), (steps, W, B) = course[0], course[-1]
due = theory.kolen_pollack(W0, B0, W, 1 - 0.1 * decay, steps)
gap, factor = np.linalg.norm(B - W) / np.linalg.norm(B0 - W0), (1 - 0.1 * decay) ** steps
print(f"after {steps} steps the gap is {gap:.5f} of the start's, (1 - lr decay)^t = {factor:.5f}")
print(f"B differs from the law by {np.abs(B - due).max():.0e}")
# (So strong a decay has its price: the weights are kept small, and the test error is higher.)
print(f"angle of B to W^T: {theory.angle(W0, B0):.0f} degrees at first, {theory.angle(W, B):.1f} at the end")

# %% 3. One matrix fixed, one learned: product feedback
#
# Kolen-Pollack needs a feedback synapse beside every forward one. Product feedback alignment does without such pairs:
# delta goes through a random fixed B onto k times as many neurons, then through R (no overlap here), which learns by
# the product of its own two ends, dR = (delta B)^T h. With the same decay R forgets its start and becomes B^T W^T, so
# the path is
#
#     P = B R = B B^T W^T = G W^T
#
# For entries of variance 1 / (k n) in B (n x k n), G is 1 on the diagonal and random, of variance 1 / (k n), off it.
# Against a W without preferred directions cos = tr G / sqrt(n tr G^2) = 1 / sqrt(1 + 1/k): an angle of
# arctan(1 / sqrt k). More neurons, a better mirror; an orthogonal B is a perfect one.

for k in (1, 4, 16):
    steps, W, path = train(lambda net, k=k: fa.PFA(net, expansion=k), decay, 40)[-1]
    print(f"k = {k:2}: the path is {theory.angle(W, path):4.1f} degrees from W^T, theory {theory.path_angle(k):4.1f}")
steps, W, path = train(lambda net: fa.PFA(net, expansion=1, orthogonal=True), decay, 40)[-1]
print(f"orthogonal: {theory.angle(W, path):.1f} degrees")

# %% 4. The picture

figure, axes = plt.subplots(figsize=(5, 3.5), layout="constrained")
for value, style in ((0.0, ":"), (0.01, "--"), (0.03, "-")):
    course = train(fa.KP, value)
    steps, angles = [each[0] for each in course], [theory.angle(W, B) for _, W, B in course]
    axes.plot(steps, angles, style, label=f"Kolen-Pollack, decay {value:g}")
axes.set(xlabel="step", ylabel="angle of B to W^T (degrees)", ylim=(0, 95))
axes.legend()
plt.show()
