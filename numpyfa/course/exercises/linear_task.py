"""Exercises of notebook 03c: Lillicrap's linear task. The letters are those of `numpyfa.theory`."""

import numpy as np

from ..exercise import Identity, exercise, sizes
from .why_it_aligns import from_zero


def on_the_way(rng, n, square):
    """W* and a net that the flow from zero weights can come to: W_1, W_2 and B with an invariant of 0."""
    W_1, W_2, B = from_zero(rng, n, square)
    return rng.standard_normal((len(W_2), W_1.shape[1])), W_1, W_2, B


def against_differences(answer, W_star, W_1, W_2, B):
    """How far the answer is from the change of V along the flow by central differences, relative to it."""
    E, h = W_2 @ W_1 - W_star, 1e-5

    def V(t):
        return ((B @ ((W_2 - t * E @ W_1.T) @ (W_1 - t * B @ E) - W_star)) ** 2).sum()

    due = (V(h) - V(-h)) / (2 * h)
    return abs(answer(W_star, W_1, W_2, B) - due) / abs(due)


def squared(a):
    return (a**2).sum()


@exercise(
    "linear.fall",
    draw=on_the_way,
    batch=False,
    identity=Identity("it is V's slope along the flow by finite differences", against_differences),
    hints=(
        "By the chain rule dV/dt = 2 <B E, B dE/dt>, with dE/dt = -E W_1^T W_1 - W_2 B E.",
        "The first term is -2 |B E W_1^T|^2; in the second only the symmetric part of B W_2 counts.",
        "That part is W_1 W_1^T / 2, and so the second term is -|W_1^T B E|^2.",
    ),
)
def fall(W_star, W_1, W_2, B):
    E = W_2 @ W_1 - W_star
    return -2 * np.sum((B @ E @ W_1.T) ** 2) - np.sum((W_1.T @ B @ E) ** 2)


@fall.wrong("twice both", "the second term is twice too large: the symmetric part of B W_2 is half of W_1 W_1^T")
def _(W_star, W_1, W_2, B):
    E = W_2 @ W_1 - W_star
    return -2 * squared(B @ E @ W_1.T) - 2 * squared(W_1.T @ B @ E)


@fall.wrong("once both", "the first term is half of what is due: V is a square, and its slope has a 2")
def _(W_star, W_1, W_2, B):
    E = W_2 @ W_1 - W_star
    return -squared(B @ E @ W_1.T) - squared(W_1.T @ B @ E)


@fall.wrong("not squared", "these are sizes: the squares of the sizes are due, the sums of the squared entries")
def _(W_star, W_1, W_2, B):
    E = W_2 @ W_1 - W_star
    return -2 * np.linalg.norm(B @ E @ W_1.T) - np.linalg.norm(W_1.T @ B @ E)


@fall.wrong("W_2's part", "this is what W_2's learning does; W_1 learns too, and its part is -|W_1^T B E|^2")
def _(W_star, W_1, W_2, B):
    return -2 * squared(B @ (W_2 @ W_1 - W_star) @ W_1.T)


@fall.wrong("W_1's part", "this is what W_1's learning does; W_2 learns too, and its part is -2 |B E W_1^T|^2")
def _(W_star, W_1, W_2, B):
    return -squared(W_1.T @ B @ (W_2 @ W_1 - W_star))


@fall.wrong(
    "backpropagation's", "this is the slope of |E|^2 under backpropagation: here it is V = |B E|^2, and B sends E"
)
def _(W_star, W_1, W_2, B):
    E = W_2 @ W_1 - W_star
    return -2 * squared(E @ W_1.T) - 2 * squared(W_2.T @ E)


@fall.wrong("no B before W_1", "B is missing in the first term: V = |B E|^2, and so both terms have B E")
def _(W_star, W_1, W_2, B):
    E = W_2 @ W_1 - W_star
    return -2 * squared(E @ W_1.T) - squared(W_1.T @ B @ E)


fall.wrong("sign", None, lambda W_star, W_1, W_2, B: -fall.solution(W_star, W_1, W_2, B))


def wide(rng, n, square):
    """W_2, with at least as many hidden units as outputs, and the errors of n examples."""
    n_2, n_1 = sorted(sizes(rng, 2, square))
    return rng.standard_normal((n_2, n_1)), rng.standard_normal((n_2, n))


@exercise(
    "linear.pseudo",
    draw=wide,
    identity=Identity("W_2 times it is e", lambda answer, W_2, e: np.abs(W_2 @ answer(W_2, e) - e).max()),
    hints=(
        "If the hidden units change by -a, the outputs change by -W_2 a. Which a takes all of e away?",
        "There are many where n_1 > n_2; the smallest is a combination of the rows of W_2, a = W_2^T u.",
        "W_2 W_2^T u = e, so a = W_2^T (W_2 W_2^T)^-1 e: np.linalg.pinv(W_2) @ e.",
    ),
)
def pseudo(W_2, e):
    return W_2.T @ np.linalg.solve(W_2 @ W_2.T, e)


@pseudo.wrong("backpropagation", "this is W_2^T e, what backpropagation sends: W_2 times it is not e")
def _(W_2, e):
    return W_2.T @ e


@pseudo.wrong("not inverted", "you multiply by W_2 W_2^T where its inverse is due")
def _(W_2, e):
    return W_2.T @ W_2 @ W_2.T @ e


@pseudo.wrong(
    "by a number",
    "you divide W_2^T e by the number |W_2|^2, which is right for one output alone: here W_2 W_2^T is a matrix",
)
def _(W_2, e):
    return W_2.T @ e / (W_2**2).sum()


@pseudo.wrong(
    "entry by entry", "1 / W_2 inverts each entry by itself: the inverse of a matrix is np.linalg.inv's or pinv's"
)
def _(W_2, e):
    return (1 / W_2).T @ e


@pseudo.wrong("inverse", "W_2 is not square, and has no inverse: its pseudo-inverse W_2^T (W_2 W_2^T)^-1 is due")
def _(W_2, e):
    return np.linalg.inv(W_2) @ e


pseudo.wrong("sign", None, lambda W_2, e: -pseudo.solution(W_2, e))
