"""ResNet-18 on ImageNet, after Li & Benna 2024 and BioTorch. Not run here: on one core a rule takes about a year.

Both: SGD with momentum 0.9, batch 256, 75 epochs, learning rate 0.1 divided by 10 after 20, 40 and 60, decay 1e-4;
Glorot's initialiser as in their configurations. Li & Benna: for product feedback a decay of 5e-4 in the first epoch;
their figure's last epoch (65 for PFA-o), one seed. BioTorch: DFA, which is `kdfa` here, by Adam at 0.001, in an
experiment of its own.

The data is a folder named imagenet in $NUMPYFA_DATA, or another by --data FOLDER@224: train/CLASS/*.JPEG and
val/CLASS/*.JPEG (see `numpyfa.data.images`). Decoded, at 224 x 224, it takes 200 GB of the cache.

What differs: their training images are random crops of random size, and flips of them; ours are the middle of the
image, flipped, and shifted by up to 4 pixels, since what is decoded once cannot be cropped anew. They test on the
middle 224 x 224 of images whose shorter side is 256, ours on that of images whose shorter side is 224. The stem's pool
has no padding here. The angles are measured on the first 1000 images at once, which at 224 x 224 takes tens of GB.
"""

from dataclasses import replace

from ..lab.experiment import Experiment
from ..lab.protocol import Protocol
from ..lab.training import training

THEIRS = Protocol(
    net="resnet18-imagenet",
    data="imagenet@224",
    lr=0.1,
    momentum=0.9,
    decay=1e-4,
    batch_size=256,
    epochs=75,
    seeds=1,
    schedule=((20, 0.1), (40, 0.1), (60, 0.1)),
    init="glorot",
    feedback="glorot",
    standardise=True,
    augment=True,
)
A_YEAR = 440_000  # minutes of one core for a rule, from the number of products


def experiment(name: str, protocol: Protocol, source: str, place: str, published: dict[str, float]) -> Experiment:
    return training(
        name=name,
        minutes=A_YEAR * len(protocol.rules),
        protocol=protocol,
        source=source,
        place=place,
        published=published,
        not_run="ImageNet is not part of the package, and one rule takes a core a year",
        question="Which rules scale to ImageNet?",
        quick={"epochs": 1, "examples": 512, "schedule": ()},
    )


EXPERIMENTS = (
    experiment(
        "li-benna-imagenet",
        replace(THEIRS, rules=("bp", "usf", "pfa", "pfa-o"), burst=5e-4),
        "Li & Benna 2024 (arXiv 2405.20594)",
        "ImageNet figure: top-1 error at the last epoch",
        {"bp": 30.31, "usf": 35.40, "pfa": 31.54, "pfa-o": 30.74},
    ),
    experiment(
        "biotorch-imagenet",
        replace(THEIRS, rules=("bp", "fa", "usf", "brsf", "frsf")),
        "BioTorch's benchmark table",
        "ImageNet, ResNet-18",
        {"bp": 30.39, "fa": 85.25, "usf": 34.97, "brsf": 37.21, "frsf": 36.50},
    ),
    experiment(
        "biotorch-imagenet-dfa",
        replace(THEIRS, rules=("kdfa",), optimizer="adam", lr=0.001, momentum=0.0),
        "BioTorch's benchmark table",
        "ImageNet, ResNet-18: DFA, by Adam",
        {"kdfa": 82.45},
    ),
)
