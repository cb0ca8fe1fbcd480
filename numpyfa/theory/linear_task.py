"""Lillicrap's linear task: a net W A x without biases learns the map T x, and A learns through random feedback.

Columns are examples, as in the paper: T (n_o x n_i), A (n_h x n_i; the paper's W_0), W (n_o x n_h), B (n_h x n_o). With
e = T x - W A x, one example at a time:

    W <- W + lr e (A x)^T,   A <- A + lr S e x^T,   S = B (fa), W^T (bp), W^+ (pseudo), 0 (shallow)

For whitened inputs and small steps, with E = T - W A, this is the flow

    dW/dt = E A^T,   dA/dt = S E

Under feedback alignment B W + W^T B^T - A A^T never changes along it (`invariant`). If it is 0, V = |B E|^2 never rises
(`lyapunov`): dV/dt = -2 |B E A^T|^2 - |A^T B E|^2. So E -> 0 if B has independent columns.

Every array may have leading axes: nets that learn side by side, such as seeds. Source: Lillicrap et al. 2016 (the
methods and proofs of arXiv 1411.0247).
"""

import numpy as np

from ..errors import Diverged, InputError, check_number, choose


def transpose(a):
    return np.swapaxes(a, -1, -2)


TEACHES = {
    "fa": lambda W, B: B,
    "bp": lambda W, B: transpose(W),
    "pseudo": lambda W, B: np.linalg.pinv(W),
    "shallow": lambda W, B: np.zeros_like(B),
}


def start(seeds, scale, sizes=(30, 20, 10), feedback=0.5):
    """(T, A, W, B) of Lillicrap's task, one net a seed: T from U(-1, 1), A and W from U(-scale, scale), B from
    U(-feedback, feedback). `sizes` are (n_i, n_h, n_o)."""
    check_number("the scale of the weights", scale, 0)
    n_i, n_h, n_o = sizes
    nets = []
    for seed in seeds:
        rng = np.random.default_rng([seed, 0])
        shapes = [((n_o, n_i), 1), ((n_h, n_i), scale), ((n_o, n_h), scale), ((n_h, n_o), feedback)]
        nets.append([rng.uniform(-a, a, shape) for shape, a in shapes])
    return tuple(np.stack(arrays) for arrays in zip(*nets))


def check(T, A, W, B):
    """Raise InputError unless the shapes fit."""
    (n_o, n_i), n_h = T.shape[-2:], A.shape[-2]
    expected = {"A": (n_h, n_i), "W": (n_o, n_h), "B": (n_h, n_o)}
    found = {name: array.shape[-2:] for name, array in (("A", A), ("W", W), ("B", B))}
    if found != expected:
        raise InputError(f"for T of shape {T.shape[-2:]} and {n_h} hidden units expected {expected}, found {found}")


def learn(T, A, W, B, rule, lr, x, marks):
    """{step: (A, W)} at each of the steps `marks`, learning by one example a step: x is (steps, ..., n_i).

    Raises Diverged, with the step reached.
    """
    check(T, A, W, B)
    teach, A, W, kept = choose(TEACHES, rule, "rule"), A.copy(), W.copy(), {}
    for step in range(max(marks) + 1):
        if step in marks:
            kept[step] = A.copy(), W.copy()
        if step == max(marks):
            return kept
        column = x[step][..., None]
        h = A @ column
        e = T @ column - W @ h
        dA = teach(W, B) @ e @ transpose(column)
        W += lr * e @ transpose(h)
        A += lr * dA
        if not np.isfinite(e).all():
            raise Diverged(f"the linear task diverges at step {step}: try a learning rate below {lr:g}")


def flow(T, A, W, B, rule, dt, marks):
    """{step: (A, W)} along the flow, in Euler steps of dt: what `learn` does on average over whitened inputs."""
    check(T, A, W, B)
    teach, A, W, kept = choose(TEACHES, rule, "rule"), A.copy(), W.copy(), {}
    for step in range(max(marks) + 1):
        if step in marks:
            kept[step] = A.copy(), W.copy()
        E = T - W @ A
        dA = teach(W, B) @ E
        W += dt * E @ transpose(A)
        A += dt * dA
        if not np.isfinite(E).all():
            raise Diverged(f"the flow diverges at step {step}, t = {step * dt:.4g}: try steps below {dt:g}")
    return kept


def error(T, A, W):
    """|T - W A|^2 / |T|^2: the normalised squared error, averaged over whitened inputs above and below the line."""
    return ((T - W @ A) ** 2).sum(axis=(-1, -2)) / (T**2).sum(axis=(-1, -2))


def invariant(A, W, B):
    """B W + W^T B^T - A A^T, which the flow of feedback alignment conserves."""
    return B @ W + transpose(B @ W) - A @ transpose(A)


def lyapunov(T, A, W, B):
    """V = |B E|^2, which falls along the flow of feedback alignment where the invariant is 0."""
    return ((B @ (T - W @ A)) ** 2).sum(axis=(-1, -2))


def signal_angle(T, A, W, B, to, x):
    """The angle in degrees between what feedback alignment tells the hidden units, B e, and what the rule `to` would
    tell them, the mean over the examples x (n_i x examples). Signed: Lillicrap et al. folded it onto 0..90."""
    e = (T - W @ A) @ x
    a, b = B @ e, choose(TEACHES, to, "rule")(W, B) @ e
    with np.errstate(invalid="ignore"):
        cosine = (a * b).sum(axis=-2) / np.sqrt((a * a).sum(axis=-2) * (b * b).sum(axis=-2))
    return np.degrees(np.arccos(np.clip(cosine, -1, 1))).mean(axis=-1)
