"""Sparse direct feedback on MNIST, after Crafton et al. 2019, shortened.

Their code: 784-400-10, tanh, each image standardised by itself, weights at zero, Adam at 0.01 with eps = 1, batch 32,
300 epochs; B with a given number of entries a column that are not zero, at the least one: each hidden unit hears of one
output. Here all images are standardised by one mean and deviation, and it is 5 epochs. Their accuracies were not at
hand. BP, which cannot leave zero, starts from Glorot's initialiser, as theirs does, but keeps tanh. Bits in the place
of numbers (`bdfa`, Han & Yoo 2019) stand beside them, from Glorot's weights too, since its B is made of them.
"""

from ..lab.protocol import Protocol
from ..lab.training import training

CRAFTON_MNIST = training(
    name="crafton-mnist",
    minutes=4,
    protocol=Protocol(
        net="784-400-10",
        rules=("bp", "dfa", "sparse-dfa", "sparse-dfa:nonzero=3", "bdfa", "shallow"),
        activation="tanh",
        optimizer="adam:eps=1",
        lr=0.01,
        batch_size=32,
        epochs=5,
        seeds=3,
        init="glorot",
        init_of=(("dfa", "zeros"), ("sparse-dfa", "zeros")),
        standardise=True,
        measured=10000,
    ),
    source="Crafton, Parihar, Gebhardt & Raychowdhury 2019 (arXiv 1903.02083)",
    place="fully connected net, MNIST",
    shortened="5 of 300 epochs",
    why={"": "Their accuracies were not at hand."},
    question="How much of B is needed?",
    quick={"epochs": 2, "seeds": 1, "examples": 6000, "measured": 5000},
)

EXPERIMENTS = (CRAFTON_MNIST,)
