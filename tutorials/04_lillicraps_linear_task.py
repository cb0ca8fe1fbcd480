"""Lillicrap's linear task: a conserved quantity, a proof that random feedback learns, and a pseudo-inverse.

python tutorials/04_lillicraps_linear_task.py       `numpyfa reproduce lillicrap-linear` is all of it
"""

# %% 1. The smallest net that shows it
#
# A net W_2 W_1 x learns the map W* x: E = W_2 W_1 - W* is all the error there is. For whitened inputs and a small
# learning rate
#
#     dW_2/dt = -E W_1^T,   dW_1/dt = -B E        (backpropagation would have W_2^T for B)
#
# (The paper writes W, W_0, T and -E.) Take one unit a layer and W* = B = 1. Then d(2 W_2 - W_1^2)/dt = -2 E W_1 + 2 W_1
# E = 0: each path is a parabola, and along it dW_1/dt = 1 - W_2 W_1. From (0, 0), 2 W_2 = W_1^2, so dW_1/dt = 1 - W_1^3
# / 2: W_1 grows until W_2 W_1 = 1. W_1 is first, since B drives it whatever W_2 is; it then drags W_2 to the same sign
# as B. That is feedback alignment.

import os

# Before NumPy: with other work on the machine BLAS threads make small products many times slower.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import matplotlib.pyplot as plt
import numpy as np

from numpyfa.theory import linear_task as task

one = np.array([[1.0]])
for mark, now in task.flow(one, 0 * one, 0 * one, one, "fa", 0.01, [0, 50, 100, 200, 1000]).items():
    W1, W2 = (each.item() for each in now)
    print(f"t = {mark * 0.01:4.1f}: W_1 = {W1:.3f}, W_2 = {W2:.3f}, 2 W_2 - W_1^2 = {2 * W2 - W1**2:+.3f}")

# %% 2. The same for matrices
#
#     d(B W_2 + W_2^T B^T - W_1 W_1^T)/dt = -B E W_1^T - W_1 E^T B^T + B E W_1^T + W_1 E^T B^T = 0
#
# Conserved exactly by the flow; in Euler steps of dt it drifts in proportion to dt: an exact test of an implementation.

W_star, W1, W2, B = task.start(range(3), 0.01)  # 30-20-10, three seeds side by side
for dt in (0.02, 0.01, 0.005):
    end = task.flow(W_star, W1, W2, B, "fa", dt, [round(4 / dt)])[round(4 / dt)]
    drift = np.abs(task.invariant(*end, B) - task.invariant(W1, W2, B)).max()
    print(f"dt = {dt}: the invariant drifts by {drift:.4f}")

# %% 3. Why the error must go to zero
#
# From zero weights B W_2 + W_2^T B^T = W_1 W_1^T for ever. Let V = |B E|^2. As dE/dt = -E W_1^T W_1 - W_2 B E,
#
#     dV/dt = -2 |B E W_1^T|^2 - 2 tr(E^T B^T (B W_2) B E) = -2 |B E W_1^T|^2 - |W_1^T B E|^2 <= 0
#
# (only the symmetric part of B W_2 counts, and that is W_1 W_1^T / 2). V can stop falling only where both terms are 0:
# for a B with independent columns, E W_1^T = 0 and W_1^T B E = 0. Could the net stay there with E not 0? Then E W_1^T
# stays 0, so
#
#     0 = d(E W_1^T)/dt = -E (B E)^T - (E W_1^T W_1 + W_2 B E) W_1^T = -E E^T B^T - W_2 B (E W_1^T) = -E E^T B^T
#
# and E E^T = 0, that is E = 0: there is no other place to rest. (That the net gets there also needs its weights to stay
# bounded, which the paper shows.) No step needed W_2^T.

kept = task.flow(W_star, 0 * W1, 0 * W2, B, "fa", 0.0025, range(0, 1601, 200))
for mark, now in kept.items():
    print(f"t = {mark * 0.0025:3.1f}: V = {task.lyapunov(W_star, *now, B)[0]:.2e}")

