"""Product feedback in a residual net, after Li & Benna 2024, on Fashion-MNIST and shortened to what a laptop can do in
an evening.

Their code, on CIFAR-10: batch 128, learning rate 0.1 (DFA 0.001), decay 1e-4, for product feedback 0.005 in the first
epoch, 250 epochs, flips and crops. Kolen-Pollack gets the same burst. The errors are those of the last epoch on the
test set, and no model is selected; weights start as N(0, 2/fan_in), biases at 0; feedback as each rule's own default.
The angle of product feedback beside its theory is `pfa-angle`, in `learned_feedback`.
"""

from ..lab.protocol import Protocol
from ..lab.training import training

PFA_RESNET20 = training(
    name="pfa-resnet20",
    minutes=85,
    protocol=Protocol(
        net="resnet20",
        rules=("bp", "fa", "dfa", "usf", "pfa", "pfa-o", "kp"),
        data="fashion-mnist",
        lr=0.1,
        lr_of=(("dfa", 0.001),),
        momentum=0.9,
        decay=1e-4,
        burst=0.005,
        batch_size=128,
        epochs=3,
        seeds=1,
        examples=20000,
        drops=(0.67,),
        init="he",
        standardise=True,
    ),
    source="Li & Benna 2024, whose errors on CIFAR-10 after 250 epochs are 8.6, 35.4, 69.2, 10.0, 9.3 and 8.7 %",
    question="Which rules keep up with BP in a deep residual net, and how close is the path to W^T?",
    quick={"epochs": 1, "examples": 2000, "drops": (), "rules": ("bp", "fa", "dfa", "pfa-o")},
)

EXPERIMENTS = (PFA_RESNET20,)
