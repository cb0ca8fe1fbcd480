"""Direct feedback alignment on CIFAR-10 and CIFAR-100, after Nokland 2016, Tables 2 and 3. Not run here.

The protocol is that of `nokland`: tanh, logistic outputs with binary cross-entropy, RMSprop, batch 64, no momentum, no
decay, BP from U(-a, a) with a = 1/sqrt(fan_in), FA and DFA from zeros. For CONV the paper's code says learning rate
5e-5 on CIFAR-10 and 2.5e-5 on CIFAR-100, and whitens its images. What it says of the multi-layer perceptrons was not at
hand: they get the same rates here, on pixels of 0 to 1. 300 epochs; the paper stops before if the training error comes
to 0.01 %, ours does not.

What differs: each channel of CONV's images is standardised here, not whitened. Its pools are 3 x 3 by 2 and leave out
an edge that fills no window. With one hidden layer FA is DFA, so those rows have one of them. Seeds are ours: the
paper does not say how many runs its standard deviations are of. The rows with dropout are not here.
"""

from dataclasses import replace
from typing import Any

from ..lab.experiment import Experiment
from ..lab.protocol import Protocol
from ..lab.training import training

CIFAR10 = Protocol(
    net="3072-1000-10",
    rules=("bp", "fa", "dfa"),
    data="cifar-10",
    activation="tanh",
    loss="logistic",
    optimizer="rmsprop",
    lr=5e-5,
    batch_size=64,
    epochs=300,
    seeds=3,
    init="uniform_fan_in",
    init_of=(("fa", "zeros"), ("dfa", "zeros")),
)
CIFAR100 = replace(CIFAR10, data="cifar-100", net="3072-1000-100", lr=2.5e-5)
CONV: dict[str, Any] = {"net": "nokland-conv", "standardise": True}


def row(name: str, minutes: float, protocol: Protocol, published: dict[str, float]) -> Experiment:
    """A row of Table 2 (CIFAR-10) or 3 (CIFAR-100)."""
    table, data = ("Table 2", "CIFAR-10") if protocol.data == "cifar-10" else ("Table 3", "CIFAR-100")
    return training(
        name=name,
        minutes=minutes,
        protocol=protocol,
        source="Nokland 2016 (arXiv 1609.01596)",
        place=table,
        published=published,
        not_run=f"{data} is not part of the package, and 300 epochs take days",
        question="Does direct feedback train what backpropagation trains?",
        quick={"epochs": 1, "seeds": 1, "examples": 2000},
    )


EXPERIMENTS = (
    row("nokland-cifar10-1x1000", 600, replace(CIFAR10, rules=("bp", "dfa")), {"bp": 45.1, "dfa": 46.4}),
    row("nokland-cifar10-3x1000", 1500, replace(CIFAR10, net="3072-1000-1000-1000-10"),
        {"bp": 45.1, "fa": 47.0, "dfa": 47.4}),
    row("nokland-cifar10-conv", 40_000, replace(CIFAR10, **CONV), {"bp": 22.5, "fa": 27.1, "dfa": 26.9}),
    row("nokland-cifar100-1x1000", 600, replace(CIFAR100, rules=("bp", "dfa")), {"bp": 71.7, "dfa": 73.8}),
    row("nokland-cifar100-3x1000", 1500, replace(CIFAR100, net="3072-1000-1000-1000-100"),
        {"bp": 72.0, "fa": 75.3, "dfa": 75.9}),
    row("nokland-cifar100-conv", 40_000, replace(CIFAR100, **CONV), {"bp": 51.7, "fa": 60.5, "dfa": 59.0}),
)  # fmt: skip
