"""Learning: one batch, and the only training loop.

    traces    = net.forward(x, train=True)             what each layer computed
    output    = loss.output(net, traces, target)       the loss, and the error of each example
    gradients = rule.gradients(traces, output)         dW = rows^T delta / N, delta from what the rule tells each layer
    optimizer.update(parameters, gradients)            W <- W - lr dW, and feedback that learns in the same way
    net.settle(traces)                                 batch norm's running values
    rule.settle(traces, output)                        feedback that learns in a way of its own

These are the lines of `train_step`. Checks and metrics call the same `rule.gradients`: what is proved is what trains.
"""

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from . import metrics
from .backend import Array, Streams, keep_freed_memory, to_device, to_host
from .data import Dataset
from .describe import describe
from .errors import Diverged, InputError, check_whole, warn
from .layers import Trace
from .losses import Loss, check_loss
from .network import Network
from .optim import Optimizer
from .rules import RULES, Rule

PROBE = 1000  # the alignment is measured on the first examples of the training set, this many

Row = dict[str, Any]


def train_step(
    net: Network,
    rule: Rule,
    loss: Loss,
    optimizer: Optimizer,
    x: Array,
    target: Array,
    noise: np.random.Generator | None = None,
    feedback_optimizer: Optimizer | None = None,
) -> float:
    """Train on one batch by one rule; return the batch's mean loss from before.

    Feedback that learns by a gradient takes the updates of W's own optimiser, or those of `feedback_optimizer`.
    x is (N, *input_shape), target (N, outputs), both on the net's device; `noise` is for dropout.
    Raises InputError for a batch or a rule that does not fit the net, and Diverged, with nothing changed, when the loss
    or the input is not finite.
    """
    check_rule(rule, net)
    check_feedback_optimizer(rule, optimizer, feedback_optimizer)
    traces = net.forward(x, train=True, noise=noise)
    output = loss.output(net, traces, target, optimizer.step + 1)
    value = float(output.value)
    if not math.isfinite(value + float(net.module.vdot(x, x))):  # an infinite input can leave the loss finite
        explain_divergence(net, optimizer, optimizer.step + 1, traces, target, value, feedback_optimizer)
    parameters, gradients = net.parameters() | rule.parameters(), rule.gradients(traces, output)
    if feedback_optimizer is not None:
        feedback_optimizer.update(parameters, pop_feedback(gradients))
    optimizer.update(parameters, gradients)
    net.settle(traces)
    rule.settle(traces, output)
    return value


