"""Exercises of notebook 03: why random feedback works, in the smallest nets that show it.

The letters are those of `numpyfa.theory`: columns are examples.
"""

import math

import numpy as np

from ..exercise import Identity, exercise, sizes


def linear_net(rng, n, square):
    """W*, W_1, W_2, B and dt of a linear net of two layers."""
    n_0, n_1, n_2 = sizes(rng, 3, square)
    W_star, W_1 = rng.standard_normal((n_2, n_0)), rng.standard_normal((n_1, n_0))
    W_2, B = rng.standard_normal((n_2, n_1)), rng.standard_normal((n_1, n_2))
    return W_star, W_1, W_2, B, float(rng.uniform(0.01, 0.05))


def downhill(answer, W_star, W_1, W_2, B, dt):
    """How far the answer's rates are, with W_2^T for B, from the slopes of |E|^2 / 2 by central differences."""
    found = answer(W_star, W_1, W_2, W_2.T.copy(), dt)
    furthest = 0.0
    for after, before, loss in (
        (found[0], W_1, lambda W: ((W_2 @ W - W_star) ** 2).sum() / 2),
        (found[1], W_2, lambda W: ((W @ W_1 - W_star) ** 2).sum() / 2),
    ):
        due = np.empty_like(before)
        for place in np.ndindex(*before.shape):
            moved = np.zeros_like(before)
            moved[place] = 1e-3  # the loss is quadratic in each matrix, so that no step is too large
            due[place] = (loss(before + moved) - loss(before - moved)) / 2e-3
        furthest = max(furthest, np.abs((before - after) / dt - due).max() / np.abs(due).max())
    return furthest


@exercise(
    "why.step",
    draw=linear_net,
    batch=False,
    identity=Identity("with W_2^T for B it goes down |E|^2 / 2 by finite differences", downhill),
    hints=(
        "First E = W_2 W_1 - W*, of the weights as they are before the step.",
        "A step of Euler's is W + dt dW/dt, and both rates have a minus sign.",
        "dW_1/dt = -B E and dW_2/dt = -E W_1^T; work out both before you change either.",
    ),
)
def step(W_star, W_1, W_2, B, dt):
    E = W_2 @ W_1 - W_star
    return W_1 - dt * B @ E, W_2 - dt * E @ W_1.T


@step.wrong("W_2^T", "this is backpropagation: you send E through W_2^T, and feedback alignment sends it through B")
def _(W_star, W_1, W_2, B, dt):
    E = W_2 @ W_1 - W_star
    return W_1 - dt * W_2.T @ E, W_2 - dt * E @ W_1.T


@step.wrong("new W_1", "W_2's step uses the W_1 that has already moved: work out both rates first, then move both")
def _(W_star, W_1, W_2, B, dt):
    E = W_2 @ W_1 - W_star
    new = W_1 - dt * B @ E
    return new, W_2 - dt * E @ new.T


@step.wrong("new W_2", "E is taken again after W_2 has moved: both steps use the E of the weights before the step")
def _(W_star, W_1, W_2, B, dt):
    new = W_2 - dt * (W_2 @ W_1 - W_star) @ W_1.T
    return W_1 - dt * B @ (new @ W_1 - W_star), new


@step.wrong("uphill", "the weights go the wrong way: both rates have a minus sign, since E is output minus target")
def _(W_star, W_1, W_2, B, dt):
    E = W_2 @ W_1 - W_star
    return W_1 + dt * B @ E, W_2 + dt * E @ W_1.T


@step.wrong("rates", "these are the rates dW/dt: the weights after the step are due, W + dt dW/dt")
def _(W_star, W_1, W_2, B, dt):
    E = W_2 @ W_1 - W_star
    return -B @ E, -E @ W_1.T


@step.wrong("changes", "these are the changes of the weights: the weights after the step are due, W + dt dW/dt")
def _(W_star, W_1, W_2, B, dt):
    E = W_2 @ W_1 - W_star
    return -dt * B @ E, -dt * E @ W_1.T


