"""Align, then memorise: the two phases, which solution each rule picks, and what spoils alignment in deep linear nets.

The settings of the paper's figures were not at hand; these are ours, in its model:

    shallow   the differential equations for K students, M = 2 teachers, A = 1, lr 0.2, w of 0.5 N(0, 1) and N = 500 to
              begin with, v of 0.1 N(0, 1), F of N(0, 1), to t = 2000; a start for each of `seeds`
    linear    20-400-400-400-5 under direct feedback from zero weights, F of N(0, 1/400), a linear teacher whose rows
              are a mixture of their own and one that they share: the more they share, the worse the A_l are conditioned
    heat map  the authors' alpha-beta targets: 1000 examples of 9 inputs, two targets of covariance [[1, alpha (1 -
              beta)], [alpha (1 - beta), alpha^2]] that do not depend on the inputs, linear 9-100-100-2, feedback U(-1,
              1) / 10, gradients over all examples. Theirs were batches of 32; the equations of the A_l are exact for
              either.
"""

from ...lab.experiment import Experiment
from . import figure, verdict, work

EXPERIMENTS = (
    Experiment(
        name="align-then-memorise",
        minutes=0.5,
        settings=work.SETTINGS,
        quick={"linear_seeds": 2, "seeds": 8, "shared": [0.0, 0.4, 0.8], "heat_steps": [300, 3000]},
        jobs=work.jobs,
        work=work.work,
        draw=figure.draw,
        table=verdict.table,
        verdict=verdict.verdict,
        why={"": "The paper's figures were not at hand: ours are in its model, with settings of our own."},
        source="Refinetti, d'Ascoli, Ohana & Goldt 2021 (arXiv 2011.12428)",
        place="the claims of its abstract, in its model",
        question="does feedback alignment first align and then memorise, and what decides how far?",
    ),
)
