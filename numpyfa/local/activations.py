"""Activations: h = f(z), entry by entry, with the slope f'(z)."""

import math
from typing import Any

import numpy as np

from .. import backend
from ..backend import Array, array_module
from ..errors import check_number
from .base import Gradients, Local


def logistic(z: Array) -> Array:
    """1 / (1 + exp(-z)), as exp(-log(1 + exp(-z))): it cannot overflow and keeps its digits where it is small."""
    xp = array_module(z)
    return xp.exp(-xp.logaddexp(0 * z, -z))


class Activation(Local):
    """h = f(z), entry by entry;  delta = e f'(z).  A subclass writes `f` and `slope(z, h)` = f'(z).

    With `from_output` its slope asks for h alone, and z need not be kept until the backward pass (it is None there).
    """

    from_output = False

    def f(self, z: Array) -> Array:
        raise NotImplementedError

    def slope(self, z: Array, h: Array) -> Array:
        raise NotImplementedError

    def forward(self, z: Array, train: bool = False, noise: np.random.Generator | None = None) -> tuple[Array, Any]:
        h = self.f(z)
        return h, (None if self.from_output else z, h)

    def backward(self, e: Array, memo: Any) -> tuple[Array, Gradients]:
        return e * self.slope(*memo), {}


class Identity(Activation):
    """h = z;  f' = 1"""

    def forward(self, z: Array, train: bool = False, noise: np.random.Generator | None = None) -> tuple[Array, Any]:
        return z, None

    def backward(self, e: Array, memo: Any) -> tuple[Array, Gradients]:
        return e, {}


class Tanh(Activation):
    """h = tanh z;  f' = 1 - h^2"""

    from_output = True

    def f(self, z: Array) -> Array:
        return array_module(z).tanh(z)

    def slope(self, z: Array, h: Array) -> Array:
        return 1 - h * h


class Logistic(Activation):
    """h = 1 / (1 + exp(-z));  f' = h (1 - h)"""

    from_output = True

    def f(self, z: Array) -> Array:
        return logistic(z)

    def slope(self, z: Array, h: Array) -> Array:
        return h * (1 - h)


class ReLU(Activation):
    """h = max(z, 0);  f' = 1 if z > 0 else 0, which is where h > 0"""

    from_output = True

    def f(self, z: Array) -> Array:
        xp = array_module(z)
        return xp.maximum(z, xp.zeros_like(z[:1]))  # NumPy is slower against the number 0

    def slope(self, z: Array, h: Array) -> Array:
        return h > 0

    def branch(self, memo: Any) -> Array:
        return memo[1] > 0


class LeakyReLU(Activation):
    """h = z if z > 0 else leak z;  f' = 1 if z > 0 else leak"""

    def __init__(self, leak: float = 0.01) -> None:
        self.leak = float(check_number("the leak of a leaky ReLU", leak, 0))

    def f(self, z: Array) -> Array:
        return z * self.slope(z, None)

    def slope(self, z: Array, h: Array) -> Array:
        positive = (z > 0).astype(z.dtype)
        return positive + self.leak * (1 - positive)

    def branch(self, memo: Any) -> Array:
        return memo[0] > 0


class Softplus(Activation):
    """h = log(1 + exp z);  f' = 1 / (1 + exp(-z))"""

    def f(self, z: Array) -> Array:
        return array_module(z).logaddexp(z, z * 0)

    def slope(self, z: Array, h: Array) -> Array:
        return logistic(z)


class Erf(Activation):
    """h = erf(z / sqrt 2);  f' = sqrt(2/pi) exp(-z^2/2)   [Saad & Solla 1995]"""

    def f(self, z: Array) -> Array:
        return backend.erf(z * math.sqrt(0.5))

    def slope(self, z: Array, h: Array) -> Array:
        return math.sqrt(2 / math.pi) * array_module(z).exp(-0.5 * z * z)
