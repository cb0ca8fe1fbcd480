"""A layer is one weight matrix over rows, then a tail of local operations:

    z = rows(x) W + b,   h = tail(z)                 forward
    delta = e times the tail's Jacobian              local: the same for every rule
    dW = rows(x)^T delta / N,   db = sum delta / N   local: the same for every rule
    e = ?                                            the rule (see `numpyfa.rules`)

Rows are examples, or patches of examples. W is (fan_in, fan_out). Images are (N, height, width, channels),
so a convolution is a dense layer over patches. `Dense` and `Conv` differ only in two adjoint maps:
`rows(x)`, from examples to rows, and `fold(rows)`, back. A `Junction` has no weights: it adds its sources.
Whatever is done with rows is one of three products, and a convolution does them patch by patch (`numpyfa.patches`):

    weigh(x, W) = rows(x) W     product(x, delta) = rows(x)^T delta     carry(delta, M) = fold(delta M)

`product_T` is the transposed product, for feedback that learns as W does.

Layers keep nothing of a forward pass: it is all in the `Trace`. So two rules can run on one forward pass.
"""

from dataclasses import dataclass

import numpy as np

from . import init as initial
from . import patches
from .backend import array_module, channel_sums, product, to_device
from .errors import InputError
from .local import local


@dataclass(slots=True)
class Trace:
    """What a layer computed for one batch: its inputs, the tail's output h and the tail's memos."""

    inputs: tuple
    h: object
    memos: list

    @property
    def x(self):
        """The input of a layer that has only one."""
        return self.inputs[0]


@dataclass(slots=True)
class Signal:
    """What a layer was told: e at h, delta at z as rows, and the tail's gradients, summed over the batch."""

    e: object
    delta: object
    tail: dict


class Layer:
    """What every layer shares: sources, a tail, and the local backward pass.

    `sources` says whose outputs come in: -1 is the layer just before, -3 the one three before.
    """

    def __init__(self, *tail, sources=(-1,)):
        self.tail = [local(item) for item in tail]
        self.sources = tuple(sources)

    def build(self, number, shapes, dtype, module, streams, spec):
        """Make the arrays. `number` counts from 1; `shapes` are those of the sources, without the batch axis."""
        for part in (self, *self.tail):
            if hasattr(part, "number"):
                raise InputError(f"layer {number}: {type(part).__name__} stands in another place too: make a new one")
            part.number = number
        self.shape_in = shapes[0]
        self.shape_z = shape = self.build_weights(shapes, dtype, module, streams, spec)
        for item in self.tail:
            shape = item.build(shape, dtype, module)
        self.learned_tail = self._of_tail("parameters")
        self.shape_out = shape
        self.size_out = int(np.prod(shape))

    def forward(self, *inputs, train=False, noise=None):
        h, memos = self.sum_inputs(inputs).reshape(len(inputs[0]), *self.shape_z), []
        for item in self.tail:
            h, memo = item.forward(h, train, noise)
            memos.append(memo)
        return Trace(inputs, h, memos)

    def backward(self, trace, e):
        """delta = e times the tail's Jacobian. Local: it touches no other layer and none of the weights."""
        delta, tail = e, {}
        for place in reversed(range(len(self.tail))):
            delta, gradients = self.tail[place].backward(delta, trace.memos[place])
            for name, gradient in gradients.items():
                tail[f"{name}{place}"] = gradient
        return Signal(e, delta.reshape(-1, self.shape_z[-1]), tail)

    def gradients(self, trace, signal):
        """The gradients of the layer's parameters, averaged over the batch: here alone they are divided by N."""
        return {name: gradient / len(trace.h) for name, gradient in signal.tail.items()}

    def parameters(self):
        """What the layer learns: {"W": ..., "b": ..., "gamma0": ...}; a tail's names end in its place there."""
        return self.learned_tail

    def running(self):
        """Batch norm's running mean and variance, by name."""
        return self._of_tail("running")

    def settle(self, trace):
        """Take the batch into the running values."""
        for item, memo in zip(self.tail, trace.memos):
            item.settle(memo)

    def _of_tail(self, method):
        return {f"{k}{i}": v for i, item in enumerate(self.tail) for k, v in getattr(item, method)().items()}


class Weighted(Layer):
    """z = rows(x) W + b. What `Dense` and `Conv` share; each says what its rows are."""

    def __init__(self, size, *tail, bias=True, init=None, source=-1):
        super().__init__(*tail, sources=(source,))
        self.size, self.bias, self.init = int(size), bias, init
        if self.size < 1:
            raise InputError(f"a layer needs at least one unit, found {size}")

    def build_weights(self, shapes, dtype, module, streams, spec):
        shape_z, self.fans = self.measure(shapes[0])
        rng = streams("weights", self.number)
        W = initial.draw(self.init or spec, rng, (self.fans[0], self.size), self.fans)
        self.W = to_device(W.astype(dtype), module)
        self.b = to_device(np.zeros(self.size, dtype), module) if self.bias else None
        return shape_z

    def sum_inputs(self, inputs):
        return self.weigh(inputs[0], self.W, self.b)

    def gradients(self, trace, signal):
        n, delta = len(trace.h), signal.delta
        first = delta.size < self.W.size  # divide whichever is smaller, delta or dW
        delta = delta / n if first else delta
        own = {"W": self.product(trace.x, delta)}
        if self.bias:
            own["b"] = channel_sums(delta.reshape(n, *self.shape_z))
        return super().gradients(trace, signal) | {name: g if first else g / n for name, g in own.items()}

    def parameters(self):
        own = {"W": self.W, "b": self.b} if self.bias else {"W": self.W}
        return own | super().parameters()


