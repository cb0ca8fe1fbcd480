"""What the page and the engine say to each other: settings, what is wrong with them, and arrays as pictures.

The page sends what stands in its address and its form, as text. Every setting has a reader that returns its value or
raises InputError with a word for the reader of the page.

    to the engine     {"do": "start", "settings": {"rule": "fa", ...}, "play": true}
                      {"do": "play"}, {"do": "pause"}, {"do": "one"} (batch), {"do": "rewind"}
                      {"do": "look", "layer": 2, "digit": 17}
                      {"do": "drawn"}      the page has drawn the last update and wants another
                      {"do": "again"}      a page that has nothing yet wants everything
    from the engine   {"kind": "started", "settings": {...}, "choices": {...}, ...}, {"kind": "done"},
                      {"kind": "refused", "problems": {"lr": "what is wrong with it"}, "names": ["lr"]}
                      {"kind": "update", ...}: see `picture.py`
"""

import base64
import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, NoReturn

import numpy as np

from ..backend import Array, to_host
from ..errors import InputError, check_number, check_whole, choose
from ..local import ACTIVATIONS
from ..rules import RULES, VARIANTS

MOST_LAYERS, MOST_UNITS = 6, 1000
ROWS, COLUMNS = 100, 200  # of a matrix as a picture: more is cut off, and the picture says so
LETTERS = 200  # of a setting: more is a slip or mischief
Message = dict[str, Any]


class Refused(InputError):
    """Settings that cannot be. `problems` has a word for each: {"lr": "..."}; "" is for the settings together. `names`
    are the settings as they were sent: in `problems` a name may be shortened, and not all of them may stand there."""

    def __init__(self, problems: dict[str, str], names: list[str] | None = None) -> None:
        super().__init__("; ".join(f"{name}: {words}" if name else words for name, words in problems.items()))
        self.problems = problems
        self.names = [name for name in problems if name] if names is None else names


@dataclass(frozen=True)
class Settings:
    """All that the numbers depend on. `second` is a rule beside the first, or none, with the rate `second_lr`."""

    net: str = "200-80"  # units of the hidden layers; or lenet
    activation: str = "tanh"
    rule: str = "fa"
    second: str = ""
    lr: float = 0.1
    second_lr: float = 0.1
    scale: float = 1.0  # what the rule draws as B is multiplied by this
    decay: float = 0.0
    batch_size: int = 64
    digits: str = "0123456789"
    noise: float = 0.0  # this share of the training labels is another digit's
    seed: int = 0

    @property
    def rules(self) -> list[tuple[str, float]]:
        """[(rule, learning rate)], one or two."""
        return [(self.rule, self.lr)] + ([(self.second, self.second_lr)] if self.second else [])


def read_net(text: str) -> str:
    if text == "lenet":
        return text
    sizes = [int(n) for n in text.split("-")] if re.fullmatch(r"\d{1,5}(-\d{1,5})*", text, re.ASCII) else []
    if not 1 <= len(sizes) <= MOST_LAYERS or not all(1 <= n <= MOST_UNITS for n in sizes):
        raise InputError(
            f"write the units of the hidden layers, such as 200-80 (up to {MOST_LAYERS} layers of up to {MOST_UNITS}), "
            f"or lenet; found '{shortened(text)}'"
        )
    return "-".join(map(str, sizes))


def read_digits(text: str) -> str:
    if not re.fullmatch(r"[0-9]{2,10}", text, re.ASCII) or len(set(text)) < len(text):
        raise InputError(f"write two digits or more, each once, such as 0123456789 or 38; found '{shortened(text)}'")
    return "".join(sorted(text))


def one_of(what: str, table: Any, none: bool = False) -> Callable[[str], str]:
    def read(text: str) -> str:
        if not (none and text == ""):
            choose(dict.fromkeys(table, True), shortened(text), what)
        return text

    return read


def number(what: str, low: float, high: float) -> Callable[[str], float]:
    def read(text: str) -> float:
        plain = re.fullmatch(r"[+-]?(\d{1,20}\.?\d{0,20}|\.\d{1,20})([eE][+-]?\d{1,3})?", text, re.ASCII)
        return float(check_number(what, float(text) if plain else shortened(text), low, high))

    return read


