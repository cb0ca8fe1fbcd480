"""What is said to a right answer, and to a wrong one that is not known by name."""

import contextlib
import inspect
import math
import traceback
from typing import Any

import numpy as np

from .comparing import NUMBERS, apart, leaves, said
from .exercise import Exercise
from .running import CASES, Outcome, arguments_of, silence

# -- A right answer --------------------------------------------------------------------------------------------------


def in_figures(exercise: Exercise, answer: Any, largest: float) -> str:
    """The words for a right answer, with the figures."""
    if not exercise.draw:
        return "right"
    words = f"right: over {len(CASES)} draws it " + (
        f"differs from ours by at most {largest:.0e}" if largest else "equals ours"
    )
    figure = off_the_identity(exercise, answer)
    if exercise.identity is None or not figure <= 1e-4:  # then it says nothing of this answer
        return words
    return f"{words}; {exercise.identity.words}, to within " + (f"{figure:.0e}" if figure else "0")


def off_the_identity(exercise: Exercise, answer: Any) -> float:
    """How far the answer is from its identity at most; infinite where that cannot be said."""
    if exercise.identity is None:
        return math.inf
    try:
        with silence(), np.errstate(all="ignore"):
            figures = [exercise.identity.figure(answer, *arguments_of(exercise, case)) for case in range(len(CASES))]
    except (Exception, SystemExit):  # of an answer that is right on the draws, and not on what the identity asks
        return math.inf
    return float(np.max(figures))


# -- A wrong one -----------------------------------------------------------------------------------------------------


def general(
    exercise: Exercise, answer: Any, mine: list[Outcome], due: list[Outcome], apart_by: list[float]
) -> tuple[str, str]:
    """(mistake, words) for an answer that is not wrong in a way known by name."""
    if not exercise.draw:
        return "unforeseen", f"{shortly(mine[0].value)} is not right"
    broken = next((case for case, each in enumerate(mine) if each.error is not None), None)
    if broken is not None:
        error = mine[broken].error
        return "error", f"it stops with {said(error)}{line_of(answer, error)}, for {described(exercise, broken)}"
    for case, (a, b) in enumerate(zip(mine, due)):
        words = form(a.value, b.value)
        if words:
            return "form", f"{words}, for {described(exercise, case)}"
    pairs = [(np.asarray(a), np.asarray(b)) for x, y in zip(mine, due)
             for (_, a), (_, b) in zip(leaves(x.value), leaves(y.value)) if isinstance(b, np.ndarray)]  # fmt: skip
    sizes = [n for (n, _), x in zip(CASES, due) for _, b in leaves(x.value) if isinstance(b, np.ndarray)]
    for mistake, words, factors in (
        ("sign", "the sign is the other way round", [-1.0] * len(sizes)),
        ("not divided", "this is N times what is due, N being the number of examples: not divided by N, or multiplied "
                        "by it", [float(n) for n in sizes]),
        ("divided twice", "this is 1/N of what is due, N being the number of examples: divided by N once too often",
         [1.0 / n for n in sizes]),
    ):  # fmt: skip
        if (exercise.batch or mistake == "sign") and pairs and all(
            close(a, factor * b, exercise.tolerance) for (a, b), factor in zip(pairs, factors)
        ):  # fmt: skip
            return mistake, words
    single = [each <= exercise.tolerance for each, (n, _) in zip(apart_by, CASES) if n == 1]
    several = [each <= exercise.tolerance for each, (n, _) in zip(apart_by, CASES) if n > 1]
    if exercise.batch and all(single) and not any(several):
        return "one example", ("right for one example, wrong for a batch: look at what is summed, and at what is "
                               "divided by N")  # fmt: skip
    ratio = factor_of(pairs, exercise.tolerance)
    if ratio is not None:
        return "factor", f"every entry is {ratio:.4g} times what is due"
    return "unforeseen", worst(exercise, mine, due, apart_by)


def line_of(answer: Any, error: BaseException | None) -> str:
    """Where in the answer an error came up, counted from its def: " in line 3 of your function"."""
    if inspect.isclass(answer):
        codes = {each.__code__: name for name, each in vars(answer).items() if inspect.isfunction(each)}
    else:
        codes = {answer.__code__: "your function"} if inspect.isfunction(answer) else {}
    lines = [
        f" in line {line - frame.f_code.co_firstlineno + 1} of {codes[frame.f_code]}"
        for frame, line in traceback.walk_tb(error.__traceback__ if error else None)
        if frame.f_code in codes
    ]
    return lines[-1] if lines else ""


def close(a: np.ndarray, b: np.ndarray, tolerance: float) -> bool:
    b = np.asarray(b)  # a factor times an array of no axes is a number
    return a.shape == b.shape and a.dtype.kind in "iuf" and bool(apart(a, b) <= tolerance)


def factor_of(pairs: list[tuple[np.ndarray, np.ndarray]], tolerance: float) -> float | None:
    """The one number by which every entry differs, if there is one."""
    if not pairs or not all(a.dtype.kind in "iuf" and b.dtype.kind in "iuf" for a, b in pairs):
        return None
    a, b = (np.concatenate([pair[place].ravel() for pair in pairs]).astype(float) for place in (0, 1))
    ratio = float(a @ b / (b @ b)) if b.any() and np.isfinite([a, b]).all() else 0.0
    return ratio if ratio and abs(ratio - 1) > tolerance and close(a, ratio * b, tolerance) else None


