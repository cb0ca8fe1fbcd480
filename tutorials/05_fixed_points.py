"""Which solutions does feedback alignment stay at? A matrix S, its eigenvalues, and what alignment has to do with it.

python tutorials/05_fixed_points.py                 `numpyfa reproduce fixed-points` is all of it
"""

# %% 1. The dynamics of the error
#
# Let E be the error over all training examples, output minus target, as one vector, w the weights, J = dE/dw, and the
# loss |E|^2 / 2, whose gradient is J^T E. Feedback alignment moves w by -J^^T E instead, J^ being J with every W^T on
# the way back replaced by B. Then
#
#     dE/dt = J dw/dt = -J J^^T E = -S E
#
# For backpropagation S = J J^T has no negative eigenvalue: E can only shrink. For feedback alignment S is not symmetric
# and anything is possible. At E = 0 every rule stands still. S changes with w, but near such a point only a little:
# linearised there, a small E falls back to zero if all eigenvalues of S (on the range of J: no other E can be made)
# have positive real parts, and runs away along any whose real part is negative. This is the flow; updates w <- w - lr
# dw multiply a mode by 1 - lr lambda, and do the same if lr |lambda|^2 < 2 Re lambda, that is for small lr |lambda|.

import os

# Before NumPy: with other work on the machine BLAS threads make small products many times slower.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import matplotlib.pyplot as plt
import numpy as np

import numpyfa as fa
from numpyfa.theory import fixed_points as fp

images = fa.load("mnist").part(20, 1)
X = images.x_train[..., 0].reshape(-1, 7, 4, 7, 4).mean(axis=(2, 4)).reshape(20, 49) / 255  # 7 x 7 pixels
Y = np.eye(10)[images.y_train]
rng = np.random.default_rng(0)
W = [rng.uniform(-1, 1, (n, m)) / m**0.5 for m, n in ((49, 40), (40, 10))]  # 49-40-10, tanh, linear outputs
B = {2: 2 * rng.uniform(-1, 1, (40, 10)) / 40**0.5}

# %% 2. S is right: a whole update against it

step, h = fp.update(W, X, Y, "fa", B), 1e-5
moved = [fp.forward([w - s * h * d for w, d in zip(W, step)], X)[-1] for s in (1, -1)]
numeric = ((moved[0] - moved[1]) / (2 * h)).reshape(-1)
S = fp.stability(W, X, "fa", B)
E = (fp.forward(W, X)[-1] - Y).reshape(-1)
print(f"dE/dt by finite differences and -S E differ by {np.abs(numeric + S @ E).max() / np.abs(numeric).max():.0e}")

# %% 3. Two solutions of the same problem
#
# One found by backpropagation, one by feedback alignment, from the same start. Both have nearly no error.
#
# The loss changes by -E^T S E = -<gradient, update>. If the two make an acute angle for every E, that is if S + S^T is
# positive definite, S has no eigenvalue with a negative real part: alignment for every E is sufficient for stability.
# It is not necessary, and one acute angle is neither: the cosine printed is the hidden layer's, for the little E that
# is left. That E is not 0, where the linearisation holds: `polish` goes on to E = 0 by Gauss-Newton, w <- w - J^+ E.

solutions = {"BP": fp.descend(W, X, Y, "bp", None, 0.004, 20000), "FA": fp.descend(W, X, Y, "fa", B, 0.001, 40000)}
spectra = {}
for name, found in solutions.items():
    hidden = fp.cosine(found, X, Y, "fa", B, layers=[1])
    print(f"{name} solution: cosine of FA's hidden update and the gradient {hidden:+.2f}")
    for at, place in (("as trained", found), ("polished", fp.polish(found, X, Y))):
        basis = fp.range_of(fp.jacobian(place, X))
        S = basis.T @ fp.stability(place, X, "fa", B) @ basis
        spectra[name] = fp.spectrum(S)
        below = (spectra[name].real < 0).sum()
        least, symmetric = fp.least_parts(S)
        print(f"    {at}: loss {fp.loss(place, X, Y):.0e}, eigenvalues of S with Re < 0: {below} of {len(S)}")
        print(f"        least real part of S {least:+.2g}, least eigenvalue of (S + S^T) / 2 {symmetric:+.2g}")

