"""The tail of a layer: local operations z -> h, each with its exact backward map e -> delta.

A local operation is the same for every learning rule. `forward(z)` returns (h, memo); the memo is all
that `backward(e, memo)` needs, so that nothing is kept on the object between the two.
`backward` returns (delta, gradients): delta is e times the operation's own Jacobian, transposed, and
gradients are those of its own parameters, summed over the batch. e has the shape of h, delta that of z.
"""

import math

import numpy as np

from . import backend
from .backend import array_module, to_device
from .errors import InputError, choose


class Local:
    """A local operation. The defaults are those of one without parameters, running values or kinks."""

    def build(self, shape, dtype, module):
        """Make the arrays for inputs of `shape` (without the batch axis); return the shape of the output."""
        return shape

    def parameters(self):
        """What it learns, by name."""
        return {}

    def running(self):
        """What it remembers between batches without learning it by a gradient, by name."""
        return {}

    def settle(self, memo):
        """Take the batch behind `memo` into the running values."""

    def branch(self, memo):
        """Which of its smooth pieces each entry is on, for an operation with kinks; None for a smooth one."""
        return None


def logistic(z):
    """1 / (1 + exp(-z)), as exp(-log(1 + exp(-z))): it cannot overflow and keeps its digits where it is small."""
    xp = array_module(z)
    return xp.exp(-xp.logaddexp(0 * z, -z))


class Activation(Local):
    """h = f(z), entry by entry;  delta = e f'(z).  A subclass writes `f` and `slope(z, h)` = f'(z)."""

    def forward(self, z, train=False, noise=None):
        h = self.f(z)
        return h, (z, h)

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

    def f(self, z):
        return array_module(z).tanh(z)

    def slope(self, z, h):
        return 1 - h * h


class Logistic(Activation):
    """h = 1 / (1 + exp(-z));  f' = h (1 - h)"""

    def f(self, z):
        return logistic(z)

    def slope(self, z, h):
        return h * (1 - h)


class ReLU(Activation):
    """h = max(z, 0);  f' = 1 if z > 0 else 0"""

    def f(self, z):
        return array_module(z).maximum(z, 0)

    def slope(self, z, h):
        return z > 0

    def branch(self, memo):
        return memo[0] > 0


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


class Pool(Local):
    """What the two pools share: k x k windows, `stride` apart (k if not given); an edge that fills none is left out."""

    def __init__(self, k=2, stride=None):
        self.k, self.stride = int(k), int(stride or k)
        if self.k < 1 or self.stride < 1:
            raise InputError(f"a pool needs a window and a stride from 1, found {k} and {stride}")

    def build(self, shape, dtype, module):
        if len(shape) != 3:
            raise InputError(f"a pool needs images of shape (height, width, channels), found {shape}")
        height, width, channels = shape
        if min(height, width) < self.k:
            raise InputError(f"a pool of {self.k} x {self.k} does not fit into an image of {height} x {width}")
        self.size = (height - self.k) // self.stride + 1, (width - self.k) // self.stride + 1
        return (*self.size, channels)

    def views(self, z):
        """The k*k strided views of z, one for each place in the window: views[i][n, y, x, c]."""
        height, width = (self.stride * n for n in self.size)
        return [
            z[:, i : i + height : self.stride, j : j + width : self.stride]
            for i in range(self.k)
            for j in range(self.k)
        ]


class MaxPool(Pool):
    """h = the largest z in each window;  delta = e at the place of the (first) largest, 0 elsewhere"""

    def forward(self, z, train=False, noise=None):
        xp = array_module(z)
        windows = xp.stack(self.views(z))
        return windows.max(axis=0), (windows.argmax(axis=0), z.shape)

    def backward(self, e, memo):
        winner, shape = memo
        delta = array_module(e).zeros(shape, dtype=e.dtype)
        for place, view in enumerate(self.views(delta)):
            view += e * (winner == place)
        return delta, {}

    def branch(self, memo):
        return memo[0]


class AvgPool(Pool):
    """h = the mean z of each window;  delta = e / k^2 at each place of the window"""

    def forward(self, z, train=False, noise=None):
        return sum(self.views(z)) / self.k**2, z.shape

    def backward(self, e, shape):
        delta = array_module(e).zeros(shape, dtype=e.dtype)
        for view in self.views(delta):
            view += e / self.k**2
        return delta, {}


