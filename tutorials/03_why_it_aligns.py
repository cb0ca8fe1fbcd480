# %% [markdown]
# # 03 Why it aligns
#
# **You will be able to** solve by hand the smallest net that learns through random feedback; name what feedback
# alignment conserves, and derive from it that $W_2^\top$ turns towards $B$ and that the error goes to zero; watch the
# same in a student of nonlinear units; and say what of real nets all this does not explain.
#
# **You need** notebook 02, and of linear algebra the trace and the size of a matrix, $|W|^2 = \mathrm{tr}(W W^\top)$.
# Notebooks 03a, 03b and 03c are the advanced part of this one.

# %%
import math

import matplotlib.pyplot as plt
import numpy as np

from numpyfa.course import check
from numpyfa.lab.looks import BLUE, GREY, looks

look = {name: each.line() for name, each in looks(["bp", "fa"]).items()}

# %% [markdown]
# ## 1. The letters of this notebook
#
# The theory has letters of its own, since its papers have; `numpyfa/theory/__init__.py` lists them all. **Columns are
# examples here**, so that every matrix is the transpose of what it was in notebooks 01 and 02:
#
# | here | meaning | in notebooks 01 and 02 |
# |---|---|---|
# | $x$, a column of $n_0$ numbers | an input | a row of `x` |
# | $W_1$, $(n_1, n_0)$ and $W_2$, $(n_2, n_1)$; the output is $W_2 W_1 x$ | weights | $W_1^\top$ and $W_2^\top$ |
# | $B$, $(n_1, n_2)$, left of $e$: the hidden units are told $B e$ | feedback in the place of $W_2^\top$ | $B^\top$ |
# | $W^*$, $(n_2, n_0)$ | the map that is to be learned; a star is the teacher's | |
# | $E = W_2 W_1 - W^*$, and $e = E x$ | the error of all examples at once, and of one | `error`, a row an example |
#
# **In notebooks 03 to 03c $e$ is the output minus the target.** In all others it is the learning signal at $h$, which
# is $B e$ in this one.
#
# The net is linear and has no biases: $h = W_1 x$, the output $W_2 h$, the target $W^* x$. One example moves
#
# $$W_2 \leftarrow W_2 - \mathrm{lr}\; e\, h^\top, \qquad W_1 \leftarrow W_1 - \mathrm{lr}\; (B e)\, x^\top$$
#
# Take the mean over inputs with $\langle x x^\top \rangle = 1$ (*whitened* inputs), where
# $\langle e h^\top \rangle = E \langle x x^\top \rangle W_1^\top = E W_1^\top$, and let the learning rate be small.
# Then the weights follow a *flow* in time, $t = \mathrm{lr}$ times the number of steps:
#
# $$\frac{dW_1}{dt} = -B E, \qquad \frac{dW_2}{dt} = -E W_1^\top$$
#
# Backpropagation has $W_2^\top$ for $B$; its flow goes down $|E|^2 / 2$ as steeply as possible. For feedback alignment
# there is no such loss.

# %% [markdown]
# ### Exercise 1: a step along the flow
#
# Follow the flow by Euler's method: in a short time $dt$ a weight changes by $dt$ times its rate. Write
# `step(W_star, W_1, W_2, B, dt)`, which returns the two new matrices.


# %%
def step(W_star, W_1, W_2, B, dt):
    """(W_1, W_2) a time dt later. W_star is (n_2, n_0), W_1 (n_1, n_0), W_2 (n_2, n_1), B (n_1, n_2)."""
    # BEGIN SOLUTION
    E = W_2 @ W_1 - W_star
    return W_1 - dt * B @ E, W_2 - dt * E @ W_1.T
    # END SOLUTION


step = check("why.step", step).working


def follow(W_star, W_1, W_2, B, dt, steps):
    """The weights after 0, 1, ... steps; by backpropagation where B is None."""
    path = [(W_1, W_2)]
    for _ in range(steps):
        W_1, W_2 = path[-1]
        path.append(step(W_star, W_1, W_2, W_2.T if B is None else B, dt))
    return path


