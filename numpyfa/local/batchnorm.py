"""Batch normalisation, in training and in evaluation."""

import math
from typing import Any

import numpy as np

from ..backend import Array, array_module, channel_sums, to_device
from ..errors import InputError, check_number
from .base import Gradients, Local, Shape


class BatchNorm(Local):
    """h = gamma (z - mean) / sqrt(var + eps) + beta, mean and var over the batch   [Ioffe & Szegedy 2015]

    Over the rows of a dense layer, or over the rows and places of an image, so one number a channel.
    Training uses the batch's mean and variance, evaluation the running ones. With u = (z - mean)/s:

        training    delta = gamma/s (e - mean(e) - u mean(e u))
        evaluation  delta = gamma/s e

    The running values are an exponential average with weight `momentum` on the newest batch; the running
    variance is the unbiased one (n - 1).
    """

    def __init__(self, momentum: float = 0.1, eps: float = 1e-5) -> None:
        self.momentum = float(check_number("batch norm's momentum", momentum, 0, 1))
        self.eps = float(check_number("batch norm's eps", eps, 0))

    def build(self, shape: Shape, dtype: Any, module: Any) -> Shape:
        channels = shape[-1]
        self.gamma = to_device(np.ones(channels, dtype), module)
        self.beta = to_device(np.zeros(channels, dtype), module)
        self.mean = to_device(np.zeros(channels, dtype), module)
        self.var = to_device(np.ones(channels, dtype), module)
        return shape

    def parameters(self) -> dict[str, Array]:
        return {"gamma": self.gamma, "beta": self.beta}

    def running(self) -> dict[str, Array]:
        return {"mean": self.mean, "var": self.var}

    def forward(self, z: Array, train: bool = False, noise: np.random.Generator | None = None) -> tuple[Array, Any]:
        if train and z.size == z.shape[-1]:
            raise InputError("batch norm cannot train on a single row: choose a batch size that leaves no batch of one")
        rows, n = wide(z), z.size // z.shape[-1]
        mean = channel_sums(z) / n if train else self.mean
        centred = rows - along(mean, rows)
        var = channel_products(centred, centred, z.shape) / n if train else self.var
        s = array_module(z).sqrt(var + self.eps)
        h = centred * along(self.gamma / s, rows)
        h += along(self.beta, rows)
        return h.reshape(z.shape), (centred, s, mean, var, train)

    def backward(self, e: Array, memo: Any) -> tuple[Array, Gradients]:
        centred, s, mean, var, train = memo
        rows, n = wide(e), e.size // e.shape[-1]
        mean_e, mean_eu = channel_sums(e) / n, channel_products(rows, centred, e.shape) / (n * s)
        if train:
            delta = centred * along(-mean_eu / s, rows)
            delta += rows
            delta -= along(mean_e, rows)
            delta *= along(self.gamma / s, rows)
        else:
            delta = rows * along(self.gamma / s, rows)
        return delta.reshape(e.shape), {"gamma": mean_eu * n, "beta": mean_e * n}

    def settle(self, memo: Any) -> None:
        centred, s, mean, var, train = memo
        if train:
            n = centred.size // len(mean)
            self.mean += self.momentum * (mean - self.mean)
            self.var += self.momentum * (var * (n / (n - 1)) - self.var)


def wide(z: Array) -> Array:
    """z as one row an example, (N, height width channels): NumPy is faster along long rows."""
    return z.reshape(len(z), -1)


def along(v: Array, rows: Array) -> Array:
    """One number a channel, repeated along a row."""
    return array_module(v).tile(v, rows.shape[1] // len(v))


def channel_products(a: Array, b: Array, shape: tuple[int, ...]) -> Array:
    """The sum of a b over all axes but the last, without the array a b. Both are `wide` forms of that shape."""
    lines = -1, math.prod(shape[-2:]) if len(shape) == 4 else shape[-1]
    sums = array_module(a).einsum("rc,rc->c", a.reshape(lines), b.reshape(lines))
    return sums.reshape(-1, shape[-1]).sum(axis=0)
