"""Direct Kolen-Pollack learning after Webster, Choi & Ahn 2021, with and without batch norm, on Fashion-MNIST and
shortened to what a laptop can do in an evening.

Their code, on CIFAR-10: SGD, Nesterov momentum 0.9, learning rate 5e-4, decay 1e-6, 50 epochs; B by Adam. Here B takes
W's own steps; the decay of 1e-3 is ours. DKP diverges at the others' rate of 0.01; its 0.002 was chosen against 0.001
on 5000 held-out training examples, with batch norm. Without batch norm DKP diverged at 5e-4 (three seeds) and 2e-4
(one); held-out errors were 26.5 % at 1e-4 and 29.2 % at 5e-5. The errors are those of the last epoch on the test set,
and no model is selected; weights start as N(0, 2/fan_in), biases at 0; feedback as each rule's own default.

`batch-norm` compares the two nets on equal terms: every rule's learning rate is tuned in both of them, with the same
budget, and DKP's in two forms, with B taking W's own updates and with B by the authors' Adam at 1e-4. 2000 images, 4
epochs, so that two cores do it in minutes. Two limits: it has a tenth of the images of `dkp-cnn`, and Adam's own rate
is the authors', not tuned.

`dkp-fashion` is the authors' own protocol at its full length, on Fashion-MNIST.
"""

from dataclasses import replace

from ..lab.experiment import Settings
from ..lab.protocol import Protocol
from ..lab.sweep import product, sweeping
from ..lab.tables import Rows, pick
from ..lab.training import training

PROTOCOL = Protocol(
    net="dkp-cnn",
    rules=("bp", "fa", "dfa", "dkp", "kp"),
    data="fashion-mnist",
    lr=0.01,
    lr_of=(("dkp", 0.002),),
    momentum=0.9,
    decay=1e-3,
    batch_size=64,
    epochs=4,
    seeds=3,
    examples=20000,
    drops=(0.75,),
    init="he",
    standardise=True,
)
QUICK = {"epochs": 1, "seeds": 1, "examples": 2000, "drops": (), "rules": ("bp", "dfa", "dkp")}

ADAM_ON_B: Settings = {"rules": ("dkp",), "feedback_optimizer": "adam", "feedback_lr": 1e-4}
NO_NORM: Settings = {"net": "dkp-cnn-no-norm"}
CASES = {
    "batch norm": {},
    "no norm": NO_NORM,
    "batch norm, Adam on B": ADAM_ON_B,
    "no norm, Adam on B": NO_NORM | ADAM_ON_B,
}
FEW: Settings = {"examples": 300, "epochs": 1, "validation": 300, "measured": 300}


def judge(settings: Settings, table: Rows) -> list[str]:
    """What each rule loses without batch norm, when it is tuned in both nets."""
    if settings["seeds"] < 2:
        return ["one seed: no spread is known"]
    lines = []
    for form in ("", ", Adam on B"):
        for row in pick(table, case=f"batch norm{form}"):
            other = pick(table, case=f"no norm{form}", rule=row["rule"])[0]
            loss = other["test_error"] - row["test_error"]
            error = ((row["test_error_sd"] ** 2 + other["test_error_sd"] ** 2) / settings["seeds"]) ** 0.5
            words = f"{row['rule']}{form} loses {loss:+.2f} points without batch norm (standard error {error:.2f})"
            lines.append(f"{words}, learning rates {row['lr']:g} with and {other['lr']:g} without")
    return lines


EXPERIMENTS = (
    sweeping(
        name="batch-norm",
        minutes=15,
        protocol=replace(
            PROTOCOL,
            rules=("bp", "fa", "dfa", "kp", "dkp", "shallow"),
            lr_of=(),
            examples=2000,
            epochs=4,
            drops=(),
            validation=5000,
            measured=2000,
        ),
        points=product({"lr": [1e-4, 5e-4, 0.002, 0.01, 0.05]}),
        cases=CASES,
        source="Webster, Choi & Ahn 2021",
        place="its remark on batch norm",
        shortened="4 of 50 epochs, 2,000 images",
        why={"": "The numbers in the authors' code are of CIFAR-10, and tuning every rule in both nets is ours."},
        question="How much does each rule need batch norm, when its learning rate is tuned with and without?",
        judge=judge,
        quick={
            "seeds": 1,
            "points": product({"lr": [0.002, 0.01]}),
            "rules": ["bp", "dkp"],
            "cases": {name: changes | FEW for name, changes in CASES.items()},
        },
    ),
    training(
        name="dkp-fashion",
        minutes=3000,
        protocol=replace(
            PROTOCOL,
            rules=("bp", "dfa", "dkp"),
            optimizer="sgd:nesterov=true",
            lr=5e-4,
            lr_of=(),
            decay=1e-6,
            batch_size=50,
            epochs=50,
            examples=None,
            drops=(),
            init="uniform_fan_in",
            feedback_optimizer="adam",
            feedback_lr=1e-4,
            feedback_decay=1e-6,
            feedback_schedule=tuple((epoch, 0.8) for epoch in range(1, 50)),
            measured=10000,
        ),
        source="Webster, Choi & Ahn 2021",
        place="the authors' code, on Fashion-MNIST; their figures there were not at hand",
        why={"": "Their figures there were not at hand."},
        not_run="50 epochs of three rules and seeds take two cores a day",
        question="Does learning the direct connections close the gap between DFA and BP?",
        quick={"epochs": 1, "seeds": 1, "examples": 1000, "measured": 1000},
    ),
    training(
        name="dkp-cnn",
        minutes=45,
        protocol=PROTOCOL,
        source="Webster, Choi & Ahn 2021",
        place="the small convolutional net of the authors' code",
        shortened="4 of 50 epochs, 20,000 images",
        why={"": "The numbers in the authors' code are of CIFAR-10."},
        question="Does learning the direct connections close the gap between DFA and BP?",
        quick=QUICK,
    ),
    training(
        name="dkp-cnn-no-norm",
        minutes=40,
        protocol=replace(PROTOCOL, net="dkp-cnn-no-norm", lr_of=(("dkp", 1e-4),)),
        source="Webster, Choi & Ahn 2021, without batch norm",
        place="what it says of batch norm",
        shortened="4 of 50 epochs, 20,000 images",
        why={"": "The control is ours."},
        question="What becomes of each rule without batch norm: compare with dkp-cnn, and with batch-norm.",
        quick=QUICK,
    ),
)
