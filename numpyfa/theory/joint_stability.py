"""The stability of a solution when the feedback learns too: Kolen-Pollack's rule, in the nets of `fixed_points`.

W_l learns by FA's update through B, B_l by the same update transposed, and both decay alike:

    dw/dt = -J^^T E - decay w,     db/dt = -P J^^T E - decay b

P takes the update of W_2..W_L and writes it in the order of B_2..B_L, which are shaped as W_l^T. Where E = 0 the
derivatives of J^ are multiplied by 0, so the Jacobian of the flow there is, in blocks of w and b,

    -[ J^^T J + decay     0     ]
     [  P J^^T J        decay   ]

It is block triangular: its eigenvalues are those of -(J^^T J + decay), and -decay once for every entry of B. Those of
J^^T J that are not 0 are those of S = J J^^T, so that learning the feedback changes nothing about stability at once. It
changes B: the gap B_l - W_l^T shrinks as exp(-decay t), and with B = W^T the matrix S is symmetric and not negative.
"""

import numpy as np

from .fixed_points import Arrays, Feedback, jacobian, stability, update


def flow(W: Arrays, B: Feedback, X: np.ndarray, Y: np.ndarray, decay: float = 0.0) -> tuple[Arrays, Feedback]:
    """(dW/dt, dB/dt)"""
    changes = update(W, X, Y, "fa", B)
    dW = [-change - decay * each for change, each in zip(changes, W)]
    dB = {number: -changes[number - 1].T - decay * each for number, each in B.items()}
    return dW, dB


def joint_jacobian(W: Arrays, B: Feedback, X: np.ndarray, decay: float = 0.0) -> np.ndarray:
    """The Jacobian of the flow of (w, b) where E = 0, w and then b as one vector each."""
    mine = np.concatenate(jacobian(W, X, "fa", B), axis=1)
    true = np.concatenate(jacobian(W, X), axis=1)
    into = mine.T @ true
    places = np.split(np.arange(len(into)), np.cumsum([each.size for each in W])[:-1])
    swap = np.concatenate([places[n - 1].reshape(W[n - 1].shape).T.reshape(-1) for n in sorted(B)])
    size, count = len(into), len(swap)
    top = np.hstack([into + decay * np.eye(size), np.zeros((size, count))])
    return -np.vstack([top, np.hstack([into[swap], decay * np.eye(count)])])


def least_joint(W: Arrays, B: Feedback, X: np.ndarray, decay: float, S: np.ndarray | None = None) -> float:
    """The least rate, the negative real part of an eigenvalue, at which a push away from the solution dies away under
    the joint flow; negative if one grows. Pushes along which neither E nor the gap moves only decay: they are in it.

    From S, which is small, in place of the whole Jacobian; S is computed unless it is given.
    """
    S = stability(W, X, "fa", B) if S is None else S
    return min(float(np.linalg.eigvals(S).real.min()) + decay, decay)