# %% [markdown]
# ## 2. The smallest net
#
# One input, one hidden unit, one output: all matrices are numbers. Let $W^* = B = 1$, and start at zero.

# %%
one, zero = np.ones((1, 1)), np.zeros((1, 1))
for name, B in (("FA", one), ("BP", None)):
    path = follow(one, zero, zero, B, 0.002, 5000)
    for t in (0, 0.5, 1, 2, 10):
        W_1, W_2 = (each.item() for each in path[round(t / 0.002)])
        print(f"{name}, t = {t:4}: W_1 = {W_1:.3f}, W_2 = {W_2:.3f}, output minus target {W_2 * W_1 - 1:+.3f}")

# %% [markdown]
# Backpropagation never leaves zero: with $W_2 = 0$ the hidden unit is told nothing, with $W_1 = 0$ the output unit
# hears nothing. Feedback alignment leaves at once, since $B$ drives $W_1$ whatever $W_2$ is. Then $W_2$ follows, and it
# takes the sign of $B$. This is no accident:
#
# $$\frac{d}{dt} \left( 2 B W_2 - W_1^2 \right) = 2 B\,(-E W_1) - 2 W_1\,(-B E) = 0$$
#
# So $2 B W_2 - W_1^2$ never changes: every path is a **parabola** in the plane of $W_1$ and $W_2$. From zero,
# $2 B W_2 = W_1^2$, which is not negative. Hence $W_2$ has the sign of $B$, and what the hidden unit is told, $B E$,
# has the sign of what backpropagation would tell it, $W_2 E$. **That is feedback alignment**: $W_1$ learns first,
# driven by $B$, and what it has learned drags $W_2$ to the side of $B$.

# %% [markdown]
# ### Exercise 2: where it comes to rest
#
# The net rests where $E = 0$. On which point of its parabola is that? Write `rest(W_star, B)`, which returns
# $(W_1, W_2)$ for a start at zero, for any two numbers but 0, of either sign.


# %%
def rest(W_star, B):
    """(W_1, W_2), two numbers, where feedback alignment from (0, 0) ends."""
    # BEGIN SOLUTION
    W_1 = np.cbrt(2 * B * W_star)
    return W_1, W_star / W_1
    # END SOLUTION


rest = check("why.rest", rest).working

for W_star, B in ((1, 1), (1, -1), (-2, 0.5)):
    W_1, W_2 = (each.item() for each in follow(W_star * one, zero, zero, B * one, 0.002, 10_000)[-1])
    due_1, due_2 = rest(W_star, B)
    print(f"W* = {W_star}, B = {B}: the flow ends at ({W_1:.2f}, {W_2:.2f}), due is ({due_1:.2f}, {due_2:.2f})")

# %% [markdown]
# Here is the whole plane, for $W^* = B = 1$. The thick lines are where the error is zero (dotted where the flow runs
# away from them), the squares are starts. In the grey half $W_2$ has not the sign of $B$. Under backpropagation it is
# $W_2^2 - W_1^2$ that never changes, and the paths are hyperbolas.

# %%
grid = np.linspace(-3, 3, 41)
first, second = np.meshgrid(grid, grid)
E = second * first - 1
starts = [(-2.9, 1.5), (-1.5, 2.5), (0, 0), (1.5, -1.5), (-0.5, -2.5)]
figure, axes = plt.subplots(1, 2, figsize=(9, 4.4), sharey=True, layout="constrained")
for ax, name, B in ((axes[0], "fa", one), (axes[1], "bp", None)):
    told = E if name == "fa" else second * E  # what the hidden unit is told
    ax.axhspan(-3, 0, color="0.92", zorder=0)
    ax.streamplot(grid, grid, -told, -E * first, color="0.7", linewidth=0.6, arrowsize=0.7, zorder=1)
    for side in (1, -1):
        line = side * np.linspace(1 / 3, 3, 400)
        runs_away = (line**2 + 1 / line < 0) & (name == "fa")
        ax.plot(line, np.where(runs_away, np.nan, 1 / line), color=BLUE, lw=3)
        ax.plot(line, np.where(runs_away, 1 / line, np.nan), color=BLUE, lw=3, ls=":")
    for W_1, W_2 in starts:
        path = np.array(follow(one, W_1 * one, W_2 * one, B, 0.005, 4000)).reshape(-1, 2)
        ax.plot(*path.T, color=look[name]["color"], lw=1.3)
        ax.plot(W_1, W_2, "s", color=look[name]["color"], ms=5)
        ax.plot(*path[-1], "o", color=look[name]["color"], ms=6)
    ax.set(xlim=(-3.05, 3.05), ylim=(-3.05, 3.05), xlabel="$W_1$ (no unit)", title=f"{name.upper()}: squares to dots")
