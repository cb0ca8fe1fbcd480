"""The jobs: train one rule whose feedback is sparse."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ... import data
from ...backend import Array, Streams, to_device
from ...lab.experiment import Job, Row, Settings
from ...layers import Layer, Weighted
from ...learn import evaluate, measure_alignment, run_epoch
from ...losses import SoftmaxCrossEntropy
from ...metrics import weight_norm_ratio
from ...models import mlp
from ...network import Network
from ...optim import SGD, step_schedule
from ...rules import BP, DFA, FA, USF, Rule, SparsePFA
from ...rules.base import Own

SETTINGS = {
    "sizes": "784-512-512-10",
    "densities": [1.0, 0.3, 0.1, 0.05],
    "expansion": 10,
    "examples": 10_000,
    "test": 10_000,
    "epochs": 6,
    "batch_size": 64,
    "lr": 0.01,
    "momentum": 0.9,
    "decay": 1e-4,
    "burst": 0.045,
    "burst_epochs": 4,
    "burst_after": 9e-5,
    "seeds": 3,
}


def mask(rule: Rule, layer: Any, shape: tuple[int, ...], density: float) -> Array:
    """1 where a connection exists, each with the chance `density`, and 0 elsewhere."""
    exists = rule.streams("exists", layer.number).random(shape) < density
    return to_device(exists.astype(rule.net.dtype), rule.net.module)


@dataclass
class MaskedFA(FA):
    """FA of which each connection of B exists with the chance `density`."""

    init: str = "glorot"  # the authors' code: "xavier"
    density: float = 1.0

    def init_feedback(self, layer: Weighted) -> Own:
        B = super().init_feedback(layer)["B"]
        return {"B": B * mask(self, layer, B.shape, self.density)}


@dataclass
class MaskedDFA(DFA):
    """DFA of which each connection of B exists with the chance `density`: `sparse-dfa` leaves each unit as many."""

    init: str = "glorot"  # the authors' code: "xavier"
    density: float = 1.0

    def init_feedback(self, layer: Layer) -> Own:
        B = super().init_feedback(layer)["B"]
        return {"B": B * mask(self, layer, B.shape, self.density)}


@dataclass
class MaskedUSF(USF):
    """uSF of which each connection of sign(W)^T exists with the chance `density`."""

    density: float = 1.0

    def init_feedback(self, layer: Weighted) -> Own:
        return {"mask": mask(self, layer, layer.W.T.shape, self.density)}

    def stand_in(self, layer: Weighted, own: Own) -> Array:
        return super().stand_in(layer, own) * own["mask"]


RULES: dict[str, Callable[..., Rule]] = {"fa": MaskedFA, "dfa": MaskedDFA, "usf": MaskedUSF, "pfa": SparsePFA}


def jobs(settings: Settings) -> list[Job]:
    """The longest first."""
    sparse = [(rule, density) for rule in ("pfa", "fa", "dfa", "usf") for density in settings["densities"]]
    return [(*each, seed) for each in [*sparse, ("bp", 1.0)] for seed in range(settings["seeds"])]


def work(settings: Settings, rule_name: str, density: float, seed: int) -> list[Row]:
    """One row: errors, angles and norms at the end."""
    images = data.load("mnist").part(settings["examples"], settings["test"])
    net = mlp(settings["sizes"], "relu", seed=seed, init="glorot")
    net.standardise(*images.statistics())
    rule, loss, streams = bind(settings, rule_name, density, seed, net), SoftmaxCrossEntropy(), Streams(seed)
    x, target = net.as_input(images.x_train), np.eye(10, dtype=net.dtype)[images.y_train]
    whole = len(x) // settings["batch_size"] * settings["batch_size"]
    sgd = make_sgd(settings, rule_name, whole // settings["batch_size"])
    for epoch in range(1, settings["epochs"] + 1):
        order = streams("order", epoch).permutation(len(x))[:whole]
        run_epoch(net, rule, loss, sgd, x, target, order, settings["batch_size"])
    row = {"rule": rule_name, "density": density, "seed": seed}
    for part, images_of, labels in (("train", x, images.y_train), ("test", net.as_input(images.x_test), images.y_test)):
        row[f"{part}_error"] = evaluate(net, loss, images_of, labels.astype(int))[1]
    ratios = {f"norm_ratio_{number}": ratio for number, ratio in weight_norm_ratio(rule).items()}
    return [row | measure_alignment(rule, loss, x, target) | ratios]


def bind(settings: Settings, rule_name: str, density: float, seed: int, net: Network) -> Rule:
    """The rule with its sparse feedback."""
    if rule_name == "bp":
        return BP(net)
    options = {"expansion": settings["expansion"]} if rule_name == "pfa" else {}
    return RULES[rule_name](net, seed=seed, density=density, **options)


def make_sgd(settings: Settings, rule_name: str, batches: int) -> SGD:
    """Product feedback decays fast at first, so that R forgets how it began."""
    decay = settings["decay"]
    if rule_name == "pfa":
        factor = settings["burst_after"] / settings["burst"]
        decay = step_schedule(settings["burst"], at=[settings["burst_epochs"] * batches], factor=factor)
    return SGD(settings["lr"], settings["momentum"], decay=decay)
