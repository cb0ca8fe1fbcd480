"""Fixed points of feedback alignment and their stability, in small nets without biases: tanh units, linear outputs.

Rows are examples: H_0 = X (P x n_0), Z_l = H_{l-1} W_l^T, H_l = tanh Z_l, the output Z_L (P x C) against Y. The
residual E = Z_L - Y is a vector of P C entries, the loss |E|^2 / 2, and J = dE/dw. With every W_{l+1}^T on the way back
replaced by B_{l+1} (or all of them by one B_l: direct feedback), J becomes J^, and

    dw/dt = -J^^T E,     dE/dt = -K E,     K = J J^^T = sum_l J_l J^_l^T

Where E = 0 the rule stands still. It comes back after a small push if every eigenvalue of K, on the range of J, has a
positive real part; it runs away if one has a negative one. The loss changes by -E^T K E = -<gradient, update>, so the
angle between the update and the gradient is a criterion of stability: if it is acute for every E, K has no eigenvalue
with a negative real part.

The question is that of Chu & Bacho 2023 (arXiv 2306.02325); these equations are a reconstruction from its claims.
"""

import numpy as np

from ..errors import Diverged, InputError, check_number, choose


def forward(W, X):
    """[H_0, ..., H_{L-1}, Z_L]"""
    H = [X]
    for number, each in enumerate(W, start=1):
        Z = H[-1] @ each.T
        H.append(Z if number == len(W) else np.tanh(Z))
    return H


def loss(W, X, Y):
    """|E|^2 / 2"""
    return 0.5 * float(((forward(W, X)[-1] - Y) ** 2).sum())


def send_back(W, H, rule, B, e):
    """[delta_1, ..., delta_L] of what the outputs send back, e of shape (P, any, C): delta_l is (P, any, n_l).

    Under bp through the W, under fa through B[l] (n_{l-1} x n_l) in place of W_l^T, under dfa through B[l] (n_l x C);
    `B` is a dictionary by layer number.
    """
    delta = [e]
    for number in range(len(W) - 1, 0, -1):
        if rule == "dfa":
            sent = e @ B[number].T
        elif rule == "fa":
            sent = delta[0] @ B[number + 1].T
        else:
            sent = delta[0] @ W[number]  # W_{l+1}: a list counts from 0
        delta.insert(0, sent * (1 - H[number] ** 2)[:, None, :])
    return delta


def update(W, X, Y, rule="bp", B=None):
    """[dW_1, ..., dW_L]: the gradient of the loss under bp, J^^T E under fa and dfa. Raises InputError for shapes that
    do not fit."""
    check(W, X, rule, B, Y)
    H = forward(W, X)
    return [delta[:, 0].T @ h for delta, h in zip(send_back(W, H, rule, B, (H[-1] - Y)[:, None, :]), H)]


def slopes(W, X, rule="bp", B=None):
    """[D_1, ..., D_L], D_l[p, k] being what a unit error of output k of example p makes of delta_l, (P, C, n_l)."""
    check(W, X, rule, B)
    eye = np.eye(len(W[-1]))
    return send_back(W, forward(W, X), rule, B, np.broadcast_to(eye, (len(X), *eye.shape)))


def jacobian(W, X, rule="bp", B=None):
    """[J_1, ..., J_L], each (P C) x (entries of W_l): dE/dw under bp, J^ under fa and dfa."""
    pairs = zip(slopes(W, X, rule, B), forward(W, X))
    return [(d[:, :, :, None] * h[:, None, None, :]).reshape(d.shape[0] * d.shape[1], -1) for d, h in pairs]


def stability(W, X, rule, B, layers=None):
    """K = sum_l J_l J^_l^T over the `layers` that learn (1..L, all unless said otherwise), (P C) x (P C). Raises
    InputError for shapes that do not fit."""
    layers = numbers(W, layers)
    D, mine, H, size = slopes(W, X), slopes(W, X, rule, B), forward(W, X), len(X) * W[-1].shape[0]
    K = np.zeros((size, size))
    for number in layers:
        d, m, h = D[number - 1].reshape(size, -1), mine[number - 1].reshape(size, -1), H[number - 1]
        K += (d @ m.T) * np.repeat(np.repeat(h @ h.T, W[-1].shape[0], axis=0), W[-1].shape[0], axis=1)
    return K


def spectrum(K, J=None):
    """The eigenvalues of K on the range of J (a list of blocks): only such E can be made by moving the weights.

    Without J, all of them.
    """
    if J is not None:
        whole = np.concatenate(J, axis=1)
        vectors, values, _ = np.linalg.svd(whole, full_matrices=False)
        basis = vectors[:, values > values[0] * 1e-10]
        K = basis.T @ K @ basis
    return np.linalg.eigvals(K)


def cosine(W, X, Y, rule, B, layers=None):
    """The cosine between the rule's update and the gradient, over the `layers` (1..L) as one vector."""
    mine, true = update(W, X, Y, rule, B), update(W, X, Y)
    layers = numbers(W, layers)
    a, b = (np.concatenate([each[number - 1].reshape(-1) for number in layers]) for each in (mine, true))
    norm = np.linalg.norm(a) * np.linalg.norm(b)
    return float(a @ b / norm) if norm else np.nan


def descend(W, X, Y, rule, B, lr, steps, frozen=(), after=None):
    """W after so many full-batch steps W_l <- W_l - lr dW_l; layers whose number is in `frozen` stay.

    `after(step, W)` is called after each. Raises Diverged, with the step reached, and InputError as `update` does.
    """
    check_number("the step", lr, 0)
    W, learning = [each.copy() for each in W], set(numbers(W, None)) - set(numbers(W, frozen))
    for step in range(1, steps + 1):
        with np.errstate(all="ignore"):
            for number, change in enumerate(update(W, X, Y, rule, B), start=1):
                if number in learning:
                    W[number - 1] -= lr * change
        if not all(np.isfinite(each).all() for each in W):
            raise Diverged(f"the descent by {rule} diverges at step {step} of {steps}: try a step below {lr:g}")
        if after:
            after(step, W)
    return W


def numbers(W, layers):
    """The layers' numbers, all of 1..L for None. Raises InputError for one that does not exist."""
    found = list(range(1, len(W) + 1) if layers is None else layers)
    if not set(found) <= set(range(1, len(W) + 1)):
        raise InputError(f"layers are counted from 1 to {len(W)}, found {found}")
    return found


def check(W, X, rule, B, Y=None):
    """Raise InputError unless the shapes of weights, examples, targets and feedback fit."""
    if X.ndim != 2 or (Y is not None and Y.shape != (len(X), len(W[-1]))):
        shapes = f"{X.shape} and {np.shape(Y) if Y is not None else 'any'}"
        raise InputError(f"expected examples (P, inputs) and targets (P, {len(W[-1])}), found {shapes}")
    expected = {"bp": {}, "fa": {n: W[n - 1].T.shape for n in range(2, len(W) + 1)},
                "dfa": {n: (len(W[n - 1]), len(W[-1])) for n in range(1, len(W))}}  # fmt: skip
    sizes = [X.shape[1], *(len(each) for each in W)]
    shapes = [(m, n) for n, m in zip(sizes, sizes[1:])]
    if [each.shape for each in W] != shapes:
        raise InputError(f"weights: expected shapes {shapes}, found {[each.shape for each in W]}")
    needed = choose(expected, rule, "rule")
    found = {n: (B or {}).get(n, np.empty(0)).shape for n in needed}
    if found != needed:
        raise InputError(f"{rule}: expected feedback of shapes {needed}, found {found}")
