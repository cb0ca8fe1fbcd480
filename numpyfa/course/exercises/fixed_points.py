"""Exercises of notebook 08: fixed points and stability.

The net is E = tanh(x W_1) W_2 - target, (N, K) for N examples and K outputs, read as one vector of N K entries.
"""

import numpy as np

from ..exercise import Identity, exercise, sizes

# -- J ---------------------------------------------------------------------------------------------------------------


def hidden_layer(rng, n, square):
    """x, z = x W_1, and M, which stands where W_2^T stands."""
    inputs, units, outputs = sizes(rng, 3, square)
    x, M = rng.standard_normal((n, inputs)), rng.standard_normal((outputs, units))
    return x, x @ rng.standard_normal((inputs, units)) / inputs**0.5, M


def against_differences(answer, x, z, M):
    """How far J dw is from the change of tanh(x W_1) M^T when W_1 moves by a small dw, in five random directions."""
    J, rng, step = answer(x, z, M), np.random.default_rng(0), 1e-6
    gaps = []
    for _ in range(5):
        dw = rng.standard_normal((x.shape[1], z.shape[1]))
        up, down = (np.tanh(z + sign * step * x @ dw) @ M.T for sign in (1, -1))
        gaps.append(np.abs(J @ dw.ravel() - ((up - down) / (2 * step)).ravel()).max())
    return max(gaps)


@exercise(
    "stable.jacobian",
    draw=hidden_layer,
    identity=Identity("with W_2^T for M, J dw is the change of E by finite differences", against_differences),
    hints=(
        "If W_1[i, j] grows by a little, z[p, j] grows by x[p, i] times that, and h[p, j] by f'(z[p, j]) times this. "
        "What does E[p, k] do?",
        "J[(p, k), (i, j)] = x[p, i] (1 - tanh(z[p, j])^2) M[k, j]: a product of three with four letters.",
        'np.einsum("pi,pj,kj->pkij", x, 1 - np.tanh(z) ** 2, M), then .reshape(N * K, -1).',
    ),
)
def jacobian(x, z, M):
    blocks = np.einsum("pi,pj,kj->pkij", x, 1 - np.tanh(z) ** 2, M)
    return blocks.reshape(len(x) * len(M), -1)


@jacobian.wrong("no slope", "your J lacks the slope f'(z): W_1 moves z, and h = tanh(z) moves by 1 - tanh(z)^2 of that")
def _(x, z, M):
    return np.einsum("pi,pj,kj->pkij", x, np.ones_like(z), M).reshape(len(x) * len(M), -1)


@jacobian.wrong("z for h", "the slope is 1 - h^2 with h = tanh(z), and you have 1 - z^2")
def _(x, z, M):
    return np.einsum("pi,pj,kj->pkij", x, 1 - z**2, M).reshape(len(x) * len(M), -1)


@jacobian.wrong("h for the slope", "you multiply by h = tanh(z) where its slope 1 - h^2 is due")
def _(x, z, M):
    return np.einsum("pi,pj,kj->pkij", x, np.tanh(z), M).reshape(len(x) * len(M), -1)


@jacobian.wrong(
    "transposed", "M is transposed: it stands where W_2^T stands, so its rows are outputs and it is M[k, j]"
)
def _(x, z, M):
    return np.einsum("pi,pj,jk->pkij", x, 1 - np.tanh(z) ** 2, M).reshape(len(x) * M.shape[1], -1)


@jacobian.wrong(
    "outputs first",
    "your rows are ordered by output and then by example: E.ravel() runs through the outputs of one example first",
)
def _(x, z, M):
    return np.einsum("pi,pj,kj->kpij", x, 1 - np.tanh(z) ** 2, M).reshape(len(x) * len(M), -1)


@jacobian.wrong(
    "units first", "your columns are those of W_1^T: W_1.ravel() runs through the units j of one input i first"
)
def _(x, z, M):
    return np.einsum("pi,pj,kj->pkji", x, 1 - np.tanh(z) ** 2, M).reshape(len(x) * len(M), -1)


