"""Fixed points of feedback alignment, and whether alignment says which are stable: six experiments after Chu & Bacho.

Only the abstract and the first page of the paper were at hand, so these are reconstructions from its claims, not its
own settings. Two nets, both on MNIST; no setting was chosen by test error, but E5 compares scales by it: it says so.

    large   784-100-100-10, tanh, softmax with cross-entropy, 2000 training and 1000 test images, batch 20, step 0.1;
            W from sW U(-1, 1) / sqrt fan_in, B from sB U(-1, 1) / 10, sW = sB = 1 unless said otherwise
    small   49-40-10 (images averaged to 7 x 7), tanh, linear outputs, no biases, squared error, 40 images, all at
            once, step 0.001; W from U(-1, 1) / sqrt fan_in, B from 2 U(-1, 1) / sqrt 40

    E1 scratch    FA from the start: the cosine of its update and the gradient, layer by layer          large
    E2 switch     BP, then FA; FA, then BP; and as controls BP, then BP or the output layer alone       large
    E3 push       a BP and an FA solution, W_1 pushed by noise of 0.005, go on under FA                 small
    E4 spectrum   at these solutions, as trained and polished by Gauss-Newton to E = 0: the eigenvalues
                  of S and of S + S^T, for their own B, random ones, and mixtures of random B with
                  W_2^T; and cosines, for the residual that training left                               small
       rest       where FA comes to rest, is the gradient 0? Also with 5 hidden units instead of 40     small
    E5 scale      sW, sB and the step against test error and cosine by epoch, beside shallow, and
                  BP with 1, 3, 10 and 30 times the step in its hidden layers                           large
    E6 walk       distance from the start, and cosines of updates with each other and the gradient      large

Cosines are of hidden layers' gradients (weights and biases, over all training examples), but in E6, where they are of
all parameters.
"""

from ...lab.experiment import Experiment
from . import figure, verdict, work

EXPERIMENTS = (
    Experiment(
        name="fixed-points",
        minutes=10,
        settings=work.SETTINGS,
        quick={
            "seeds": 1,
            "epochs": 20,
            "scale_epochs": 20,
            "scales": [
                ["fa", 1, 1, 0.1, 1],
                ["fa", 10, 1, 0.1, 1],
                ["fa", 1, 10, 0.1, 1],
                ["fa", 1, 100, 0.1, 1],
                ["bp", 1, 1, 0.1, 1],
                ["bp", 1, 1, 0.1, 10],
            ],
            "small": 20,
            "small_steps": 40000,
            "push_steps": 10000,
            "draws": 10,
            "walk_steps": 1000,
        },
        jobs=work.jobs,
        work=work.work,
        draw=figure.draw,
        table=verdict.table,
        verdict=verdict.verdict,
        why={"": "Only the abstract and the first page were at hand: what is tested are its claims."},
        source="after the abstract of Chu & Bacho 2023 (arXiv 2306.02325)",
        place="the claims of its abstract",
        question="does alignment say which fixed points are stable, and does it drive learning?",
    ),
)
