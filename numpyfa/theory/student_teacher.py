"""Student and teacher: online learning of a two-layer net by a two-layer net, simulated and in theory.

The teacher has M hidden units B (M x N) and output weights A (M), the student K units w (K x N) and v (K). For inputs
x ~ N(0, I_N) the fields are rho = B x / sqrt N and lambda = w x / sqrt N, the outputs y = A g(rho) + sigma xi and v
g(lambda), and D = y - v g(lambda). Each example is used once:

    w <- w + lr / sqrt N  D (f * g'(lambda)) x^T,   f = v for backpropagation, f = F, random and fixed, for feedback
    v <- v + lr / N  D g(lambda)                    alignment, which with one hidden layer is direct feedback alignment

For large N all that matters are the overlaps Q = w w^T / N, R = w B^T / N, T = B B^T / N and v. With t = steps / N they
follow a closed set of ordinary differential equations (`rates`).

Sources: Saad & Solla 1995; Goldt et al. 2019; Refinetti, d'Ascoli, Ohana & Goldt 2021 (for feedback alignment).
"""

from dataclasses import dataclass, replace
from importlib import import_module

import numpy as np

from ..errors import Diverged, InputError, check_number, choose
from .integrals import INTEGRALS

UNITS = {
    "erf": (lambda x: scipy("special").erf(x / np.sqrt(2)), lambda x: np.sqrt(2 / np.pi) * np.exp(-0.5 * x * x)),
    "linear": (lambda x: x, lambda x: np.ones_like(x)),
}
LARGEST = 1e4  # an overlap beyond this has diverged
EVALUATIONS = 100_000  # of the rates, in one integration: a stiff problem would go on for ever


@dataclass
class Overlaps:
    """Q (K x K), R (K x M), T (M x M), v (K), A (M) and the feedback F (K; None under backpropagation).

    Raises InputError for shapes that do not fit, and for overlaps that no vectors have: [[Q, R], [R^T, T]] must be a
    covariance.
    """

    Q: np.ndarray
    R: np.ndarray
    T: np.ndarray
    v: np.ndarray
    A: np.ndarray
    F: np.ndarray | None = None

    def __post_init__(self):
        for name in ("Q", "R", "T", "v", "A", *(["F"] if self.F is not None else [])):
            setattr(self, name, np.array(getattr(self, name), float))
            if not np.isfinite(getattr(self, name)).all():
                raise InputError(f"overlaps: {name} must be finite numbers, found NaN or infinity")
        K, M = self.R.shape if self.R.ndim == 2 else (0, 0)
        expected = {"Q": (K, K), "T": (M, M), "v": (K,), "A": (M,)} | ({"F": (K,)} if self.F is not None else {})
        found = {name: getattr(self, name).shape for name in expected}
        if found != expected or not K * M:
            raise InputError(f"overlaps: for R of shape {self.R.shape} expected {expected}, found {found}")
        lowest = float(np.linalg.eigvalsh(self.covariance()).min())
        if not np.allclose(self.Q, self.Q.T) or not np.allclose(self.T, self.T.T) or not lowest > -1e-9:
            raise InputError(
                f"overlaps: [[Q, R], [R^T, T]] must be a covariance, symmetric and without negative eigenvalues; the "
                f"lowest is {lowest:.3g}"
            )

    def covariance(self):
        """C of the fields (lambda, rho), (K + M) x (K + M)."""
        return np.block([[self.Q, self.R], [self.R.T, self.T]])


def generalisation_error(overlaps, unit="erf"):
    """1/2 <(y - v g(lambda))^2> = 1/2 sum_cd s_c s_d I2(c, d),  s = (-v, A), without the teacher's noise."""
    I2 = choose(INTEGRALS, unit, "unit")[0]
    s, i = np.concatenate([-overlaps.v, overlaps.A]), np.arange(len(overlaps.v) + len(overlaps.A))
    return 0.5 * float(s @ I2(overlaps.covariance(), i[:, None], i) @ s)


def rates(overlaps, lr, sigma=0.0, unit="erf"):
    """(dQ/dt, dR/dt, dv/dt). With s = (-v, A), so that D = sum_c s_c g(u_c) + sigma xi, and f = F or v:

    dR_in = lr f_i E3[i, n]                          E3[i, b]  = sum_c s_c I3(i, b, c)
    dQ_ik = lr (f_i E3[i, k] + f_k E3[k, i])         E4[i, k]  = sum_cd s_c s_d I4(i, k, c, d)
            + lr^2 f_i f_k (E4[i, k] + sigma^2 J2(i, k))
    dv_i  = lr sum_c s_c I2(i, c)
    """
    I2, I3, I4, J2 = INTEGRALS[unit]
    C, K = overlaps.covariance(), len(overlaps.v)
    f = overlaps.v if overlaps.F is None else overlaps.F
    s, u, i = np.concatenate([-overlaps.v, overlaps.A]), np.arange(len(C)), np.arange(K)
    E3 = I3(C, i[:, None, None], u[:, None], u) @ s
    E4 = I4(C, i[:, None, None, None], i[:, None, None], u[:, None], u) @ s @ s
    pull = f[:, None] * E3
    noise = sigma**2 * J2(C, i[:, None], i)
    dQ = lr * (pull[:, :K] + pull[:, :K].T) + lr**2 * np.outer(f, f) * (E4 + noise)
    return dQ, lr * pull[:, K:], lr * I2(C, i[:, None], u) @ s


