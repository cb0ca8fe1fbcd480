# %% [markdown]
# # 03c Lillicrap's linear task
#
# *An advanced part of notebook 03.*
#
# **You will be able to** prove that feedback alignment learns a linear map, and say what the proof takes for granted;
# tell when $B$ acts as a pseudo-inverse of $W_2$, and when not; and say over which errors an angle is a mean.
#
# **You need** notebook 03: the flow, and its invariant. Of linear algebra the singular values and the pseudo-inverse.
# The letters are those of `numpyfa/theory/__init__.py`: columns are examples, and a star is the teacher's. (The paper
# writes $W_0$, $W$, $T$ and $-E$ for $W_1$, $W_2$, $W^*$ and $E$.)

# %%
import matplotlib.pyplot as plt
import numpy as np

from numpyfa.course import check
from numpyfa.lab.looks import BLACK, BLUE
from numpyfa.theory import linear_task as task

# %% [markdown]
# ## 1. The flow, and what it conserves
#
# A net $W_2 W_1 x$ learns the map $W^* x$, and $E = W_2 W_1 - W^*$ is all the error there is. For whitened inputs and a
# small learning rate
#
# $$\frac{dW_1}{dt} = -B E, \qquad \frac{dW_2}{dt} = -E W_1^\top \qquad
# \text{(backpropagation has } W_2^\top \text{ for } B \text{)}$$
#
# In the smallest net, with $W^* = B = 1$, each path is a parabola, $2 W_2 - W_1^2$ being constant:

# %%
one = np.array([[1.0]])
for mark, now in task.flow(one, 0 * one, 0 * one, one, "fa", 0.01, [0, 50, 100, 200, 1000]).items():
    W1, W2 = (each.item() for each in now)
    print(f"t = {mark * 0.01:4.1f}: W_1 = {W1:.3f}, W_2 = {W2:.3f}, 2 W_2 - W_1^2 = {2 * W2 - W1**2:+.3f}")

# %% [markdown]
# How far do these parabolas reach? The hyperbola $W_2 W_1 = 1$ has two branches. Near them
# $dE/dt = -(W_1^2 + W_2)\, E$, so they attract where $W_1^2 + W_2 > 0$. Put $W_2 = (W_1^2 + c) / 2$ into $W_2 W_1 = 1$:
# the cubic $W_1^3 + c\, W_1 = 2$ has one root for $c > -3$, on the upper branch, and three for $c < -3$, of which the
# middle one repels. So a start with $2 W_2 - W_1^2 > -3$ can only reach the upper branch. Below that, starts to the
# left of the middle root come to rest with $W_2 < 0$, against the sign of $B$. (The picture is in notebook 03.)
#
# For matrices it is $B W_2 + W_2^\top B^\top - W_1 W_1^\top$ that never changes:
#
# $$\frac{d}{dt} \left( B W_2 + W_2^\top B^\top - W_1 W_1^\top \right)
# = -B E W_1^\top - W_1 E^\top B^\top + B E W_1^\top + W_1 E^\top B^\top = 0$$
#
# In Euler's steps of $dt$ it drifts in proportion to $dt$, which is a sharp test of an implementation.

# %%
W_star, W1, W2, B = task.start(range(3), 0.01)  # 30-20-10, three seeds side by side
for dt in (0.02, 0.01, 0.005):
    end = task.flow(W_star, W1, W2, B, "fa", dt, [round(4 / dt)])[round(4 / dt)]
    drift = np.abs(task.invariant(*end, B) - task.invariant(W1, W2, B)).max()
    print(f"dt = {dt}: the invariant drifts by {drift:.4f}")

# %% [markdown]
# ## 2. Why the error must go to zero
#
# From zero weights $B W_2 + W_2^\top B^\top = W_1 W_1^\top$ for ever. Let $V = |B E|^2$, with
# $dE/dt = -E W_1^\top W_1 - W_2 B E$.
#
# ### Exercise 1: how fast V falls
#
# Write `fall(W_star, W_1, W_2, B)`: $dV/dt$ along the flow, for weights that the flow has made from zero. Write it as a
# sum of squares with a minus sign, so that one sees that it cannot be positive.


# %%
def fall(W_star, W_1, W_2, B):
    """dV/dt, one number. W_star is (n_2, n_0), W_1 (n_1, n_0), W_2 (n_2, n_1), B (n_1, n_2); the invariant is 0."""
    # BEGIN SOLUTION
    E = W_2 @ W_1 - W_star
    return -2 * np.sum((B @ E @ W_1.T) ** 2) - np.sum((W_1.T @ B @ E) ** 2)
    # END SOLUTION


fall = check("linear.fall", fall).working

