"""Direct Kolen-Pollack learning on CIFAR-10 and CIFAR-100, after Webster, Choi & Ahn 2021. Not run here.

CIFAR-10, from their code: a net of two convolutions with batch norm, SGD at 5e-4 with Nesterov momentum 0.9 and decay
1e-6, batch 50, 50 epochs; the feedback of DKP by Adam at 1e-4, times 0.8 every epoch, decay 1e-6. Weights as PyTorch
draws them, U(-a, a) with a = 1/sqrt(fan_in), feedback Kaiming's uniform. Their figures are of four runs and stood in
their README; they are no longer there.

CIFAR-100, from their code's defaults: AlexNet with batch norm after each convolution and dropout, SGD at 0.1 with
momentum 0.9 and decay 1e-4, batch 256, 90 epochs, a learning rate that does not fall. For DKP decay 1e-6, B from zeros
and by Adam at 0.01: an experiment of its own. The published errors are those that a list of results has under the
paper's name, in which "KP" is not explained; none of DKP or BP was at hand.

What differs: pixels are standardised by channel here, and brought to -1 to 1 there. AlexNet's images are 32 x 32 here,
under 3 x 3 kernels, and enlarged to crops of 224 x 224 there. Their DFA on CIFAR-100 has B from U(0, 1e-6), ours the
scale of CIFAR-10.
"""

from dataclasses import replace

from ..lab.protocol import Protocol
from ..lab.training import training

SOURCE = "Webster, Choi & Ahn 2021"
QUESTION = "Does learning the direct connections close the gap between DFA and BP?"

CNN = Protocol(
    net="dkp-cnn",
    rules=("bp", "dfa", "dkp"),
    data="cifar-10",
    optimizer="sgd:nesterov=true",
    lr=5e-4,
    momentum=0.9,
    decay=1e-6,
    batch_size=50,
    epochs=50,
    seeds=4,
    init="uniform_fan_in",
    feedback="kaiming_fan_out",
    feedback_optimizer="adam",
    feedback_lr=1e-4,
    feedback_decay=1e-6,
    feedback_schedule=tuple((epoch, 0.8) for epoch in range(1, 50)),
    standardise=True,
)
ALEXNET = Protocol(
    net="alexnet",
    rules=("bp", "fa", "dfa", "kp"),
    data="cifar-100",
    lr=0.1,
    momentum=0.9,
    decay=1e-4,
    batch_size=256,
    epochs=90,
    seeds=1,
    init="uniform_fan_in",
    feedback="kaiming_fan_out",
    standardise=True,
)
DKP = replace(
    ALEXNET,
    rules=("dkp",),
    decay=1e-6,
    feedback="zeros",
    feedback_optimizer="adam",
    feedback_lr=0.01,
    feedback_decay=1e-6,
)
QUICK = {"epochs": 1, "seeds": 1, "examples": 1000}

EXPERIMENTS = (
    training(
        name="webster-cifar10",
        minutes=800,
        protocol=CNN,
        source=SOURCE,
        place="the README of the authors' code: CIFAR-10, 4 runs of 50 epochs",
        published={"bp": 29.53, "dfa": 38.98, "dkp": 32.48},
        not_run="CIFAR-10 is not part of the package",
        question=QUESTION,
        quick=QUICK | {"feedback_schedule": ()},
    ),
    training(
        name="webster-cifar100",
        minutes=9000,
        protocol=ALEXNET,
        source=SOURCE,
        place="CIFAR-100, AlexNet, as listed under the paper's name",
        published={"fa": 80.51, "dfa": 51.97, "kp": 33.22},
        not_run="CIFAR-100 is not part of the package, and 90 epochs of AlexNet take a week",
        question=QUESTION,
        quick=QUICK,
    ),
    training(
        name="webster-cifar100-dkp",
        minutes=2300,
        protocol=DKP,
        source=SOURCE,
        place="CIFAR-100, AlexNet: the authors' code; their figure was not at hand",
        why={"": "Their figure was not at hand."},
        not_run="CIFAR-100 is not part of the package, and 90 epochs of AlexNet take days",
        question=QUESTION,
        quick=QUICK,
    ),
)
