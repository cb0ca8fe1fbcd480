"""Direct feedback alignment on MNIST, after Nokland 2016, Table 1, shortened.

The paper and its code: logistic outputs with binary cross-entropy, RMSprop, batch 64, learning rate 1e-4, no momentum,
no decay, pixels 0 to 1, until the training error is 0.01 % or for 300 epochs. BP and ReLU nets start from U(-a, a),
a = 1/sqrt(fan_in); tanh and logistic nets under FA and DFA from zeros. Feedback is U(-a, a), a = 1/sqrt(units of the
layer that receives it). Torch's RMSprop has rho = 0.99 and eps = 1e-8; its gradient is the sum over a batch, ours the
mean, which RMSprop's scaling takes out again but for eps.

Shortened to 5 epochs (2 of 20,000 images for the net of 100 layers, 10 for indirect feedback); the rows with dropout
and with adversarial examples are not here. For one hidden layer FA is DFA, so the row 1x800 has one of them.
`nokland-ifa` is the paper's indirect feedback: four hidden layers of 100, feedback to the first alone, weights that do
not start at zero.
"""

from dataclasses import replace
from typing import Any

from ..lab.experiment import Experiment
from ..lab.protocol import Protocol
from ..lab.training import training

TABLE = Protocol(
    net="784-800-800-10",
    rules=("bp", "fa", "dfa"),
    activation="tanh",
    loss="logistic",
    optimizer="rmsprop",
    lr=1e-4,
    batch_size=64,
    epochs=5,
    seeds=3,
    init="uniform_fan_in",
    init_of=(("fa", "zeros"), ("dfa", "zeros")),
    measured=10000,
)
QUICK = {"epochs": 2, "seeds": 1, "examples": 6000, "measured": 5000}


NOT_YET = "nothing stands in its way but time"


def layers(number: int, units: int) -> str:
    return "-".join(["784", *[str(units)] * number, "10"])


def row(name: str, minutes: float, published: dict[str, float], not_run: str = "", **changes: Any) -> Experiment:
    """A row of Table 1."""
    quick = QUICK | ({"examples": 1000, "measured": 1000, "epochs": 1} if name == "nokland-100x240" else {})
    return training(
        name=name,
        minutes=minutes,
        protocol=replace(TABLE, **changes),
        source="Nokland 2016 (arXiv 1609.01596)",
        place="Table 1" if name != "nokland-ifa" else "section 4.1, indirect feedback",
        published=published,
        shortened=f"{replace(TABLE, **changes).epochs} of up to 300 epochs"
        + (", 20,000 images" if "examples" in changes else ""),
        why={"": "100 layers do not leave chance level in so few batches."}
        if name == "nokland-100x240"
        else {"": "So few epochs leave a training error well above the 0.01 % at which theirs stopped."},
        not_run=not_run,
        question="Does direct feedback train what backpropagation trains?",
        quick=quick,
    )


EXPERIMENTS = (
    row("nokland-1x800", 3, {"bp": 1.59, "dfa": 1.68}, net=layers(1, 800), rules=("bp", "dfa")),
    row("nokland-2x800", 8, {"bp": 1.60, "fa": 1.64, "dfa": 1.74}),
    row("nokland-3x800", 15, {"bp": 1.75, "fa": 1.66, "dfa": 1.70}, net=layers(3, 800), not_run=NOT_YET),
    row("nokland-4x800", 20, {"bp": 1.92, "fa": 1.70, "dfa": 1.83}, net=layers(4, 800), not_run=NOT_YET),
    row("nokland-2x800-logistic", 8, {"bp": 1.67, "fa": 1.82, "dfa": 1.75}, activation="logistic", not_run=NOT_YET),
    row("nokland-2x800-relu", 8, {"bp": 1.48, "fa": 1.74, "dfa": 1.70}, activation="relu", init_of=(), not_run=NOT_YET),
    row("nokland-7x240", 5, {"bp": 2.16, "fa": 2.20, "dfa": 2.32}, net=layers(7, 240)),
    row("nokland-100x240", 7, {"dfa": 3.92}, net=layers(100, 240), epochs=2, examples=20000, measured=2000),
    row("nokland-ifa", 3, {"ifa": 3.9}, net=layers(4, 100), rules=("bp", "ifa", "shallow"), epochs=10, init_of=()),
)
