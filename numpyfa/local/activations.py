"""Activations: h = f(z), entry by entry, with the slope f'(z)."""

import math

from .. import backend
from ..backend import array_module
from .base import Local


def logistic(z):
    """1 / (1 + exp(-z)), as exp(-log(1 + exp(-z))): it cannot overflow and keeps its digits where it is small."""
    xp = array_module(z)
    return xp.exp(-xp.logaddexp(0 * z, -z))


class Activation(Local):
    """h = f(z), entry by entry;  delta = e f'(z).  A subclass writes `f` and `slope(z, h)` = f'(z).

    With `from_output` its slope asks for h alone, and z need not be kept until the backward pass (it is None there).
    """

    from_output = False

    def forward(self, z, train=False, noise=None):
        h = self.f(z)
        return h, (None if self.from_output else z, h)

    def backward(self, e, memo):
        return e * self.slope(*memo), {}


class Identity(Activation):
    """h = z;  f' = 1"""

    def forward(self, z, train=False, noise=None):
        return z, None

    def backward(self, e, memo):
        return e, {}


class Tanh(Activation):
    """h = tanh z;  f' = 1 - h^2"""

    from_output = True

    def f(self, z):
        return array_module(z).tanh(z)

    def slope(self, z, h):
        return 1 - h * h


class Logistic(Activation):
    """h = 1 / (1 + exp(-z));  f' = h (1 - h)"""

    from_output = True

    def f(self, z):
        return logistic(z)

    def slope(self, z, h):
        return h * (1 - h)


class ReLU(Activation):
    """h = max(z, 0);  f' = 1 if z > 0 else 0, which is where h > 0"""

    from_output = True

    def f(self, z):
        return array_module(z).maximum(z, 0)

    def slope(self, z, h):
        return h > 0

    def branch(self, memo):
        return memo[1] > 0


class LeakyReLU(Activation):
    """h = z if z > 0 else leak z;  f' = 1 if z > 0 else leak"""

    def __init__(self, leak=0.01):
        self.leak = float(leak)

    def f(self, z):
        return z * self.slope(z, None)

    def slope(self, z, h):
        positive = (z > 0).astype(z.dtype)
        return positive + self.leak * (1 - positive)

    def branch(self, memo):
        return memo[0] > 0


class Softplus(Activation):
    """h = log(1 + exp z);  f' = 1 / (1 + exp(-z))"""

    def f(self, z):
        return array_module(z).logaddexp(z, z * 0)

    def slope(self, z, h):
        return logistic(z)


class Erf(Activation):
    """h = erf(z / sqrt 2);  f' = sqrt(2/pi) exp(-z^2/2)   [Saad & Solla 1995]"""

    def f(self, z):
        return backend.erf(z * math.sqrt(0.5))

    def slope(self, z, h):
        return math.sqrt(2 / math.pi) * array_module(z).exp(-0.5 * z * z)