@jacobian.wrong("mean over examples", "divided by N: E keeps every example's own error, and nothing here is averaged")
def _(x, z, M):
    return np.einsum("pi,pj,kj->pkij", x, 1 - np.tanh(z) ** 2, M).reshape(len(x) * len(M), -1) / len(x)


# -- S ---------------------------------------------------------------------------------------------------------------


def net(rng, n, square):
    """x, W_1, W_2 and B of a net with one hidden layer."""
    inputs, units, outputs = sizes(rng, 3, square)
    W1 = rng.standard_normal((inputs, units)) / inputs**0.5
    return rng.standard_normal((n, inputs)), W1, rng.standard_normal((units, outputs)), rng.standard_normal(
        (outputs, units)
    )  # fmt: skip


def both(x, W1, M):
    """J of both layers, side by side, with M in W_2^T's place."""
    return np.hstack([jacobian.solution(x, x @ W1, M), np.kron(np.tanh(x @ W1), np.eye(len(M)))])


def along_the_update(answer, x, W1, W2, B):
    """How far -S E is from dE/dt by finite differences, along one update of feedback alignment."""
    h, step = np.tanh(x @ W1), 1e-6
    target = np.random.default_rng(0).standard_normal((len(x), len(B)))
    E = h @ W2 - target
    dW1, dW2 = x.T @ ((E @ B) * (1 - h**2)), h.T @ E
    up, down = (np.tanh(x @ (W1 - s * dW1)) @ (W2 - s * dW2) for s in (step, -step))
    dE = (up - down).ravel() / (2 * step)
    return np.abs(dE + answer(x, W1, W2, B) @ E.ravel()).max() / np.abs(dE).max()


@exercise(
    "stable.S",
    draw=net,
    identity=Identity("-S E is dE/dt along an update, by finite differences", along_the_update),
    hints=(
        "S = J J^^T sums over all weights, so it is S_1 + S_2: one term for each layer.",
        "S_1 = jacobian(x, x @ W1, W2.T) @ jacobian(x, x @ W1, B).T: the true J first, and B in the second alone.",
        "No feedback reaches W_2: its J is np.kron(h, np.eye(K)) under both rules, so S_2 = J_2 J_2^T.",
    ),
)
def stability(x, W1, W2, B):
    z = x @ W1
    J2 = np.kron(np.tanh(z), np.eye(W2.shape[1]))
    return jacobian.solution(x, z, W2.T) @ jacobian.solution(x, z, B).T + J2 @ J2.T


@stability.wrong("hidden layer alone", "the output layer is missing: W_2 learns too, and S_2 = J_2 J_2^T is its share")
def _(x, W1, W2, B):
    return jacobian.solution(x, x @ W1, W2.T) @ jacobian.solution(x, x @ W1, B).T


@stability.wrong("output layer alone", "the hidden layer is missing: S_1 = J_1 J^_1^T is the share of W_1")
def _(x, W1, W2, B):
    return np.kron(np.tanh(x @ W1), np.eye(len(B))) @ np.kron(np.tanh(x @ W1), np.eye(len(B))).T


@stability.wrong("transposed", "this is J^ J^T, S transposed: weights move by -J^^T E, and J says what E makes of that")
def _(x, W1, W2, B):
    return both(x, W1, B) @ both(x, W1, W2.T).T


@stability.wrong(
    "backpropagation", "this is J J^T, backpropagation's: B has no part in it. Put it into the second factor"
)
def _(x, W1, W2, B):
    return both(x, W1, W2.T) @ both(x, W1, W2.T).T


@stability.wrong(
    "B twice", "B stands in both factors: what E does when W_1 moves is a fact of the net, the true J with W_2^T"
)
def _(x, W1, W2, B):
    return both(x, W1, B) @ both(x, W1, B).T


@stability.wrong("weights", "this is J^T J^, weights by weights: S says what E makes of E, so it is (N K, N K), J J^^T")
def _(x, W1, W2, B):
    return both(x, W1, W2.T).T @ both(x, W1, B)


@stability.wrong(
    "outputs first",
    "S_2 is ordered by output and then by example, S_1 the other way round: np.kron(h, I), not np.kron(I, h)",
)
def _(x, W1, W2, B):
    z = x @ W1
    J2 = np.kron(np.eye(W2.shape[1]), np.tanh(z))
    return jacobian.solution(x, z, W2.T) @ jacobian.solution(x, z, B).T + J2 @ J2.T


