"""Local operations: each backward map is the Jacobian of its forward map, and each forward map is what it says.

By finite differences in every kind of net where the operation fits, in training and in evaluation; and at single
numbers, worked out by Python's own mathematics.
"""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..convolution import Conv
from ..gradcheck import Check
from ..layers import Dense
from ..local import LOCALS, AdaptiveAvgPool, AvgPool, BatchNorm, Dropout, GlobalAvgPool, LeakyReLU, MaxPool, Subsample
from ..network import Network
from .nets import NETS, ROUNDING, by_differences, dense_net, largest, passed

FORMULAS: dict[str, Any] = {
    "identity": lambda z: z,
    "tanh": math.tanh,
    "logistic": lambda z: 1 / (1 + math.exp(-z)),
    "relu": lambda z: max(z, 0.0),
    "leakyrelu": lambda z: z if z > 0 else 0.01 * z,
    "leakyrelu 0.2": lambda z: z if z > 0 else 0.2 * z,
    "softplus": lambda z: math.log1p(math.exp(z)),
    "erf": lambda z: math.erf(z / math.sqrt(2)),
}


def laws() -> Iterator[Check]:
    activations: dict[str, Any] = {name: LOCALS[name] for name in FORMULAS if name in LOCALS}
    activations |= {"leakyrelu 0.2": lambda: LeakyReLU(0.2)}
    for name, make in activations.items():
        yield formula(name, make)
    for name, make in (activations | {"dropout": Dropout, "dropout 0.2": lambda: Dropout(0.2)}).items():
        tail = ("tanh", make) if "dropout" in name else (make,)
        for kind, build in NETS.items():
            yield by_differences(f"{name} by finite differences, {kind} net", build(*tail))
    pools: dict[str, Any] = {"maxpool": MaxPool, "avgpool": AvgPool, "globalavgpool": GlobalAvgPool}
    pools |= {f"adaptiveavgpool {size}": lambda size=size: AdaptiveAvgPool(size) for size in (1, 2, 4, 9)}
    pools |= {"subsample": Subsample, "subsample 2, 8 channels": lambda: Subsample(2, 8)}
    pools |= {"maxpool 3/2": lambda: MaxPool(3, 2), "avgpool 3/2": lambda: AvgPool(3, 2)}
    for name, make in pools.items():
        net = Network((7, 6, 2), [Conv(3, 3, "tanh", make(), padding=1), Dense(3)], dtype="float64", seed=4)
        yield by_differences(f"{name} by finite differences", net)
    for kind in ("conv", "residual"):
        net = NETS[kind]("tanh")
        for array in net.running().values():
            array += 0.3
        yield by_differences(f"batchnorm in evaluation by finite differences, {kind} net", net, train=False)
    yield from kinks()
    yield from batch_norm()
    yield from dropout()
    yield from windows()


def formula(name: str, make: Any) -> Check:
    """f(z) at single numbers, large ones too."""
    z = np.array([[-30.0, -2.5, -0.4, 0.3, 1.7, 30.0]])
    gaps = [abs(found - FORMULAS[name](one)) for found, one in zip(make().forward(z)[0][0], z[0])]
    return Check(f"{name} at single numbers", largest(gaps), 1e-13)


def kinks() -> Iterator[Check]:
    """A unit with zero weights sits on its kink for every example: its 6 weights and bias are skipped, no more."""
    for name in ("relu", "leakyrelu"):
        net = dense_net(name)
        net[1].W[:, 2] = 0
        net[1].b[2] = 0
        check = by_differences(f"{name} with a unit on its kink", net)
        yield check
        yield Check(f"{name}: entries skipped there, beyond the 7 in two ways", abs(check.skipped - 14.0), 0.0)


