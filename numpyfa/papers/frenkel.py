"""Direct random target projection on MNIST, after Frenkel, Lefebvre & Bol 2021 and the authors' slides, shortened.

Their code: tanh hidden units, logistic outputs with binary cross-entropy, batch 100, 100 epochs, pixels 0 to 1; weights
as PyTorch draws them, U(-a, a) with a = 1/sqrt(fan_in); feedback Kaiming's uniform, a = sqrt(6/units) in direct rules
and sqrt(6/fan_in) in FA. The slides do not say which optimiser and learning rate made their table: Adam at 1.5e-4 is
our choice, the same for all rules and not tuned. Under Adam the factor between hidden and output layers that their code
has (the loss is a mean over batch and classes, the direct signals are not) does not count.

Shortened to 5 epochs, and to 4 epochs of 10,000 images for the convolutional net. What the slides call "conv trained"
is run: a convolution of 32 channels, 5 x 5, whose error enters before its pool.
"""

from dataclasses import replace

from ..lab.experiment import Experiment
from ..lab.protocol import Protocol
from ..lab.training import training

MLP = Protocol(
    net="784-500-10",
    rules=("bp", "fa", "dfa", "sdfa", "drtp"),
    activation="tanh",
    loss="logistic",
    optimizer="adam",
    lr=1.5e-4,
    batch_size=100,
    epochs=5,
    seeds=3,
    init="uniform_fan_in",
    feedback="kaiming_fan_out",
    measured=10000,
)
NOT_YET = "nothing stands in its way but time"
SOURCE = "Frenkel, Lefebvre & Bol 2021 (arXiv 1909.01311)"
QUICK = {"epochs": 2, "seeds": 1, "examples": 6000, "measured": 5000}
CONV_QUICK = {"epochs": 1, "seeds": 1, "examples": 1000, "measured": 1000, "rules": ("bp", "dfa", "drtp")}


def row(
    name: str, minutes: float, protocol: Protocol, published: tuple[float, float, float, float], not_run: str = ""
) -> Experiment:
    """A row of the slides' table: BP, FA, DFA and DRTP."""
    return training(
        name=name,
        minutes=minutes,
        protocol=protocol,
        source=SOURCE,
        place="the authors' slides of 2020, p. 18, MNIST",
        published=dict(zip(("bp", "fa", "dfa", "drtp"), published)),
        shortened=f"{protocol.epochs} of 100 epochs" + (", 10,000 images" if protocol.examples else ""),
        why={"": "So few epochs; and their slides do not say which optimiser and learning rate made the table."},
        not_run=not_run,
        question="What does it cost to send the target in the place of the error?",
        quick=QUICK if protocol.examples is None else CONV_QUICK,
    )


EXPERIMENTS = (
    row("frenkel-500", 4, MLP, (1.72, 1.92, 2.59, 4.58)),
    row("frenkel-500-500", 5, replace(MLP, net="784-500-500-10"), (1.62, 1.95, 4.35, 4.57)),
    row("frenkel-1000", 6, replace(MLP, net="784-1000-10"), (1.76, 1.90, 2.12, 4.03), NOT_YET),
    row("frenkel-1000-1000", 14, replace(MLP, net="784-1000-1000-10"), (1.67, 1.90, 3.46, 4.04), NOT_YET),
    row(
        "frenkel-conv",
        8,
        replace(MLP, net="drtp-conv", epochs=4, examples=10000, measured=2000),
        (0.99, 1.38, 2.38, 1.81),
        NOT_YET,
    ),
)
