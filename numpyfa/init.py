"""Initial values for W and for feedback: a name, a shape, and the two fans.

A matrix of shape (n, m) maps n numbers to m, so it has fan_in n and fan_out m. That holds for W
and for a feedback matrix B alike: what a layer receives through B is B's fan_out.
A convolution passes its own fans, which count the kernel's taps.

    fan_in           N(0, 1/fan_in)
    he               N(0, 2/fan_in)                      He et al. 2015
    glorot           U(-a, a), a = sqrt(6/(fan_in + fan_out))   Glorot & Bengio 2010
    uniform_fan_in   U(-a, a), a = 1/sqrt(fan_in)        PyTorch's default for weights
    uniform_fan_out  U(-a, a), a = 1/sqrt(fan_out)       Nokland 2016's feedback
    kaiming_fan_out  U(-a, a), a = sqrt(6/fan_out)       Frenkel et al. 2021's and Webster et al. 2021's feedback
    akrout           N(0, 1/(fan_in + fan_out))          Akrout et al. 2019's feedback
    orthogonal       orthonormal columns or rows, whichever are fewer   Saxe et al. 2014
    normal:s         N(0, s^2), s = 1 if left out
    uniform:a        U(-a, a), a = 1 if left out
    zeros
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from .errors import InputError, choose

COLUMNS = 64  # at a time, when columns are made orthogonal
Draw = Callable[[np.random.Generator, tuple[int, ...], float, float, float], np.ndarray]


def _orthogonal(
    rng: np.random.Generator, shape: tuple[int, ...], fan_in: float, fan_out: float, scale: float
) -> np.ndarray:
    q = rng.standard_normal((max(shape), min(shape)))
    for start in range(0, q.shape[1], COLUMNS):  # Gram and Schmidt, in q's own memory: LAPACK takes several times that
        done, now = q[:, :start], q[:, start : start + COLUMNS]
        for _ in range(2):  # the second time takes out what rounding left
            now -= done @ (done.T @ now)
            now[...], r = np.linalg.qr(now)
            now *= np.sign(np.diag(r))  # without this the draw would not be uniform over rotations
    return q if shape[0] >= shape[1] else q.T


INITS: dict[str, Draw] = {
    "fan_in": lambda rng, shape, fan_in, fan_out, scale: rng.standard_normal(shape) / math.sqrt(fan_in),
    "he": lambda rng, shape, fan_in, fan_out, scale: rng.standard_normal(shape) * math.sqrt(2 / fan_in),
    "glorot": lambda rng, shape, fan_in, fan_out, scale: _uniform(rng, shape, math.sqrt(6 / (fan_in + fan_out))),
    "uniform_fan_in": lambda rng, shape, fan_in, fan_out, scale: _uniform(rng, shape, 1 / math.sqrt(fan_in)),
    "uniform_fan_out": lambda rng, shape, fan_in, fan_out, scale: _uniform(rng, shape, 1 / math.sqrt(fan_out)),
    "kaiming_fan_out": lambda rng, shape, fan_in, fan_out, scale: _uniform(rng, shape, math.sqrt(6 / fan_out)),
    "akrout": lambda rng, shape, fan_in, fan_out, scale: rng.standard_normal(shape) / math.sqrt(fan_in + fan_out),
    "orthogonal": _orthogonal,
    "normal": lambda rng, shape, fan_in, fan_out, scale: rng.standard_normal(shape) * scale,
    "uniform": lambda rng, shape, fan_in, fan_out, scale: _uniform(rng, shape, scale),
    "zeros": lambda rng, shape, fan_in, fan_out, scale: np.zeros(shape),
}
SCALED = ("normal", "uniform")


def _uniform(rng: np.random.Generator, shape: tuple[int, ...], a: float) -> np.ndarray:
    return rng.uniform(-a, a, shape)


def parse(spec: str) -> tuple[Draw, float]:
    """'normal:0.1' -> (function, 0.1). Raises `InputError` for an unknown name or a bad scale."""
    name, _, scale = str(spec).partition(":")
    function = choose(INITS, name, "initialiser")
    if scale and name not in SCALED:
        raise InputError(f"initialiser '{name}' takes no scale, found '{spec}'")
    try:
        value = float(scale or 1)
    except ValueError:
        value = math.nan
    if not 0 <= value < math.inf:
        raise InputError(f"the scale of initialiser '{name}' must be a number from 0, found '{scale}'")
    return function, value


def rounded(array: np.ndarray, dtype: Any, spec: str) -> np.ndarray:
    """The drawn array in `dtype`. Raises InputError where its numbers are too large for that."""
    with np.errstate(over="ignore"):
        found = array.astype(dtype)
    if not np.isfinite(found).all():
        raise InputError(f"initialiser '{spec}' draws numbers too large for {dtype}: take a smaller scale")
    return found


def draw(
    spec: str, rng: np.random.Generator, shape: tuple[int, ...], fans: tuple[float, float] | None = None
) -> np.ndarray:
    """A float64 array of `shape` (n, m), drawn from `rng` as `spec` says. `fans` replace (n, m) if given."""
    function, scale = parse(spec)
    fan_in, fan_out = fans or shape[:2]
    return function(rng, shape, fan_in, fan_out, scale)


def draw_blocks(
    spec: str,
    rng: np.random.Generator,
    shape: tuple[int, ...],
    fans: tuple[float, float] | None = None,
    blocks: int = 1,
    axis: int = 0,
) -> np.ndarray:
    """A matrix of `shape` in so many equal blocks along the axis, each drawn as a matrix of its own."""
    if blocks == 1:
        return draw(spec, rng, shape, fans)
    each = [size // blocks if place == axis else size for place, size in enumerate(shape)]
    return np.concatenate([draw(spec, rng, tuple(each), fans) for _ in range(blocks)], axis=axis)
