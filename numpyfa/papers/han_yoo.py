"""Direct feedback for the dense part alone, and binary feedback, after Han & Yoo 2019, and shortened.

Theirs is VGG-16 with one dense layer more (`vgg16`) on CIFAR-10: 13 convolutions with batch norm and ReLU, dense layers
without batch norm, SGD with momentum, batch 100, no augmentation. In CDFA and CBDFA the dense layers get direct
feedback and the convolutions backpropagation from the first of them; CBDFA's feedback is binary. They start it at
random, or as the product of the weights above (their equations 7 and 9): `cdfa` here is their random one, `cbdfa` takes
the signs of the product and `cbdfa:random=true` random signs. Their BP is 81.11 %, which is low for VGG-16.

What was not at hand is our choice: learning rate 0.01, momentum 0.9, 100 epochs, weights N(0, 2/fan_in), standardised
pixels, 512 units.

`han-yoo` is the question on Fashion-MNIST with LeNet, whose dense part is one hidden layer of 84; there `bdfa` and
`dfa` send direct feedback to every layer. Binary feedback of 1 and -1 is many times as large as the other, so hidden
layers want a learning rate of their own: it and the common one are tuned for every rule, with one budget, on held-out
images.
"""

from dataclasses import replace

from ..lab.protocol import Protocol
from ..lab.sweep import product, sweeping
from ..lab.training import training

SOURCE = "Han & Yoo 2019 (arXiv 1901.01986)"
QUESTION = "Is direct, even binary feedback good enough where it goes to the dense layers alone?"
CIFAR = Protocol(
    net="vgg16",
    rules=("bp", "cdfa", "cbdfa", "cbdfa:random=true"),
    data="cifar-10",
    lr=0.01,
    momentum=0.9,
    batch_size=100,
    epochs=100,
    seeds=3,
    init="he",
    standardise=True,
    measured=10000,
)
FASHION = replace(
    CIFAR,
    net="lenet",
    rules=("bp", "cdfa", "cbdfa", "cbdfa:random=true", "dfa", "bdfa", "bdfa:random=true", "shallow"),
    data="fashion-mnist",
    epochs=6,
    examples=5000,
    validation=5000,
    measured=2000,
)

EXPERIMENTS = (
    sweeping(
        name="han-yoo",
        minutes=8,
        protocol=FASHION,
        points=product({"lr": [0.001, 0.01, 0.1], "hidden_lr": [0.03, 0.3, 3.0]}),
        source=SOURCE,
        place="Table 1, on another net and data set",
        question=QUESTION,
        shortened="6 of 100 epochs, 5,000 images, a smaller net",
        why={"": "Their table is of VGG-16 on CIFAR-10, which `han-yoo-vgg16-cifar10` is for."},
        quick={
            "seeds": 1,
            "points": product({"lr": [0.01], "hidden_lr": [0.01, 1.0]}),
            "cases": {"lenet": {"examples": 1000, "epochs": 1, "measured": 500, "validation": 500}},
        },
    ),
    training(
        name="han-yoo-vgg16-cifar10",
        minutes=110_000,
        protocol=CIFAR,
        source=SOURCE,
        place="Table 1, small learning rate",
        published={"bp": 18.89, "cdfa": 11.32, "cbdfa": 12.35, "cbdfa:random=true": 10.61},
        question=QUESTION,
        not_run="CIFAR-10 is not part of the package, and 100 epochs of VGG-16 take months",
        quick={"epochs": 1, "seeds": 1, "examples": 1000, "measured": 1000},
    ),
)