axes[0].set(ylabel="$W_2$ (no unit)")
plt.show()

# %% [markdown]
# Follow a parabola in the left picture. On it $E$ is a cubic in $W_1$, which goes from $-\infty$ to $\infty$ as $W_1$
# does, and with $dW_1/dt = -E$ the net runs to one of its roots: from *every* start it learns the task.
# (Backpropagation has starts from which it does not, those that run to zero and stay.) But look where it ends. Starts
# far enough to the left come to rest **below**, where $W_2$ has the opposite sign of $B$ (notebook 03c says which). In
# the grey half the hidden unit is told the opposite of what backpropagation would tell it. From the lowest start, which
# lies next to a solution, it even leaves this solution for another. It learns all the same: the layer above makes up
# for it. So alignment is what happens from small weights. It is no law for all weights, and in this net learning does
# not need it.

# %% [markdown]
# ## 3. Matrices
#
# Lillicrap et al. (2016) found what stays of the parabola when the numbers become matrices.
#
# ### Exercise 3: what never changes
#
# Find the matrix, $(n_1, n_1)$, that feedback alignment conserves. For one unit a layer it must be $2 B W_2 - W_1^2$.
# Work out $d(W_1 W_1^\top)/dt$ with the product rule, then look for what else has this rate. Write
# `invariant(W_1, W_2, B)`.


# %%
def invariant(W_1, W_2, B):
    """What the flow conserves, (n_1, n_1). W_1 is (n_1, n_0), W_2 (n_2, n_1), B (n_1, n_2)."""
    # BEGIN SOLUTION
    return B @ W_2 + W_2.T @ B.T - W_1 @ W_1.T
    # END SOLUTION


invariant = check("why.invariant", invariant).working

# %% [markdown]
# The flow conserves it exactly. Euler's steps leave it by an amount in proportion to $dt$: halve $dt$, and the drift
# halves. So it is also a sharp test of a program.

# %%
rng = np.random.default_rng(0)
W_star, small_1 = rng.uniform(-1, 1, (10, 30)), rng.uniform(-0.01, 0.01, (20, 30))  # Lillicrap et al.'s 30-20-10
small_2, B = rng.uniform(-0.01, 0.01, (10, 20)), rng.uniform(-0.5, 0.5, (20, 10))
for dt in (0.01, 0.005, 0.0025):
    W_1, W_2 = follow(W_star, small_1, small_2, B, dt, round(4 / dt))[-1]
    drift = np.abs(invariant(W_1, W_2, B) - invariant(small_1, small_2, B)).max()
    print(f"dt = {dt}: an entry of the invariant drifts by {drift:.3f} at most, until t = 4")

# %% [markdown]
# Start from zero weights. Then, at all times,
#
# $$B W_2 + W_2^\top B^\top = W_1 W_1^\top$$
#
# and $W_1 W_1^\top$ has no negative eigenvalue, just as $W_1^2$ is no negative number. How near is $W_2^\top$ to $B$?
# As vectors of all their entries they have the product
# $\langle B, W_2^\top \rangle = \sum_{ij} B_{ij} (W_2)_{ji} = \mathrm{tr}(B W_2)$.
#
# ### Exercise 4: the cosine of B and W_2^T
#
# Take the trace of both sides. Write `cosine(W_1, W_2, B)`, the cosine of $B$ and $W_2^\top$ for a net that started
# from zero, **from the sizes of the three matrices alone**.


