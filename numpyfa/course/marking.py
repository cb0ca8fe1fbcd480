"""Marks: an answer is run on drawn inputs beside the solution, and what is wrong with it is said in words.

In this order: an answer that does nothing yet; one that stops with an error, or changes its arguments; one that is
right; one that does on every draw what a wrong answer known by name does; one that is wrong in a general way (for
more than one example, by a factor, transposed); and one that nobody foresaw, which gets the worst entry.

`running` runs an answer, `comparing` says how far it is from another, and `wording` finds the words.
"""

import inspect
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..errors import InputError, choose
from .comparing import coarsest, difference, said, same
from .exercise import Exercise
from .exercises import EXERCISES
from .running import Stop, nothing, outcomes
from .wording import general, in_figures, shortly

ROUNDING = {np.dtype(np.float16): 1e-2, np.dtype(np.float32): 1e-5}  # how far apart these may be, and still be the same


@dataclass(frozen=True)
class Mark:
    """What was found: `right`, the `mistake` by name where it is not, and the `words` for the student.

    `working` is the answer if it is right and ours if it is not, so that a notebook can go on with it.
    """

    name: str
    right: bool
    mistake: str
    words: str
    working: Any

    def _ipython_display_(self) -> None:
        """Nothing more: `check` has printed the words."""


def mark(name: str, answer: Any) -> Mark:
    """Compare an answer with the solution of an exercise, and find the words for it. It prints what the answer does.

    Raises InputError for an unknown exercise, and nothing for any answer.
    """
    exercise = find(name)
    try:
        check_kind(exercise, answer)
        words = judge(exercise, answer)
    except Stop as stop:
        mistake, words = stop.args
    except (Exception, SystemExit) as error:  # of an answer, or of what it returned, when one looks at it
        mistake, words = "error", f"this cannot be compared with what is due, {said(error)}"
    else:
        return Mark(name, True, "", words, answer)
    return Mark(name, False, mistake, words, exercise.solution)


def check_kind(exercise: Exercise, answer: Any) -> None:
    """Raise Stop for an answer that is none yet, or not of the kind that is asked for."""
    if answer is None or answer is ...:
        raise Stop("nothing yet", "nothing to mark yet: put your answer in the place of the dots")
    expected = exercise.solution
    if inspect.isclass(expected) and not inspect.isclass(answer):
        raise Stop("kind", f"expected a class, found {shortly(answer)}: give its name, without brackets")
    if callable(expected) and not callable(answer):
        raise Stop("kind", f"expected a function, found {shortly(answer)}: give its name, without brackets")
    if not callable(expected) and callable(answer):
        raise Stop("kind", f"expected a value, found {shortly(answer)}: call it, and give what it returns")
    names = exercise.parameters
    if names:
        try:
            inspect.signature(answer).bind(*names)
        except TypeError:
            found = ", ".join(inspect.signature(answer).parameters) or "nothing"
            raise Stop("arguments", f"expected a function of ({', '.join(names)}), found one of ({found})") from None
        except ValueError:  # a function of C, which does not say
            pass


def judge(exercise: Exercise, answer: Any) -> str:
    """The words for a right answer. Raises Stop for a wrong one."""
    due = outcomes(exercise, exercise.solution)
    mine = outcomes(exercise, answer, heard=True)
    if any(isinstance(each.error, NotImplementedError) for each in mine):
        raise Stop("nothing yet", "what you wrote is not finished: it raises NotImplementedError")
    if all(each.error is None and nothing(each.value) for each in mine):
        raise Stop("nothing yet", "nothing to mark yet: what you wrote returns nothing")
    changed = next((each.changed for each in mine if each.changed), ())
    if changed:
        raise Stop("changes its arguments", f"this changes {' and '.join(changed)} in place, which the caller goes on "
                   f"using: make a new array, as in a = a - b, where a -= b writes into the old one")  # fmt: skip
    apart = [difference(a, b) for a, b in zip(mine, due)]
    if max(apart) <= exercise.tolerance:
        return in_figures(exercise, answer, max(apart))
    coarse = coarsest(mine)
    if coarse is not None:
        exercise = replace(exercise, tolerance=max(exercise.tolerance, ROUNDING[coarse]))
        if max(apart) <= exercise.tolerance:
            raise Stop("rounding", f"right but for rounding: this is {coarse}, compute in float64")
    for known, wrong in exercise.wrongs.items():
        if wrong.words is not None and same(outcomes(exercise, wrong.answer), mine, exercise.tolerance):
            raise Stop(known, wrong.words)
    raise Stop(*general(exercise, answer, mine, due, apart))


def find(name: str) -> Exercise:
    """The exercise of this name. Raises InputError for an unknown one."""
    return choose(EXERCISES, name, "exercise")


__all__ = ["InputError", "Mark", "find", "mark"]