@step.wrong("B^T", "B is transposed: B is n_1 x n_2, as W_2^T is, and stands left of E")
def _(W_star, W_1, W_2, B, dt):
    E = W_2 @ W_1 - W_star
    return W_1 - dt * B.T @ E, W_2 - dt * E @ W_1.T


@step.wrong("order", "W_1 and W_2 have changed places: return (W_1, W_2)")
def _(W_star, W_1, W_2, B, dt):
    return step.solution(W_star, W_1, W_2, B, dt)[::-1]


@step.wrong("changes its arguments")
def _(W_star, W_1, W_2, B, dt):
    E = W_2 @ W_1 - W_star
    W_2 -= dt * E @ W_1.T
    W_1 -= dt * B @ E
    return W_1, W_2


def two_numbers(rng, n, square):
    """W* and B of the 1-1-1 net, of either sign."""
    W_star, B = rng.uniform(0.4, 3, 2) * rng.choice([-1.0, 1.0], 2)
    return W_star, B


def rests(answer, W_star, B):
    """How far the answer is from W_2 W_1 = W*, and from the parabola through 0."""
    W_1, W_2 = answer(W_star, B)
    return max(abs(W_2 * W_1 - W_star), abs(2 * B * W_2 - W_1**2))


@exercise(
    "why.rest",
    draw=two_numbers,
    batch=False,
    identity=Identity("it has learned W* and lies on the parabola through 0", rests),
    hints=(
        "Two equations for two numbers: the net rests where E = 0, and it never leaves its parabola.",
        "E = 0 is W_2 W_1 = W*, and the parabola through (0, 0) is 2 B W_2 = W_1^2.",
        "Put W_2 = W_1^2 / (2 B) into W_2 W_1 = W*: W_1^3 = 2 B W*. np.cbrt takes roots of negative numbers too.",
    ),
)
def rest(W_star, B):
    W_1 = np.cbrt(2 * B * W_star)
    return W_1, W_star / W_1


@rest.wrong("root of a negative", "the power 1/3 of a negative number is NaN in NumPy: np.cbrt has the real root")
def _(W_star, B):
    W_1 = np.float64(2 * B * W_star) ** (1 / 3)
    return W_1, W_star / W_1


@rest.wrong(
    "no 2", "your parabola is B W_2 = W_1^2: d(W_1^2)/dt = 2 W_1 dW_1/dt, so it is 2 B W_2 that keeps up with W_1^2"
)
def _(W_star, B):
    W_1 = np.cbrt(B * W_star)
    return W_1, W_star / W_1


@rest.wrong("B on the other side", "your parabola is 2 W_2 = B W_1^2: d(2 B W_2 - W_1^2)/dt = 0, with B beside W_2")
def _(W_star, B):
    W_1 = np.cbrt(2 * W_star / B)
    return W_1, W_star / W_1


@rest.wrong("without B", "this is right for B = 1 alone: the parabola 2 B W_2 = W_1^2 has B in it")
def _(W_star, B):
    W_1 = np.cbrt(2 * W_star)
    return W_1, W_star / W_1


@rest.wrong(
    "balanced", "this is where backpropagation ends from small weights, with W_1^2 = W_2^2: another conserved quantity"
)
def _(W_star, B):
    return np.sqrt(abs(W_star)), np.sign(W_star) * np.sqrt(abs(W_star))


@rest.wrong("order", "W_1 and W_2 have changed places: return (W_1, W_2)")
def _(W_star, B):
    return rest.solution(W_star, B)[::-1]


def three_matrices(rng, n, square):
    """W_1, W_2 and B."""
    return linear_net(rng, n, square)[1:4]


def conserved(answer, W_1, W_2, B):
    """The rate of the answer along the flow of feedback alignment towards some W*, relative to its size."""
    W_star = np.cos(np.arange(1.0, 1 + len(W_2) * W_1.shape[1])).reshape(len(W_2), W_1.shape[1])  # as good as any
    E = W_2 @ W_1 - W_star
    dW_1, dW_2, h = -B @ E, -E @ W_1.T, 1e-3
    later, earlier = answer(W_1 + h * dW_1, W_2 + h * dW_2, B), answer(W_1 - h * dW_1, W_2 - h * dW_2, B)
    return np.abs((later - earlier) / (2 * h)).max() / np.abs(B @ dW_2).max()


