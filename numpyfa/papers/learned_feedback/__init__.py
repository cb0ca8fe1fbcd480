"""Feedback that learns, against its closed forms: Kolen and Pollack's gap, and the angle of product feedback.

Both on 784-200-80-10, tanh, softmax, the first 2000 MNIST images, batch 20, float64; seeds, steps and decays are ours.

    kolen-pollack   B - W^T under SGD without and with decay, and under Adam with the decay beside the step (decoupled)
                    and through it (coupled). With the same step for each entry and its counterpart it shrinks by 1 -
                    lr decay a step; a decay through Adam breaks the law.
    pfa-angle       the path B R to W^T for k = 1..100 neurons a unit and for orthogonal B, under SGD with decay. The
                    path is known exactly at every step; its angle tends to arctan(1 / sqrt k).
"""

from ...lab.experiment import Experiment
from . import figure, verdict, work

EXPERIMENTS = (
    Experiment(
        name="kolen-pollack",
        minutes=1,
        settings=work.KP_SETTINGS,
        quick={"seeds": 1, "epochs": 10},
        jobs=work.gap_jobs,
        work=work.kolen_pollack,
        draw=figure.draw_gap,
        table=verdict.gap_table,
        verdict=verdict.of_gap,
        source="Kolen & Pollack 1994; Akrout et al. 2019",
        place="the law of the gap between B and W^T",
        why={"": "The law is exact, and what is due by it stands in the experiment's own table."},
        question="does B come to W^T as the law says, and what breaks it?",
    ),
    Experiment(
        name="pfa-angle",
        minutes=1.5,
        settings=work.PFA_SETTINGS,
        quick={"seeds": 1, "epochs": 20, "expansions": [1, 10, 100]},
        jobs=work.path_jobs,
        work=work.pfa_angle,
        draw=figure.draw_path,
        table=verdict.path_table,
        verdict=verdict.of_path,
        source="Li & Benna 2024 (arXiv 2405.20594)",
        place="the angle of the path, arctan(1/sqrt k)",
        why={"": "The law is a formula, and what it gives stands in the experiment's own table."},
        question="how close does the path of product feedback come to W^T?",
    ),
)
