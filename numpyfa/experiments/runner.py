"""Run a protocol over rules and seeds, so that it can be interrupted, resumed, and read afterwards.

Each (rule, seed) is a job of its own, in a process with one BLAS thread: the products are small, so that many
threads would only wait for each other, and the sums do not depend on the number of cores. A job saves a checkpoint
after every epoch; a resumed job continues from there to the same numbers, bit for bit on the same machine.
"""

import multiprocessing
import os
import queue
import signal
import threading
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path

import numpy as np

from .. import checkpoint
from ..data import flip_and_crop
from ..doctor import THREADS, cores, machine
from ..errors import Diverged, InputError, Stopped
from ..files import whole_file
from ..learn import fit
from .folder import (
    checkpoint_path,
    compare,
    identity,
    locked,
    prepare,
    summarise,
    sweep,
    write_history,
    write_json,
)
from .protocol import build, dataset, validate


def run(experiment, protocol, out, resume=False, force=False, progress=None):
    """Run every job that `out` does not hold yet, then write the tables and the figure; return the summary.

    `progress(rule, seed, row)` is called after each epoch, with the epoch's row of the history.
    Raises InputError for a folder that holds a run already (unless `resume` or `force`), another run, or is in use;
    Diverged when a job's loss stops being finite, after the other jobs have finished; Stopped when a process is lost.
    """
    if not str(out).strip() or Path(out).is_file():
        raise InputError(f"--out '{out}' is a file or empty: choose a folder")
    out = Path(out)
    fingerprint = validate(protocol).fingerprint()
    with locked(out):
        record = {"experiment": experiment.name, "protocol": asdict(protocol), "fingerprint": fingerprint}

        def can_go_on():
            compare(out, experiment, protocol, fingerprint)

        prepare(out, record | {"machine": machine()}, can_go_on, resume, force)
        try:
            jobs = [(protocol, *job, out, fingerprint) for job in protocol.jobs()]
            run_jobs(run_job, jobs, min(cores(), len(jobs)) if protocol.device == "cpu" else 1, progress)
        except BaseException:
            sweep(out)
            with suppress(InputError):  # what there is; the error itself matters more
                write_history(out, protocol)
            raise
        histories = write_history(out, protocol)
        summary = summarise(experiment, protocol, fingerprint, histories)
        from .figures import draw_figure

        with whole_file(out / "figure.png", "wb") as file:
            draw_figure(file, experiment, protocol, histories)
        write_json(out / "summary.json", summary)
    return summary


def run_jobs(work, jobs, workers, progress=None):
    """work(*job) for each job, in so many processes. What they `tell` is passed on to `progress`.

    Raises Diverged when jobs diverged, after the others have finished; Stopped when a process is lost.
    """
    if not jobs:
        return
    progress, diverged = progress or (lambda *_: None), []
    context = multiprocessing.get_context("spawn")  # a fresh process reads the thread settings before it loads BLAS
    messages = context.Queue()
    others = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(workers, context, initializer=start_worker, initargs=(messages,))
    try:
        with one_thread_each(), without_ctrl_c():
            waiting = {pool.submit(work, *job) for job in jobs}
        while waiting:
            done, waiting = wait(waiting, timeout=0.1, return_when=FIRST_COMPLETED)
            pass_on(messages, progress)
            for future in done:
                try:
                    future.result()
                except Diverged as error:
                    diverged.append(str(error))
                except BrokenProcessPool:
                    raise Stopped("a process was killed (out of memory?): go on with --resume") from None
        pass_on(messages, progress)
    except BaseException:
        for process in set(multiprocessing.active_children()) - others:
            process.terminate()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
    if diverged:
        raise Diverged("; ".join(diverged))


def pass_on(messages, progress):
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


@contextmanager
def without_ctrl_c():
    """Processes that start inside leave Ctrl-C to their parent, which ends them."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def start_worker(queue_to_parent):
    """A worker's first act: know where to report."""
    global messages
    messages = queue_to_parent


def tell(*message):
    """A worker's report to its parent, which passes it on to `progress`."""
    messages.put(message)


def stop_if_alone():
    """End a worker whose parent was killed, before a resumed run writes the same files."""
    if not multiprocessing.parent_process().is_alive():
        os._exit(1)


def run_job(protocol, rule_name, seed, out, fingerprint):
    """Train one rule from one seed, from its checkpoint if there is one."""
    examples = dataset(protocol, download=False)
    net, a_rule, loss, optimizer = build(protocol, rule_name, seed, examples)
    path, history = checkpoint_path(out, rule_name, seed), ()
    about = identity(protocol, fingerprint) | {"rule": rule_name, "seed": seed}
    if path.exists():
        history, found = checkpoint.load(path, net, a_rule, optimizer)
        if found != about:
            raise InputError(f"{path} belongs to another run: delete it to do that part again")

    def after_epoch(history):
        stop_if_alone()
        checkpoint.save(path, net, a_rule, optimizer, history, about)
        tell(rule_name, seed, history[-1])

    try:
        with np.errstate(all="ignore"):  # what goes wrong is told by Diverged
            fit(net, a_rule, loss, optimizer, examples, epochs=protocol.epochs, batch_size=protocol.batch_size,
                seed=seed, history=history, after_epoch=after_epoch,
                augment=flip_and_crop if protocol.augment else None)  # fmt: skip
    except Diverged as error:
        raise Diverged(f"{rule_name}, seed {seed}: {error}") from None
