"""A sweep as the command line says it: options with several values, --rules all, and too many jobs."""

import itertools
from argparse import ArgumentTypeError
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from ..backend import find_gpu
from ..doctor import cores
from ..errors import InputError
from .experiment import Experiment, Settings
from .points import plain
from .progress import duration
from .protocol import Protocol
from .spelling import in_file_name, spell_all, split
from .sweep import SHARED, count, drawn, estimate, fitting, product, sweeping

MOST_JOBS = 1000  # more want a yes
CASES = ("net", "data", "examples")  # of these each value is a case: a rule is compared on it, not given the best one
ONCE = ("dtype", "schedule", "feedback_schedule", "standardise", "augment", "decoupled")  # options of one value
LISTS = tuple(each.name for each in fields(Protocol) if each.name not in set(SHARED) - {"data"} | set(ONCE))


def several(kind: type) -> Callable[[str], list]:
    """How an option reads several values: 0.01,0.1"""

    def read(text: str) -> list:
        words = split(text)
        if not words:
            raise ArgumentTypeError(f"an empty grid: give values with commas between them, found '{text}'")
        try:
            return list(map(kind, words))
        except ValueError:
            kinds = {float: "numbers", int: "whole numbers"}
            raise ArgumentTypeError(f"expected {kinds[kind]} with commas between them, found '{text}'") from None

    return read


def asked(protocol: Protocol, values: Settings, draw: int | None, tries: int, halving: int) -> Experiment:
    """The sweep that the command line asks for: {field: value, or a list of several}. Raises InputError if nothing is
    left to choose."""
    lists = {name: value for name, value in values.items() if name in LISTS}
    one = {name: value for name, value in values.items() if name not in lists and name != "rules"}
    one |= {name: value[0] for name, value in lists.items() if len(value) == 1}
    many = {name: value for name, value in lists.items() if len(value) > 1}
    grid = {name: value for name, value in many.items() if name not in CASES}
    if one.get("device") == "auto":
        one["device"] = "gpu" if find_gpu()[0] else "cpu"
    protocol = replace(protocol, **one)
    cases = make_cases(protocol, {name: many[name] for name in CASES if name in many})
    if not grid:
        raise InputError("an empty grid: give several values of an option, such as --lr 0.01,0.03,0.1")
    points = product(grid) if draw is None else drawn(grid, draw)
    protocol = replace(protocol, rules=read_rules(values.get("rules"), protocol, cases))
    nets, sets = (many.get(name, [getattr(protocol, name)]) for name in ("net", "data"))
    name = in_file_name("-".join(["sweep", *map(plain, nets), *(plain(Path(each).stem) for each in sets)]))
    question = "How good is each rule at the best of its settings?"
    return sweeping(name, protocol, points, cases, tries, halving, question=question)


def make_cases(protocol: Protocol, several: dict[str, list]) -> dict[str, Settings]:
    """{name: what it changes}, for every combination. Raises InputError for two of one name."""
    if not several:
        return {plain(protocol.net): {}}
    cases: dict[str, Settings] = {}
    for values in itertools.product(*several.values()):
        changes = dict(zip(several, values))
        name = " ".join(in_words(*each) for each in changes.items())
        if name in cases:
            raise InputError(f"two cases would both be called '{name}': give each value once, and files other names")
        cases[name] = changes
    return cases


def in_words(field: str, value: Any) -> str:
    return f"{value} examples" if field == "examples" else plain(Path(value).stem if field == "data" else value)


def read_rules(texts: list[str] | None, protocol: Protocol, cases: dict[str, Settings]) -> tuple[str, ...]:
    """The rules that are named; "all" is every one that fits the nets."""
    if texts is None:
        return protocol.rules
    words = [word for text in texts for word in split(text)]
    named = spell_all(word for word in words if word != "all")
    if "all" not in words:
        return named
    fit = fitting(replace(protocol, **changes) for changes in cases.values())[0]
    return tuple(dict.fromkeys([*fit, *named]))


def refuse_many(settings: Settings, yes: bool) -> None:
    """Raise InputError for more jobs than anyone asks for by accident, unless they are meant."""
    jobs = count(settings)
    if jobs > MOST_JOBS and not yes:
        hours = duration(estimate(settings) / cores())
        raise InputError(
            f"{jobs:,} jobs, which may take about {hours} on {cores()} cores: fewer values, --draw or --halving make "
            f"it less, --yes if they are meant"
        )
