"""What an update shows of one net and its rule, between two steps: nothing here changes anything.

Every array comes from the library's own calls: `net.forward`, `loss.output`, `rule.signals`, `layer.gradients`. The
step in numbers is the one that comes next, on the batch that comes next, with the weights that are now.
"""

import inspect
import textwrap

import numpy as np

from .. import metrics
from ..backend import Array, to_host
from ..layers import Signal, Weighted
from ..losses import Loss, softmax
from ..network import Network
from ..optim import SGD
from ..rules import BP, KDFA, Rule, SequentialRule
from .messages import Message, finite, in_letters, numbers, picture

UNITS_SHOWN = 32  # of the first layer, as images
EXAMPLES, UNITS, INPUTS = 4, 6, 6  # of the step in numbers
WHERE_RULES_SPEAK = ("stand_in", "project", "across", "signals")


def equation(rule: Rule) -> str:
    """The equation in the head of the rule's file."""
    lines = (inspect.getdoc(inspect.getmodule(type(rule))) or "").splitlines()
    start = lines.index("Equation") + 1 if "Equation" in lines else len(lines)
    found = []
    for line in lines[start:]:
        if not line.strip():
            break
        found.append(line.strip())
    return "\n".join(found)


def code(rule: Rule) -> Message:
    """The rule's own line: the method in which its class says what a layer is told, and the file."""
    for name in WHERE_RULES_SPEAK:
        if name in vars(type(rule)):
            lines = inspect.getsource(getattr(type(rule), name))
            file = type(rule).__module__.replace(".", "/") + ".py"
            return {"file": file, "lines": textwrap.dedent(lines).rstrip()}
    return {"file": "", "lines": ""}


def matrices(rule: Rule, number: int) -> Message:
    """W^T of a layer and what the rule has beside it. `kind` says what that is: in W^T's place, the array's name, or
    nothing. `note` says where it leads from and to."""
    layer, own = rule.net[number], rule.feedback.get(number, {})
    found: Message = {"W": picture(layer.W.T), "B": None, "kind": "nothing", "note": "The rule has no matrix here."}
    sequential = isinstance(rule, SequentialRule)
    above = f"what layer {number} is told came through layer {number + 1}'s."
    if sequential and any(layer is each for each in rule.receiving_layers()):
        if layer is rule.net.last:
            above = f"what layer {number} is told is the outputs' error itself."
        note = f"This carries delta_{number} down to layer {number - 1}; {above}"
        found |= {"B": picture(rule.stand_in(layer, own)), "kind": "in W^T's place", "note": note}
    elif own:
        name = "B" if "B" in own else next(iter(own))
        if own[name].ndim == 2:
            note = f"{name} stands for no single W^T."
            if isinstance(rule, KDFA):
                note = f"This B leads from the outputs to layer {number - 1}, in the place of delta_{number} W^T."
            elif name == "B":
                note = f"This B leads from the outputs straight to layer {number}; it stands for no single W^T."
            found |= {"B": picture(own[name]), "kind": name, "note": note}
    elif number == 1:
        found["note"] = "No signal crosses W of layer 1: nothing is below it." + (
            f" {above.capitalize()}" if sequential else ""
        )
    return found


def first_weights(net: Network) -> Message:
    """The first layer's weights, a small image for each of the first units."""
    layer = net[1]
    side = int(np.sqrt(layer.W.shape[0]))  # of a digit, or of a kernel over one channel
    images = to_host(layer.W.T[:UNITS_SHOWN]).reshape(-1, side, side)
    return picture(images) | {"units": layer.W.shape[1]}


def signals_of_one(rule: Rule, loss: Loss, x: Array, target: Array, number: int, batch_number: int) -> Message:
    """What the layer is told about one digit: the rule's delta beside BP's on the same net, and their angle."""
    net = rule.net
    traces = net.forward(x, train=True)
    output = loss.output(net, traces, target, batch_number)
    mine, true = (dict(each.signals(traces, output)) for each in (rule, BP(net)))
    angles = {
        n: finite(metrics.angle(mine[n].delta.reshape(-1), true[n].delta.reshape(-1)))
        for n in rule.hidden()
        if n in mine
    }
    answers = to_host(softmax(traces[net.last.number].h)[0])
    told = mine.get(number)
    return {
        "delta": picture(as_strip(net[number], told.delta)) if told is not None else None,
        "bp": picture(as_strip(net[number], true[number].delta)),
        "angles": angles,
        "answers": [finite(p) for p in answers],
    }


