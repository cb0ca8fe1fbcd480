"""Refinetti et al.'s label noise: how far does DFA align, and do its runs end alike, when labels are partly chance?

The authors' code: MNIST and CIFAR-10 at 14 x 14, standardised by the mean and deviation of all pixels; two hidden
layers of 64, relu or tanh, no biases, PyTorch's first weights; the loss is summed over batches of 32, learning rate
1e-3 without momentum, 1000 epochs; with chance p = 0, 0.1, 0.2, 0.5, 0.9 a label is drawn anew from all ten; 10 seeds;
feedback U(-1, 1) / sqrt(64), the same for every seed. Measured: the training error, the alignment of weights, W_2 with
F_1 F_2^T and W_3 with F_2, the alignment of DFA's signals with BP's at the layers' outputs, and the cosine between the
weights of different seeds. The paper's own figure could not be read, so nothing is printed here as published.

Ours: MNIST alone, 2 x 2 pixels averaged to one (they resize by scikit-image), 0.032 on the batch's mean gradient, which
is their step. Shortened: the first 2000 images, 200 epochs, 5 seeds. All seeds see the same noisy labels; the test
labels are left as they are, where theirs are drawn anew too. An example whose signal is zero is left out of a mean,
where theirs counts as aligned. The control is BP from the same starts, with the feedback that DFA would have had.
"""

from ...lab.experiment import Experiment
from . import figure, verdict, work

EXPERIMENTS = (
    Experiment(
        name="refinetti-label-noise",
        minutes=5,
        settings=work.SETTINGS,
        quick={"examples": 500, "epochs": 20, "noises": [0.0, 0.5, 0.9], "activations": ["tanh"], "seeds": 2},
        jobs=work.jobs,
        work=work.work,
        draw=figure.draw,
        table=verdict.table,
        verdict=verdict.verdict,
        source="Refinetti, d'Ascoli, Ohana & Goldt 2021 (arXiv 2011.12428)",
        place="the study of label corruption, as in the authors' code",
        shortened="200 of 1000 epochs, 2,000 images, 5 of 10 seeds, MNIST alone",
        why={"": "The paper's figure could not be read."},
        question="what does label noise do to the alignment of DFA, and do its runs end alike?",
    ),
)
