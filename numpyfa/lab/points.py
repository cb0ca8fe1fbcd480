"""Points of a sweep: a point is a setting of some fields of the protocol, {"lr": 0.1, "hidden_lr": 3.0}."""

import math
import re
from typing import Any

from ..errors import is_number

Point = dict[str, Any]


def word(point: Point) -> str:
    """A point as jobs and files name it: lr=0.1,hidden_lr=3.0"""
    return ",".join(f"{name}={plain(value)}" for name, value in point.items())


def plain(value: Any) -> str:
    """A value without what a file's name must not have."""
    return re.sub(r"[^\w.:+-]+", "_", str(value))


def by_word(settings: dict[str, Any]) -> dict[str, Point]:
    """The points of a sweep's settings. A row names its point by the word: a value alone may change on its way through
    a file."""
    return {word(point): point for point in settings["points"]}


def edges(points: list[Point], chosen: Point) -> list[str]:
    """The fields whose chosen value is the lowest or highest of three numbers or more; `normal:0.1` is one too."""
    found = []
    for name, value in chosen.items():
        values = [number_of(point[name]) for point in points]
        same_word = len({str(point[name]).rpartition(":")[0] for point in points}) == 1
        if same_word and all(map(math.isfinite, values)) and len(set(values)) > 2:
            found += [name] if number_of(value) in (min(values), max(values)) else []
    return found


def number_of(value: Any) -> float:
    """The value, or the number at the end of a word such as normal:0.1; NaN of anything else."""
    if is_number(value):
        return float(value)
    try:
        return float(str(value).rpartition(":")[2]) if isinstance(value, str) else math.nan
    except ValueError:
        return math.nan