def batch_norm() -> Iterator[Check]:
    """h = gamma (z - mean) / sqrt(var + eps) + beta over rows and places; running values by an exponential average."""
    norm, z = BatchNorm(momentum=0.2), np.random.default_rng(0).normal(3, 2, (4, 3, 2, 5))
    norm.build((3, 2, 5), np.float64, np)
    norm.gamma[...], norm.beta[...] = 1.5, -0.5
    rows = z.reshape(-1, 5)
    mean, var = rows.mean(axis=0), rows.var(axis=0)
    h, memo = norm.forward(z, train=True)
    yield Check(
        "batchnorm in training = its equation", largest(h - (1.5 * (z - mean) / np.sqrt(var + 1e-5) - 0.5)), ROUNDING
    )
    mean_after, var_after = 0.0 * mean, 1.0 + 0.0 * var
    for _ in range(2):
        norm.settle(memo)
        mean_after = 0.8 * mean_after + 0.2 * mean
        var_after = 0.8 * var_after + 0.2 * rows.var(axis=0, ddof=1)
    gaps = norm.mean - mean_after, norm.var - var_after
    yield Check("batchnorm: running mean and unbiased variance after two batches", largest(*gaps), ROUNDING)
    expected = 1.5 * (z - norm.mean) / np.sqrt(norm.var + 1e-5) - 0.5
    yield Check("batchnorm in evaluation = its equation", largest(norm.forward(z)[0] - expected), ROUNDING)
    norm.settle(norm.forward(z)[1])
    gaps = norm.mean - mean_after, norm.var - var_after
    yield Check("batchnorm: change of the running values in evaluation", largest(*gaps), ROUNDING)


def dropout() -> Iterator[Check]:
    """A share p is 0 and the rest 1 / (1 - p) as large, so the mean stays; in evaluation nothing happens."""
    z = np.ones((1000, 100))
    h, _ = Dropout(0.2).forward(z, True, np.random.default_rng(0))
    yield Check("dropout 0.2: share of zeros, from 0.2", abs(float((h == 0).mean()) - 0.2), 0.01)
    yield Check("dropout 0.2: what is kept, from 1 / 0.8", largest(h[h > 0] - 1 / 0.8), ROUNDING)
    yield Check("dropout in evaluation: change", largest(Dropout(0.2).forward(z)[0] - z), 0.0)


def windows() -> Iterator[Check]:
    """Pools against a loop over windows; a repeated largest entry gets e once."""
    z = np.random.default_rng(0).standard_normal((2, 7, 6, 3))
    for k, stride in ((2, 2), (3, 2)):
        for kind, mean in ((MaxPool, np.max), (AvgPool, np.mean)):
            pool = kind(k, stride)
            height, width, _ = pool.build((7, 6, 3), np.float64, np)
            found = pool.forward(z)[0]
            naive = np.array([[mean(z[:, y * stride : y * stride + k, x * stride : x * stride + k], axis=(1, 2))
                               for x in range(width)] for y in range(height)])  # fmt: skip
            gap = largest(found - naive.transpose(2, 0, 1, 3))
            yield Check(f"{kind.__name__.lower()} {k}/{stride} = a loop over windows", gap, ROUNDING)
    for size in (2, 5):
        adaptive = AdaptiveAvgPool(size)
        adaptive.build((7, 6, 3), np.float64, np)
        sides = [[slice(i * n // size, math.ceil((i + 1) * n / size)) for i in range(size)] for n in (7, 6)]
        naive = np.array([[z[:, y, x].mean(axis=(1, 2)) for x in sides[1]] for y in sides[0]])
        gap = largest(adaptive.forward(z)[0] - naive.transpose(2, 0, 1, 3))
        yield Check(f"adaptiveavgpool {size} = a loop over windows", gap, ROUNDING)
    two = MaxPool(2)
    two.build((2, 2, 1), np.float64, np)
    delta = two.backward(np.ones((1, 1, 1, 1)), two.forward(np.ones((1, 2, 2, 1)))[1])[0]
    yield Check("maxpool of four equal entries: e sent down, from 1", abs(float(delta.sum()) - 1), 0.0)
    net = NETS["residual"]("tanh")
    h = passed(net)[0]
    gap = largest(h[7].h - tail_by_hand(net, h))
    yield Check("globalavgpool = the mean over the image", gap, ROUNDING)


def tail_by_hand(net: Network, traces: Any) -> np.ndarray:
    """The last junction's tail, without its pool, averaged over the image."""
    junction, z = net[7], sum(traces[7].inputs)
    for item in junction.tail[:-1]:
        z = item.forward(z, train=True)[0]
    return z.mean(axis=(1, 2))
