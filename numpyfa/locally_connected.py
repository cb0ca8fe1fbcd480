"""A convolution without weight sharing: every place has a kernel of its own. Its definition, and its fast form."""

from typing import Any

import numpy as np

from .backend import Array, array_module, to_device
from .convolution import Conv
from .layers import Shape


class LocallyConnected(Conv):
    """Every place p has its own kernel W_p and biases b_p: z_p = x_p W_p + b_p, x_p the patch at p.

    The P kernels stand below each other, so W is (P k k channels_in, channels) and b is (height, width, channels).
    A row of rows(x) holds one patch, in the columns of its own place, and zeros elsewhere:

        z = rows(x) W + b       dW = rows(x)^T delta / N       e = fold(delta M)

    as in every layer with weights, and what stands where W^T stands is (channels, P k k channels_in): kernels side by
    side. `fold` takes from each row the columns of its own place. With equal kernels it is `Conv`. A kernel starts as
    a convolution's does, with the same two fans.
    """

    def build_weights(self, shapes: list[Shape], dtype: Any, module: Any, streams: Any, init: str) -> Shape:
        height, width, _ = self.measure(shapes[0])[0]
        self.blocks = height * width
        shape_z = super().build_weights(shapes, dtype, module, streams, init)
        if self.bias:
            self.b = to_device(np.zeros(shape_z, dtype), module)
        return shape_z

    def rows(self, x: Array) -> Array:
        patches = self.patches(x)
        P, n, size = patches.shape
        rows = array_module(x).zeros((n, P, P, size), dtype=x.dtype)
        for p in range(P):
            rows[:, p, p] = patches[p]
        return rows.reshape(n * P, P * size)

    def fold(self, rows: Array) -> Array:
        P = self.blocks
        rows = rows.reshape(-1, P, P, rows.shape[1] // P)
        return self.put_back(array_module(rows).stack([rows[:, p, p] for p in range(P)]))

    def bias_gradient(self, delta: Array) -> Array:
        return delta.sum(axis=0)

    # -- The fast form: one small product a place, in place of rows that are nearly all zeros ------------------------

    def weigh(self, x: Array, W: Array, bias: Array = None) -> Array:
        """rows(x) W + bias, as rows"""
        z = self.patches(x) @ W.reshape(self.blocks, -1, W.shape[1])
        return self.add_bias(self.as_rows(z), bias)

    def outer(self, x: Array, delta: Array) -> Array:
        """rows(x)^T delta"""
        dW = self.patches(x).swapaxes(1, 2) @ self.by_place(delta)
        return dW.reshape(-1, delta.shape[-1])

    def outer_T(self, x: Array, delta: Array) -> Array:
        """delta^T rows(x)"""
        return array_module(x).ascontiguousarray(self.outer(x, delta).T)

    def carry(self, delta: Array, M: Array) -> Array:
        """fold(delta M)"""
        kernels = M.reshape(len(M), self.blocks, -1).swapaxes(0, 1)
        return self.put_back(self.by_place(delta.reshape(-1, len(M))) @ kernels)

    # -- What both forms use: arrays by place, (P, N, ...) -----------------------------------------------------------

    def patches(self, x: Array) -> Array:
        """The patch of each example at each place, (P, N, k k channels_in)."""
        return self.by_place(Conv.rows(self, x))

    def put_back(self, patches: Array) -> Array:
        """Each patch added back where it was cut out: the adjoint of `patches`."""
        return Conv.fold(self, self.as_rows(patches))

    def by_place(self, rows: Array) -> Array:
        """Rows, ordered by example and place, as (P, N, size)."""
        rows = rows.reshape(-1, self.blocks, rows.shape[-1])
        return array_module(rows).ascontiguousarray(rows.swapaxes(0, 1))

    def as_rows(self, a: Array) -> Array:
        """(P, N, size) as rows: what `by_place` undoes."""
        return a.swapaxes(0, 1).reshape(-1, a.shape[2])
