"""Three experiments on convolutional and residual nets, shortened to what a laptop can do in an evening.

What is published, and what we changed, is in each experiment's lines below. In all three: Fashion-MNIST unless --data
says otherwise; the errors are those of the last epoch on the test set, and no model is selected; weights start as
N(0, 2/fan_in), biases at 0; feedback as each rule's own default.
"""

from .protocol import Experiment, Protocol

SHARED = {"data": "fashion-mnist", "batch_size": 64, "momentum": 0.9, "init": "he", "standardise": True, "seeds": 3}

# BioTorch's benchmark: LeNet, ReLU, SGD with momentum 0.9, decay 1e-3, batch 64, 100 epochs, the step divided by 10 at
# epochs 50 and 75. Its printed errors are those of the best epoch on the set that they are measured on, ours of the
# last. Its step for Fashion-MNIST is not in its repository: 0.01 is our choice. Its DFA is what `kdfa` is here, so both
# are run; kdfa's step of 1e-4, its own for DFA on CIFAR-10, was confirmed on 5000 held-out training examples.
LENET = Experiment(
    name="fashion-lenet",
    protocol=Protocol(
        net="lenet",
        rules=("bp", "fa", "dfa", "kdfa", "usf", "brsf", "frsf"),
        lr=0.01,
        lr_of=(("kdfa", 1e-4),),
        decay=1e-3,
        epochs=10,
        drops=(0.5, 0.75),
        **SHARED,
    ),
    source="BioTorch's benchmark table",
    published={"bp": 9.20, "fa": 13.06, "kdfa": 12.81, "usf": 9.69, "brsf": 10.02, "frsf": 9.61},
    question="BioTorch trained for 100 epochs and kept the best one.",
    quick={"epochs": 2, "seeds": 1, "examples": 10000},
)

# Webster et al.'s code on CIFAR-10: SGD, Nesterov momentum 0.9, step 5e-4, decay 1e-6, 50 epochs; B by Adam. Here B
# takes W's own steps; the decay of 1e-3 is ours. DKP diverges at the others' step of 0.01; its 0.002 was chosen against
# 0.001 on 5000 held-out training examples, with batch norm. Without batch norm DKP diverged at 5e-4 (three seeds)
# and 2e-4 (one); held-out errors were 26.5 % at 1e-4 and 29.2 % at 5e-5.
DKP = {
    "rules": ("bp", "fa", "dfa", "dkp", "kp"),
    "lr": 0.01,
    "lr_of": (("dkp", 0.002),),
    "decay": 1e-3,
    "epochs": 4,
    "examples": 20000,
    "drops": (0.75,),
}
DKP_QUICK = {"epochs": 1, "seeds": 1, "examples": 5000, "drops": ()}
DKP_CNN = Experiment(
    name="dkp-cnn",
    protocol=Protocol(net="dkp-cnn", **DKP, **SHARED),
    source="Webster, Choi & Ahn 2021",
    question="Does learning the direct connections close the gap between DFA and BP?",
    quick=DKP_QUICK,
)
DKP_CNN_NO_NORM = Experiment(
    name="dkp-cnn-no-norm",
    protocol=Protocol(net="dkp-cnn-no-norm", **DKP | {"lr_of": (("dkp", 1e-4),)}, **SHARED),
    source="Webster, Choi & Ahn 2021, without batch norm",
    question="The paper calls batch norm essential: compare with dkp-cnn.",
    quick=DKP_QUICK,
)

# Li & Benna's code on CIFAR-10: batch 128, step 0.1 (DFA 0.001), decay 1e-4, for product feedback 0.005 in the first
# epoch, 250 epochs, flips and crops. Kolen-Pollack gets the same burst.
PFA_RESNET20 = Experiment(
    name="pfa-resnet20",
    protocol=Protocol(
        net="resnet20",
        rules=("bp", "fa", "dfa", "usf", "pfa", "pfa-o", "kp"),
        lr=0.1,
        lr_of=(("dfa", 0.001),),
        decay=1e-4,
        burst=0.005,
        epochs=3,
        examples=20000,
        drops=(0.67,),
        **SHARED | {"batch_size": 128, "seeds": 1},
    ),
    source="Li & Benna 2024, whose errors on CIFAR-10 after 250 epochs are 8.6, 35.4, 69.2, 10.0, 9.3 and 8.7 %",
    question="Which rules keep up with BP in a deep residual net, and how close is the path to W^T?",
    quick={"epochs": 1, "examples": 2000, "drops": (), "rules": ("bp", "fa", "dfa", "pfa-o")},
)

EXPERIMENTS = (LENET, DKP_CNN, DKP_CNN_NO_NORM, PFA_RESNET20)
