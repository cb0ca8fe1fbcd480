"""Two controls of `which-rule-when`: why are some rules ahead of BP on 55,000 images of MNIST after 4 epochs?

`which-rule-when-fine` takes the five rules that were ahead, and BP, to a finer grid around what they chose: the common
learning rate and the factor of the hidden layers step by 1.5 to 3.3. A coarse grid can pass by what suits a rule. Its
tests are from the same seeds; so it controls the grid, and not the draw.

`borrowed-lengths` asks whether a rule is ahead by how far its updates go or by where they point, from seeds that chose
nothing. The trivial explanation is a larger step: a rule's feedback has a size of its own, and so may move each layer
by more, at the right times. So each of two nets, which begin alike and see the examples in the same order, takes the
lengths of the other's steps. In each update each weight matrix and bias vector goes as far as the other's went there,
in its own direction,

    p <- p + |step of the other| / |step|  step;

feedback that learns takes the factor of its layer's W, since the laws of such rules ask for equal steps. So there are
four nets: either rule's directions with either rule's lengths. Lengths from another path are a handicap, since they are
not those that suit this one; a placebo, BP with the lengths of BP from another seed, shows how large. No borrowed
length was tuned. Therefore a net that does well with them says more than one that does badly.
"""

import math
from typing import Any

import numpy as np

from ..backend import Array, array_module
from ..errors import Diverged
from ..lab import plots
from ..lab.experiment import Experiment, Job, Row, Settings
from ..lab.looks import looks
from ..lab.protocol import Protocol, build, validate
from ..lab.sweep import product, sweeping
from ..lab.tables import Rows, column, deviation, pick
from ..lab.trial import MEASURED, held_out_or_test
from ..learn import fit
from ..optim import SGD
from .atlas import LEVEL, MNIST, SOURCE, WHY, chance, judge

AHEAD = ("bdfa", "dkp", "pfa", "kp", "frsf")  # of BP, in `which-rule-when`

FINE = sweeping(
    "which-rule-when-fine",
    Protocol(rules=("bp", *AHEAD), seeds=5, **MNIST),
    product({"lr": [0.001, 0.003, 0.01, 0.02, 0.03, 0.06], "hidden_lr": [3.0, 5.0, 10.0, 20.0, 30.0, 100.0, 300.0]}),
    cases={"MNIST 60000": {}},
    halving=4,
    judge=judge,
    quick={
        "rules": ["bp", "bdfa"],
        "points": product({"lr": [0.003, 0.03], "hidden_lr": [10.0, 100.0]}),
        "cases": {"MNIST 300": {"examples": 300, "epochs": 6, "measured": 300}},
        "seeds": 2,
        "halving": 2,
    },
    question="Are the rules that were ahead of BP still so on a finer grid?",
    source=SOURCE,
    minutes=50,
    why=WHY,
)

# Borrowed lengths

ANOTHER = "bp, another seed"  # whose lengths the placebo takes
FIRST = 6  # seed: 0 chose the points, 1 to 5 the rules
LENGTHS: dict[str, Any] = {
    "protocol": MNIST,
    "chosen": {  # {rule: [lr, hidden_lr]}: by `which-rule-when-fine`
        "bp": [0.02, 30.0],
        "bdfa": [0.001, 300.0],
        "dkp": [0.02, 30.0],
        "pfa": [0.02, 20.0],
        "kp": [0.02, 30.0],
        "frsf": [0.03, 20.0],
    },
    "seeds": 5,
}
Lengths = dict[str, list[float]]  # of each step of each parameter


class MeasuredSGD(SGD):
    """Plain SGD that keeps how far each update goes, before any change, and can take the lengths of another's."""

    def __init__(self, lr: float, decay: float, multiples: dict[str, float], borrowed: Lengths | None = None) -> None:
        super().__init__(lr, decay=decay)
        self.multiples, self.borrowed = multiples, borrowed
        self.lengths: Lengths = {}

    def update(self, parameters: dict[str, Array], gradients: dict[str, Array]) -> None:
        before = {name: parameters[name].copy() for name in gradients}
        super().update(parameters, gradients)
        factors: dict[str, float] = {}
        for name in sorted(before, key=lambda name: name.startswith("feedback.")):  # its factor is that of a W
            p, old = parameters[name], before[name]
            if name.startswith("feedback."):
                factors[name] = factors[f"{name.split('.')[1]}.W"]
            else:
                length = float(array_module(p).linalg.norm(p - old))
                self.lengths.setdefault(name, []).append(length)
                wanted = self.borrowed[name][self.step - 1] if self.borrowed else length
                factors[name] = wanted / length if length > 0 else 1.0
            if self.borrowed:
                p[...] = old + factors[name] * (p - old)


