"""The jobs: tune one rule in one net on teachers held out, then train it on the teachers that count.

All trials and candidates are trained side by side: weights are (candidates, trials, fan_in, fan_out), and examples rows
of (candidates, trials, rows, units). One candidate and trial is the library's `train_step` with batches of one.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ...backend import Streams
from ...lab.experiment import Job, Row, Settings
from ...lab.tables import Rows
from ...metrics import angle

Weights = list[tuple[np.ndarray, np.ndarray]]  # (W, b) of each layer
SETTINGS = {
    "teacher": "30-20-10-10",
    "teacher_bias": 0.5,
    "students": ["30-20-10", "30-20-10-10"],
    "examples": 400_000,
    "test": 5000,
    "marks": 12,
    "rates": [0.0025, 0.005, 0.01, 0.02, 0.04],
    "tells": [0.3, 1.0, 3.0],
    "held_out": 3,
    "seeds": 20,
}
HELD_OUT = 1000  # the seed of the first teacher to tune on
BLOCK = 1000  # examples drawn at once


def jobs(settings: Settings) -> list[Job]:
    small = settings["students"][0]
    return [("shallow", small), *((rule, net) for net in settings["students"] for rule in ("bp", "fa"))]


def work(settings: Settings, rule: str, net: str) -> list[Row]:
    """Rows of the tuning, then of the course of learning with what was chosen."""
    tuning = tune(settings, rule, net)
    best = min(tuning, key=lambda row: row["nse"])
    chosen = [(best["rate"], best["tell"])]
    course = [
        {"examples": mark, "trial": trial, "nse": float(nse[0, trial])}
        | {f"angle_{layer}": float(each[0, trial]) for layer, each in angles.items()}
        for mark, nse, angles in train(settings, rule, net, range(settings["seeds"]), chosen, marks(settings))
        for trial in range(settings["seeds"])
    ]
    about = {"rule": rule, "net": net}
    return [
        *({"part": "tuning"} | about | row for row in tuning),
        *({"part": "course"} | about | row for row in course),
    ]


def marks(settings: Settings) -> list[int]:
    """The numbers of examples after which students are tested, evenly spaced in their logarithm."""
    last = settings["examples"]
    return sorted({last, *np.geomspace(min(100, last), last, settings["marks"]).astype(int).tolist()})


def tune(settings: Settings, rule: str, net: str) -> Rows:
    """Each candidate's error at the end, the geometric mean over teachers held out; infinite if it diverged."""
    tells = [0.0] if rule == "shallow" else settings["tells"]
    candidates = [(rate, tell) for rate in settings["rates"] for tell in tells]
    held_out = range(HELD_OUT, HELD_OUT + settings["held_out"])
    ((_, nse, _),) = train(settings, rule, net, held_out, candidates, [settings["examples"]])
    means = np.nan_to_num(np.exp(np.log(nse).mean(axis=1)), nan=np.inf)
    return [{"rate": rate, "tell": tell, "nse": float(each)} for (rate, tell), each in zip(candidates, means)]


