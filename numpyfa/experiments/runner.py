"""Run a protocol over rules and seeds, so that it can be interrupted, resumed, and read afterwards.

Each (rule, seed) is a job of its own, in a process with one BLAS thread: the products are small, so that many
threads would only wait for each other, and the sums do not depend on the number of cores. A job saves a checkpoint
after every epoch; a resumed job continues from there to the same numbers, bit for bit on the same machine.

A run's folder holds

    protocol.json     what was asked for, and the machine
    checkpoints/      one a job
    history.csv       one row a job and epoch
    summary.json      one row a rule: mean and standard deviation over seeds, at the last epoch
    figure.png
"""

import csv
import json
import math
import multiprocessing
import os
import queue
import signal
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path

import numpy as np

from .. import checkpoint, data, init, optim
from ..doctor import THREADS, cores, machine
from ..errors import InputError, choose
from ..files import whole_file
from ..learn import fit
from ..losses import LOSSES, check_loss
from ..models import model
from ..rules import RULES, rule

EXTENSIBLE = ("rules", "seeds", "epochs")  # a resumed run may ask for more of these


@dataclass(frozen=True)
class Protocol:
    """Everything that the numbers depend on, but the machine. `lr` is the step on the batch's mean gradient."""

    net: str
    rules: tuple = ("bp",)
    data: str = "mnist"
    activation: str | None = None
    loss: str = "softmax"
    optimizer: str = "sgd"
    lr: float = 0.1
    momentum: float = 0.0
    decay: float = 0.0
    batch_size: int = 16
    epochs: int = 20
    seeds: int = 3
    init: str = "fan_in"
    feedback: str | None = None
    dtype: str = "float32"
    device: str = "cpu"


@dataclass(frozen=True)
class Experiment:
    """A published experiment: its protocol, where it comes from, and the test errors (in %) printed there."""

    name: str
    protocol: Protocol
    source: str = ""
    question: str = ""
    lr_per_example: float | None = None
    published: dict = field(default_factory=dict)

    def adapt(self, **changes):
        """The protocol with the changes that are not None; the step on the batch's mean follows the batch size."""
        protocol = replace(self.protocol, **{key: value for key, value in changes.items() if value is not None})
        if changes.get("lr") is None and self.lr_per_example:
            protocol = replace(protocol, lr=self.lr_per_example * protocol.batch_size)
        return protocol


def build(protocol, rule_name, seed, dataset):
    """(net, rule, loss, optimizer) of one job. Raises InputError for anything in the protocol that cannot be."""
    net = model(
        protocol.net,
        protocol.activation,
        input_shape=dataset.x_train.shape[1:],
        outputs=dataset.classes,
        seed=seed,
        init=protocol.init,
        dtype=protocol.dtype,
        device=protocol.device,
    )
    kind = choose(RULES, rule_name, "rule")
    has_init = any(f.name == "init" for f in fields(kind))
    a_rule = rule(rule_name, net, seed, **({"init": protocol.feedback} if protocol.feedback and has_init else {}))
    loss = choose(LOSSES, protocol.loss, "loss")()
    check_loss(loss, net)
    options = {"decay": protocol.decay} | ({"momentum": protocol.momentum} if protocol.momentum else {})
    if protocol.momentum and protocol.optimizer != "sgd":
        raise InputError(f"momentum is an option of sgd, found with {protocol.optimizer}")
    return net, a_rule, loss, optim.optimizer(protocol.optimizer, protocol.lr, **options)


