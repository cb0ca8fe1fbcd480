"""Lillicrap's linear task: a net W A x without biases learns the map T x, and A learns through random feedback.

Columns are examples, as in the paper: T (n_o x n_i), A (n_h x n_i; the paper's W_0), W (n_o x n_h), B (n_h x n_o). With
e = T x - W A x, one example at a time:

    W <- W + lr e (A x)^T,   A <- A + lr S e x^T,   S = B (fa), W^T (bp), W^+ (pseudo), 0 (shallow)

For whitened inputs and small steps, with E = T - W A, this is the flow

    dW/dt = E A^T,   dA/dt = S E

Under feedback alignment B W + W^T B^T - A A^T never changes along it (`invariant`). If it is 0, V = |B E|^2 never rises
(`lyapunov`): dV/dt = -2 |B E A^T|^2 - |A^T B E|^2. So E -> 0 if B has independent columns and the weights stay bounded.

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
    """Raise InputError unless the shapes fit and the numbers are finite."""
    if not all(np.isfinite(array).all() for array in (T, A, W, B)):
        raise InputError("T, A, W and B must be finite numbers, found NaN or infinity")
    (n_o, n_i), n_h = T.shape[-2:], A.shape[-2]
    expected = {"A": (n_h, n_i), "W": (n_o, n_h), "B": (n_h, n_o)}
    found = {name: array.shape[-2:] for name, array in (("A", A), ("W", W), ("B", B))}
    if found != expected:
        raise InputError(f"for T of shape {T.shape[-2:]} and {n_h} hidden units expected {expected}, found {found}")


def learn(T, A, W, B, rule, lr, x, marks):
    """{step: (A, W)} at each of the steps `marks`, learning by one example a step: x is (steps, ..., n_i).

    Raises InputError for shapes and marks that do not fit; Diverged, with the step reached.
    """
    check_number("the learning rate", lr, 0)
    check_marks(marks)
    if x.shape[-1] != T.shape[-1] or len(x) < max(marks):
        raise InputError(f"{max(marks)} steps on {T.shape[-1]} inputs need as many examples, found {x.shape}")

    def change(step, A, W):
        column = x[step][..., None]
        h = A @ column
        e = T @ column - W @ h
        return lr * TEACHES[rule](W, B) @ e @ transpose(column), lr * e @ transpose(h)

    return follow(T, A, W, B, rule, change, marks, f"the linear task at a learning rate of {lr:g}")


def flow(T, A, W, B, rule, dt, marks):
    """{step: (A, W)} along the flow, in Euler steps of dt: what `learn` does on average over whitened inputs.

    Raises InputError for shapes and marks that do not fit; Diverged, with the step reached.
    """
    check_number("dt", dt, 0)
    check_marks(marks)

    def change(step, A, W):
        E = T - W @ A
        return dt * TEACHES[rule](W, B) @ E, dt * E @ transpose(A)

    return follow(T, A, W, B, rule, change, marks, f"the flow in steps of {dt:g}")


def follow(T, A, W, B, rule, change, marks, what):
    """{step: (A, W)} at each mark, where change(step, A, W) is (dA, dW)."""
    check(T, A, W, B)
    choose(TEACHES, rule, "rule")
    kept, wanted, last = {}, set(marks), max(marks)
    with np.errstate(all="ignore"):
        for step in range(last + 1):
            if not (np.isfinite(A).all() and np.isfinite(W).all()):
                raise Diverged(f"{what} diverges at step {step}: make it smaller")
            if step in wanted:
                kept[step] = A.copy(), W.copy()
            if step < last:
                try:
                    dA, dW = change(step, A, W)
                except np.linalg.LinAlgError:  # of a pseudo-inverse
                    raise Diverged(f"{what} diverges at step {step}: make it smaller") from None
                A, W = A + dA, W + dW
    return kept


def check_marks(marks):
    """Raise InputError unless the marks are whole numbers of steps."""
    if not len(marks) or not all(isinstance(mark, (int, np.integer)) and mark >= 0 for mark in marks):
        raise InputError(f"the marks must be whole numbers of steps from 0, found {list(marks)}")


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
