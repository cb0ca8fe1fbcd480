"""The settings, the jobs, and the two nets that they train. What they are for is said in the package."""

from collections.abc import Callable
from typing import Any

import numpy as np

from ... import data
from ...backend import Streams
from ...errors import Diverged
from ...lab.experiment import Job, Row, Settings
from ...layers import Dense
from ...learn import evaluate, train_step
from ...losses import SoftmaxCrossEntropy
from ...metrics import cosine, gradient_cosine, total_gradient_cosine
from ...network import Network
from ...optim import SGD, hidden_multiples
from ...rules import BP, FA, Shallow
from ...theory import fixed_points as theory

SETTINGS = {
    "seeds": 3,
    "examples": [2000, 1000],
    "epochs": 40,
    "switches": [["bp", "fa"], ["fa", "bp"], ["bp", "bp"], ["bp", "shallow"]],
    "scales": [["fa", 1, 1, 0.1, 1], ["fa", 0.001, 1, 0.1, 1], ["fa", 3, 1, 0.1, 1], ["fa", 10, 1, 0.1, 1],
               ["fa", 1, 0.01, 0.1, 1], ["fa", 1, 0.1, 0.1, 1], ["fa", 1, 10, 0.1, 1], ["fa", 1, 100, 0.1, 1],
               ["fa", 1, 100, 0.003, 1], ["bp", 1, 1, 0.1, 1], ["bp", 1, 1, 0.1, 3], ["bp", 1, 1, 0.1, 10],
               ["bp", 1, 1, 0.1, 30], ["bp", 10, 1, 0.1, 1], ["shallow", 1, 1, 0.1, 1],
               ["shallow", 0.001, 1, 0.1, 1], ["shallow", 3, 1, 0.1, 1], ["shallow", 10, 1, 0.1, 1]],
    "scale_epochs": 60,
    "small": 40,
    "hidden": 40,
    "narrow": 5,
    "small_lr": 1e-3,
    "small_steps": 100000,
    "noise": 0.005,
    "push_steps": 40000,
    "draws": 25,
    "shares": [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0],
    "walk_steps": 4000,
}  # fmt: skip
# When E5 looks, in epochs: most often in the first, in which the error falls most, and after the tenth at every fifth.
FIRST, EVERY, LATER = (0.05, 0.1, 0.2, 0.5), 10, 5


class Large:
    """The large net in training: `epoch(rule)` trains it, `measure()` says how it is."""

    def __init__(
        self, settings: Settings, seed: int, sW: float = 1.0, sB: float = 1.0, lr: float = 0.1, hidden: float = 1.0
    ) -> None:
        fan_in = (784, 100, 100)
        layers = [Dense(100, "tanh", init=f"uniform:{sW / n**0.5}") for n in fan_in[:2]]
        self.net = Network(
            784, [*layers, Dense(10, init=f"uniform:{sW / fan_in[2] ** 0.5}")], seed=seed, dtype="float64"
        )
        fa = FA(self.net, seed=seed, init=f"uniform:{sB / 10}")
        self.rules = {"bp": BP(self.net), "fa": fa, "shallow": Shallow(self.net)}
        self.loss, self.optimizer, self.streams, self.count = SoftmaxCrossEntropy(), SGD(lr), Streams(seed), 0
        self.optimizer.multiples = hidden_multiples(self.net, hidden)
        images = data.load("mnist").part(*settings["examples"])
        self.x, self.x_test = (self.net.as_input(x) for x in (images.x_train, images.x_test))
        self.labels, self.labels_test = images.y_train.astype(int), images.y_test.astype(int)
        self.inputs, self.target = self.net.to_float(self.x), np.eye(10)[self.labels]

    def batches(self) -> list[np.ndarray]:
        """The next epoch's batches of 20, in an order of its own."""
        self.count += 1
        order = self.streams("order", self.count).permutation(len(self.x))
        return np.split(order, range(20, len(order), 20))

    def step(self, rule: str, batch: np.ndarray) -> None:
        value = train_step(
            self.net, self.rules[rule], self.loss, self.optimizer, self.inputs[batch], self.target[batch]
        )
        if not np.isfinite(value):
            raise Diverged(f"fixed-points: training by {rule} diverges")

    def epoch(self, rule: str) -> None:
        for batch in self.batches():
            self.step(rule, batch)

    def look(self) -> tuple:
        """(traces, output) over all training examples."""
        traces = self.net.forward(self.inputs, train=True)
        return traces, self.loss.output(self.net, traces, self.target)

    def measure(self) -> Row:
        """Loss, errors in % and the cosine of FA's hidden gradients to BP's."""
        loss, train_error = evaluate(self.net, self.loss, self.x, self.labels)
        test_error = evaluate(self.net, self.loss, self.x_test, self.labels_test)[1]
        cosine = total_gradient_cosine(self.rules["fa"], *self.look())
        return {"loss": loss, "train_error": train_error, "test_error": test_error, "cosine": cosine}

    def measure_layers(self) -> Row:
        """The same, and the cosine of each hidden layer."""
        by_layer = gradient_cosine(self.rules["fa"], *self.look())
        return self.measure() | {f"cosine_{layer}": value for layer, value in by_layer.items()}

    def update(self, rule: str) -> np.ndarray:
        """The gradient as the rule has it, over all training examples, as one vector."""
        traces, output = self.look()
        gradients = self.rules[rule].gradients(traces, output)
        return np.concatenate([gradients[name].reshape(-1) for name in self.net.parameters()])

    def weights(self) -> np.ndarray:
        return np.concatenate([each.reshape(-1) for each in self.net.parameters().values()])


