"""Local representation alignment on MNIST, after the code of Ororbia & Mali 2019, shortened.

Theirs: 784-256-256-256-10, tanh, softmax, weights N(0, 0.1^2), error weights N(0, 1), beta 0.1, SGD, learning rate
1e-3, batch 50, 100 epochs. Whether their 1e-3 multiplies a sum or a mean was not to be seen; 0.05 on the mean, 1e-3 on
the sum, is our choice, for BP and FA too, and not tuned. 5 epochs. Their table was not at hand. KP, whose feedback
learns by the same product but starts as Akrout et al.'s does, stands beside it.
"""

from ..lab.protocol import Protocol
from ..lab.training import training

ORORBIA_MNIST = training(
    name="ororbia-mnist",
    minutes=3,
    protocol=Protocol(
        net="784-256-256-256-10",
        rules=("bp", "fa", "kp", "lra-e", "shallow"),
        activation="tanh",
        lr=0.05,
        batch_size=50,
        epochs=5,
        seeds=3,
        init="normal:0.1",
        measured=10000,
    ),
    source="Ororbia & Mali 2019 (arXiv 1805.11703)",
    place="the authors' code, MNIST",
    shortened="5 of 100 epochs",
    why={"": "Their table was not at hand."},
    question="Does a finite displacement of the hidden units train as well as a gradient?",
    quick={"epochs": 2, "seeds": 1, "examples": 6000, "measured": 5000},
)

EXPERIMENTS = (ORORBIA_MNIST,)
