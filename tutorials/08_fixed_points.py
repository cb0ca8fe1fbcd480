# %% [markdown]
# # 08 Fixed points and stability
#
# **You will be able to** write how the error of a whole training set moves under feedback alignment, as one matrix $S$;
# tell from $S$ which solutions it stays at and which it leaves; say what an acute angle has to do with that; and say
# how large a learning rate a solution bears.
#
# **You need** notebook 02 (what feedback alignment changes, and the angle), and eigenvalues, also of matrices that are
# not symmetric.
#
# The question is that of Chu & Bacho (2023): feedback alignment is not the descent of any loss, so why does it come to
# rest, and where? We know their paper's claims, not its settings. What follows is a reconstruction.

# %%
import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy: on small products threads only wait for each other

import matplotlib.pyplot as plt
import numpy as np

import numpyfa as fa
from numpyfa import show
from numpyfa.course import check
from numpyfa.lab.looks import BLUE, VERMILION, looks
from numpyfa.theory import fixed_points as fp

# %% [markdown]
# ## 1. The error as one vector that moves
#
# Take a net with one hidden layer and a few examples, all in every update. Rows are examples, as ever:
#
# $$z = x W_1, \qquad h = \tanh z, \qquad E = h W_2 - \mathrm{target}$$
#
# $E$ is (N, K) for $N$ examples and $K$ outputs. Read it as one vector of $N K$ entries, and all weights as one vector
# $w$. Everything else is in the Jacobian $J = \partial E / \partial w$, which is ($N K$, weights). With the loss
# $|E|^2 / 2$, a sum over the examples and not their mean, the gradient is $J^\top E$.
#
# Here are 20 images of MNIST, each averaged to 7 x 7 pixels, and a net of 49-40-10.

# %%
images = fa.load("mnist").part(20, 1)
x = images.x_train[..., 0].reshape(20, 7, 4, 7, 4).mean(axis=(2, 4)).reshape(20, 49) / 255
target = np.eye(10)[images.y_train]

rng = np.random.default_rng(0)
W1, W2 = (rng.uniform(-1, 1, (n, m)) / n**0.5 for n, m in ((49, 40), (40, 10)))
B = 2 * rng.uniform(-1, 1, (10, 40)) / 40**0.5

# %% [markdown]
# Feedback alignment replaces $W_2^\top$ by $B$ on the way back. Its update is then $\hat J^\top E$, where $\hat J$ is
# $J$ with $B$ in the place of $W_2^\top$. So one function gives both: $M$ is what stands where $W_2^\top$ stands.
#
# ### Exercise 1: the Jacobian of the hidden layer
#
# Write `jacobian(x, z, M)`: $\partial E / \partial W_1$, one row for each entry of $E$ and one column for each entry of
# $W_1$, both in the order of NumPy's `ravel()`: $E_{pk}$ is row $p K + k$, and $W_1[i, j]$ is column
# $i \cdot \mathrm{units} + j$.


# %%
def jacobian(x, z, M):
    """dE/dW_1, (N K, inputs units), from x (N, inputs), z (N, units) and M (K, units), in W_2^T's place."""
    # BEGIN SOLUTION
    blocks = np.einsum("pi,pj,kj->pkij", x, 1 - np.tanh(z) ** 2, M)
    return blocks.reshape(len(x) * len(M), -1)
    # END SOLUTION


jacobian = check("stable.jacobian", jacobian).working

# %% [markdown]
# The output layer's Jacobian is $\partial E_{pk} / \partial W_2[j, m] = h_{pj}$ if $k = m$, and $0$ if not. As a matrix
# this is the Kronecker product of $h$ and the identity. No feedback is on the way to $W_2$, so it is the same under
# both rules. Is $\hat J^\top E$ what feedback alignment does? Here is its update as notebook 02 has it, without the
# division by $N$, beside it:


