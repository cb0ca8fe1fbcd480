"""Deep linear nets under direct feedback alignment, from zero weights: what the feedback makes of them, exactly.

Columns are examples: y = W_L ... W_1 x, layers of n_l units, e = y - target, F_l (n_l x n_L) the feedback to hidden
layer l. Direct feedback alignment is

    W_1 <- W_1 - lr <F_1 e x^T>,   W_l <- W_l - lr <F_l e h_{l-1}^T>,   W_L <- W_L - lr <e h_{L-1}^T>

Every update has F_l on its left and F_{l-1}^T on its right, so from zero

    W_1 = F_1 A_1,   W_l = F_l A_l F_{l-1}^T,   W_L = A_L F_{L-1}^T

with alignment matrices A_1 (n_L x n_0) and A_l (n_L x n_L) that learn by themselves. With G_l = F_l^T F_l, h_l = F_l
c_l, c_1 = A_1 x and c_l = A_l G_{l-1} c_{l-1}:

    A_1 <- A_1 - lr <e x^T>,   A_l <- A_l - lr <e c_{l-1}^T>

Where every A_l and G_l is a positive multiple of the identity W_l is along F_l F_{l-1}^T, and then what backpropagation
would send, W_{l+1}^T ... W_L^T e, is along F_l e: weights align with the feedback, and so gradients with gradients. An
A_l of bad condition spoils both.

Lists of weights, feedback and so on count from layer 1. The A_l, the G_l, moments, x and e may have leading axes: nets
that learn side by side. Source: Refinetti, d'Ascoli, Ohana & Goldt 2021; the recursion of the A_l is derived here.
"""

from collections.abc import Sequence

import numpy as np

from ..errors import Diverged, InputError
from .linear_task import transpose

Arrays = list[np.ndarray]


def draw_feedback(rng: np.random.Generator, widths: Sequence[int], outputs: int, kind: str = "normal") -> Arrays:
    """[F_1, ..., F_{L-1}], n_l x n_L, of N(0, 1/n_l), so that G_l is near the identity, or U(-1, 1) / sqrt n_l (near a
    third of it), as in the authors' code. Raises InputError for another kind."""
    draws = {"normal": lambda shape: rng.standard_normal(shape), "uniform": lambda shape: rng.uniform(-1, 1, shape)}
    if kind not in draws:
        raise InputError(f"feedback is drawn normal or uniform, found '{kind}'")
    return [draws[kind]((n, outputs)) / np.sqrt(n) for n in widths]


def zero_weights(F: Arrays, inputs: int) -> Arrays:
    """[W_1, ..., W_L], n_l x n_{l-1}, all zero."""
    outputs = F[0].shape[-1]
    sizes = [inputs, *(each.shape[-2] for each in F), outputs]
    return [np.zeros((m, n)) for n, m in zip(sizes, sizes[1:])]


def zero_alignment(inputs: int, outputs: int, layers: int, axes: tuple[int, ...] = ()) -> Arrays:
    """[A_1, ..., A_L], all zero, with leading `axes`."""
    return [np.zeros((*axes, outputs, inputs if layer == 0 else outputs)) for layer in range(layers)]


def learn_weights(W: Arrays, F: Arrays, x: np.ndarray, target: np.ndarray, lr: float) -> None:
    """One update of direct feedback alignment on a batch (n_0 x examples, n_L x examples), in place: by the net itself.

    Raises InputError for shapes that do not fit, and Diverged.
    """
    if target.shape != (len(W[-1]), x.shape[-1]) or len(x) != W[0].shape[1]:
        expected = f"{W[0].shape[1]} x examples and {len(W[-1])} x examples"
        raise InputError(f"expected a batch of {expected}, found {x.shape}, {target.shape}")
    h = [x]
    for each in W:
        h.append(each @ h[-1])
    e = finite(h[-1] - target) / x.shape[-1]
    for each, f, below in zip(W, [*F, np.eye(len(e))], h):
        each -= lr * f @ e @ below.T


def learn_alignment(A: Arrays, G: Arrays, input_moment: np.ndarray, target_moment: np.ndarray, lr: float) -> None:
    """The same update seen by the A_l alone, in place.

    The moments are <x x^T> (n_0 x n_0) and <target x^T> (n_L x n_0). Raises Diverged.
    """
    maps = [A[0]]  # of an input x to c_1, ..., c_L = y
    for a, g in zip(A[1:], G):
        maps.append(a @ g @ maps[-1])
    ex = finite(maps[-1] @ input_moment - target_moment)  # <e x^T>
    changes = [ex, *(ex @ transpose(each) for each in maps[:-1])]
    for a, change in zip(A, changes):
        a -= lr * change


def finite(error: np.ndarray) -> np.ndarray:
    """The error as it is. Raises Diverged if it is not finite."""
    if not np.isfinite(error).all():
        raise Diverged("the deep linear net diverges: take a smaller learning rate")
    return error


def compose(F: Arrays, A: Arrays) -> Arrays:
    """[W_1, ..., W_L] made of feedback and alignment matrices: F_1 A_1, F_l A_l F_{l-1}^T, A_L F_{L-1}^T."""
    lefts = [*F, np.eye(A[-1].shape[-2])]
    return [lefts[0] @ A[0], *(left @ a @ below.T for left, a, below in zip(lefts[1:], A[1:], F))]


def weight_alignment(A: Arrays, G: Arrays) -> Arrays:
    """cos(W_l, F_l F_{l-1}^T) for l = 2..L-1, then cos(W_L, F_{L-1}^T), one number a net; NaN for zero weights.

    With W_l = F_l A_l F_{l-1}^T it is tr(G_l A_l G_{l-1}) / sqrt(tr(G_l A_l G_{l-1} A_l^T) tr(G_l G_{l-1})); G_L = 1.
    """
    result = []
    for a, left, right in zip(A[1:], [*G[1:], np.eye(A[-1].shape[-1])], G):
        along = trace(left @ a @ right)
        norms = trace(left @ a @ right @ transpose(a)) * trace(left @ right)
        with np.errstate(invalid="ignore", divide="ignore"):
            result.append(along / np.sqrt(norms))
    return result


def gradient_alignment(A: Arrays, G: Arrays, e: np.ndarray) -> Arrays:
    """For each hidden layer the cosine between F_l e and what backpropagation sends, the mean over the columns of e
    (n_L x examples), one number a net.

    Backpropagation sends F_l times A_{l+1}^T G_{l+1} A_{l+2}^T ... G_{L-1} A_L^T e, and |F_l a|^2 = a^T G_l a.
    """
    result: Arrays = []
    sends = np.eye(A[-1].shape[-1])  # backpropagation sends F_l times this times e
    for place in reversed(range(len(G))):
        sends = transpose(A[place + 1]) @ (sends if place == len(G) - 1 else G[place + 1] @ sends)
        sent = sends @ e
        product = (sent * (G[place] @ e)).sum(axis=-2)
        norms = (sent * (G[place] @ sent)).sum(axis=-2) * (e * (G[place] @ e)).sum(axis=-2)
        with np.errstate(invalid="ignore", divide="ignore"):
            result.insert(0, (product / np.sqrt(norms)).mean(axis=-1))
    return result


def output(A: Arrays, G: Arrays, x: np.ndarray) -> np.ndarray:
    """y = A_L G_{L-1} ... A_2 G_1 A_1 x, n_L x examples."""
    c = A[0] @ x
    for a, g in zip(A[1:], G):
        c = a @ g @ c
    return c


def trace(a: np.ndarray) -> np.ndarray:
    """Over the last two axes."""
    return np.trace(a, axis1=-2, axis2=-1)
