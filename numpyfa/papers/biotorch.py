"""BioTorch's benchmark on Fashion-MNIST, shortened to what a laptop can do in an evening.

Theirs is LeNet, ReLU, SGD with momentum 0.9, decay 1e-3, batch 64, 100 epochs, the learning rate divided by 10 at
epochs 50 and 75. Their printed errors are those of the best epoch on the set that they are measured on, ours of the
last on the test set: no model is selected. Their learning rate for Fashion-MNIST is not in their repository: 0.01 is
our choice. Their DFA is what `kdfa` is here, so both are run; kdfa's rate of 1e-4, their own for DFA on CIFAR-10, was
confirmed on 5000 held-out training examples. Weights start as N(0, 2/fan_in), biases at 0; feedback as each rule's own
default.

`biotorch-mnist` and `biotorch-fashion` are their protocol at its full length, with the net as their file has it today,
without a ReLU after the layer of 84 units. The earlier version that their page of results points to seems to have one,
as `lenet` has: which of the two their figures are of is not certain. Their learning rates for the two data sets are not
in their repository. `biotorch-tuned` gives each rule its own, chosen on held-out examples with the same budget,
shortened to 5,000 images and 4 epochs.
"""

from dataclasses import replace

from ..lab.protocol import Protocol
from ..lab.sweep import product, sweeping
from ..lab.training import training

LENET = training(
    name="fashion-lenet",
    minutes=60,
    protocol=Protocol(
        net="lenet",
        rules=("bp", "fa", "dfa", "kdfa", "usf", "brsf", "frsf"),
        data="fashion-mnist",
        lr=0.01,
        lr_of=(("kdfa", 1e-4),),
        momentum=0.9,
        decay=1e-3,
        batch_size=64,
        epochs=10,
        seeds=3,
        drops=(0.5, 0.75),
        init="he",
        standardise=True,
    ),
    source="BioTorch's benchmark table",
    place="LeNet, Fashion-MNIST",
    shortened="10 of 100 epochs",
    why={
        "": "Theirs gives each rule a learning rate of its own, has in its file of today no ReLU between fc1 and fc2, "
        "and prints the best epoch; ours has one rate for all but kdfa. Which of these or the cut is the cause is not "
        "known."
    },
    published={"bp": 9.20, "fa": 13.06, "kdfa": 12.81, "usf": 9.69, "brsf": 10.02, "frsf": 9.61},
    question="BioTorch trained for 100 epochs and kept the best one.",
    quick={"epochs": 1, "seeds": 1, "examples": 5000},
)

RULES = ("bp", "fa", "kdfa", "usf", "brsf", "frsf")
THEIRS = Protocol(
    net="lenet-biotorch",
    rules=RULES,
    lr=0.01,
    lr_of=(("kdfa", 1e-4),),
    momentum=0.9,
    decay=1e-3,
    batch_size=64,
    epochs=100,
    seeds=3,
    schedule=((50, 0.1), (75, 0.1)),
    init="glorot",
    feedback="glorot",
    standardise=True,
    measured=10000,
)
FASHION = replace(THEIRS, data="fashion-mnist")
QUICK = {"epochs": 1, "seeds": 1, "examples": 2000, "measured": 1000, "rules": ("bp", "fa", "usf")}

EXPERIMENTS = (
    LENET,
    sweeping(
        name="biotorch-tuned",
        minutes=8,
        protocol=replace(
            FASHION,
            rules=(*RULES, "dfa", "shallow"),
            lr_of=(),
            epochs=4,
            schedule=(),
            examples=5000,
            validation=5000,
            measured=2000,
        ),
        points=product({"lr": [1e-4, 0.001, 0.01, 0.1]}),
        shortened="4 of 100 epochs, 5,000 images",
        why={"": "Their numbers for this net stand beside `fashion-lenet`; here the tuning is ours, in few epochs."},
        source="BioTorch's benchmark table",
        place="Fashion-MNIST, LeNet: the net as in its file, each rule with its own learning rate",
        question="How far behind BP are the rules when each has its own learning rate?",
        quick={
            "seeds": 1,
            "points": product({"lr": [0.001, 0.01]}),
            "cases": {"lenet-biotorch": {"examples": 1000, "epochs": 1, "measured": 500, "validation": 500}},
        },
    ),
    training(
        name="biotorch-mnist",
        minutes=3600,
        protocol=THEIRS,
        source="BioTorch's benchmark table",
        place="MNIST, LeNet",
        published={"bp": 0.91, "fa": 1.70, "kdfa": 1.61, "usf": 0.94, "brsf": 0.91, "frsf": 0.97},
        not_run="100 epochs of six rules and three seeds take two cores a day and more",
        question="Which rules come near to BP in LeNet?",
        quick=QUICK,
    ),
    training(
        name="biotorch-fashion",
        minutes=3600,
        protocol=FASHION,
        source="BioTorch's benchmark table",
        place="Fashion-MNIST, LeNet",
        published=LENET.published,
        not_run="100 epochs of six rules and three seeds take two cores a day and more",
        question="Which rules come near to BP in LeNet?",
        quick=QUICK,
    ),
)
