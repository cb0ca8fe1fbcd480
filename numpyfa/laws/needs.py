"""What each rule needs, measured: what a hidden layer reads to learn, and what it has to wait for.

One batch is passed through a small net. Then one thing is changed by hand while all else stays, and the rule is asked
again: what moves a layer's gradients is read there, and what leaves each entry as it was is not. The rule's code is not
looked at, only asked for signals, gradients and what it does after a batch, so that a rule of one's own has its row:

    numpyfa.laws.needs.needs(MyRule)

Two layers are asked, a convolution and a dense one, each between two other hidden layers. W may be read in two places,
by the signal and by the feedback's own learning, and each is asked for itself.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..backend import Array
from ..convolution import Conv
from ..layers import Dense, Signal
from ..losses import Output, SoftmaxCrossEntropy
from ..network import Network
from ..rules import RULES, VARIANTS, Rule, make_rule
from ..rules.base import Traces
from .nets import Arrays, batch, largest_difference, unlike

READ = 1e-9  # a relative change above this is no rounding: in float64, what is read moves the gradients by far more
EXAMPLES = 3  # so few that each layer asked has more inputs than rows: there is a W that answers this batch alike

Make = Callable[[Network], Rule]
Figures = dict[int, float]  # by layer, how far a change moved what was asked for, relative to its size
COLUMNS = ("W above", "deltas of", "error", "target", "own pass", "feedback", "it learns from", "updates")


def conv_and_dense() -> Network:
    """Two convolutions, two dense hidden layers and the output; layers 2 and 3 lie between hidden layers."""
    layers = [Conv(3, 2, "tanh"), Conv(4, 3, "tanh"), Dense(8, "tanh"), Dense(7, "tanh"), Dense(3)]
    return unlike(Network((5, 5, 2), layers, dtype="float64", seed=4))


@dataclass
class Scene:
    """One batch before a rule; a change by hand writes into it."""

    rule: Rule
    traces: Traces
    output: Output
    rng: np.random.Generator

    @property
    def net(self) -> Network:
        return self.rule.net

    def above(self, number: int) -> list[Any]:
        return [layer for layer in self.net.layers if layer.number > number]

    def signals(self) -> dict[int, Signal]:
        return dict(self.rule.signals(self.traces, self.output))


Change = Callable[[Scene, int], Any]  # of a scene, for the layer of that number


def needs(make: str | Make, build: Callable[[], Network] = conv_and_dense) -> dict[str, str]:
    """{column: word} of a rule: its name in `RULES` or `VARIANTS`, its class, or a function of the net that makes it.

    `build` makes the net to ask in, of five layers. Raises InputError for an unknown name, and where the rule refuses
    the net.
    """
    return in_words(measure(make, build), build())


def table(names: Iterable[str] = ()) -> list[list[str]]:
    """The rows of the named rules, or of all, under a row of titles."""
    rows = [[name, *needs(name).values()] for name in list(names) or [*RULES, *VARIANTS]]
    return [["rule", *COLUMNS], *rows]


def measure(make: str | Make, build: Callable[[], Network] = conv_and_dense) -> dict[str, Figures]:
    """How far each change moves what a layer's weights, or its feedback, learn from this batch."""
    own: Make = (lambda net: make_rule(make, net)) if isinstance(make, str) else make

    def scene() -> Scene:
        net = build()
        x, target = batch(net, EXAMPLES)
        traces = net.forward(x, train=True)
        output = SoftmaxCrossEntropy().output(net, traces, target)
        return Scene(own(net), traces, output, np.random.default_rng(0))

    numbers = asked(build())
    updates, learned = ({n: of(scene(), n) for n in numbers} for of in (update, learning))

    def moved(of: Callable[[Scene, int], Arrays], change: Change, before: dict[int, Arrays]) -> Figures:
        return {n: _difference(of(changed(scene(), change, n), n), before[n]) for n in numbers}

    found = {name: moved(update, change, updates) for name, change in CHANGES.items()}
    found |= {f"learns from {name}": moved(learning, change, learned) for name, change in SOURCES.items()}
    found["told"] = {n: float(bool(updates[n])) for n in numbers}
    found["has feedback"] = dict.fromkeys(numbers, float(bool(scene().rule.arrays())))
    found["changes"] = {n: max(map(_size, learned[n].values()), default=0.0) for n in numbers}
    found["drawn from W"] = drawn_from_W(own, build)
    found["pass with the signal"] = own_passes(scene(), Scene.signals)
    found["pass after the batch"] = own_passes(scene(), lambda s: s.rule.settle(s.traces, s.output))
    return found


