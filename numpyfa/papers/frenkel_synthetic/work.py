"""The jobs: draw a task, train one rule on it."""

from collections.abc import Callable

import numpy as np

from ...backend import Streams
from ...lab.experiment import Job, Row, Settings
from ...lab.tables import Rows
from ...learn import measure_alignment, one_hot, run_epoch
from ...losses import LogisticCrossEntropy, Loss, SquaredError
from ...models import mlp
from ...network import Network
from ...optim import Adam, Optimizer
from ...rules import Rule, make_rule

SETTINGS = {
    "sizes": "256-100-100-10",
    "rules": ["bp", "fa", "dfa", "sdfa", "drtp", "shallow"],
    "regression": [5000, 1000, 100],  # examples to train and to test on, epochs
    "classification": [25_000, 5000, 20],
    "lr": 5e-4,
    "factors": [1.0, 4.0],
    "batch_size": 50,
    "marks": 8,
    "seeds": 3,
}
INPUTS, OUTPUTS = 256, 10
INFORMATIVE, CLUSTERS, SEPARATION, FLIPPED = 128, 5, 4.5, 0.01  # FLIPPED is make_classification's own default
LOSSES: dict[str, Loss] = {"regression": SquaredError(), "classification": LogisticCrossEntropy()}
FIRST_WEIGHTS = {"bp": "he", "shallow": "he"}  # zeros for the others
Data = tuple[np.ndarray, np.ndarray]


def jobs(settings: Settings) -> list[Job]:
    return [
        (task, rule, factor, seed)
        for task in ("regression", "classification")
        for rule in settings["rules"]
        for factor in settings["factors"]
        for seed in range(settings["seeds"])
        if (task, rule) != ("regression", "drtp")
    ]


def work(settings: Settings, task: str, rule_name: str, factor: float, seed: int) -> list[Row]:
    """The course of learning; the angles of hidden signals to BP's at the end."""
    train, test, _ = settings[task]
    x, y = DRAWS[task](Streams(seed)(task), train + test)
    net = mlp(settings["sizes"], seed=seed, init=FIRST_WEIGHTS.get(rule_name, "zeros"))
    own = {"init": "kaiming_fan_out"} if rule_name in ("fa", "dfa") else {}  # the others have it by themselves
    rule = make_rule(rule_name, net, seed=seed, **own)
    data = [(net.to_float(x[part]), y[part].astype(net.dtype)) for part in (slice(train), slice(train, None))]
    about = {"task": task, "rule": rule_name, "factor": factor, "seed": seed}
    return [about | row for row in learn(settings, task, rule, Adam(settings["lr"] * factor), data, Streams(seed))]


def learn(settings: Settings, task: str, rule: Rule, optimizer: Optimizer, data: list[Data], streams: Streams) -> Rows:
    """A row at each mark."""
    net, loss, measure, epochs = rule.net, LOSSES[task], MEASURES[task], settings[task][2]
    (train, test), rows = data, []
    marks = {epochs, *np.geomspace(1, epochs, settings["marks"]).astype(int).tolist()}
    for epoch in range(1, epochs + 1):
        run_epoch(net, rule, loss, optimizer, *train, streams("order", epoch).permutation(len(train[0])),
                  settings["batch_size"])  # fmt: skip
        if epoch in marks:
            row = {"epoch": epoch} | measure("train", net, *train) | measure("test", net, *test)
            angles = measure_alignment(rule, loss, *train) if epoch == epochs else {}
            rows.append(row | {name: angle for name, angle in angles.items() if name.startswith("angle_")})
    return rows


def squares(part: str, net: Network, x: np.ndarray, y: np.ndarray) -> Row:
    """The squared error, summed over outputs and averaged over examples: what their code prints as the loss."""
    return {f"{part}_loss": float(((net.answer(x) - y) ** 2).sum(axis=1).mean())}


def mistakes(part: str, net: Network, x: np.ndarray, y: np.ndarray) -> Row:
    """The share of examples, in %, whose largest output is another's."""
    return {f"{part}_error": 100 * float((net.answer(x).argmax(axis=1) != y.argmax(axis=1)).mean())}


def cosines(rng: np.random.Generator, n: int) -> Data:
    """x ~ N(mu, 1) with mu ~ U(-pi, pi), and y_i = cos(mean(x) + pi (i - 4.5) / 9), i = 0..9."""
    x = rng.uniform(-np.pi, np.pi, (n, 1)) + rng.standard_normal((n, INPUTS))
    return x, np.cos(x.mean(axis=1, keepdims=True) + np.pi * (np.arange(OUTPUTS) - 4.5) / 9)


def hypercube(rng: np.random.Generator, n: int) -> Data:
    """Five clusters a class around corners of a hypercube of side 9 in 128 dimensions, each stretched by a random
    matrix, among 128 features that say nothing; one label in a hundred is drawn anew."""
    bits = np.unique(rng.integers(0, 2, (4 * CLUSTERS * OUTPUTS, INFORMATIVE)), axis=0)
    corners = SEPARATION * (2.0 * rng.permutation(bits)[: CLUSTERS * OUTPUTS] - 1)
    cluster = rng.integers(0, len(corners), n)
    x = rng.standard_normal((n, INPUTS))
    for number, corner in enumerate(corners):
        stretch = rng.uniform(-1, 1, (INFORMATIVE, INFORMATIVE))
        own = cluster == number
        x[own, :INFORMATIVE] = x[own, :INFORMATIVE] @ stretch + corner
    label = np.where(rng.random(n) < FLIPPED, rng.integers(0, OUTPUTS, n), cluster % OUTPUTS)
    return x[:, rng.permutation(INPUTS)], one_hot(label, OUTPUTS, "float64")


MEASURES = {"regression": squares, "classification": mistakes}
DRAWS: dict[str, Callable[[np.random.Generator, int], Data]] = {"regression": cosines, "classification": hypercube}