def form(found: Any, due: Any) -> str:
    """What is wrong with the shape of a result, or with its kind of numbers; nothing if both are right."""
    a, b = dict(leaves(found)), dict(leaves(due))
    if a.keys() != b.keys():
        return unlike(found, due)
    for where in b:
        x, y = a[where], b[where]
        if isinstance(x, np.ndarray) != isinstance(y, np.ndarray):
            return f"expected {in_words(y)}{of_part(where)}, found {in_words(x)}"
        if isinstance(y, np.ndarray) and x.shape != y.shape:
            return f"the shape{of_part(where)} must be {y.shape}, found {x.shape}"
        if isinstance(y, np.ndarray) and y.dtype.kind in "iuf" and np.isfinite(y).all():
            if x.dtype.kind == "c":
                return f"expected real numbers{of_part(where)}, found complex ones: take .real"
            if x.dtype.kind not in NUMBERS:
                return f"expected numbers{of_part(where)}, found {x.dtype}"
            if not np.isfinite(x.astype(float)).all():
                return f"NaN or infinity{of_part(where)}"
    return ""


def unlike(found: Any, due: Any, where: str = "") -> str:
    """What to say of a result that has other parts than what is due: of the first part that is unlike, if one is."""
    x, y = parts_of(found), parts_of(due)
    if y and x.keys() == y.keys():
        apart = [key for key in y if dict(leaves(x[key])).keys() != dict(leaves(y[key])).keys()]
        key = apart[0] if apart else next(iter(y))
        return unlike(x[key], y[key], f"{where}{where and '.'}{key}")
    if isinstance(due, np.ndarray) and isinstance(found, (list, tuple)):
        with contextlib.suppress(TypeError, ValueError):  # rows of several lengths, or no numbers
            if np.asarray(found, float).shape == due.shape:  # as [row, row]
                return f"the numbers{of_part(where)} are in a list: make it an array, np.array(...)"
    return f"expected {in_words(due)}{of_part(where)}, found {in_words(found)}"


def parts_of(thing: Any) -> dict[Any, Any]:
    """The parts of a list, tuple or dictionary; none of anything else."""
    return thing if isinstance(thing, dict) else dict(enumerate(thing)) if isinstance(thing, (list, tuple)) else {}


def worst(exercise: Exercise, mine: list[Outcome], due: list[Outcome], apart_by: list[float]) -> str:
    """The entry that is furthest from what is due, in the draw where it is."""
    case = int(np.argmax(apart_by))
    at, furthest = "", -1.0
    for (where, a), (_, b) in zip(leaves(mine[case].value), leaves(due[case].value)):
        if not isinstance(b, np.ndarray):
            if a != b and furthest < 0:
                at = f"found {a!r}, due {b!r}"
            continue
        off = np.abs(a.astype(float) - b.astype(float)) if b.dtype.kind in "iufb" else (a != b).astype(float)
        if off.size and off.max() > furthest:
            place = np.unravel_index(int(off.argmax()), off.shape)
            index = ", ".join(map(str, place))
            spot = f"entry [{index}]" if place else "the value"
            at = f"{spot}{of_part(where)} is {a[place]:.4g}, due is {b[place]:.4g}"
            furthest = float(off.max())
    right = sum(each <= exercise.tolerance for each in apart_by)
    return f"right in {right} of {len(apart_by)} draws; at worst {at}, for {described(exercise, case)}"


# -- Things in a few letters -----------------------------------------------------------------------------------------


def described(exercise: Exercise, case: int) -> str:
    """The arguments of a draw in short: N = 4, delta_above (4, 3), B (3, 5)."""
    names = exercise.parameters
    said = [f"{name} {shortly(each)}" for name, each in zip(names, arguments_of(exercise, case))]
    return ", ".join([f"N = {CASES[case][0]}"] * exercise.batch + said) or "this draw"


def in_words(thing: Any) -> str:
    """The same as `shortly`, but said: an array of shape (3, 4), a list of 2."""
    if isinstance(thing, np.ndarray) and thing.ndim:
        return f"an array of shape {thing.shape}"
    return f"a {shortly(thing)}" if isinstance(thing, (list, tuple)) else shortly(thing)


def shortly(thing: Any) -> str:
    """An array's shape, a list's length, or the thing itself in a few letters."""
    if isinstance(thing, np.ndarray):
        return str(thing.shape) if thing.ndim else f"{thing.item():.4g}" if thing.dtype.kind == "f" else str(thing)
    if isinstance(thing, (list, tuple)):
        return f"{type(thing).__name__} of {len(thing)}"
    if isinstance(thing, dict):
        return f"a dictionary of {', '.join(map(str, thing)) or 'nothing'}"
    if isinstance(thing, float):
        return f"{thing:.4g}"
    return f"{thing!r:.60}" if not callable(thing) else f"'{getattr(thing, '__name__', 'a function')}'"


def of_part(where: str) -> str:
    """Which part of a result is meant, where it has several."""
    return f" of part {where}" if where else ""
