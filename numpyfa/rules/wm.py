"""Weight mirror: e_l = delta_{l+1} B,  and B follows what noise tells of W:  B <- B + rate (y^T x / n - B).

Source: Akrout et al. 2019, eq. 7, with a decay so that B cannot grow without bound. After every batch each layer is
sent fresh noise x of mean 0 and variance 1 and answers y = x W; on average y^T x / n is W^T, so B tends to W^T itself.
B is (fan_out, fan_in). n counts, for each entry of a row, the rows in which it is not padding: the taps at the edge of
a zero-padded convolution see fewer, and without the count their weights would come out too small.
What differs from the paper: the noise passes W alone, not the bias and activation, which would scale each unit's row.
"""

from dataclasses import dataclass

from ..backend import array_module, product, to_device
from ..errors import InputError
from .base import SequentialRule


@dataclass
class WM(SequentialRule):
    """Weight mirror: e_l = delta_{l+1} B, B <- B + rate (y^T x / n - B) on noise x, y = x W   [Akrout et al. 2019]"""

    init: str = "uniform_fan_out"  # as FA; Akrout et al.'s code draws N(0, 1/(fan_in + fan_out))
    rate: float = 0.01  # our choice; their 0.01 is a step on a sum over weaker noise, without a decay
    examples: int = 128  # of noise after each batch; Akrout et al.'s code: 128
    noise: str = "normal"  # or uniform, as in their code; the variance is 1 here, 8e-4 there

    def __post_init__(self):
        if not 0 < self.rate <= 1 or self.examples < 1 or self.noise not in ("normal", "uniform"):
            raise InputError(
                f"wm: the rate must lie in 0..1, the examples be from 1 and the noise normal or uniform; "
                f"found {self.rate}, {self.examples} and {self.noise}"
            )
        super().__post_init__()

    def init_feedback(self, layer):
        return {"B": self.draw(layer, layer.W.T.shape, self.init)}

    def transport(self, layer, feedback, trace, signal):
        return signal.delta @ feedback["B"]

    def settle(self, step):
        for layer in self.receiving_layers():
            self.mirror(layer, self.streams("mirror", layer.number, step))

    def mirror(self, layer, rng):
        """One step of B on fresh noise from the numpy Generator `rng`."""
        shape, B = (self.examples, *layer.shape_in), self.feedback[layer.number]["B"]
        noise = rng.standard_normal(shape) if self.noise == "normal" else rng.uniform(-(3**0.5), 3**0.5, shape)
        x = layer.rows(to_device(noise.astype(self.net.dtype), self.net.module))
        ones = array_module(x).ones((1, *layer.shape_in), dtype=x.dtype)
        n = layer.rows(ones).sum(axis=0) * self.examples
        B += self.rate * (product(x @ layer.W, x) / n - B)
