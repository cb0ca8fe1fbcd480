"""The fast form of a convolution: its three products by lines, a few images at a time so that all stays in the cache.

A k x k patch is k lines of k pixels, and in memory a line is one piece of k channels numbers. Cutting out patches
writes each pixel k^2 times, cutting out lines k times. With lines_i the i-th line of every patch and W_i the i-th
k channels rows of W (for M, columns), the products are sums over i or a stack of k:

    correlate   rows(x) W         = sum_i lines_i W_i       the forward pass
    outer       rows(x)^T delta   = [lines_i^T delta]_i     the weight gradient
    carry       fold(delta M)                               what a matrix M, in W^T's place, makes of delta on its way:
                                                            each delta M_i is added to lines_i, the lines to the image

`Conv.rows` and `Conv.fold` are the definitions, and the tests keep these equal to them. x is (N, height, width,
channels), W is (k k channels, channels_out), M is (channels_out, k k channels), z and delta are (N, out_height,
out_width, channels_out).
"""

import math
from collections.abc import Iterator

from .backend import Array, array_module

BYTES = 1 << 21  # of lines and z at a time: one or two times a core's second-level cache
GPU_BYTES = 1 << 28  # a GPU wants few large products instead
WIDE = 3  # channels out by numbers in a line, above which `correlate` is faster by patches


def correlate(x: Array, W: Array, kernel: int, stride: int, padding: int, bias: Array = None) -> Array:
    """rows(x) W + bias, as images."""
    cut, xp, channels_out = Cut(x.shape[1:], kernel, stride, padding), array_module(x), W.shape[1]
    z = xp.empty((len(x), *cut.size, channels_out), dtype=W.dtype)
    cuts = cut.patches if channels_out > WIDE * cut.length else cut.lines
    for images, lines in cuts(x, channels_out):
        part = z[images].reshape(len(lines[0]), -1, channels_out)
        first, *others = zip(lines, W.reshape(len(lines), -1, channels_out))
        xp.matmul(*first, out=part)
        for line, W_of_line in others:
            part += line @ W_of_line
        if bias is not None:
            part += bias
    return z


def outer(x: Array, delta: Array, kernel: int, stride: int, padding: int) -> Array:
    """rows(x)^T delta, (k k channels, channels_out)."""
    cut, channels_out = Cut(x.shape[1:], kernel, stride, padding), delta.shape[3]
    total = array_module(x).zeros((kernel, cut.length, channels_out), dtype=delta.dtype)
    for images, lines in cut.lines(x, channels_out):
        part = delta[images].reshape(len(lines[0]), -1, channels_out)
        for of_line, line in zip(total, lines):
            of_line += (line.transpose(0, 2, 1) @ part).sum(axis=0)
    return total.reshape(-1, channels_out)


def carry(delta: Array, M: Array, kernel: int, stride: int, padding: int, shape: tuple[int, ...]) -> Array:
    """fold(delta M): images of `shape` (height, width, channels).

    At stride 1 it is a correlation itself: of delta, with M's kernels turned around.
    """
    channels = shape[2]
    if stride == 1 and padding < kernel:
        turned = M.reshape(-1, kernel, kernel, channels)[:, ::-1, ::-1].transpose(1, 2, 0, 3)
        return correlate(delta, turned.reshape(-1, channels), kernel, 1, kernel - 1 - padding)
    cut, xp = Cut(shape, kernel, stride, padding), array_module(delta)
    x = xp.empty((len(delta), *shape), dtype=delta.dtype)
    M_of = M.reshape(-1, kernel, cut.length)
    for images in cut.chunks(delta, len(M)):
        part = delta[images].reshape(-1, len(M))
        lines = xp.zeros((len(x[images]), *cut.shape), dtype=delta.dtype)
        for i, line in enumerate(cut.each(lines)):
            line += (part @ M_of[:, i]).reshape(line.shape)
        x[images] = cut.put_together(lines)
    return x