# %%
def update(x, W1, W2, target, M):
    """(dW_1, dW_2): the gradient of |E|^2 / 2 with M = W_2^T, feedback alignment's update with M = B."""
    h = np.tanh(x @ W1)
    E = h @ W2 - target
    delta = (E @ M) * (1 - h**2)
    return x.T @ delta, h.T @ E


def both_jacobians(x, W1, M):
    """(J_1, J_2), each (N K, weights of the layer)."""
    z = x @ W1
    return jacobian(x, z, M), np.kron(np.tanh(z), np.eye(len(M)))


E = (np.tanh(x @ W1) @ W2 - target).ravel()
for mine, J in zip(update(x, W1, W2, target, B), both_jacobians(x, W1, B)):
    print(f"J^ is {J.shape[0]} x {J.shape[1]}; the update and J^^T E differ by {abs(mine.ravel() - J.T @ E).max():.0e}")

# %% [markdown]
# ## 2. The matrix S
#
# Let the weights follow $-\hat J^\top E$. What the error does then is a chain rule with two factors, one of the net and
# one of the rule:
#
# $$\frac{dw}{dt} = -\hat J^\top E, \qquad \frac{dE}{dt} = J \frac{dw}{dt} = -J \hat J^\top E = -S E,
# \qquad S = J \hat J^\top = S_1 + S_2$$
#
# Under backpropagation $S = J J^\top$ is symmetric and has no negative eigenvalue: $E$ can only shrink. Under feedback
# alignment $S_1 = J_1 \hat J_1^\top$ is not symmetric, and anything is possible. $S_2 = J_2 J_2^\top$ is exact under
# both.
#
# ### Exercise 2: S
#
# Write `stability(x, W1, W2, B)` for this net, with your `jacobian`.


# %%
def stability(x, W1, W2, B):
    """S = J J^^T over both layers, (N K, N K)."""
    # BEGIN SOLUTION
    z = x @ W1
    J2 = np.kron(np.tanh(z), np.eye(W2.shape[1]))
    return jacobian(x, z, W2.T) @ jacobian(x, z, B).T + J2 @ J2.T
    # END SOLUTION


stability = check("stable.S", stability).working

# %% [markdown]
# Two checks. A whole update of the net, by finite differences, changes $E$ by $-S E$. And `numpyfa.theory` has $S$ too,
# written apart from this page, for any depth; its $W$ and $B$ are the papers', the transposed of ours.

# %%
S, small = stability(x, W1, W2, B), 1e-5
dW1, dW2 = update(x, W1, W2, target, B)
moved = [np.tanh(x @ (W1 - s * dW1)) @ (W2 - s * dW2) for s in (small, -small)]
numeric = (moved[0] - moved[1]).ravel() / (2 * small)
print(f"dE/dt by finite differences and -S E differ by {np.abs(numeric + S @ E).max() / np.abs(numeric).max():.0e}")
theirs = fp.stability([W1.T, W2.T], x, "fa", {2: B.T})
print(f"S and the library's S differ by {np.abs(S - theirs).max():.0e}")

# %%
first = slice(0, 30)  # the 10 outputs of the first 3 examples
show.matrices(
    {"S of backpropagation": stability(x, W1, W2, W2.T)[first, first], "S of feedback alignment": S[first, first]}
)
plt.show()

# %% [markdown]
# Each block is a pair of examples. On the left it is symmetric. On the right $S_2$ is still to be seen, as the
# diagonals of the blocks; what lies around them is $S_1$, which mixes the outputs as $W_2$ and $B$ happen to do.

