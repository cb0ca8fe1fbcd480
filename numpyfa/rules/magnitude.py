"""Signs of weights, and the magnitude c of sign feedback, by paper (see `numpyfa.rules.usf`)."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..backend import Array, array_module
from ..convolution import Conv
from ..errors import choose
from ..layers import Weighted

STRETCH = 1e30  # a weight smaller than c by more than that counts for less than its sign


def biotorch(layer: Weighted) -> float:
    return math.sqrt(2 / sum(layer.fans))


def liao(layer: Weighted) -> float:
    return 1.0


def xiao(layer: Weighted) -> float:
    fan_in, fan_out = layer.fans
    return math.sqrt(2 / fan_out) if isinstance(layer, Conv) else 1 / math.sqrt(fan_in)


def strict(layer: Weighted) -> Array:
    return (layer.W * layer.W).mean() ** 0.5


def magnitudes(layer: Weighted, init: str) -> str:
    """The initialiser of random magnitudes: `init` itself, or Xiao et al.'s |N(0, c^2)| for a convolution and U(0, c)
    for a dense layer, before the rule takes the absolute value."""
    if init != "xiao":
        return init
    return f"normal:{xiao(layer)}" if isinstance(layer, Conv) else f"uniform:{xiao(layer)}"


SCALES: dict[str, Callable[[Weighted], Any]] = {"biotorch": biotorch, "liao": liao, "xiao": xiao, "strict": strict}


def check_scale(name: str) -> None:
    """Raise InputError for an unknown scale."""
    choose(SCALES, name, "scale of sign feedback")


def magnitude(layer: Weighted, scale: str) -> Any:
    """c for the layer's weights of now."""
    return SCALES[scale](layer)


def signed(c: Any, W: Array) -> Array:
    """c sign(W), faster than by NumPy's sign: W is stretched until it lies beyond c or -c, and cut off there."""
    with np.errstate(over="ignore"):
        stretched = W * STRETCH
    return array_module(W).clip(stretched, -c, c, out=stretched)