def asked(net: Network) -> list[int]:
    """The layers that are asked: hidden ones, with a hidden layer below and above."""
    return list(range(2, len(net.layers) - 1))


def changed(scene: Scene, change: Change, number: int) -> Scene:
    change(scene, number)
    return scene


def _difference(a: Arrays, b: Arrays) -> float:
    return largest_difference(a, b) if a or b else 0.0


def _size(array: Array) -> float:
    return float(abs(array).max())


# -- What is asked for -----------------------------------------------------------------------------------------------


def update(scene: Scene, number: int) -> Arrays:
    """The gradients of a layer's own parameters."""
    found = scene.rule.gradients(scene.traces, scene.output)
    return {name: gradient for name, gradient in found.items() if name.startswith(f"{number}.")}


def learning(scene: Scene, number: int) -> Arrays:
    """How a layer's feedback changes: down its gradients, and by what the rule does after the batch."""
    gradients = scene.rule.gradients(scene.traces, scene.output)
    found = {name: g for name, g in gradients.items() if name.startswith(f"feedback.{number}.")}
    before = {name: array.copy() for name, array in scene.rule.feedback.get(number, {}).items()}
    scene.rule.settle(scene.traces, scene.output)
    after = scene.rule.feedback.get(number, {})
    return found | {f"after {name}": after[name] - before[name] for name in before}


# -- What is changed while all else stays: the signal ----------------------------------------------------------------


def sizes_of_W(scene: Scene, number: int) -> None:
    """|W| of the layers above; the signs stay."""
    for layer in scene.above(number):
        answer_as_before(layer)
        layer.W *= scene.rng.uniform(0.5, 2, layer.W.shape)


def signs_of_W(scene: Scene, number: int) -> None:
    """sign(W) of the layers above; the sizes stay."""
    for layer in scene.above(number):
        answer_as_before(layer)
        layer.W *= scene.rng.choice([-1, 1], layer.W.shape)


def W_of_hidden_layers(scene: Scene, number: int) -> None:
    """W of the hidden layers above, all of it."""
    for layer in scene.above(number)[:-1]:
        answer_as_before(layer)
        layer.W[...] = scene.rng.standard_normal(layer.W.shape)


def answer_as_before(layer: Any) -> None:
    """What goes up through the layer meets the W of now, also when its numbers are others: a rule that sees only what
    the layer answers reads none of them."""
    weigh, before = layer.weigh, layer.W.copy()
    layer.weigh = lambda x, W, bias=None: weigh(x, before if W is layer.W else W, bias)


def deltas_above(scene: Scene, number: int) -> None:
    """What the hidden layers above make of what they are told; the error at the output stays."""
    tell_otherwise(scene, lambda other: other > number)


def deltas_below(scene: Scene, number: int) -> None:
    """What the layers below make of what they are told."""
    tell_otherwise(scene, lambda other: other < number)


def tell_otherwise(scene: Scene, chosen: Callable[[int], bool]) -> None:
    receive, rng = scene.rule.receive, scene.rng

    def other(layer: Any, trace: Any, e: Array) -> Signal:
        signal = receive(layer, trace, e)
        return scaled(signal, rng) if chosen(layer.number) else signal

    scene.rule.receive = other  # type: ignore[method-assign]