# %% [markdown]
# $$\frac{dV}{dt} = -2\, |B E W_1^\top|^2 - 2\, \mathrm{tr}\!\left( E^\top B^\top (B W_2)\, B E \right)
# = -2\, |B E W_1^\top|^2 - |W_1^\top B E|^2 \le 0$$
#
# since only the symmetric part of $B W_2$ counts, and that is $W_1 W_1^\top / 2$. $V$ can stop falling only where both
# terms are zero: for a $B$ with independent columns, where $E W_1^\top = 0$ and $W_1^\top B E = 0$. Could the net stay
# there with $E$ not zero? Then $E W_1^\top$ stays zero, so
#
# $$0 = \frac{d (E W_1^\top)}{dt} = -E\, (B E)^\top - (E W_1^\top W_1 + W_2 B E)\, W_1^\top
# = -E E^\top B^\top - W_2 B\, (E W_1^\top) = -E E^\top B^\top$$
#
# and $E E^\top = 0$, that is $E = 0$: there is no other place to rest. What is taken for granted: zero weights at the
# start, whitened inputs, a small learning rate, independent columns of $B$ (so no more outputs than hidden units). And
# that the net gets there also needs its weights to stay bounded, which the paper shows. No step needed $W_2^\top$.

# %%
dt = 0.0025
kept = task.flow(W_star, 0 * W1, 0 * W2, B, "fa", dt, range(0, 1601, 200))
for mark, now in kept.items():
    V = task.lyapunov(W_star, *now, B)[0]
    rate = fall(W_star[0], now[0][0], now[1][0], B[0])
    print(f"t = {mark * dt:3.1f}: V = {V:.2e} and falls by {-rate:.1e} in a unit of time")

# %% [markdown]
# $V$ starts from rest: at zero weights $dV/dt$ is zero, and yet the net does not stay, since $W_1$ moves.

# %% [markdown]
# ## 3. What the weights become
#
# From zero weights each change of $W_1$ has $B$ on its left, and each change of $W_2$ has $W_1^\top$, hence $B^\top$,
# on its right. So, as in notebook 03b, $W_1 = B A_1$ and $W_2 = A_2 B^\top$ with alignment matrices $A_1$,
# $(n_2, n_0)$, and $A_2$, $(n_2, n_2)$. What does such a $W_2$ have to do with $B$?
#
# ### Exercise 2: pseudo-backpropagation
#
# If the hidden units change by $-a$, the outputs change by $-W_2 a$. Of all $a$ that take away the whole error,
# $W_2 a = e$, let $a$ be the smallest. It is $W_2^+ e$, with the pseudo-inverse $W_2^+$, and Lillicrap et al. call it
# *pseudo-backpropagation*: Gauss-Newton on the hidden units. Write `pseudo(W_2, e)`; each column of `e` is an
# example's, and $W_2$ has at least as many columns as rows, which are independent.


# %%
def pseudo(W_2, e):
    """W_2^+ e, (n_1, examples), of W_2 (n_2, n_1) with n_2 <= n_1 and e (n_2, examples)."""
    # BEGIN SOLUTION
    return W_2.T @ np.linalg.solve(W_2 @ W_2.T, e)
    # END SOLUTION


pseudo = check("linear.pseudo", pseudo).working

# %% [markdown]
# If $A_2$ is invertible,
#
# $$W_2^+ = B\, (B^\top B)^{-1} A_2^{-1} = B\, (W_2 B)^{-1}$$
#
# It lies in the directions that $B$ spans, as $B e$ does. But **that alone is no small angle**: $B e$ and $W_2^+ e$
# point the same way for every $e$ if and only if $W_2 B$ is a positive multiple of the identity.
#
# How near does learning come to that? With independent columns of $B$ the invariant says
# $A_2 + A_2^\top = A_1 A_1^\top$. Suppose $B^\top B = b\, 1$. Then, from zero, $A_1$ keeps the singular vectors of
# $W^*$ on both sides, and $A_2$ is symmetric. At $E = 0$
#
# $$W^* = b\, A_2 A_1 = \frac b2\, A_1 A_1^\top A_1$$
#
# so for a singular value $s$ of $W^*$ the matrix $A_1$ has $(2 s / b)^{1/3}$, and $W_2 B = b A_2$ has the eigenvalue
# $b^{1/3} (s / \sqrt 2)^{2/3}$. The power 2/3 makes them more alike than those of $W^*$. It does not make them equal.
#
# Now one example at a time, from small weights. Each angle is a mean over errors $e$, and **over which errors**
# matters. The first angles are over $e = E x$, the errors that are left. The second are over $e$ of all directions
# alike.

# %%
x = np.random.default_rng(1).standard_normal((2000, 3, 30))
probes = np.random.default_rng(2).standard_normal((30, 200))
alike = np.random.default_rng(3).standard_normal((10, 2000))


def angle(a, b):
    """The mean over columns of the angle between a's column and b's, in degrees."""
    return np.degrees(np.arccos((a * b).sum(axis=0) / np.linalg.norm(a, axis=0) / np.linalg.norm(b, axis=0))).mean()


