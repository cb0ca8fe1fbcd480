"""Pooling of images (N, height, width, channels): the largest or the mean of each window, or of the whole image."""

import functools
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..backend import Array, array_module, to_device
from ..errors import InputError, check_whole
from .base import Gradients, Local, Shape


class Pool(Local):
    """What the two pools share: k x k windows, `stride` apart (k if not given); an edge that fills none is left out."""

    def __init__(self, k: int = 2, stride: int | None = None) -> None:
        self.k = check_whole("a pool's window", k, 1)
        self.stride = self.k if stride is None else check_whole("a pool's stride", stride, 1)

    def build(self, shape: Shape, dtype: Any, module: Any) -> Shape:
        if len(shape) != 3:
            raise InputError(f"a pool needs images of shape (height, width, channels), found {shape}")
        height, width, channels = shape
        if min(height, width) < self.k:
            raise InputError(f"a pool of {self.k} x {self.k} does not fit into an image of {height} x {width}")
        self.size = (height - self.k) // self.stride + 1, (width - self.k) // self.stride + 1
        return (*self.size, channels)

    def views(self, z: Array) -> list[Array]:
        """The k*k strided views of z, one for each place in the window: views[i][n, y, x, c]."""
        height, width = (self.stride * n for n in self.size)
        return [
            z[:, i : i + height : self.stride, j : j + width : self.stride]
            for i in range(self.k)
            for j in range(self.k)
        ]


class MaxPool(Pool):
    """h = the largest z in each window;  delta = e at the place of the (first) largest, 0 elsewhere"""

    def forward(self, z: Array, train: bool = False, noise: np.random.Generator | None = None) -> tuple[Array, Any]:
        h = functools.reduce(array_module(z).maximum, self.views(z))
        return h, (z, h)

    def backward(self, e: Array, memo: Any) -> tuple[Array, Gradients]:
        xp, (z, h) = array_module(e), memo
        delta = xp.zeros(z.shape, dtype=e.dtype)
        for view, won in zip(self.views(delta), self.winners(z, h)):
            if self.stride < self.k:
                view += e * won
            else:  # the windows do not overlap
                xp.multiply(e, won, out=view)
        return delta, {}

    def winners(self, z: Array, h: Array) -> Iterator[Array]:
        """For each place in the window, in turn: where it holds the first of the largest z."""
        open_ = array_module(z).ones(h.shape, dtype=bool)
        for view in self.views(z):
            won = view == h
            won &= open_
            open_ ^= won
            yield won

    def branch(self, memo: Any) -> Array:
        return sum(place * won for place, won in enumerate(self.winners(*memo)))


class AvgPool(Pool):
    """h = the mean z of each window;  delta = e / k^2 at each place of the window"""

    def forward(self, z: Array, train: bool = False, noise: np.random.Generator | None = None) -> tuple[Array, Any]:
        return sum(self.views(z)) / self.k**2, z.shape

    def backward(self, e: Array, shape: Any) -> tuple[Array, Gradients]:
        delta = array_module(e).zeros(shape, dtype=e.dtype)
        for view in self.views(delta):
            view += e / self.k**2
        return delta, {}


class GlobalAvgPool(Local):
    """h = the mean of z over the image, one number a channel;  delta = e / (height width) everywhere"""

    def build(self, shape: Shape, dtype: Any, module: Any) -> Shape:
        if len(shape) != 3:
            raise InputError(f"a global pool needs images of shape (height, width, channels), found {shape}")
        self.shape = shape
        return (shape[2],)

    def forward(self, z: Array, train: bool = False, noise: np.random.Generator | None = None) -> tuple[Array, Any]:
        return z.mean(axis=(1, 2)), None

    def backward(self, e: Array, memo: Any) -> tuple[Array, Gradients]:
        height, width, channels = self.shape
        xp = array_module(e)
        everywhere = xp.broadcast_to(e[:, None, None, :], (len(e), height, width, channels))
        return everywhere / (height * width), {}


class AdaptiveAvgPool(Local):
    """h = the means of size x size windows that cover the image;  delta = e shared out evenly over each window

    Window i of a side of n pixels goes from floor(i n / size) to ceil((i + 1) n / size), as in PyTorch: where size does
    not divide n, windows overlap. With P (size, n), the means along a side, h = P_y z P_x^T and delta = P_y^T e P_x.
    """

    def __init__(self, size: int = 2) -> None:
        self.size = check_whole("an adaptive pool's size", size, 1)

    def build(self, shape: Shape, dtype: Any, module: Any) -> Shape:
        if len(shape) != 3:
            raise InputError(f"an adaptive pool needs images of shape (height, width, channels), found {shape}")
        self.P_y, self.P_x = (to_device(means(self.size, n).astype(dtype), module) for n in shape[:2])
        return self.size, self.size, shape[2]

    def forward(self, z: Array, train: bool = False, noise: np.random.Generator | None = None) -> tuple[Array, Any]:
        return both_ways(self.P_y, self.P_x, z), None

    def backward(self, e: Array, memo: Any) -> tuple[Array, Gradients]:
        return both_ways(self.P_y.T, self.P_x.T, e), {}


def means(size: int, n: int) -> np.ndarray:
    """P (size, n): each row takes the mean of its window of n numbers."""
    P = np.zeros((size, n))
    for i in range(size):
        window = slice(i * n // size, -(-(i + 1) * n // size))
        P[i, window] = 1 / (window.stop - window.start)
    return P


def both_ways(P_y: Array, P_x: Array, z: Array) -> Array:
    """P_y z P_x^T for each example and channel of z (N, height, width, channels)."""
    n, height, width, channels = z.shape
    z = P_y @ z.reshape(n, height, width * channels)
    return P_x @ z.reshape(n, -1, width, channels)


class Subsample(Local):
    """h = z at every k-th place of every k-th line, then zeros up to so many channels, as many before as after.

    The shortcut "A" of He et al. 2016 where a block halves the image and doubles the channels. It has nothing to learn.
    """

    def __init__(self, k: int = 2, channels: int | None = None) -> None:
        self.k = check_whole("subsampling's distance", k, 1)
        self.channels = None if channels is None else check_whole("subsampling's channels", channels, 1)

    def build(self, shape: Shape, dtype: Any, module: Any) -> Shape:
        if len(shape) != 3:
            raise InputError(f"subsampling needs images of shape (height, width, channels), found {shape}")
        height, width, channels = self.shape = shape
        wanted = channels if self.channels is None else self.channels
        if wanted < channels:
            raise InputError(f"subsampling to {wanted} channels is below the {channels} that come in: ask for more")
        self.before = (wanted - channels) // 2
        return -(-height // self.k), -(-width // self.k), wanted

    def forward(self, z: Array, train: bool = False, noise: np.random.Generator | None = None) -> tuple[Array, Any]:
        kept = z[:, :: self.k, :: self.k]
        n, height, width, channels = kept.shape
        wanted = channels if self.channels is None else self.channels
        h = array_module(z).zeros((n, height, width, wanted), dtype=z.dtype)
        h[..., self.before : self.before + channels] = kept
        return h, None

    def backward(self, e: Array, memo: Any) -> tuple[Array, Gradients]:
        delta = array_module(e).zeros((len(e), *self.shape), dtype=e.dtype)
        delta[:, :: self.k, :: self.k] = e[..., self.before : self.before + self.shape[2]]
        return delta, {}