# %%
def cosine(W_1, W_2, B):
    """<B, W_2^T> / (|B| |W_2|), one number, from |W_1|, |W_2| and |B|, where the invariant is 0."""
    # BEGIN SOLUTION
    return (W_1**2).sum() / (2 * np.linalg.norm(B) * np.linalg.norm(W_2))
    # END SOLUTION


cosine = check("why.cosine", cosine).working

# %% [markdown]
# So from zero weights $W_2^\top$ **must** be within $90^\circ$ of $B$, as soon as $W_1$ has learned anything at all.
# $W_1$ grows through $B$, and the trace of $B W_2$ grows with it, half as fast as $|W_1|^2$.
#
# Weights of 0.01 are nearly zero. Here are three nets from such weights. The control is backpropagation from the same
# weights, compared with the same $B$, of which it knows nothing.


# %%
def measured(W_2, B):
    """The cosine as it is."""
    return (B * W_2.T).sum() / np.linalg.norm(B) / np.linalg.norm(W_2)


dt, until = 0.0025, 8
times = np.arange(round(until / dt) + 1) * dt
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
for seed in range(3):
    rng = np.random.default_rng(seed)
    W_star, small_1 = rng.uniform(-1, 1, (10, 30)), rng.uniform(-0.01, 0.01, (20, 30))
    small_2, B = rng.uniform(-0.01, 0.01, (10, 20)), rng.uniform(-0.5, 0.5, (20, 10))
    for name in ("fa", "bp"):
        path = follow(W_star, small_1, small_2, B if name == "fa" else None, dt, len(times) - 1)
        error = [((W_2 @ W_1 - W_star) ** 2).sum() / (W_star**2).sum() for W_1, W_2 in path]
        found = [measured(W_2, B) for _, W_2 in path]
        left.semilogy(times, error, **look[name], label=name.upper() if seed == 0 else None)
        right.plot(times, found, **look[name])
        words = ", ".join(f"{found[round(t / dt)]:.2f} at t = {t}" for t in (0, 0.5, 8))
        law = f" (the law says {cosine(*path[-1], B):.2f})" if name == "fa" else ""
        print(f"seed {seed}, {name.upper()}: cosine of B and W_2^T {words}{law}; error {error[-1]:.0e} of what it was")
left.set(xlabel="time $t$ (lr times steps)", ylabel="$|E|^2 / |W^*|^2$", ylim=(1e-12, 3))
right.set(xlabel="time $t$ (lr times steps)", ylabel="cosine of $B$ and $W_2^\\top$", xlim=(-0.05, 2), ylim=(-0.3, 1))
left.legend()
plt.show()

# %% [markdown]
# What this picture may say: feedback alignment turns $W_2^\top$ towards $B$, and backpropagation does not turn it
# towards a matrix that it never sees. What it may not say: which rule is the faster. Both take the same $dt$, and small
# weights hold backpropagation back, as zero weights do for ever.
#
# **Is what the hidden units are told now within $90^\circ$ of backpropagation's?** Over errors $e$ of all directions
# alike the mean of their product is positive:
# $\langle (B e)^\top W_2^\top e \rangle = \mathrm{tr}(W_2 B) = \mathrm{tr}(B W_2) > 0$. For each $e$ by itself the law
# does not promise it. That would need the symmetric part of $W_2 B$, which is $(n_2, n_2)$, to have positive
# eigenvalues alone, and the invariant speaks of $B W_2$:

# %%
for seed in range(3):
    rng = np.random.default_rng(seed)
    W_star, B = rng.uniform(-1, 1, (10, 30)), rng.uniform(-0.5, 0.5, (20, 10))
    path = follow(W_star, np.zeros((20, 30)), np.zeros((10, 20)), B, dt, round(4 / dt))
    least = {}
    for t in (0.1, 4):
        product = path[round(t / dt)][1] @ B  # W_2 B
        least[t] = np.linalg.eigvalsh((product + product.T) / 2)[0]
    print(f"seed {seed}: least eigenvalue {least[0.1]:+.3f} at t = 0.1, {least[4]:+.3f} at t = 4")

