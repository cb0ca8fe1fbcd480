"""DFA in fully connected, convolutional and locally connected nets, after Clark, Abbott & Chung 2021, and shortened.

Their code: ReLU, Adam 3e-4, batch 128, pixels from -1 to 1, up to 200 epochs and stopped when the training error is 0,
looked at every ten; N(0, 2/fan_in) but N(0, 1/fan_in) in the first layer; feedback U(-1, 1), which enters before a
pool; five runs. The numbers are those of their notebook for nets without sign constraint ("DF" and "BP").

Ours: N(0, 2/fan_in) everywhere, standardised pixels, three seeds; on MNIST 5,000 images and 5 epochs. The nets on
CIFAR-10 are as their code has them.
"""

from dataclasses import replace

from ..lab.experiment import Experiment
from ..lab.protocol import Protocol
from ..lab.training import training

CIFAR = Protocol(
    net="3072-1024-512-512-10",
    rules=("bp", "dfa"),
    data="cifar-10",
    activation="relu",
    optimizer="adam",
    lr=3e-4,
    batch_size=128,
    epochs=200,
    seeds=3,
    init="he",
    feedback="uniform:1",
    standardise=True,
    measured=10000,
)
MNIST = replace(CIFAR, net="784-1024-512-10", data="mnist", epochs=5, examples=5000, measured=2000)


def experiment(name: str, protocol: Protocol, minutes: float, bp: float, dfa: float, not_run: str = "") -> Experiment:
    """One kind of net on one data set."""
    cifar = protocol.data == "cifar-10"
    return training(
        name=name,
        minutes=minutes,
        protocol=protocol,
        source="Clark, Abbott & Chung 2021 (arXiv 2106.04089)",
        place=f"Table {2 if cifar else 1}, as the authors' notebook prints it",
        published={"bp": bp, "dfa": dfa},
        shortened="" if cifar else "5 of up to 200 epochs, 5,000 images",
        why={} if cifar else {"": "5 epochs of 5,000 images against up to 200 of 60,000"},
        question="Is DFA nearer to BP where weights are not shared?",
        not_run="CIFAR-10 is not part of the package, and 200 epochs take days" if cifar else not_run,
        quick={"epochs": 1, "seeds": 1, "examples": 500, "measured": 500},
    )


EXPERIMENTS = (
    experiment("clark-fc", MNIST, 1, bp=1.29, dfa=2.09),
    experiment(
        "clark-conv",
        replace(MNIST, net="clark-conv"),
        8,
        bp=0.65,
        dfa=1.64,
        not_run="nothing stands in its way but time",
    ),
    experiment("clark-lc", replace(MNIST, net="clark-lc"), 6, bp=1.07, dfa=1.48),
    experiment("clark-fc-cifar10", CIFAR, 500, bp=45.69, dfa=49.54),
    experiment("clark-conv-cifar10", replace(CIFAR, net="clark-conv"), 20_000, bp=28.80, dfa=44.07),
    experiment("clark-lc-cifar10", replace(CIFAR, net="clark-lc"), 8_000, bp=32.32, dfa=39.41),
)
