"""BioTorch's benchmark on CIFAR-10: LeNet, ResNet-20 and ResNet-56 under SGD. Not run here.

From their configuration files: SGD with momentum 0.9, decay 1e-4, batch 128, 250 epochs, the learning rate divided by
10 after 100, 150 and 200; Glorot's initialiser. Learning rate 0.1, but for LeNet 0.001 under FA and 1e-4 under DFA, and
for ResNet-20 0.001 under DFA. Those of ResNet-56 were not at hand: it gets ResNet-20's. Their DFA is what `kdfa` is
here. Flips, crops of padded images and standardised channels are as in Li & Benna's code, which is built on theirs.

What differs: theirs trains on 45,000 images and tests the epoch that was best on the other 5000. Ours trains on all
50,000 and tests the last epoch: no model is selected. Their table is of one seed, ours of three. Glorot's scale counts
a kernel's places on both sides there; FA's B has the shape of W^T here, so its places count on one. Their columns by
Adam are not here.
"""

from dataclasses import replace

from ..lab.experiment import Experiment
from ..lab.protocol import Protocol
from ..lab.training import training

RULES = ("bp", "fa", "kdfa", "usf", "brsf", "frsf")
RESNET = Protocol(
    net="resnet20",
    rules=RULES,
    data="cifar-10",
    lr=0.1,
    lr_of=(("kdfa", 0.001),),
    momentum=0.9,
    decay=1e-4,
    batch_size=128,
    epochs=250,
    seeds=3,
    schedule=((100, 0.1), (150, 0.1), (200, 0.1)),
    init="glorot",
    feedback="glorot",
    standardise=True,
    augment=True,
)


def column(name: str, minutes: float, protocol: Protocol, place: str, *published: float) -> Experiment:
    """A column of the table, in the order of RULES."""
    return training(
        name=name,
        minutes=minutes,
        protocol=protocol,
        source="BioTorch's benchmark table",
        place=f"CIFAR-10, {place}",
        published=dict(zip(RULES, published)),
        not_run="CIFAR-10 is not part of the package, and 250 epochs take days to weeks",
        question="Which rules come near to BP?",
        quick={"epochs": 1, "seeds": 1, "examples": 1000, "schedule": ()},
    )


LENET = replace(RESNET, net="lenet-biotorch-cifar", lr_of=(("fa", 0.001), ("kdfa", 1e-4)))

EXPERIMENTS = (
    column("biotorch-cifar10-lenet", 3700, LENET, "LeNet", 14.23, 46.69, 54.21, 16.22, 16.02, 16.86),
    column("biotorch-cifar10-resnet20", 16_000, RESNET, "ResNet-20", 8.63, 32.16, 45.94, 10.05, 11.02, 11.20),
    column("biotorch-cifar10-resnet56", 48_000, replace(RESNET, net="resnet56"), "ResNet-56 (SGD)",
           8.30, 34.88, 38.01, 8.20, 8.69, 9.49),
)  # fmt: skip
