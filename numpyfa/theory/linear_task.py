"""Lillicrap's linear task: a net W_2 W_1 x without biases learns the map W* x, and W_1 learns through random feedback.

Columns are examples: W* (n_2 x n_0), W_1 (n_1 x n_0), W_2 (n_2 x n_1) and B (n_1 x n_2), which stands where W_2^T does.
With e = W_2 W_1 x - W* x, one example at a time:

    W_2 <- W_2 - lr e (W_1 x)^T,   W_1 <- W_1 - lr B e x^T

This is fa. In the place of B bp has W_2^T, pseudo the pseudo-inverse W_2^+, and shallow 0. For whitened inputs and a
small learning rate, with E = W_2 W_1 - W*, it is the flow

    dW_2/dt = -E W_1^T,   dW_1/dt = -B E

Under feedback alignment B W_2 + W_2^T B^T - W_1 W_1^T never changes along it (`invariant`). If that is 0, V = |B E|^2
never rises (`lyapunov`): dV/dt = -2 |B E W_1^T|^2 - |W_1^T B E|^2. So E -> 0 if B has independent columns and the
weights stay bounded.

Every array may have leading axes: nets that learn side by side, such as seeds. Source: Lillicrap et al. 2016 (the
methods and proofs of arXiv 1411.0247), whose W_0, W, T and E are W_1, W_2, W* and -E here.
"""

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from ..errors import Diverged, InputError, check_number, choose

Weights = tuple[np.ndarray, np.ndarray]
Change = Callable[[int, np.ndarray, np.ndarray], Weights]


def transpose(a: np.ndarray) -> np.ndarray:
    """Of the last two axes."""
    return np.swapaxes(a, -1, -2)


TEACHES: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "fa": lambda W2, B: B,
    "bp": lambda W2, B: transpose(W2),
    "pseudo": lambda W2, B: np.linalg.pinv(W2),
    "shallow": lambda W2, B: np.zeros_like(B),
}