def jobs(settings: Settings) -> list[Job]:
    return [(rule, seed) for seed in range(FIRST, FIRST + settings["seeds"]) for rule in settings["chosen"]]


def check(settings: Settings) -> Settings:
    """Runs must share the data."""
    return {"fingerprints": {"mnist": validate(Protocol(**settings["protocol"])).fingerprint()}}


def work(settings: Settings, rule: str, seed: int) -> Rows:
    """BP: its own training, and the placebo. Another rule: its own, and the two with each other's lengths."""
    own, lengths = train(settings, rule, rule, seed)
    if rule == "bp":
        other = train(settings, "bp", "bp", seed + settings["seeds"])[1]
        trained = [("bp", "bp", own), ("bp", ANOTHER, train(settings, "bp", "bp", seed, other)[0])]
    else:
        of_bp = train(settings, "bp", "bp", seed)[1]
        trained = [
            (rule, rule, own),
            ("bp", rule, train(settings, "bp", "bp", seed, lengths)[0]),
            (rule, "bp", train(settings, rule, rule, seed, of_bp)[0]),
        ]
    rows = [{"rule": rule, "seed": seed, "directions": a, "lengths": b} | row for a, b, row in trained]
    epoch = len(lengths["1.W"]) // settings["protocol"]["epochs"]
    for name in sorted(each for each in lengths if each.endswith(".W")):
        rows[0][f"length_{name[:-2]}"] = float(np.mean(lengths[name][:epoch]))
    return rows


def train(settings: Settings, at: str, rule: str, seed: int, borrowed: Lengths | None = None) -> tuple[Row, Lengths]:
    """(what is measured after the last epoch, the lengths of all steps) of a net that learns by a rule at the settings
    of `at`. What is measured is NaN if it diverged."""
    lr, hidden_lr = settings["chosen"][at]
    protocol = Protocol(rules=(rule,), lr=lr, hidden_lr=hidden_lr, **settings["protocol"])
    examples = held_out_or_test(protocol.data, protocol.validation, protocol.examples, "test", "")
    net, bound, loss, plain, _ = build(protocol, rule, seed, examples)
    optimizer = MeasuredSGD(lr, protocol.decay, plain.multiples, borrowed)
    try:
        history = fit(net, bound, loss, optimizer, examples, epochs=protocol.epochs, batch_size=protocol.batch_size,
                      seed=seed, measured=protocol.measured)  # fmt: skip
    except Diverged:
        return dict.fromkeys(MEASURED, math.nan), optimizer.lengths
    return {name: history[-1][name] for name in MEASURED}, optimizer.lengths


def errors(rows: Rows, rule: str, directions: str, lengths: str) -> np.ndarray:
    """The test errors of the seeds, in their order."""
    own = pick(rows, rule=rule, directions=directions, lengths=lengths)
    return column(sorted(own, key=lambda row: row["seed"]), "test_error")


def table(settings: Settings, rows: Rows) -> Rows:
    """A row a net: whose directions, whose lengths, its test error in %, and how that compares with BP's and with that
    of the rule's own (see `versus`); of a rule's own the mean length of the steps of each W in the first epoch."""
    bp, lines = errors(rows, "bp", "bp", "bp"), []
    tests = 1 + 5 * (len(settings["chosen"]) - 1)
    for rule in settings["chosen"]:
        own = errors(rows, rule, rule, rule)
        for row in pick(rows, rule=rule, seed=FIRST):
            a, b = row["directions"], row["lengths"]
            found = errors(rows, rule, a, b)
            line: Row = {"row": f"{a} with the lengths of {b}", "rule": rule, "directions": a, "lengths": b}
            line |= {"test_error": float(found.mean()), "test_error_sd": deviation(found)}
            line["beside bp"] = versus(found, bp, tests) if (a, b) != ("bp", "bp") else ""
            line["beside the rule"] = versus(found, own, tests) if "bp" in (a, b) and rule != "bp" else ""
            if a == b == rule:
                steps = [name for name in row if name.startswith("length_")]
                line |= {
                    name: float(column(pick(rows, rule=rule, directions=a, lengths=b), name).mean()) for name in steps
                }
            lines.append(line)
    return lines


