"""A locally connected layer is its definition: a kernel a place, rows and fold adjoint, the fast form equal to both.

    <rows(x), r> = <x, fold(r)>
    weigh = rows W      outer = rows^T delta      outer_T = delta^T rows      carry = fold(delta M)

With equal kernels it is the convolution; its dW, added over places, is then the convolution's. Under every rule, that
of a net with such layers is among the laws of every rule.
"""

from collections.abc import Iterator

import numpy as np

from ..backend import Array
from ..convolution import Conv
from ..gradcheck import Check
from ..layers import Dense
from ..locally_connected import LocallyConnected
from ..network import Network
from .nets import ROUNDING, SHAPES, adjoint_gap, by_differences, largest, line_gaps, unlike, words

NAMES = ("weigh = rows W + b", "outer = rows^T delta", "outer_T = delta^T rows", "carry = fold(delta M)")


def laws() -> Iterator[Check]:
    for shape in SHAPES:
        yield Check(
            f"fold is the adjoint of rows, {words(shape)}", adjoint_gap(*shape, conv=LocallyConnected), ROUNDING
        )
        yield Check(f"a kernel a place, by loops, {words(shape)}", loop_gap(*shape), ROUNDING)
        for name, gap in zip(NAMES, line_gaps(*shape, conv=LocallyConnected)):
            yield Check(f"{name}, {words(shape)}", gap, ROUNDING)
        for name, gap in equal_kernels(*shape).items():
            yield Check(f"equal kernels: {name} of the convolution, {words(shape)}", gap, ROUNDING)
    for shape in SHAPES[1:3]:
        height, width, channels, kernel, stride, padding = shape
        layers = [LocallyConnected(2, kernel, "tanh", stride=stride, padding=padding), Dense(3)]
        net = unlike(Network((height, width, channels), layers, dtype="float64"))
        yield by_differences(f"by finite differences, {words(shape)}", net)


def loop_gap(height: int, width: int, channels: int, kernel: int, stride: int, padding: int) -> float:
    """The largest difference between `LocallyConnected` and loops over its kernels, relative to the largest output."""
    rng = np.random.default_rng(0)
    layer = LocallyConnected(3, kernel, stride=stride, padding=padding)
    net = Network((height, width, channels), [layer], dtype="float64")
    x = rng.standard_normal((2, *net.input_shape))
    layer.b[...] = rng.standard_normal(layer.b.shape)
    h = net.forward(x)[1].h
    W = layer.W.reshape(*h.shape[1:3], kernel, kernel, channels, 3)
    naive = np.zeros_like(h) + layer.b
    for n, y, z, o in np.ndindex(h.shape):
        for i, j in np.ndindex(kernel, kernel):
            row, column = y * stride + i - padding, z * stride + j - padding
            if 0 <= row < height and 0 <= column < width:
                naive[n, y, z, o] += x[n, row, column] @ W[y, z, i, j, :, o]
    return largest(h - naive) / (largest(naive) or 1.0)


def equal_kernels(height: int, width: int, channels: int, kernel: int, stride: int, padding: int) -> dict[str, float]:
    """How far z, e, and dW added over places, lie from those of a convolution with the same kernel everywhere."""
    rng, shape = np.random.default_rng(0), (height, width, channels)
    conv, local = (kind(3, kernel, stride=stride, padding=padding) for kind in (Conv, LocallyConnected))
    for layer in (conv, local):
        Network(shape, [layer], dtype="float64")
    local.W[...] = np.tile(conv.W, (local.blocks, 1))
    x = rng.standard_normal((2, *shape))
    delta = rng.standard_normal((2 * local.blocks, 3))
    dW = local.outer(x, delta).reshape(local.blocks, -1, 3).sum(axis=0)
    pairs: dict[str, tuple[Array, Array]] = {
        "z": (local.weigh(x, local.W), conv.weigh(x, conv.W)),
        "e": (local.carry(delta, local.W.T), conv.carry(delta, conv.W.T)),
        "dW added over places": (dW, conv.outer(x, delta)),
    }
    return {name: largest(mine - right) / (largest(right) or 1.0) for name, (mine, right) in pairs.items()}
