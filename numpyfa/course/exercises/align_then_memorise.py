"""Exercises of notebook 03b: two phases, and deep linear nets. The letters are those of `numpyfa.theory`."""

import numpy as np

from ...theory import Overlaps, deep_linear, generalisation_error
from ..exercise import Identity, exercise, sizes


def a_student(rng, n, square):
    """Q, R and v of a student, and F, which has the sign of v for some units and the other sign for some."""
    K, M = sizes(rng, 2, square)
    w, w_star = rng.standard_normal((K, 30)), rng.standard_normal((M, 30))
    v, F = rng.standard_normal(K), rng.standard_normal(K)
    F[:2] = [-2 * v[0], 2 * v[1]]
    return w @ w.T / 30, w @ w_star.T / 30, v, F


def same_net(answer, Q, R, v, F):
    """How much the error under some teacher changes, and by how much v is not |v| with the signs of F."""
    M = R.shape[1]
    T = (1 + np.linalg.norm(R) ** 2 / np.linalg.eigvalsh(Q)[0]) * np.eye(M)  # long enough for a covariance
    new_Q, new_R, new_v = answer(Q, R, v, F)
    before = generalisation_error(Overlaps(Q, R, T, v, np.ones(M)))
    after = generalisation_error(Overlaps(new_Q, new_R, T, new_v, np.ones(M)))
    return max(abs(before - after), np.abs(new_v - np.sign(F) * np.abs(v)).max())


@exercise(
    "memorise.copy",
    draw=a_student,
    batch=False,
    identity=Identity("the copy has the same error and F's signs", same_net),
    hints=(
        "A unit whose v_k has another sign than F_k is turned round, v_k and w_k both. s_k = -1 for it, and 1 else.",
        "s = np.sign(v * F). The copy has s v, and rows s_k w_k: what becomes of Q = w w^T / N, and of R = w w*^T / N?",
        "Q_ik becomes s_i Q_ik s_k, R_in becomes s_i R_in: the teacher stays as it is.",
    ),
)
def copy(Q, R, v, F):
    s = np.sign(v * F)
    return s[:, None] * Q * s, s[:, None] * R, s * v


def turned(Q, R, v, F, s=None, left=True, right=True, of_R=True, of_v=True):
    """The solution with one thing changed."""
    s = np.sign(v * F) if s is None else s
    one = np.ones_like(s)
    return (
        (s if left else one)[:, None] * Q * (s if right else one),
        (s if of_R else one)[:, None] * R,
        (s if of_v else one) * v,
    )


copy.wrong("v alone", "you turn v alone: that is another net; w_k turns with v_k, and with it Q and R",
           lambda Q, R, v, F: turned(Q, R, v, F, left=False, right=False, of_R=False))  # fmt: skip
copy.wrong("Q as it was", "Q changes too: unit i turned and unit k not, Q_ik = w_i w_k / N has another sign",
           lambda Q, R, v, F: turned(Q, R, v, F, left=False, right=False))  # fmt: skip
copy.wrong("Q on one side", "Q_ik has w of both units in it: s_i Q_ik s_k, where you have one of the two",
           lambda Q, R, v, F: turned(Q, R, v, F, right=False))  # fmt: skip
copy.wrong("R as it was", "R changes too: R_in = w_i w*_n / N turns with w_i",
           lambda Q, R, v, F: turned(Q, R, v, F, of_R=False))  # fmt: skip
copy.wrong("v as it was", "v is as it was: w_k and v_k turn together, so that v_k g(lambda_k) stays",
           lambda Q, R, v, F: turned(Q, R, v, F, of_v=False))  # fmt: skip
copy.wrong("sign of F alone", "you turn every unit with a negative F_k: those turn whose v_k has another sign than F_k",
           lambda Q, R, v, F: turned(Q, R, v, F, s=np.sign(F)))  # fmt: skip
copy.wrong("sign of v alone", "you turn every unit with a negative v_k, so that none is left: the signs are to be F's",
           lambda Q, R, v, F: turned(Q, R, v, F, s=np.sign(v)))  # fmt: skip