def scratch(settings: Settings, seed: int) -> list[Row]:
    """E1"""
    large = Large(settings, seed)
    rows = [{"part": "scratch", "seed": seed, "epoch": 0} | large.measure_layers()]
    for epoch in range(1, settings["epochs"] + 1):
        large.epoch("fa")
        rows.append({"part": "scratch", "seed": seed, "epoch": epoch} | large.measure_layers())
    return rows


def switch(settings: Settings, first: str, then: str, seed: int) -> list[Row]:
    """E2"""
    large, half = Large(settings, seed), settings["epochs"] // 2
    rows = []
    for epoch in range(2 * half + 1):
        if epoch:
            large.epoch(first if epoch <= half else then)
        rows.append(
            {"part": "switch", "first": first, "then": then, "seed": seed, "epoch": epoch} | large.measure_layers()
        )
    return rows


def scale(settings: Settings, rule: str, sW: float, sB: float, lr: float, hidden: float, seed: int) -> list[Row]:
    """E5"""
    large = Large(settings, seed, sW, sB, lr, hidden)
    about = {"part": "scale", "rule": rule, "sW": sW, "sB": sB, "lr": lr, "hidden_lr": hidden, "seed": seed}

    def look(epoch: float) -> Row:
        return about | {"epoch": float(epoch)} | large.measure()

    rows, last = [look(0)], settings["scale_epochs"]
    for epoch in range(1, last + 1):
        batches = large.batches()
        marks = {round(share * len(batches)) for share in FIRST} if epoch == 1 else set()
        if epoch <= EVERY or epoch % LATER == 0 or epoch == last:
            marks.add(len(batches))
        for number, batch in enumerate(batches, start=1):
            large.step(rule, batch)
            if number in marks:
                rows.append(look(epoch - 1 + number / len(batches)))
    return rows


def walk(settings: Settings, rule: str, seed: int) -> list[Row]:
    """E6. `to_last_update` is the mean over the steps since the row before; `to_gradient` is of the one step."""
    large, rows, step = Large(settings, seed), [], 0
    cosines: list[float] = []
    start = before = large.weights()
    last, marks = None, set(np.geomspace(2, settings["walk_steps"], 40).astype(int).tolist())
    while step < settings["walk_steps"]:
        for batch in large.batches():
            step += 1
            gradient = large.update("bp") if step in marks else None
            large.step(rule, batch)
            now = large.weights()
            if last is not None:
                cosines.append(float(cosine(now - before, last)))
            if step in marks:
                row = {"part": "walk", "rule": rule, "seed": seed, "step": step}
                row |= {"distance": float(np.linalg.norm(now - start)), "to_last_update": float(np.mean(cosines))}
                rows.append(row | {"to_gradient": float(cosine(before - now, gradient))})
                cosines = []
            last, before = now - before, now
    return rows


def small(settings: Settings, seed: int) -> list[Row]:
    """E3 and E4: a BP solution and an FA solution from one start, the spectra of S there, and what becomes of them when
    their first layer is pushed. And how fast update and gradient fall on the way to the FA solution."""
    X, Y, W, B = small_net(settings, seed, settings["hidden"])
    rows: list[Row] = []
    for found_by in ("bp", "fa"):
        about = {"seed": seed, "solution": found_by}
        solution, on_the_way = rest(settings, W, X, Y, found_by, B)
        rows += [{"part": "rest", "hidden": settings["hidden"]} | about | row for row in on_the_way]
        noise = settings["noise"] * np.random.default_rng([seed, 1]).standard_normal(W[0].shape)
        for frozen in ((), (2,)):
            rows += push(settings, [solution[0] + noise, solution[1]], X, Y, B, frozen, about)
        E = theory.forward(solution, X)[-1] - Y
        for at, place in (("as trained", solution), ("polished", theory.polish(solution, X, Y))):
            here = about | {"at": at, "loss": theory.loss(place, X, Y)}
            rows += feedbacks(settings, place, X, E, B, here)
            values = theory.spectrum(theory.stability(place, X, "fa", B), theory.jacobian(place, X))
            rows += [
                {"part": "spectrum", "real": float(value.real), "imaginary": float(value.imag)} | here
                for value in values
            ]
    return rows


