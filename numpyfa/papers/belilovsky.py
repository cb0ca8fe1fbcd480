"""Greedy layerwise learning with convolutional heads, after Belilovsky, Eickenberg & Oyallon 2020, and shortened.

Their code, on CIFAR-10: six 3x3 convolutions of 128 to 512 channels with batch norm, a head "mlp-sr" on each but the
last (see `rules.heads`), SGD 0.1 with momentum 0.9 and decay 5e-4, batch 128, 50 epochs, the learning rate multiplied
by 0.2 every 15 epochs, flips and crops. The last convolution and the two dense layers above it, its head in their code,
learn by backpropagation from the output. Their errors were not at hand.

`belilovsky-greedy` is the same on Fashion-MNIST with a smaller net: four convolutions of 16 to 64 channels, 3,000
images, 4 epochs, no augmentation. `greedy` there has linear heads, the other row has theirs. Each rule has its
learning rate from 3,000 held-out images; weights start as PyTorch's default, U(-a, a), a = 1/sqrt(fan_in).
"""

from dataclasses import replace

from ..lab.protocol import Protocol
from ..lab.sweep import product, sweeping
from ..lab.training import training

SOURCE = "Belilovsky, Eickenberg & Oyallon 2020 (arXiv 1901.08164)"
QUESTION = "Does a head that is a small net of its own help greedy learning beyond a linear one?"
CIFAR = Protocol(
    net="belilovsky",
    rules=("bp", "greedy:layers=1+3+4+6+7", "greedy:heads=mlp-sr,layers=1+3+4+6+7"),
    data="cifar-10",
    lr=0.1,
    momentum=0.9,
    decay=5e-4,
    batch_size=128,
    epochs=50,
    seeds=3,
    init="uniform_fan_in",
    feedback="uniform_fan_in",
    schedule=((15, 0.2), (30, 0.2), (45, 0.2)),
    standardise=True,
    augment=True,
    measured=10000,
)
FASHION = replace(
    CIFAR,
    net="belilovsky-small",
    rules=("bp", "greedy:layers=1+3+4", "greedy:heads=mlp-sr,layers=1+3+4"),
    data="fashion-mnist",
    epochs=4,
    schedule=((3, 0.2),),
    augment=False,
    examples=3000,
    validation=3000,
    measured=2000,
)

EXPERIMENTS = (
    sweeping(
        name="belilovsky-greedy",
        minutes=8,
        protocol=FASHION,
        source=SOURCE,
        place="section 5, auxiliary nets",
        shortened="4 of 50 epochs, 3,000 images, a smaller net",
        why={"": "Their errors, which are of CIFAR-10, were not at hand."},
        question=QUESTION,
        points=product({"lr": [0.001, 0.005, 0.02, 0.1]}),
        quick={
            "seeds": 1,
            "points": product({"lr": [0.005, 0.02]}),
            "cases": {"belilovsky-small": {"examples": 500, "epochs": 1, "measured": 500, "validation": 500}},
        },
    ),
    training(
        name="belilovsky-cifar",
        minutes=75_000,
        protocol=CIFAR,
        source=SOURCE,
        place="section 5, auxiliary nets",
        question=QUESTION,
        why={"": "Their errors were not at hand."},
        not_run="CIFAR-10 is not part of the package, and 50 epochs take weeks",
        quick={"epochs": 1, "seeds": 1, "examples": 1000, "measured": 1000},
    ),
)