# %% 4. What the weights become
#
# From zero weights each change of W_1 has B on its left and each change of W_2 has W_1^T, hence B^T, on its right. So,
# as on the page before, W_1 = B A_1 and W_2 = A_2 B^T with alignment matrices A_1, A_2 of n_2 rows. If A_2 is
# invertible,
#
#     W_2^+ = B (B^T B)^-1 A_2^-1 = B (W_2 B)^-1
#
# is what pseudo-backpropagation (Gauss-Newton on the hidden units) would send e through. It lies in the directions that
# B spans, as B e does, but that alone is no small angle: they agree for every e if and only if W_2 B is a positive
# multiple of the identity.
#
# How near does learning come? With independent columns of B the invariant says A_2 + A_2^T = A_1 A_1^T. Suppose B^T B =
# b 1 and A_2 symmetric. At E = 0 then W* = b A_2 A_1 = (b / 2) A_1 A_1^T A_1: A_1 has the singular vectors of W*, with
# (2 s / b)^(1/3) for a singular value s, and W_2 B = b A_2 has b^(1/3) (s / sqrt 2)^(2/3) for eigenvalues. The power
# 2/3 makes them more alike than those of W*, not equal.
#
# Online, one example at a time, from small weights. Late in learning nearly all of E is in one singular mode: the first
# angles are means over the errors e = E x that are left, the second over e of all directions alike.

x = np.random.default_rng(1).standard_normal((2000, 3, 30))
probes = np.random.default_rng(2).standard_normal((30, 200))
marks = [0, 100, 300, 1000, 2000]
alike = np.random.default_rng(3).standard_normal((10, 2000))
kept = task.learn(W_star, W1, W2, B, "fa", 0.008, x, marks)
for mark, now in kept.items():
    bp, pseudo = (task.signal_angle(W_star, *now, B, to, probes).mean() for to in ("bp", "pseudo"))
    any_bp, any_pseudo = (task.angle_to(now[1], B, to, alike).mean() for to in ("bp", "pseudo"))
    print(
        f"{mark:4} examples: error {task.error(W_star, *now).mean():.1e}, B e is {bp:2.0f} degrees from W_2^T e, "
        f"{pseudo:2.0f} from W_2^+ e; over all directions {any_bp:2.0f} and {any_pseudo:2.0f}"
    )
W1, W2 = kept[2000]
modes = np.linalg.svd(W2 @ W1 - W_star, compute_uv=False) ** 2
powers = np.linalg.svd(W_star, compute_uv=False) ** (2 / 3)
flat = np.trace(W2 @ B, axis1=1, axis2=2) / np.linalg.norm(W2 @ B, axis=(1, 2)) / 10**0.5
due = powers.mean(axis=1) / np.sqrt((powers**2).mean(axis=1))
print(f"in the first singular mode of E: {(modes[:, 0] / modes.sum(axis=1)).mean():.0%} of |E|^2")
print(f"cosine of W_2 B and the identity: {flat.mean():.2f}; of the powers 2/3 alone it would be {due.mean():.2f}")

# %% 5. The flow of the scalar net
#
# Two branches of W_2 W_1 = 1. Near them dE/dt = -(W_1^2 + W_2) E, so they attract where W_1^2 + W_2 > 0. A start with 2
# W_2 - W_1^2 > -3 can only reach the upper branch; below that, starts far to the left come to rest with W_2 < 0. There
# B has the opposite sign of W_2, the hidden unit is told the opposite of what backpropagation would tell it, and the
# net has learned the task all the same: the layer above makes up for it.

first, second = np.meshgrid(np.linspace(-3, 3, 41), np.linspace(-3, 3, 41))
E = second * first - 1
figure, axes = plt.subplots(figsize=(5, 4.5), layout="constrained")
axes.streamplot(first, second, -E, -E * first, color="0.6", linewidth=0.7)
for low, high, style in ((1 / 3, 3, "-"), (-3, -1, "-"), (-1, -1 / 3, "--")):
    line = np.linspace(low, high, 100)
    axes.plot(line, 1 / line, style, color="#0072B2", lw=2)
axes.set(xlabel="W_1", ylabel="W_2", xlim=(-3, 3), ylim=(-3, 3), title="W_2 W_1 = 1 (dashed: unstable)")
plt.show()
