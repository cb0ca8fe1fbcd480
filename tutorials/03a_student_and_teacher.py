# %% [markdown]
# # 03a A student learns from a teacher
#
# *An advanced part of notebook 03.*
#
# **You will be able to** reduce a net of thousands of weights to a few overlaps, write its error by them, follow it by
# equations without a single example, and say why the second layer aligns with random feedback, and how fast.
#
# **You need** notebook 03, Gaussian averages, and ordinary differential equations. The letters are those of
# `numpyfa/theory/__init__.py`, which lists them all: columns are examples, and a star is the teacher's.

# %%
import matplotlib.pyplot as plt
import numpy as np

from numpyfa.course import check
from numpyfa.lab.looks import GREY, looks
from numpyfa.theory import Overlaps, generalisation_error, integrate, matching_weights, simulate

# %% [markdown]
# ## 1. The setting
#
# A teacher net has $M$ hidden units, $w^*$ of shape $(M, N)$, and output weights $v^*$; a student has $K$ units, $w$ of
# shape $(K, N)$, and $v$. Inputs are $x \sim N(0, 1_N)$, a unit's function is $g(u) = \mathrm{erf}(u / \sqrt 2)$, and
# with the fields
#
# $$\lambda = w x / \sqrt N, \qquad \rho = w^* x / \sqrt N, \qquad e = v \cdot g(\lambda) - v^* \cdot g(\rho)$$
#
# one fresh example a step moves
#
# $$w \leftarrow w - \frac{\mathrm{lr}}{\sqrt N}\, e\, (f \odot g'(\lambda))\, x^\top, \qquad
# v \leftarrow v - \frac{\mathrm{lr}}{N}\, e\, g(\lambda)$$
#
# Backpropagation takes $f = v$: what a hidden unit is told passes through its own output weight. Feedback alignment
# takes $f = F$, a vector of $K$ numbers, random and fixed: $v$ enters the update of $w$ only through the error $e$.

# %% [markdown]
# ## 2. Few numbers are enough
#
# The error depends on $w$ and $w^*$ only through the fields, and these are jointly Gaussian with mean 0. Their
# covariance consists of the *overlaps*
#
# $$Q = w w^\top / N, \qquad R = w w^{*\top} / N, \qquad T = w^* w^{*\top} / N, \qquad
# C = \begin{pmatrix} Q & R \\ R^\top & T \end{pmatrix}$$
#
# ### Exercise 1: overlaps
#
# Write `overlaps(w, w_star)`, which returns $(Q, R, T)$.


# %%
def overlaps(w, w_star):
    """(Q, R, T), of shapes (K, K), (K, M) and (M, M), of w (K, N) and w_star (M, N)."""
    # BEGIN SOLUTION
    N = w.shape[1]
    return w @ w.T / N, w @ w_star.T / N, w_star @ w_star.T / N
    # END SOLUTION


overlaps = check("student.overlaps", overlaps).working

# %% [markdown]
# ### Exercise 2: the error from the overlaps
#
# With the signs $s = (v, -v^*)$ and the fields $u = (\lambda, \rho)$ the error is one sum, $e = \sum_c s_c\, g(u_c)$,
# and the mean over all inputs needs one Gaussian average, which is known in closed form (Saad & Solla 1995):
#
# $$\tfrac12 \langle e^2 \rangle = \tfrac12 \sum_{c,d} s_c s_d\, I_2(c, d), \qquad
# I_2(c, d) = \langle g(u_c)\, g(u_d) \rangle = \frac{2}{\pi} \arcsin \frac{C_{cd}}{\sqrt{(1 + C_{cc})(1 + C_{dd})}}$$
#
# Write `error(Q, R, T, v, v_star)`, the generalisation error $\frac12 \langle e^2 \rangle$.


# %%
def error(Q, R, T, v, v_star):
    """Half the mean of e^2 over all inputs, one number."""
    # BEGIN SOLUTION
    C = np.block([[Q, R], [R.T, T]])
    s = np.concatenate([v, -v_star])
    size = np.sqrt(1 + np.diag(C))
    I2 = 2 / np.pi * np.arcsin(C / np.outer(size, size))
    return s @ I2 @ s / 2
    # END SOLUTION


