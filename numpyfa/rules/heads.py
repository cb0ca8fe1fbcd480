"""The auxiliary nets of greedy learning: what stands on a layer's output and guesses the class (see `greedy`)."""

from collections.abc import Callable

from ..convolution import Conv
from ..layers import Dense, Junction, Layer, Shape
from ..local import AdaptiveAvgPool, BatchNorm


def linear(shape: Shape, outputs: int) -> list[Layer]:
    """h A + c"""
    return [Dense(outputs)]


def mlp_sr(shape: Shape, outputs: int) -> list[Layer]:
    """Belilovsky et al.'s "mlp-sr": the image is averaged down to a quarter of its side and goes through three 1x1
    convolutions, is averaged down to 2 x 2, and goes through three dense layers; batch norm and ReLU in each."""
    height, _, channels = shape
    layers: list[Layer] = [Junction(AdaptiveAvgPool(-(-height // 4)), sources=(-1,))]
    layers += [Conv(channels, 1, BatchNorm(), "relu", bias=False) for _ in range(3)]
    layers.append(Junction(AdaptiveAvgPool(2), sources=(-1,)))
    layers += [Dense(4 * channels, BatchNorm(), "relu") for _ in range(3)]
    return [*layers, Dense(outputs)]


HEADS: dict[str, Callable[[Shape, int], list[Layer]]] = {"linear": linear, "mlp-sr": mlp_sr}