def whole(what: str, low: int, high: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        return check_whole(what, int(text) if re.fullmatch(r"\d{1,12}", text, re.ASCII) else shortened(text), low, high)

    return read


READERS: dict[str, Callable[[str], Any]] = {
    "net": read_net,
    "activation": one_of("activation", ACTIVATIONS),
    "rule": one_of("rule", [*RULES, *VARIANTS]),
    "second": one_of("rule", [*RULES, *VARIANTS], none=True),
    "lr": number("the learning rate", 1e-9, 100),
    "second_lr": number("the learning rate", 1e-9, 100),
    "scale": number("the scale of the feedback", 0, 1000),
    "decay": number("the decay", 0, 1),
    "batch_size": whole("the batch size", 1, 1000),
    "digits": read_digits,
    "noise": number("the share of wrong labels", 0, 1),
    "seed": whole("the seed", 0, 10**9),
}


def read_settings(given: Any) -> Settings:
    """The settings that a message gives; what it leaves out has its default. Raises Refused with a word for each that
    cannot be, or that there is none of."""
    if not isinstance(given, dict):
        raise Refused({"": f"settings must be an object with a value for each name, found {shortened(given)}"})
    problems, values, wrong = {}, {}, []
    for name, value in given.items():
        if name not in READERS:
            wrong.append(name)
            problems[shortened(name)] = f"there is no such setting: choose from {', '.join(READERS)}"
            continue
        try:
            values[name] = READERS[name](as_text(value))
        except InputError as error:
            wrong.append(name)
            problems[name] = str(error)
    if problems:
        raise Refused(dict(list(problems.items())[:20]), wrong)
    if "second_lr" not in values and "lr" in values:
        values["second_lr"] = values["lr"]
    return Settings(**values)


def as_text(value: Any) -> str:
    """A value of a message as the text that a form would send. Raises InputError for what no form sends."""
    if isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e300:
        return repr(value)
    if isinstance(value, str) and len(value) <= LETTERS and value.isprintable():
        return value.strip()
    raise InputError(f"write a number or a word of at most {LETTERS} letters; found {shortened(value)}")


def shortened(value: Any) -> str:
    """What was found, short enough to be shown, and in letters that can be."""
    text = value if isinstance(value, str) else repr(value) if isinstance(value, (int, float)) else type(value).__name__
    text = "".join(letter if letter.isprintable() else "?" for letter in text[:41])
    return text if len(text) <= 40 else f"{text[:40]}..."


def plain(settings: Settings) -> Message:
    """The settings as text, all of them, as a form shows them."""
    found = {each.name: getattr(settings, each.name) for each in fields(settings)}
    return {name: f"{value:.15g}" if isinstance(value, float) else str(value) for name, value in found.items()}


def finite(value: float) -> float | None:
    """A number as JSON has it: what is not finite becomes null."""
    value = float(value)
    return value if math.isfinite(value) else None


def picture(array: Array) -> Message:
    """An array of numbers around 0 as bytes from -127 to 127 times `scale` / 127, for the page to colour. A matrix
    larger than `ROWS` x `COLUMNS` is cut; `of` is its whole shape."""
    a = np.asarray(to_host(array), np.float32)
    shape = list(a.shape)
    a = a[..., :COLUMNS] if a.ndim == 3 else a[:ROWS, :COLUMNS]
    scale = float(np.abs(a).max(initial=0))
    scale = scale if math.isfinite(scale) else 0.0
    with np.errstate(all="ignore"):
        levels = np.rint(np.nan_to_num(a * np.float32(127 / scale if scale else 0))).clip(-127, 127).astype(np.int8)
    return {"shape": list(a.shape), "of": shape, "scale": scale, "data": in_letters(levels)}


def in_letters(array: Any) -> str:
    """Bytes as base64, which JSON can carry."""
    return base64.b64encode(array.tobytes()).decode("ascii")


def numbers(array: Array) -> list[list[float | None]]:
    """A small matrix as numbers of four digits."""
    rows = np.asarray(to_host(array), np.float64).tolist()
    return [[finite(float(f"{value:.4g}")) for value in row] for row in rows]


def read_message(text: str | bytes) -> Any:
    """The message that JSON text holds. Raises InputError for any other text."""

    def no_number(word: str) -> NoReturn:
        raise ValueError(f"{word} is no number of JSON")

    try:
        return json.loads(text, parse_constant=no_number)
    except (ValueError, RecursionError) as error:
        raise InputError(f'a message is JSON, such as {{"do": "play"}}; {shortened(str(error))}') from None


def written(message: Message) -> str:
    """A message as JSON."""
    return json.dumps(message, allow_nan=False, separators=(",", ":"))