error = check("student.error", error).working

# %% [markdown]
# Multiply the update of $w$ by $w^\top$ and by $w^{*\top}$: each step changes $Q$ and $R$ by something of order $1/N$,
# with fluctuations that average out over the many steps of a time $t$, which is the number of steps over $N$. Let $N$
# grow while $K$ and $M$ stay as they are. What is left are Gaussian averages:
#
# $$\frac{dR_{in}}{dt} = -\mathrm{lr}\, f_i\, \langle g'(\lambda_i)\, \rho_n\, e \rangle, \qquad
# \frac{dv_i}{dt} = -\mathrm{lr}\, \langle g(\lambda_i)\, e \rangle$$
#
# $$\frac{dQ_{ik}}{dt} = -\mathrm{lr}\, \big( f_i \langle g'(\lambda_i) \lambda_k e \rangle
# + f_k \langle g'(\lambda_k) \lambda_i e \rangle \big)
# + \mathrm{lr}^2 f_i f_k \langle g'(\lambda_i) g'(\lambda_k) e^2 \rangle$$
#
# `numpyfa.theory.integrals` has the averages in closed form. Here is theory beside one simulated net, from the start of
# a poster that this course goes back to: $R = 0$, $Q$ is 0.2 times the identity, the teacher's units are orthogonal.

# %%
K, N, lr = 5, 500, 0.2
rng = np.random.default_rng(0)
v, F = 0.1 * rng.standard_normal(K), rng.standard_normal(K)
eye = np.eye(K)
starts = {
    "BP": Overlaps(0.2 * eye, 0 * eye, eye, v, np.ones(K)),
    "FA": Overlaps(0.2 * eye, 0 * eye, eye, v, np.ones(K), F),
}
w, w_star = matching_weights(starts["FA"], N, np.random.default_rng(0))  # random weights with these very overlaps
Q, R, T = overlaps(w, w_star)
apart = max(np.abs(Q - 0.2 * eye).max(), np.abs(R).max(), np.abs(T - eye).max())
ours = generalisation_error(starts["FA"])
print(f"{w.size + w_star.size} weights, {Q.size + R.size + T.size} overlaps, as they should be to {apart:.0e}")
print(f"error by your formula {error(Q, R, T, v, np.ones(K)):.3f}, by the library's {ours:.3f}")

# %%
times = [0.0, *np.geomspace(0.1, 100, 30)]
theory = {name: integrate(start, times, lr) for name, start in starts.items()}
simulation = {name: simulate(start, N, times, lr, seeds=(0,)) for name, start in starts.items()}


def error_of(now):
    """The error of a library's set of overlaps, by your formula."""
    return error(now.Q, now.R, now.T, now.v, now.v_star)


for name in starts:
    apart = max(np.abs(simulation[name][t][0].v - now.v).max() for t, now in zip(times, theory[name]))
    errors = [error_of(each) for each in (theory[name][-1], simulation[name][times[-1]][0])]
    print(f"{name}: error {errors[0]:.3f} in theory, {errors[1]:.3f} simulated; v differs by at most {apart:.3f}")

# %% [markdown]
# Under backpropagation the difference is larger. From $R = 0$ its units begin alike but for a small $v$, and each grows
# at a pace in proportion to its own $v_i$, so that small differences grow too. Theory knows the $v$ of the start and
# says from it which units grow, and how far. A net of finite $N$ also has fluctuations, which theory leaves out, and
# they grow as well. If this is all that is missing, the difference must shrink as $N$ grows:

# %%
for size in (50, 300):
    nets = simulate(starts["BP"], size, times, lr, seeds=range(3))
    apart = [max(np.abs(nets[t][each].v - now.v).max() for t, now in zip(times, theory["BP"])) for each in range(3)]
    print(f"BP, N = {size:3}: v differs by at most {np.mean(apart):.2f}, the mean of three nets")

