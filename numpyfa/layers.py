"""A layer is one weight matrix over rows, then a tail of local operations:

    z = rows(x) W + b,   h = tail(z)                 forward
    delta = e times the tail's Jacobian              local: the same for every rule
    dW = rows(x)^T delta / N,   db = sum delta / N   local: the same for every rule
    e = fold(delta M) of the layer above             the rule says what M stands where W^T stands

Rows are examples, or patches of examples. W is (fan_in, fan_out). Images are (N, height, width, channels),
so a convolution is a dense layer over patches. Layers with weights differ only in two adjoint maps:
`rows(x)`, from examples to rows, and `fold(rows)`, back. A `Junction` has no weights: it adds its sources.

Layers keep nothing of a forward pass: it is all in the `Trace`. So two rules can run on one forward pass.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from . import init as initial
from .backend import Array, channel_sums, lock, on_host, outer, read_only, to_device
from .describe import Described
from .errors import InputError, check_truth, check_whole
from .local import Local, make_local

Shape = tuple[int, ...]


class Trace(NamedTuple):
    """What a layer computed for one batch: its inputs, the tail's output h and the tail's memos."""

    inputs: tuple[Array, ...]
    h: Array
    memos: list[Any]

    @property
    def x(self) -> Array:
        """The input of a layer that has only one."""
        return self.inputs[0]


class Signal(NamedTuple):
    """What a layer was told: e at h, delta at z as rows, and the tail's gradients, summed over the batch.

    e is None under a rule that gives delta without one.
    """

    e: Array
    delta: Array
    tail_gradients: dict[str, Array]


class Layer(Described):
    """What every layer shares: sources, a tail, and the local backward pass.

    `sources` says whose outputs come in: -1 is the layer just before, -3 the one three before.
    A subclass writes `build_weights`, `sum_inputs` and `carry`.
    """

    W: Array = None  # a layer without weights has nothing that another matrix could stand in for

    number: int  # in its network, from 1
    shape_in: Shape  # of the first source, without the batch axis
    shape_z: Shape
    shape_out: Shape
    size_out: int
    learned_tail: dict[str, Array]

    def __init__(self, *tail: Local | str, sources: Sequence[int] = (-1,)) -> None:
        self.tail = [make_local(item) for item in tail]
        self.sources = tuple(check_whole("a layer's source", source, -(10**9), -1) for source in sources)

    def build(self, number: int, shapes: list[Shape], dtype: Any, module: Any, streams: Any, init: str) -> None:
        """Make the arrays. `number` counts from 1; `shapes` are those of the sources, without the batch axis."""
        parts: list[Layer | Local] = [self, *self.tail]
        for part in parts:
            if hasattr(part, "number"):
                raise InputError(f"layer {number}: {type(part).__name__} stands in another place too: make a new one")
            part.number = number
        self.shape_in = shapes[0]
        self.shape_z = shape = self.build_weights(shapes, dtype, module, streams, init)
        for item in self.tail:
            shape = item.build(shape, dtype, module)
        self.learned_tail = self._of_tail("parameters")
        self.shape_out = shape
        self.size_out = int(np.prod(shape))

    def build_weights(self, shapes: list[Shape], dtype: Any, module: Any, streams: Any, init: str) -> Shape:
        """Make the layer's own arrays; return the shape of z, without the batch axis."""
        raise NotImplementedError

    def sum_inputs(self, inputs: tuple[Array, ...]) -> Array:
        """z, as rows or as examples."""
        raise NotImplementedError

    def carry(self, delta: Array, M: Array) -> Array:
        """What becomes of delta on its way to the layer's input, with M in W^T's place."""
        raise NotImplementedError

    def forward(self, *inputs: Array, train: bool = False, noise: np.random.Generator | None = None) -> Trace:
        h, memos = self.sum_inputs(inputs).reshape(len(inputs[0]), *self.shape_z), []
        for item in self.tail:
            h, memo = item.forward(h, train, noise)
            memos.append(memo)
        return Trace(inputs, lock(h), memos)

    def backward(self, trace: Trace, e: Array) -> Signal:
        """delta = e times the tail's Jacobian. Local: it touches no other layer and none of the weights."""
        e = read_only(e)
        delta, tail_gradients = e, {}
        for place in reversed(range(len(self.tail))):
            delta, gradients = self.tail[place].backward(delta, trace.memos[place])
            for name, gradient in gradients.items():
                tail_gradients[f"{name}{place}"] = gradient
        return Signal(e, lock(delta.reshape(-1, self.shape_z[-1])), tail_gradients)

    def gradients(self, trace: Trace, signal: Signal) -> dict[str, Array]:
        """The gradients of the layer's parameters, averaged over the batch: here alone they are divided by N."""
        return {name: gradient / len(trace.h) for name, gradient in signal.tail_gradients.items()}

    def parameters(self) -> dict[str, Array]:
        """What the layer learns: {"W": ..., "b": ..., "gamma0": ...}; a tail's names end in its place there."""
        return self.learned_tail

    def running(self) -> dict[str, Array]:
        """Batch norm's running mean and variance, by name."""
        return self._of_tail("running")

    def settle(self, trace: Trace) -> None:
        """Take the batch into the running values."""
        for item, memo in zip(self.tail, trace.memos):
            item.settle(memo)

    def _of_tail(self, method: str) -> dict[str, Array]:
        return {f"{k}{i}": v for i, item in enumerate(self.tail) for k, v in getattr(item, method)().items()}

    def __getstate__(self) -> dict[str, Any]:
        """For pickle and deepcopy: the arrays on the host."""
        return on_host({key: value for key, value in vars(self).items() if key != "learned_tail"})

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self.learned_tail = self._of_tail("parameters") if "number" in state else {}


