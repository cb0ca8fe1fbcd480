"""The tail of a layer: local operations z -> h, each with its exact backward map e -> delta.

A local operation is the same for every learning rule. `forward(z)` returns (h, memo); the memo is all
that `backward(e, memo)` needs, so that nothing is kept on the object between the two.
`backward` returns (delta, gradients): delta is e times the operation's own Jacobian, transposed, and
gradients are those of its own parameters, summed over the batch. e has the shape of h, delta that of z.
"""

from typing import Any

import numpy as np

from ..backend import Array, on_host
from ..describe import Described

Shape = tuple[int, ...]
Gradients = dict[str, Array]


class Local(Described):
    """A local operation. The defaults are those of one without parameters, running values or kinks."""

    number: int  # of its layer

    def build(self, shape: Shape, dtype: Any, module: Any) -> Shape:
        """Make the arrays for inputs of `shape` (without the batch axis); return the shape of the output."""
        return shape

    def forward(self, z: Array, train: bool = False, noise: np.random.Generator | None = None) -> tuple[Array, Any]:
        """(h, memo)"""
        raise NotImplementedError

    def backward(self, e: Array, memo: Any) -> tuple[Array, Gradients]:
        """(delta, the gradients of its own parameters)"""
        raise NotImplementedError

    def parameters(self) -> dict[str, Array]:
        """What it learns, by name."""
        return {}

    def running(self) -> dict[str, Array]:
        """What it remembers between batches without learning it by a gradient, by name."""
        return {}

    def settle(self, memo: Any) -> None:
        """Take the batch behind `memo` into the running values."""

    def branch(self, memo: Any) -> Array | None:
        """Which of its smooth pieces each entry is on, for an operation with kinks; None for a smooth one."""
        return None

    def __getstate__(self) -> dict[str, Any]:
        """For pickle and deepcopy: the arrays on the host."""
        return on_host(vars(self))
