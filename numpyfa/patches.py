"""The fast form of a convolution: its three products a few images at a time, so that patches stay in the cache.

    correlate   rows(x) W           the forward pass
    outer       rows(x)^T delta     the weight gradient
    carry       fold(delta M)       what a matrix M, in W^T's place, makes of delta on its way to the input

`Conv.rows` and `Conv.fold` are the definitions, and the tests keep these equal to them. Here no array of all the
patches is ever made: one image's are cut out, used and forgotten. x is (N, height, width, channels), W is (k k
channels, channels_out), M is (channels_out, k k channels), z and delta are (N, out_height, out_width, channels_out).
"""

from collections.abc import Iterator
from typing import Any

from .backend import Array, array_module

BYTES = 1 << 20  # of patches at a time: about half of a core's second-level cache
GPU_BYTES = 1 << 28  # a GPU wants few large products instead


def pad(x: Array, p: int) -> Array:
    """x with p rows and columns of zeros around each image."""
    if p == 0:
        return x
    n, height, width, channels = x.shape
    padded = array_module(x).zeros((n, height + 2 * p, width + 2 * p, channels), dtype=x.dtype)
    padded[:, p : p + height, p : p + width] = x
    return padded


def correlate(x: Array, W: Array, kernel: int, stride: int, padding: int, bias: Array = None) -> Array:
    """rows(x) W + bias, as images."""
    xp, padded = array_module(x), pad(x, padding)
    size = [(length - kernel) // stride + 1 for length in padded.shape[1:3]]
    z = xp.empty((len(x), *size, W.shape[1]), dtype=W.dtype)
    for images, patches in pieces(padded, kernel, stride, size):
        part = z[images].reshape(-1, W.shape[1])
        xp.matmul(patches, W, out=part)
        if bias is not None:
            part += bias
    return z


def outer(x: Array, delta: Array, kernel: int, stride: int, padding: int) -> Array:
    """rows(x)^T delta, (k k channels, channels_out)."""
    total, channels = 0, delta.shape[3]
    for images, patches in pieces(pad(x, padding), kernel, stride, delta.shape[1:3]):
        total += patches.T @ delta[images].reshape(-1, channels)
    return total


def carry(delta: Array, M: Array, kernel: int, stride: int, padding: int, shape: tuple[int, ...]) -> Array:
    """fold(delta M): images of `shape` (height, width, channels).

    At stride 1 it is a correlation itself: of delta, with M's kernels turned around. Otherwise each place's patch is
    added back where it was cut.
    """
    height, width, channels = shape
    M = array_module(M).ascontiguousarray(M)
    if stride == 1 and padding < kernel:
        turned = M.reshape(-1, kernel, kernel, channels)[:, ::-1, ::-1].transpose(1, 2, 0, 3)
        return correlate(delta, turned.reshape(-1, channels), kernel, 1, kernel - 1 - padding)
    n, size_y, size_x, channels_out = delta.shape
    padded = (n, height + 2 * padding, width + 2 * padding, channels)
    x = array_module(delta).zeros(padded, dtype=delta.dtype)
    for images in chunks(n, size_y * size_x * M.shape[1] * M.dtype.itemsize, array_module(delta)):
        patches = (delta[images].reshape(-1, channels_out) @ M).reshape(-1, size_y, size_x, kernel, kernel, channels)
        part = x[images]
        for i in range(kernel):
            for j in range(kernel):
                part[:, i : i + stride * size_y : stride, j : j + stride * size_x : stride] += patches[:, :, :, i, j]
    return x[:, padding : padding + height, padding : padding + width]


def pieces(padded: Array, kernel: int, stride: int, size: Any) -> Iterator[tuple[slice, Array]]:
    """(which images, their patches as rows) of each chunk. The rows live in one buffer, overwritten by the next."""
    xp, (n, _, _, channels) = array_module(padded), padded.shape
    image, row, column, one = padded.strides
    if column != channels * one:
        padded = xp.ascontiguousarray(padded)
        image, row, column, one = padded.strides
    length = kernel * channels  # a row of a patch lies in one piece in memory
    places = size[0] * size[1]
    few = length < 16  # then it is better to copy a row of places at a time, and the patches come as columns
    if few:
        shape, strides = (kernel, length, n, *size), (row, one, image, stride * row, stride * column)
    else:
        shape, strides = (n, *size, kernel, length), (image, stride * row, stride * column, row, one)
    cut, buffer = xp.lib.stride_tricks.as_strided(padded, shape, strides), None
    for images in chunks(n, places * kernel * length * padded.dtype.itemsize, xp):
        part = cut[:, :, images] if few else cut[images]
        buffer = xp.empty(part.shape, dtype=part.dtype) if buffer is None else buffer
        patches = buffer if buffer.shape == part.shape else xp.empty(part.shape, dtype=part.dtype)
        patches[...] = part
        yield images, (patches.reshape(kernel * length, -1).T if few else patches.reshape(-1, kernel * length))


def chunks(n: int, size: int, module: Any) -> list[slice]:
    """Slices of 0..n, each of so many images that their patches, `size` bytes an image, fill a chunk."""
    step = max(1, (BYTES if module.__name__ != "cupy" else GPU_BYTES) // size)
    return [slice(start, min(start + step, n)) for start in range(0, n, step)]
