"""Feedback alignment on MNIST, after Lillicrap et al. 2016, task 2, shortened.

The paper: 784-1000-10, logistic hidden and output units, squared error, one example at a time, learning rate 1e-3,
decay 1e-6, 20 runs of about 30 epochs, weights from U(-w, w) and feedback from U(-b, b), w and b chosen by hand on the
test set and not printed. Printed: test errors of 2.4 % (BP), 2.1 % (FA) and 7.2 % (the output layer alone).

What we chose: weights U(-1, 1)/sqrt(fan_in), feedback U(-0.5, 0.5), pixels 0 to 1; batches of 20; 8 epochs. The
learning rate is each rule's own, chosen on 5000 held-out images: 0.02, which is the paper's for one example, to 0.2.
The pseudo-inverse's signal, which the paper says FA comes to resemble, is run beside it.
"""

from ..lab.protocol import Protocol
from ..lab.sweep import product, sweeping

LILLICRAP_MNIST = sweeping(
    name="lillicrap-mnist",
    minutes=20,
    protocol=Protocol(
        net="lillicrap-mnist",
        rules=("bp", "fa", "pseudo", "shallow"),
        activation="logistic",
        loss="squared",
        decay=1e-6,
        batch_size=20,
        epochs=8,
        seeds=3,
        init="uniform_fan_in",
        feedback="uniform:0.5",
        validation=5000,
        measured=10000,
    ),
    points=product({"lr": [0.02, 0.05, 0.1, 0.2]}),
    cases={"MNIST": {}},
    source="Lillicrap et al. 2016 (arXiv 1411.0247)",
    place="Fig. 2a, task 2",
    shortened="8 of about 30 epochs, 3 of 20 seeds, batches of 20 for single examples",
    published={"MNIST, bp": 2.4, "MNIST, fa": 2.1, "MNIST, shallow": 7.2, "MNIST, fa angle_1": 30.0},
    why={"": "So few epochs; and the paper prints neither the scales of weights and feedback nor how they were found."},
    question="Does FA learn as BP does where the output layer alone does not?",
    quick={
        "seeds": 1,
        "points": product({"lr": [0.05, 0.1]}),
        "cases": {"MNIST": {"examples": 3000, "epochs": 2, "measured": 1000, "validation": 1000}},
    },
)

EXPERIMENTS = (LILLICRAP_MNIST,)
