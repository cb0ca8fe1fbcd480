"""Arrays on the CPU or the GPU by one code path, and named random streams.

The device is chosen once, when a network is built; after that everything follows its arrays.
Random numbers are always drawn on the host, in float64, and then moved and rounded. So every
rule starts from the same weights and sees the same batches, on either device and in either precision.
"""

import ctypes
import functools
import importlib
import math
import os
import sys
import zlib
from typing import Any, TypeAlias

import numpy as np
from threadpoolctl import ThreadpoolController

from .errors import InputError, check_whole

Array: TypeAlias = Any  # an array of NumPy, of CuPy, or of a stand-in that behaves like them


def array_module(x: Array) -> Any:
    """The module that made the array `x`: numpy, cupy, or a stand-in that behaves like them."""
    if type(x) is np.ndarray or isinstance(x, (np.ndarray, np.generic)):
        return np
    return sys.modules[type(x).__module__.partition(".")[0]]


def to_host(x: Array) -> Any:
    """`x` as a NumPy array."""
    return x if isinstance(x, (np.ndarray, np.generic)) else x.get()


def to_device(x: Any, module: Any) -> Array:
    """The NumPy array `x` as an array of `module`."""
    return x if module is np else module.asarray(x)


def on_host(state: dict[str, Any]) -> dict[str, Any]:
    """The same dictionary with every array of a device brought to the host: what goes into a pickle."""
    return {key: value.get() if hasattr(value, "get") and hasattr(value, "dtype") else value
            for key, value in state.items()}  # fmt: skip


def on_device(state: dict[str, Any], module: Any) -> dict[str, Any]:
    """The same dictionary with every NumPy array brought to `module`'s device."""
    return {key: to_device(value, module) if isinstance(value, np.ndarray) else value for key, value in state.items()}


def read_only(x: Array) -> Array:
    """`x` as a view that nobody can write through. CuPy has no such view: there it is `x` itself."""
    return lock(x.view()) if type(x) is np.ndarray else x


def lock(x: Array) -> Array:
    """`x` itself, an array that is ours, so that nobody can write into it from now on. CuPy's have no such lock."""
    if type(x) is np.ndarray:
        x.setflags(write=False)
    return x


def find_gpu() -> tuple[Any, str | None]:
    """(cupy, None) if an array can be allocated on a GPU, else (None, the reason).

    `import cupy` succeeds on machines without a GPU, so only an allocation tells.
    """
    try:
        import cupy
    except Exception as error:  # not installed, or broken: built for another NumPy, say
        return None, f"cupy cannot be imported ({_first_line(error)}): install numpyfa[cuda12] or numpyfa[cuda13]"
    try:
        cupy.zeros(1).sum().item()
    except Exception as error:  # a missing driver, toolkit or device each raises a class of its own
        return None, f"cupy {cupy.__version__} cannot use a GPU ({type(error).__name__}: {_first_line(error)})"
    return cupy, None


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def device(name: Any) -> Any:
    """'cpu', 'gpu' or 'auto' (the GPU where there is one) as an array module; a module stands for itself."""
    if name == "cpu":
        return np
    if name in ("gpu", "auto"):
        cupy, reason = find_gpu()
        if cupy is None and name == "gpu":
            raise InputError(f"device 'gpu' was asked for, but {reason}; use --device cpu")
        return cupy or np
    if hasattr(name, "asarray"):
        return name
    raise InputError(f"unknown device '{name}': choose from cpu, gpu, auto")


def module_named(name: str) -> Any:
    """The array module of this name; NumPy where CuPy is meant and this machine has no GPU."""
    return find_gpu()[0] or np if name == "cupy" else importlib.import_module(name)


def outer(rows: Array, delta: Array) -> Array:
    """rows^T delta: a sum over rows of outer products.

    A single row gets a row of zeros beside it: NumPy hands BLAS a product of two, and goes through a product of one in
    small loops of its own.
    """
    if len(rows) == 1 and type(rows) is np.ndarray:
        rows, delta = _beside_zeros(rows), _beside_zeros(delta)
    return rows.T @ delta


def _beside_zeros(row: Array) -> Array:
    two = np.zeros((2, row.shape[1]), row.dtype)
    two[0] = row[0]
    return two


def channel_sums(a: Array) -> Array:
    """The sum over all axes but the last. Image lines are added whole first, by BLAS, as 1^T a: that is faster."""
    if a.ndim == 4:
        ones = array_module(a).ones(a.shape[0] * a.shape[1], dtype=a.dtype)
        a = (ones @ a.reshape(len(ones), -1)).reshape(a.shape[2], a.shape[3])
    return a.sum(axis=0)


@functools.cache
def keep_freed_memory() -> None:
    """Let the C library keep freed memory up to 1 GB for the next batch, instead of giving it back to the system.

    Every batch makes and frees arrays of the same sizes, and giving them back costs page faults. It holds for the
    whole process. Only glibc has this setting; elsewhere nothing happens.
    """
    trim_threshold, mmap_threshold = -1, -3  # from malloc.h
    try:
        libc = ctypes.CDLL(None)
        libc.mallopt(trim_threshold, 1 << 30)
        libc.mallopt(mmap_threshold, 1 << 25)  # the largest that glibc accepts
    except (AttributeError, OSError, TypeError):
        pass


THREADS = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS", "BLIS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


LARGE = 1 << 22  # weights in one matrix, from which on a product is worth sharing out over threads


@functools.cache
def _blas() -> Any:
    return ThreadpoolController().select(user_api="blas")


_limited: list[Any] = []  # the limit in force, if there is one


@functools.cache
def _threads_are_named() -> bool:
    return any(name in os.environ for name in THREADS)


def calm_blas(weights: int) -> None:
    """Give BLAS one thread where the largest matrix has few weights, unless the environment names a number of threads.

    The products of one batch are small then. Threads that share them wait for each other, and where other work keeps
    the cores busy they make training many times slower. It holds for the whole process, until a larger net comes.
    """
    small = weights < LARGE
    if small == bool(_limited) or _threads_are_named():
        return
    if small:
        _limited.append(_blas().limit(limits=1))
    else:
        _limited.pop().restore_original_limits()


def erf(x: Array) -> Array:
    """The error function, to the last digit. On the CPU it calls the C library once per entry."""
    if array_module(x).__name__ == "cupy":
        from cupyx.scipy.special import erf as gpu_erf

        return gpu_erf(x)
    host = to_host(x)
    return to_device(np.vectorize(math.erf, otypes=[host.dtype])(host), array_module(x))


class Streams:
    """Independent random streams from one seed: `Streams(0)("weights", 2)` is always the same stream.

    A stream is known by its name and numbers, not by the order of the calls. So adding a rule, a layer
    or an epoch changes nobody else's numbers, and a resumed run needs no stored generator.
    """

    def __init__(self, seed: int) -> None:
        self.seed = check_whole("seed", seed, 0)

    def __call__(self, name: str, *numbers: int) -> np.random.Generator:
        return np.random.default_rng([self.seed, zlib.crc32(name.encode()), *numbers])
