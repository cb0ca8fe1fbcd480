# %% [markdown]
# # 03b Align, then memorise
#
# *An advanced part of notebook 03.*
#
# **You will be able to** tell the two phases of a student that learns by feedback alignment; say which of many
# equivalent solutions it ends in, and why; write the weights of a deep linear net by its feedback; and name what spoils
# alignment there.
#
# **You need** notebook 03a: overlaps, and $F$ in $v$'s place. The letters are those of `numpyfa/theory/__init__.py`:
# columns are examples, and a star is the teacher's.

# %%
import matplotlib.pyplot as plt
import numpy as np

from numpyfa.course import check
from numpyfa.lab.looks import looks
from numpyfa.theory import Overlaps, deep_linear, generalisation_error, integrate

# %% [markdown]
# ## 1. Two phases
#
# The student and the teacher of notebook 03a, now with $K = M = 2$ units and a random start. Under feedback alignment
# the error first falls to a plateau while the cosine of $v$ and $F$ goes to one (*align*), then to zero while the
# cosine may fall again (*memorise*).


# %%
def start(seed, feedback, K=2):
    """The overlaps of two random nets, with F under feedback alignment; and F."""
    rng = np.random.default_rng(seed)
    w, w_star = 0.5 * rng.standard_normal((K, 500)), rng.standard_normal((2, 500))
    v, F = 0.1 * rng.standard_normal(K), rng.standard_normal(K)
    Q, R, T = w @ w.T / 500, w @ w_star.T / 500, w_star @ w_star.T / 500
    return Overlaps(Q, R, T, v, np.ones(2), F if feedback else None), F


def cosine(a, b):
    return a @ b / np.linalg.norm(a) / np.linalg.norm(b)


begin, F = start(0, True)
times = [0.0, *np.geomspace(0.1, 2000, 40)]
course = integrate(begin, times, 0.2)
errors = [generalisation_error(now) for now in course]
cosines = [cosine(now.v, F) for now in course]
peak = int(np.argmax(cosines))
when = f"at t = {times[peak]:.0f}"
print(f"cos(v, F): {cosines[0]:.2f} at first, {cosines[peak]:.3f} {when}, {cosines[-1]:.3f} at the end")
print(f"error: {errors[0]:.2f} at first, {errors[peak]:.3f} {when}, {errors[-1]:.1e} at the end")

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.5), layout="constrained")
line = looks(["fa"])["fa"].line()
left.plot(times, errors, **line)
left.set(xscale="symlog", yscale="log", xlabel="time $t$ (steps / $N$)", ylabel="generalisation error")
right.plot(times, cosines, **line)
right.set(xscale="symlog", xlabel="time $t$ (steps / $N$)", ylabel="cosine of $v$ and $F$")
for ax in (left, right):
    ax.axvline(times[peak], color="0.6", lw=1, ls=":", label="highest cosine")
left.annotate("align", (times[peak], errors[-1]), (-8, 0), textcoords="offset points", ha="right")
left.annotate("memorise", (times[peak], errors[-1]), (8, 0), textcoords="offset points")
right.legend(loc="lower right")
plt.show()

# %% [markdown]
# The line is where the cosine is highest. It lies a little before the plateau: there the error still falls.
#
# ## 2. Which of the equivalent solutions
#
# $g$ is odd, so a unit with $(w_k, v_k)$ and one with $(-w_k, -v_k)$ answer the same. So each solution has copies by
# sign, two for each unit. (Units that change places give more copies still; they are left out of the count below.) In
# one copy all $v_k$ have the signs of $F$.
#
# ### Exercise 1: the copy with the signs of F
#
# A net is given by its overlaps. Write `copy(Q, R, v, F)`: the same net, some of its units turned round so that $v$ has
# the signs of $F$. It returns the new $(Q, R, v)$.


# %%
def copy(Q, R, v, F):
    """(Q, R, v) of the same net with the signs of F in v. Q is (K, K), R (K, M), v and F (K,)."""
    # BEGIN SOLUTION
    s = np.sign(v * F)
    return s[:, None] * Q * s, s[:, None] * R, s * v
    # END SOLUTION


copy = check("memorise.copy", copy).working

# %% [markdown]
# Nothing but the start tells the copies apart, for backpropagation. It should keep the signs that $v$ has at the start,
# unless a $v_k$ passes through zero. For feedback alignment it is different: the align phase has turned $v$ towards
# $F$, so that it ends in the copy whose signs are those of $F$. Count over ten starts:

# %%
agree = dict.fromkeys(["FA: sign of F", "FA: sign at the start", "BP: sign of F", "BP: sign at the start"], 0)
ends = {}
for seed in range(10):
    for name, feedback in (("FA", True), ("BP", False)):
        begin, F = start(seed, feedback)
        end = integrate(begin, [2000], 0.2, rtol=1e-6)[0]
        ends[name, seed] = end, F
        agree[f"{name}: sign of F"] += int((end.v * F > 0).sum())
        agree[f"{name}: sign at the start"] += int((end.v * begin.v > 0).sum())
print("of 20 units: " + ", ".join(f"{name} {count}" for name, count in agree.items()))
for name in ("FA", "BP"):
    plateau = sum(generalisation_error(ends[name, seed][0]) > 0.01 for seed in range(10))
    print(f"{name}: {plateau} of 10 runs are still on a plateau at t = 2000, with an error above 0.01")

# %% [markdown]
# Here feedback alignment takes the signs of $F$, all of them. Four of its runs have not reached a solution yet; their
# signs are counted as they stand. Backpropagation mostly ends in the copy next to its start: mostly, not always, and
# with $F$ its signs have nothing to do. (`numpyfa reproduce align-then-memorise` counts over more starts, with four
# units too, and there one unit of feedback alignment's is an exception; `docs/theory.md` has the table.)
#
# Is the copy that feedback picks a better one? It cannot be: it is the same net. Turn the units of a net that
# backpropagation has found.