@exercise(
    "why.invariant",
    draw=three_matrices,
    batch=False,
    identity=Identity("its rate along the flow is 0 by finite differences", conserved),
    hints=(
        "In the smallest net it was 2 B W_2 - W_1^2; a matrix has a transpose, and one 2 becomes two terms.",
        "d(W_1 W_1^T)/dt = -B E W_1^T - W_1 E^T B^T. Which products of B and W_2 have these rates?",
        "d(B W_2)/dt = -B E W_1^T, and the other term is its transpose.",
    ),
)
def invariant(W_1, W_2, B):
    return B @ W_2 + W_2.T @ B.T - W_1 @ W_1.T


@invariant.wrong("twice one", "2 B W_2 is right for numbers alone: of a matrix both B W_2 and its transpose are needed")
def _(W_1, W_2, B):
    return 2 * B @ W_2 - W_1 @ W_1.T


@invariant.wrong(
    "one term", "B W_2 alone keeps up with one of the two terms of d(W_1 W_1^T)/dt: its transpose is missing"
)
def _(W_1, W_2, B):
    return B @ W_2 - W_1 @ W_1.T


@invariant.wrong("half", "this takes half of B W_2 and half of its transpose: d(W_1 W_1^T)/dt has both of them whole")
def _(W_1, W_2, B):
    return (B @ W_2 + W_2.T @ B.T) / 2 - W_1 @ W_1.T


@invariant.wrong("plus", "W_1 W_1^T is to be subtracted: B W_2 and W_1 W_1^T grow together, and their difference stays")
def _(W_1, W_2, B):
    return B @ W_2 + W_2.T @ B.T + W_1 @ W_1.T


@invariant.wrong("inner product", "W_1^T W_1 is n_0 x n_0, over the inputs: W_1 W_1^T is n_1 x n_1, as B W_2 is")
def _(W_1, W_2, B):
    return B @ W_2 + W_2.T @ B.T - W_1.T @ W_1


@invariant.wrong("W_2 B", "W_2 B is n_2 x n_2, over the outputs: B W_2 is n_1 x n_1, as W_1 W_1^T is")
def _(W_1, W_2, B):
    return W_2 @ B + (W_2 @ B).T - W_1 @ W_1.T


@invariant.wrong(
    "backpropagation's", "W_2^T W_2 - W_1 W_1^T is what backpropagation conserves; here B is in W_2^T's place"
)
def _(W_1, W_2, B):
    return W_2.T @ W_2 - W_1 @ W_1.T


@invariant.wrong("trace", "this is the trace alone: every entry of the matrix is conserved, and the matrix is due")
def _(W_1, W_2, B):
    return np.trace(invariant.solution(W_1, W_2, B))


invariant.wrong("sign", None, lambda W_1, W_2, B: -invariant.solution(W_1, W_2, B))


def from_zero(rng, n, square):
    """W_1, W_2 and B as the flow makes them from zero weights: the invariant is 0.

    Then W_1 = B A_1, W_2 = A_2 B^T, and the symmetric part of A_2 is A_1 A_1^T / 2.
    """
    n_0, n_1, n_2 = sizes(rng, 3, square)
    B, A_1 = rng.standard_normal((n_1, n_2)) / n_2**0.5, rng.standard_normal((n_2, n_0)) / n_0**0.5
    turn = rng.standard_normal((n_2, n_2)) / n_2**0.5
    return B @ A_1, (A_1 @ A_1.T / 2 + turn - turn.T) @ B.T, B


def of_these_sizes(rng, n, square):
    """The same where all sizes are equal; where they differ, W_2 is turned at random, which leaves |W_2| as it is.

    An answer from |W_1|, |W_2| and |B| alone does not see this, and the definition of the cosine does.
    """
    W_1, W_2, B = from_zero(rng, n, square)
    turned = W_2 @ np.linalg.qr(rng.standard_normal((len(B), len(B))))[0]
    return W_1, W_2 if square else turned, B


