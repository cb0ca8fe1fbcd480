"""Weight mirrors and Kolen-Pollack on MNIST, after the NumPy code and logs of Akrout et al. 2019, shortened.

Theirs: 784-500-10, logistic units everywhere, logistic cross-entropy, batch 128, 400 epochs; learning rates 0.2 (BP,
FA), 0.3 (KP) and 0.05 (WM) on the mean gradient; weights and feedback from N(0, 1/(fan_in + fan_out)); pixels 0 to 1;
one run, seed 1111. Their logs have every epoch, so ours stops at epoch 10 and stands beside theirs at epoch 10.

What differs: their biases start at random and learn 128 times slower, since their gradient is divided by the batch
twice, and their batches are not shuffled. Their KP has no decay, nor has ours: B and W come near to each other only as
what they learn in common outgrows what they began with. Their mirror sums over weaker noise that passes the bias and
the activation, 468 times before training and once after each batch, and lets B grow without bound, which is why their
rate is 0.05. Ours settles at W instead, so that B is smaller and 0.05 is slow: our WM has 0.2, BP's.
"""

from ..lab.protocol import Protocol
from ..lab.training import training

AKROUT_MNIST = training(
    name="akrout-mnist",
    minutes=5,
    protocol=Protocol(
        net="784-500-10",
        rules=("bp", "fa", "kp", "wm"),
        activation="logistic",
        loss="logistic",
        lr=0.2,
        lr_of=(("kp", 0.3),),
        batch_size=128,
        epochs=10,
        seeds=3,
        init="akrout",
        feedback="akrout",
        measured=10000,
    ),
    source="Akrout et al. 2019 (arXiv 1904.05391)",
    place="the authors' logs, epoch 10 of 400",
    shortened="10 of 400 epochs, as much of their logs stands beside it",
    published={"bp": 5.88, "fa": 9.14, "kp": 4.59, "wm": 9.51, "kp weight_angle_2": 11.2, "kp angle_1": 12.2},
    why={
        "wm": "Theirs lets B grow without bound, at a learning rate of 0.05; our B settles at W, and takes BP's rate."
    },
    question="Do Kolen-Pollack and weight mirrors close the gap between FA and BP?",
    quick={"epochs": 2, "seeds": 1, "examples": 10000, "measured": 5000},
)

EXPERIMENTS = (AKROUT_MNIST,)
