"""Uniform sign-concordant feedback

Equation
    e_l = delta_{l+1} c sign(W_{l+1})^T

Shapes
    sign(W)^T is (fan_out, fan_in) and is taken anew for every batch; c is one number a layer.

Source
    Liao, Leibo & Poggio 2016; Xiao et al. 2018; Moskovitz et al. 2018. They differ only in c (option `scale`); n is
    the number of entries of W, k the kernel's side (1 for a dense layer):

    biotorch   sqrt(2 / (fan_in + fan_out))       also the "SF" of the product feedback paper
    liao       1                                  relies on batch norm or Batch Manhattan
    xiao       sqrt(2 / (k k channels_out)) for a convolution, 1 / sqrt(fan_in) for a dense layer
    strict     |W| / sqrt(n), W's norm of now     credited to Moskovitz et al.

Differs from the paper
    Batch norm and Batch Manhattan, which Liao et al. rely on, are not part of the rule here. `strict` was not checked
    against Moskovitz et al.'s paper.
"""

from dataclasses import dataclass
from typing import ClassVar

from ..backend import Array
from ..layers import Weighted
from .base import Own, SequentialRule
from .magnitude import check_scale, magnitude, signed


@dataclass
class USF(SequentialRule):
    """Uniform sign feedback: e_l = delta_{l+1} c sign(W_{l+1})^T   [Liao et al. 2016]"""

    name: ClassVar[str] = "usf"
    scale: str = "biotorch"  # liao, xiao and strict are the other papers' choices

    def __post_init__(self) -> None:
        check_scale(self.scale)
        super().__post_init__()

    def stand_in(self, layer: Weighted, own: Own) -> Array:
        c = magnitude(layer, self.scale)
        return signed(c, layer.W).T
