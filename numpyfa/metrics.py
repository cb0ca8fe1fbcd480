"""Alignment, by its several published definitions, each under its own name. Angles are in degrees.

All are signed: an angle above 90 degrees is anti-alignment (Lillicrap et al. folded it onto 0..90).
All are summed in float64, and NaN, never 0 or 1, where a norm is zero. Each returns {layer number: value}
over the hidden layers that were told something; the output layer's delta is exact under every rule.

    delta_angle, delta_cosine the rule's delta against true BP's, example by example, then the mean
    batch_delta_angle         the same, but one angle of the whole batch flattened; not the mean of angles
    step_delta_angle          against one BP step from the rule's own delta above (Akrout et al. 2019):
                              flattering in deep nets, since errors made above are not counted (sequential rules)
    gradient_cosine           cosine of the weight-and-bias gradients, averaged over the batch
    total_gradient_cosine     the same for all hidden layers as one vector
    delta_norm_ratio          |delta of the rule| / |delta of BP|, over the whole batch
    weight_angle              W^T against what stands in its place, such as B (sequential rules)
    weight_norm_ratio         the norms of these two (sequential rules)
    logit_cosine              the network's output against h_l B_l^T, the output that B_l stands for (direct rules)

The BP reference uses the same traces, so the same activations, dropout masks and batch statistics.
"""

import itertools
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from .backend import Array, to_host
from .errors import InputError
from .layers import Trace
from .losses import Output
from .rules import BP, DirectRule, Rule, SequentialRule

Traces = dict[int, Trace]
ByLayer = dict[int, float]
Measure = Callable[[Array, Array], Any]


