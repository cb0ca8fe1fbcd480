"""The poster's student and teacher: does the second layer align with the feedback vector?

The poster's text fixes N = 500, K = M = 5 and the start R = 0, Q = 0.2 times the identity. What it leaves open, and
what we chose (those marked * as far as its words allow):

    teacher          * T = identity, all second-layer weights 1, no noise
    units            g(x) = erf(x / sqrt 2); * the poster says sigmoidal
    learning rate    0.2, for both layers
    v at the start   0.1 N(0, 1), one draw for all seeds
    feedback F       N(0, 1), one draw for all seeds
    time             t = steps / N to 1000

Whether v turns to F must not hang on one draw, so six draws of (v, F) are followed, each in theory and by one
simulation; the first of them is that of the seeds.

The seeds differ in their examples and in the directions of their weights, so the spread is that of a finite N. From
R = 0 nothing tells one teacher unit from another, and in theory nothing ever will: the columns of R stay equal. A
finite N makes differences, and they grow. So theory is also run from an R of the size that random weights have,
N(0, Q / N), one draw a seed ("random R").
"""

from ...lab.experiment import Experiment
from . import figure, verdict, work

EXPERIMENTS = (
    Experiment(
        name="student-teacher",
        minutes=4,
        settings=work.SETTINGS,
        quick={"t": 100, "marks": 25, "seeds": 4, "draws": 3},
        jobs=work.jobs,
        work=work.work,
        draw=figure.draw,
        table=verdict.table,
        verdict=verdict.verdict,
        place="its student-teacher experiment",
        why={"": "The poster's figure is not at hand, and its text prints no number."},
        source='poster "Feedback alignment for training neural networks"; Refinetti et al. 2021',
        question="does v align with the feedback vector F, and does theory follow simulation?",
    ),
)
