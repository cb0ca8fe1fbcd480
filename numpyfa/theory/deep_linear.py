"""Deep linear nets under direct feedback alignment, from zero weights: what the feedback makes of them, exactly.

Columns are examples, as in the paper: y = W_L ... W_1 x, hidden layers of n_l units, C outputs, e = y - target, F_l
(n_l x C) the feedback to hidden layer l. Direct feedback alignment is

    W_1 <- W_1 - lr <F_1 e x^T>,   W_l <- W_l - lr <F_l e h_{l-1}^T>,   W_L <- W_L - lr <e h_{L-1}^T>

Every update has F_l on its left and F_{l-1}^T on its right, so from zero

    W_1 = F_1 A_1,   W_l = F_l A_l F_{l-1}^T,   W_L = A_L F_{L-1}^T

with alignment matrices A_1 (C x n_0) and A_l (C x C) that learn by themselves. With z_1 = A_1 x and z_l = A_l F_{l-1}^T
F_{l-1} z_{l-1}:

    A_1 <- A_1 - lr <e x^T>,   A_l <- A_l - lr <e z_{l-1}^T>

Where A_l and F_l^T F_l are multiples of the identity W_l is along F_l F_{l-1}^T, and then what backpropagation would
send, W_{l+1}^T ... W_L^T e, is along F_l e: weights align with the feedback, and so gradients with gradients. An A_l of
bad condition spoils both.

Arrays may have leading axes: nets that learn side by side. Source: Refinetti, d'Ascoli, Ohana & Goldt 2021; the
recursion of the A_l is derived here.
"""

import numpy as np

from ..errors import Diverged, InputError
from .linear_task import transpose


def draw_feedback(rng, widths, outputs, kind="normal"):
    """[F_1, ..., F_{L-1}], n_l x C, with F_l^T F_l near the identity: N(0, 1/n_l), or U(-1, 1) / sqrt n_l (a third of
    it), as in the authors' code."""
    draws = {"normal": lambda shape: rng.standard_normal(shape), "uniform": lambda shape: rng.uniform(-1, 1, shape)}
    if kind not in draws:
        raise InputError(f"feedback is drawn normal or uniform, found '{kind}'")
    return [draws[kind]((n, outputs)) / np.sqrt(n) for n in widths]


def zero_weights(F, inputs):
    """[W_1, ..., W_L], all zero."""
    outputs = F[0].shape[-1]
    sizes = [inputs, *(each.shape[-2] for each in F), outputs]
    return [np.zeros((m, n)) for n, m in zip(sizes, sizes[1:])]


def zero_alignment(inputs, outputs, layers, axes=()):
    """[A_1, ..., A_L], all zero, with leading `axes`."""
    return [np.zeros((*axes, outputs, inputs if layer == 0 else outputs)) for layer in range(layers)]


def learn_weights(W, F, x, target, lr):
    """One step of direct feedback alignment on a batch (n_0 x P, C x P), in place: by the net itself.

    Raises InputError for shapes that do not fit, and Diverged.
    """
    if target.shape != (len(W[-1]), x.shape[-1]) or len(x) != W[0].shape[1]:
        raise InputError(
            f"expected a batch of {W[0].shape[1]} x P and {len(W[-1])} x P, found {x.shape}, {target.shape}"
        )
    h = [x]
    for each in W:
        h.append(each @ h[-1])
    e = finite(h[-1] - target) / x.shape[-1]
    for each, f, below in zip(W, [*F, np.eye(len(e))], h):
        each -= lr * f @ e @ below.T


def learn_alignment(A, G, input_moment, target_moment, lr):
    """The same step seen by the A_l alone, in place. G_l = F_l^T F_l, the moments are <x x^T> and <target x^T>.

    Raises Diverged.
    """
    Z = [A[0]]  # z_l = Z_l x
    for a, g in zip(A[1:], G):
        Z.append(a @ g @ Z[-1])
    ex = finite(Z[-1] @ input_moment - target_moment)  # <e x^T>
    changes = [ex, *(ex @ transpose(z) for z in Z[:-1])]
    for a, change in zip(A, changes):
        a -= lr * change


def finite(error):
    if not np.isfinite(error).all():
        raise Diverged("the deep linear net diverges: take a smaller step")
    return error


def compose(F, A):
    """[W_1, ..., W_L] made of feedback and alignment matrices."""
    lefts = [*F, np.eye(A[-1].shape[-2])]
    return [lefts[0] @ A[0], *(left @ a @ below.T for left, a, below in zip(lefts[1:], A[1:], F))]


def weight_alignment(A, G):
    """cos(W_l, F_l F_{l-1}^T) for l = 2..L-1, then cos(W_L, F_{L-1}^T); NaN for zero weights."""
    C = A[-1].shape[-1]
    result = []
    for a, left, right in zip(A[1:], [*G[1:], np.eye(C)], G):
        top = trace(left @ a @ right)
        with np.errstate(invalid="ignore", divide="ignore"):
            result.append(top / np.sqrt(trace(left @ a @ right @ transpose(a)) * trace(left @ right)))
    return result


def gradient_alignment(A, G, e):
    """For each hidden layer the cosine between F_l e and what backpropagation sends, the mean over the columns of e."""
    S, result = np.eye(A[-1].shape[-1]), []  # backpropagation sends F_l S_l e
    for place in reversed(range(len(G))):
        S = transpose(A[place + 1]) @ (S if place == len(G) - 1 else G[place + 1] @ S)
        mine, sent = e, S @ e
        product = (sent * (G[place] @ mine)).sum(axis=-2)
        norms = (sent * (G[place] @ sent)).sum(axis=-2) * (mine * (G[place] @ mine)).sum(axis=-2)
        with np.errstate(invalid="ignore", divide="ignore"):
            result.insert(0, (product / np.sqrt(norms)).mean(axis=-1))
    return result


def output(A, G, x):
    """y, C x P."""
    z = A[0] @ x
    for a, g in zip(A[1:], G):
        z = a @ g @ z
    return z


def trace(a):
    return np.trace(a, axis1=-2, axis2=-1)
