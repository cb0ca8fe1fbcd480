"""Feedback that is aligned by local losses, after Kunin et al. 2020, on MNIST.

The paper trains residual nets on ImageNet; its tables were not at hand, so nothing published stands beside ours. What
is theirs: the rules' losses and coefficients, the defaults of their code (SA 1e-3, 2e-3; AA 1e-3, 2e-3; IA 2e-3, 1e-3,
1e-3), and that feedback starts as the weights do. What we chose: 784-256-128-10, tanh, SGD with momentum 0.9 at 0.01,
decay 1e-4, 6 epochs; the rate of the alignment losses is theirs times the coefficient, so that SA's B follows W within
some thousands of batches. The learning rate is the same for all and not tuned: what is compared here is where the
feedback goes, by the angle of W^T to B, beside the test error.
"""

from ..lab.protocol import Protocol
from ..lab.training import training

KUNIN_MNIST = training(
    name="kunin-mnist",
    minutes=5,
    protocol=Protocol(
        net="784-256-128-10",
        rules=("bp", "fa", "kp", "wm", "sa", "aa", "ia"),
        activation="tanh",
        lr=0.01,
        momentum=0.9,
        decay=1e-4,
        batch_size=64,
        epochs=6,
        seeds=3,
        init="fan_in",
        standardise=True,
        measured=10000,
    ),
    source="Kunin et al. 2020 (arXiv 2003.01513)",
    place="the rules' losses; its net is another",
    why={"": "The paper trains residual nets on ImageNet, and its tables were not at hand."},
    question="Where does the feedback of each rule go, and does the test error follow?",
    quick={"epochs": 2, "seeds": 1, "examples": 6000, "measured": 5000},
)

EXPERIMENTS = (KUNIN_MNIST,)
