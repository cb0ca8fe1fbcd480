"""The two nets of the study `fixed-points`, and what each of its experiments does with them. See there."""

import numpy as np

from .. import data
from ..backend import Streams
from ..errors import Diverged
from ..layers import Dense
from ..learn import evaluate, train_step
from ..losses import SoftmaxCrossEntropy
from ..metrics import cosine, gradient_cosine, total_gradient_cosine
from ..network import Network
from ..optim import SGD
from ..rules import BP, FA
from ..theory import fixed_points as theory


class Large:
    """The large net in training: `epoch(rule)` trains it, `measure(rule)` says how it is."""

    def __init__(self, settings, seed, sW=1.0, sB=1.0):
        fan_in = (784, 100, 100)
        layers = [Dense(100, "tanh", init=f"uniform:{sW / n**0.5}") for n in fan_in[:2]]
        self.net = Network(
            784, [*layers, Dense(10, init=f"uniform:{sW / fan_in[2] ** 0.5}")], seed=seed, dtype="float64"
        )
        self.rules = {"bp": BP(self.net), "fa": FA(self.net, seed=seed, init=f"uniform:{sB / 10}")}
        self.loss, self.optimizer, self.streams, self.count = SoftmaxCrossEntropy(), SGD(0.1), Streams(seed), 0
        images = data.load("mnist").part(*settings["examples"])
        self.x, self.x_test = (self.net.as_input(x) for x in (images.x_train, images.x_test))
        self.labels, self.labels_test = images.y_train.astype(int), images.y_test.astype(int)
        self.inputs, self.target = self.net.to_float(self.x), np.eye(10)[self.labels]

    def batches(self):
        """The next epoch's batches of 20, in an order of its own."""
        self.count += 1
        order = self.streams("order", self.count).permutation(len(self.x))
        return np.split(order, range(20, len(order), 20))

    def step(self, rule, batch):
        value, _ = train_step(
            self.net, self.rules[rule], self.loss, self.optimizer, self.inputs[batch], self.target[batch]
        )
        if not np.isfinite(value):
            raise Diverged(f"fixed-points: training by {rule} diverges")

    def epoch(self, rule):
        for batch in self.batches():
            self.step(rule, batch)

    def look(self):
        """(traces, output) over all training examples."""
        traces = self.net.forward(self.inputs, train=True)
        return traces, self.loss.output(traces[-1].h, self.target)

    def measure(self):
        """Losses, errors in % and cosines of FA's hidden gradients to BP's."""
        loss, train_error = evaluate(self.net, self.loss, self.x, self.labels)
        test_error = evaluate(self.net, self.loss, self.x_test, self.labels_test)[1]
        traces, output = self.look()
        row = {"loss": loss, "train_error": train_error, "test_error": test_error}
        row["cosine"] = total_gradient_cosine(self.rules["fa"], traces, output)
        by_layer = gradient_cosine(self.rules["fa"], traces, output)
        return row | {f"cosine_{layer}": value for layer, value in by_layer.items()}

    def update(self, rule):
        """The gradient as the rule has it, over all training examples, as one vector."""
        traces, output = self.look()
        gradients = self.net.gradients(traces, self.rules[rule].signals(traces, output))
        return np.concatenate([each.reshape(-1) for each in gradients.values()])

    def weights(self):
        return np.concatenate([each.reshape(-1) for each in self.net.parameters().values()])


def scratch(settings, seed):
    large = Large(settings, seed)
    rows = [{"part": "scratch", "seed": seed, "epoch": 0} | large.measure()]
    for epoch in range(1, settings["epochs"] + 1):
        large.epoch("fa")
        rows.append({"part": "scratch", "seed": seed, "epoch": epoch} | large.measure())
    return rows


def switch(settings, order, seed):
    large, first, half = Large(settings, seed), order.split("-"), settings["epochs"] // 2
    rows = [{"part": "switch", "order": order, "seed": seed, "epoch": 0} | large.measure()]
    for epoch in range(1, 2 * half + 1):
        large.epoch(first[epoch > half])
        rows.append({"part": "switch", "order": order, "seed": seed, "epoch": epoch} | large.measure())
    return rows


