"""Feedback alignment on MNIST, after Lillicrap et al. 2016, task 2, shortened.

The paper: 784-1000-10, logistic hidden and output units, squared error, one example at a time, learning rate 1e-3,
decay 1e-6, 20 runs of about 30 epochs, weights from U(-w, w) and feedback from U(-b, b), w and b chosen by hand on the
test set and not printed. Printed: test errors of 2.4 % (BP), 2.1 % (FA) and 7.2 % (the output layer alone).

What we chose: weights U(-1, 1)/sqrt(fan_in), feedback U(-0.5, 0.5), pixels 0 to 1; batches of 20 at a learning rate of
0.4, which is 0.02 of one example, since at 1e-3 these weights need far more than 30 epochs; 4 epochs, 3 seeds. Nothing
was tuned. The pseudo-inverse's signal, which the paper says FA comes to resemble, is run beside it.
"""

from ..lab.protocol import Protocol
from ..lab.training import training

LILLICRAP_MNIST = training(
    name="lillicrap-mnist",
    minutes=5,
    protocol=Protocol(
        net="lillicrap-mnist",
        rules=("bp", "fa", "pseudo", "shallow"),
        activation="logistic",
        loss="squared",
        lr=0.4,
        decay=1e-6,
        batch_size=20,
        epochs=4,
        seeds=3,
        init="uniform_fan_in",
        feedback="uniform:0.5",
        measured=10000,
    ),
    source="Lillicrap et al. 2016 (arXiv 1411.0247)",
    place="Fig. 2a, task 2",
    shortened="4 of about 30 epochs, 3 of 20 seeds, batches of 20 for single examples",
    published={"bp": 2.4, "fa": 2.1, "shallow": 7.2, "fa angle_1": 30.0},
    why={"": "So few epochs; and the paper prints neither the scales of weights and feedback nor how they were found."},
    question="Does FA learn as BP does where the output layer alone does not?",
    quick={"epochs": 2, "seeds": 1, "examples": 6000, "measured": 5000},
)

EXPERIMENTS = (LILLICRAP_MNIST,)
