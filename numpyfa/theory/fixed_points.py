"""Fixed points of feedback alignment and their stability, in small nets without biases: tanh units, linear outputs.

Rows are examples: H_0 = X (examples x n_0), Z_l = H_{l-1} W_l^T, H_l = tanh Z_l, the output Z_L (examples x n_L)
against Y. The error E = Z_L - Y, read as one vector, makes the loss |E|^2 / 2, and J = dE/dw. With every W_{l+1}^T on
the way back replaced by B_{l+1} (fa), or all of them by one F_l (dfa), J becomes J^, and

    dw/dt = -J^^T E,     dE/dt = -S E,     S = J J^^T = sum_l J_l J^_l^T

Where E = 0 the rule stands still. S depends on w, so linearise there: after a small push E comes back if every
eigenvalue of S, on the range of J, has a positive real part, and runs away if one has a negative one. Updates of finite
size do as the flow does if lr |lambda|^2 < 2 Re lambda for every eigenvalue lambda that is to die away.

The loss changes by -E^T S E = -<gradient, update>, so the angle between the update and the gradient is a criterion of
stability: if it is acute for every E, which is S + S^T > 0, S has no eigenvalue with a negative real part. That is
sufficient, not necessary.

Lists of weights count from layer 1. `feedback` is a dictionary by layer number: B_l for l = 2..L under fa, F_l for
l = 1..L-1 under dfa, nothing under bp. The question is that of Chu & Bacho 2023 (arXiv 2306.02325); these equations are
a reconstruction from its claims.
"""

from collections.abc import Callable, Iterable

import numpy as np

from ..errors import Diverged, InputError, check_number, choose

Arrays = list[np.ndarray]
Feedback = dict[int, np.ndarray]


def forward(W: Arrays, X: np.ndarray) -> Arrays:
    """[H_0, ..., H_{L-1}, Z_L]"""
    H = [X]
    for number, each in enumerate(W, start=1):
        Z = H[-1] @ each.T
        H.append(Z if number == len(W) else np.tanh(Z))
    return H


def loss(W: Arrays, X: np.ndarray, Y: np.ndarray) -> float:
    """|E|^2 / 2"""
    return 0.5 * float(((forward(W, X)[-1] - Y) ** 2).sum())


def send_back(W: Arrays, H: Arrays, rule: str, feedback: Feedback | None, e: np.ndarray) -> Arrays:
    """[delta_1, ..., delta_L] of what the outputs send back, e (examples, any, n_L): delta_l is (examples, any, n_l).

    delta_L = e, and delta_l = tanh'(Z_l) times delta_{l+1} W_{l+1} (bp), delta_{l+1} B_{l+1}^T (fa) or e F_l^T (dfa).
    """
    feedback = feedback or {}
    delta = [e]
    for number in range(len(W) - 1, 0, -1):
        if rule == "dfa":
            sent = e @ feedback[number].T
        elif rule == "fa":
            sent = delta[0] @ feedback[number + 1].T
        else:
            sent = delta[0] @ W[number]  # W_{l+1}: a list counts from 0
        delta.insert(0, sent * (1 - H[number] ** 2)[:, None, :])
    return delta


def update(W: Arrays, X: np.ndarray, Y: np.ndarray, rule: str = "bp", feedback: Feedback | None = None) -> Arrays:
    """[dW_1, ..., dW_L], dW_l = delta_l^T H_{l-1}: the gradient of the loss under bp, J^^T E under fa and dfa.

    Raises InputError for an unknown rule and shapes that do not fit.
    """
    check(W, X, rule, feedback, Y)
    H = forward(W, X)
    E = H[-1] - Y
    return [delta[:, 0].T @ h for delta, h in zip(send_back(W, H, rule, feedback, E[:, None, :]), H)]


def slopes(W: Arrays, X: np.ndarray, rule: str = "bp", feedback: Feedback | None = None) -> Arrays:
    """[D_1, ..., D_L], D_l[p, k] being what a unit error of output k of example p makes of delta_l.

    D_l is (examples, n_L, n_l). Raises InputError as `update` does.
    """
    check(W, X, rule, feedback)
    eye = np.eye(len(W[-1]))
    return send_back(W, forward(W, X), rule, feedback, np.broadcast_to(eye, (len(X), *eye.shape)))


def jacobian(W: Arrays, X: np.ndarray, rule: str = "bp", feedback: Feedback | None = None) -> Arrays:
    """[J_1, ..., J_L], (entries of E) x (entries of W_l): dE/dw under bp, J^ under fa and dfa.

    Raises InputError as `update` does.
    """
    pairs = zip(slopes(W, X, rule, feedback), forward(W, X))
    return [(d[:, :, :, None] * h[:, None, None, :]).reshape(d.shape[0] * d.shape[1], -1) for d, h in pairs]


def stability(
    W: Arrays, X: np.ndarray, rule: str, feedback: Feedback | None, layers: Iterable[int] | None = None
) -> np.ndarray:
    """S = sum_l J_l J^_l^T over the `layers` that learn (1..L, all unless said otherwise), entries of E twice.

    J_l = D_l (x) H_{l-1}, so that S = sum_l (D_l D^_l^T) * (H_{l-1} H_{l-1}^T) without J itself. Raises InputError as
    `update` does, and for a layer that does not exist.
    """
    layers = numbers(W, layers)
    outputs = len(W[-1])
    size = len(X) * outputs
    H = forward(W, X)
    true, mine = slopes(W, X), slopes(W, X, rule, feedback)
    S = np.zeros((size, size))
    for number in layers:
        h = H[number - 1]
        inputs = np.repeat(np.repeat(h @ h.T, outputs, axis=0), outputs, axis=1)
        S += true[number - 1].reshape(size, -1) @ mine[number - 1].reshape(size, -1).T * inputs
    return S