# %% [markdown]
# ## 3. Three criteria
#
# At $E = 0$ every rule stands still: this is a fixed point. $S$ changes with $w$, but near a fixed point only a little.
# So push the net off it by a little, and take $S$ as constant, which is to *linearise* there: $dE/dt = -S E$ has the
# solutions $e^{-\lambda t} v$, one for each eigenvector $v$ of $S$ with its eigenvalue $\lambda$. The push dies away if
# every $\lambda$ has a positive real part, and a part of it grows if one has a negative real part.
#
# This is a statement about the end. What happens at once is another question:
#
# $$\frac{d}{dt} \frac{|E|^2}{2} = -E^\top S E = -\langle J^\top E, \hat J^\top E \rangle$$
#
# The loss falls if the update and the gradient make an *acute angle*. So there are three criteria:
#
# - **acute here**: $E^\top S E > 0$ for the $E$ at hand, one angle below a right one;
# - **acute for every E**: $S + S^\top$ is positive definite;
# - **stable**: every eigenvalue of $S$ has a positive real part.
#
# The second implies the other two. (For an eigenvector $v = a + ib$, $\bar v^\top S v = \lambda |v|^2$, and the real
# part of the left side is $a^\top S a + b^\top S b$.) It is sufficient for stability and not necessary. One acute angle
# is neither.
#
# ### Exercise 3: the rate in the end
#
# Write `slowest(S)`: the least real part of an eigenvalue of $S$. Above 0, $S$ is stable.


# %%
def slowest(S):
    """The least real part of an eigenvalue of S, one number."""
    # BEGIN SOLUTION
    return np.linalg.eigvals(S).real.min()
    # END SOLUTION


slowest = check("stable.spectrum", slowest).working

# %% [markdown]
# ### Exercise 4: the worst angle
#
# Write `least_fall(S)`: the least value of $E^\top S E$ over all $E$ of length 1. Above 0, the angle is acute for every
# $E$.


# %%
def least_fall(S):
    """The least E^T S E over |E| = 1, one number."""
    # BEGIN SOLUTION
    return np.linalg.eigvalsh((S + S.T) / 2)[0]
    # END SOLUTION


least_fall = check("stable.acute", least_fall).working

# %% [markdown]
# Three matrices of two by two, and the paths of $E$ from 16 starts on a circle. A start is blue where the angle is
# acute there, so that the loss falls at once, and orange and dashed where it is not.


# %%
def path(S, E, times):
    """E(t) = exp(-S t) E at each time, by the eigenvectors of S."""
    eigenvalues, V = np.linalg.eig(S)
    return np.real(V @ (np.exp(-eigenvalues * times[:, None]) * np.linalg.solve(V, E)).T)


examples = {
    "acute for every E": np.array([[1.0, 1.0], [-1.0, 0.6]]),
    "stable, not acute for every E": np.array([[1.0, 6.0], [0.0, 2.0]]),
    "not stable": np.array([[1.0, 1.6], [1.4, 1.0]]),
}
figure, axes = plt.subplots(1, 3, figsize=(9, 3.3), layout="constrained")
for ax, (name, small_S) in zip(axes, examples.items()):
    acute = 0
    for turn in np.linspace(0, 2 * np.pi, 16, endpoint=False):
        start = np.array([np.cos(turn), np.sin(turn)])
        falls = start @ small_S @ start > 0
        acute += falls
        line = path(small_S, start, np.linspace(0, 4, 400))
        ax.plot(*line, color=BLUE if falls else VERMILION, ls="-" if falls else "--", lw=1)
        ax.plot(*start, "o", color=BLUE if falls else VERMILION, ms=3)
    ax.plot(0, 0, "k+", ms=8)
    ax.set(title=name, xlabel="first entry of E", xlim=(-1.9, 1.9), ylim=(-1.9, 1.9), aspect="equal")
    least, worst = slowest(small_S), least_fall(small_S)
    print(f"{name:30} least real part {least:+.2f}, least E^T S E {worst:+.2f}, acute at {acute} of 16 starts")
axes[0].set_ylabel("second entry of E")
plt.show()

# %% [markdown]
# On the left every path goes inwards all the time. In the middle some go outwards before they come back. On the right
# most starts are acute, and yet their paths turn and run away: the loss falls, and then it rises.