class Dense(Weighted):
    """Every unit sees the whole input: rows(x) = x, flattened.

    Dense(200, "tanh"); Dense(10) with no tail gives the logits that the cross-entropy losses expect.
    """

    def measure(self, shape):
        fan_in = int(np.prod(shape))
        return (self.size,), (fan_in, self.size)

    def rows(self, x):
        return x.reshape(len(x), -1)

    def fold(self, rows):
        return rows.reshape(len(rows), *self.shape_in)

    def weigh(self, x, W, bias=None):
        """rows(x) W + bias"""
        z = self.rows(x) @ W
        if bias is not None:
            z += bias
        return z

    def product(self, x, delta):
        """rows(x)^T delta"""
        return product(self.rows(x), delta)

    def product_T(self, x, delta):
        """delta^T rows(x)"""
        return product(delta, self.rows(x))

    def carry(self, delta, M):
        """fold(delta M)"""
        return self.fold(delta @ M)


class Conv(Weighted):
    """Every channel sees a k x k patch: rows(x) = im2col(x), one row an output place, ordered (y, x, channel).

    The correlation of the deep-learning papers: the kernel is not flipped. `padding` adds zeros on every side.
    W is (k k channels_in, channels_out). `fold` = col2im is the adjoint of `rows`: each patch is added back
    where it was cut out; patches overlap, hence the sum.
    """

    def __init__(self, channels, kernel, *tail, stride=1, padding=0, bias=True, init=None, source=-1):
        super().__init__(channels, *tail, bias=bias, init=init, source=source)
        self.kernel, self.stride, self.padding = int(kernel), int(stride), int(padding)
        if self.kernel < 1 or self.stride < 1 or self.padding < 0:
            raise InputError(
                f"a convolution needs a kernel and a stride from 1 and a padding from 0, "
                f"found {kernel}, {stride} and {padding}"
            )

    def measure(self, shape):
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

    def rows(self, x):
        xp = array_module(x)
        k, s = self.kernel, self.stride
        x = patches.pad(x, self.padding)
        windows = xp.lib.stride_tricks.sliding_window_view(x, (k, k), axis=(1, 2))[:, ::s, ::s]
        return windows.transpose(0, 1, 2, 4, 5, 3).reshape(-1, k * k * x.shape[3])

    def fold(self, rows):
        height, width, channels = self.shape_in
        k, s, p = self.kernel, self.stride, self.padding
        size_y, size_x, _ = self.shape_z
        patches = rows.reshape(-1, size_y, size_x, k, k, channels)
        x = array_module(rows).zeros((len(patches), height + 2 * p, width + 2 * p, channels), dtype=rows.dtype)
        for i in range(k):
            for j in range(k):
                x[:, i : i + s * size_y : s, j : j + s * size_x : s] += patches[:, :, :, i, j]
        return x[:, p : p + height, p : p + width]

    def weigh(self, x, W, bias=None):
        """rows(x) W + bias, as rows"""
        z = patches.correlate(x, W, self.kernel, self.stride, self.padding, bias)
        return z.reshape(-1, W.shape[1])

    def product(self, x, delta):
        """rows(x)^T delta"""
        delta = delta.reshape(len(x), *self.shape_z[:2], -1)
        return patches.product(x, delta, self.kernel, self.stride, self.padding)

    def product_T(self, x, delta):
        """delta^T rows(x)"""
        return array_module(x).ascontiguousarray(self.product(x, delta).T)

    def carry(self, delta, M):
        """fold(delta M)"""
        delta = delta.reshape(-1, *self.shape_z[:2], len(M))
        return patches.carry(delta, M, self.kernel, self.stride, self.padding, self.shape_in)


class Junction(Layer):
    """z = the sum of its sources, h = tail(z). It has no weights: what it is told, each source is told.

    With one source it is a tail of its own: Junction(MaxPool(2), sources=(-1,)) takes the pool out of the layer below,
    so that a direct rule's signal enters that layer before the pool.
    """

    def __init__(self, *tail, sources=(-1, -3)):
        super().__init__(*tail, sources=sources)
        if not self.sources:
            raise InputError("a junction adds one source or more, found none")

    def build_weights(self, shapes, dtype, module, streams, spec):
        if len(set(shapes)) > 1:
            raise InputError(f"layer {self.number}: a junction adds sources of one shape, found {shapes}")
        return shapes[0]

    def sum_inputs(self, inputs):
        return sum(inputs[1:], start=inputs[0])

    def fold(self, rows):
        return rows.reshape(-1, *self.shape_in)
