"""How far what one answer made of the draws is from what another made of them."""

import math
from collections.abc import Iterator
from numbers import Number
from typing import Any

import numpy as np

from .running import Outcome

NUMBERS = "iufcb"  # the kinds of dtype that are numbers


def leaves(found: Any) -> Iterator[tuple[str, Any]]:
    """(where, array or word) of all that an answer consists of. A list of numbers is an array."""
    if isinstance(found, dict):
        for key in sorted(found, key=str):
            yield from ((f"{key}{where and '.'}{where}", leaf) for where, leaf in leaves(found[key]))
    elif isinstance(found, (tuple, list)) and not all(map(is_number, found)):
        for place, part in enumerate(found):
            yield from ((f"{place}{where and '.'}{where}", leaf) for where, leaf in leaves(part))
    elif isinstance(found, (str, bool, np.bool_)) or found is None:
        yield "", found
    else:
        yield "", as_array(found)


def is_number(found: Any) -> bool:
    """Whether it is one number: Python's, NumPy's, or an array of no axes."""
    return isinstance(found, (Number, np.bool_)) or (isinstance(found, np.ndarray) and not found.ndim)


def as_array(found: Any) -> np.ndarray:
    """An array; complex numbers without an imaginary part, as eigvals may give them, become real."""
    array = np.asarray(found)
    return array.real if array.dtype.kind == "c" and not array.imag.any() else array


def difference(mine: Outcome, due: Outcome) -> float:
    """The largest difference of any entry, relative to the largest entry due; infinite where they are not alike."""
    if mine.error is not None or due.error is not None:
        return 0.0 if type(mine.error) is type(due.error) else math.inf
    a, b = dict(leaves(mine.value)), dict(leaves(due.value))
    if a.keys() != b.keys():
        return math.inf
    return max((apart(a[where], b[where]) for where in b), default=0.0)


def apart(a: Any, b: Any) -> float:
    """The same of two arrays or words."""
    if not isinstance(a, np.ndarray) or not isinstance(b, np.ndarray):
        alike = isinstance(a, np.ndarray) == isinstance(b, np.ndarray) and a == b
        return 0.0 if alike else math.inf
    if a.shape != b.shape or (a.dtype.kind in NUMBERS) != (b.dtype.kind in NUMBERS):
        return math.inf
    if a.dtype.kind not in NUMBERS:
        return 0.0 if (a == b).all() else math.inf
    if (a.dtype.kind == "c") != (b.dtype.kind == "c"):
        return math.inf
    if a.dtype.kind != "c":
        a, b = a.astype(float), b.astype(float)
    if not np.isfinite(b).all():
        return 0.0 if np.array_equal(a, b, equal_nan=True) else math.inf
    if not np.isfinite(a).all():
        return math.inf
    return float(np.abs(a - b).max(initial=0.0) / (np.abs(b).max(initial=0.0) or 1.0))


def same(one: list[Outcome], other: list[Outcome], tolerance: float) -> bool:
    """Whether two answers did the same on every draw, and not only stopped on every one."""
    if all(each.error is not None for each in one):
        return all(said(a.error) == said(b.error) for a, b in zip(one, other))
    return all(difference(a, b) <= tolerance for a, b in zip(one, other))


def said(error: BaseException | None) -> str:
    """An error's type, and the first line of what it says, if that can be had."""
    try:
        message = str(error).strip().partition("\n")[0].strip()[:200]
    except Exception:  # a student's own class may fail in __str__
        message = ""
    return f"{type(error).__name__}{': ' * bool(message)}{message}"


def coarsest(found: list[Outcome]) -> np.dtype | None:
    """float16 or float32 where some number is in that, the coarser of the two; None where all are finer."""
    dtypes = [leaf.dtype for each in found for _, leaf in leaves(each.value) if isinstance(leaf, np.ndarray)]
    return next((np.dtype(coarse) for coarse in (np.float16, np.float32) if coarse in dtypes), None)
