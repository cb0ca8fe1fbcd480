"""The errors a user can cause, and the nearest right word for a wrong one."""

import math
import warnings
from difflib import get_close_matches


def warn(message):
    """A warning to the user of the library, who called `fit`."""
    warnings.warn(message, stacklevel=4)


def check_number(what, value, low, high=math.inf, whole=False):
    """Raise InputError unless `value` is a finite number from `low` to `high`, and a whole one if `whole`."""
    number = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    if not number or not low <= value <= high or (whole and value != int(value)):
        kind, top = "whole number" if whole else "number", "" if high == math.inf else f" to {high:g}"
        raise InputError(f"{what} must be a {kind} from {low:g}{top}, found {value!r}")


class InputError(ValueError):
    """Bad input. The message says what was expected, what was found and what to do.

    The command line prints it in one line and exits with status 2.
    """


class Diverged(ArithmeticError):
    """The loss stopped being a finite number. The message names the step, the layer and the likely cause."""


class Stopped(RuntimeError):
    """The run was cut off from outside. The message says how to go on."""


def choose(table, name, what):
    """`table[name]`, or an `InputError` that suggests the nearest name in the table."""
    if name in table:
        return table[name]
    near = get_close_matches(str(name).lower(), [str(key) for key in table], n=1, cutoff=0.5)
    hint = f"did you mean '{near[0]}'? " if near else ""
    raise InputError(f"unknown {what} '{name}': {hint}choose from {', '.join(map(str, table))}")
