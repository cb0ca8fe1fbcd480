"""Feedback that learns as the weights do: how far it has come, exactly.

W is a layer's weights (n_out x n_in). What stands in the place of W^T on the way back is written in W's own shape,
that is transposed: B under Kolen-Pollack, the path P of product feedback. W and the feedback take the same updates and
shrink by the same factor `shrink` = 1 - lr decay each. After t updates, whatever was learned, by SGD without momentum

    B_t = W_t - shrink^t (W_0 - B_0)                              Kolen-Pollack
    P_t = G (W_t - shrink^t W_0) + shrink^t P_0                   product feedback

where G = B B^T (n_out x n_out) of product feedback's fixed factor B (n_out x k n_out). The first also holds under
momentum, RMSprop or Adam if the decay is decoupled, since B's gradient is W's, entry by entry; the second needs updates
that are linear in the gradient. So B -> W, and P -> G W. For G = 1 (orthogonal B) that is W too; for a random B of
variance 1/(k n_out) it stays at an angle: for weights without preferred directions cos = tr G / sqrt(n_out tr G^2),
near arctan(1 / sqrt k) in degrees.

Sources: Kolen & Pollack 1994; Akrout et al. 2019; Li & Benna 2024. The closed forms are derived here.
"""

import math

import numpy as np

from ..errors import InputError, check_number


def kolen_pollack(W0: np.ndarray, B0: np.ndarray, W: np.ndarray, shrink: float, steps: int) -> np.ndarray:
    """B_t = W_t - shrink^t (W_0 - B_0) after so many updates, from W then and both at the start, all of one shape.

    Raises InputError unless shrink is from 0 to 1.
    """
    check_number("the factor of decay", shrink, 0, 1)
    return W - shrink**steps * (W0 - B0)


def product_path(W0: np.ndarray, P0: np.ndarray, W: np.ndarray, G: np.ndarray, shrink: float, steps: int) -> np.ndarray:
    """P_t = G (W_t - shrink^t W_0) + shrink^t P_0 after so many updates; G = B B^T, n_out x n_out.

    Raises InputError unless shrink is from 0 to 1.
    """
    check_number("the factor of decay", shrink, 0, 1)
    return G @ (W - shrink**steps * W0) + shrink**steps * P0


def path_angle(expansion: float) -> float:
    """arctan(1 / sqrt k), in degrees: where the path of product feedback ends in a wide layer.

    Raises InputError for an expansion k below 1.
    """
    check_number("the expansion", expansion, 1)
    return math.degrees(math.atan(1 / math.sqrt(expansion)))


def path_angle_of(G: np.ndarray) -> float:
    """The same for one G, and weights without preferred directions: arccos(tr G / sqrt(n tr G^2)), in degrees."""
    return angle(G, np.eye(len(G)))


def angle(a: np.ndarray, b: np.ndarray) -> float:
    """Between two matrices as vectors, in degrees; NaN where one is zero. Raises InputError for unequal shapes."""
    if np.shape(a) != np.shape(b):
        raise InputError(f"an angle is between matrices of one shape, found {np.shape(a)} and {np.shape(b)}")
    norms = float(np.linalg.norm(a) * np.linalg.norm(b))
    return math.degrees(math.acos(np.clip((a * b).sum() / norms, -1, 1))) if norms > 0 else math.nan
