"""Weight mirror

Equation
    e_l = delta_{l+1} B,  and B follows what noise tells of W:  B <- B + rate (y^T x / n - B),  y = x W

Shapes
    B is (fan_out, fan_in). x is fresh noise of mean 0 and variance 1, sent to each layer by itself, y its answer; on
    average y^T x / n is W^T, and B tends to it. n counts, for each entry of a row, the rows in which it is not
    padding: a zero-padded convolution's edges see fewer.

Source
    Akrout et al. 2019, eq. 7.

Differs from the paper
    The noise passes W alone, not the bias and activation, which would scale each unit's row. The decay -B keeps B from
    growing without bound; `control="norm"` drops it and scales B's rows after each update of the mirror, until noise
    through B has s.d. 0.5.

Notes
    `rule.phase(468)` mirrors before training, as their code does. Kunin et al. 2020 found that it needs laborious
    tuning. On a ReLU LeNet we saw B's lag behind W keep the loss from settling although the angles looked good; no
    committed table shows it.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..backend import Array, array_module, to_device
from ..errors import check_number, check_whole, choose
from ..layers import Weighted
from ..losses import Output
from .base import Own, SequentialRule, Traces

NOISE = {"normal": lambda rng, n: rng.standard_normal(n), "uniform": lambda rng, n: rng.uniform(-(3**0.5), 3**0.5, n)}


@dataclass
class WM(SequentialRule):
    """Weight mirror: e_l = delta_{l+1} B, B <- B + rate (y^T x / n - B) on noise x, y = x W   [Akrout et al. 2019]"""

    name: ClassVar[str] = "wm"
    init: str = "akrout"  # N(0, 1/(fan_in + fan_out)), their code
    rate: float = 0.01  # our choice; their 0.01 multiplies a sum over weaker noise, without a decay
    examples: int = 128  # of noise in a mirror step; Akrout et al.'s code: 128
    noise: str = "normal"  # or uniform, as in their code; the variance is 1 here, 8e-4 there
    every: int = 1  # a phase of mirror steps comes after so many batches; 1: interleaved, as in their code
    steps: int = 1  # mirror steps in a phase
    control: str = "decay"  # or norm: their code's way, whose assignment there has no effect

    def __post_init__(self) -> None:
        choose(NOISE, self.noise, "noise of wm")
        choose({"decay": 1, "norm": 1}, self.control, "control of wm")
        check_number("wm: the rate", self.rate, 1e-9, 1)
        for name in ("examples", "every", "steps"):
            check_whole(f"wm: {name}", getattr(self, name), 1)
        super().__post_init__()

    def init_feedback(self, layer: Weighted) -> Own:
        return {"B": self.draw(layer, layer.W.T.shape, self.init)}

    def stand_in(self, layer: Weighted, own: Own) -> Array:
        return own["B"]

    def settle(self, traces: Traces, output: Output) -> None:
        if output.batch_number % self.every == 0:
            self.phase(self.steps, output.batch_number)

    def phase(self, steps: int, batch_number: int = 0) -> None:
        """So many mirror steps of every B, on noise that the batch's number names; 0 is before training."""
        for layer in self.receiving_layers():
            rng = self.streams("mirror", layer.number, batch_number)
            for _ in range(steps):
                self.mirror(layer, rng)

    def mirror(self, layer: Weighted, rng: np.random.Generator) -> None:
        """One step of B on fresh noise from the numpy Generator `rng`."""
        B = self.feedback[layer.number]["B"]
        noise = NOISE[self.noise](rng, (self.examples, *layer.shape_in)).astype(self.net.dtype)
        x = to_device(noise, self.net.module)
        one = array_module(layer.W).ones((1, *layer.shape_in), self.net.dtype)
        places = array_module(layer.W).ones((layer.weigh(one, layer.W).shape[0], 1), self.net.dtype)
        n = layer.outer(one, places)[:, 0] * self.examples
        n += n == 0  # a tap that meets nothing but padding
        y = layer.weigh(x, layer.W)
        B += self.rate * (layer.outer_T(x, y) / n - (B if self.control == "decay" else 0))
        if self.control == "norm":
            B *= 0.5 / layer.weigh(x, B.T).std(axis=0)[:, None]