def fit(
    net: Network,
    rule: Rule,
    loss: Loss,
    optimizer: Optimizer,
    data: Dataset,
    *,
    epochs: int,
    batch_size: int,
    seed: int = 0,
    history: Sequence[Row] = (),
    after_epoch: Callable[[list[Row]], Any] | None = None,
    after_batch: Callable[[int, int, int], Any] | None = None,
    augment: Callable[..., Array] | None = None,
    feedback_optimizer: Optimizer | None = None,
    measured: int | None = None,
) -> list[Row]:
    """Train until `epochs`; return the history, a list with one dictionary an epoch, from epoch 0 (untrained).

    epoch, train_error and test_error (in %), loss and test_loss (means over the two sets, in evaluation mode; those of
    the training set over its first `measured` examples, if that is given: each epoch is a quarter quicker),
    angle_l (mean delta angle of hidden layer l in degrees, see `numpyfa.metrics.delta_angle`) and
    weight_angle_l (W_l^T against what stands in its place, such as B_l, for sequential rules other than BP) and
    logit_cosine_l (for direct rules with a B_l).

    The order of the examples depends on `seed` and the epoch alone. Given the `history` of an earlier run
    and its state (see `numpyfa.checkpoint`), it goes on exactly where that run stopped.
    `after_epoch(history)` is called after each epoch. `after_batch(epoch, done, batches)` is called after each batch,
    in the place of the progress bar that is shown on a terminal. `augment(x, rng)` changes each training batch, such as
    `numpyfa.data.flip_and_crop`. `feedback_optimizer` is for feedback that learns: see `train_step`.

    Raises InputError for data that does not fit the net, and Diverged when the loss is not finite.
    """
    for what, kind, found in (("net", Network, net), ("rule", Rule, rule), ("loss", Loss, loss),
                              ("optimizer", Optimizer, optimizer), ("data", Dataset, data)):  # fmt: skip
        if not isinstance(found, kind):
            raise InputError(f"fit: {what} must be a{'n' * (kind is Optimizer)} {kind.__name__}, found {found!r}")
    for what, call in (("after_epoch", after_epoch), ("after_batch", after_batch), ("augment", augment)):
        if call is not None and not callable(call):
            raise InputError(f"fit: {what} must be a function, found {call!r}")
    rows: Sequence[Any] = history  # whatever it is
    if not all(isinstance(row, dict) and "epoch" in row for row in rows):
        raise InputError("fit: history must be what an earlier fit gave back, a list with one dictionary an epoch")
    check_loss(loss, net)
    check_rule(rule, net)
    epochs = check_whole("epochs", epochs, 0)
    batch_size = check_whole("the batch size", batch_size, 1)
    if measured is not None:
        check_whole("the number of training examples that are measured", measured, 1, len(data.x_train))
    if data.classes != net.size_out:
        raise InputError(f"{data.name} has {data.classes} classes, but the net has {net.size_out} outputs")
    check_optimizers(rule, optimizer, feedback_optimizer)
    rule.check_loss(loss)
    x, target, label, x_test, y_test = prepare(net, data)
    streams = Streams(seed)

    @np.errstate(all="ignore")  # what goes wrong with numbers is told by Diverged
    def record(epoch: int) -> Row:
        train = evaluate(net, loss, x[:measured], label[:measured])
        test = evaluate(net, loss, x_test, y_test)
        if not math.isfinite(train[0] + test[0]):
            traces = net.forward(net.to_float(x[:PROBE]))
            explain_divergence(net, optimizer, optimizer.step, traces, target[:PROBE], math.nan, feedback_optimizer)
        row = {"epoch": epoch, "train_error": train[1], "test_error": test[1], "loss": train[0], "test_loss": test[0]}
        return row | measure_alignment(rule, loss, x, target, streams("probe", epoch), optimizer.step)

    history = list(history) or [record(0)]
    first = history[-1]["epoch"] + 1
    with _Bar(first, epochs, -(-len(x) // batch_size), after_batch) as tell:
        for epoch in range(first, epochs + 1):
            order = to_device(streams("order", epoch).permutation(len(x)), net.module)
            noise, shifts = streams("noise", epoch), streams("augment", epoch)
            change = functools.partial(augment, rng=shifts) if augment else None
            run_epoch(net, rule, loss, optimizer, x, target, order, batch_size, noise, change, tell(epoch),
                      feedback_optimizer)  # fmt: skip
            history.append(record(epoch))
            if after_epoch:
                after_epoch(history)
    return history


def run_epoch(
    net: Network,
    rule: Rule,
    loss: Loss,
    optimizer: Optimizer,
    x: Array,
    target: Array,
    order: Array,
    batch_size: int,
    noise: np.random.Generator | None = None,
    augment: Callable[[Array], Array] | None = None,
    after_batch: Callable[[int, int], Any] | None = None,
    feedback_optimizer: Optimizer | None = None,
) -> float:
    """Train on the examples x in the given order, once; return their mean loss, each as it was before its batch's step.

    x may be bytes: only a batch at a time becomes numbers. `augment(batch)` is what a batch is replaced by before that.
    `after_batch(done, batches)` is called after each. Raises Diverged when the loss is not finite.
    """
    keep_freed_memory()
    starts, total = range(0, len(order), batch_size), 0.0
    with np.errstate(all="ignore"):  # what goes wrong with numbers is told by Diverged
        x = net.module.ascontiguousarray(x)  # `take` would copy all of a transposed view each time
        for done, start in enumerate(starts, start=1):
            batch = order[start : start + batch_size]
            images, wanted = x.take(batch, axis=0), target.take(batch, axis=0)  # x[batch] by a quicker way
            images = augment(images) if augment else images
            value = train_step(net, rule, loss, optimizer, net.to_float(images), wanted, noise, feedback_optimizer)
            total += value * len(batch)
            if after_batch:
                after_batch(done, len(starts))
    return total / len(order) if len(order) else math.nan


class _Bar:
    """A bar on a terminal that moves by batch; nothing elsewhere, or where `after_batch` takes its place."""

    def __init__(self, first: int, epochs: int, batches: int, after_batch: Callable[[int, int, int], Any] | None):
        self.epochs, self.batches, self.after_batch = epochs, batches, after_batch
        self.total = max(0, epochs - first + 1) * batches

    def __enter__(self) -> Callable[[int], Callable[[int, int], Any]]:
        from tqdm import tqdm

        silent = True if self.after_batch else None  # None: silent where there is no terminal
        self.bar = tqdm(total=self.total, unit="batch", disable=silent, leave=False, dynamic_ncols=True)
        return self.tell

    def __exit__(self, *exception: object) -> None:
        self.bar.close()

    def tell(self, epoch: int) -> Callable[[int, int], Any]:
        if self.after_batch:
            after_batch = self.after_batch
            return lambda done, batches: after_batch(epoch, done, batches)
        self.bar.set_description(f"epoch {epoch} of {self.epochs}")
        return lambda done, batches: self.bar.update()


def evaluate(net: Network, loss: Loss, x: Array, label: Array) -> tuple[float, float]:
    """(mean loss, error in %) over many examples, in evaluation mode."""
    total, wrong = 0.0, 0
    one = to_device(np.eye(net.size_out, dtype=net.dtype), net.module)
    for start in range(0, len(x), net.at_once):
        some = slice(start, start + net.at_once)
        here, h = label[some], net.answer(net.to_float(x[some]))
        total += float(loss(h, one[here])[0]) * len(here)
        wrong += int((h.argmax(axis=1) != here).sum())
    return total / len(x), 100 * wrong / len(x)


def measure_alignment(
    rule: Rule,
    loss: Loss,
    x: Array,
    target: Array,
    noise: np.random.Generator | None = None,
    batch_number: int = 1,
) -> dict[str, float]:
    """{angle_l, weight_angle_l} in degrees, on the first examples, in training mode; nothing is changed."""
    net = rule.net
    traces = net.forward(net.to_float(x[:PROBE]), train=True, noise=noise)
    output = loss.output(net, traces, target[:PROBE], batch_number)
    angles = {f"angle_{n}": value for n, value in metrics.delta_angle(rule, traces, output).items()}
    angles |= {f"weight_angle_{n}": value for n, value in metrics.weight_angle(rule).items()}
    return angles | {f"logit_cosine_{n}": value for n, value in metrics.logit_cosine(rule, traces).items()}


def one_hot(label: Any, classes: int, dtype: Any) -> Any:
    """Labels as rows of zeros with a one. Raises InputError for labels that are not whole numbers below `classes`."""
    label = np.asarray(label)
    if label.dtype.kind not in "iu" or (label.size and not 0 <= label.min() <= label.max() < classes):
        raise InputError(f"labels must be whole numbers from 0 to {classes - 1}, found {label.dtype} {label!r:.80}")
    return np.eye(classes, dtype=dtype)[label]


def check_rule(rule: Rule, net: Network) -> None:
    """Raise InputError unless the rule is bound to this net."""
    if rule.net is not net:
        raise InputError("the rule is bound to another net: make it with this one, such as BP(net)")


def check_feedback_optimizer(rule: Rule, optimizer: Optimizer, feedback_optimizer: Optimizer | None) -> None:
    """Raise InputError for a second optimiser that is none, has nothing to do, or is the first one."""
    if feedback_optimizer is None:
        return
    if not isinstance(feedback_optimizer, Optimizer):
        raise InputError(f"feedback_optimizer must be an Optimizer, found {feedback_optimizer!r}")
    if feedback_optimizer is optimizer:
        raise InputError("feedback_optimizer is W's own optimizer: leave it out, and the feedback takes its updates")
    if not rule.learned:
        raise InputError(
            f"a feedback_optimizer is for feedback that learns by a gradient, which {type(rule).__name__} has not: "
            f"leave it out, or choose from {', '.join(learning_rules())}"
        )


def check_optimizers(rule: Rule, optimizer: Optimizer, feedback_optimizer: Optimizer | None) -> None:
    """Warn where a law of the rule does not hold; raise InputError for a second optimiser that cannot be."""
    check_feedback_optimizer(rule, optimizer, feedback_optimizer)
    if feedback_optimizer is None or describe(feedback_optimizer) == describe(optimizer):
        rule.check_optimizer(optimizer)
    elif rule.in_step:
        warn(f"{rule.name}: its law asks for feedback that takes the updates of W's own optimiser; leave the second "
             f"out, or make it the same")  # fmt: skip


def learning_rules() -> list[str]:
    """The names of the rules whose feedback learns by a gradient."""
    return [name for name, kind in RULES.items() if kind.learned]


def pop_feedback(gradients: dict[str, Array]) -> dict[str, Array]:
    """Take the gradients of the feedback out of all gradients."""
    return {name: gradients.pop(name) for name in list(gradients) if name.startswith("feedback.")}


def explain_divergence(
    net: Network,
    optimizer: Optimizer,
    step: int,
    traces: dict[int, Trace],
    target: Array,
    value: float,
    feedback_optimizer: Optimizer | None = None,
) -> None:
    """Raise Diverged, with the likely cause, if the loss of a batch or its input is not finite."""
    if not np.isfinite(to_host(traces[1].x)).all():
        raise Diverged(f"the input holds NaN, infinity or numbers too large for {net.dtype} at step {step}: clean it")
    if not np.isfinite(to_host(target)).all():
        raise Diverged(f"the target holds NaN or infinity at step {step}: clean it")
    if math.isfinite(value):  # the squares of a large input overflowed, and nothing else did
        return
    broken = [number for number, trace in traces.items() if not np.isfinite(to_host(trace.h)).all()]
    layer = broken[0] if broken else len(net.layers)
    lr = optimizer.lr_now
    also = "" if feedback_optimizer is None else f", and {feedback_optimizer.lr_now:g} for the feedback"
    raise Diverged(
        f"the loss is not finite at step {step}, first seen in the output of layer {layer}; "
        f"the likely cause is a learning rate too large for this rule (now {lr:g}{also}): try {lr / 10:g}"
    )


def prepare(net: Network, data: Dataset) -> tuple[Array, Array, Array, Array, Array]:
    """Inputs, one-hot targets and labels of the training set, inputs and labels of the test set, on the device."""
    x, x_test = (net.module.ascontiguousarray(net.as_input(each)) for each in (data.x_train, data.x_test))
    target = to_device(one_hot(data.y_train, data.classes, net.dtype), net.module)
    return x, target, to_device(data.y_train, net.module), x_test, to_device(data.y_test, net.module)