copy.wrong("times F", "you multiply by F, where its sign alone is due: the copy must be the same net",
           lambda Q, R, v, F: turned(Q, R, v, F, s=F))  # fmt: skip
copy.wrong("the other copy", "every unit now has the sign that F has not: s_k = 1 where v_k and F_k agree",
           lambda Q, R, v, F: turned(Q, R, v, F, s=-np.sign(v * F)))  # fmt: skip


def feedback_and_alignment(rng, n, square):
    """F = [F_1, F_2] and A = [A_1, A_2, A_3] of a linear net of three layers."""
    n_0, n_1, n_2, n_3 = sizes(rng, 4, square)
    F = [rng.standard_normal((n_1, n_3)), rng.standard_normal((n_2, n_3))]
    return F, [rng.standard_normal((n_3, n_0)), *rng.standard_normal((2, n_3, n_3))]


def learned(answer, F, A):
    """How far the answer is, for A_l that have learned, from weights that have learned the same by themselves."""
    n_3, n_0 = A[0].shape
    F = [each / 2 / each.shape[0] ** 0.5 for each in F]
    x, target = np.sin(np.arange(1.0, 1 + 4 * n_0)).reshape(n_0, 4), np.cos(np.arange(4.0 * n_3)).reshape(n_3, 4)
    W, A = deep_linear.zero_weights(F, n_0), deep_linear.zero_alignment(n_0, n_3, 3)
    for _ in range(5):
        deep_linear.learn_weights(W, F, x, target, 0.3)
        deep_linear.learn_alignment(A, [each.T @ each for each in F], x @ x.T / 4, target @ x.T / 4, 0.3)
    return max(np.abs(a - b).max() for a, b in zip(answer(F, A), W))


@exercise(
    "memorise.weights",
    draw=feedback_and_alignment,
    batch=False,
    identity=Identity("direct feedback alignment from zero weights comes to the same", learned),
    hints=(
        "Layer l's update is F_l e h_{l-1}^T with h_{l-1} = F_{l-1} c_{l-1}: F_l on its left, F_{l-1}^T on its right.",
        "The first layer has no feedback on its right, since h_0 = x; the last none on its left, since it is told e.",
        "[F[0] @ A[0], F[1] @ A[1] @ F[0].T, ...]: Python counts from 0, and the last is A_3 F_2^T.",
    ),
)
def weights(F, A):
    return [F[0] @ A[0], F[1] @ A[1] @ F[0].T, A[2] @ F[1].T]


@weights.wrong(
    "F_2 for F_1", "W_2 = F_2 A_2 F_1^T: on its right is the feedback of the layer below, which is where h_1 comes from"
)
def _(F, A):
    return [F[0] @ A[0], F[1] @ A[1] @ F[1].T, A[2] @ F[1].T]


@weights.wrong(
    "transposed", "W_2 is n_2 x n_1, so F_2 is on its left and F_1^T on its right; you have them the other way round"
)
def _(F, A):
    return [F[0] @ A[0], F[0] @ A[1] @ F[1].T, A[2] @ F[1].T]


@weights.wrong("A_l transposed", "an A_l is transposed: it changes by -lr e c_{l-1}^T, so e is on its left, as F_l is")
def _(F, A):
    return [F[0] @ A[0], F[1] @ A[1].T @ F[0].T, A[2].T @ F[1].T]


@weights.wrong(
    "without A_2", "W_2 is F_2 F_1^T only where A_2 is the identity: that is full alignment, and A_2 is what is learned"
)
def _(F, A):
    return [F[0] @ A[0], F[1] @ F[0].T, A[2] @ F[1].T]


@weights.wrong("F_1 in W_3", "W_3 = A_3 F_2^T: the last hidden layer is layer 2, and its feedback is F_2")
def _(F, A):
    return [F[0] @ A[0], F[1] @ A[1] @ F[0].T, A[2] @ F[0].T]


@weights.wrong("A_l out of place", "A_2 and A_3 have changed places: in Python A[1] is A_2 and A[2] is A_3")
def _(F, A):
    return [F[0] @ A[0], F[1] @ A[2] @ F[0].T, A[1] @ F[1].T]


weights.wrong("sign", None, lambda F, A: [-each for each in weights.solution(F, A)])