class Cut:
    """How images of one shape are cut into lines, and lines put together again.

    Lines lie as (images, remainder, row, place, k channels): the padded image gets a multiple of `stride` rows, and
    those with one remainder of y / stride lie together. So lines_i is a run of rows at any stride.
    """

    def __init__(self, shape: tuple[int, ...], kernel: int, stride: int, padding: int) -> None:
        self.height, self.width, self.channels = shape
        self.kernel, self.stride, self.padding = kernel, stride, padding
        tall, wide = self.height + 2 * padding, self.width + 2 * padding
        self.size = (tall - kernel) // stride + 1, (wide - kernel) // stride + 1  # of the output
        self.rows = -(-tall // stride)
        self.tall, self.wide = self.rows * stride, wide  # of the padded image
        self.length = kernel * self.channels
        self.shape = min(stride, kernel), self.rows, self.size[1], self.length  # of an image's lines

    def chunks(self, x: Array, channels_out: int) -> list[slice]:
        """Slices of all examples, each of so many that their lines, z and what is added to z fill `BYTES`."""
        size = BYTES if array_module(x).__name__ != "cupy" else GPU_BYTES
        numbers = math.prod(self.shape) + 2 * math.prod(self.size) * channels_out
        step = max(1, size // (numbers * x.dtype.itemsize))
        return [slice(start, start + step) for start in range(0, max(1, len(x)), step)]

    def lines(self, x: Array, channels_out: int) -> Iterator[tuple[slice, list[Array]]]:
        """(which images, [lines_0, lines_1, ...]) of each chunk, (images, places, k channels), or all places as one
        image's. The next chunk takes the memory of the one before."""
        xp, s, buffer = array_module(x), self.stride, None
        if (self.kernel, self.padding) == (1, 0):  # a line is a pixel
            for images in self.chunks(x, channels_out):
                yield images, [x[images, ::s, ::s].reshape(1, -1, self.channels)]
            return
        for images, padded in self.padded(x, channels_out):
            if buffer is None:  # the first chunk is the largest
                image, row, column, one = padded.strides
                strides = (image, row, s * row, s * column, one)
                cut = xp.lib.stride_tricks.as_strided(padded, (len(padded), *self.shape), strides)
                buffer = xp.empty(cut.shape, dtype=x.dtype)
                lines = self.each(buffer)  # views: they hold the lines of every chunk in turn
            n = len(padded)
            buffer[:n] = cut[:n]
            some = lines if n == len(buffer) else [line[:n] for line in lines]
            if self.size[0] * self.size[1] < channels_out:  # small images: better copied into one matrix
                some = [line.reshape(1, -1, self.length) for line in some]
            yield images, some

    def each(self, lines: Array) -> list[Array]:
        """[lines_0, lines_1, ...]: for each i the i-th line of every patch, (images, places, k channels). Views."""
        s, height = self.stride, self.size[0]
        cut = (lines[:, i % s, i // s : i // s + height] for i in range(self.kernel))
        return [line.reshape(len(lines), -1, self.length) for line in cut]

    def put_together(self, lines: Array) -> Array:
        """The adjoint of the cut: each line is added to the image where it was cut out."""
        c, p, end = self.channels, self.padding, self.stride * self.size[1]
        image = array_module(lines).zeros((len(lines), self.rows, self.stride, self.wide, c), dtype=lines.dtype)
        for j in range(self.kernel):
            pixels = lines[..., j * c : (j + 1) * c].transpose(0, 2, 1, 3, 4)
            image[:, :, : self.shape[0], j : j + end : self.stride] += pixels
        image = image.reshape(len(lines), self.tall, self.wide, c)
        return image[:, p : p + self.height, p : p + self.width]

    def patches(self, x: Array, channels_out: int) -> Iterator[tuple[slice, list[Array]]]:
        """(which images, [their patches]) of each chunk, for lines that are short beside z: k products would each write
        all of z for little. They are cut pixel by pixel of the kernel, a row of places at a time, and so come as
        columns: (1, places, k k channels)."""
        xp, s, k = array_module(x), self.stride, self.kernel
        for images, padded in self.padded(x, channels_out):
            image, row, column, one = padded.strides
            shape, strides = (k, self.length, len(padded), *self.size), (row, one, image, s * row, s * column)
            columns = xp.ascontiguousarray(xp.lib.stride_tricks.as_strided(padded, shape, strides))
            yield images, [columns.reshape(1, k * self.length, -1).transpose(0, 2, 1)]

    def padded(self, x: Array, channels_out: int) -> Iterator[tuple[slice, Array]]:
        """(which images, these with zeros around them) of each chunk. The next chunk takes this one's memory."""
        p, chunks = self.padding, self.chunks(x, channels_out)
        buffer = array_module(x).zeros((len(x[chunks[0]]), self.tall, self.wide, self.channels), dtype=x.dtype)
        inside = buffer[:, p : p + self.height, p : p + self.width]
        for images in chunks:
            n = len(x[images])
            inside[:n] = x[images]
            yield images, buffer[:n]
