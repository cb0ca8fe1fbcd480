"""The jobs: one seed, from the frozen first layer to every way on."""

import copy
from collections.abc import Collection

import numpy as np

from ... import data
from ...backend import Streams
from ...data import Dataset
from ...lab.experiment import Job, Row, Settings
from ...lab.tables import Rows
from ...learn import evaluate
from ...losses import LogisticCrossEntropy
from ...models import mlp
from ...network import Network
from ...optim import Optimizer, RMSprop
from ...rules import Rule, make_rule

SETTINGS = {
    "sizes": "784-50-50-50-10",
    "examples": 30_000,
    "measured": 10_000,
    "epochs": 50,
    "alone_epochs": 20,
    "batch_size": 64,
    "lr": 1e-4,
    "seeds": 3,
}
LOSS = LogisticCrossEntropy()


def jobs(settings: Settings) -> list[Job]:
    return [(seed,) for seed in range(settings["seeds"])]


def work(settings: Settings, seed: int) -> list[Row]:
    """BP on the upper layers; then all layers by BP or DFA; and the first alone by BP, FA or DFA."""
    images = data.load("mnist").part(settings["examples"])
    drawn = mlp(settings["sizes"], seed=seed, init="uniform_fan_in")
    numbers = [layer.number for layer in drawn.layers]
    trained, frozen = go_on(settings, drawn, "bp", seed, images, numbers[1:], settings["epochs"])
    rows = [{"part": "frozen", "rule": "bp"} | row for row in frozen]
    for rule in ("bp", "dfa"):
        _, found = go_on(settings, trained, rule, seed, images, numbers, settings["epochs"])
        rows += [{"part": "thawed", "rule": rule} | row for row in found]
    for part, start in (("alone, drawn above", drawn), ("alone, trained above", trained)):
        for rule in ("bp", "fa", "dfa"):
            _, found = go_on(settings, start, rule, seed, images, numbers[:1], settings["alone_epochs"])
            rows += [{"part": part, "rule": rule} | row for row in found]
    return [row | {"seed": seed} for row in rows]


def go_on(
    settings: Settings,
    start: Network,
    rule_name: str,
    seed: int,
    images: Dataset,
    learning: Collection[int],
    epochs: int,
) -> tuple[Network, Rows]:
    """A copy of the net, trained in some of its layers by a rule; and its errors by epoch, from 0 on."""
    net = copy.deepcopy(start)
    rule, optimizer, streams = make_rule(rule_name, net, seed=seed), RMSprop(settings["lr"]), Streams(seed)
    x, target = net.to_float(net.as_input(images.x_train)), np.eye(10, dtype=net.dtype)[images.y_train]
    rows = [errors(settings, net, images) | {"epoch": 0}]
    for epoch in range(1, epochs + 1):
        order = streams("order", epoch).permutation(len(x))
        for batch in np.split(order, range(settings["batch_size"], len(x), settings["batch_size"])):
            step(net, rule, optimizer, x[batch], target[batch], learning)
        rows.append(errors(settings, net, images) | {"epoch": epoch})
    return net, rows


def step(
    net: Network, rule: Rule, optimizer: Optimizer, x: np.ndarray, target: np.ndarray, learning: Collection[int]
) -> None:
    """`train_step` for some of the layers; the others are frozen."""
    traces = net.forward(x, train=True)
    found = rule.gradients(traces, LOSS.output(net, traces, target))
    gradients = {name: gradient for name, gradient in found.items() if int(name.partition(".")[0]) in learning}
    optimizer.update(net.parameters(), gradients)


def errors(settings: Settings, net: Network, images: Dataset) -> Row:
    some = images.part(min(settings["measured"], len(images.x_train)))
    train = evaluate(net, LOSS, net.as_input(some.x_train), some.y_train.astype(int))[1]
    test = evaluate(net, LOSS, net.as_input(some.x_test), some.y_test.astype(int))[1]
    return {"train_error": train, "test_error": test}
