"""The jobs of both experiments: train a net, and look at its feedback after every epoch."""

from collections.abc import Callable
from typing import Any

import numpy as np

from ... import data
from ...backend import Array, Streams
from ...lab.experiment import Job, Row, Settings
from ...learn import evaluate, train_step
from ...losses import SoftmaxCrossEntropy
from ...models import mlp
from ...optim import make_optimizer
from ...rules import KP, PFA
from ...theory import learned_feedback as theory

CASES = {
    "SGD, no decay": ("sgd", 0.1, 0.0, False),
    "SGD, decay 0.01": ("sgd", 0.1, 0.01, False),
    "SGD, decay 0.03": ("sgd", 0.1, 0.03, False),
    "Adam, decoupled decay 3": ("adam", 0.001, 3.0, True),
    "Adam, coupled decay 0.03": ("adam", 0.001, 0.03, False),
}
KP_SETTINGS = {"seeds": 3, "examples": 2000, "epochs": 30, "cases": {name: list(case) for name, case in CASES.items()}}
PFA_SETTINGS = {"seeds": 3, "examples": 2000, "epochs": 40, "lr": 0.1, "decay": 0.03,
                "expansions": [1, 2, 5, 10, 20, 50, 100]}  # fmt: skip


def train(settings: Settings, seed: int, bind: Callable, sgd: Any, look: Callable) -> list[Row]:
    """Train, and return look(net, rule, step) after every epoch, from the untrained net on."""
    net = mlp("784-200-80-10", seed=seed, dtype="float64")
    rule, loss, streams = bind(net), SoftmaxCrossEntropy(), Streams(seed)
    images = data.load("mnist").part(settings["examples"], 1000)
    x, target = net.to_float(net.as_input(images.x_train)), np.eye(10)[images.y_train]
    found = [look(net, rule, 0)]
    for epoch in range(1, settings["epochs"] + 1):
        for batch in np.split(streams("order", epoch).permutation(len(x)), range(20, len(x), 20)):
            train_step(net, rule, loss, sgd, x[batch], target[batch])
        found.append(look(net, rule, sgd.step))
    error = evaluate(net, loss, net.as_input(images.x_test), images.y_test.astype(int))[1]
    return [row | {"test_error": error} for rows in found for row in rows]


def gap_jobs(settings: Settings) -> list[Job]:
    return [(case, seed) for seed in range(settings["seeds"]) for case in settings["cases"]]


def kolen_pollack(settings: Settings, case: str, seed: int) -> list[Row]:
    name, lr, decay, decoupled = settings["cases"][case]
    shrink = 1 - lr * decay
    start: dict[int, tuple[Array, Array]] = {}  # W^T and B of each layer before training

    def look(net: Any, rule: Any, step: int) -> list[Row]:
        rows = []
        for layer in net.layers[1:]:
            W, B = layer.W.T, rule.feedback[layer.number]["B"]
            W0, B0 = start.setdefault(layer.number, (W.copy(), B.copy()))
            due = theory.kolen_pollack(W0, B0, W, shrink, step)
            row = {"case": case, "seed": seed, "layer": layer.number, "step": step, "angle": theory.angle(W, B)}
            row["gap"] = float(np.linalg.norm(B - W) / np.linalg.norm(B0 - W0))
            row |= {"gap_due": shrink**step, "apart": float(np.abs(B - due).max() / np.abs(B).max())}
            rows.append(row)
        return rows

    return train(settings, seed, lambda net: KP(net, seed=seed),
                 make_optimizer(name, lr, decay=decay, decoupled=decoupled), look)  # fmt: skip


def path_jobs(settings: Settings) -> list[Job]:
    return [(k, seed) for seed in range(settings["seeds"]) for k in [*settings["expansions"], "orthogonal"]]


def pfa_angle(settings: Settings, expansion: int | str, seed: int) -> list[Row]:
    shrink = 1 - settings["lr"] * settings["decay"]
    start: dict[int, tuple[Array, Array]] = {}  # W^T and P of each layer before training
    orthogonal = expansion == "orthogonal"
    k = 1 if orthogonal else int(expansion)

    def look(net: Any, rule: Any, step: int) -> list[Row]:
        rows = []
        for layer in net.layers[1:]:
            own = rule.feedback[layer.number]
            W, P, G = layer.W.T, own["P"], own["G"]
            W0, P0 = start.setdefault(layer.number, (W.copy(), P.copy()))
            due = theory.product_path(W0, P0, W, G, shrink, step)
            row = {"k": expansion, "seed": seed, "layer": layer.number, "step": step, "angle": theory.angle(W, P)}
            row |= {"angle_due": 0.0 if orthogonal else theory.path_angle(k), "angle_of_G": theory.path_angle_of(G)}
            rows.append(row | {"apart": float(np.abs(P - due).max() / np.abs(P).max())})
        return rows

    def bind(net: Any) -> PFA:
        return PFA(net, seed=seed, expansion=k, orthogonal=orthogonal)

    return train(settings, seed, bind, make_optimizer("sgd", settings["lr"], decay=settings["decay"]), look)