# -- The criteria ----------------------------------------------------------------------------------------------------


def some_S(rng, n, square):
    """A matrix that is not symmetric, and whose symmetric part is well conditioned in no special way."""
    return (rng.standard_normal((6, 6)) + rng.uniform(0, 3) * np.eye(6),)


def long_run(answer, S):
    """How far the answer is from the rate at which |exp(-S t)| falls in the end, t of 2^26.

    exp(-S t) by its series at t = 2^-6, then squared; its size is kept apart as a logarithm.
    """
    P, term = np.eye(len(S)), np.eye(len(S))
    for order in range(1, 20):
        term = term @ -S / (64 * order)
        P = P + term
    log, t = 0.0, 2.0**-6
    for _ in range(32):
        P, log, t = P @ P, 2 * log, 2 * t
        size = np.linalg.norm(P)
        P, log = P / size, log + np.log(size)
    return abs(answer(S) + log / t)


@exercise(
    "stable.spectrum",
    draw=some_S,
    batch=False,
    identity=Identity("it is the rate at which exp(-S t) E falls in the end", long_run),
    hints=(
        "Along an eigenvector of S with the eigenvalue lambda, E goes as exp(-lambda t).",
        "|exp(-lambda t)| = exp(-Re(lambda) t): the imaginary part only turns E.",
        "np.linalg.eigvals(S).real.min(). Not eigvalsh, which is for symmetric matrices and does not say so.",
    ),
)
def slowest(S):
    return np.linalg.eigvals(S).real.min()


@slowest.wrong("largest", "this is the largest real part: that mode dies away first. The least one decides")
def _(S):
    return np.linalg.eigvals(S).real.max()


@slowest.wrong(
    "for symmetric matrices",
    "eigvalsh reads the lower triangle only and takes S for symmetric, which it is not: use eigvals",
)
def _(S):
    return np.linalg.eigvalsh(S).min()


@slowest.wrong(
    "symmetric part",
    "these are the eigenvalues of (S + S^T) / 2: they say how the loss begins to change, not where E ends",
)
def _(S):
    return np.linalg.eigvalsh((S + S.T) / 2).min()


@slowest.wrong("modulus", "this is the least |lambda|: an eigenvalue of -3 grows as fast as one of 3 dies away")
def _(S):
    return np.abs(np.linalg.eigvals(S)).min()


@slowest.wrong("first", "this is the first eigenvalue: eigvals gives them in no order, so take the least")
def _(S):
    return np.linalg.eigvals(S)[0].real


@slowest.wrong(
    "of -S", "these are the eigenvalues of -S, so the largest is the one that decides; here S itself is asked"
)
def _(S):
    return np.linalg.eigvals(-S).real.min()


slowest.wrong("sign", None, lambda S: -np.linalg.eigvals(S).real.min())


def by_powers(answer, S):
    """How far the answer is from <E, S E> at the E that powers of c - (S + S^T) / 2 turn every vector to."""
    A = (S + S.T) / 2
    P = np.linalg.norm(A) * np.eye(len(S)) - A
    for _ in range(40):
        P = P @ P
        P /= np.linalg.norm(P)
    E = P @ np.random.default_rng(0).standard_normal(len(S))
    E /= np.linalg.norm(E)
    return abs(answer(S) - E @ S @ E)


@exercise(
    "stable.acute",
    draw=some_S,
    batch=False,
    identity=Identity("an E found without eigenvalues reaches it", by_powers),
    hints=(
        "E^T S E is a number, so it equals its own transpose: E^T S E = E^T S^T E.",
        "So E^T S E = E^T (S + S^T) / 2 E. For a symmetric A the least of E^T A E is its least eigenvalue.",
        "np.linalg.eigvalsh((S + S.T) / 2)[0]: eigvalsh sorts them.",
    ),
)
def least_fall(S):
    return np.linalg.eigvalsh((S + S.T) / 2)[0]


