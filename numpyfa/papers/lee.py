"""Difference target propagation on MNIST, after Lee et al. 2015, and Bartunov et al. 2018's simplified form, shortened.

Lee et al.'s code: 784-7x240-10, tanh, softmax, batch 100, 50,000 images to train on, 100 epochs, orthogonal weights,
centred RMSprop (average 0.95, momentum 0.9, eps 1e-3) for layers and inverses in turns of whole epochs, with rates
found by a search. What differs here: RMSprop without centring and momentum, with eps 1e-8, at 1e-3 for all rules, not
tuned; the inverses learn by SGD after each batch; 60,000 images; 3 epochs. Their 1.94 % is printed by Nokland 2016.
Bartunov et al. say that the simplified form does as well on MNIST; their figures were not at hand.
"""

from ..lab.protocol import Protocol
from ..lab.training import training

LEE_MNIST = training(
    name="lee-mnist",
    minutes=4,
    protocol=Protocol(
        net="784-240-240-240-240-240-240-240-10",
        rules=("bp", "dtp", "sdtp", "shallow"),
        activation="tanh",
        optimizer="rmsprop:rho=0.95",
        lr=1e-3,
        batch_size=100,
        epochs=3,
        seeds=3,
        init="orthogonal",
        measured=10000,
    ),
    source="Lee, Zhang, Fischer & Bengio 2015 (arXiv 1412.7525); Bartunov et al. 2018",
    place="continuous units, MNIST, as Nokland 2016 prints it",
    shortened="3 of 100 epochs",
    published={"dtp": 1.94},
    why={"": "So few epochs, and of their searched rates only that of the targets."},
    question="Do targets from learned inverses train a net of seven hidden layers?",
    quick={"epochs": 1, "seeds": 1, "examples": 6000, "measured": 5000},
)

EXPERIMENTS = (LEE_MNIST,)