def feedbacks(settings: Settings, W: list, X: np.ndarray, E: np.ndarray, B: dict, about: Row) -> list[Row]:
    """The criteria of stability at W for many B: random ones, at BP's solution mixtures of these with W_2^T too, and at
    FA's the B that it was learned with. The angles are those for the error E; S + S^T and S ask of every one."""
    seed, Y = about["seed"], theory.forward(W, X)[-1] - E  # with these targets the error at W is E
    basis, rows = theory.range_of(theory.jacobian(W, X)), []
    tried = [("own", 0.0, B[2])] if about["solution"] == "fa" else []
    for draw in range(settings["draws"]):
        random = np.random.default_rng([seed, 2, draw]).uniform(-1, 1, B[2].shape)
        random *= np.linalg.norm(W[1]) / np.linalg.norm(random)
        shares = settings["shares"] if about["solution"] == "bp" and draw < 5 else [0.0]
        tried += [("mixed" if share else "random", share, (1 - share) * random + share * W[1].T) for share in shares]
    for kind, share, each in tried:
        S = basis.T @ theory.stability(W, X, "fa", {2: each}) @ basis
        row = {"part": "feedback", "kind": kind, "share": share} | about
        row["cosine"] = theory.cosine(W, X, Y, "fa", {2: each}, layers=[1])
        row["cosine_all"] = theory.cosine(W, X, Y, "fa", {2: each})
        row["least"], row["least_symmetric"] = theory.least_parts(S)
        rows.append(row)
    return rows


def narrow(settings: Settings, seed: int) -> list[Row]:
    """FA in a net that is too narrow for zero error: where it comes to rest, is the gradient 0?"""
    X, Y, W, B = small_net(settings, seed, settings["narrow"])
    rows = rest(settings, W, X, Y, "fa", B)[1]
    return [{"part": "rest", "hidden": settings["narrow"], "seed": seed, "solution": "fa"} | row for row in rows]


def rest(
    settings: Settings, W: list, X: np.ndarray, Y: np.ndarray, rule: str, B: dict
) -> tuple[list[np.ndarray], list[Row]]:
    """(the weights after training, rows of the loss and the norms of FA's update and the gradient relative to the
    start's)."""
    marks, rows = set(np.geomspace(1, settings["small_steps"], 40).astype(int).tolist()), []

    def norms(now: list) -> list:
        updates = theory.update(now, X, Y, "fa", B), theory.update(now, X, Y)
        return [np.linalg.norm(np.concatenate(each, axis=None)) for each in updates]

    start = norms(W)

    def after(step: int, now: list) -> None:
        if step in marks:
            update, gradient = (float(a / b) for a, b in zip(norms(now), start))
            rows.append({"step": step, "loss": theory.loss(now, X, Y), "update": update, "gradient": gradient})

    return theory.descend(W, X, Y, rule, B, settings["small_lr"], settings["small_steps"], after=after), rows


def push(settings: Settings, W: list, X: np.ndarray, Y: np.ndarray, B: dict, frozen: tuple, about: Row) -> list[Row]:
    """The loss under FA from W on."""
    about = {"part": "push", "learn": "hidden" if frozen else "both"} | about
    rows = [about | {"step": 0, "loss": theory.loss(W, X, Y)}]
    marks = set(np.geomspace(1, settings["push_steps"], 60).astype(int).tolist())

    def after(step: int, now: list) -> None:
        if step in marks:
            rows.append(about | {"step": step, "loss": theory.loss(now, X, Y)})

    theory.descend(W, X, Y, "fa", B, settings["small_lr"], settings["push_steps"], frozen, after)
    return rows


def small_net(settings: Settings, seed: int, hidden: int) -> tuple[np.ndarray, np.ndarray, list, dict]:
    images, rng = data.load("mnist").part(settings["small"], 1), np.random.default_rng([seed, 0])
    pixels = images.x_train[..., 0].reshape(-1, 7, 4, 7, 4).mean(axis=(2, 4)).reshape(-1, 49) / 255
    W = [rng.uniform(-1, 1, (n, m)) / m**0.5 for m, n in ((49, hidden), (hidden, 10))]
    return pixels, np.eye(10)[images.y_train], W, {2: 2 * rng.uniform(-1, 1, (hidden, 10)) / 40**0.5}


PARTS: dict[str, Callable[..., list[Row]]] = {
    "scratch": scratch,
    "switch": switch,
    "small": small,
    "narrow": narrow,
    "walk": walk,
    "scale": scale,
}


def jobs(settings: Settings) -> list[Job]:
    names = [("small",), ("narrow",), ("scratch",), ("walk", "bp"), ("walk", "fa")]
    names += [("switch", *pair) for pair in settings["switches"]]
    names += [("scale", *each) for each in settings["scales"]]
    return [(*name, seed) for seed in range(settings["seeds"]) for name in names]


def work(settings: Settings, part: str, *which: Any) -> list[Row]:
    return PARTS[part](settings, *which)