# %% [markdown]
# ## 4. Two solutions of the same problem
#
# Train the net from one start to nearly no error, once by backpropagation and once by feedback alignment. Then ask of
# both what feedback alignment, with its $B$, would do there. The linearisation holds at $E = 0$, and training ends near
# it, not at it. So go on to $E = 0$ by Gauss-Newton, $w \leftarrow w - J^+ E$ with the pseudo-inverse $J^+$, which the
# library calls `polish`, and ask there too.


# %%
def loss(W1, W2):
    return 0.5 * ((np.tanh(x @ W1) @ W2 - target) ** 2).sum()


def descend(W1, W2, B, lr, steps, every=None):
    """((W_1, W_2), the losses at each `every` steps): feedback alignment, or backpropagation if B is None."""
    W1, W2, losses = W1.copy(), W2.copy(), []
    for step in range(steps):
        if every and step % every == 0:
            losses.append(loss(W1, W2))
        dW1, dW2 = update(x, W1, W2, target, W2.T if B is None else B)
        W1 -= lr * dW1
        W2 -= lr * dW2
    return (W1, W2), losses


def polish(W1, W2):
    return [W.T for W in fp.polish([W1.T, W2.T], x, target)]


def cosine(a, b):
    return (a * b).sum() / np.linalg.norm(a) / np.linalg.norm(b)


LR = 0.004
solutions = {"BP": descend(W1, W2, None, LR, 10000)[0], "FA": descend(W1, W2, B, LR, 10000)[0]}
polished = {name: polish(*found) for name, found in solutions.items()}
for name, found in solutions.items():
    hidden = cosine(update(x, *found, target, B)[0], update(x, *found, target, found[1].T)[0])
    print(f"{name} solution: cosine of FA's hidden update and the gradient {hidden:+.2f}")
    for at, place in (("as trained", found), ("polished", polished[name])):
        S = stability(x, *place, B)
        below = (np.linalg.eigvals(S).real < 0).sum()
        print(f"    {at}: loss {loss(*place):.0e}, eigenvalues of S with Re < 0: {below} of {len(S)}")
        print(f"        least real part {slowest(S):+.2g}, least E^T S E {least_fall(S):+.2g}")
    rank = np.linalg.matrix_rank(np.hstack(both_jacobians(x, polished[name][0], polished[name][1].T)))
    print(f"    rank of J: {rank} of {E.size}")

# %% [markdown]
# $S$ is asked on every $E$. That is right here, since moving the weights can make every $E$: $J$ has as many
# independent rows as there are entries. In a net with fewer weights than that, ask on the range of $J$ alone
# (`fp.range_of`).
#
# The solution that feedback alignment found is stable under it, and passes the strictest criterion. Backpropagation's
# is not stable under it, although the angle for the $E$ that was left is acute there too: one acute angle is not
# enough.
#
# Is it the weights that are stable, then? The control: keep both solutions, and draw other $B$, of the same size.

# %%
for name, place in polished.items():
    found = []
    for seed in range(10):
        other = 2 * np.random.default_rng(seed + 1).uniform(-1, 1, B.shape) / 40**0.5
        found.append((np.linalg.eigvals(stability(x, *place, other)).real < 0).sum())
    stable = sum(each == 0 for each in found)
    print(f"{name} solution, 10 other B: stable under {stable}; {min(found)} to {max(found)} negative real parts")

# %% [markdown]
# No. Under another $B$ feedback alignment's solution is as unstable as backpropagation's. Stability is a property of
# the pair of $W$ and $B$. And mind what it does not show. A descent can only end where it can stay. So that we found it
# at a stable place follows from the fact that it came to rest, and says nothing yet of what brought it there.

# %% [markdown]
# ## 5. How much alignment does it take?
#
# Keep backpropagation's solution, polished, and go from a random $B$ to $W_2^\top$, with which feedback alignment is
# backpropagation. The cosine is that of the hidden layer's update and gradient, for the $E$ that training left:

