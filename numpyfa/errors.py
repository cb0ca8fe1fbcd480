"""The errors a user can cause, and the nearest right word for a wrong one."""

import warnings
from difflib import get_close_matches


def warn(message):
    """A warning to the user of the library, who called `fit`."""
    warnings.warn(message, stacklevel=4)


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
