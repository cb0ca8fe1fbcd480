"""Three experiments on MNIST from the poster "Feedback alignment for training neural networks".

What its text fixes: the layer sizes, tanh hidden units, a softmax output, feedback N(0, 1), a learning rate of 0.01,
and for the first that BP and FA start from the same weights. What it leaves open, and what we chose:

    rate 0.01      of one example; a batch of 16 takes 0.16 on its mean gradient
    batch size     16
    epochs         20 (figures/ has 60)
    weights        N(0, 1/fan_in), biases 0
    pixels         0..1, no centring
    seeds          mean and standard deviation over 0, 1, 2, ...

No model is selected: the errors are those of the last epoch.
"""

from typing import Any

from ..lab.protocol import Protocol
from ..lab.training import training

SOURCE = 'poster "Feedback alignment for training neural networks"'
LR_PER_EXAMPLE = 0.01
QUICK = {"epochs": 5, "seeds": 2, "examples": 20000}
TANH: dict[str, Any] = {"activation": "tanh", "loss": "softmax", "feedback": "normal:1", "init": "fan_in"}

EXPERIMENTS = (
    training(
        name="mnist-200-80-10",
        minutes=4,
        protocol=Protocol(net="784-200-80-10", rules=("bp", "fa"), **TANH),
        lr_per_example=LR_PER_EXAMPLE,
        source=SOURCE,
        quick=QUICK,
        question="The poster says that FA mitigates over-fitting: compare the train with the test error.",
    ),
    training(
        name="mnist-1000-10",
        minutes=13,
        protocol=Protocol(net="784-1000-10", rules=("bp", "fa"), **TANH),
        lr_per_example=LR_PER_EXAMPLE,
        source=SOURCE,
        quick=QUICK | {"examples": 10000},
        published={"fa": 3.23},
        question="The poster's FA test error is 3.23 %.",
    ),
    training(
        name="mnist-dfa-200-200-100-10",
        minutes=5,
        protocol=Protocol(net="784-200-200-100-10", rules=("bp", "dfa"), **TANH),
        lr_per_example=LR_PER_EXAMPLE,
        source=SOURCE,
        quick=QUICK,
        published={"dfa": 4.31},
        question="The poster's DFA test error is 4.31 %.",
    ),
)