# %% 4. How much alignment does it take?
#
# Keep the BP solution and mix a random B with W_2^T, for which feedback alignment is backpropagation:

random = np.random.default_rng(2).uniform(-1, 1, (40, 10))
W2 = solutions["BP"][1].T
random *= np.linalg.norm(W2) / np.linalg.norm(random)
for share in (0.0, 0.2, 0.4, 0.6, 0.8, 1.0):
    mixed = {2: (1 - share) * random + share * W2}
    least = fp.spectrum(fp.stability(solutions["BP"], X, "fa", mixed), fp.jacobian(solutions["BP"], X)).real.min()
    hidden = fp.cosine(solutions["BP"], X, Y, "fa", mixed, layers=[1])
    print(f"{share:.0%} W_2^T: cosine {hidden:+.2f}, least real part of S {least:+.2g}")

# %% 5. Push both, and go on under feedback alignment
#
# The backpropagation solution was found without regard to B. Its S has negative eigenvalues: pushed by a little noise,
# feedback alignment leaves it, and has not found as good a one 10,000 steps later. The one it found itself is safe.

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.5), layout="constrained")
for name, marker in (("BP", "o"), ("FA", "x")):
    pushed = [solutions[name][0] + 0.005 * np.random.default_rng(1).standard_normal((40, 49)), solutions[name][1]]
    course = [(0, fp.loss(pushed, X, Y))]

    def watch(step, now, course=course):
        if step % 50 == 0:
            course.append((step, fp.loss(now, X, Y)))

    fp.descend(pushed, X, Y, "fa", B, 0.001, 10000, after=watch)
    losses = np.array([loss for _, loss in course])
    print(
        f"{name} solution: pushed to {losses[0]:.3f}, at worst {losses.max():.3f}, 10,000 steps later {losses[-1]:.3f}"
    )
    left.plot(*zip(*course), label=f"{name} solution")
    right.plot(spectra[name].real, spectra[name].imag, marker, ms=4, mfc="none", label=f"{name} solution")
left.set(xlabel="steps of FA after the push", ylabel="loss", yscale="log")
right.set(xlabel="real part", ylabel="imaginary part", title="eigenvalues of S, polished")
right.set_xscale("symlog", linthresh=0.1)
left.legend()
right.legend()
plt.show()

# %% 6. What alignment does not say
#
# Stability is about where one can stay, not how well one does. `numpyfa reproduce fixed-points` scales W and B at the
# start: with feedback a hundred times larger the update aligns better with the gradient at the end than with feedback
# ten times larger, and the test error is three times as high. Whether alignment is needed is a question for the time in
# which the error falls, below what the output layer alone comes to, and not for the end: there no net of that study
# does well without (a cosine of 0.25 or more), though one ends at 0.19. And after a switch from backpropagation to
# feedback alignment under cross-entropy the loss falls on while the hidden layers' cosine is below zero, about as it
# does with the hidden layers frozen: the output layer, whose update is exact under every rule, does the work.
#
# In the study S is taken where the descent was stopped, at losses of 0.006 to 0.02, and at polished solutions. Of its
# 273 pairs of a solution and a B 63 are stable, and S + S^T is positive definite in 34 of these and in none of the 210
# others; polished, in 38 of 62 and in none of 211: sufficient, not necessary.
#
# Nor is every place where feedback alignment comes to rest an extremum of the loss. J^^T E = 0 means E = 0 only if the
# net can reach zero error. With 5 hidden units instead of 40 its update dies away while the gradient does not.
#
# The paper's own settings were not at hand: these are reconstructions from the claims in its abstract.
