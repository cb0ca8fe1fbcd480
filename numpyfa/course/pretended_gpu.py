"""A pretended GPU: NumPy behind a wall, to show on any machine what code for a GPU may do and what it asks for.

It refuses what CuPy refuses, and a little more: an array cannot be mixed with a host array, not even as an index, is
taken by none of NumPy's own functions, and comes back by `.get()`, `float()` and the like alone. `count(work)` says
what `work()` asked of it. It is NumPy and runs no faster: never time it.
"""

import sys
from collections.abc import Callable
from typing import Any

import numpy as np

NAME = "pretended_gpu"
sys.modules[NAME] = sys.modules[__name__]  # `array_module` asks for the first part of an array's module

_counts = {"launches": 0, "bytes in": 0, "bytes out": 0, "waits": 0}


def count(work: Callable[[], Any]) -> dict[str, int]:
    """What one call of `work` asks for.

    launches   operations that make or change an array; a view of one is none, nor is the array itself
    bytes in   copied to the GPU; bytes out: copied back
    waits      times that the host needed a value, and so had to wait for all launches before
    """
    before = dict(_counts)
    work()
    return {what: _counts[what] - before[what] for what in _counts}


class Refused(TypeError):
    """An array of the GPU was used as one of the host, or the other way round."""


TAKEN = "a NumPy function got an array of the GPU: use array_module(x), or x.get() to bring it here"
MIXED = "a host array was mixed with arrays of the GPU: asarray brings it there"


class Array:
    """An array on the pretended GPU."""

    __module__ = NAME
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, a: np.ndarray) -> None:
        self._a = a

    def __array__(self, *arguments: Any, **options: Any) -> np.ndarray:
        raise Refused(TAKEN)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        """NumPy asks here: for np.exp(x), for a host array on the left of x, and for one of its numbers there."""
        if any(isinstance(each, np.ndarray) for each in (*inputs, *options.get("out", ()))):
            raise Refused(MIXED)
        if method == "__call__" and not options and isinstance(inputs[0], np.generic):
            return _on_gpu(ufunc(*_on_host(inputs)))
        raise Refused(TAKEN)

    def get(self) -> np.ndarray:
        """A copy on the host."""
        return self._fetched().copy()

    def item(self, *index: int) -> Any:
        """The one entry, or that at an index, as a number of Python."""
        return (self[index] if index else self)._fetched().item()

    def tolist(self) -> Any:
        """All entries as numbers of Python, in lists."""
        return self._fetched().tolist()

    def _fetched(self) -> np.ndarray:
        _counts["waits"] += 1
        _counts["bytes out"] += self._a.nbytes
        return self._a

    def __len__(self) -> int:
        return len(self._a)

    def __float__(self) -> float:
        return float(self._fetched())

    def __int__(self) -> int:
        return int(self._fetched())

    def __bool__(self) -> bool:
        return bool(self._fetched())

    def __abs__(self) -> Any:
        return _on_gpu(abs(self._a))

    def __neg__(self) -> Any:
        return _on_gpu(-self._a)

    def __getitem__(self, index: Any) -> Any:
        return _on_gpu(self._a[_on_host(index)], self)

    def __setitem__(self, index: Any, value: Any) -> None:
        _counts["launches"] += 1
        self._a[_on_host(index)] = _on_host(value)

    def __repr__(self) -> str:
        return f"<{self._a.shape} {self._a.dtype} on the pretended GPU>"

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        value = getattr(self._a, name)
        return _lifted(value, self) if callable(value) else _on_gpu(value, self)


def _binary(name: str) -> Any:
    def operate(self: Array, other: Any) -> Any:
        return _on_gpu(getattr(self._a, name)(_on_host(other)))

    return operate


def _in_place(name: str) -> Any:
    def operate(self: Array, other: Any) -> Any:
        _counts["launches"] += 1
        getattr(self._a, name)(_on_host(other))
        return self

    return operate


for _name in ("add", "sub", "mul", "truediv", "pow", "matmul", "and", "xor", "lt", "le", "gt", "ge", "eq", "ne"):
    setattr(Array, f"__{_name}__", _binary(f"__{_name}__"))
    if _name[-1] not in "te" or _name == "truediv":
        setattr(Array, f"__r{_name}__", _binary(f"__r{_name}__"))
        setattr(Array, f"__i{_name}__", _in_place(f"__i{_name}__"))


def _on_host(x: Any) -> Any:
    """What NumPy is to work on. Raises Refused for a host array."""
    if isinstance(x, Array):
        return x._a
    if isinstance(x, np.ndarray):
        raise Refused(MIXED)
    if isinstance(x, (tuple, list)):
        return type(x)(_on_host(each) for each in x)
    if isinstance(x, dict):
        return {key: _on_host(value) for key, value in x.items()}
    return x


def _on_gpu(x: Any, *sources: Any) -> Any:
    """What NumPy made of some sources, as an array of the GPU."""
    if not isinstance(x, (np.ndarray, np.generic)):
        return x
    array = np.asarray(x)
    view = any(isinstance(each, Array) and np.may_share_memory(array, each._a) for each in sources)
    _counts["launches"] += not view  # a view moves nothing
    return Array(array)


def asarray(x: Any, dtype: Any = None) -> Any:
    """The way in: a host array is copied to the GPU. One that is there stays, unless its dtype is to change."""
    if isinstance(x, Array):
        return x if dtype is None else x.astype(dtype, copy=False)
    array = np.array(x, dtype)
    _counts["bytes in"] += array.nbytes
    return Array(array)


def array(x: Any, dtype: Any = None) -> Any:
    """The same, but a copy in any case."""
    return x.astype(dtype or x.dtype) if isinstance(x, Array) else asarray(x, dtype)


def _lifted(value: Any, *owner: Array) -> Any:
    """A function of NumPy as one of the GPU, or a method of its owner; of a module, all of its functions."""
    if isinstance(value, type(np)):
        return _Module(value)
    if not callable(value) or isinstance(value, type):
        return value

    def function(*arguments: Any, **options: Any) -> Any:
        made = value(*_on_host(arguments), **_on_host(options))
        sources = () if "out" in options else (*owner, *arguments, *options.values())  # into `out` it writes
        return _on_gpu(made, *sources)

    return function


class _Module:
    def __init__(self, module: Any) -> None:
        self._module = module

    def __getattr__(self, name: str) -> Any:
        return _lifted(getattr(self._module, name))


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    return _lifted(getattr(np, name))
