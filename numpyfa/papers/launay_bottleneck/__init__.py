"""Launay et al.'s bottleneck: a layer in which DFA tells only b of 800 units anything. Does the layer below align?

The authors' code: 3072-800-800-800-10, tanh, on CIFAR-10, DFA with softmax and cross-entropy, batch 128, SGD, learning
rate 5e-4 (in hidden layers in effect 128 times that), 50 epochs; one B for all hidden layers, N(0, 1) / sqrt(10 * 800);
what layer 2 passes back is masked at random so that b / 800 of it is left, b from 1 to 800. Once an epoch the cosine of
DFA's and BP's signals, example by example. Their logs of it stand in their repository (`bottleneck_from_log.py`), for
three places, lowest first. In the first of them the logged cosine is b / 800 times its value without a mask, to 0.02:
what two independent masks give, whatever the net has learned. The table has their numbers beside ours.

Ours: MNIST, one learning rate for all layers, 0.1 on the mean gradient of batches of 32, so that few images make more
steps; PyTorch's first weights, biases of 0; b units of layer 2, the same in every batch, are told their part of B e,
and the others nothing. BP's signal for layer 1 goes through the same b units ("below"), or through all ("below,
whole"). Shortened: the first 4000 images, 16 epochs, 6 of their 14 values of b, 3 seeds. The control reads a net that
was trained without a bottleneck through b units: what is missing there is missing because few units are read, and not
because few have learned.
"""

from ...lab.experiment import Experiment
from . import figure, verdict, work

EXPERIMENTS = (
    Experiment(
        name="launay-bottleneck",
        minutes=5,
        settings=work.SETTINGS,
        quick={"examples": 1000, "epochs": 4, "units": [8, 191, 800], "seeds": 1},
        jobs=work.jobs,
        work=work.work,
        draw=figure.draw,
        table=verdict.table,
        verdict=verdict.verdict,
        source="Launay, Poli & Krzakala 2019 (arXiv 1906.04554)",
        place="the bottleneck experiment, as in the authors' code and logs",
        shortened="16 of 50 epochs, 4,000 images, 6 of 14 values of b",
        why={"": "Their logs are of CIFAR-10, at another learning rate: our table has them as they are."},
        question="does a narrow layer keep the layer below it from aligning?",
    ),
)
