"""Lillicrap's linear task: a conserved quantity, a proof that random feedback learns, and a pseudo-inverse.

python tutorials/04_lillicraps_linear_task.py       `numpyfa reproduce lillicrap-linear` is all of it
"""

# %% 1. The smallest net that shows it
#
# A net W A x learns the map T x: E = T - W A is all the error there is. For whitened inputs and small steps
#
#     dW/dt = E A^T,   dA/dt = B E        (backpropagation would have W^T for B)
#
# Take one unit a layer and T = B = 1. Then d(2 W - A^2)/dt = 2 E A - 2 A E = 0: each path is a parabola, and along it
# dA/dt = 1 - W A. From (0, 0), 2 W = A^2, so dA/dt = 1 - A^3 / 2: A grows until W A = 1. A is first, since B drives it
# whatever W is; it then drags W to the same sign as B. That is feedback alignment.

import matplotlib.pyplot as plt
import numpy as np

from numpyfa.theory import linear_task as task

one = np.array([[1.0]])
for mark, now in task.flow(one, 0 * one, 0 * one, one, "fa", 0.01, [0, 50, 100, 200, 1000]).items():
    A, W = (each.item() for each in now)
    print(f"t = {mark * 0.01:4.1f}: A = {A:.3f}, W = {W:.3f}, 2 W - A^2 = {2 * W - A**2:+.3f}")

# %% 2. The same for matrices
#
#     d(B W + W^T B^T - A A^T)/dt = B E A^T + A E^T B^T - B E A^T - A E^T B^T = 0
#
# Conserved exactly by the flow; in Euler steps of dt it drifts in proportion to dt: an exact test of an implementation.

T, A, W, B = task.start(range(3), 0.01)  # 30-20-10, three seeds side by side
for dt in (0.02, 0.01, 0.005):
    end = task.flow(T, A, W, B, "fa", dt, [round(4 / dt)])[round(4 / dt)]
    print(f"dt = {dt}: the invariant drifts by {np.abs(task.invariant(*end, B) - task.invariant(A, W, B)).max():.4f}")

# %% 3. Why the error must go to zero
#
# From zero weights B W + W^T B^T = A A^T for ever. Let V = |B E|^2. As dE/dt = -E A^T A - W B E,
#
#     dV/dt = -2 |B E A^T|^2 - 2 tr(E^T B^T (B W) B E) = -2 |B E A^T|^2 - |A^T B E|^2 <= 0
#
# (only the symmetric part of B W counts, and that is A A^T / 2). V can stop falling only where both terms are 0: for a
# B with independent columns, E A^T = 0 and A^T B E = 0. Could the net stay there with E not 0? Then E A^T stays 0, so
#
#     0 = d(E A^T)/dt = E (B E)^T - (E A^T A + W B E) A^T = E E^T B^T - W B (E A^T) = E E^T B^T
#
# and E E^T = 0, that is E = 0: there is no other place to rest. (That the net gets there also needs its weights to stay
# bounded, which the paper shows.) No step needed W^T.

kept = task.flow(T, 0 * A, 0 * W, B, "fa", 0.0025, range(0, 1601, 200))
for mark, now in kept.items():
    print(f"t = {mark * 0.0025:3.1f}: V = {task.lyapunov(T, *now, B)[0]:.2e}")

# %% 4. What the weights become
#
# From zero weights each change of A has B on its left and each change of W has A^T, hence B^T, on its right: A = B S
# and W = U B^T, with S and U of n_o rows. So W^+ e = B (B^T B)^-1 U^-1 e, which pseudo-backpropagation (Gauss-Newton on
# the hidden units) would send, lies in the few directions that B spans, as B e does. Learning brings the two together.
# Online, one example at a time, from small weights:

x = np.random.default_rng(1).standard_normal((2000, 3, 30))
probes = np.random.default_rng(2).standard_normal((30, 200))
marks = [0, 100, 300, 1000, 2000]
for mark, now in task.learn(T, A, W, B, "fa", 0.008, x, marks).items():
    bp, pseudo = (task.signal_angle(T, *now, B, to, probes).mean() for to in ("bp", "pseudo"))
    error = task.error(T, *now).mean()
    print(f"{mark:4} examples: error {error:.1e}, B e is {bp:2.0f} degrees from W^T e, {pseudo:2.0f} from W^+ e")

# %% 5. The flow of the scalar net
#
# Two branches of W A = 1. Near them dE/dt = -(A^2 + W) E, so they attract where A^2 + W > 0. A start with 2 W - A^2 >
# -3 can only reach the upper branch; below that, starts far to the left come to rest with W < 0. There B has the
# opposite sign of W, the hidden unit is told the opposite of what backpropagation would tell it, and the net has
# learned the task all the same: the layer above makes up for it.

a, w = np.meshgrid(np.linspace(-3, 3, 41), np.linspace(-3, 3, 41))
figure, axes = plt.subplots(figsize=(5, 4.5), layout="constrained")
axes.streamplot(a, w, 1 - w * a, (1 - w * a) * a, color="0.6", linewidth=0.7)
for low, high, style in ((1 / 3, 3, "-"), (-3, -1, "-"), (-1, -1 / 3, "--")):
    line = np.linspace(low, high, 100)
    axes.plot(line, 1 / line, style, color="#0072B2", lw=2)
axes.set(xlabel="A", ylabel="W", xlim=(-3, 3), ylim=(-3, 3), title="W A = 1 (dashed: unstable)")
plt.show()
