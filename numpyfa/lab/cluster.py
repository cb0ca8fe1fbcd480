"""Dask does the jobs: on this machine, or on the machines of a cluster whose scheduler is named."""

import logging
import re
import socket
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np

from .. import __version__
from ..doctor import cores
from ..errors import InputError, warn
from .pool import without_ctrl_c

PATIENCE = 10.0  # seconds to wait for a scheduler
LOGGERS = ("distributed", "distributed.client", "distributed.gc", "tornado.application", "asyncio")  # of a level each


@contextmanager
def dask(where: str, workers: int | None = None) -> Iterator[Executor]:
    """An executor of Dask's. "local" starts so many worker processes here, one a core unless said otherwise, that only
    this machine can reach; tcp://host:port is a scheduler.

    A worker that is lost costs what its job has not kept: Dask gives the job to another, and gives up when it has lost
    several with it. What a job itself raises is not tried again, since it would raise it again. Raises InputError where
    Dask is not installed or there is no such scheduler.
    """
    try:
        import distributed
    except ImportError:
        raise InputError("--dask needs Dask's distributed: pip install 'numpyfa[cluster]'") from None
    if where != "local":
        check_address(where)
    with ExitStack() as stack:
        for name in LOGGERS:
            stack.enter_context(quiet(name))
        address: Any = where
        if where == "local":
            with without_ctrl_c():
                address = stack.enter_context(
                    distributed.LocalCluster(
                        n_workers=workers or cores(),
                        threads_per_worker=1,
                        host="127.0.0.1",
                        dashboard_address=":0",  # any free port, of this machine alone
                        worker_dashboard_address=None,
                        silence_logs=logging.CRITICAL,
                    )  # fmt: skip
                )
        try:
            client = stack.enter_context(distributed.Client(address, timeout=PATIENCE, set_as_default=False))
        except (OSError, TypeError, ValueError) as error:
            raise InputError(
                f"no Dask scheduler answers at {where} ({' '.join(str(error).split())}): start it, or correct --dask"
            ) from None
        if not client.scheduler_info()["workers"]:
            warn(f"the scheduler at {where} has no worker yet: the jobs wait for one")
        compare_workers(client)
        yield client.get_executor(pure=False)  # Dask must not take two runs of one job for one


def check_address(where: str) -> None:
    """Raise InputError unless something answers there: Dask itself would ask for minutes, and leave threads behind."""
    found = re.fullmatch(r"(tcp|tls|ws|wss)://(\[[^]]+\]|[^]\[:/]+):(\d{1,5})/?", where)
    if not found:
        raise InputError(f"--dask takes local or the address of a scheduler, such as tcp://host:8786, found '{where}'")
    try:
        socket.create_connection((found[2].strip("[]"), int(found[3])), PATIENCE).close()
    except (OSError, OverflowError, UnicodeError) as error:
        raise InputError(f"no Dask scheduler answers at {where} ({error}): start it, or correct --dask") from None


def compare_workers(client: Any) -> None:
    """Raise InputError if a worker that is there cannot import what is here, or has another version. Dask would give it
    jobs that it cannot read, for ever. What is asked needs only Python there. Each job compares again, and more."""
    expected = (__version__, np.__version__)
    asked = "(__import__('numpyfa').__version__, __import__('numpy').__version__)"
    for worker, found in client.run(eval, asked, on_error="return").items():
        if isinstance(found, Exception):
            raise InputError(f"the worker {worker} cannot import numpyfa ({found}): install it there")
        if tuple(found) != expected:
            words = "numpyfa {} and NumPy {}"
            raise InputError(
                f"the worker {worker} has {words.format(*found)}, expected {words.format(*expected)} as here: "
                "install these there"
            )


@contextmanager
def quiet(name: str) -> Iterator[None]:
    """Inside, a library does not log: what matters is said by the run."""
    logger = logging.getLogger(name)
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(before)