# %%
E_left = (np.tanh(x @ solutions["BP"][0]) @ solutions["BP"][1] - target).ravel()  # at the end of training
polished_W1, polished_W2 = polished["BP"]
random = np.random.default_rng(2).uniform(-1, 1, B.shape)
random *= np.linalg.norm(polished_W2) / np.linalg.norm(random)
for share in (0.0, 0.2, 0.4, 0.6, 0.8, 1.0):
    mixed = (1 - share) * random + share * polished_W2.T
    hidden = cosine(*(jacobian(x, x @ polished_W1, M).T @ E_left for M in (mixed, polished_W2.T)))
    least = slowest(stability(x, polished_W1, polished_W2, mixed))
    print(f"{share:.0%} W_2^T: cosine {hidden:+.2f}, least real part of S {least:+.2g}")

# %% [markdown]
# Partly aligned feedback is enough: $S$ becomes stable long before $B$ is $W_2^\top$. A cosine above zero alone is not.
# The output layer helps, since $S_2$ never has a negative eigenvalue.

# %% [markdown]
# ## 6. Push both
#
# Now let the net itself speak. Add a little noise to $W_1$ of each solution, and go on under feedback alignment.
# Nothing is linearised here.

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.5), layout="constrained")
look = looks(["bp", "fa"])
for name, marker in (("BP", "o"), ("FA", "x")):
    style = look[name.lower()]
    pushed = solutions[name][0] + 0.005 * np.random.default_rng(1).standard_normal(W1.shape)
    after, losses = descend(pushed, solutions[name][1], B, LR, 2500, every=10)
    end = loss(*after)
    print(f"{name} solution: pushed to {losses[0]:.3f}, at worst {max(losses):.3f}, 2,500 updates later {end:.3f}")
    left.plot(10 * np.arange(len(losses)), losses, label=f"{name} solution", **style.line())
    spectrum = np.linalg.eigvals(stability(x, *polished[name], B))
    right.plot(spectrum.real, spectrum.imag, marker, ms=4, mfc="none", color=style.colour, label=f"{name} solution")
left.set(xlabel="updates of FA after the push", ylabel="loss, sum over 20 examples", yscale="log")
right.set(xlabel="real part", ylabel="imaginary part", title="eigenvalues of S, polished")
right.set_xscale("symlog", linthresh=0.1)
right.axvline(0, color="black", lw=0.8)
left.legend()
right.legend()
plt.show()

# %% [markdown]
# Feedback alignment leaves the solution that was found without regard to $B$: the loss climbs far before it falls
# again. The one it found itself is safe. The figure is of one seed; `numpyfa reproduce fixed-points` is of three.

# %% [markdown]
# ## 7. How large may the learning rate be?
#
# So far time was continuous. A step $w \leftarrow w - \mathrm{lr}\, \hat J^\top E$ makes
# $E \leftarrow E - \mathrm{lr}\, S E$ near a fixed point, and multiplies each mode by $1 - \mathrm{lr}\, \lambda$. For
# this the real parts must be positive *and* the step small.
#
# ### Exercise 5: the limit
#
# Given the eigenvalues of a stable $S$, find the `lr` below which every mode dies away. They are complex: what counts
# is $|1 - \mathrm{lr}\, \lambda|$.


# %%
def largest_lr(eigenvalues):
    """The lr at which the first mode stops dying away, from complex eigenvalues with positive real parts."""
    # BEGIN SOLUTION
    return (2 * eigenvalues.real / np.abs(eigenvalues) ** 2).min()
    # END SOLUTION


largest_lr = check("stable.lr", largest_lr).working

# %% [markdown]
# Does the net keep to it? Take feedback alignment's polished solution, push it by very little, and go on with a
# learning rate below and above the limit.