class GlobalAvgPool(Local):
    """h = the mean of z over the image, one number a channel;  delta = e / (height width) everywhere"""

    def build(self, shape, dtype, module):
        if len(shape) != 3:
            raise InputError(f"a global pool needs images of shape (height, width, channels), found {shape}")
        self.shape = shape
        return (shape[2],)

    def forward(self, z, train=False, noise=None):
        return z.mean(axis=(1, 2)), None

    def backward(self, e, memo):
        height, width, channels = self.shape
        xp = array_module(e)
        spread = xp.broadcast_to(e[:, None, None, :], (len(e), height, width, channels))
        return spread / (height * width), {}


class BatchNorm(Local):
    """h = gamma (z - mean) / sqrt(var + eps) + beta, mean and var over the batch   [Ioffe & Szegedy 2015]

    Over the rows of a dense layer, or over the rows and places of an image, so one number a channel.
    Training uses the batch's mean and variance, evaluation the running ones. With u = (z - mean)/s:

        training    delta = gamma/s (e - mean(e) - u mean(e u))
        evaluation  delta = gamma/s e

    The running values are an exponential average with weight `momentum` on the newest batch; the running
    variance is the unbiased one (n - 1).
    """

    def __init__(self, momentum=0.1, eps=1e-5):
        self.momentum, self.eps = float(momentum), float(eps)

    def build(self, shape, dtype, module):
        channels = shape[-1]
        self.gamma = to_device(np.ones(channels, dtype), module)
        self.beta = to_device(np.zeros(channels, dtype), module)
        self.mean = to_device(np.zeros(channels, dtype), module)
        self.var = to_device(np.ones(channels, dtype), module)
        return shape

    def parameters(self):
        return {"gamma": self.gamma, "beta": self.beta}

    def running(self):
        return {"mean": self.mean, "var": self.var}

    def forward(self, z, train=False, noise=None):
        axes = tuple(range(z.ndim - 1))
        if train and z.size == z.shape[-1]:
            raise InputError("batch norm cannot train on a single row: choose a batch size that leaves no batch of one")
        mean, var = (z.mean(axis=axes), z.var(axis=axes)) if train else (self.mean, self.var)
        s = array_module(z).sqrt(var + self.eps)
        u = (z - mean) / s
        return self.gamma * u + self.beta, (u, s, mean, var, train)

    def backward(self, e, memo):
        u, s, mean, var, train = memo
        axes = tuple(range(e.ndim - 1))
        gradients = {"gamma": (e * u).sum(axis=axes), "beta": e.sum(axis=axes)}
        if not train:
            return self.gamma / s * e, gradients
        return self.gamma / s * (e - e.mean(axis=axes) - u * (e * u).mean(axis=axes)), gradients

    def settle(self, memo):
        u, s, mean, var, train = memo
        if train:
            n = u.size // u.shape[-1]
            self.mean += self.momentum * (mean - self.mean)
            self.var += self.momentum * (var * (n / (n - 1)) - self.var)


class Dropout(Local):
    """h = z mask / (1 - p), the mask 0 with chance p and else 1; in evaluation h = z   [Srivastava et al. 2014]"""

    def __init__(self, p=0.5):
        self.p = float(p)
        if not 0 <= self.p < 1:
            raise InputError(f"dropout needs a chance from 0 to below 1, found {p}")

    def forward(self, z, train=False, noise=None):
        if not train:
            return z, None
        if noise is None:
            raise InputError("dropout in training needs `noise`, a numpy random Generator: net.forward(x, True, noise)")
        mask = (noise.random(z.shape) >= self.p).astype(z.dtype) / (1 - self.p)
        mask = to_device(mask, array_module(z))
        return z * mask, mask

    def backward(self, e, mask):
        return (e if mask is None else e * mask), {}


LOCALS = {
    "identity": Identity,
    "tanh": Tanh,
    "logistic": Logistic,
    "relu": ReLU,
    "leakyrelu": LeakyReLU,
    "softplus": Softplus,
    "erf": Erf,
    "maxpool": MaxPool,
    "avgpool": AvgPool,
    "globalavgpool": GlobalAvgPool,
    "batchnorm": BatchNorm,
    "dropout": Dropout,
}
ACTIVATIONS = ("identity", "tanh", "logistic", "relu", "leakyrelu", "softplus", "erf")


def local(item):
    """A local operation, given one or its name in `LOCALS`."""
    return choose(LOCALS, item, "local operation")() if isinstance(item, str) else item