def cosine(a: Array, b: Array) -> Any:
    """<a, b> / (|a| |b|) along the last axis, in float64; NaN where a norm is zero."""
    a, b = (np.asarray(to_host(x), np.float64) for x in (a, b))
    norms = np.linalg.norm(a, axis=-1) * np.linalg.norm(b, axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.clip(np.where(norms > 0, (a * b).sum(-1) / norms, np.nan), -1, 1)


def angle(a: Array, b: Array) -> Any:
    """The angle between a and b along the last axis, in degrees."""
    return np.degrees(np.arccos(cosine(a, b)))


def delta_angle(rule: Rule, traces: Traces, output: Output) -> ByLayer:
    """The mean over examples of the angle between the rule's delta and BP's. Examples without an angle are left out."""
    return _per_layer(rule, traces, output, _per_example(angle))


def delta_cosine(rule: Rule, traces: Traces, output: Output) -> ByLayer:
    """The mean over examples of the cosine between the rule's delta and BP's   [Launay et al. 2019]"""
    return _per_layer(rule, traces, output, _per_example(cosine))


def batch_delta_angle(rule: Rule, traces: Traces, output: Output) -> ByLayer:
    """The angle between the rule's delta and BP's, the whole batch flattened into one vector."""
    return _per_layer(rule, traces, output, lambda n, a, b: float(angle(a.reshape(-1), b.reshape(-1))))


def step_delta_angle(rule: Rule, traces: Traces, output: Output) -> ByLayer:
    """As `delta_angle`, but BP's delta is one step of BP from the rule's own deltas above   [Akrout et al. 2019]"""
    if not isinstance(rule, SequentialRule):
        raise InputError("the single-step angle follows a signal down the layers; this rule sends none")
    net, bp = rule.net, BP(rule.net)
    own = dict(rule.signals(traces, output))
    told: dict[int, Array] = {}
    for layer in net.layers:
        sent = bp.send(layer, traces[layer.number], own[layer.number], output)
        for source in net.sources[layer.number]:
            told[source] = told.get(source, 0) + sent
    result = {}
    for layer in net.layers[:-1]:
        trace = traces[layer.number]
        step = layer.backward(trace, told[layer.number])
        result[layer.number] = _per_example(angle)(len(trace.h), own[layer.number].delta, step.delta)
    return result


def delta_norm_ratio(rule: Rule, traces: Traces, output: Output) -> ByLayer:
    """|delta of the rule| / |delta of BP|, over the whole batch."""
    return _per_layer(rule, traces, output, lambda n, a, b: _ratio(a, b))


def gradient_cosine(rule: Rule, traces: Traces, output: Output) -> ByLayer:
    """The cosine of the rule's gradient with BP's, weights and biases of a layer as one vector."""
    mine, true = _gradients(rule, traces, output), _gradients(BP(rule.net), traces, output)
    return {number: float(cosine(mine[number], true[number])) for number in sorted(mine)}


def total_gradient_cosine(rule: Rule, traces: Traces, output: Output) -> float:
    """The cosine of the rule's gradient with BP's, all hidden layers as one vector: a single number.

    A layer that the rule tells nothing counts with a gradient of zero.
    """
    mine, true = _gradients(rule, traces, output), _gradients(BP(rule.net), traces, output)
    numbers = sorted(true)
    a = np.concatenate([mine.get(number, np.zeros_like(true[number])) for number in numbers])
    return float(cosine(a, np.concatenate([true[number] for number in numbers])))


def weight_angle(rule: Rule) -> ByLayer:
    """The angle between W^T and what stands in its place, as flattened vectors: B; c sign(W)^T; the path B R of PFA."""
    return {n: float(angle(W.T.reshape(-1), M.reshape(-1))) for n, W, M in _pairs(rule)}


def weight_norm_ratio(rule: Rule) -> ByLayer:
    """The norm of what stands in W^T's place, relative to |W|."""
    return {n: _ratio(M, W) for n, W, M in _pairs(rule)}


def logit_cosine(rule: Rule, traces: Traces) -> ByLayer:
    """The mean over examples of the cosine between the net's output and h_l B_l^T   [Webster et al. 2021's code]"""
    result = {}
    if isinstance(rule, DirectRule):
        z = traces[rule.net.last.number].h
        for number, own in rule.feedback.items():
            if "B" in own:
                h = traces[number].h
                result[number] = _per_example(cosine)(len(z), z, h.reshape(len(z), -1) @ own["B"].T)
    return result


def _pairs(rule: Rule) -> Iterator[tuple[int, Array, Array]]:
    """(number, W, what stands for W^T) of each layer. BP has W^T itself; a direct rule's B stands for no W^T."""
    if isinstance(rule, SequentialRule) and not isinstance(rule, BP):
        for layer in rule.receiving_layers():
            yield layer.number, layer.W, rule.stand_in(layer, rule.feedback[layer.number])


def _ratio(a: Array, b: Array) -> float:
    top, bottom = (float(np.linalg.norm(np.asarray(to_host(x), np.float64))) for x in (a, b))
    return top / bottom if top and bottom else math.nan


def _per_example(measure: Measure) -> Callable[[int, Array, Array], float]:
    def mean(n: int, a: Array, b: Array) -> float:
        values = measure(a.reshape(n, -1), b.reshape(n, -1))
        values = values[~np.isnan(values)]
        return float(values.mean()) if len(values) else math.nan

    return mean


def _per_layer(rule: Rule, traces: Traces, output: Output, measure: Callable[[int, Array, Array], float]) -> ByLayer:
    """The two rules' signals side by side: what has been measured is forgotten, so that two layers' are in memory."""
    found: ByLayer = {}
    mine: dict[int, Array] = {}
    true: dict[int, Array] = {}
    for pair in itertools.zip_longest(rule.signals(traces, output), BP(rule.net).signals(traces, output)):
        for deltas, told in zip((mine, true), pair):
            if told is not None:
                number, signal = told
                deltas[number] = signal.delta
        for number in mine.keys() & true.keys():
            found[number] = measure(len(traces[number].h), mine.pop(number), true.pop(number))
    return {number: found[number] for number in rule.hidden() if number in found}


def _gradients(rule: Rule, traces: Traces, output: Output) -> dict[int, np.ndarray]:
    """The gradients of the hidden layers that the rule tells something, each flattened into one vector."""
    parts: dict[int, list[np.ndarray]] = {}
    parameters = rule.net.parameters()
    for name, gradient in rule.gradients(traces, output).items():
        number = int(name.partition(".")[0]) if name in parameters else rule.net.last.number
        if number < rule.net.last.number:
            parts.setdefault(number, []).append(np.asarray(to_host(gradient), np.float64).reshape(-1))
    return {number: np.concatenate(several) for number, several in parts.items()}