def start(
    seeds: Iterable[int], scale: float, sizes: tuple[int, int, int] = (30, 20, 10), feedback: float = 0.5
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """(W*, W_1, W_2, B) of Lillicrap's task, one net a seed, each array with the seeds as its first axis.

    W* is drawn from U(-1, 1), W_1 and W_2 from U(-scale, scale), B from U(-feedback, feedback); `sizes` are (n_0, n_1,
    n_2). Raises InputError for a scale below 0.
    """
    check_number("the scale of the weights", scale, 0)
    n_0, n_1, n_2 = sizes
    shapes = [((n_2, n_0), 1.0), ((n_1, n_0), scale), ((n_2, n_1), scale), ((n_1, n_2), feedback)]
    nets = []
    for seed in seeds:
        rng = np.random.default_rng([seed, 0])
        nets.append([rng.uniform(-bound, bound, shape) for shape, bound in shapes])
    W_star, W1, W2, B = (np.stack(arrays) for arrays in zip(*nets))
    return W_star, W1, W2, B


def check(W_star: np.ndarray, W1: np.ndarray, W2: np.ndarray, B: np.ndarray) -> None:
    """Raise InputError unless the shapes fit and the numbers are finite."""
    if not all(np.isfinite(array).all() for array in (W_star, W1, W2, B)):
        raise InputError("W*, W_1, W_2 and B must be finite numbers, found NaN or infinity")
    (n_2, n_0), n_1 = W_star.shape[-2:], W1.shape[-2]
    expected = {"W_1": (n_1, n_0), "W_2": (n_2, n_1), "B": (n_1, n_2)}
    found = {name: array.shape[-2:] for name, array in (("W_1", W1), ("W_2", W2), ("B", B))}
    if found != expected:
        raise InputError(
            f"for W* of shape {W_star.shape[-2:]} and {n_1} hidden units expected {expected}, found {found}"
        )


def learn(
    W_star: np.ndarray,
    W1: np.ndarray,
    W2: np.ndarray,
    B: np.ndarray,
    rule: str,
    lr: float,
    x: np.ndarray,
    marks: Sequence[int],
) -> dict[int, Weights]:
    """{step: (W_1, W_2)} at each of the steps `marks`, learning by one example a step: x is (steps, ..., n_0).

    Raises InputError for a bad rule or learning rate, and for shapes and marks that do not fit; Diverged, with the step
    reached.
    """
    check_number("the learning rate", lr, 0)
    check_marks(marks)
    if x.shape[-1] != W_star.shape[-1] or len(x) < max(marks):
        raise InputError(f"{max(marks)} steps on {W_star.shape[-1]} inputs need as many examples, found {x.shape}")

    def change(step: int, W1: np.ndarray, W2: np.ndarray) -> Weights:
        column = x[step][..., None]
        h = W1 @ column
        e = W2 @ h - W_star @ column
        return -lr * TEACHES[rule](W2, B) @ e @ transpose(column), -lr * e @ transpose(h)

    return follow(W_star, W1, W2, B, rule, change, marks, f"the linear task at a learning rate of {lr:g}")


def flow(
    W_star: np.ndarray,
    W1: np.ndarray,
    W2: np.ndarray,
    B: np.ndarray,
    rule: str,
    dt: float,
    marks: Sequence[int],
) -> dict[int, Weights]:
    """{step: (W_1, W_2)} along the flow, in Euler steps of dt: what `learn` does on average over whitened inputs.

    Raises InputError for a bad rule or dt, and for shapes and marks that do not fit; Diverged, with the step reached.
    """
    check_number("dt", dt, 0)
    check_marks(marks)

    def change(step: int, W1: np.ndarray, W2: np.ndarray) -> Weights:
        E = W2 @ W1 - W_star
        return -dt * TEACHES[rule](W2, B) @ E, -dt * E @ transpose(W1)

    return follow(W_star, W1, W2, B, rule, change, marks, f"the flow in steps of {dt:g}")


def follow(
    W_star: np.ndarray,
    W1: np.ndarray,
    W2: np.ndarray,
    B: np.ndarray,
    rule: str,
    change: Change,
    marks: Sequence[int],
    what: str,
) -> dict[int, Weights]:
    """{step: (W_1, W_2)} at each mark, where change(step, W_1, W_2) is (dW_1, dW_2)."""
    check(W_star, W1, W2, B)
    choose(TEACHES, rule, "rule")
    kept = {}
    wanted, last = set(marks), max(marks)
    with np.errstate(all="ignore"):
        for step in range(last + 1):
            if not (np.isfinite(W1).all() and np.isfinite(W2).all()):
                raise Diverged(f"{what} diverges at step {step}: make it smaller")
            if step in wanted:
                kept[step] = W1.copy(), W2.copy()
            if step < last:
                try:
                    dW1, dW2 = change(step, W1, W2)
                except np.linalg.LinAlgError:  # of a pseudo-inverse
                    raise Diverged(f"{what} diverges at step {step}: make it smaller") from None
                W1, W2 = W1 + dW1, W2 + dW2
    return kept


def check_marks(marks: Sequence[int]) -> None:
    """Raise InputError unless the marks are whole numbers of steps."""
    whole = [isinstance(mark, (int, np.integer)) for mark in marks]
    if not whole or not all(whole) or min(marks) < 0:
        raise InputError(f"the marks must be whole numbers of steps from 0, found {list(marks)}")


def error(W_star: np.ndarray, W1: np.ndarray, W2: np.ndarray) -> np.ndarray:
    """|E|^2 / |W*|^2, one number a net: the squared error over that of an output of 0, both averaged over whitened
    inputs."""
    return ((W2 @ W1 - W_star) ** 2).sum(axis=(-1, -2)) / (W_star**2).sum(axis=(-1, -2))


def invariant(W1: np.ndarray, W2: np.ndarray, B: np.ndarray) -> np.ndarray:
    """B W_2 + W_2^T B^T - W_1 W_1^T (n_1 x n_1), which the flow of feedback alignment conserves."""
    return B @ W2 + transpose(B @ W2) - W1 @ transpose(W1)


def lyapunov(W_star: np.ndarray, W1: np.ndarray, W2: np.ndarray, B: np.ndarray) -> np.ndarray:
    """V = |B E|^2, one number a net, which falls along the flow of feedback alignment where the invariant is 0."""
    return ((B @ (W2 @ W1 - W_star)) ** 2).sum(axis=(-1, -2))


def in_first_mode(W_star: np.ndarray, W1: np.ndarray, W2: np.ndarray) -> np.ndarray:
    """The share of |E|^2 that lies in one singular mode, the largest; one number a net: s_1^2 / sum_k s_k^2."""
    modes = np.linalg.svd(W2 @ W1 - W_star, compute_uv=False) ** 2
    return modes[..., 0] / modes.sum(axis=-1)


def signal_angle(
    W_star: np.ndarray, W1: np.ndarray, W2: np.ndarray, B: np.ndarray, to: str, x: np.ndarray
) -> np.ndarray:
    """The angle in degrees between what feedback alignment tells the hidden units, B e, and what the rule `to` would
    tell them, the mean over the errors e = E x of the examples x (n_0 x examples); one number a net.

    Late in learning E has few directions left, and these errors lie in them: `angle_to` takes any errors.
    Signed, 0 to 180: Lillicrap et al. folded it onto 0 to 90. Raises InputError for an unknown rule.
    """
    return angle_to(W2, B, to, (W2 @ W1 - W_star) @ x)


def angle_to(W2: np.ndarray, B: np.ndarray, to: str, e: np.ndarray) -> np.ndarray:
    """The same for errors e (n_2 x errors) of any make: of N(0, I) it asks of all directions alike."""
    a = B @ e
    b = choose(TEACHES, to, "rule")(W2, B) @ e
    with np.errstate(invalid="ignore"):
        cosine = (a * b).sum(axis=-2) / np.sqrt((a * a).sum(axis=-2) * (b * b).sum(axis=-2))
    return np.degrees(np.arccos(np.clip(cosine, -1, 1))).mean(axis=-1)
