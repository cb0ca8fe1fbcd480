"""The jobs: train a net whose layer 2 hears little, and compare DFA's signals with BP's."""

from dataclasses import dataclass

import numpy as np

from ... import data
from ...backend import Array, Streams
from ...lab.experiment import Job, Row, Settings
from ...layers import Layer, Signal, Trace
from ...learn import evaluate, run_epoch
from ...losses import SoftmaxCrossEntropy
from ...metrics import cosine
from ...models import mlp
from ...network import Network
from ...optim import SGD
from ...rules import BP, DFA, Rule
from ...rules.base import Own

SETTINGS = {
    "sizes": "784-800-800-800-10",
    "units": [1, 8, 46, 191, 496, 800],
    "examples": 4000,
    "test": 2000,
    "epochs": 16,
    "batch_size": 32,
    "lr": 0.1,
    "probe": 500,
    "seeds": 3,
}
NARROW = 2  # the layer with the bottleneck


@dataclass
class NarrowDFA(DFA):
    """DFA with one B for all hidden layers, N(0, 1) / sqrt(outputs units); layer 2 hears only where `mask` is 1."""

    mask: Array = None  # (units,), 1 or 0

    def init_feedback(self, layer: Layer) -> Own:
        shape = self.net.size_out, layer.size_out
        B = self.draw(layer, shape, "normal", rng=self.streams("feedback")) / np.sqrt(shape[0] * shape[1])
        return {"B": B * self.mask if layer.number == NARROW else B}


@dataclass
class NarrowBP(BP):
    """Backpropagation that passes layer 2 where `mask` is 1 alone."""

    mask: Array = None  # (units,), 1 or 0

    def receive(self, layer: Layer, trace: Trace, e: Array) -> Signal:
        return super().receive(layer, trace, e * self.mask if layer.number == NARROW else e)


def jobs(settings: Settings) -> list[Job]:
    return [(units, seed) for seed in range(settings["seeds"]) for units in settings["units"]]


def work(settings: Settings, units: int, seed: int) -> list[Row]:
    """One net through its own bottleneck; without one, through each of the others too."""
    net = mlp(settings["sizes"], seed=seed, init="uniform_fan_in")
    rule, loss = NarrowDFA(net, seed=seed, mask=open_units(net, units, seed)), SoftmaxCrossEntropy()
    images = data.load("mnist").part(settings["examples"], settings["test"])
    x, label, target = net.as_input(images.x_train), images.y_train.astype(int), np.eye(10)[images.y_train]
    optimizer, streams = SGD(settings["lr"]), Streams(seed)
    for epoch in range(1, settings["epochs"] + 1):
        order = streams("order", epoch).permutation(len(x))
        run_epoch(net, rule, loss, optimizer, x, target.astype(net.dtype), order, settings["batch_size"])
    errors = {"train_error": evaluate(net, loss, x, label)[1]}
    errors["test_error"] = evaluate(net, loss, net.as_input(images.x_test), images.y_test.astype(int))[1]
    some = net.to_float(x[: settings["probe"]]), target[: settings["probe"]].astype(net.dtype)
    about = {"units": units, "seed": seed}
    rows = [{"part": "trained"} | about | errors | compare(net, rule, *some, open_units(net, units, seed))]
    if units == max(settings["units"]):
        rows += [{"part": "read"} | about | {"units": few} | compare(net, rule, *some, open_units(net, few, seed))
                 for few in settings["units"]]  # fmt: skip
    return rows


def open_units(net: Network, units: int, seed: int) -> np.ndarray:
    """(units of layer 2,): 1 for so many, drawn at random; a wider bottleneck holds the narrower one."""
    order = Streams(seed)("bottleneck").permutation(net[NARROW].size_out)
    return (order < units).astype(net.dtype)


def compare(net: Network, rule: Rule, x: Array, target: Array, mask: np.ndarray) -> Row:
    """The mean cosine over examples of DFA's e with BP's: below the bottleneck, in it, and above."""
    traces = net.forward(x)
    output = SoftmaxCrossEntropy().output(net, traces, target)
    mine, through, whole = (
        {number: signal.e for number, signal in each.signals(traces, output)}
        for each in (rule, NarrowBP(net, mask=mask), BP(net))
    )
    pairs = {
        "below": (mine[1], through[1]),
        "below_whole": (mine[1], whole[1]),
        "inside": (mine[NARROW] * mask, whole[NARROW] * mask),
        "above": (mine[3], whole[3]),
    }
    return {name: float(np.nanmean(cosine(*pair))) for name, pair in pairs.items()}