# %% [markdown]
# Below zero there are errors $e$ for which the angle is above $90^\circ$. At the earlier time this happens in one of
# the three runs, at the end in none. Notebook 03c asks how small the angle becomes.
#
# **And the error?** Let $V = |B E|^2$, the size of what the hidden units are told. By the chain rule, with
# $dE/dt = -E W_1^\top W_1 - W_2 B E$,
#
# $$\frac{dV}{dt} = -2\,|B E W_1^\top|^2 - 2\,\mathrm{tr}\!\left( (B E)^\top\, (B W_2)\, (B E) \right)$$
#
# Only the symmetric part of $B W_2$ counts in the last term, and from zero weights that is $W_1 W_1^\top / 2$. So
#
# $$\frac{dV}{dt} = -2\,|B E W_1^\top|^2 - |W_1^\top B E|^2 \le 0$$
#
# $V$ never rises, and it is a *Lyapunov function*. If $B$ has independent columns, $B E = 0$ means $E = 0$, and there
# is no other place to rest. (Notebook 03c has the proof, and what it takes for granted.) **No step of it needed
# $W_2^\top$.**

# %%
path = follow(W_star, np.zeros((20, 30)), np.zeros((10, 20)), B, dt, round(4 / dt))
V = [((B @ (W_2 @ W_1 - W_star)) ** 2).sum() for W_1, W_2 in path]
print("V: " + ", ".join(f"{V[round(t / dt)]:.0e} at t = {t}" for t in (0, 1, 2, 3, 4)))
print(f"steps in which it rises: {(np.diff(V) > 0).sum()} of {len(V) - 1}")

# %% [markdown]
# ## 4. A student and its teacher
#
# Is this a matter of linear nets? Take units $g(u) = \mathrm{erf}(u / \sqrt 2)$, an S-shaped function, one output, and
# a target that is itself such a net: a *teacher* of $M$ hidden units with weights $w^*$ and $v^*$. The *student* has
# $K$ hidden units, $w$ of shape $(K, N)$ and $v$ of $K$ numbers. With $N$ inputs, and the fields
#
# $$\lambda = w x / \sqrt N, \qquad \rho = w^* x / \sqrt N, \qquad e = v \cdot g(\lambda) - v^* \cdot g(\rho)$$
#
# each fresh example $x$, of $N$ standard normal numbers, moves
#
# $$w \leftarrow w - \frac{\mathrm{lr}}{\sqrt N}\, e\, (F \odot g'(\lambda))\, x^\top, \qquad
# v \leftarrow v - \frac{\mathrm{lr}}{N}\, e\, g(\lambda)$$
#
# $F$, a vector of $K$ random numbers, is the feedback; backpropagation has $v$ in its place. (With one output there is
# no difference between layer by layer and direct feedback, and the theory writes $F$. In the code $\lambda$ is `field`,
# since Python has another use for `lambda`.)


# %%
def g(u):
    """erf(u / sqrt 2), entry by entry."""
    return np.vectorize(math.erf)(u / np.sqrt(2))


def slope(u):
    """g', entry by entry."""
    return np.sqrt(2 / np.pi) * np.exp(-(u**2) / 2)


# %% [markdown]
# ### Exercise 5: one step of the student
#
# Write `learn(w, v, F, x, target, lr)`, which returns the new $w$ and $v$. `target` is the teacher's answer.


# %%
def learn(w, v, F, x, target, lr):
    """(w, v) after one example. w is (K, N), v and F are (K,), x is (N,), target a number."""
    # BEGIN SOLUTION
    N = len(x)
    field = w @ x / np.sqrt(N)
    e = v @ g(field) - target
    return w - lr / np.sqrt(N) * e * np.outer(F * slope(field), x), v - lr / N * e * g(field)
    # END SOLUTION


learn = check("why.student", learn).working

