"""A stand-in for CuPy on machines without a GPU: NumPy behind a wall.

Its arrays live on a pretended device. Mixing one with a host array, or turning one into a host array other than by
`.get()`, raises, as it does with CuPy. Python numbers and NumPy scalars may be mixed in, as there.
"""

import numpy as np

_OPERATORS = ("add", "sub", "mul", "truediv", "pow", "matmul", "and", "xor", "lt", "le", "gt", "ge", "eq", "ne")


class Array:
    __array_ufunc__ = None  # a host array on the left leaves the operation to us, and we refuse
    __hash__ = None

    def __init__(self, a):
        self._a = a

    def __array__(self, *args, **kwargs):
        raise TypeError("implicit conversion to a host array: use .get()")

    def get(self):
        return self._a.copy()

    def __len__(self):
        return len(self._a)

    def __float__(self):
        return float(self._a)

    def __int__(self):
        return int(self._a)

    def __bool__(self):
        return bool(self._a)

    def __abs__(self):
        return Array(abs(self._a))

    def __neg__(self):
        return Array(-self._a)

    def __getitem__(self, index):
        return _wrap(self._a[_unwrap(index)])

    def __setitem__(self, index, value):
        self._a[_unwrap(index)] = _unwrap(value)

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        value = getattr(self._a, name)
        if callable(value):
            return lambda *args, **kwargs: _wrap(value(*_unwrap(args), **_unwrap(kwargs)))
        return _wrap(value)


def _binary(name):
    def operate(self, other):
        return _wrap(getattr(self._a, f"__{name}__")(_unwrap(other)))

    return operate


def _in_place(name):
    def operate(self, other):
        getattr(self._a, f"__{name}__")(_unwrap(other))
        return self

    return operate


for _name in _OPERATORS:
    setattr(Array, f"__{_name}__", _binary(_name))
    if _name in ("add", "sub", "mul", "truediv", "pow", "matmul", "and", "xor"):
        setattr(Array, f"__r{_name}__", _binary(f"r{_name}"))
        setattr(Array, f"__i{_name}__", _in_place(f"i{_name}"))


def _unwrap(x):
    if isinstance(x, Array):
        return x._a
    if isinstance(x, np.ndarray):
        raise TypeError("a host array was mixed with device arrays")
    if isinstance(x, (tuple, list)):
        return type(x)(_unwrap(each) for each in x)
    if isinstance(x, dict):
        return {key: _unwrap(value) for key, value in x.items()}
    return x


def _wrap(x):
    if isinstance(x, (np.ndarray, np.generic)):
        return Array(np.asarray(x))
    return x


def asarray(x):
    """The one way in: a host array is copied to the device."""
    return x if isinstance(x, Array) else Array(np.array(x))


class _Module:
    def __init__(self, module):
        self._module = module

    def __getattr__(self, name):
        return _lift(getattr(self._module, name))


def _lift(value):
    if isinstance(value, type(np)):
        return _Module(value)
    if callable(value) and not isinstance(value, type):
        return lambda *args, **kwargs: _wrap(value(*_unwrap(args), **_unwrap(kwargs)))
    return value


def __getattr__(name):
    if name.startswith("__"):
        raise AttributeError(name)
    return _lift(getattr(np, name))