# %% [markdown]
# ## 3. Why v turns towards F
#
# At the start $w$ knows nothing of the teacher, $R = 0$. As long as $v$ is small the error is the teacher's answer,
# $e = -v^* \cdot g(\rho)$, and by Stein's lemma the mean update of $w_i$ is along
#
# $$F_i\, \langle g'(\lambda_i) \rangle \sum_n v^*_n \langle g'(\rho_n) \rangle\, w^*_n, \qquad
# \langle g'(\rho_n) \rangle = \sqrt{\frac{2}{\pi}}\, \frac{1}{\sqrt{1 + T_{nn}}}$$
#
# Here all $T_{nn}$ are equal, and all $Q_{ii}$, so this is $F_i$ times one and the same direction, the teacher's mean
# direction $\sum_n v^*_n w^*_n$. So $R_{in}$ grows in proportion to $F_i$. And as long as $R$ is small,
# $dv_i/dt = \mathrm{lr} \sum_n v^*_n I_2(i, n)$ is in proportion to $R_{in}$, and so to $F_i$ too. What $v$ has grown
# by is parallel to $F$, and soon it outweighs what $v$ was at the start. From there on $F$ is a fair stand-in for $v$,
# and feedback alignment is nearly backpropagation.
#
# The control is backpropagation from the same start: its $v$ knows no $F$.


# %%
def cosine(a, b):
    return a @ b / np.linalg.norm(a) / np.linalg.norm(b)


for name in starts:
    course = ", ".join(f"{cosine(theory[name][times.index(t)].v, F):.2f} at t = {t:.1f}" for t in times[::9])
    print(f"{name}: cosine of v and F {course}")

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.5), layout="constrained")
for name in starts:
    line = looks([name.lower()])[name.lower()].line()
    left.plot(times, [error_of(now) for now in theory[name]], **line, label=f"{name}, theory")
    points = [error_of(simulation[name][t][0]) for t in times]
    left.plot(times, points, ".", color=GREY, label="simulated" if name == "FA" else None)
    right.plot(times, [cosine(now.v, F) for now in theory[name]], **line)
left.set(xscale="symlog", xlabel="time $t$ (steps / $N$)", ylabel="generalisation error")
right.set(xscale="symlog", xlabel="time $t$ (steps / $N$)", ylabel="cosine of $v$ and $F$")
left.legend()
plt.show()

# %% [markdown]
# What the left picture may not say is which rule is the faster: both have the same learning rate, and backpropagation
# waits for its small $v$ to grow. And it is one draw of $v$ and $F$, and it began at a cosine above zero.
# `numpyfa reproduce student-teacher` repeats it for others, which begin below zero too, and for ten simulated nets
# (`docs/theory.md` has the table).

# %% [markdown]
# ## 4. What to try
#
# - Both errors stop at a plateau: from $R = 0$ nothing tells one teacher unit from another, and in theory nothing ever
#   will. Give $R$ a small random start: the differences grow and the student leaves the plateau. That is "memorise",
#   notebook 03b.
# - `unit="linear"`: the averages become products of overlaps, and you can integrate the equations by hand.
# - $F = -v$ to begin with: feedback that says the opposite of the truth. How long does it take $v$ to turn around?

# %% [markdown]
# ## Open question
#
# The argument of section 3 needs units of equal length, a small $v$, and a teacher with a mean direction. Give the
# student units of very different lengths. Or take a teacher without a mean direction: two units on one line, of
# different lengths, with $\sum_n v^*_n \langle g'(\rho_n) \rangle\, w^*_n = 0$. What does $F$ do for the student then?
# Predict, then integrate.

# %% [markdown]
# ## Sources
#
# - Saad & Solla 1995, *On-line learning in soft committee machines*: the overlaps, the averages and the equations.
# - Goldt, Advani, Saxe, Krzakala & Zdeborová 2019, *Dynamics of stochastic gradient descent for two-layer neural
#   networks in the teacher-student setup*: with a second layer that learns.
# - Refinetti, d'Ascoli, Ohana & Goldt 2021, *Align, then memorise*: with $F$ in $v$'s place.
# - To read on: `numpyfa/theory/student_teacher.py`, `numpyfa/theory/integrals.py`, and `docs/theory.md`. The study at
#   full length is `numpyfa reproduce student-teacher`.

# %%
check.progress()
