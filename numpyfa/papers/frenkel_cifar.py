"""Direct random target projection on CIFAR-10, after Frenkel, Lefebvre & Bol 2021 and their slides. Not run here.

The protocol is that of `frenkel`, at the full length of their code: tanh hidden units, logistic outputs with binary
cross-entropy, batch 100, 100 epochs, weights U(-a, a) with a = 1/sqrt(fan_in), Kaiming's uniform feedback. Their code
brings each channel to mean 0 and variance 1. The slides do not say which optimiser and learning rate made their table:
Adam at 1.5e-4 is our choice there as here, the same for all rules and not tuned.

The row CONV is the one whose convolutions learn: 64 and 256 channels, 3 x 3, each max-pooled by 2 after the place where
their error enters, and twice 1000 units. The slides' row of random convolutions is not here. Their code's number of
trials is an option; three seeds are ours.
"""

from dataclasses import replace

from ..lab.experiment import Experiment
from ..lab.protocol import Protocol
from ..lab.training import training

MLP = Protocol(
    net="3072-500-10",
    rules=("bp", "fa", "dfa", "sdfa", "drtp", "shallow"),
    data="cifar-10",
    activation="tanh",
    loss="logistic",
    optimizer="adam",
    lr=1.5e-4,
    batch_size=100,
    epochs=100,
    seeds=3,
    init="uniform_fan_in",
    feedback="kaiming_fan_out",
    standardise=True,
)


def row(name: str, minutes: float, net: str, published: tuple[float, float, float, float]) -> Experiment:
    """A row of the slides' table: BP, FA, DFA and DRTP."""
    return training(
        name=name,
        minutes=minutes,
        protocol=replace(MLP, net=net),
        source="Frenkel, Lefebvre & Bol 2021 (arXiv 1909.01311)",
        place="the authors' slides of 2020, p. 18, CIFAR-10",
        published=dict(zip(("bp", "fa", "dfa", "drtp"), published)),
        not_run="CIFAR-10 is not part of the package",
        question="What does it cost to send the target in the place of the error?",
        quick={"epochs": 1, "seeds": 1, "examples": 2000},
    )


EXPERIMENTS = (
    row("frenkel-cifar10-500", 300, "3072-500-10", (48.43, 49.59, 49.73, 53.72)),
    row("frenkel-cifar10-1000", 600, "3072-1000-10", (47.58, 48.56, 48.45, 52.99)),
    row("frenkel-cifar10-500-500", 350, "3072-500-500-10", (49.23, 50.83, 50.76, 53.46)),
    row("frenkel-cifar10-1000-1000", 800, "3072-1000-1000-10", (49.00, 50.35, 50.51, 52.83)),
    row("frenkel-cifar10-conv", 30_000, "drtp-conv", (27.45, 29.84, 32.06, 35.45)),
)
