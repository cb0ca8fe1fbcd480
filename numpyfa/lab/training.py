"""The experiment that a protocol of trained nets makes: each job trains one rule from one seed."""

import math
import time
from collections.abc import Iterator
from dataclasses import asdict, fields
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from .. import checkpoint
from ..backend import find_gpu
from ..data import flip_and_crop
from ..errors import Diverged, InputError
from ..learn import fit
from .experiment import Experiment, Settings
from .layer_names import layer_names
from .net_figure import draw_nets
from .protocol import Protocol, build, dataset, validate
from .run import Place
from .spelling import in_file_name
from .tables import Rows, aligned, by_layer, pick

OFTEN = 0.2  # seconds between two reports within an epoch


def training(
    name: str,
    protocol: Protocol,
    source: str = "",
    question: str = "",
    published: dict[str, Any] | None = None,
    quick: Settings | None = None,
    lr_per_example: float | None = None,
    minutes: float = 0.0,
    place: str = "",
    why: dict[str, str] | None = None,
    not_run: str = "",
    shortened: str = "",
) -> Experiment:
    """The experiment of a protocol. `published` are the test errors (in %) that the paper prints, by rule, and other
    columns of the table by "rule column" (see `Experiment`). With `lr_per_example` the learning rate on the batch's
    mean gradient follows the batch size, unless it is given."""
    published = published or {}
    return Experiment(
        name=name,
        settings=asdict(protocol) | follow(lr_per_example, asdict(protocol), {}),
        jobs=jobs,
        work=train,
        draw=partial(draw_nets, name, {key: paper for key, paper in published.items() if not isinstance(paper, tuple)}),
        table=table,
        verdict=partial(verdict, question),
        source=source,
        place=place,
        published=published,
        why=why or {},
        not_run=not_run,
        shortened=shortened,
        question=question,
        minutes=minutes,
        quick=quick or {},
        takes=tuple(each.name for each in fields(Protocol)),
        grows=("rules", "seeds"),
        lengthens="epochs",
        follow=partial(follow, lr_per_example),
        check=check,
        keeps=True,
        begun=begun,
        columns=columns,
        show=show,
    )


def follow(lr_per_example: float | None, settings: Settings, given: Settings) -> Settings:
    """A learning rate that is given is every rule's, else it follows the batch size; the device auto becomes the one
    there is."""
    changes: Settings = {}
    if "lr" in given:
        changes["lr_of"] = ()
    elif lr_per_example:
        changes["lr"] = lr_per_example * settings["batch_size"]
    if settings["device"] == "auto":
        changes["device"] = "gpu" if find_gpu()[0] else "cpu"
    return changes


def check(settings: Settings) -> Settings:
    """Raise InputError if the protocol cannot be run. Two runs must share the data, and how many epochs there are if
    the learning rate falls at shares of them."""
    shared = {"fingerprint": validate(Protocol(**settings)).fingerprint()}
    return shared | {"epochs": settings["epochs"]} if settings["drops"] else shared


def jobs(settings: Settings) -> Iterator[tuple[str, int]]:
    """Every rule and seed."""
    return ((name, seed) for seed in range(settings["seeds"]) for name in settings["rules"])


def checkpoint_path(home: Path, rule_name: str, seed: int) -> Path:
    return Path(home) / "checkpoints" / f"{in_file_name(rule_name)}-seed{seed}.npz"


def begun(settings: Settings, place: Place, rule_name: str, seed: int) -> Rows:
    """The rows of the epochs that the checkpoint holds. Raises InputError if it is damaged, of another run, or of more
    epochs than were asked for."""
    path = checkpoint_path(place.home, rule_name, seed)
    if not path.exists():
        return []
    _, meta = checkpoint.read(path)
    check_ours(path, meta["about"], place, rule_name, seed)
    done = meta["history"][-1]["epoch"]
    if done > settings["epochs"]:
        raise InputError(
            f"{place.home} holds {done} epochs of {rule_name} {seed}, more than the {settings['epochs']} asked for"
        )
    return labelled(meta["history"], rule_name, seed)


def check_ours(path: Path, about: Settings, place: Place, rule_name: str, seed: int) -> None:
    if about != about_job(place, rule_name, seed):
        raise InputError(f"{path} belongs to another run: delete it to do that part again")


def about_job(place: Place, rule_name: str, seed: int) -> Settings:
    """What a checkpoint says of itself."""
    return place.about | {"rule": rule_name, "seed": seed}


def labelled(history: list[dict], rule_name: str, seed: int) -> Rows:
    return [{"rule": rule_name, "seed": seed} | row for row in history]