# %%
N, K = 100, 5
times = np.linspace(0, 20, 41)
figure, ax = plt.subplots(figsize=(5.5, 3.6), layout="constrained")
for seed in range(3):
    for name in ("fa", "bp"):
        rng = np.random.default_rng(seed)  # the same nets and examples for both rules
        teacher = np.sqrt(N) * np.linalg.qr(rng.standard_normal((N, K)))[0].T  # K orthogonal units, v* of ones
        w = np.sqrt(0.2) * rng.standard_normal((K, N))
        v, F = 0.1 * rng.standard_normal(K), rng.standard_normal(K)
        cosines = []
        for number in range(round(times[-1] * N) + 1):
            if number % (N // 2) == 0:
                cosines.append(v @ F / np.linalg.norm(v) / np.linalg.norm(F))
            x = rng.standard_normal(N)
            target = g(teacher @ x / np.sqrt(N)).sum()
            w, v = learn(w, v, F if name == "fa" else v, x, target, lr=0.2)
        ax.plot(times, cosines, **look[name], label=name.upper() if seed == 0 else None)
        first, last = cosines[0], cosines[-1]
        print(f"seed {seed}, {name.upper()}: cosine of v and F {first:+.2f} at first, {last:+.2f} at t = 20")
ax.set(xlabel="time $t$ (steps / $N$)", ylabel="cosine of $v$ and $F$", ylim=(-1, 1.05))
ax.axhline(0, color=GREY, lw=0.6)
ax.legend()
plt.show()

# %% [markdown]
# $v$ turns to $F$, from wherever it was, and under backpropagation, which knows no $F$, it does not. The reason is the
# one of the smallest net. At first $v$ is small and $w$ knows nothing of the teacher, so that the error is the
# teacher's answer, $e = -v^* \cdot g(\rho)$. The mean update of unit $i$ is then along
#
# $$F_i\ \langle g'(\lambda_i) \rangle\ \sum_n v^*_n \langle g'(\rho_n) \rangle\, w^*_n$$
#
# which is $F_i$ times one and the same direction, if the units are of one length: the teacher's mean direction. So
# every unit comes to answer along it, in proportion to $F_i$; and $v_i$, which grows as its unit's answer goes with the
# teacher's, grows in proportion to $F_i$ too. The feedback is written into $w$ first, and $v$ reads it out.

# %% [markdown]
# ## 5. What this does not explain
#
# - **Large weights.** The law of exercise 4 needs a start at or near zero. Else a constant is left over, and the
#   smallest net shows what it can do: it learned with the hidden unit told the opposite of the truth.
# - **The end of learning.** Alignment is strong when $v$ and $W_2$ have just grown. In notebook 03b the student later
#   turns a little away from $F$, as it fits the teacher better.
# - **Depth.** One hidden layer, one $B$. With several, linear ones included, it is the feedback of one layer after the
#   other that is written into the weights, and targets that have much in common spoil it (notebook 03b).
# - **Real data.** Inputs are not whitened, examples come again, units saturate. And nothing here speaks of a
#   convolution, whose filters are shared by all places (notebook 06).
# - **Whether it stays.** That a solution is reached says nothing of what happens when weights are pushed away from it:
#   alignment is one criterion of stability among others (notebook 08).
# - **Whether learning needs it.** That alignment and learning come together in nets does not make one the cause of the
#   other. `docs/theory.md` has what we measured on that question, and a claim of ours that did not hold.

# %% [markdown]
# ## Open question
#
# In the smallest net a start far at the left ends with $W_2$ and $B$ of opposite signs, and the error is zero. In nets
# with hidden layers of many units, trained on images, alignment and low errors are found together. Is alignment a
# *cause* of learning there, or does it only come along with it? Which experiment could tell the two apart? (Think of
# what you can set in a net: the start, the size of $B$, which layers learn. And of what a control must keep the same.)

# %% [markdown]
# ## Sources
#
# - Lillicrap, Cownden, Tweed & Akerman 2016, *Random synaptic feedback weights support error backpropagation for deep
#   learning* ([an earlier version, of 2014](https://arxiv.org/abs/1411.0247)): the linear task, the invariant, and the
#   proof.
# - Refinetti, d'Ascoli, Ohana & Goldt 2021, *Align, then memorise*: the student and the teacher, and deep linear nets.
# - Saad & Solla 1995, *On-line learning in soft committee machines*: the equations of student and teacher.
# - To read on: `numpyfa/theory/linear_task.py` and `numpyfa/theory/student_teacher.py`, `docs/theory.md` with the
#   studies at full length, and notebooks 03a, 03b and 03c.

# %%
check.progress()
