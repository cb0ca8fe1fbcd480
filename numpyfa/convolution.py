"""A convolution is a dense layer over patches: its definition, and the fast form of its products."""

from typing import Any

from . import lines
from .backend import Array, array_module
from .errors import InputError, check_whole
from .layers import Shape, Weighted
from .local import Local

FAST_FORM = ("weigh", "outer", "outer_T", "carry")


class Conv(Weighted):
    """Every channel sees a k x k patch: rows(x) = im2col(x), one row an output place, ordered (y, x, channel).

    The correlation of the deep-learning papers: the kernel is not flipped. `padding` adds zeros on every side.
    W is (k k channels_in, channels_out). `fold` = col2im is the adjoint of `rows`: each patch is added back
    where it was cut out; patches overlap, hence the sum.
    """

    def __init__(
        self,
        channels: int,
        kernel: int,
        *tail: Local | str,
        stride: int = 1,
        padding: int = 0,
        bias: bool = True,
        init: str | None = None,
        source: int = -1,
    ) -> None:
        super().__init__(channels, *tail, bias=bias, init=init, source=source)
        self.kernel = check_whole("a convolution's kernel", kernel, 1)
        self.stride = check_whole("a convolution's stride", stride, 1)
        self.padding = check_whole("a convolution's padding", padding, 0)

    @property
    def channels(self) -> int:
        return self.size

    def measure(self, shape: Shape) -> tuple[Shape, tuple[int, int]]:
        if len(shape) != 3:
            raise InputError(
                f"layer {self.number}: a convolution needs images of shape (height, width, channels), found {shape}"
            )
        height, width, channels = shape
        k, s, p = self.kernel, self.stride, self.padding
        if min(height, width) + 2 * p < k:
            raise InputError(
                f"layer {self.number}: a {k} x {k} kernel does not fit into "
                f"an image of {height} x {width} with padding {p}"
            )
        size = (height + 2 * p - k) // s + 1, (width + 2 * p - k) // s + 1
        return (*size, self.size), (k * k * channels, k * k * self.size)

    def rows(self, x: Array) -> Array:
        xp = array_module(x)
        k, s = self.kernel, self.stride
        x = pad(x, self.padding)
        windows = xp.lib.stride_tricks.sliding_window_view(x, (k, k), axis=(1, 2))[:, ::s, ::s]
        return windows.transpose(0, 1, 2, 4, 5, 3).reshape(-1, k * k * x.shape[3])

    def fold(self, rows: Array) -> Array:
        height, width, channels = self.shape_in
        k, s, p = self.kernel, self.stride, self.padding
        size_y, size_x, _ = self.shape_z
        cut = rows.reshape(-1, size_y, size_x, k, k, channels)
        x = array_module(rows).zeros((len(cut), height + 2 * p, width + 2 * p, channels), dtype=rows.dtype)
        for i in range(k):
            for j in range(k):
                x[:, i : i + s * size_y : s, j : j + s * size_x : s] += cut[:, :, :, i, j]
        return x[:, p : p + height, p : p + width]

    # -- The fast form. Without these four all is the same to rounding: `Weighted` has them by rows and fold. ------

    def weigh(self, x: Array, W: Array, bias: Array = None) -> Array:
        """rows(x) W + bias, as rows"""
        z = lines.correlate(x, W, self.kernel, self.stride, self.padding, bias)
        return z.reshape(-1, W.shape[1])

    def outer(self, x: Array, delta: Array) -> Array:
        """rows(x)^T delta"""
        delta = delta.reshape(len(x), *self.shape_z[:2], -1)
        return lines.outer(x, delta, self.kernel, self.stride, self.padding)

    def outer_T(self, x: Array, delta: Array) -> Array:
        """delta^T rows(x)"""
        return array_module(x).ascontiguousarray(self.outer(x, delta).T)

    def carry(self, delta: Array, M: Array) -> Array:
        """fold(delta M)"""
        delta = delta.reshape(-1, *self.shape_z[:2], len(M))
        return lines.carry(delta, M, self.kernel, self.stride, self.padding, self.shape_in)

    def __init_subclass__(cls, **options: Any) -> None:
        """A subclass with `rows` or `fold` of its own runs by these: a fast form stands for its class alone."""
        super().__init_subclass__(**options)
        for name in FAST_FORM:
            owner: Any = next(kind for kind in cls.__mro__ if name in vars(kind))
            if cls.rows is not owner.rows or cls.fold is not owner.fold:
                setattr(cls, name, getattr(Weighted, name))


def pad(x: Array, p: int) -> Array:
    """x with p rows and columns of zeros around each image."""
    n, height, width, channels = x.shape
    padded = array_module(x).zeros((n, height + 2 * p, width + 2 * p, channels), dtype=x.dtype)
    padded[:, p : p + height, p : p + width] = x
    return padded