def validate(protocol):
    """Raise InputError before any work starts if the protocol cannot be run."""
    if not protocol.rules or len(set(protocol.rules)) < len(protocol.rules):
        raise InputError(f"name each rule once, found {','.join(protocol.rules) or 'none'}")
    for what in ("seeds", "epochs", "batch_size"):
        if getattr(protocol, what) < 1:
            raise InputError(f"{what} must be from 1, found {getattr(protocol, what)}")
    if protocol.feedback:
        init.parse(protocol.feedback)
    dataset = data.load(protocol.data)
    for name in protocol.rules:
        net = build(protocol, name, 0, dataset)[0]
    net.as_input(dataset.x_train[:1])
    if dataset.classes != net.size_out:
        raise InputError(f"{dataset.name} has {dataset.classes} classes, but the net has {net.size_out} outputs")


def run(experiment, protocol, out, resume=False, force=False, progress=None):
    """Run every job that `out` does not hold yet, then write the tables and the figure; return the summary.

    `progress(rule, seed, row)` is called after each epoch, with the epoch's row of the history.
    Raises InputError for a folder that holds a run already (unless `resume` or `force`) or another run.
    """
    out = Path(out)
    validate(protocol)
    prepare(out, experiment, protocol, resume, force)
    jobs = [(name, seed) for seed in range(protocol.seeds) for name in protocol.rules]
    try:
        run_jobs(jobs, protocol, out, progress or (lambda *_: None))
    finally:
        histories = {job: read_history(out, *job) for job in jobs if checkpoint_path(out, *job).exists()}
        write_history(out / "history.csv", histories)
    summary = summarise(experiment, protocol, histories)
    from .figures import draw_figure

    with whole_file(out / "figure.png", "wb") as file:
        draw_figure(file, experiment, protocol, histories)
    write_json(out / "summary.json", summary)
    return summary


def prepare(out, experiment, protocol, resume, force):
    """Make the folder ready, and lose nothing in it that was not meant to go."""
    ours = [out / name for name in ("protocol.json", "history.csv", "summary.json", "figure.png")]
    ours += sorted((out / "checkpoints").glob("*.npz")) if out.is_dir() else []
    present = [path for path in ours if path.exists()]
    if out.exists() and not out.is_dir():
        raise InputError(f"{out} is a file: choose a folder with --out")
    if present and not (resume or force):
        raise InputError(
            f"{out} holds a run already: go on with it with --resume, replace it with --force, or choose another --out"
        )
    if resume and present:
        compare(out, experiment, protocol)
    elif force:
        for path in present:
            path.unlink()
    record = {"experiment": experiment.name, "protocol": asdict(protocol), "machine": machine()}
    write_json(out / "protocol.json", record)