def train(
    settings: Settings, rule: str, net: str, seeds: Sequence[int], candidates: Sequence[tuple], marks: Sequence[int]
) -> Iterator[tuple[int, np.ndarray, dict[int, np.ndarray]]]:
    """At each mark: (examples, errors (candidates, trials), angles of each hidden layer's signal to BP's)."""
    teacher = draw_nets(settings["teacher"], seeds, "teacher", settings["teacher_bias"])
    student = [(np.repeat(W[None], len(candidates), axis=0), np.repeat(b[None], len(candidates), axis=0))
               for W, b in draw_nets(net, seeds, "student")]  # fmt: skip
    rates, tells = (np.array(each)[:, None, None, None] for each in zip(*candidates))
    B = draw_feedback(net, seeds, tells) if rule == "fa" else None
    hidden_rates = rates if rule == "fa" else rates * tells
    steps = [hidden_rates] * (len(student) - 1) + [rates]
    x_test = draw_inputs(seeds, "test", 0, settings["test"])
    y_test = forward(teacher, x_test)[-1]
    for step in range(1, max(marks) + 1):
        place = (step - 1) % BLOCK
        if place == 0:
            x = draw_inputs(seeds, "block", step // BLOCK, BLOCK)
            y = forward(teacher, x)[-1]
        learn(student, B, steps, x[:, place : place + 1], y[:, place : place + 1])
        if step in marks:
            yield step, error(student, x_test, y_test), angles_to_bp(student, B, x_test, y_test)


def forward(net: Weights, x: np.ndarray) -> list[np.ndarray]:
    """x and what each layer computes of it: tanh, and a linear output."""
    h = [x]
    for W, b in net[:-1]:
        h.append(np.tanh(h[-1] @ W + b))
    W, b = net[-1]
    return [*h, h[-1] @ W + b]


def signals(net: Weights, B: list[np.ndarray] | None, h: list[np.ndarray], target: np.ndarray) -> list[np.ndarray]:
    """delta of each layer, from the first: BP's, or FA's if there is feedback B."""
    deltas = [h[-1] - target]
    for layer in reversed(range(1, len(net))):
        M = net[layer][0].swapaxes(-1, -2) if B is None else B[layer]
        deltas.insert(0, deltas[0] @ M * (1 - h[layer] ** 2))
    return deltas


def learn(net: Weights, B: list[np.ndarray] | None, steps: list[Any], x: np.ndarray, target: np.ndarray) -> None:
    """One example: W <- W - step h^T delta, b <- b - step delta, in place."""
    h = forward(net, x)
    for (W, b), step, below, delta in zip(net, steps, h, signals(net, B, h, target)):
        change = step * delta
        W -= below.swapaxes(-1, -2) * change
        b -= change


def error(net: Weights, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The normalised squared error sum |y - h|^2 / sum |y|^2 over the test points, (candidates, trials)."""
    apart = forward(net, x)[-1] - y
    return (apart**2).sum(axis=(-1, -2)) / (y**2).sum(axis=(-1, -2))


def angles_to_bp(net: Weights, B: list[np.ndarray] | None, x: np.ndarray, y: np.ndarray) -> dict[int, np.ndarray]:
    """{hidden layer: the mean angle over test points of FA's delta to BP's, in degrees}; nothing for other rules."""
    if B is None:
        return {}
    h = forward(net, x)
    pairs = list(zip(signals(net, B, h, y), signals(net, None, h, y)))[:-1]
    return {layer: angle(mine, true).mean(axis=-1) for layer, (mine, true) in enumerate(pairs, start=1)}


# -- What is drawn, each from a stream of its own --------------------------------------------------------------------


def draw_inputs(seeds: Sequence[int], what: str, number: int, rows: int) -> np.ndarray:
    """N(0, 1), (trials, rows, 30): the same for every rule and candidate."""
    return np.stack([Streams(seed)(what, number).standard_normal((rows, 30)) for seed in seeds])


def draw_nets(sizes: str, seeds: Sequence[int], who: str, bias: float = 0.0) -> Weights:
    """Weights from N(0, 1/fan_in), biases from N(0, bias^2), one net a seed."""
    widths, found = [int(n) for n in sizes.split("-")], []
    for layer, (n, m) in enumerate(zip(widths, widths[1:])):
        rngs = [Streams(seed)(who, layer) for seed in seeds]
        W = np.stack([rng.standard_normal((n, m)) for rng in rngs]) / np.sqrt(n)
        found.append((W, bias * np.stack([rng.standard_normal((1, m)) for rng in rngs])))
    return found


def draw_feedback(sizes: str, seeds: Sequence[int], scales: np.ndarray) -> list[np.ndarray]:
    """U(-s, s), of the shape of each W^T, by candidate and trial. The first layer's is never asked for."""
    widths, found = [int(n) for n in sizes.split("-")], []
    for layer, (n, m) in enumerate(zip(widths, widths[1:])):
        found.append(scales * np.stack([Streams(seed)("feedback", layer).uniform(-1, 1, (m, n)) for seed in seeds]))
    return found
