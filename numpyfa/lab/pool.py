"""Where the jobs of a run are done: in processes of its own, or in any executor with the interface of
`concurrent.futures`, such as Dask's (see `lab.cluster`).

A process of its own has one BLAS thread, and none outlives its parent. The products are small, so that many threads
would only wait for each other, and the sums do not depend on the number of cores.

A job that is lost with its process is done again in a new one; lost too often, it stops the run.
"""

import multiprocessing
import os
import queue
import signal
import threading
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    CancelledError,
    Executor,
    Future,
    ProcessPoolExecutor,
    wait,
)
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from multiprocessing import connection
from typing import Any

from ..backend import THREADS
from ..errors import Diverged, InputError, Stopped

MOST_LOSSES = 3  # of one job: what kills its process so often is likely the job
NO_GUARD = 86  # how a worker ends that was made to start a run of its own while it read the user's script

messages: Any = None  # in a worker of ours, the queue to its parent
begun: Any = None  # and the queue for what it has begun

Jobs = dict[int, tuple]  # the arguments of those that are not finished, by number
Settle = Callable[[int, Future], None]  # take what a future brings


def ignore(*_: Any) -> None:
    pass


def stop_when_lost(job: tuple, times: int) -> None:
    """What is done about a job whose process was lost, so many times by now: nothing, until it is too often."""
    if times >= MOST_LOSSES:
        raise Stopped(f"{job}: its process was killed {times} times (out of memory?)")


def run_jobs(
    work: Callable,
    jobs: Sequence[tuple],
    executor: int | Executor,
    hear: Callable = ignore,
    take: Callable[[tuple, Any], Sequence[tuple] | None] = ignore,
    lost: Callable[[tuple, int], None] = stop_when_lost,
) -> None:
    """work(*job) for each job, in so many processes or in an executor; take(job, result) for what each returns. It may
    return more jobs, which are done too.

    What our processes `tell` meanwhile is passed on to `hear`. `lost(job, times)` hears of a job that is to be tried
    again since its process was lost, for so many times now, and may raise.

    Raises Diverged when jobs diverged, after the others have finished: what each said, in the order of the jobs, those
    that results called for last. Stopped when what does the jobs is lost.
    """
    jobs = list(jobs)
    left = dict(enumerate(jobs))
    diverged: dict[int, str] = {}  # what each said, by the number of its job

    def settle(number: int, future: Future) -> None:
        more: Sequence[tuple] | None = None
        try:
            more = take(jobs[number], future.result())
        except Diverged as error:
            diverged[number] = str(error)
        del left[number]
        for job in more or ():
            left[len(jobs)] = job
            jobs.append(job)

    if isinstance(executor, int):
        times: Counter[int] = Counter()
        while left:
            for number in in_processes(work, left, executor, hear, settle):
                times[number] += 1
                lost(jobs[number], times[number])
    else:
        in_executor(work, left, executor, settle, lost)
    if diverged:
        raise Diverged("; ".join(diverged[number] for number in sorted(diverged)))


def in_executor(work: Callable, left: Jobs, executor: Executor, settle: Settle, lost: Callable) -> None:
    """Do what is left in an executor that is not ours. It tries again by itself what it loses, until it gives up."""
    waiting: dict[Future, int] = {}
    try:
        while left:
            for number in sorted(left.keys() - waiting.values()):
                waiting[executor.submit(work, *left[number])] = number
            for future in wait(waiting, return_when=FIRST_COMPLETED).done:
                number = waiting.pop(future)
                try:
                    settle(number, future)
                except CancelledError:
                    raise Stopped(
                        "the executor has dropped its jobs (a scheduler that ended?): go on with --resume"
                    ) from None
                except BrokenExecutor:  # it fails all its jobs, whichever was at fault
                    raise Stopped("a worker was lost: go on with --resume") from None
                except Exception as error:
                    if type(error).__name__ == "KilledWorker":  # Dask's own: this job lost its workers too often
                        lost(left[number], MOST_LOSSES)
                    raise
    finally:
        for future in waiting:
            future.cancel()


