"""The jobs: train every seed on the same noisy labels, and look at the alignment on the way."""

from typing import Any

import numpy as np

from ... import data
from ...backend import Streams
from ...lab.experiment import Job, Row, Settings
from ...lab.tables import Rows
from ...layers import Dense
from ...learn import evaluate, run_epoch
from ...losses import Output, SoftmaxCrossEntropy
from ...metrics import Traces, cosine
from ...network import Network
from ...optim import SGD
from ...rules import BP, DFA

SETTINGS = {
    "activations": ["relu", "tanh"],
    "noises": [0.0, 0.1, 0.2, 0.5, 0.9],
    "rules": ["bp", "dfa"],
    "hidden": 64,
    "examples": 2000,
    "test": 2000,
    "epochs": 200,
    "marks": 12,
    "batch_size": 32,
    "lr": 0.032,
    "probe": 500,
    "seeds": 5,
}


def jobs(settings: Settings) -> list[Job]:
    return [
        (rule, activation, noise)
        for activation in settings["activations"]
        for noise in settings["noises"]
        for rule in settings["rules"]
    ]


def work(settings: Settings, rule: str, activation: str, noise: float) -> list[Row]:
    """The course of every seed, then the cosine between the weights of each two at the end."""
    about = {"rule": rule, "activation": activation, "noise": noise}
    examples = load(settings, noise)
    rows, ends = [], []
    for seed in range(settings["seeds"]):
        net = build(settings, activation, seed)
        rows += [
            {"part": "course"} | about | {"seed": seed} | row for row in train(settings, net, rule, seed, examples)
        ]
        ends.append(np.concatenate([layer.W.reshape(-1) for layer in net.layers]))
    for a in range(len(ends)):
        for b in range(a):
            row = {"seed": a, "other": b, "similarity": float(cosine(ends[a], ends[b]))}
            rows.append({"part": "seeds"} | about | row)
    return rows


def load(settings: Settings, noise: float) -> tuple[np.ndarray, ...]:
    """Images of 14 x 14 and labels, those to train on noisy: (x, noisy labels, x_test, labels)."""
    images = data.load("mnist").part(settings["examples"], settings["test"])
    x, x_test = (halve(each) for each in (images.x_train, images.x_test))
    mean, deviation = x.mean(), x.std()
    label = corrupt(images.y_train.astype(int), noise, Streams(0)("label noise"))
    return (x - mean) / deviation, label, (x_test - mean) / deviation, images.y_test.astype(int)


def halve(images: np.ndarray) -> np.ndarray:
    """Images of half the side, flat: each pixel the mean of 2 x 2."""
    square = images.reshape(len(images), 14, 2, 14, 2)
    return square.mean(axis=(2, 4)).reshape(len(images), 196) / 255


def corrupt(label: np.ndarray, noise: float, rng: np.random.Generator) -> np.ndarray:
    """Each label drawn anew from all ten with the chance `noise`; one in ten of those is as it was."""
    anew, chance = rng.integers(0, 10, len(label)), rng.random(len(label))
    return np.where(chance < noise, anew, label)


def build(settings: Settings, activation: str, seed: int) -> Network:
    """196-64-64-10 without biases, from U(-1, 1) / sqrt(fan_in)."""
    layers = [Dense(settings["hidden"], activation, bias=False), Dense(settings["hidden"], activation, bias=False)]
    return Network(196, [*layers, Dense(10, bias=False)], seed=seed, init="uniform_fan_in")


def train(settings: Settings, net: Network, rule_name: str, seed: int, examples: tuple[np.ndarray, ...]) -> Rows:
    """Train by BP or DFA; a row at each mark. The feedback is the same for every seed, and BP's nets have it too."""
    dfa, loss = DFA(net, seed=0, init=f"uniform:{settings['hidden'] ** -0.5}"), SoftmaxCrossEntropy()
    rule = dfa if rule_name == "dfa" else BP(net)
    x, label, x_test, y_test = examples
    x, x_test, target = net.to_float(x), net.to_float(x_test), np.eye(10, dtype=net.dtype)[label]
    optimizer, streams = SGD(settings["lr"]), Streams(seed)
    last, rows = settings["epochs"], []
    marks = {0, last, *np.geomspace(1, last, settings["marks"]).astype(int).tolist()}
    for epoch in range(last + 1):
        if epoch:
            order = streams("order", epoch).permutation(len(x))
            run_epoch(net, rule, loss, optimizer, x, target, order, settings["batch_size"])
        if epoch in marks:
            row = {"epoch": epoch, "train_error": evaluate(net, loss, x, label)[1]}
            row["test_error"] = evaluate(net, loss, x_test, y_test)[1]
            traces = net.forward(x[: settings["probe"]])
            output = loss.output(net, traces, target[: settings["probe"]])
            rows.append(row | weight_alignment(dfa) | gradient_alignment(dfa, traces, output))
    return rows


def weight_alignment(dfa: DFA) -> dict[str, float]:
    """The cosine of W_2 with F_1 F_2^T, of W_3 with F_2, and of both as one vector; F_l is B_l^T, (units, outputs)."""
    F = {number: own["B"].T for number, own in dfa.feedback.items()}
    last = dfa.net.last.number
    pairs = {n: (dfa.net[n].W.reshape(-1), (F[n - 1] @ F[n].T if n < last else F[n - 1]).reshape(-1))
             for n in range(2, last + 1)}  # fmt: skip
    found = {f"weights_{n}": float(cosine(*pair)) for n, pair in pairs.items()}
    return found | {"weights": float(cosine(*map(np.concatenate, zip(*pairs.values()))))}


def gradient_alignment(dfa: DFA, traces: Traces, output: Output) -> dict[str, float]:
    """The mean cosine over examples of DFA's e with BP's at each hidden layer's output, and of all as one vector."""
    told: list[dict[int, Any]] = [
        {number: signal.e for number, signal in rule.signals(traces, output)} for rule in (dfa, BP(dfa.net))
    ]
    mine, true = ([each[number] for number in dfa.hidden()] for each in told)
    found = {f"signals_{n}": float(np.nanmean(cosine(*pair))) for n, pair in enumerate(zip(mine, true), start=1)}
    return found | {"signals": float(np.nanmean(cosine(np.hstack(mine), np.hstack(true))))}
