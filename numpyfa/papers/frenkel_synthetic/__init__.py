"""Frenkel et al.'s two synthetic tasks: is the sign of the error enough for direct feedback?

Their code and slides (LightOn meet-up, 2020). Regression: 5000 and 1000 examples, 256 inputs from N(mu, 1) with one mu
of each example from U(-pi, pi), and 10 targets cos(mean(x) + pi (i - 4.5) / 9). Classification: scikit-learn's
make_classification, 25,000 and 5000 examples of 256 features, 128 of them informative, 10 classes of 5 clusters,
class_sep 4.5. Learning rate 5e-4 for all rules, batch 50, 500 epochs; He's weights for BP, zeros for the FA family;
feedback U(-a, a), a = sqrt(6/units). Slide 6, read off, training loss sum_i (h_i - y_i)^2: DFA 0.045, BP 0.08, FA 0.1,
sDFA 0.3, shallow 2.4. Slide 9, training and test error in %: DFA 0.05 and 3.48, BP 0.19 and 1.84, FA 0.64 and 1.81,
sDFA 1.54 and 4.07, shallow 8.95 and 9.57.

Open there: the hidden layers, the optimiser and the output units. Ours: 256-100-100-10, tanh; Adam, under which it does
not matter that their hidden signals are not divided by batch and classes; linear outputs with the squared error, and
logistic ones with cross-entropy. The classes are of make_classification's kind, clusters at the corners of a hypercube
and one label in a hundred drawn anew, but not scikit-learn's draw. DRTP runs on classes alone: it rests on targets that
are 0 or 1. Shallow learning has He's weights. Shortened: 100 epochs of the first task, 20 of the second; 3 seeds, each
with data of its own. The control is a learning rate four times as large, for every rule.
"""

from ...lab.experiment import Experiment
from . import figure, verdict, work

EXPERIMENTS = (
    Experiment(
        name="frenkel-synthetic",
        minutes=5,
        settings=work.SETTINGS,
        quick={"regression": [1000, 500, 20], "classification": [2000, 500, 10], "factors": [1.0], "seeds": 1},
        jobs=work.jobs,
        work=work.work,
        draw=figure.draw,
        table=verdict.table,
        verdict=verdict.verdict,
        source="Frenkel, Lefebvre & Bol 2021 (arXiv 1909.01311)",
        place="slides of 17 September 2020, 6 and 9",
        published={
            "dfa regression_loss": 0.045,
            "bp regression_loss": 0.08,
            "fa regression_loss": 0.1,
            "sdfa regression_loss": 0.3,
            "shallow regression_loss": 2.4,
            "dfa train_error": 0.05,
            "bp train_error": 0.19,
            "fa train_error": 0.64,
            "sdfa train_error": 1.54,
            "shallow train_error": 8.95,
            "dfa test_error": 3.48,
            "bp test_error": 1.84,
            "fa test_error": 1.81,
            "sdfa test_error": 4.07,
            "shallow test_error": 9.57,
        },
        shortened="100 of 500 epochs of the regression, 20 of 500 epochs of the classification",
        why={"": "the slides do not give the net or the optimiser; a fifth and a 25th of the epochs; data drawn anew"},
        question="is the sign of the error enough?",
    ),
)
