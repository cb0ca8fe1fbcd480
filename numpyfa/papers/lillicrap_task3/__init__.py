"""Lillicrap et al.'s third task: do FA's signals reach through two hidden layers? 30-20-10-10 learns 30-20-10-10.

The paper (section "Task 3" of arXiv 1411.0247, Figure 2d): the target is a random tanh net 30-20-10-10 with a linear
output, in a regime in which depth helps BP; inputs N(0, 1), one new example a step, 4e5 of them; students 30-20-10 and
30-20-10-10, tanh, with biases; 20 trials, each tested on 5000 points by the normalised squared error sum |y - h|^2 /
sum |y|^2. Read off its figure: shallow 1.3e-1, 30-20-10 about 2e-3 under BP and FA, 30-20-10-10 1.1e-3 under BP and
9e-4 under FA.

Open there: the scales of the target, of the students' first weights and of B, and the learning rates. Ours: the
target's weights are N(0, 1/fan_in) and its biases N(0, 1/4), chosen for the error of shallow learning, before BP and FA
were compared; students start at N(0, 1/fan_in) with biases of 0, the same for all rules; B is U(-s, s).

BP and FA are tuned by one budget: 15 candidates each, in each net, on 3 teachers that are not used again, at full
length. A candidate is a learning rate and how loudly hidden layers are told: s for FA, a factor on the hidden layers'
step for BP, since a larger B is a larger hidden step too. Shallow learning, which trains the output layer of 30-20-10
alone, has its learning rate tuned. Nothing is shortened.
"""

from ...lab.experiment import Experiment
from . import figure, verdict, work

EXPERIMENTS = (
    Experiment(
        name="lillicrap-task3",
        minutes=9,
        settings=work.SETTINGS,
        quick={"examples": 5000, "seeds": 5, "rates": [0.01, 0.03], "tells": [1.0, 3.0], "held_out": 1, "test": 1000},
        jobs=work.jobs,
        work=work.work,
        draw=figure.draw,
        table=verdict.table,
        verdict=verdict.verdict,
        source="Lillicrap et al. 2016 (arXiv 1411.0247)",
        place="Figure 2d",
        published={
            "shallow nse_30-20-10": 1.3e-1,
            "bp nse_30-20-10": 2e-3,
            "fa nse_30-20-10": 2e-3,
            "bp nse_30-20-10-10": 1.1e-3,
            "fa nse_30-20-10-10": 9e-4,
        },
        why={"": "read off a figure; the paper does not print the scale of its target, on which every error depends"},
        question="does a second hidden layer help FA as it helps BP?",
    ),
)
