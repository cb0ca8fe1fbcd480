"""Direct Kolen-Pollack learning after Webster, Choi & Ahn 2021, with and without batch norm, on Fashion-MNIST and
shortened to what a laptop can do in an evening.

Their code, on CIFAR-10: SGD, Nesterov momentum 0.9, learning rate 5e-4, decay 1e-6, 50 epochs; B by Adam. Here B takes
W's own steps; the decay of 1e-3 is ours. DKP diverges at the others' rate of 0.01; its 0.002 was chosen against 0.001
on 5000 held-out training examples, with batch norm. Without batch norm DKP diverged at 5e-4 (three seeds) and 2e-4
(one); held-out errors were 26.5 % at 1e-4 and 29.2 % at 5e-5. The errors are those of the last epoch on the test set,
and no model is selected; weights start as N(0, 2/fan_in), biases at 0; feedback as each rule's own default.
"""

from dataclasses import replace

from ..lab.protocol import Protocol
from ..lab.training import training

PROTOCOL = Protocol(
    net="dkp-cnn",
    rules=("bp", "fa", "dfa", "dkp", "kp"),
    data="fashion-mnist",
    lr=0.01,
    lr_of=(("dkp", 0.002),),
    momentum=0.9,
    decay=1e-3,
    batch_size=64,
    epochs=4,
    seeds=3,
    examples=20000,
    drops=(0.75,),
    init="he",
    standardise=True,
)
QUICK = {"epochs": 1, "seeds": 1, "examples": 5000, "drops": ()}

EXPERIMENTS = (
    training(
        name="dkp-cnn",
        minutes=45,
        protocol=PROTOCOL,
        source="Webster, Choi & Ahn 2021",
        question="Does learning the direct connections close the gap between DFA and BP?",
        quick=QUICK,
    ),
    training(
        name="dkp-cnn-no-norm",
        minutes=40,
        protocol=replace(PROTOCOL, net="dkp-cnn-no-norm", lr_of=(("dkp", 1e-4),)),
        source="Webster, Choi & Ahn 2021, without batch norm",
        question="The paper calls batch norm essential: compare with dkp-cnn.",
        quick=QUICK,
    ),
)
