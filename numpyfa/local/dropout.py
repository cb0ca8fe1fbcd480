"""Dropout, scaled in training so that evaluation needs no change."""

from typing import Any

import numpy as np

from ..backend import Array, array_module, to_device
from ..errors import InputError, check_number
from .base import Gradients, Local


class Dropout(Local):
    """h = z mask / (1 - p), the mask 0 with chance p and else 1; in evaluation h = z   [Srivastava et al. 2014]"""

    def __init__(self, p: float = 0.5) -> None:
        self.p = float(check_number("dropout's chance", p, 0, 1))
        if self.p == 1:
            raise InputError("dropout needs a chance below 1, found 1: nothing would be left")

    def forward(self, z: Array, train: bool = False, noise: np.random.Generator | None = None) -> tuple[Array, Any]:
        if not train:
            return z, None
        if noise is None:
            raise InputError("dropout in training needs `noise`, a numpy random Generator: net.forward(x, True, noise)")
        mask = (noise.random(z.shape) >= self.p).astype(z.dtype) / (1 - self.p)
        mask = to_device(mask, array_module(z))
        return z * mask, mask

    def backward(self, e: Array, mask: Any) -> tuple[Array, Gradients]:
        return (e if mask is None else e * mask), {}
