"""Shallow learning: hidden layers are told nothing; only the output layer learns.

Whatever the shapes, a hidden layer has no e, no delta and no gradient. The baseline that unmasks a hidden layer
that isn't learning: random features and a trained readout already reach about 90 % on MNIST.
Source: the "shallow" control of Lillicrap et al. 2016.
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