@least_fall.wrong("not halved", "the half is missing: E^T S E = E^T (S + S^T) E / 2")
def _(S):
    return np.linalg.eigvalsh(S + S.T)[0]


@least_fall.wrong(
    "spectrum of S",
    "this is the least real part of an eigenvalue of S: the rate in the end. At once, E^T S E can be far below it",
)
def _(S):
    return np.linalg.eigvals(S).real.min()


@least_fall.wrong(
    "lower triangle", "eigvalsh of S itself reads its lower triangle only: make it symmetric first, (S + S^T) / 2"
)
def _(S):
    return np.linalg.eigvalsh(S)[0]


@least_fall.wrong("largest", "this is the largest of E^T S E, the direction in which the loss falls fastest")
def _(S):
    return np.linalg.eigvalsh((S + S.T) / 2)[-1]


@least_fall.wrong(
    "modulus", "this is the least |lambda|: the least eigenvalue itself is due, and if it is negative the loss can rise"
)
def _(S):
    return np.abs(np.linalg.eigvalsh((S + S.T) / 2)).min()


@least_fall.wrong("singular values", "singular values are never negative: they are of |S E|, not of E^T S E")
def _(S):
    return np.linalg.svd(S, compute_uv=False).min()


@least_fall.wrong("antisymmetric", "S - S^T is what drops out of E^T S E: the sum S + S^T stays")
def _(S):
    return np.linalg.eigvals((S - S.T) / 2).real.min()


# -- The learning rate -----------------------------------------------------------------------------------------------


def some_eigenvalues(rng, n, square):
    """Eigenvalues of a stable S, in conjugate pairs; some turn more than they shrink."""
    pairs = rng.uniform(0.5, 3, 3) + 1j * rng.uniform(2, 6, 3)
    return (np.concatenate([pairs, pairs.conj(), rng.uniform(0.5, 9, 2)]),)


def at_the_limit(answer, eigenvalues):
    """How far the largest factor |1 - lr lambda| of one step is from 1."""
    return abs(np.abs(1 - answer(eigenvalues) * eigenvalues).max() - 1)


@exercise(
    "stable.lr",
    draw=some_eigenvalues,
    batch=False,
    identity=Identity("at this lr the largest factor |1 - lr lambda| is 1", at_the_limit),
    hints=(
        "One update multiplies a mode by 1 - lr lambda, and it dies away if the modulus of this is below 1.",
        "|1 - lr lambda|^2 = 1 - 2 lr Re(lambda) + lr^2 |lambda|^2. Where does this reach 1?",
        "At lr = 2 Re(lambda) / |lambda|^2, for each mode; the least of them is the limit for all.",
    ),
)
def largest_lr(eigenvalues):
    return (2 * eigenvalues.real / np.abs(eigenvalues) ** 2).min()


@largest_lr.wrong(
    "as if real", "2 / |lambda| is the limit for real eigenvalues: one with an imaginary part turns E and allows less"
)
def _(eigenvalues):
    return (2 / np.abs(eigenvalues)).min()


@largest_lr.wrong("real part alone", "2 / Re(lambda) forgets the imaginary part: it is in |lambda|^2")
def _(eigenvalues):
    return (2 / eigenvalues.real).min()


@largest_lr.wrong("not squared", "|lambda| is not squared: lr |lambda|^2 < 2 Re(lambda)")
def _(eigenvalues):
    return (2 * eigenvalues.real / np.abs(eigenvalues)).min()


@largest_lr.wrong("no 2", "the 2 is missing: the cross term of |1 - lr lambda|^2 is 2 lr Re(lambda)")
def _(eigenvalues):
    return (eigenvalues.real / np.abs(eigenvalues) ** 2).min()


@largest_lr.wrong(
    "last mode", "this is the largest of the modes' limits: one mode that grows is enough, take the least"
)
def _(eigenvalues):
    return (2 * eigenvalues.real / np.abs(eigenvalues) ** 2).max()


@largest_lr.wrong(
    "complex square", "lambda^2 of a complex number is not |lambda|^2: take np.abs first, then the square"
)
def _(eigenvalues):
    return np.real(2 * eigenvalues.real / eigenvalues**2).min()
