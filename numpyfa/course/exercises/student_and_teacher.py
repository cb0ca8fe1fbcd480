"""Exercises of notebook 03a: a student, a teacher, and their overlaps. The letters are those of `numpyfa.theory`."""

import numpy as np

from ..exercise import Identity, exercise, sizes


def two_nets(rng, n, square):
    """w of a student and w* of a teacher; in square draws with as many units."""
    K, M, N = sizes(rng, 3, square)
    return rng.standard_normal((M if square else K, N)) + 0.3, rng.standard_normal((M, N))


def fields(answer, w, w_star):
    """How far the answer is from the mean products of the fields over the inputs sqrt(N) times each unit vector."""
    N = w.shape[1]
    x = np.sqrt(N) * np.eye(N)  # N inputs, one a column, whose mean product x x^T is the identity
    student, teacher = w @ x / np.sqrt(N), w_star @ x / np.sqrt(N)
    due = (student @ student.T / N, student @ teacher.T / N, teacher @ teacher.T / N)
    return max(np.abs(a - b).max() for a, b in zip(answer(w, w_star), due))


@exercise(
    "student.overlaps",
    draw=two_nets,
    batch=False,
    identity=Identity("they are the mean products of the fields", fields),
    hints=(
        "Each is a product of two matrices over N: student with student, student with teacher, teacher with teacher.",
        "w is K x N and w* is M x N, so Q = w w^T / N is K x K, and R = w w*^T / N is K x M.",
    ),
)
def overlaps(w, w_star):
    N = w.shape[1]
    return w @ w.T / N, w @ w_star.T / N, w_star @ w_star.T / N


@overlaps.wrong("no N", "not divided by N, the number of inputs: as N grows these would grow with it")
def _(w, w_star):
    return w @ w.T, w @ w_star.T, w_star @ w_star.T


@overlaps.wrong("sqrt N", "divided by sqrt N: each field has 1 / sqrt N, and an overlap is a product of two")
def _(w, w_star):
    return tuple(np.sqrt(w.shape[1]) * each for each in overlaps.solution(w, w_star))


@overlaps.wrong("over units", "divided by len(w), the number of units: N is the number of inputs, w.shape[1]")
def _(w, w_star):
    return tuple(w.shape[1] / len(w) * each for each in overlaps.solution(w, w_star))


@overlaps.wrong("R transposed", "R is transposed: R_in is student's unit i with teacher's unit n, K x M")
def _(w, w_star):
    Q, R, T = overlaps.solution(w, w_star)
    return Q, R.T, T


@overlaps.wrong(
    "cosines", "these are cosines: an overlap keeps the lengths, and Q_ii is a unit's squared length over N"
)
def _(w, w_star):
    a, b = (each / np.linalg.norm(each, axis=1, keepdims=True) for each in (w, w_star))
    return a @ a.T, a @ b.T, b @ b.T


@overlaps.wrong("centred", "you subtract each unit's mean weight, as a covariance does: here nothing is subtracted")
def _(w, w_star):
    return overlaps.solution(*(each - each.mean(axis=1, keepdims=True) for each in (w, w_star)))


@overlaps.wrong("order", "the three are in another order: return (Q, R, T)")
def _(w, w_star):
    Q, R, T = overlaps.solution(w, w_star)
    return Q, T, R


def some_overlaps(rng, n, square):
    """Q, R, T, v and v* of two nets."""
    w, w_star = two_nets(rng, n, square)
    return *overlaps.solution(w, w_star), rng.standard_normal(len(w)), rng.standard_normal(len(w_star))


def price(answer, Q, R, T, v, v_star):
    """How far the answer is from 0 where the student is the teacher, and its slope in R_00 from Price's theorem.

    That is d<g(a) g(b)>/dC_ab = <g'(a) g'(b)>, so the slope is -v_0 v*_0 <g'(lambda_0) g'(rho_0)>.
    """
    h, moved = 1e-5, np.zeros_like(R)
    moved[0, 0] = h
    found = (answer(Q, R + moved, T, v, v_star) - answer(Q, R - moved, T, v, v_star)) / (2 * h)
    slopes = 2 / np.pi / np.sqrt((1 + Q[0, 0]) * (1 + T[0, 0]) - R[0, 0] ** 2)
    return max(abs(answer(T, T, T, v_star, v_star)), abs(found + v[0] * v_star[0] * slopes))


def average(C):
    """<g(u_a) g(u_b)> of all pairs."""
    size = np.sqrt(1 + np.diag(C))
    return 2 / np.pi * np.arcsin(C / np.outer(size, size))


def with_signs(C, s, I2=average):
    return s @ I2(C) @ s / 2


@exercise(
    "student.error",
    draw=some_overlaps,
    batch=False,
    identity=Identity("it is 0 for a student that is its teacher, and its slope is Price's", price),
    hints=(
        "Put the fields of student and teacher into one vector u, with C = [[Q, R], [R^T, T]]: np.block does it.",
        "e = sum_c s_c g(u_c) with s = (v, -v*): np.concatenate([v, -v_star]).",
        "The mean of e^2 is sum_cd s_c s_d I2(c, d) = s @ I2 @ s, where I2 is a matrix; half of it is due.",
    ),
)
def error(Q, R, T, v, v_star):
    C = np.block([[Q, R], [R.T, T]])
    s = np.concatenate([v, -v_star])
    size = np.sqrt(1 + np.diag(C))
    I2 = 2 / np.pi * np.arcsin(C / np.outer(size, size))
    return s @ I2 @ s / 2


@error.wrong("no half", "twice too large: the generalisation error is half of the mean of e^2")
def _(Q, R, T, v, v_star):
    return 2 * error.solution(Q, R, T, v, v_star)


@error.wrong("added", "the teacher's answer is added: e is the student's answer minus the teacher's, so s = (v, -v*)")
def _(Q, R, T, v, v_star):
    return error.solution(Q, R, T, v, -v_star)


@error.wrong(
    "no ones", "the ones are missing: arcsin(C_cd / sqrt((1 + C_cc)(1 + C_dd))); without them this is another unit's"
)
def _(Q, R, T, v, v_star):
    C = np.block([[Q, R], [R.T, T]])
    size = np.sqrt(np.diag(C))
    return with_signs(
        C, np.concatenate([v, -v_star]), lambda C: 2 / np.pi * np.arcsin(np.clip(C / np.outer(size, size), -1, 1))
    )


@error.wrong("no arcsin", "the arcsin is missing, and with it the unit's form")
def _(Q, R, T, v, v_star):
    C = np.block([[Q, R], [R.T, T]])
    return with_signs(C, np.concatenate([v, -v_star]), lambda C: np.sin(np.pi / 2 * average(C)) * 2 / np.pi)


@error.wrong(
    "linear units", "this is the error of linear units, where the average of two is C_cd: g is erf(u / sqrt 2)"
)
def _(Q, R, T, v, v_star):
    return with_signs(np.block([[Q, R], [R.T, T]]), np.concatenate([v, -v_star]), lambda C: C)


@error.wrong(
    "unit by unit",
    "the products of different units are missing: e^2 is the square of a sum, so the sum runs over c and d",
)
def _(Q, R, T, v, v_star):
    C = np.block([[Q, R], [R.T, T]])
    return with_signs(C, np.concatenate([v, -v_star]), lambda C: np.diag(np.diag(average(C))))


@error.wrong("R once", "the products of student and teacher count twice in the square, once as R and once as R^T")
def _(Q, R, T, v, v_star):
    C = np.block([[Q, R], [0 * R.T, T]])
    return with_signs(C, np.concatenate([v, -v_star]))