# %%
end, F = next((end, F) for (name, _), (end, F) in ends.items() if name == "BP" and (end.v * F < 0).any())
Q, R, v = copy(end.Q, end.R, end.v, F)
turned = Overlaps(Q, R, end.T, v, end.v_star)
for name, net in (("as it was found", end), ("turned", turned)):
    print(f"BP's net {name}: cosine of v and F {cosine(net.v, F):+.2f}, error {generalisation_error(net):.2e}")

# %% [markdown]
# ## 3. Deep linear nets: alignment is an identity
#
# Direct feedback alignment in a net $y = W_L \cdots W_1 x$ from zero weights. Layer $l$ moves by
# $-\mathrm{lr}\, F_l\, e\, h_{l-1}^\top$, where $F_l$, $(n_l, n_L)$, brings the outputs' error to the layer. By
# induction $h_{l-1} = F_{l-1} c_{l-1}$ for a $c_{l-1}$ of only $n_L$ entries, the number of outputs: it holds at zero,
# and the update $F_l\, (e\, c_{l-1}^\top)\, F_{l-1}^\top$ keeps it. So at every step, exactly,
#
# $$W_1 = F_1 A_1, \qquad W_l = F_l A_l F_{l-1}^\top, \qquad W_L = A_L F_{L-1}^\top$$
#
# with *alignment matrices* $A_1$, $(n_L, n_0)$, and $A_l$, $(n_L, n_L)$, that learn by themselves:
# $A_l \leftarrow A_l - \mathrm{lr}\, e\, c_{l-1}^\top$, with $c_0 = x$. The feedback is written into the weights; all
# that is learned is in the small matrices $A_l$.
#
# ### Exercise 2: weights made of feedback
#
# Write `weights(F, A)` for a net of three layers: `F` is the list $[F_1, F_2]$, `A` is $[A_1, A_2, A_3]$, and it
# returns $[W_1, W_2, W_3]$. (Lists of Python count from 0.)


# %%
def weights(F, A):
    """[W_1, W_2, W_3] of F = [F_1 (n_1, n_3), F_2 (n_2, n_3)] and A = [A_1 (n_3, n_0), A_2 and A_3 (n_3, n_3)]."""
    # BEGIN SOLUTION
    return [F[0] @ A[0], F[1] @ A[1] @ F[0].T, A[2] @ F[1].T]
    # END SOLUTION


weights = check("memorise.weights", weights).working

# %%
rng = np.random.default_rng(0)
F = deep_linear.draw_feedback(rng, [100, 100], 3)
W, A, G = deep_linear.zero_weights(F, 10), deep_linear.zero_alignment(10, 3, 3), [f.T @ f for f in F]
W_star = rng.standard_normal((3, 10)) / 10**0.5
for _ in range(1000):
    x = rng.standard_normal((10, 32))
    deep_linear.learn_weights(W, F, x, W_star @ x, 0.02)
    deep_linear.learn_alignment(A, G, x @ x.T / 32, W_star @ x @ x.T / 32, 0.02)
worst = max(np.abs(a - b).max() for a, b in zip(W, weights(F, A)))
print(f"W_l against F_l A_l F_(l-1)^T after 1000 steps: at most {worst:.0e} apart")
print(f"{sum(each.size for each in W)} weights, {sum(each.size for each in A)} entries of the A_l")

# %% [markdown]
# ## 4. So what spoils alignment is a badly conditioned A_l
#
# What backpropagation would send to layer $l$ is, with $G_l = F_l^\top F_l$,
#
# $$W_{l+1}^\top \cdots W_L^\top e = F_l\, A_{l+1}^\top\, G_{l+1}\, A_{l+2}^\top \cdots G_{L-1}\, A_L^\top\, e$$
#
# If every $A_l$ from $A_2$ on is a positive multiple of the identity, and every $G_l$ too, that is along $F_l e$: no
# angle at all. But $A_l$, a sum over time of $-e\, c_{l-1}^\top$, takes on the shape of the targets. The more the
# outputs have in common, the more it leans one way:

# %%
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
    weight, signal = deep_linear.weight_alignment(A, G)[1], deep_linear.gradient_alignment(A, G, e)[0]
    condition = np.linalg.cond(A[2])
    print(f"rows share {shared:.0%}: condition of A_3 {condition:.1f}, weights {weight:.2f}, signals {signal:.2f}")

# %% [markdown]
# `weights` is the cosine of $W_3$ and $F_2^\top$, `signals` that of $F_1 e$ and what backpropagation would send to
# layer 1, the mean over examples. It is one draw for each case, after the same number of steps; the study has five
# draws, and more steps.

# %% [markdown]
# ## Open question
#
# The align phase turns $v$ to $F$ before the student knows one teacher unit from another, and the memorise phase may
# turn it away again. Is the first phase a help, a detour, or no more than a by-product? What would you compare: nets
# that start with $v = F$, nets that start with a $v$ of that size in another direction, backpropagation from both? And
# what must a control keep the same?

# %% [markdown]
# ## Sources
#
# - Refinetti, d'Ascoli, Ohana & Goldt 2021, *Align, then memorise: the dynamics of learning with feedback alignment*:
#   the two phases, the solution that feedback picks, the form of deep linear nets. The recursion of the $A_l$ is
#   derived here.
# - To read on: `numpyfa/theory/deep_linear.py`, `numpyfa/theory/student_teacher.py`, and `docs/theory.md`. The study at
#   full length is `numpyfa reproduce align-then-memorise`.

# %%
check.progress()
