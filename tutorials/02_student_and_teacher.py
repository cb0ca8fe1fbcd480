"""A student learns from a teacher: why the second layer aligns with random feedback, and equations that say how fast.

python tutorials/02_student_and_teacher.py          or cell by cell; `numpyfa reproduce student-teacher` is all of it
"""

# %% 1. The setting
#
# A teacher net has M hidden units, w* (M x N), and output weights v*; a student has K units, w (K x N), and v. (The
# letters are those of `numpyfa.theory`, which lists them all; a star is the teacher's.) Inputs are x ~ N(0, I_N), units
# g(u) = erf(u / sqrt 2), and with the fields
#
#     lambda = w x / sqrt N,   rho = w* x / sqrt N,   e = v g(lambda) - v* g(rho)
#
# one fresh example a step moves
#
#     w <- w - lr / sqrt N  e (f * g'(lambda)) x^T,     v <- v - lr / N  e g(lambda)
#
# Backpropagation takes f = v: what a hidden unit is told passes through its own output weight. Feedback alignment takes
# f = F, a vector of K numbers, random and fixed: v enters its update of w only through the error e.

import os

# Before NumPy: with other work on the machine BLAS threads make small products many times slower.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import matplotlib.pyplot as plt
import numpy as np

from numpyfa.theory import Overlaps, generalisation_error, integrate, simulate

K, lr = 5, 0.2
rng = np.random.default_rng(0)
v, F = 0.1 * rng.standard_normal(K), rng.standard_normal(K)

# %% 2. Few numbers are enough
#
# The error depends on w and w* only through the fields, jointly Gaussian with covariance [[Q, R], [R^T, T]]:
#
#     Q = w w^T / N,   R = w w*^T / N,   T = w* w*^T / N
#
# Multiply the update of w by w^T and w*^T: each step changes Q and R by something of order 1/N, with fluctuations that
# average out over the many steps of a time t = steps / N. Let N grow while K and M stay as they are. What is left are
# Gaussian averages, known in closed form:
#
#     dR_in/dt = -lr f_i <g'(lambda_i) rho_n e>
#     dQ_ik/dt = -lr (f_i <g'(lambda_i) lambda_k e> + f_k <g'(lambda_k) lambda_i e>)
#              + lr^2 f_i f_k <g'(lambda_i) g'(lambda_k) e^2>
#     dv_i/dt  = -lr <g(lambda_i) e>
#
# `numpyfa.theory.integrals` has the averages. Here is theory beside one simulated net, from the poster's start: R = 0,
# Q = 0.2 times the identity, a teacher whose units are orthogonal.

eye = np.eye(K)
starts = {
    "BP": Overlaps(0.2 * eye, 0 * eye, eye, v, np.ones(K)),
    "FA": Overlaps(0.2 * eye, 0 * eye, eye, v, np.ones(K), F),
}
times = [0.0, *np.geomspace(0.1, 100, 30)]
theory = {name: integrate(start, times, lr) for name, start in starts.items()}
simulation = {name: simulate(start, 500, times, lr, seeds=(0,)) for name, start in starts.items()}
for name in starts:
    apart = max(np.abs(simulation[name][t][0].v - now.v).max() for t, now in zip(times, theory[name]))
    errors = [generalisation_error(each) for each in (theory[name][-1], simulation[name][times[-1]][0])]
    print(f"{name}: error {errors[0]:.3f} in theory, {errors[1]:.3f} simulated; v differs by at most {apart:.3f}")

# From R = 0 backpropagation's units begin alike but for a small v: which of them grow is decided by fluctuations that
# theory leaves out. Hence its larger difference.

# %% 3. Why v turns towards F
#
# At the start w knows nothing of the teacher (R = 0). As long as v is small the error is the teacher's answer, e = -v*
# g(rho), and the mean update of w_i is along
#
#     F_i <g'(lambda_i)> sum_n v*_n <g'(rho_n)> w*_n,     <g'(rho_n)> = sqrt(2 / pi) / sqrt(1 + T_nn)
#
# Here all T_nn are equal, and all Q_ii, so this is F_i times one and the same direction, the teacher's mean direction
# m = sum_n v*_n w*_n. So unit i comes to answer in proportion to F_i, and dv_i/dt = -lr <g(lambda_i) e>, which rewards
# what correlates with the teacher, is in proportion to F_i too. v becomes parallel to F: from there on F is a fair
# stand-in for v, and feedback alignment is nearly backpropagation.


def cosine(a, b):
    return a @ b / np.linalg.norm(a) / np.linalg.norm(b)


for name in starts:
    course = ", ".join(f"{cosine(theory[name][times.index(t)].v, F):.2f} at t = {t:.1f}" for t in times[::9])
    print(f"{name}: cosine of v and F {course}")

figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.5), layout="constrained")
for name, style in (("BP", "-"), ("FA", "--")):
    left.plot(times, [generalisation_error(now) for now in theory[name]], style, label=f"{name}, theory")
    left.plot(times, [generalisation_error(simulation[name][t][0]) for t in times], ".", color="0.5")
    right.plot(times, [cosine(now.v, F) for now in theory[name]], style, label=name)
left.set(xscale="symlog", xlabel="t = steps / N", ylabel="generalisation error")
right.set(xscale="symlog", xlabel="t = steps / N", ylabel="cosine of v and F")
left.legend()
right.legend()
plt.show()

# %% 4. What to try
#
# - Both errors stop at a plateau: from R = 0 nothing tells one teacher unit from another, and in theory nothing ever
#   will. Give R a small random start: the differences grow and the student leaves the plateau. That is "memorise", the
#   next page.
# - unit="linear": the averages become products of overlaps, and you can integrate the equations by hand.
# - F = -v to begin with: feedback that says the opposite of the truth. How long does it take v to turn around?
