"""Li & Benna's sparse feedback: how many connections back does each rule need?

Their code: 784-512-512-10, ReLU, on MNIST standardised, Xavier's weights, batch 64 without the rest, SGD with learning
rate 0.01 (halved at epochs 20 and 30) and momentum 0.9, decay 1e-4, for product feedback 0.03 in the first epoch and
9e-5 from then on, 40 epochs, 5 seeds. Of the feedback alone each connection exists with a chance (density) of 1, 0.5,
0.3, 0.17, 0.1 or 0.05, drawn once. Product feedback's B is scaled up by 1/sqrt(density), nothing else is. For d k
connections a neuron its path should lie arctan(1 / sqrt(d k)) from W^T in a wide net; k = 10. The errors are in a
figure that is not in their repository, so none is printed here as published.

Shortened: the first 10,000 images, 6 epochs, 3 seeds, densities 1, 0.3, 0.1 and 0.05, and so no halving. Product
feedback has a decay of 0.045 for the first four epochs, 624 batches, which makes R forget as much of its start as their
0.03 does in an epoch of 937: all but exp(-2.8). No model is selected: errors are those of the last epoch on the test
set. The control is BP, once.
"""

from ...lab.experiment import Experiment
from . import figure, verdict, work

EXPERIMENTS = (
    Experiment(
        name="li-benna-sparse",
        minutes=9,
        settings=work.SETTINGS,
        quick={"examples": 640, "epochs": 5, "densities": [1.0, 0.1], "seeds": 1},
        jobs=work.jobs,
        work=work.work,
        draw=figure.draw,
        table=verdict.table,
        verdict=verdict.verdict,
        source="Li & Benna 2024 (arXiv 2405.20594)",
        place="the study of sparse feedback on MNIST, as in the authors' code",
        shortened="6 of 40 epochs, 10,000 images, 3 of 5 seeds, 4 of 6 densities",
        why={"": "The paper's errors are in a figure that is not in the authors' repository."},
        question="how much of the feedback can be left out?",
    ),
)
