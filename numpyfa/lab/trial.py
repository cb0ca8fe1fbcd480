"""One training of a sweep: its examples, its net from first weights to what is measured, and its checkpoint."""

import math
import time
from functools import cache, partial
from typing import Any

from .. import checkpoint
from ..backend import Streams, to_device
from ..data import Dataset, flip_and_crop
from ..errors import Diverged, InputError
from ..learn import evaluate, measure_alignment, prepare, run_epoch
from .experiment import Row
from .protocol import Protocol, build, dataset
from .run import Place
from .spelling import in_file_name

MEASURED = ("train_error", "test_error", "loss", "test_loss")
OFTEN = 2.0  # seconds between two checkpoints: epochs that are shorter are kept together
REPORTED = 0.2  # seconds between two reports within an epoch


@cache
def held_out_or_test(name: str, validation: int, examples: int | None, stage: str, mark: str) -> Dataset:
    """The examples of the trials or of the tests, read once a process. `mark` tells apart what a file held before."""
    protocol = Protocol(net="", data=name, validation=validation, examples=examples)
    held_out = dataset(protocol, download=False)
    if stage == "trial":
        return held_out
    return with_test_set(held_out, dataset(Protocol(net="", data=name, examples=examples), download=False))


def with_test_set(held_out: Dataset, whole: Dataset) -> Dataset:
    """The training examples of the trials, so that none that was held out is trained on, with the test set."""
    x, y = held_out.x_train, held_out.y_train
    return Dataset(whole.name, x, y, whole.x_test, whole.y_test, whole.classes)


class Checkpoints:
    """The checkpoint of one job. A later round goes on from that of the round before, or from the start if it is on
    another machine, to the same numbers."""

    def __init__(self, place: Place, epochs: int, in_all: int) -> None:
        stage, case, rule, point, seed, _ = place.job
        name = "-".join([stage, case, rule, point])
        self.path = place.home / "checkpoints" / f"{in_file_name(name)}-seed{seed}.npz"
        self.about = place.about | {"stage": stage, "case": case, "rule": rule, "point": point, "seed": seed}
        self.place, self.epochs, self.in_all = place, epochs, in_all
        self.kept = self.told = time.monotonic()

    def load(self, net: Any, rule: Any, optimizer: Any, feedback_optimizer: Any) -> int:
        """Put back what was kept, if anything was; return how many epochs that had."""
        if not self.path.exists():
            return 0
        _, meta = checkpoint.read(self.path)
        if meta["about"] != self.about:
            raise InputError(f"{self.path} belongs to another run: delete it to do that part again")
        done = meta["history"][-1]["epoch"]
        if done > self.epochs:  # of a later round, whose part is not asked for
            return 0
        checkpoint.load(self.path, net, rule, optimizer, feedback_optimizer)
        self.place.resumed = True
        return done

    def after_epoch(self, epoch: int, net: Any, rule: Any, optimizer: Any, feedback_optimizer: Any) -> None:
        goes_on = epoch == self.epochs < self.in_all
        if goes_on or time.monotonic() - self.kept > OFTEN:
            history = [{"epoch": epoch}]
            checkpoint.save(self.path, net, rule, optimizer, history, self.about, feedback_optimizer)
            self.kept = time.monotonic()

    def after_batch(self, epoch: int, done: int, batches: int) -> None:
        if time.monotonic() - self.told > REPORTED:
            self.told = time.monotonic()
            self.place.report((epoch - 1 + done / batches) / self.epochs)

    def end(self) -> None:
        if self.epochs == self.in_all:
            self.place.spent.append(self.path)


def train(
    protocol: Protocol,
    rule_name: str,
    seed: int,
    examples: Dataset,
    epochs: int,
    checkpoints: Checkpoints,
) -> Row:
    """Train one net, for so many of the protocol's epochs; what is measured after the last. All of it is NaN if the
    training diverged."""
    net, rule, loss, optimizer, feedback_optimizer = build(protocol, rule_name, seed, examples)
    x, target, label, x_test, label_test = prepare(net, examples)
    streams = Streams(seed)
    first = checkpoints.load(net, rule, optimizer, feedback_optimizer) + 1
    try:
        for epoch in range(first, epochs + 1):
            order = to_device(streams("order", epoch).permutation(len(x)), net.module)
            change = partial(flip_and_crop, rng=streams("augment", epoch)) if protocol.augment else None
            run_epoch(net, rule, loss, optimizer, x, target, order, protocol.batch_size, streams("noise", epoch),
                      change, partial(checkpoints.after_batch, epoch), feedback_optimizer)  # fmt: skip
            checkpoints.after_epoch(epoch, net, rule, optimizer, feedback_optimizer)
        measured = slice(protocol.measured)
        train_loss, train_error = evaluate(net, loss, x[measured], label[measured])
        test_loss, test_error = evaluate(net, loss, x_test, label_test)
        if not math.isfinite(train_loss + test_loss):
            raise Diverged("the loss is not finite after the last epoch")
    except Diverged:
        return dict.fromkeys(MEASURED, math.nan)
    angles = measure_alignment(rule, loss, x, target, streams("probe", epochs), optimizer.step)
    return dict(zip(MEASURED, (train_error, test_error, train_loss, test_loss))) | angles
