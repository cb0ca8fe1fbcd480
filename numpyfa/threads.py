"""Convolutions on several threads: each takes a share of the batch's images, cuts their patches and multiplies them.

NumPy lets go of the interpreter while it copies and multiplies, so Python's threads really run at once. BLAS has to
stay on one thread meanwhile: its own threads would wait for each other over products as small as these, and spin
between them. So inside `shared_out` BLAS is held to one thread, and as many of ours as it had before do the work. It
takes threadpoolctl (`pip install 'numpyfa[threads]'`); without it, or with one BLAS thread, nothing happens.
"""

import functools
import threading
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager

_lock, _inside, _threads = threading.Lock(), 0, 1


@functools.cache
def _blas():
    """threadpoolctl's handles of the BLAS libraries that are loaded."""
    try:
        from threadpoolctl import ThreadpoolController
    except ImportError:
        return []
    return ThreadpoolController().select(user_api="blas").lib_controllers


@functools.cache
def _pool(threads):
    return ThreadPoolExecutor(threads - 1, thread_name_prefix="numpyfa")


@contextmanager
def shared_out(wanted=True):
    """Inside, `shares` uses as many threads as BLAS has outside. It may be entered again inside itself."""
    global _inside, _threads
    if not wanted:
        yield
        return
    with _lock:
        if not _inside:
            _threads = max([library.num_threads for library in _blas()], default=1)
            _hold(1)
        _inside += 1
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if not _inside:
                _hold(_threads)
                _threads = 1


def _hold(threads):
    if _threads > 1:
        for library in _blas():
            library.set_num_threads(threads)


def shares(work, n):
    """[work(slice), ...] over shares of 0..n, at once; the caller does the first."""
    count = min(_threads, n)
    if count <= 1:
        return [work(slice(0, n))]
    cuts = [n * place // count for place in range(count + 1)]
    rest = [_pool(_threads).submit(work, slice(a, b)) for a, b in zip(cuts[1:], cuts[2:])]
    try:
        first = work(slice(0, cuts[1]))
    finally:
        wait(rest)
    return [first, *(each.result() for each in rest)]