def as_strip(layer: Weighted, delta: Array) -> Array:
    """The delta of one example as a picture: a row of units, or the maps of a convolution one under the other."""
    delta = to_host(delta)
    if len(layer.shape_z) == 1 or delta.size == layer.size:
        return delta.reshape(1, -1)
    height, width, channels = layer.shape_z
    return delta.reshape(height, width, channels).transpose(0, 2, 1).reshape(height, channels * width)


def equations(rule: Rule, number: int, told: Signal | None, examples: int, optimizer: SGD) -> list[str]:
    """The step of one layer, a line an equation. Of b, which the page does not show, it says so."""
    layer = rule.net[number]
    tail = ", ".join(repr(item) for item in layer.tail)
    found = ["z = x W + b", f"h = f(z),   f: {tail}" if tail else "h = z: no activation here"]
    if told is None:
        return [*found, *equation(rule).splitlines(), "No delta: W and b of this layer stay as they are"]
    if layer is rule.net.last:
        found += ["e = softmax(z) - y, the same under every rule", "delta = e"]
    elif told.e is None:  # the rule makes delta by an equation of its own
        found += equation(rule).splitlines()
    else:
        found += [*equation(rule).splitlines(), f"delta_{number} = e_{number} times f's derivative"]
    dW = f"(dW + {optimizer.decay} W)" if optimizer.decay else "dW"
    found += [f"dW = x^T delta / N,   N = {examples}", f"W <- W - {optimizer.lr} {dW}", "b, not shown, likewise"]
    return found


def step(rule: Rule, loss: Loss, optimizer: SGD, x: Array, target: Array, number: int) -> Message:
    """The step of one layer on the batch x, in numbers: x, z, h, e, delta of a few examples and units, and dW."""
    net, batch_number = rule.net, optimizer.step + 1
    layer = net[number]
    traces = net.forward(x, train=True)
    output = loss.output(net, traces, target, batch_number)
    told: Signal | None = None
    for n, signal in rule.signals(traces, output):
        if n == number:
            told = signal
            break
    trace, n = traces[number], len(x)
    few = min(EXAMPLES, n)
    place = () if len(layer.shape_z) == 1 else (layer.shape_z[0] // 2, layer.shape_z[1] // 2)
    after = () if len(layer.shape_out) == 1 else (layer.shape_out[0] // 2, layer.shape_out[1] // 2)
    inputs = inputs_shown(layer)
    z = layer.sum_inputs(tuple(each[:few] for each in trace.inputs)).reshape(few, *layer.shape_z)
    rows = layer.rows(trace.x[:few])
    rows = rows.reshape(few, *layer.shape_z[:-1], rows.shape[1])
    found: Message = {
        "batch": batch_number,
        "examples": n,
        "equations": equations(rule, number, told, n, optimizer),
        "last": layer is net.last,
        "shapes": {"x": [n, layer.W.shape[0]], "z": [n, *layer.shape_z], "h": [n, *layer.shape_out]},
        "place": list(place),
        "place_of_h": list(after),
        "inputs": [inputs.start, inputs.stop],
        "units": min(UNITS, layer.W.shape[1]),
        "x": numbers(at(rows, place)[:, inputs]),
        "z": numbers(at(z, place)[:, :UNITS]),
        "h": numbers(at(trace.h[:few], after)[:, :UNITS]),
        "e": None,
        "delta": None,
        "dW": None,
        "W": numbers(layer.W[inputs, :UNITS]),
    }
    if told is not None:
        delta = told.delta.reshape(n, *layer.shape_z)
        found["delta"] = numbers(at(delta[:few], place)[:, :UNITS])
        found["dW"] = numbers(layer.gradients(trace, told)["W"][inputs, :UNITS])
        if told.e is not None:
            found["e"] = numbers(at(told.e.reshape(trace.h.shape)[:few], after)[:, :UNITS])
    return found


def at(array: Array, place: tuple[int, ...]) -> Array:
    """(examples, units) of an array: of a map, the units at one place."""
    return array if not place else array[:, place[0], place[1]]


def inputs_shown(layer: Weighted) -> slice:
    """The inputs of which the step shows numbers: a digit's edge is blank, so of pixels those in its middle."""
    size = layer.W.shape[0]
    if layer.number == 1 and size == 784:
        return slice(14 * 28 + 11, 14 * 28 + 11 + INPUTS)
    start = max(0, (size - INPUTS) // 2) if len(layer.shape_z) > 1 else 0
    return slice(start, min(start + INPUTS, size))


def wrong_digits(images: np.ndarray, test: np.ndarray, found: list[tuple[int, int, int]]) -> list[Message]:
    """Digits that were read wrongly: (place among the digits that are tested, the label, what was read)."""
    return [
        {"place": place, "label": label, "read": read, "image": in_letters(images[test[place]].reshape(28, 28))}
        for place, label, read in found
    ]
