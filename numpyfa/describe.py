"""What a net is made of, in words and as plain data: for `repr`, for checkpoints, and to build the same net again.

A part is described by what it was made with: the arguments of its `__init__`, which it keeps as attributes of the same
names. `*tail` is the list of its local operations. Initialisers are left out: they say how a net began, not what it is.
"""

import inspect
from typing import Any

LEFT_OUT = ("self", "init")


class Described:
    """Something whose `repr` says what it was made with: Conv(6, kernel=5, ReLU(), padding=2)."""

    def __repr__(self) -> str:
        words: list[str] = []
        for place, (name, parameter) in enumerate(_parameters(self)):
            value = getattr(self, name, "?")
            if parameter.kind is parameter.VAR_POSITIONAL:
                words += map(repr, value)
            elif value != parameter.default:
                first = place == 0 and parameter.kind is not parameter.KEYWORD_ONLY
                words.append(repr(value) if first else f"{name}={value!r}")
        return f"{type(self).__name__}({', '.join(words)})"


def describe(thing: Any) -> dict[str, Any]:
    """{"kind": "Conv", "channels": 6, ...}: plain data that JSON gives back as they are."""
    found: dict[str, Any] = {"kind": type(thing).__name__}
    for name, parameter in _parameters(thing):
        value = getattr(thing, name, None)
        if parameter.kind is parameter.VAR_POSITIONAL:
            value = [describe(each) for each in value or ()]
        found[name] = list(value) if isinstance(value, tuple) else value
    return found


def rebuild(description: dict[str, Any], kinds: dict[str, type]) -> Any:
    """The thing that `describe` described. Raises KeyError for a kind that is not among `kinds`."""
    options = dict(description)
    kind = kinds[options.pop("kind")]
    tail = [rebuild(each, kinds) for each in options.pop("tail", [])]
    first = [options.pop(name) for name in _before_the_tail(kind) if name in options]
    return kind(*first, *tail, **options)


def _parameters(thing: Any) -> list[tuple[str, inspect.Parameter]]:
    if type(thing).__init__ is object.__init__:
        return []
    parameters = inspect.signature(type(thing).__init__).parameters
    return [(name, parameter) for name, parameter in parameters.items() if name not in LEFT_OUT]


def _before_the_tail(kind: type) -> list[str]:
    parameters = inspect.signature(kind).parameters.values()
    return [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD and p.name not in LEFT_OUT]