# %%
spectrum = np.linalg.eigvals(stability(x, *polished["FA"], B))
limit = largest_lr(spectrum)
print(f"the limit is lr = {limit:.4f}; so far it was {LR}")
pushed = polished["FA"][0] + 1e-6 * np.random.default_rng(1).standard_normal(W1.shape)
for share in (0.5, 0.9, 1.1):
    after, _ = descend(pushed, polished["FA"][1], B, share * limit, 100)
    ratio = loss(*after) / loss(pushed, polished["FA"][1])
    factor = np.abs(1 - share * limit * spectrum).max()
    print(f"{share} of the limit: largest |1 - lr lambda| {factor:.5f}, loss after 100 updates {ratio:.0e} times")

# %% [markdown]
# With mini-batches, momentum or another optimiser the limit is another, but the way to it is the same: write one update
# as a matrix on small $E$, and look at the moduli of its eigenvalues.

# %% [markdown]
# ## 8. What this does not say
#
# **A fixed point need not be a solution.** $\hat J^\top E = 0$ means $E = 0$ only if the net can reach zero error. Take
# 5 hidden units instead of 40: feedback alignment comes to rest where the gradient is not zero, so at no extremum of
# the loss.

# %%
rng = np.random.default_rng(0)
V1, V2 = (rng.uniform(-1, 1, (n, m)) / n**0.5 for n, m in ((49, 5), (5, 10)))
narrow_B = 2 * rng.uniform(-1, 1, (10, 5)) / 5**0.5


def sizes(V1, V2):
    """|update| of feedback alignment and |gradient|, over both layers."""
    mine, true = update(x, V1, V2, target, narrow_B), update(x, V1, V2, target, V2.T)
    return [np.linalg.norm(np.concatenate([part.ravel() for part in each])) for each in (mine, true)]


at_start = sizes(V1, V2)
(V1, V2), _ = descend(V1, V2, narrow_B, 0.01, 20000)
for name, now, before in zip(("FA's update", "the gradient"), sizes(V1, V2), at_start):
    print(f"5 hidden units: {name} has {now / before:.0e} of its size at the start")

# %% [markdown]
# **Stability is not performance.** It says where a rule can stay, not how well the net does there on new examples, nor
# how it gets there. In the study behind this page, feedback scaled up by a hundred aligns better at the end than
# feedback scaled up by ten, and its test error is far higher. But both have the same learning rate, which is too large
# for the first: with a smaller one its test error is near the others', and its angle at the end is no better. Nor does
# stability at the end ask for alignment on the way, when $E$ is large and $S$ changes.
#
# **One layer can carry the others.** After a switch from backpropagation to feedback alignment under cross-entropy the
# loss may fall on while the hidden layers' cosine is below zero, about as it does with the hidden layers frozen: the
# output layer does the work. The numbers of all this are in `docs/theory.md`, section Fixed points.

# %% [markdown]
# ## Open question
#
# Feedback alignment can only come to rest where $S$ is stable. So a stable $S$ at its end is no evidence that alignment
# *made* it stable: it may as well be that the net wandered until it met a stable place. What would you measure during
# training to tell these two apart, and against which control?

# %% [markdown]
# ## Sources
#
# - Chu & Bacho (2023), *Random feedback alignment algorithms to train neural networks: why do they align?*,
#   `arXiv:2306.02325`. Read by us: the abstract.
# - Lillicrap, Cownden, Tweed & Akerman (2016), *Random synaptic feedback weights support error backpropagation for deep
#   learning*: the condition $e^\top W B e > 0$, the acute angle of one hidden layer.
# - `numpyfa/theory/fixed_points.py`: $S$ for any depth, for FA and DFA, without $J$ itself;
#   `numpyfa/papers/fixed_points` is the study, `numpyfa reproduce fixed-points` runs it, and `docs/theory.md` has what
#   came out.

# %%
check.progress()