def range_of(J: Arrays) -> np.ndarray:
    """An orthonormal basis, in columns, of the range of J (a list of blocks): only such E come of moving weights."""
    vectors, values, _ = np.linalg.svd(np.concatenate(J, axis=1), full_matrices=False)
    return vectors[:, values > values[0] * 1e-10]


def spectrum(S: np.ndarray, J: Arrays | None = None) -> np.ndarray:
    """The eigenvalues of S on the range of J; without J, all of them."""
    if J is not None:
        basis = range_of(J)
        S = basis.T @ S @ basis
    return np.linalg.eigvals(S)


def least_parts(S: np.ndarray) -> tuple[float, float]:
    """The least real part of an eigenvalue of S, and the least eigenvalue of (S + S^T) / 2, which is never above it.

    A push that is small enough dies away in the end if the first is positive, and from the beginning if the second is.
    """
    return float(np.linalg.eigvals(S).real.min()), float(np.linalg.eigvalsh((S + S.T) / 2)[0])


def cosine(
    W: Arrays,
    X: np.ndarray,
    Y: np.ndarray,
    rule: str,
    feedback: Feedback | None,
    layers: Iterable[int] | None = None,
) -> float:
    """The cosine between the rule's update and the gradient, over the `layers` (1..L) as one vector.

    NaN where one of them is 0. Raises InputError as `update` does, and for a layer that does not exist.
    """
    layers = numbers(W, layers)
    mine, true = update(W, X, Y, rule, feedback), update(W, X, Y)
    a, b = (np.concatenate([each[number - 1].reshape(-1) for number in layers]) for each in (mine, true))
    norm = np.linalg.norm(a) * np.linalg.norm(b)
    return float(a @ b / norm) if norm else np.nan


def descend(
    W: Arrays,
    X: np.ndarray,
    Y: np.ndarray,
    rule: str,
    feedback: Feedback | None,
    lr: float,
    steps: int,
    frozen: Iterable[int] = (),
    after: Callable[[int, Arrays], None] | None = None,
) -> Arrays:
    """W after so many full-batch updates W_l <- W_l - lr dW_l; layers whose number is in `frozen` stay.

    `after(step, W)` is called after each. Raises Diverged, with the step reached, and InputError as `update` does, for
    a bad learning rate and for a layer that does not exist.
    """
    check_number("the learning rate", lr, 0)
    learning = set(numbers(W, None)) - set(numbers(W, frozen))
    W = [each.copy() for each in W]
    for step in range(1, steps + 1):
        with np.errstate(all="ignore"):
            for number, change in enumerate(update(W, X, Y, rule, feedback), start=1):
                if number in learning:
                    W[number - 1] -= lr * change
        if not all(np.isfinite(each).all() for each in W):
            raise Diverged(
                f"the descent by {rule} diverges at step {step} of {steps}: try a learning rate below {lr:g}"
            )
        if after:
            after(step, W)
    return W


def polish(W: Arrays, X: np.ndarray, Y: np.ndarray, most: int = 100) -> Arrays:
    """W at a solution near by, E = 0 to rounding, by Gauss-Newton: w <- w - s J^+ E, s the first of 1, 1/2, 1/4, ...
    that lowers the loss.

    J^+ E is the smallest change that would undo E if E were linear in w. Ends when no s lowers the loss, or after so
    many changes. Raises InputError as `update` does.
    """
    check(W, X, "bp", None, Y)
    places = np.cumsum([each.size for each in W])[:-1]
    for _ in range(most):
        J, E = np.concatenate(jacobian(W, X), axis=1), (forward(W, X)[-1] - Y).reshape(-1)
        changes = np.split(np.linalg.lstsq(J, E, rcond=None)[0], places)
        for s in 0.5 ** np.arange(20):
            nearer = [each - s * change.reshape(each.shape) for each, change in zip(W, changes)]
            if loss(nearer, X, Y) < loss(W, X, Y):
                break
        else:
            break
        W = nearer
    return W


def numbers(W: Arrays, layers: Iterable[int] | None) -> list[int]:
    """The layers' numbers, all of 1..L for None. Raises InputError for one that does not exist."""
    found = list(range(1, len(W) + 1) if layers is None else layers)
    if not set(found) <= set(range(1, len(W) + 1)):
        raise InputError(f"layers are counted from 1 to {len(W)}, found {found}")
    return found


def check(W: Arrays, X: np.ndarray, rule: str, feedback: Feedback | None, Y: np.ndarray | None = None) -> None:
    """Raise InputError unless the shapes of weights, examples, targets and feedback fit."""
    outputs = len(W[-1])
    if X.ndim != 2 or (Y is not None and Y.shape != (len(X), outputs)):
        shapes = f"{X.shape} and {np.shape(Y) if Y is not None else 'any'}"
        raise InputError(f"expected examples (any, inputs) and targets (as many, {outputs}), found {shapes}")
    sizes = [X.shape[1], *(len(each) for each in W)]
    shapes_of_W = [(m, n) for n, m in zip(sizes, sizes[1:])]
    if [each.shape for each in W] != shapes_of_W:
        raise InputError(f"weights: expected shapes {shapes_of_W}, found {[each.shape for each in W]}")
    expected = {
        "bp": {},
        "fa": {number: W[number - 1].T.shape for number in range(2, len(W) + 1)},
        "dfa": {number: (len(W[number - 1]), outputs) for number in range(1, len(W))},
    }
    needed = choose(expected, rule, "rule")
    found = {number: (feedback or {}).get(number, np.empty(0)).shape for number in needed}
    if found != needed:
        raise InputError(f"{rule}: expected feedback of shapes {needed}, found {found}")
