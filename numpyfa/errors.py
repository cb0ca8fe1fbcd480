"""The errors a user can cause, and the nearest right word for a wrong one."""

import math
import os
import sys
import warnings
from collections.abc import Collection, Mapping
from difflib import get_close_matches
from numbers import Integral, Real
from typing import Any, TypeVar

Value = TypeVar("Value")


def warn(message: str) -> None:
    """A warning to the user of the library. It names the first line outside the package that led here."""
    here, level, frame = os.path.dirname(__file__) + os.sep, 1, sys._getframe()
    while frame.f_back and frame.f_code.co_filename.startswith(here):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, stacklevel=level)


def is_number(value: Any) -> bool:
    """Whether it is a number, of Python or NumPy, and no truth value."""
    return isinstance(value, Real) and not isinstance(value, bool)


def check_number(what: str, value: Any, low: float, high: float = math.inf) -> Any:
    """`value`. Raises InputError unless it is a finite number from `low` to `high`."""
    if not is_number(value) or not math.isfinite(value) or not low <= value <= high:
        raise InputError(f"{what} must be a number from {low}{_to(high)}, found {value!r}")
    return value


def check_whole(what: str, value: Any, low: int, high: float = math.inf) -> int:
    """`value` as an int. Raises InputError unless it is a whole number, Python's or NumPy's, from `low` to `high`."""
    if not (isinstance(value, Integral) and is_number(value) and low <= int(value) <= high):
        raise InputError(f"{what} must be a whole number from {low}{_to(high)}, found {value!r}")
    return int(value)


def check_truth(what: str, value: Any) -> bool:
    """`value` as a bool. Raises InputError unless it is True or False."""
    if value is not True and value is not False and type(value).__name__ not in ("bool", "bool_"):
        raise InputError(f"{what} must be True or False, found {value!r}")
    return bool(value)


def _to(high: float) -> str:
    return "" if high == math.inf else f" to {high}"


class InputError(ValueError):
    """Bad input. The message says what was expected, what was found and what to do.

    The command line prints it in one line and exits with status 2.
    """


class Diverged(ArithmeticError):
    """The loss stopped being a finite number. The message names the step, the layer and the likely cause."""


class Stopped(RuntimeError):
    """The run was cut off from outside. The message says how to go on."""


def unknown_option(whose: str, option: str, known: Collection[str]) -> InputError:
    """The error for an option that something, such as "rule 'fa'", does not have."""
    return InputError(f"{whose} has no option '{option}': it takes {', '.join(sorted(known)) or 'none'}")


def choose(table: Mapping[Any, Value], name: Any, what: str) -> Value:
    """`table[name]`, or an `InputError` that suggests the nearest name in the table."""
    if isinstance(name, str) and name in table:
        return table[name]
    near = get_close_matches(str(name).lower(), [str(key) for key in table], n=1, cutoff=0.5)
    hint = f"did you mean '{near[0]}'? " if near else ""
    raise InputError(f"unknown {what} '{name}': {hint}choose from {', '.join(map(str, table))}")
