"""WM is BP where B = W^T, in any net.

With noise x of mean 0 and variance 1, E[(x W)^T x] = W^T: at rate 1 a mirror step says W^T on average, without
the bias, however the layer is padded. With B = W^T the expected step is 0. Under `control="norm"` each row of B is
scaled until noise through it has the s.d. 0.5.
"""

from collections.abc import Callable, Iterator

import numpy as np

from ..backend import Streams
from ..convolution import Conv
from ..gradcheck import Check
from ..layers import Dense, Layer
from ..network import Network
from ..rules import WM
from .nets import ROUNDING, dense_net, equals_bp_in, give, passed, tanh_nets, unlike


def make_bp(rule: WM) -> WM:
    """B = W^T"""
    return give(rule, B=lambda layer: layer.W.T)


def laws() -> Iterator[Check]:
    yield from equals_bp_in(tanh_nets(), "with B = W^T it is BP", lambda net: make_bp(WM(net)))
    layers: dict[str, Callable[[], Layer]] = {
        "dense": lambda: Dense(5, "tanh"),
        "conv, no padding": lambda: Conv(5, 3, "tanh"),
        "conv, padded": lambda: Conv(5, 3, "tanh", padding=1),
        "conv, stride 2, padded": lambda: Conv(5, 3, "tanh", stride=2, padding=1),
    }
    for name, make in layers.items():
        net = unlike(Network((7, 7, 2), [Conv(3, 3, "tanh"), make(), Dense(2)], dtype="float64"))
        for noise in ("normal", "uniform"):
            error = mirror_error(WM, net, noise)
            yield Check(f"error of the mean in standard errors, {noise} noise, {name}", error, 1.3)
    yield from one_step()
    net = Network(20, [Dense(30), Dense(10)], dtype="float64")
    rule = WM(net, rate=0.1, control="norm", examples=1000)
    rule.phase(100)
    norms = np.linalg.norm(rule.feedback[2]["B"], axis=1)
    yield Check("control norm: |row of B|, from 0.5", float(abs(norms - 0.5).max()), 0.1)


def one_step() -> Iterator[Check]:
    """Two settled batches against the equation by hand: B <- B + rate (y^T x / n - B), fresh noise each."""
    net = dense_net("tanh")
    rule, layer = WM(net, rate=0.2, examples=10), net[2]
    B = rule.feedback[2]["B"].copy()
    for batch_number in (1, 2):
        x = Streams(0)("mirror", 2, batch_number).standard_normal((10, 5))
        B = B + 0.2 * ((x @ layer.W).T @ x / 10 - B)
        rule.settle(*passed(net, batch_number=batch_number))
        gap = float(abs(rule.feedback[2]["B"] - B).max())
        yield Check(f"B after batch {batch_number} = the equation by hand, without bias", gap, ROUNDING)


def mirror_error(kind: type[WM], net: Network, noise: str, samples: int = 200) -> float:
    """How far the mean of many mirror steps lies from W^T, in standard errors: about 1 if it is unbiased."""
    rule = kind(net, rate=1.0, examples=100, noise=noise)  # at rate 1 B is what this noise alone says
    rng, estimates = Streams(0)("noise"), []
    for _ in range(samples):
        rule.mirror(net[2], rng)
        estimates.append(rule.feedback[2]["B"].copy())
    standard_error = np.std(estimates, axis=0, ddof=1) / np.sqrt(samples)
    errors = (np.mean(estimates, axis=0) - net[2].W.T) / standard_error
    return float(np.sqrt((errors**2).mean()))