def definition(W_1, W_2, B):
    return (B * W_2.T).sum() / np.linalg.norm(B) / np.linalg.norm(W_2)


def from_the_definition(answer, W_1, W_2, B):
    """How far the answer is from the definition of the cosine, where the invariant is 0."""
    if np.abs(invariant.solution(W_1, W_2, B)).max() > 1e-9:  # W_2 is turned
        return 0.0
    return abs(answer(W_1, W_2, B) - definition(W_1, W_2, B))


@exercise(
    "why.cosine",
    draw=of_these_sizes,
    batch=False,
    identity=Identity("where the invariant is 0 it is <B, W_2^T> / (|B| |W_2|)", from_the_definition),
    hints=(
        "Take the trace of B W_2 + W_2^T B^T = W_1 W_1^T.",
        "tr(B W_2) is the sum over all entries of B times W_2^T, <B, W_2^T>, and tr(W_1 W_1^T) is |W_1|^2.",
        "So <B, W_2^T> = |W_1|^2 / 2; divide by |B| and |W_2|. np.linalg.norm(W) of a matrix is |W|.",
    ),
)
def cosine(W_1, W_2, B):
    return (W_1**2).sum() / (2 * np.linalg.norm(B) * np.linalg.norm(W_2))


cosine.wrong(
    "the definition",
    "this is the definition of the cosine, which looks at the entries of B and W_2: the invariant gives it from |W_1|, "
    "|W_2| and |B| alone",
    definition,
)


@cosine.wrong("no 2", "twice too large: the trace has tr(B W_2) twice, so <B, W_2^T> is half of |W_1|^2")
def _(W_1, W_2, B):
    return (W_1**2).sum() / (np.linalg.norm(B) * np.linalg.norm(W_2))


@cosine.wrong("not squared", "the size of W_1 comes squared: tr(W_1 W_1^T) is the sum of the squares of its entries")
def _(W_1, W_2, B):
    return np.linalg.norm(W_1) / (2 * np.linalg.norm(B) * np.linalg.norm(W_2))


@cosine.wrong(
    "squares below", "the sizes of B and W_2 are to be divided by as they are, not squared: sqrt of the sum of squares"
)
def _(W_1, W_2, B):
    return (W_1**2).sum() / (2 * (B**2).sum() * (W_2**2).sum())


@cosine.wrong(
    "largest singular values",
    "norm(W, 2) of a matrix is its largest singular value: norm(W) is the root of the sum of squares",
)
def _(W_1, W_2, B):
    return np.linalg.norm(W_1, 2) ** 2 / (2 * np.linalg.norm(B, 2) * np.linalg.norm(W_2, 2))


@cosine.wrong(
    "unit by unit",
    "this is the mean over the hidden units of each one's cosine: here a matrix is one vector, with one cosine",
)
def _(W_1, W_2, B):
    return ((B * W_2.T).sum(axis=1) / np.linalg.norm(B, axis=1) / np.linalg.norm(W_2, axis=0)).mean()


@cosine.wrong("against W_2", "this compares B with W_2: B is n_1 x n_2 and stands where W_2^T stands")
def _(W_1, W_2, B):
    return (B * W_2).sum() / (np.linalg.norm(B) * np.linalg.norm(W_2))


@cosine.wrong("degrees", "this is the angle in degrees: its cosine is due")
def _(W_1, W_2, B):
    return np.degrees(np.arccos(cosine.solution(W_1, W_2, B)))


def g(u):
    return np.vectorize(math.erf)(u / np.sqrt(2))


def slope(u):
    return np.sqrt(2 / np.pi) * np.exp(-(u**2) / 2)


def student(rng, n, square):
    """w, v and F of a student, one input with its target, and a learning rate."""
    K, N = sizes(rng, 2, square)
    w, v, F, x = (rng.standard_normal(shape) for shape in ((K, N), K, K, N))
    return w, v, F, x, float(rng.standard_normal()), 0.2


