"""Sparse direct feedback alignment

Equation
    e_l = error B_l,  B random, fixed, and nearly empty

Shapes
    As DFA, but each unit, a column of B (outputs, units), hears only `nonzero` outputs, chosen at random.

Source
    Crafton et al. 2019 (arXiv 1903.02083) and their code.

Differs from the paper
    Nothing that we know of.

Notes
    With one, a unit's update is a product of three numbers: its input, one error times one weight, and its slope.
    The entries that exist are U(-a, a), a = 1/sqrt(units / sqrt(outputs nonzero)).
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..backend import Array, to_device
from ..errors import check_whole
from ..layers import Layer, Trace
from ..losses import Output
from .base import DirectRule, Own


@dataclass
class SparseDFA(DirectRule):
    """Sparse direct feedback alignment: e_l = error B_l, few entries of B are not 0   [Crafton et al. 2019]"""

    name: ClassVar[str] = "sparse-dfa"
    nonzero: int = 1  # the authors' extreme case, and their point

    def __post_init__(self) -> None:
        check_whole("sparse-dfa: nonzero", self.nonzero, 1, self.net.size_out)
        super().__post_init__()

    def init_feedback(self, layer: Layer) -> Own:
        outputs, units = self.net.size_out, layer.size_out
        order = self.streams("choice", layer.number).random((outputs, units)).argsort(axis=0)
        heard = to_device((order < self.nonzero).astype(self.net.dtype), self.net.module)
        a = (np.sqrt(outputs * self.nonzero) / units) ** 0.5
        return {"B": self.draw(layer, (outputs, units), f"uniform:{a}") * heard}

    def project(self, layer: Layer, own: Own, trace: Trace, output: Output) -> Array | None:
        return output.error @ own["B"]