def scale(settings, sW, sB, seed):
    large = Large(settings, seed, sW, sB)
    rows = []
    for epoch in range(1, settings["scale_epochs"] + 1):
        large.epoch("fa")
        if epoch in (1, settings["scale_epochs"]):
            rows.append({"part": "scale", "sW": sW, "sB": sB, "seed": seed, "epoch": epoch} | large.measure())
    return rows


def walk(settings, rule, seed):
    large, rows, step = Large(settings, seed), [], 0
    start = before = large.weights()
    last, marks = None, set(np.geomspace(2, settings["walk_steps"], 40).astype(int).tolist())
    while step < settings["walk_steps"]:
        for batch in large.batches():
            step += 1
            gradient = large.update("bp") if step in marks else None
            large.step(rule, batch)
            now = large.weights()
            if step in marks:
                rows.append({"part": "walk", "rule": rule, "seed": seed, "step": step,
                             "distance": float(np.linalg.norm(now - start)),
                             "to_last_update": float(cosine(now - before, last)),
                             "to_gradient": float(cosine(before - now, gradient))})  # fmt: skip
            last, before = now - before, now
    return rows


def small(settings, seed):
    """A BP solution and an FA solution from one start; the spectra of K there; what becomes of them when pushed."""
    X, Y, W, B = small_net(settings, seed)
    rows = []
    for found_by in ("bp", "fa"):
        solution = theory.descend(
            W, X, Y, found_by, B, settings["small_lr"][found_by], settings["small_steps"][found_by]
        )
        about = {"seed": seed, "solution": found_by}
        angle = theory.cosine(solution, X, Y, "fa", B, layers=[1])
        rank = np.linalg.matrix_rank(np.concatenate(theory.jacobian(solution, X, "fa", B), axis=1))
        row = {"part": "solution", "rank": int(rank), "rows": Y.size, "loss": theory.loss(solution, X, Y)} | about
        for rule in ("bp", "fa"):  # at a fixed point both are 0
            before, now = (np.concatenate(theory.update(each, X, Y, rule, B), axis=None) for each in (W, solution))
            row[f"norm_{rule}"] = float(np.linalg.norm(now) / np.linalg.norm(before))
        rows.append(row)
        for layers, J in (([1], None), (None, theory.jacobian(solution, X))):
            values = theory.spectrum(theory.stability(solution, X, "fa", B, layers), J)
            rows += [{"part": "spectrum", "layers": "hidden" if layers else "both", "real": float(value.real),
                      "imaginary": float(value.imag), "cosine": angle} | about
                     for value in values]  # fmt: skip
        noise = settings["noise"] * np.random.default_rng([seed, 1]).standard_normal(W[0].shape)
        for frozen in ((), (2,)):
            rows += push(settings, [solution[0] + noise, solution[1]], X, Y, B, frozen, about)
    return rows


def push(settings, W, X, Y, B, frozen, about):
    """The loss under FA from W on."""
    about = {"part": "push", "learn": "hidden" if frozen else "both"} | about
    rows = [about | {"step": 0, "loss": theory.loss(W, X, Y), "cosine": theory.cosine(W, X, Y, "fa", B, layers=[1])}]
    marks = set(np.geomspace(1, settings["push_steps"], 60).astype(int).tolist())

    def after(step, now):
        if step in marks:
            row = {
                "step": step,
                "loss": theory.loss(now, X, Y),
                "cosine": theory.cosine(now, X, Y, "fa", B, layers=[1]),
            }
            rows.append(about | row)

    theory.descend(W, X, Y, "fa", B, settings["small_lr"]["fa"], settings["push_steps"], frozen, after)
    return rows


def small_net(settings, seed):
    images, rng = data.load("mnist").part(settings["small"], 1), np.random.default_rng([seed, 0])
    pixels = images.x_train[..., 0].reshape(-1, 7, 4, 7, 4).mean(axis=(2, 4)).reshape(-1, 49) / 255
    W = [rng.uniform(-1, 1, (n, m)) / m**0.5 for m, n in ((49, 40), (40, 10))]
    return pixels, np.eye(10)[images.y_train], W, {2: 2 * rng.uniform(-1, 1, (40, 10)) / 40**0.5}