def scaled(signal: Signal, rng: np.random.Generator, low: float = -2) -> Signal:
    """Each entry of e and delta times a random number of its own."""
    e = None if signal.e is None else signal.e * rng.uniform(low, 2, signal.e.shape)
    delta = signal.delta * rng.uniform(low, 2, signal.delta.shape)
    return signal._replace(e=e, delta=delta)


def size_of_error(scene: Scene, number: int) -> None:
    """|error| at the output; the signs and the target stay."""
    scene.output = scene.output._replace(signal=scaled(scene.output.signal, scene.rng, 0.5))


def sign_of_error(scene: Scene, number: int) -> None:
    """The signs of the error too; the target stays."""
    scene.output = scene.output._replace(signal=scaled(scene.output.signal, scene.rng))


def target(scene: Scene, number: int) -> None:
    """Each example has another class; the error stays."""
    scene.output = scene.output._replace(target=np.roll(scene.output.target, 1, axis=1))


def rest_of_the_pass(scene: Scene, number: int) -> None:
    """What the layers above and the output make of this layer's h, and so the error. W and the target stay."""
    traces = passed_above(scene, number)
    scene.output = SoftmaxCrossEntropy().output(scene.net, traces, scene.output.target)
    scene.traces = traces


def all_but_the_error(scene: Scene, number: int) -> None:
    """All that other layers know of the batch: activities above, deltas everywhere. Error and target stay."""
    tell_otherwise(scene, lambda other: other != number)
    scene.traces = passed_above(scene, number)


def passed_above(scene: Scene, number: int) -> Traces:
    """The traces, of which those above the layer are what other weights above would have made."""
    kept = {layer.number: layer.W.copy() for layer in scene.above(number)}
    for layer in scene.above(number):
        layer.W[...] = scene.rng.standard_normal(layer.W.shape)
    other = scene.net.forward(scene.traces[1].x, train=True)
    for layer in scene.above(number):
        layer.W[...] = kept[layer.number]
    return {n: trace if n <= number else other[n] for n, trace in scene.traces.items()}


CHANGES: dict[str, Change] = {
    "|W|": sizes_of_W,
    "sign W": signs_of_W,
    "hidden W": W_of_hidden_layers,
    "deltas above": deltas_above,
    "deltas below": deltas_below,
    "|error|": size_of_error,
    "sign error": sign_of_error,
    "target": target,
    "rest of the pass": rest_of_the_pass,
    "all but the error": all_but_the_error,
}


# -- The same for what feedback learns from. What the layers are told is held, unless it is what changes. ------------


def hold_signals(scene: Scene) -> None:
    """Each layer is told what it was told before anything changed."""
    told = scene.signals()
    scene.rule.receive = lambda layer, trace, e: told[layer.number]  # type: ignore[method-assign]


def own_W(scene: Scene, number: int) -> None:
    """W as a table of numbers, by an amount that no activity shows: each input of this batch meets the same answer, and
    what the rule itself sends through the layer is answered as before."""
    hold_signals(scene)
    layer = scene.net[number]
    answer_as_before(layer)
    rows, N = layer.rows(scene.traces[number].x), scene.rng.standard_normal(layer.W.shape)
    layer.W += N - np.linalg.pinv(rows) @ (rows @ N)


def activities(scene: Scene, number: int) -> None:
    """What every layer computed; deltas, error and target stay."""
    hold_signals(scene)
    scene.traces = scene.net.forward(batch(scene.net, EXAMPLES, seed=1)[0], train=True)


def deltas(scene: Scene, number: int) -> None:
    """What the hidden layers are told; the error stays."""
    hold_signals(scene)
    tell_otherwise(scene, lambda other: True)


def error(scene: Scene, number: int) -> None:
    hold_signals(scene)
    sign_of_error(scene, number)


def target_alone(scene: Scene, number: int) -> None:
    hold_signals(scene)
    target(scene, number)


