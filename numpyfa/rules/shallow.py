"""Shallow learning

Equation
    no e for any hidden layer: only the output layer learns

Shapes
    Whatever they are, a hidden layer has no e, no delta and no gradient.

Source
    The "shallow" control of Lillicrap et al. 2016.

Differs from the paper
    Nothing that we know of.

Notes
    The baseline that unmasks a hidden layer that isn't learning: random features and a trained readout already reach
    about 90 % on MNIST.
"""

from typing import ClassVar

from ..backend import Array
from ..layers import Layer, Trace
from ..losses import Output
from .base import DirectRule, Own


class Shallow(DirectRule):
    """Shallow learning: no e for any hidden layer; only the output layer learns   [control of Lillicrap et al. 2016]"""

    name: ClassVar[str] = "shallow"

    def project(self, layer: Layer, own: Own, trace: Trace, output: Output) -> Array | None:
        return None
