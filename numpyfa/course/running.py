"""An answer is run: on arguments of its own, drawn the same for every answer, and whatever it raises is kept."""

import contextlib
import copy
import inspect
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from .exercise import Exercise

CASES = [(1, False), (1, True), (4, False), (5, True), (7, False), (3, True)]  # (examples, all other sizes equal)
SEED = 2016


class Stop(Exception):
    """An answer that cannot be compared with the solution: the mistake's name and the words for it."""


@dataclass
class Outcome:
    """What an answer made of one draw: a value, or the error that it stopped with."""

    value: Any = None
    error: BaseException | None = None
    changed: tuple[str, ...] = ()


def outcomes(exercise: Exercise, answer: Any, heard: bool = False) -> list[Outcome]:
    """What an answer makes of each draw. If `heard`, what it prints in the first draw is printed, and no more."""
    found = []
    for case in range(len(CASES) if exercise.draw else 1):
        arguments = arguments_of(exercise, case)
        with contextlib.nullcontext() if heard and case == 0 else silence():
            found.append(attempt(exercise, answer, arguments))
    return found


def silence() -> "contextlib.redirect_stdout[io.StringIO]":
    """Within it, nothing that is printed is seen."""
    return contextlib.redirect_stdout(io.StringIO())


def arguments_of(exercise: Exercise, case: int) -> tuple[Any, ...]:
    """Draw the arguments of one case. They are the same for every answer."""
    n, square = CASES[case]
    return exercise.draw(np.random.default_rng([SEED, case]), n, square) if exercise.draw else ()


def attempt(exercise: Exercise, answer: Any, arguments: tuple[Any, ...]) -> Outcome:
    """Run an answer once, on arguments of its own. Raises Stop if it returns what cannot be kept."""
    names = exercise.parameters
    before = copy.deepcopy(arguments)
    try:
        with np.errstate(all="ignore"):
            found = exercise.run(answer, *arguments)
    except (Exception, SystemExit) as error:  # a student's function may raise anything
        return Outcome(error=error)
    changed = tuple(
        name for name, old, new in zip(names, before, arguments) if name not in exercise.changes and moved(old, new)
    )
    if exercise.changes:
        found = tuple(new for name, new in zip(names, arguments) if name in exercise.changes)
    return Outcome(kept(found), changed=changed)


def kept(found: Any) -> Any:
    """A copy of what an answer returned. Raises Stop for what has none, such as a generator or a module."""
    for part in found if isinstance(found, (tuple, list)) else [found]:
        if isinstance(part, Iterator) and not isinstance(part, io.IOBase):
            raise Stop("form", f"this is a {type(part).__name__}: return a list, [... for ...]")
        if inspect.iscoroutine(part):
            raise Stop("form", "this is a coroutine: write def, not async def")
    try:
        return copy.deepcopy(found)
    except Exception:
        raise Stop("form", f"expected numbers or arrays, found {type(found).__name__}") from None


def moved(old: Any, new: Any) -> bool:
    """Whether an array, or one in a list, tuple or dictionary of them, is not what it was."""
    if isinstance(new, np.ndarray):
        return old.shape != new.shape or not np.array_equal(old, new, equal_nan=new.dtype.kind in "fc")
    if isinstance(new, (list, tuple)):
        return len(old) != len(new) or any(map(moved, old, new))
    if isinstance(new, dict):
        return old.keys() != new.keys() or any(moved(old[key], new[key]) for key in new)
    return False


def nothing(found: Any) -> bool:
    """Whether it is None or the dots of a blank, or consists of these."""
    return found is None or found is ... or (isinstance(found, tuple) and bool(found) and all(map(nothing, found)))