SOURCES: dict[str, Change] = {
    "W": own_W,
    "activities": activities,
    "delta": deltas,
    "error": error,
    "target": target_alone,
}


def drawn_from_W(make: Make, build: Callable[[], Network]) -> Figures:
    """How far another W above moves the feedback of a new rule."""
    before, found, rng = make(build()).arrays(), {}, np.random.default_rng(0)
    for number in asked(build()):
        net = build()
        for layer in net.layers[number:]:
            layer.W[...] = rng.standard_normal(layer.W.shape)
        after, own = make(net).arrays(), f"{number}."
        found[number] = _difference(*({k: v for k, v in each.items() if k.startswith(own)} for each in (after, before)))
    return found


def own_passes(scene: Scene, run: Callable[[Scene], Any]) -> Figures:
    """1 for each layer through whose weights something goes that is none of the batch's activities."""
    found = dict.fromkeys(asked(scene.net), 0.0)

    def watch(layer: Any) -> None:
        weigh, x = layer.weigh, scene.traces[layer.number].x

        def watched(given: Array, W: Array, bias: Array = None) -> Array:
            if W is layer.W and not np.array_equal(given, x):
                found[layer.number] = 1.0
            return weigh(given, W, bias)

        layer.weigh = watched

    for number in found:
        watch(scene.net[number])
    run(scene)
    return found


# -- In words --------------------------------------------------------------------------------------------------------


def in_words(found: dict[str, Figures], net: Network) -> dict[str, str]:
    """{column: word} of what `measure` found."""
    words = {number: _of_layer({name: each[number] > READ for name, each in found.items()}) for number in asked(net)}
    return {column: _of_layers({n: words[n][i] for n in words}, net) for i, column in enumerate(COLUMNS)}


def _of_layer(moved: dict[str, bool]) -> tuple[str, ...]:
    return W_word(moved), deltas_word(moved), error_word(moved), target_word(moved), pass_word(moved), \
        feedback_word(moved), sources_word(moved), updates_word(moved)  # fmt: skip


def _of_layers(words: dict[int, str], net: Network) -> str:
    """One word, or one for convolutions and one for dense layers where they differ."""
    if len(set(words.values())) == 1:
        return next(iter(words.values()))
    return "; ".join(f"{type(net[n]).__name__.lower()}: {word}" for n, word in words.items())


def W_word(moved: dict[str, bool]) -> str:
    if moved["hidden W"]:
        return "W" if moved["|W|"] else "signs"
    if moved["|W|"] or moved["sign W"]:
        return "W of the output layer"
    return "-"


def deltas_word(moved: dict[str, bool]) -> str:
    return " and ".join(where for where in ("above", "below") if moved[f"deltas {where}"]) or "-"


def error_word(moved: dict[str, bool]) -> str:
    return "yes" if moved["|error|"] else "its sign" if moved["sign error"] else "-"


def target_word(moved: dict[str, bool]) -> str:
    return "yes" if moved["target"] else "-"


def pass_word(moved: dict[str, bool]) -> str:
    return "with the signal" if moved["pass with the signal"] else "a phase" if moved["pass after the batch"] else "-"


def feedback_word(moved: dict[str, bool]) -> str:
    if moved["changes"]:
        return "learns" if sources_word(moved) != "-" else "redrawn"
    if moved["drawn from W"]:
        return "fixed, drawn from W"
    return "fixed" if moved["has feedback"] else "-"


def sources_word(moved: dict[str, bool]) -> str:
    found = [name for name in SOURCES if moved[f"learns from {name}"]]
    return ", ".join(found + ["its own pass"] * moved["pass after the batch"]) or "-"


def updates_word(moved: dict[str, bool]) -> str:
    if not moved["told"]:
        return "never"
    if not moved["rest of the pass"]:
        return "at once"
    if not moved["all but the error"]:
        return "all together"
    return "one by one, " + ("down" if moved["deltas above"] else "up")