def integrate(overlaps, times, lr, sigma=0.0, unit="erf", rtol=1e-8):
    """The `Overlaps` at each of the rising `times` (steps / N), from `overlaps` at time 0, by SciPy's adaptive RK45.

    Raises Diverged, with the time reached, when an overlap grows beyond all bounds.
    """
    times = check(times, lr, sigma, unit)
    K, M = overlaps.R.shape
    cuts = np.cumsum([K * K, K * M])

    def unpack(state):
        Q, R, v = np.split(state, cuts)
        return Q.reshape(K, K), R.reshape(K, M), v

    def at(state):
        Q, R, v = unpack(state)
        now = object.__new__(Overlaps)  # without the checks: the solver tries states just beyond the possible ones
        now.Q, now.R, now.v, now.T, now.A, now.F = Q, R, v, overlaps.T, overlaps.A, overlaps.F
        return now

    reached, count = 0.0, 0

    def stop():
        return Diverged(f"the overlaps diverge or grow stiff: the integration reached t = {reached:.4g} "
                        f"of {times[-1]:g}; try a learning rate below {lr:g}")  # fmt: skip

    def flow(t, state):
        nonlocal reached, count
        reached, count = max(reached, t), count + 1
        if count > EVALUATIONS:
            raise stop()
        return np.concatenate([rate.reshape(-1) for rate in rates(at(state), lr, sigma, unit)])

    def bounded(t, state):
        return LARGEST - np.abs(state).max()

    bounded.terminal = True
    start = np.concatenate([overlaps.Q.reshape(-1), overlaps.R.reshape(-1), overlaps.v])
    with np.errstate(all="ignore"):
        found = scipy("integrate").solve_ivp(
            flow, (0, times[-1]), start, t_eval=times, events=bounded, rtol=rtol, atol=1e-10
        )
    if found.status != 0 or not np.isfinite(found.y).all():
        raise stop()
    return [at(state) for state in found.y.T]


def check(times, lr, sigma, unit):
    """The times as an array. Raises InputError unless they rise from 0 or later to beyond it, and for bad numbers."""
    check_number("the learning rate", lr, 0)
    check_number("the noise", sigma, 0)
    choose(INTEGRALS, unit, "unit")
    times = np.asarray(times, float)
    if times.ndim != 1 or not len(times) or not times[0] >= 0 or not (np.diff(times) > 0).all() or not times[-1] > 0:
        raise InputError("the times must rise, from 0 or later, to the last one above 0")
    return times


def matching_weights(overlaps, N, rng):
    """(w, B): random K x N and M x N matrices that have exactly these overlaps."""
    C = overlaps.covariance()
    if len(C) > N:
        raise InputError(f"{len(C)} vectors with given overlaps need N of at least {len(C)}, found {N}")
    orthonormal = np.linalg.qr(rng.standard_normal((N, len(C))))[0].T
    values, vectors = np.linalg.eigh(C)
    rows = np.sqrt(N) * (vectors * np.sqrt(np.clip(values, 0, None))) @ orthonormal
    K = len(overlaps.v)
    return rows[:K], rows[K:]


def simulate(overlaps, N, times, lr, sigma=0.0, unit="erf", seeds=(0,)):
    """{time: list of `Overlaps`, one a seed} of online learning from weights with exactly the given overlaps.

    The seeds run side by side, each with its own weights and examples. Raises InputError as `integrate` does, and
    Diverged, with the time reached.
    """
    check(times, lr, sigma, unit)
    if not len(seeds):
        raise InputError("a simulation needs one seed or more, found none")
    g, slope = choose(UNITS, unit, "unit")
    draws = [np.random.default_rng([seed, 0]) for seed in seeds]
    w, B = (np.stack(each) for each in zip(*(matching_weights(overlaps, N, rng) for rng in draws)))
    v = np.tile(overlaps.v, (len(seeds), 1))
    examples = [np.random.default_rng([seed, 1]) for seed in seeds]
    marks, history, block = {}, {}, max(1, 4_000_000 // (N * len(seeds)))
    for time in times:
        marks.setdefault(round(time * N), []).append(time)

    def record(step):
        if step in marks and not np.isfinite(w).all():
            raise Diverged(f"the simulation diverges at t = {step / N:.4g}; try a learning rate below {lr:g}")
        for time in marks.get(step, ()):
            overlaps_now = zip(w, B, v)
            history[time] = [
                replace(overlaps, Q=a @ a.T / N, R=a @ b.T / N, T=b @ b.T / N, v=c) for a, b, c in overlaps_now
            ]

    record(0)
    last = max(marks)
    for start in range(0, last, block):
        count = min(block, last - start)
        x = np.stack([rng.standard_normal((count, N)) for rng in examples], axis=1)
        xi = sigma * np.stack([rng.standard_normal(count) for rng in examples], axis=1)
        y = np.einsum("m,tsm->ts", overlaps.A, g(np.einsum("smn,tsn->tsm", B, x, optimize=True) / np.sqrt(N))) + xi
        for t in range(count):
            field = (w @ x[t][:, :, None])[:, :, 0] / np.sqrt(N)
            h = g(field)
            D = y[t] - (v * h).sum(axis=1)
            f = v if overlaps.F is None else overlaps.F
            w += (lr / np.sqrt(N) * D[:, None] * f * slope(field))[:, :, None] * x[t][:, None, :]
            v += lr / N * D[:, None] * h
            if not np.isfinite(D).all():
                raise Diverged(
                    f"the simulation diverges at t = {(start + t) / N:.4g}; try a learning rate below {lr:g}"
                )
            record(start + t + 1)
    return history


def scipy(module):
    """A module of SciPy, which only this part of the package needs."""
    try:
        return import_module(f"scipy.{module}")
    except ImportError:
        raise InputError("the student and the teacher need SciPy: pip install 'numpyfa[theory]'") from None
