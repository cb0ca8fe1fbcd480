"""Student and teacher: online learning of a two-layer net by a two-layer net, simulated and in theory.

The teacher has M hidden units w* (M x N) and output weights v* (M), the student K units w (K x N) and v (K). For inputs
x ~ N(0, I_N) the fields are lambda = w x / sqrt N and rho = w* x / sqrt N, the target y = v* g(rho) + sigma xi, the
student's output v g(lambda), and e = v g(lambda) - y. Each example is used once:

    w <- w - lr / sqrt N  e (f * g'(lambda)) x^T,   f = v for backpropagation, f = F, random and fixed, for feedback
    v <- v - lr / N  e g(lambda)                    alignment, which with one hidden layer is direct feedback alignment

As N grows, at fixed K and M, all that matters are the overlaps Q = w w^T / N, R = w w*^T / N, T = w* w*^T / N and v.
With t = steps / N they follow a closed set of ordinary differential equations (`rates`).

Sources: Saad & Solla 1995; Goldt et al. 2019; Refinetti, d'Ascoli, Ohana & Goldt 2021 (for feedback alignment). All
quantities are without a unit but time, which is counted in steps / N.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any

import numpy as np

from ..errors import Diverged, InputError, check_number, choose
from .integrals import INTEGRALS

Function = Callable[[np.ndarray], np.ndarray]
UNITS: dict[str, tuple[Function, Function]] = {
    "erf": (lambda x: scipy("special").erf(x / np.sqrt(2)), lambda x: np.sqrt(2 / np.pi) * np.exp(-0.5 * x * x)),
    "linear": (lambda x: x, lambda x: np.ones_like(x)),
}
LARGEST = 1e4  # an overlap beyond this has diverged
EVALUATIONS = 100_000  # of the rates, in one integration: a stiff problem would go on for ever
BLOCK = 4_000_000  # numbers of the examples that are drawn at once, 32 MB


@dataclass
class Overlaps:
    """Q (K x K), R (K x M), T (M x M), v (K), v_star (M) and the feedback F (K; None under backpropagation).

    Raises InputError for shapes that do not fit, and for overlaps that no vectors have: [[Q, R], [R^T, T]] must be a
    covariance.
    """

    Q: np.ndarray
    R: np.ndarray
    T: np.ndarray
    v: np.ndarray
    v_star: np.ndarray
    F: np.ndarray | None = None

    def __post_init__(self) -> None:
        for name in ("Q", "R", "T", "v", "v_star", *(["F"] if self.F is not None else [])):
            setattr(self, name, np.array(getattr(self, name), float))
            if not np.isfinite(getattr(self, name)).all():
                raise InputError(f"overlaps: {name} must be finite numbers, found NaN or infinity")
        self.check_shapes()
        lowest = float(np.linalg.eigvalsh(self.covariance()).min())
        if not np.allclose(self.Q, self.Q.T) or not np.allclose(self.T, self.T.T) or not lowest > -1e-9:
            raise InputError(
                f"overlaps: [[Q, R], [R^T, T]] must be a covariance, symmetric and without negative eigenvalues; the "
                f"lowest is {lowest:.3g}"
            )

    def check_shapes(self) -> None:
        K, M = self.R.shape if self.R.ndim == 2 else (0, 0)
        expected = {"Q": (K, K), "T": (M, M), "v": (K,), "v_star": (M,)}
        if self.F is not None:
            expected["F"] = (K,)
        found = {name: getattr(self, name).shape for name in expected}
        if found != expected or not K * M:
            raise InputError(f"overlaps: for R of shape {self.R.shape} expected {expected}, found {found}")

    def covariance(self) -> np.ndarray:
        """C of the fields u = (lambda, rho), (K + M) x (K + M)."""
        return np.block([[self.Q, self.R], [self.R.T, self.T]])

    def signs(self) -> np.ndarray:
        """s = (v, -v*), K + M: but for the noise e = sum_c s_c g(u_c)."""
        return np.concatenate([self.v, -self.v_star])


def generalisation_error(overlaps: Overlaps, unit: str = "erf") -> float:
    """1/2 <e^2> = 1/2 sum_cd s_c s_d I2(c, d),  s = (v, -v*), without the teacher's noise.

    Raises InputError for an unknown unit.
    """
    I2 = choose(INTEGRALS, unit, "unit")[0]
    s = overlaps.signs()
    u = np.arange(len(s))
    return 0.5 * float(s @ I2(overlaps.covariance(), u[:, None], u) @ s)


def rates(overlaps: Overlaps, lr: float, sigma: float = 0.0, unit: str = "erf") -> tuple[np.ndarray, ...]:
    """(dQ/dt, dR/dt, dv/dt), of the shapes of Q, R and v.

    With s = (v, -v*), so that e = sum_c s_c g(u_c) - sigma xi, and f = F or v:

    dR_in = -lr f_i first_in                               first_ib  = <g'(u_i) u_b e> = sum_c s_c I3(i, b, c)
    dQ_ik = -lr (f_i first_ik + f_k first_ki)
            + lr^2 f_i f_k second_ik                       second_ik = <g'(u_i) g'(u_k) e^2>
    dv_i  = -lr sum_c s_c I2(i, c)                                   = sum_cd s_c s_d I4(i, k, c, d) + sigma^2 J2(i, k)

    Source: Refinetti et al. 2021; for f = v Saad & Solla 1995, Goldt et al. 2019.
    """
    I2, I3, I4, J2 = INTEGRALS[unit]
    C = overlaps.covariance()
    K = len(overlaps.v)
    f = overlaps.v if overlaps.F is None else overlaps.F
    s = overlaps.signs()
    u, i = np.arange(len(C)), np.arange(K)
    first = I3(C, i[:, None, None], u[:, None], u) @ s
    noise = sigma**2 * J2(C, i[:, None], i)
    second = I4(C, i[:, None, None, None], i[:, None, None], u[:, None], u) @ s @ s + noise
    pull = f[:, None] * first
    dQ = -lr * (pull[:, :K] + pull[:, :K].T) + lr**2 * np.outer(f, f) * second
    dR = -lr * pull[:, K:]
    dv = -lr * I2(C, i[:, None], u) @ s
    return dQ, dR, dv


def integrate(
    overlaps: Overlaps,
    times: Sequence[float] | np.ndarray,
    lr: float,
    sigma: float = 0.0,
    unit: str = "erf",
    rtol: float = 1e-8,
) -> list[Overlaps]:
    """The `Overlaps` at each of the rising `times` (steps / N), from `overlaps` at time 0, by SciPy's adaptive RK45.

    Raises Diverged, with the time reached, when an overlap grows beyond all bounds, and InputError for times that do
    not rise, a bad learning rate, noise or unit, and where SciPy is missing.
    """
    times = check(times, lr, sigma, unit)
    K, M = overlaps.R.shape
    reached, evaluations = 0.0, 0

    def unpack(state: np.ndarray) -> Overlaps:
        Q, R, v = np.split(state, [K * K, K * K + K * M])
        now = object.__new__(Overlaps)  # without the checks: the solver tries states just beyond the possible ones
        now.Q, now.R, now.v = Q.reshape(K, K), R.reshape(K, M), v
        now.T, now.v_star, now.F = overlaps.T, overlaps.v_star, overlaps.F
        return now

    def stop() -> Diverged:
        return Diverged(
            f"the overlaps diverge or grow stiff: the integration reached t = {reached:.4g} of {times[-1]:g}; try a "
            f"learning rate below {lr:g}"
        )

    def flow(t: float, state: np.ndarray) -> np.ndarray:
        nonlocal reached, evaluations
        reached = max(reached, t)
        evaluations += 1
        if evaluations > EVALUATIONS:
            raise stop()
        return np.concatenate([rate.reshape(-1) for rate in rates(unpack(state), lr, sigma, unit)])

    def bounded(t: float, state: np.ndarray) -> float:
        return float(LARGEST - np.abs(state).max())

    bounded.terminal = True  # type: ignore[attr-defined]
    start = np.concatenate([overlaps.Q.reshape(-1), overlaps.R.reshape(-1), overlaps.v])
    with np.errstate(all="ignore"):
        found = scipy("integrate").solve_ivp(
            flow, (0, times[-1]), start, t_eval=times, events=bounded, rtol=rtol, atol=1e-10
        )
    if found.status != 0 or not np.isfinite(found.y).all():
        raise stop()
    return [unpack(state) for state in found.y.T]


def check(times: Sequence[float] | np.ndarray, lr: float, sigma: float, unit: str) -> np.ndarray:
    """The times as an array. Raises InputError unless they rise from 0 or later to beyond it, and for bad numbers."""
    check_number("the learning rate", lr, 0)
    check_number("the noise", sigma, 0)
    choose(INTEGRALS, unit, "unit")
    times = np.asarray(times, float)
    if times.ndim != 1 or not len(times) or not times[0] >= 0 or not (np.diff(times) > 0).all() or not times[-1] > 0:
        raise InputError("the times must rise, from 0 or later, to the last one above 0")
    return times


def matching_weights(overlaps: Overlaps, N: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """(w, w*): random K x N and M x N matrices that have exactly these overlaps.

    The rows of sqrt(N C) O, where O has K + M random orthonormal rows. Raises InputError for an N below K + M.
    """
    C = overlaps.covariance()
    if len(C) > N:
        raise InputError(f"{len(C)} vectors with given overlaps need N of at least {len(C)}, found {N}")
    orthonormal = np.linalg.qr(rng.standard_normal((N, len(C))))[0].T
    values, vectors = np.linalg.eigh(C)
    rows = np.sqrt(N) * (vectors * np.sqrt(np.clip(values, 0, None))) @ orthonormal
    K = len(overlaps.v)
    return rows[:K], rows[K:]


def simulate(
    overlaps: Overlaps,
    N: int,
    times: Sequence[float] | np.ndarray,
    lr: float,
    sigma: float = 0.0,
    unit: str = "erf",
    seeds: Sequence[int] = (0,),
) -> dict[float, list[Overlaps]]:
    """{time: list of `Overlaps`, one a seed} of online learning from weights with exactly the given overlaps.

    The seeds run side by side, each with its own weights and examples. Raises InputError as `integrate` does, and for
    no seed or an N below K + M; Diverged, with the time reached.
    """
    check(times, lr, sigma, unit)
    if not len(seeds):
        raise InputError("a simulation needs one seed or more, found none")
    g, slope = UNITS[unit]
    draws = [np.random.default_rng([seed, 0]) for seed in seeds]
    w, w_star = (np.stack(each) for each in zip(*(matching_weights(overlaps, N, rng) for rng in draws)))
    v = np.tile(overlaps.v, (len(seeds), 1))
    marks: dict[int, list[float]] = {}
    for time in times:
        marks.setdefault(round(time * N), []).append(time)
    history: dict[float, list[Overlaps]] = {}

    def stop(step: int) -> Diverged:
        return Diverged(f"the simulation diverges at t = {step / N:.4g}; try a learning rate below {lr:g}")

    def record(step: int) -> None:
        if step in marks and not np.isfinite(w).all():
            raise stop(step)
        for time in marks.get(step, ()):
            history[time] = [
                replace(overlaps, Q=a @ a.T / N, R=a @ b.T / N, T=b @ b.T / N, v=c) for a, b, c in zip(w, w_star, v)
            ]

    record(0)
    for step, (x, target) in enumerate(examples(overlaps.v_star, w_star, max(marks), sigma, g, seeds)):
        field = (w @ x[:, :, None])[:, :, 0] / np.sqrt(N)
        h = g(field)
        e = (v * h).sum(axis=1) - target
        f = v if overlaps.F is None else overlaps.F
        w -= (lr / np.sqrt(N) * e[:, None] * f * slope(field))[:, :, None] * x[:, None, :]
        v -= lr / N * e[:, None] * h
        if not np.isfinite(e).all():
            raise stop(step)
        record(step + 1)
    return history


def examples(
    v_star: np.ndarray, w_star: np.ndarray, count: int, sigma: float, g: Function, seeds: Sequence[int]
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield so many pairs of x (seeds x N) and the teacher's answer v* g(rho) + sigma xi (seeds), drawn in blocks."""
    seeded, _, N = w_star.shape
    draws = [np.random.default_rng([seed, 1]) for seed in seeds]
    block = max(1, BLOCK // (N * seeded))
    for start in range(0, count, block):
        size = min(block, count - start)
        x = np.stack([rng.standard_normal((size, N)) for rng in draws], axis=1)
        xi = sigma * np.stack([rng.standard_normal(size) for rng in draws], axis=1)
        rho = np.einsum("smn,tsn->tsm", w_star, x, optimize=True) / np.sqrt(N)
        yield from zip(x, np.einsum("m,tsm->ts", v_star, g(rho)) + xi)


def scipy(module: str) -> Any:
    """A module of SciPy, which only this part of the package needs. Raises InputError where it is missing."""
    try:
        return import_module(f"scipy.{module}")
    except ImportError:
        raise InputError("the student and the teacher need SciPy: pip install 'numpyfa[theory]'") from None