def versus(errors: np.ndarray, others: np.ndarray, tests: int) -> str:
    """Whether the first are "better" or "worse" or "not told apart": by the t-test of the differences between nets that
    began alike, at 5 % over so many tests together (Bonferroni). "diverged" where one did."""
    difference = errors - others
    if not np.isfinite(difference).all():
        return "diverged"
    if len(difference) < 2 or not difference.std() > 0:
        return "not told apart"
    t = difference.mean() / difference.std(ddof=1) * len(difference) ** 0.5
    same = chance(t, len(difference) - 1) > LEVEL / tests
    return "not told apart" if same else "better" if t < 0 else "worse"


def verdict(settings: Settings, table: Rows) -> list[str]:
    """The test error of each net, and how it compares."""
    lines = []
    for row in table:
        words = f"{row['row']}: {row['test_error']:.2f}"
        words += "" if math.isnan(row["test_error_sd"]) else f" ({row['test_error_sd']:.2f})"
        beside = [("bp", row["beside bp"]), (row["rule"], row["beside the rule"])]
        said = [f"beside {what} {word}" for what, word in beside if word]
        lines.append(", ".join([f"{words} %", *said]))
    return lines


def draw(figure: Any, settings: Settings, rows: Rows) -> None:
    """Left the test errors of the four nets of each rule; right how far its own steps go in the first epoch, as a
    multiple of BP's."""
    found, lines = looks(settings["chosen"]), table(settings, rows)
    bp = pick(lines, directions="bp", lengths="bp")[0]
    names = [name for name in settings["chosen"] if name != "bp"]
    left, right = plots.grid(figure, 2, 2, height=66)
    left.axvline(bp["test_error"], color="0.6", lw=0.8, zorder=1)
    for place, rule in enumerate(reversed(names)):
        look = found[rule]
        nets = ((rule, rule, look.marker, look.colour), ("bp", rule, look.marker, "none"), (rule, "bp", "x", "none"))
        for shift, (a, b, marker, fill) in enumerate(nets):
            line = pick(lines, rule=rule, directions=a, lengths=b)[0]
            left.errorbar(line["test_error"], place + 0.22 - 0.22 * shift, xerr=line["test_error_sd"],
                          marker=marker, ms=5, ls="none", color=look.colour, mfc=fill)  # fmt: skip
    left.set(xlabel="test error (%)", ylim=(-0.7, len(names) - 0.3), title="line: bp")
    left.set_yticks(range(len(names)), list(reversed(names)))
    steps = [name for name in bp if name.startswith("length_")]
    layers = [int(name.rpartition("_")[2]) for name in steps]
    for rule in names:
        own = pick(lines, rule=rule, lengths=rule, directions=rule)[0]
        right.plot(layers, [own[name] / bp[name] for name in steps], label=rule, **found[rule].line())
    right.axhline(1, color="0.6", lw=0.8, zorder=1)
    right.set(xlabel="layer", ylabel="steps of W, times bp's", yscale="log", title="first epoch")
    plots.plain_ticks(right.xaxis, layers)
    plots.plain_ticks(right.yaxis, [0.2, 0.5, 1, 2, 5, 10])
    right.legend()
    words = "Filled: the rule; open: bp with the rule's lengths; x: the rule with bp's lengths"
    figure.suptitle(f"borrowed-lengths. {words}", wrap=True)


EXPERIMENTS = (
    FINE,
    Experiment(
        name="borrowed-lengths",
        settings=LENGTHS,
        jobs=jobs,
        work=work,
        draw=draw,
        table=table,
        verdict=verdict,
        check=check,
        source=SOURCE,
        question="Is a rule ahead of BP by how far its updates go, or by where they point?",
        minutes=32,
        why=WHY,
        quick={
            "protocol": MNIST | {"examples": 500, "epochs": 2, "measured": 500},
            "chosen": {"bp": [0.03, 10.0], "kp": [0.03, 10.0]},
            "seeds": 2,
        },
    ),
)