def train(settings: Settings, rule_name: str, seed: int, place: Place) -> Rows:
    """Train one rule from one seed, from its checkpoint if there is one; the rows are those of `learn.fit`."""
    protocol = Protocol(**settings)
    examples = dataset(protocol, download=False)
    net, rule, loss, optimizer, feedback_optimizer = build(protocol, rule_name, seed, examples)
    path = checkpoint_path(place.home, rule_name, seed)
    history: Rows = []
    if path.exists():
        history, about = checkpoint.load(path, net, rule, optimizer, feedback_optimizer)
        check_ours(path, about, place, rule_name, seed)
        place.resumed = True
    last = [time.monotonic()]

    def after_batch(epoch: int, done: int, batches: int) -> None:
        if time.monotonic() - last[0] > OFTEN:
            last[0] = time.monotonic()
            place.report((epoch - 1 + done / batches) / protocol.epochs)

    def after_epoch(history: list[dict]) -> None:
        about = about_job(place, rule_name, seed)
        checkpoint.save(path, net, rule, optimizer, history, about, feedback_optimizer)
        epoch, error = history[-1]["epoch"], history[-1]["test_error"]
        words = f"{rule_name}, seed {seed}: epoch {epoch} of {protocol.epochs}, test error {error:.2f} %"
        place.report(epoch / protocol.epochs, labelled(history, rule_name, seed), words)

    try:
        history = fit(net, rule, loss, optimizer, examples, epochs=protocol.epochs, batch_size=protocol.batch_size,
                      seed=seed, history=history, after_epoch=after_epoch, after_batch=after_batch,
                      augment=flip_and_crop if protocol.augment else None,
                      feedback_optimizer=feedback_optimizer, measured=protocol.measured)  # fmt: skip
    except Diverged as error:
        raise Diverged(f"{rule_name}, seed {seed}: {error}") from None
    return labelled(history, rule_name, seed)


def columns(rows: Rows) -> list[str]:
    """The angles last, by layer; a column that a rule lacks stays empty."""
    found = dict.fromkeys(name for row in rows for name in row)
    angles = sorted((name for name in found if "angle" in name), key=by_layer)
    return [name for name in found if name not in angles] + angles


def table(settings: Settings, rows: Rows) -> Rows:
    """One row a rule: the mean over seeds at the last epoch and the standard deviation (n - 1) beside it."""
    lines = []
    for name in settings["rules"]:
        last = [pick(rows, rule=name, seed=seed)[-1] for seed in range(settings["seeds"])]
        line = {"rule": name}
        for column in last[0]:
            if column not in ("rule", "seed", "epoch"):
                values = [row[column] for row in last]
                line[column] = float(np.mean(values))
                line[f"{column}_sd"] = float(np.std(values, ddof=1)) if len(values) > 1 else math.nan
        lines.append(line)
    return lines


def verdict(question: str, settings: Settings, table: Rows) -> list[str]:
    """The question that the experiment asks; what the paper prints stands beside ours in `lab.compare`."""
    return [f"({question})"] if question else []


def show(experiment: Experiment, settings: Settings, table: Rows) -> list[str]:
    """Errors in %, angles in degrees, mean and standard deviation over seeds."""
    protocol = Protocol(**settings)
    seeds = "1 seed" if protocol.seeds == 1 else f"mean (s.d.) over {protocol.seeds} seeds"
    title = (
        f"{experiment.name}: {protocol.net} on {protocol.data}, {protocol.epochs} epochs, batch {protocol.batch_size}, "
        f"learning rate {protocol.learning_rates()}, {seeds}"
    )
    found = {name for row in table for name in row if name.startswith("angle_") and not name.endswith("_sd")}
    angles = sorted(found, key=by_layer)
    kinds = layer_names(protocol)
    header = ["rule", "train error %", "test error %"]
    header += [f"angle {kinds[int(name.removeprefix('angle_'))]} (deg)" for name in angles]
    names = ["train_error", "test_error", *angles]
    lines = [[row["rule"], *(mean_and_sd(row, name) for name in names)] for row in table]
    return [title, *aligned([header, *lines])]


def mean_and_sd(row: dict, name: str) -> str:
    """A mean with its standard deviation in brackets."""
    mean, deviation = row.get(name), row.get(f"{name}_sd")
    if mean is None or math.isnan(mean):
        return "-"
    digits = 1 if "angle" in name else 2
    return f"{mean:.{digits}f}" + ("" if deviation is None or math.isnan(deviation) else f" ({deviation:.{digits}f})")
