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

import math

import numpy as np

from .backend import to_host
from .errors import InputError
from .layers import Weighted
from .rules import BP, DirectRule, SequentialRule


def cosine(a, b):
    """<a, b> / (|a| |b|) along the last axis, in float64; NaN where a norm is zero."""
    a, b = (np.asarray(to_host(x), np.float64) for x in (a, b))
    norms = np.linalg.norm(a, axis=-1) * np.linalg.norm(b, axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.clip(np.where(norms > 0, (a * b).sum(-1) / norms, np.nan), -1, 1)


def angle(a, b):
    """The angle between a and b along the last axis, in degrees."""
    return np.degrees(np.arccos(cosine(a, b)))


def delta_angle(rule, traces, output):
    """The mean over examples of the angle between the rule's delta and BP's. Examples without an angle are left out."""
    return _per_layer(rule, traces, output, _per_example(angle))


def delta_cosine(rule, traces, output):
    """The mean over examples of the cosine between the rule's delta and BP's   [Launay et al. 2019]"""
    return _per_layer(rule, traces, output, _per_example(cosine))


def batch_delta_angle(rule, traces, output):
    """The angle between the rule's delta and BP's, the whole batch flattened into one vector."""
    return _per_layer(rule, traces, output, lambda n, a, b: float(angle(a.reshape(-1), b.reshape(-1))))


def step_delta_angle(rule, traces, output):
    """As `delta_angle`, but BP's delta is one step of BP from the rule's own deltas above   [Akrout et al. 2019]"""
    if not isinstance(rule, SequentialRule):
        raise InputError("the single-step angle follows a signal down the layers; this rule sends none")
    net, own = rule.net, rule.signals(traces, output)
    told = {}
    for layer in net.layers:
        signal = own[layer.number - 1]
        for source in net.sources[layer.number]:
            if source:
                weighted = isinstance(layer, Weighted)
                sent = layer.carry(signal.delta, layer.W.T) if weighted else layer.fold(signal.delta)
                told[source] = told.get(source, 0) + sent
    result = {}
    for layer in net.layers[:-1]:
        trace = traces[layer.number - 1]
        step = layer.backward(trace, told[layer.number])
        result[layer.number] = _per_example(angle)(len(trace.h), own[layer.number - 1].delta, step.delta)
    return result


def delta_norm_ratio(rule, traces, output):
    """|delta of the rule| / |delta of BP|, over the whole batch."""
    return _per_layer(rule, traces, output, lambda n, a, b: _ratio(a, b))


def gradient_cosine(rule, traces, output):
    """The cosine of the rule's gradient with BP's, weights and biases of a layer as one vector."""
    mine, true = _gradients(rule, traces, output)
    return {number: float(cosine(mine[number], true[number])) for number in mine}


def total_gradient_cosine(rule, traces, output):
    """The cosine of the rule's gradient with BP's, all hidden layers as one vector: a single number.

    A layer that the rule tells nothing counts with a gradient of zero.
    """
    mine, true = _gradients(rule, traces, output)
    untold = {number: np.zeros_like(gradient) for number, gradient in true.items()}
    return float(cosine(*(np.concatenate(list(each.values())) for each in (untold | mine, true))))


def weight_angle(rule):
    """The angle between W^T and what stands in its place, as flattened vectors: B; c sign(W)^T; the path B R of PFA."""
    return {n: float(angle(W.T.reshape(-1), B.reshape(-1))) for n, W, B in _pairs(rule)}


def weight_norm_ratio(rule):
    """The norm of what stands in W^T's place, relative to |W|."""
    return {n: _ratio(B, W) for n, W, B in _pairs(rule)}


def logit_cosine(rule, traces):
    """The mean over examples of the cosine between the net's output and h_l B_l^T   [Webster et al. 2021's code]"""
    result = {}
    if isinstance(rule, DirectRule):
        z = traces[-1].h
        for number, own in rule.feedback.items():
            if "B" in own:
                h = traces[number - 1].h
                result[number] = _per_example(cosine)(len(z), z, h.reshape(len(z), -1) @ own["B"].T)
    return result


def _pairs(rule):
    """(number, W, what stands for W^T) of each layer. BP has W^T itself; a direct rule's B stands for no W^T."""
    if isinstance(rule, SequentialRule) and not isinstance(rule, BP):
        for layer in rule.receiving_layers():
            yield layer.number, layer.W, rule.stand_in(layer)


def _ratio(a, b):
    top, bottom = (float(np.linalg.norm(np.asarray(to_host(x), np.float64))) for x in (a, b))
    return top / bottom if top and bottom else math.nan


def _per_example(measure):
    def mean(n, a, b):
        values = measure(a.reshape(n, -1), b.reshape(n, -1))
        values = values[~np.isnan(values)]
        return float(values.mean()) if len(values) else math.nan

    return mean


def _per_layer(rule, traces, output, measure):
    mine, true = rule.signals(traces, output), BP(rule.net).signals(traces, output)
    return {
        layer.number: measure(len(trace.h), a.delta, b.delta)
        for layer, trace, a, b in list(zip(rule.net.layers, traces, mine, true))[:-1]
        if a is not None
    }


def _gradients(rule, traces, output):
    """The hidden layers' gradients under the rule and under BP, each flattened, for the layers the rule told."""
    net, flat = rule.net, []
    for signals in (rule.signals(traces, output), BP(rule.net).signals(traces, output)):
        gradients = net.gradients(traces, signals)
        by_layer = {}
        for name, gradient in gradients.items():
            number = int(name.partition(".")[0])
            if number < len(net.layers):
                by_layer.setdefault(number, []).append(np.asarray(to_host(gradient), np.float64).reshape(-1))
        flat.append({number: np.concatenate(parts) for number, parts in by_layer.items()})
    return flat[0], flat[1]
