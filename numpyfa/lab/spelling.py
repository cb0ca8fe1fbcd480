"""A rule and its options in one word, as on the command line, in tables and in names of files.

    pfa:expansion=5,orthogonal=true      name:option=value,option=value
    dfa:layers=1+2                       several numbers; or one word, such as dense
    adam:eps=1                           an optimiser is written in the same way
    20:0.5,30:0.5                        a schedule: after so many epochs, times this factor

The rule's own fields say of which kind a value is. A word is written in one way only (`spell`), so that two runs of the
same thing have the same name.
"""

import hashlib
import inspect
import math
import re
from collections.abc import Iterable
from dataclasses import fields
from typing import Any

from ..errors import InputError, choose, unknown_option
from ..optim import OPTIMIZERS
from ..rules import find
from ..rules.base import Rule

Options = dict[str, Any]
MOST = 10**9
LONGEST = 160  # characters of a part of a file's name; a name may have 255
SAID_ELSEWHERE = ("lr", "momentum", "decay", "decoupled")  # options of an optimiser that a protocol has by name
PLAIN = re.compile(r"[\w.:+-]+", re.ASCII)  # what a value may be made of: it becomes part of a file's name


def spell_all(texts: Iterable[str]) -> tuple[str, ...]:
    """('bp,fa', 'pfa:expansion=05') -> ('bp', 'fa', 'pfa:expansion=5').

    After a comma, option=value belongs to the rule before it, and anything else begins the next rule.
    """
    return tuple(spell(*read(word)) for text in texts for word in split(text))


def split(text: str) -> list[str]:
    """'sgd,adam:eps=1,beta1=0.5' -> ['sgd', 'adam:eps=1,beta1=0.5']"""
    words: list[str] = []
    for piece in filter(None, map(str.strip, text.split(","))):
        if words and "=" in piece.partition(":")[0]:
            words[-1] += f",{piece}"
        else:
            words.append(piece)
    return words


def spell(name: str, options: Options) -> str:
    """The one way to write a rule with its options: sorted by name."""
    return name + ":" * bool(options) + ",".join(f"{key}={_text(options[key])}" for key in sorted(options))


def read(word: str) -> tuple[str, Options]:
    """'pfa:expansion=5' -> ('pfa', {'expansion': 5}). Raises InputError for an option that the rule lacks, or a value
    of another kind."""
    name = base(word)
    return name, _options("rule", word, option_kinds(find(name)[0]))


def read_optimizer(word: str) -> tuple[str, Options]:
    """'adam:eps=1' -> ('adam', {'eps': 1.0}). Raises InputError as `read` does."""
    name = base(word)
    parameters = inspect.signature(choose(OPTIMIZERS, name, "optimiser")).parameters.values()
    kinds = {each.name: each.annotation for each in parameters if each.name not in SAID_ELSEWHERE}
    return name, _options("optimiser", word, kinds)


def read_schedule(text: str) -> tuple[tuple[int, float], ...]:
    """'20:0.5,30:0.5' -> ((20, 0.5), (30, 0.5)). Raises InputError for anything else."""
    pieces = [piece.strip() for piece in text.split(",") if piece.strip()]
    pairs = [re.fullmatch(r"(\d{1,9}):([0-9.eE+-]+)", piece) for piece in pieces]
    try:
        return tuple((int(pair[1]), float(pair[2])) for pair in pairs)  # type: ignore[index]
    except (TypeError, ValueError):
        raise InputError(
            f"a schedule is written epochs:factor,epochs:factor, as 20:0.5,30:0.5; found '{text}'"
        ) from None


def _options(what: str, word: str, kinds: dict[str, Any]) -> Options:
    """The options that a word brings after its colon."""
    name, _, rest = word.partition(":")
    options: Options = {}
    for piece in rest.split(",") if rest else []:
        key, equals, text = (part.strip() for part in piece.partition("="))
        if not equals:
            article = "an" if what == "optimiser" else "a"
            raise InputError(
                f"an option of {article} {what} is written {name}:option=value, found '{piece}' in '{word}'"
            )
        if key not in kinds:
            raise unknown_option(f"{what} '{name}'", key, kinds)
        if key in options:
            raise InputError(f"{what} '{name}': give the option {key} once, found it twice in '{word}'")
        options[key] = _value(f"{what} '{name}': {key}", kinds[key], text)
    return options


def option_kinds(kind: type[Rule]) -> dict[str, Any]:
    """{option: its kind} of a rule."""
    return {each.name: each.type for each in fields(kind) if each.name not in ("net", "seed")}


def base(word: str) -> str:
    """The rule's name without its options."""
    return word.partition(":")[0]


def in_file_name(word: str) -> str:
    """The word without the colon, which not every system allows in a file's name; of a word that is too long for one
    the beginning and its digest."""
    name = word.replace(":", ",")
    return name if len(name) <= LONGEST else f"{name[: LONGEST - 17]}-{hashlib.sha256(word.encode()).hexdigest()[:16]}"


def _value(what: str, kind: Any, text: str) -> Any:
    wanted = {bool: "true or false", int: "a whole number below 10^9", float: "a finite number", str: "a word"}
    if not PLAIN.fullmatch(text):
        raise InputError(f"{what} must be {wanted.get(kind, 'a word or numbers')}, found '{text}'")
    if kind is str:
        return text
    if kind is bool and text.lower() in ("true", "false"):
        return text.lower() == "true"
    if kind in (int, float):
        try:
            number = kind(text)
        except ValueError:
            number = math.nan
        if abs(number) < (MOST if kind is int else math.inf):
            return number
    elif kind is not bool:  # layers: numbers, or a word
        return tuple(map(int, text.split("+"))) if re.fullmatch(r"\d{1,9}(\+\d{1,9})*", text) else text
    raise InputError(f"{what} must be {wanted[kind]}, found '{text}'")


def _text(value: Any) -> str:
    if isinstance(value, tuple):
        return "+".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else str(value)