class Weighted(Layer):
    """z = rows(x) W + b. A subclass says what its rows are, and the rest follows:

    weigh(x, W) = rows(x) W     outer(x, delta) = rows(x)^T delta     carry(delta, M) = fold(delta M)

    `rows(x)` makes rows of examples, `fold(rows)` is its adjoint, `measure(shape)` gives (the shape of z, the fans).
    `blocks` is how many matrices of fan_in rows W stacks: one, but where places share no weights.
    """

    blocks: int = 1

    def __init__(
        self, size: int, *tail: Local | str, bias: bool = True, init: str | None = None, source: int = -1
    ) -> None:
        super().__init__(*tail, sources=(source,))
        self.size, self.bias, self.init = check_whole("a layer's size", size, 1), check_truth("bias", bias), init

    @property
    def source(self) -> int:
        return self.sources[0]

    def measure(self, shape: Shape) -> tuple[Shape, tuple[int, int]]:
        raise NotImplementedError

    def rows(self, x: Array) -> Array:
        raise NotImplementedError

    def fold(self, rows: Array) -> Array:
        raise NotImplementedError

    def build_weights(self, shapes: list[Shape], dtype: Any, module: Any, streams: Any, init: str) -> Shape:
        shape_z, self.fans = self.measure(shapes[0])
        rng = streams("weights", self.number)
        shape = self.blocks * self.fans[0], self.size
        W = initial.draw_blocks(self.init or init, rng, shape, self.fans, self.blocks)
        self.W = to_device(initial.rounded(W, dtype, self.init or init), module)
        self.b: Array = to_device(np.zeros(self.size, dtype), module) if self.bias else None
        return shape_z

    def sum_inputs(self, inputs: tuple[Array, ...]) -> Array:
        return self.weigh(inputs[0], self.W, self.b)

    def weigh(self, x: Array, W: Array, bias: Array = None) -> Array:
        """rows(x) W + bias, as rows"""
        return self.add_bias(self.rows(x) @ W, bias)

    def add_bias(self, z: Array, bias: Array) -> Array:
        """z + bias, if there is one, in place"""
        if bias is not None:
            examples = z.reshape(-1, *bias.shape)
            examples += bias
        return z

    def outer(self, x: Array, delta: Array) -> Array:
        """rows(x)^T delta"""
        return outer(self.rows(x), delta)

    def outer_T(self, x: Array, delta: Array) -> Array:
        """delta^T rows(x), for feedback that learns as W does."""
        return outer(delta, self.rows(x))

    def carry(self, delta: Array, M: Array) -> Array:
        """fold(delta M)"""
        return self.fold(delta @ M)

    def gradients(self, trace: Trace, signal: Signal) -> dict[str, Array]:
        n, delta = len(trace.h), signal.delta
        first = delta.size < self.W.size  # divide whichever is smaller, delta or dW
        delta = delta / n if first and n > 1 else delta
        own = {"W": self.outer(trace.x, delta)}
        if self.bias:
            own["b"] = self.bias_gradient(delta.reshape(n, *self.shape_z))
        if not first:
            own = {name: gradient / n for name, gradient in own.items()}
        return own | super().gradients(trace, signal) if signal.tail_gradients else own

    def bias_gradient(self, delta: Array) -> Array:
        """The sum of delta over the places that share a bias, and over the batch."""
        return channel_sums(delta)

    def parameters(self) -> dict[str, Array]:
        own = {"W": self.W, "b": self.b} if self.bias else {"W": self.W}
        return own | self.learned_tail


class Dense(Weighted):
    """Every unit sees the whole input: rows(x) = x, flattened.

    Dense(200, "tanh"); Dense(10) with no tail gives the logits that the cross-entropy losses expect.
    """

    def measure(self, shape: Shape) -> tuple[Shape, tuple[int, int]]:
        fan_in = int(np.prod(shape))
        return (self.size,), (fan_in, self.size)

    def rows(self, x: Array) -> Array:
        return x.reshape(len(x), -1)

    def fold(self, rows: Array) -> Array:
        return rows.reshape(len(rows), *self.shape_in)


class Junction(Layer):
    """z = the sum of its sources, h = tail(z). It has no weights: what it is told, each source is told.

    With one source it is a tail of its own: Junction(MaxPool(2), sources=(-1,)) takes the pool out of the layer below,
    so that a direct rule's signal enters that layer before the pool.
    """

    def __init__(self, *tail: Local | str, sources: Sequence[int] = (-1, -3)) -> None:
        super().__init__(*tail, sources=sources)
        if not self.sources:
            raise InputError("a junction adds one source or more, found none")

    def build_weights(self, shapes: list[Shape], dtype: Any, module: Any, streams: Any, init: str) -> Shape:
        if len(set(shapes)) > 1:
            raise InputError(f"layer {self.number}: a junction adds sources of one shape, found {shapes}")
        return shapes[0]

    def sum_inputs(self, inputs: tuple[Array, ...]) -> Array:
        return sum(inputs[1:], start=inputs[0])

    def carry(self, delta: Array, M: Array = None) -> Array:
        """delta as it is: there are no weights to cross."""
        return delta.reshape(-1, *self.shape_in)