def angles(W1, W2):
    """Of B e to W_2^T e and to W_2^+ e over e = E x, then the same over all directions; means over the seeds."""
    found = []
    for seed in range(3):
        for e in ((W2[seed] @ W1[seed] - W_star[seed]) @ probes, alike):
            found += [angle(B[seed] @ e, W2[seed].T @ e), angle(B[seed] @ e, pseudo(W2[seed], e))]
    return np.reshape(found, (3, 4)).mean(axis=0)


kept = task.learn(W_star, W1, W2, B, "fa", 0.008, x, range(0, 2001, 20))
found = {mark: angles(*now) for mark, now in kept.items()}
for mark in (0, 100, 300, 1000, 2000):
    bp, ps, any_bp, any_ps = found[mark]
    error = task.error(W_star, *kept[mark]).mean()
    words = f"{mark:4} examples: error {error:.1e}, B e is {bp:2.0f} degrees from W_2^T e, {ps:2.0f} from W_2^+ e"
    print(f"{words}; over all directions {any_bp:2.0f} and {any_ps:2.0f}")

# %%
W1_end, W2_end = kept[2000]
modes = np.linalg.svd(W2_end @ W1_end - W_star, compute_uv=False) ** 2
powers = np.linalg.svd(W_star, compute_uv=False) ** (2 / 3)
flat = np.trace(W2_end @ B, axis1=1, axis2=2) / np.linalg.norm(W2_end @ B, axis=(1, 2)) / 10**0.5
due = powers.mean(axis=1) / np.sqrt((powers**2).mean(axis=1))
print(f"in the first singular mode of E: {(modes[:, 0] / modes.sum(axis=1)).mean():.0%} of |E|^2")
print(f"cosine of W_2 B and the identity: {flat.mean():.2f}; of the powers 2/3 alone it would be {due.mean():.2f}")

# %% [markdown]
# Late in learning nearly all of $E$ lies in one singular mode. Then all errors $e = E x$ are nearly parallel, and the
# small angle to pseudo-backpropagation is the angle for one $e$, and no mean. Over all directions it stays where the
# powers 2/3, and a $B$ whose columns are not orthogonal, leave it. Nearer to pseudo-backpropagation than to
# backpropagation it is over both.
#
# And why does this one $e$ agree so well? When the weights hardly move any more,
# $dE/dt = -W_2 B\, E - E\, W_1^\top W_1$, and what is left of $E$ longest lies along the eigenvector $u$ of $W_2 B$
# with the least eigenvalue $\mu$. But there $W_2^+ u = B\, (W_2 B)^{-1} u = B u / \mu$, which is **parallel to $B u$,
# whatever $W_2 B$ is**. The last error to go is one on which the two rules agree.

# %%
for seed in range(3):
    product = W2_end[seed] @ B[seed]
    u = np.linalg.svd(W2_end[seed] @ W1_end[seed] - W_star[seed])[0][:, :1]  # the mode that is left, a column
    least = np.linalg.eigvals(product).real.min()
    print(f"seed {seed}: W_2 B u is {angle(product @ u, u):.1f} degrees from u and {np.linalg.norm(product @ u):.2f} "
          f"times as long; the least eigenvalue is {least:.2f}")  # fmt: skip

# %%
figure, ax = plt.subplots(figsize=(6, 3.8), layout="constrained")
for place, (words, colour) in enumerate((("BP, $W_2^\\top e$", BLACK), ("pseudo-BP, $W_2^+ e$", BLUE))):
    ax.plot(found.keys(), [each[place] for each in found.values()], "-", color=colour, label=f"to {words}; $e = E x$")
    ax.plot(found.keys(), [each[2 + place] for each in found.values()], "--", color=colour, label="... all directions")
ax.set(xlabel="examples", ylabel="angle of $B e$ (degrees)", ylim=(0, 100))
ax.legend()
plt.show()

# %% [markdown]
# ## Open question
#
# The paper shows small angles to pseudo-backpropagation from small weights, and takes this for a second way to see why
# feedback alignment works: $B$ acts as $W_2^+$. Over all directions the angle is not small. Does that count against the
# explanation? Which errors should a mean be over, if one asks what the hidden layer is taught?

# %% [markdown]
# ## Sources
#
# - Lillicrap, Cownden, Tweed & Akerman 2016, *Random synaptic feedback weights support error backpropagation for deep
#   learning* ([an earlier version, of 2014](https://arxiv.org/abs/1411.0247)): the task, the invariant, the proof,
#   pseudo-backpropagation. The powers 2/3, and why the last mode agrees, are derived here.
# - Refinetti, d'Ascoli, Ohana & Goldt 2021, *Align, then memorise*: alignment matrices.
# - To read on: `numpyfa/theory/linear_task.py`, and `docs/theory.md`, which also says where our angles from larger
#   weights are not the paper's. The study at full length is `numpyfa reproduce lillicrap-linear`.

# %%
check.progress()
