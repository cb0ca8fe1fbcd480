"""Align, then memorise: the two phases, the solution that feedback picks, and when alignment must fail.

python tutorials/03_align_then_memorise.py          `numpyfa reproduce align-then-memorise` is all of it
"""

# %% 1. Two phases
#
# The student and teacher of the page before, now with K = M = 2 and a random start. Under feedback alignment the error
# first falls to a plateau while cos(v, F) goes to 1 (align), then to zero while cos(v, F) may fall again (memorise).

import os

# Before NumPy: with other work on the machine BLAS threads make small products many times slower.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import matplotlib.pyplot as plt
import numpy as np

from numpyfa.theory import Overlaps, deep_linear, generalisation_error, integrate


def start(seed, feedback, K=2):
    rng = np.random.default_rng(seed)
    w, w_star = 0.5 * rng.standard_normal((K, 500)), rng.standard_normal((2, 500))
    v, F = 0.1 * rng.standard_normal(K), rng.standard_normal(K)
    Q, R, T = w @ w.T / 500, w @ w_star.T / 500, w_star @ w_star.T / 500
    return Overlaps(Q, R, T, v, np.ones(2), F if feedback else None), F


times = [0.0, *np.geomspace(0.1, 2000, 40)]
overlaps, F = start(0, True)
course = integrate(overlaps, times, 0.2)
errors = [generalisation_error(now) for now in course]
cosines = [now.v @ F / np.linalg.norm(now.v) / np.linalg.norm(F) for now in course]
peak = int(np.argmax(cosines))
print(
    f"cos(v, F): {cosines[0]:.2f} at first, {cosines[peak]:.3f} at t = {times[peak]:.0f}, {cosines[-1]:.3f} at the end"
)
print(f"error: {errors[0]:.2f} at first, {errors[peak]:.3f} at t = {times[peak]:.0f}, {errors[-1]:.1e} at the end")

# %% 2. Which of the equivalent solutions
#
# erf is odd, so (w_k, v_k) and (-w_k, -v_k) are the same net: with two units each solution has four copies by sign.
# (Units that change places give as many again; the count below leaves them out.) Backpropagation mostly keeps the signs
# that v has at the start: 35 of 40 units, and 71 of 80 with four units a student, in `numpyfa reproduce
# align-then-memorise`. Under feedback alignment the align phase has turned v towards F, so it ends in the copy whose
# signs are F's. Count over starts:

agree = {"FA: sign of F": 0, "FA: sign at the start": 0, "BP: sign of F": 0, "BP: sign at the start": 0}
for seed in range(10):
    for name, feedback in (("FA", True), ("BP", False)):
        begin, F = start(seed, feedback)
        end = integrate(begin, [2000], 0.2)[0].v
        agree[f"{name}: sign of F"] += int((end * F > 0).sum())
        agree[f"{name}: sign at the start"] += int((end * begin.v > 0).sum())
print("of 20 units: " + ", ".join(f"{name} {count}" for name, count in agree.items()))

# %% 3. Deep linear nets: alignment is an identity
#
# Direct feedback alignment in y = W_L ... W_1 x from zero weights. Layer l moves by -lr F_l e h_{l-1}^T. By induction
# h_{l-1} = F_{l-1} c_{l-1} for a c of only n_L entries, the number of outputs: it holds at zero, and the update
# F_l (e c_{l-1}^T) F_{l-1}^T keeps it. So at every step, exactly,
#
#     W_1 = F_1 A_1,   W_l = F_l A_l F_{l-1}^T,   W_L = A_L F_{L-1}^T,   A_l <- A_l - lr e c_{l-1}^T,   c_0 = x
#
# The feedback is written into the weights; all that is learned is in the small matrices A_l.

rng = np.random.default_rng(0)
F = deep_linear.draw_feedback(rng, [100, 100], 3)
W, A, G = deep_linear.zero_weights(F, 10), deep_linear.zero_alignment(10, 3, 3), [f.T @ f for f in F]
W_star = rng.standard_normal((3, 10)) / 10**0.5
for _ in range(1000):
    x = rng.standard_normal((10, 32))
    deep_linear.learn_weights(W, F, x, W_star @ x, 0.02)
    deep_linear.learn_alignment(A, G, x @ x.T / 32, W_star @ x @ x.T / 32, 0.02)
worst = max(np.abs(a - b).max() for a, b in zip(W, deep_linear.compose(F, A)))
print(f"W_l against F_l A_l F_(l-1)^T after 1000 steps: at most {worst:.0e} apart")

# %% 4. So what spoils alignment is a badly conditioned A_l
#
# What backpropagation would send to layer l is W_{l+1}^T ... W_L^T e = F_l (A_{l+1}^T G_{l+1} ... A_L^T) e. If every A
# from A_2 on is a positive multiple of the identity, and every G = F^T F too, that is along F_l e: no angle at all.
# A_l, a sum over time of -e c^T, takes on the shape of the targets. The more the outputs have in common, the more it
# leans one way:

for shared in (0.0, 0.5, 0.9):
    rng = np.random.default_rng(1)
    F = deep_linear.draw_feedback(rng, [400, 400], 3)
    own, common = rng.standard_normal((3, 10)), rng.standard_normal(10)
    W_star = ((1 - shared) * own + shared * common) / 10**0.5
    A, G = deep_linear.zero_alignment(10, 3, 3), [f.T @ f for f in F]
    for _ in range(1000):
        x = rng.standard_normal((10, 32))
        deep_linear.learn_alignment(A, G, x @ x.T / 32, W_star @ x @ x.T / 32, 0.02)
    e = deep_linear.output(A, G, x) - W_star @ x
    weights, signals = deep_linear.weight_alignment(A, G)[1], deep_linear.gradient_alignment(A, G, e)[0]
    condition = np.linalg.cond(A[2])
    print(f"rows share {shared:.0%}: condition of A_3 {condition:.1f}, weights {weights:.2f}, signals {signals:.2f}")

# %% 5. The picture

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.5), layout="constrained")
left.plot(times, errors)
left.set(xscale="symlog", yscale="log", xlabel="t = steps / N", ylabel="generalisation error")
right.plot(times, cosines)
right.set(xscale="symlog", xlabel="t = steps / N", ylabel="cosine of v and F")
plt.show()
