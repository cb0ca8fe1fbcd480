"""One step of learning: every parameter moves as its optimiser's equation says, by gradients from before the step.

    SGD             p <- p - lr (g + decay p),    heavy ball v <- mu v + g,    Nesterov g + mu v
    decoupled       p <- (1 - lr decay) p, beside the step
    Manhattan       p <- p - lr (sign g + decay p)
    RMSprop, Adam   p <- p - lr g / (sqrt s + eps),  p <- p - lr m / (sqrt s + eps)

Two steps in a row, weights and biases alike, against these lines written out for one parameter.
"""

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ..gradcheck import Check
from ..learn import train_step
from ..losses import SoftmaxCrossEntropy
from ..optim import (
    SGD,
    Adam,
    BatchManhattan,
    RMSprop,
    cosine_schedule,
    exponential_schedule,
    step_schedule,
)
from ..rules import BP
from .nets import ROUNDING, Arrays, batch, conv_net, dense_net, largest, largest_difference, outcome

Step = Callable[[Any, Any, dict[str, Any], int], Any]  # (p, g, memory, number of the step) -> the new p


def laws() -> Iterator[Check]:
    sgd: dict[str, Any] = {"lr": 0.1, "decay": 0.5}
    yield steps("SGD", SGD(0.1), lambda p, g, m, t: p - 0.1 * g)
    yield steps("SGD with decay", SGD(**sgd), lambda p, g, m, t: p - 0.1 * (g + 0.5 * p))
    decoupled = SGD(**sgd, decoupled=True)
    yield steps("SGD with decoupled decay", decoupled, lambda p, g, m, t: (1 - 0.05) * p - 0.1 * g)
    yield steps("heavy ball with decay", SGD(**sgd, momentum=0.9), heavy_ball)
    yield steps("Nesterov", SGD(0.1, momentum=0.9, nesterov=True), nesterov)
    manhattan = BatchManhattan(**sgd)
    yield steps("Batch Manhattan with decay", manhattan, lambda p, g, m, t: p - 0.1 * (np.sign(g) + 0.5 * p))
    yield steps("RMSprop", RMSprop(0.1, rho=0.8, eps=0.01), rmsprop)
    yield steps("Adam", Adam(0.1, beta1=0.8, beta2=0.7, eps=0.01), adam)
    yield steps("SGD with schedules", SGD(step_schedule(0.1, at=[1]), decay=step_schedule(0.5, at=[1], factor=0.2)),
                lambda p, g, m, t: p - (0.1, 0.01)[t - 1] * (g + (0.5, 0.1)[t - 1] * p))  # fmt: skip
    yield from schedules()
    yield from whole_step()


def steps(name: str, optimizer: Any, equation: Step) -> Check:
    """Two steps of a net's every parameter against the equation."""
    net = dense_net("tanh")
    x, target = batch(net)
    expected = {key: p.copy() for key, p in net.parameters().items()}
    memory: dict[str, dict[str, Any]] = {key: {} for key in expected}
    for t in (1, 2):
        _, gradients = outcome(net, BP(net))
        expected = {key: equation(p, gradients[key], memory[key], t) for key, p in expected.items()}
        train_step(net, BP(net), SoftmaxCrossEntropy(), optimizer, x, target)
    return Check(
        f"{name}: two steps = its equation, for each parameter",
        largest_difference(net.parameters(), expected),
        ROUNDING,
    )


def heavy_ball(p: Any, g: Any, memory: dict[str, Any], t: int) -> Any:
    memory["v"] = 0.9 * memory.get("v", 0) + g + 0.5 * p
    return p - 0.1 * memory["v"]


def nesterov(p: Any, g: Any, memory: dict[str, Any], t: int) -> Any:
    memory["v"] = 0.9 * memory.get("v", 0) + g
    return p - 0.1 * (g + 0.9 * memory["v"])


def rmsprop(p: Any, g: Any, memory: dict[str, Any], t: int) -> Any:
    memory["s"] = 0.8 * memory.get("s", 0) + 0.2 * g**2
    return p - 0.1 * g / (np.sqrt(memory["s"]) + 0.01)


def adam(p: Any, g: Any, memory: dict[str, Any], t: int) -> Any:
    memory["m"] = 0.8 * memory.get("m", 0) + 0.2 * g
    memory["s"] = 0.7 * memory.get("s", 0) + 0.3 * g**2
    m, s = memory["m"] / (1 - 0.8**t), memory["s"] / (1 - 0.7**t)
    return p - 0.1 * m / (np.sqrt(s) + 0.01)


def schedules() -> Iterator[Check]:
    """Each schedule at steps whose values are known."""
    known = {
        "step": (step_schedule(1.0, at=[2, 4]), {1: 1.0, 2: 0.1, 3: 0.1, 4: 0.01}),
        "exponential": (exponential_schedule(1.0, 0.5, every=2), {1: 1.0, 2: 0.5, 5: 0.25}),
        "cosine": (cosine_schedule(1.0, 12, warmup=2), {0: 0.5, 1: 1.0, 2: 1.0, 7: 0.5, 12: 0.0, 99: 0.0}),
        "quarter of a cosine": (cosine_schedule(1.0, 8), {2: 0.5 + math.sqrt(0.125)}),
    }
    for name, (schedule, values) in known.items():
        gaps = [abs(schedule(step) - value) for step, value in values.items()]
        yield Check(f"{name} schedule at known steps", largest(gaps), 1e-12)


def whole_step() -> Iterator[Check]:
    """train_step returns the loss from before, uses weights from before, and takes the batch into batch norm."""
    net = conv_net("tanh")
    x, target = batch(net)
    traces = net.forward(x, train=True)
    before, means = net.running(), {name: a.copy() for name, a in net.running().items()}
    value = float(SoftmaxCrossEntropy()(traces[net.last.number].h, target)[0])
    found = train_step(net, BP(net), SoftmaxCrossEntropy(), SGD(0.1), x, target)
    yield Check("train_step returns the loss from before the step", abs(found - value), ROUNDING)
    still = sum(bool((means[name] == array).all()) for name, array in before.items())
    yield Check("running values that a step has not moved", float(still), 0.0)
    yield Check("memory of an optimiser, restored: change of the next step", restored(), 0.0)


def restored() -> float:
    """A step of Adam by its own memory, and by one that took its arrays back."""
    found: list[Arrays] = []
    for again in (False, True):
        net, optimizer = dense_net("tanh"), Adam(0.1)
        x, target = batch(net)
        for number in range(3):
            if again and number == 2:
                kept, step = optimizer.arrays(), optimizer.step
                optimizer = Adam(0.1)
                optimizer.restore(kept, step)
            train_step(net, BP(net), SoftmaxCrossEntropy(), optimizer, x, target)
        found.append(net.parameters())
    return largest_difference(*found)