def compare(out, experiment, protocol):
    """Raise InputError if the run in `out` differs from this one in more than its extent, or is longer."""
    path = out / "protocol.json"
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        before = record["experiment"], dict(record["protocol"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} is missing or half-written ({error}): use --force to start again") from None
    now = json.loads(json.dumps(asdict(protocol)))
    differing = [key for key in now if key not in EXTENSIBLE and before[1].get(key) != now[key]]
    if before[0] != experiment.name:
        raise InputError(f"{out} holds the run '{before[0]}', not '{experiment.name}': choose another --out")
    if differing:
        pairs = ", ".join(f"{key} {before[1].get(key)} (now {now[key]})" for key in differing)
        raise InputError(f"{out} holds a run with another {pairs}: choose another --out, or --force to replace it")
    for name in protocol.rules:
        for seed in range(protocol.seeds):
            if checkpoint_path(out, name, seed).exists():
                done = read_history(out, name, seed)[-1]["epoch"]
                if done > protocol.epochs:
                    raise InputError(f"{out} holds {done} epochs of {name}, more than the {protocol.epochs} asked for")


def run_jobs(jobs, protocol, out, progress):
    """Run the jobs, as many at a time as there are cores (one at a time on a GPU)."""
    context = multiprocessing.get_context("spawn")  # a fresh process reads the thread settings before it loads BLAS
    messages = context.Queue()
    workers = min(cores(), len(jobs)) if protocol.device == "cpu" else 1
    with one_thread_each():
        pool = ProcessPoolExecutor(workers, context, initializer=start_worker, initargs=(messages,))
        try:
            waiting = {pool.submit(run_job, protocol, *job, out) for job in jobs}
            while waiting:
                done, waiting = wait(waiting, timeout=0.1, return_when=FIRST_COMPLETED)
                report(messages, progress)
                for future in done:
                    future.result()
            report(messages, progress)
        except BaseException:
            for process in list((pool._processes or {}).values()):
                process.terminate()
            raise
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def report(messages, progress):
    """Pass on what the workers have sent."""
    while True:
        try:
            progress(*messages.get(timeout=0.02))
        except queue.Empty:
            return


@contextmanager
def one_thread_each():
    """Processes that start inside get one BLAS thread."""
    before = {name: os.environ.get(name) for name in THREADS}
    os.environ.update(dict.fromkeys(THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


def start_worker(messages):
    """A worker leaves Ctrl-C to its parent, which ends it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    run_job.messages = messages


def run_job(protocol, rule_name, seed, out):
    """Train one rule from one seed, from its checkpoint if there is one."""
    dataset = data.load(protocol.data, download=False)
    net, a_rule, loss, optimizer = build(protocol, rule_name, seed, dataset)
    path, history = checkpoint_path(out, rule_name, seed), ()
    if path.exists():
        history, _ = checkpoint.load(path, net, a_rule, optimizer)
    parent = multiprocessing.parent_process()

    def after_epoch(history):
        checkpoint.save(path, net, a_rule, optimizer, history, {"rule": rule_name, "seed": seed, "net": protocol.net})
        run_job.messages.put((rule_name, seed, history[-1]))
        if not parent.is_alive():  # killed: stop, before a resumed run writes the same files
            os._exit(1)

    fit(net, a_rule, loss, optimizer, dataset, epochs=protocol.epochs, batch_size=protocol.batch_size, seed=seed,
        history=history, after_epoch=after_epoch)  # fmt: skip


def checkpoint_path(out, rule_name, seed):
    return Path(out) / "checkpoints" / f"{rule_name}-seed{seed}.npz"


def read_history(out, rule_name, seed):
    return checkpoint.read(checkpoint_path(out, rule_name, seed))[1]["history"]


def write_history(path, histories):
    """history.csv: rule, seed, then the columns of `learn.fit`; a column that a rule lacks stays empty."""
    rows = [{"rule": name, "seed": seed} | row for (name, seed), history in histories.items() for row in history]
    if not rows:
        return
    columns = list(dict.fromkeys(column for row in rows for column in row))
    angles = sorted(c for c in columns if "angle" in c)
    columns = [c for c in columns if c not in angles] + angles
    with whole_file(path) as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def summarise(experiment, protocol, histories):
    """One row a rule: the mean over seeds at the last epoch and the standard deviation (n - 1) beside it."""
    rows = []
    for name in protocol.rules:
        final = [histories[name, seed][-1] for seed in range(protocol.seeds)]
        row = {"rule": name}
        for column in final[0]:
            if column != "epoch":
                values = [each[column] for each in final]
                row[column] = float(np.mean(values))
                row[f"{column}_sd"] = float(np.std(values, ddof=1)) if len(values) > 1 else math.nan
        if name in experiment.published:
            row["published_test_error"] = experiment.published[name]
        rows.append(row)
    return {
        "experiment": experiment.name,
        "source": experiment.source,
        "protocol": asdict(protocol),
        "machine": machine(),
        "rows": rows,
    }


def write_json(path, content):
    """JSON without NaN, which is not JSON: an undefined number becomes null."""

    def clean(value):
        if isinstance(value, dict):
            return {key: clean(each) for key, each in value.items()}
        if isinstance(value, (list, tuple)):
            return [clean(each) for each in value]
        return None if isinstance(value, float) and not math.isfinite(value) else value

    with whole_file(path) as file:
        json.dump(clean(content), file, indent=2)
        file.write("\n")
