"""Feedback alignment in locally connected nets, after Bartunov et al. 2018, and shortened.

The paper: tanh, Glorot's weights, Adam with settings of each method's own, found by a search of 60 draws (its Table 5):
those of BP, FA and DFA are ours; the best test error within 500 epochs. The batch size is not given: 100 is our choice.
Ours is the error of the last epoch, on standardised pixels, and one beta2 and eps for all rules: BP's.

`bartunov-lc` is 5,000 images for 10 epochs. Target propagation is not among the rules: an inverse is a full map here
(see `dtp`), 20 million weights for the second layer; theirs are as locally connected as the layers.
"""

from dataclasses import replace

from ..lab.protocol import Protocol
from ..lab.training import training

SOURCE = "Bartunov et al. 2018 (arXiv 1807.04587)"
QUESTION = "Do FA and DFA train locally connected nets as BP does?"
MNIST = Protocol(
    net="bartunov-lc",
    rules=("bp", "fa", "dfa"),
    data="mnist",
    optimizer="adam:beta2=0.99",
    lr=1.33e-4,
    lr_of=(("fa", 2.19e-4), ("dfa", 2.462e-3)),
    batch_size=100,
    epochs=10,
    seeds=3,
    init="glorot",
    feedback="glorot",
    standardise=True,
    examples=5000,
    measured=2000,
)
CIFAR = replace(
    MNIST,
    data="cifar-10",
    optimizer="adam:beta2=0.999,eps=1e-06",
    lr=4.4e-5,
    lr_of=(("fa", 2.2e-5), ("dfa", 4e-5)),
    epochs=500,
    augment=True,
    examples=None,
    measured=10000,
)
QUICK = {"epochs": 1, "seeds": 1, "examples": 500, "measured": 500}

EXPERIMENTS = (
    training(
        name="bartunov-lc",
        minutes=8,
        protocol=MNIST,
        source=SOURCE,
        place="Table 1a, LC",
        shortened="10 of 500 epochs, 5,000 images",
        published={"bp": 1.17, "fa": 1.26, "dfa": 2.05},
        why={"": "10 epochs of 5,000 images against 500 of 60,000, and the last error against the best"},
        question=QUESTION,
        not_run="nothing stands in its way but time",
        quick=QUICK,
    ),
    training(
        name="bartunov-lc-cifar10",
        minutes=90_000,
        protocol=CIFAR,
        source=SOURCE,
        place="Table 1b, LC",
        published={"bp": 32.41, "fa": 37.44, "dfa": 44.41},
        question=QUESTION,
        not_run="CIFAR-10 is not part of the package, and 500 epochs take months",
        quick=QUICK,
    ),
)