def in_processes(work: Callable, left: Jobs, workers: int, hear: Callable, settle: Settle) -> list[int]:
    """Do what is left in a pool of processes of our own, until all is done or one is lost; return which were lost."""
    context = multiprocessing.get_context("spawn")  # a fresh process reads the thread settings before it loads BLAS
    messages, begun = context.Queue(), context.SimpleQueue()
    heard: queue.SimpleQueue = queue.SimpleQueue()
    listener = threading.Thread(target=listen, args=(messages, heard), daemon=True)
    listener.start()
    others = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(workers, context, initializer=start_worker, initargs=(messages, begun))
    waiting: dict[Future, int] = {}
    doing: dict[int, int] = {}  # {process: the number of its job}
    processes: set = set()
    whole = True
    try:
        while left and whole:
            try:
                for number in sorted(left.keys() - waiting.values()):
                    with one_thread_each(), without_ctrl_c():  # a process may start with any job
                        waiting[pool.submit(begin, number, work, *left[number])] = number
            except BrokenProcessPool:
                whole = False
            processes |= set(multiprocessing.active_children()) - others
            done = wait(waiting, timeout=0.1, return_when=FIRST_COMPLETED).done
            pass_on(heard, hear)
            for future in done:
                try:
                    settle(waiting.pop(future), future)
                except BrokenProcessPool:
                    whole = False
            while not begun.empty():
                process, number = begun.get()
                doing[process] = number
        if whole:
            pool.shutdown(wait=True)
            whole = not any(process.exitcode for process in processes)  # one killed as it told its last: see below
            if whole:
                messages.put(None)
                listener.join()
            pass_on(heard, hear)
            return []
        pool.shutdown(wait=True)  # the pool's own thread must have seen how each ended, or nobody will know
        return lost_with(processes, {process: number for process, number in doing.items() if number in left}) or [*left]
    except BaseException:
        whole = False
        for process in set(multiprocessing.active_children()) - others:
            process.terminate()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        if not whole:  # what was killed while it wrote leaves half a message, which nobody may wait for
            messages.cancel_join_thread()
            messages.put(None)
            listener.join(timeout=1.0)


def listen(messages: Any, heard: queue.SimpleQueue) -> None:
    """In a thread of the parent: take what the workers send at once, since a pipe holds only 64 KB, and a worker cannot
    end before all that it told is read."""
    with suppress(EOFError, OSError, TypeError):  # what the queue raises that is closed as Python ends
        while (message := messages.get()) is not None:
            heard.put(message)


def lost_with(processes: set, doing: dict[int, int]) -> list[int]:
    """The jobs of the processes that were lost. The pool ends the others itself, by SIGTERM. Raises InputError or
    Stopped if they were lost for a reason that will not go away."""
    ends = {process.pid: process.exitcode for process in processes}
    if NO_GUARD in ends.values():
        raise InputError(
            "each process of a run reads the script that started it, and this one starts the run again: "
            "put that call under  if __name__ == '__main__':"
        )
    if 1 in ends.values():
        raise Stopped("a process could not start: start the run from a file or a module, not from standard input")
    found = [number for process, number in doing.items() if ends.get(process) != -signal.SIGTERM]
    return found or list(doing.values())


def end_if_reading_a_script() -> None:
    """End a worker that was made to start a run while it reads the script that started the run it belongs to."""
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        os._exit(NO_GUARD)


def pass_on(heard: queue.SimpleQueue, hear: Callable) -> None:
    """Pass on what the workers have sent."""
    while not heard.empty():
        hear(*heard.get())


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


def start_worker(to_parent: Any, begun_to_parent: Any) -> None:
    """A worker's first act: know where to report, and end when its parent does."""
    from tqdm import tqdm

    global messages, begun
    messages, begun = to_parent, begun_to_parent
    warnings.simplefilter("ignore")  # the parent has given them, once for all jobs
    tqdm.set_lock(threading.RLock())  # its own is a semaphore of the system, which a worker that is ended leaves behind
    threading.Thread(target=end_with_parent, daemon=True).start()


def begin(number: int, work: Callable, *job: Any) -> Any:
    """In a worker: say which job this process has, should it be lost, and do it."""
    begun.put((os.getpid(), number))
    return work(*job)


def end_with_parent() -> None:
    """Wait until the parent is gone, however it went; then end at once. An idle worker would never notice."""
    connection.wait([parent().sentinel])
    os._exit(1)


def parent() -> Any:
    return multiprocessing.parent_process()


def tell(*message: Any) -> None:
    """A worker's report to its parent, which passes it on to `hear`. In an executor of another kind nobody listens."""
    if messages is not None:
        messages.put(message)


def is_ours() -> bool:
    """Whether this is a worker of a pool of ours."""
    return messages is not None


def stop_if_alone() -> None:
    """End a worker of ours whose parent was killed, before a resumed run writes the same files."""
    if is_ours() and not parent().is_alive():
        os._exit(1)
