"""The processes of a run: each job has one BLAS thread, and none outlives its parent.

The products are small, so that many threads would only wait for each other, and the sums do not depend on the number
of cores.
"""

import multiprocessing
import os
import queue
import signal
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import connection
from typing import Any

from ..backend import THREADS
from ..errors import Diverged, InputError, Stopped

messages: Any = None  # in a worker, the queue to its parent
NO_GUARD = 86  # how a worker ends that was made to start a run of its own while it read the user's script


def run_jobs(work: Callable, jobs: Sequence[tuple], workers: int, hear: Callable = lambda *_: None) -> None:
    """work(*job) for each job, in so many processes. What they `tell` is passed on to `hear`.

    Raises Diverged when jobs diverged, after the others have finished; Stopped when a process is lost.
    """
    if not jobs:
        return
    diverged = []
    context = multiprocessing.get_context("spawn")  # a fresh process reads the thread settings before it loads BLAS
    messages = context.Queue()
    others = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(workers, context, initializer=start_worker, initargs=(messages,))
    processes: set = set()
    try:
        with one_thread_each(), without_ctrl_c():
            waiting = {pool.submit(work, *job) for job in jobs}
            processes = set(multiprocessing.active_children()) - others
        while waiting:
            done, waiting = wait(waiting, timeout=0.1, return_when=FIRST_COMPLETED)
            pass_on(messages, hear)
            for future in done:
                try:
                    future.result()
                except Diverged as error:
                    diverged.append(str(error))
                except BrokenProcessPool:
                    raise lost(processes) from None
        pool.shutdown(wait=False)
        while any(process.is_alive() for process in processes):
            pass_on(messages, hear)  # a worker cannot end before all that it told is read: a pipe holds only 64 KB
        pass_on(messages, hear)
    except BaseException:
        for process in set(multiprocessing.active_children()) - others:
            process.terminate()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
    if diverged:
        raise Diverged("; ".join(diverged))


def end_if_reading_a_script() -> None:
    """End a worker that was made to start a run while it reads the script that started the run it belongs to."""
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        os._exit(NO_GUARD)


def lost(processes: set) -> Exception:
    """What to say when a process is lost, from the way it ended."""
    for process in processes:
        process.join(timeout=1)
    ends = {process.exitcode for process in processes}
    if NO_GUARD in ends:
        return InputError(
            "each process of a run reads the script that started it, and this one starts the run again: "
            "put that call under  if __name__ == '__main__':"
        )
    if 1 in ends:
        return Stopped("a process could not start: start the run from a file or a module, not from standard input")
    return Stopped("a process was killed (out of memory?): go on with --resume")


def pass_on(messages: Any, hear: Callable) -> None:
    """Pass on what the workers have sent."""
    while True:
        try:
            hear(*messages.get(timeout=0.02))
        except queue.Empty:
            return


@contextmanager
def one_thread_each() -> Iterator[None]:
    """Processes that start inside get one BLAS thread."""
    before = {name: os.environ.get(name) for name in THREADS}
    os.environ.update(dict.fromkeys(THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


@contextmanager
def without_ctrl_c() -> Iterator[None]:
    """Processes that start inside leave Ctrl-C to their parent, which ends them."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def start_worker(queue_to_parent: Any) -> None:
    """A worker's first act: know where to report, and end when its parent does."""
    from tqdm import tqdm

    global messages
    messages = queue_to_parent
    warnings.simplefilter("ignore")  # the parent has given them, once for all jobs
    tqdm.set_lock(threading.RLock())  # its own is a semaphore of the system, which a worker that is ended leaves behind
    threading.Thread(target=end_with_parent, daemon=True).start()


def end_with_parent() -> None:
    """Wait until the parent is gone, however it went; then end at once. An idle worker would never notice."""
    connection.wait([parent().sentinel])
    os._exit(1)


def parent() -> Any:
    return multiprocessing.parent_process()


def tell(*message: Any) -> None:
    """A worker's report to its parent, which passes it on to `hear`."""
    messages.put(message)


def stop_if_alone() -> None:
    """End a worker whose parent was killed, before a resumed run writes the same files."""
    if not parent().is_alive():
        os._exit(1)
