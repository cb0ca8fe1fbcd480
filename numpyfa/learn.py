"""Learning: one batch, and the only training loop.

traces  = net.forward(x)                   what each layer computed
output  = loss.output(traces[-1].h, y)     the loss and the error of each example
signals = rule.signals(traces, output)     what each layer is told
optimizer.update(parameters, gradients)    dW = rows^T delta / N

`train_step` goes through the signals one by one (`rule.sweep`), and forgets each when its gradients are taken: those of
a deep net need not be in memory all at once.
"""

import math
from dataclasses import replace

import numpy as np

from . import metrics
from .backend import Streams, keep_freed_memory, to_device, to_host
from .errors import Diverged, InputError
from .losses import check_loss

PROBE = 1000  # the alignment is measured on the first examples of the training set, this many


def train_step(net, rule, loss, optimizer, x, target, noise=None):
    """One batch by one rule; returns (the batch's mean loss, the traces). Feedback that learns takes W's own steps."""
    rule.step = optimizer.step + 1
    traces = net.forward(x, train=True, noise=noise)
    output = loss.output(traces[-1].h, target)
    gradients = {}
    for layer, signal in rule.sweep(traces, output):  # each signal is forgotten when its gradients are taken
        trace = traces[layer.number - 1]
        output = replace(output, error=signal.delta) if layer is net.layers[-1] else output
        gradients |= {f"{layer.number}.{name}": gradient for name, gradient in layer.gradients(trace, signal).items()}
        gradients |= rule.gradients_of(layer, trace, signal, output)
    optimizer.update(net.parameters() | rule.parameters(), gradients)
    net.settle(traces)
    rule.settle(traces)
    return float(output.value), traces


def fit(net, rule, loss, optimizer, data, *, epochs, batch_size, seed=0, history=(), after_epoch=None, after_batch=None,
        augment=None):  # fmt: skip
    """Train until `epochs`; return the history, a list with one dictionary an epoch, from epoch 0 (untrained).

    epoch, train_error and test_error (in %), loss (mean over the training set, in evaluation mode),
    angle_l (mean delta angle of hidden layer l in degrees, see `numpyfa.metrics.delta_angle`) and
    weight_angle_l (W_l^T against what stands in its place, such as B_l, for sequential rules other than BP) and
    logit_cosine_l (for direct rules with a B_l).

    The order of the examples depends on `seed` and the epoch alone. Given the `history` of an earlier run
    and its state (see `numpyfa.checkpoint`), it goes on exactly where that run stopped.
    `after_epoch(history)` is called after each epoch, `after_batch(epoch, done, batches)` after each batch.
    `augment(x, rng)`, such as `dataset.flip_and_crop`, changes each training batch.

    Raises InputError for data that does not fit the net, and Diverged when the loss is not finite.
    """
    check_loss(loss, net)
    if rule.net is not net:
        raise InputError("the rule is bound to another net: make it with this one, such as BP(net)")
    if epochs < 0 or batch_size < 1:
        raise InputError(f"epochs must be from 0 and the batch size from 1, found {epochs} and {batch_size}")
    if data.classes != net.size_out:
        raise InputError(f"{data.name} has {data.classes} classes, but the net has {net.size_out} outputs")
    rule.check_optimizer(optimizer)
    rule.check_loss(loss)
    x, target, label, x_test, y_test = _prepare(net, data)
    streams = Streams(seed)

    def record(epoch):
        train, test = evaluate(net, loss, x, label), evaluate(net, loss, x_test, y_test)
        if not math.isfinite(train[0] + test[0]):
            raise _diverged(net, optimizer, net.forward(net.to_float(x[:PROBE])))
        row = {"epoch": epoch, "train_error": train[1], "test_error": test[1], "loss": train[0]}
        return row | measure_alignment(rule, loss, x, target, streams("probe", epoch))

    history = list(history) or [record(0)]
    for epoch in range(history[-1]["epoch"] + 1, epochs + 1):
        order = to_device(streams("order", epoch).permutation(len(x)), net.module)
        noise, shifts = streams("noise", epoch), streams("augment", epoch)
        change = augment and (lambda batch, rng=shifts: augment(batch, rng))
        told = after_batch and (lambda done, batches, now=epoch: after_batch(now, done, batches))
        run_epoch(net, rule, loss, optimizer, x, target, order, batch_size, noise, change, told)
        history.append(record(epoch))
        if after_epoch:
            after_epoch(history)
    return history


def run_epoch(net, rule, loss, optimizer, x, target, order, batch_size, noise=None, augment=None, after_batch=None):
    """Train on the examples x in the given order, once. x may be bytes: only a batch at a time becomes numbers.
    `augment(batch)` is what a batch is replaced by before that.

    Raises Diverged when the loss is not finite.
    """
    keep_freed_memory()
    for start in range(0, len(order), batch_size):
        batch = order[start : start + batch_size]
        images = augment(x[batch]) if augment else x[batch]
        value, traces = train_step(net, rule, loss, optimizer, net.to_float(images), target[batch], noise)
        if not math.isfinite(value):
            raise _diverged(net, optimizer, traces)
        if after_batch:
            after_batch(start // batch_size + 1, -(-len(order) // batch_size))


def evaluate(net, loss, x, label, batch_size=1000):
    """(mean loss, error in %) over many examples, in evaluation mode."""
    total, wrong = 0.0, 0
    one = to_device(np.eye(net.size_out, dtype=net.dtype), net.module)
    for start in range(0, len(x), batch_size):
        here = label[start : start + batch_size]
        h = net.forward(net.to_float(x[start : start + batch_size]))[-1].h
        total += float(loss.output(h, one[here]).value) * len(here)
        wrong += int((h.argmax(axis=1) != here).sum())
    return total / len(x), 100 * wrong / len(x)


def measure_alignment(rule, loss, x, target, noise=None):
    """{angle_l, weight_angle_l} in degrees, on the first examples, in training mode; nothing is changed."""
    traces = rule.net.forward(rule.net.to_float(x[:PROBE]), train=True, noise=noise)
    output = loss.output(traces[-1].h, target[:PROBE])
    angles = {f"angle_{n}": value for n, value in metrics.delta_angle(rule, traces, output).items()}
    angles |= {f"weight_angle_{n}": value for n, value in metrics.weight_angle(rule).items()}
    return angles | {f"logit_cosine_{n}": value for n, value in metrics.logit_cosine(rule, traces).items()}


def one_hot(label, classes, dtype):
    """Labels as rows of zeros with a one."""
    return np.eye(classes, dtype=dtype)[label]


def _prepare(net, data):
    """Inputs, one-hot targets and labels of the training set, inputs and labels of the test set, on the device."""
    x, x_test = net.as_input(data.x_train), net.as_input(data.x_test)
    target = to_device(one_hot(data.y_train, data.classes, net.dtype), net.module)
    return x, target, to_device(data.y_train, net.module), x_test, to_device(data.y_test, net.module)


def _diverged(net, optimizer, traces):
    if not np.isfinite(to_host(traces[0].inputs[0])).all():
        return Diverged(
            f"the loss is not finite at step {optimizer.step}: the input holds numbers too large for {net.dtype}"
        )
    broken = [number for number, trace in enumerate(traces, start=1) if not np.isfinite(to_host(trace.h)).all()]
    layer = broken[0] if broken else len(net.layers)
    lr = optimizer.lr_now
    return Diverged(
        f"the loss is not finite at step {optimizer.step}, first seen in the output of layer {layer}; "
        f"the likely cause is a learning rate too large for this rule (now {lr:g}): try {lr / 10:g}"
    )
