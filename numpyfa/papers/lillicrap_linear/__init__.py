"""Lillicrap's linear task, 30-20-10: learning, angles, scale of the start, and what the proofs say of the flow.

The paper fixes the sizes, T from U(-1, 1), the first weights from U(-0.01, 0.01), B from U(-0.5, 0.5), one example a
step, and 2000 examples in its first figure, 20,000 at a step of 0.001 in the one over scales. Its steps for the first
figure are not printed: those here (bp 0.005, fa 0.008) bring both to about 1e-11 at 2000 examples, as its figure
shows. Angles are signed here, and means over errors e: over those that are left, e = E x of 200 inputs x, as the paper
has it, and over 2000 e of N(0, I), all directions alike, since late in learning E is nearly of one singular mode.
"""

from ...lab.experiment import Experiment
from . import figure, verdict, work

EXPERIMENTS = (
    Experiment(
        name="lillicrap-linear",
        minutes=0.1,
        settings=work.SETTINGS,
        quick={"scales": [1e-4, 0.01, 0.05, 0.25], "scale_examples": 5000, "seeds": 4},
        jobs=work.jobs,
        work=work.work,
        draw=figure.draw,
        table=verdict.table,
        verdict=verdict.verdict,
        source="Lillicrap et al. 2016 (arXiv 1411.0247)",
        place="Figures 1 and 4",
        published={
            "FA's angle to BP at the end, e = E x": 30.0,
            "FA's angle to pseudo-BP at the end, e = E x": (0.0, 8.0),
            "angle to BP from weights of 0.0001, e = E x": 25.0,
            "angle to pseudo-BP from weights of 0.0001, e = E x": (0.0, 8.0),
            "angle to BP from weights of 0.05, e = E x": 42.0,
            "angle to pseudo-BP from weights of 0.05, e = E x": 35.0,
            "angle to BP from weights of 0.25, e = E x": (60.0, 73.0),
            "angle to pseudo-BP from weights of 0.25, e = E x": (55.0, 68.0),
        },  # read off the figures
        why={
            "FA's angle to BP at the end, e = E x": "Read off the figure as about 30; its step is not printed.",
            "": "Not known: at the end of large weights something in the figure's settings differs from ours.",
        },
        question="when does random feedback come to act as a pseudo-inverse, and do the proofs' quantities behave?",
    ),
)