def against_differences(answer, w, v, F, x, target, lr):
    """How far the answer's steps are, with v for F, from the slopes of e^2 / 2 by central differences."""
    N, h = len(x), 1e-5
    new_w, new_v = answer(w, v, v.copy(), x, target, lr)

    def loss(w, v):
        return (v @ g(w @ x / np.sqrt(N)) - target) ** 2 / 2

    furthest = 0.0
    for i in range(len(v)):
        unit = h * np.eye(len(v))[i]
        in_v = (loss(w, v + unit) - loss(w, v - unit)) / (2 * h)
        in_w = (loss(w + unit[:, None], v) - loss(w - unit[:, None], v)) / (2 * h)  # along the vector of ones
        furthest = max(furthest, abs((v - new_v)[i] * N / lr - in_v), abs((w - new_w)[i].sum() / lr - in_w))
    return furthest


@exercise(
    "why.student",
    draw=student,
    batch=False,
    identity=Identity("with v for F it goes down e^2 / 2 by finite differences", against_differences),
    hints=(
        "The fields are w x / sqrt N, one a unit, with N = len(x); then the error e, one number.",
        "A unit i is told F_i e g'(lambda_i). Its weights move against that times x: np.outer makes the matrix.",
        "w - lr / sqrt N e outer(F g'(lambda), x), and v - lr / N e g(lambda), both with the old w and v.",
    ),
)
def learn(w, v, F, x, target, lr):
    N = len(x)
    field = w @ x / np.sqrt(N)
    e = v @ g(field) - target
    return w - lr / np.sqrt(N) * e * np.outer(F * slope(field), x), v - lr / N * e * g(field)


def variant(F=None, slopes=slope, scale_w=np.sqrt, scale_v=float, sign=1):
    """The solution with one thing changed."""

    def answer(w, v, F_given, x, target, lr):
        N = len(x)
        field = w @ x / np.sqrt(N)
        e = sign * (v @ g(field) - target)
        told = (F_given if F is None else F(v, F_given)) * slopes(field)
        return w - lr / scale_w(N) * e * np.outer(told, x), v - lr / scale_v(N) * e * g(field)

    return lambda w, v, F, x, target, lr: answer(w, v, F, x, target, lr)


learn.wrong("v for F", "this is backpropagation: you pass e to the hidden units through v, and it is F that passes it",
            variant(F=lambda v, F: v))  # fmt: skip
learn.wrong("both", "you pass e through F and v: F stands in v's place, so v is not in w's step but for e",
            variant(F=lambda v, F: v * F))  # fmt: skip
learn.wrong("no slope", "w's step lacks the slope g'(lambda): each unit is told F_i e g'(lambda_i)",
            variant(slopes=np.ones_like))  # fmt: skip
learn.wrong("g for the slope", "w's step has g(lambda) where its slope g'(lambda) is due",
            variant(slopes=g))  # fmt: skip
learn.wrong("w over N", "w's step is divided by N: it has lr / sqrt N, since the fields are w x / sqrt N",
            variant(scale_w=float))  # fmt: skip
learn.wrong("v over sqrt N", "v's step is divided by sqrt N: it has lr / N, so that v moves as slowly as overlaps do",
            variant(scale_v=np.sqrt))  # fmt: skip
learn.wrong("uphill", "the weights go the wrong way: e is output minus target, and a step is subtracted",
            variant(sign=-1))  # fmt: skip


@learn.wrong("new w", "v's step is taken after w has moved: both use the fields and the e of before")
def _(w, v, F, x, target, lr):
    new = learn.solution(w, v, F, x, target, lr)[0]
    field = new @ x / np.sqrt(len(x))
    return new, v - lr / len(x) * (v @ g(field) - target) * g(field)


@learn.wrong("changes its arguments")
def _(w, v, F, x, target, lr):
    new_w, new_v = learn.solution(w, v, F, x, target, lr)
    w[...] = new_w
    return w, new_v
