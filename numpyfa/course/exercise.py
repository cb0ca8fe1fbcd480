"""What an exercise is: a solution, inputs to draw, and the wrong answers that are known by name.

    @exercise("fa.delta", draw=layer, hints=("...", "..."))
    def delta(delta_above, B, z):
        return (delta_above @ B) * (1 - np.tanh(z) ** 2)

    @delta.wrong("no slope", "your delta lacks the slope f'(z): ...")
    def _(delta_above, B, z):
        return delta_above @ B

The decorated name is then an `Exercise`. `numpyfa.course.marking` says what is made of it.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

Draw = Callable[[np.random.Generator, int, bool], tuple[Any, ...]]
Run = Callable[..., Any]


class Wrong(NamedTuple):
    """A wrong answer that is known: what to say to it, and what it does. Without words it gets the general ones."""

    words: str | None
    answer: Any


class Identity(NamedTuple):
    """What a right answer obeys, in words, and `figure(answer, *arguments)`: how far it is from that."""

    words: str
    figure: Callable[..., float]


def call(answer: Any, *arguments: Any) -> Any:
    """What an answer makes of the arguments; an answer that is a value is itself."""
    return answer(*arguments) if callable(answer) else answer


@dataclass(eq=False)
class Exercise:
    """One exercise of the course.

    `draw(rng, n, square)` gives the arguments of the answer, for n examples, with all other sizes equal if `square`
    (so that a wrong transpose runs) and different if not. Without it the answer is a value. `run(answer, *arguments)`
    is what an answer makes of them, where that is more than a call. `changes` names the arguments that the answer is
    to change in place. `tolerance` is relative to the largest entry. `batch` says whether n is a batch of examples.
    `identity` is a law that proves the answer without the solution; it is reported with a right answer.
    """

    name: str
    solution: Any
    draw: Draw | None = None
    hints: tuple[str, ...] = ()
    run: Run = call
    changes: tuple[str, ...] = ()
    tolerance: float = 1e-7
    batch: bool = True
    identity: Identity | None = None
    wrongs: dict[str, Wrong] = field(default_factory=dict)

    @property
    def parameters(self) -> list[str]:
        """The names of the answer's arguments; none for a value or a class."""
        if inspect.isclass(self.solution) or not callable(self.solution):
            return []
        return list(inspect.signature(self.solution).parameters)

    def wrong(self, name: str, words: str | None = None, answer: Any = None) -> Any:
        """Add a wrong answer: `wrong(name, words, answer)`, or as a decorator of the answer."""
        if answer is not None:
            self.wrongs[name] = Wrong(words, answer)
            return answer
        return lambda function: self.wrong(name, words, function)


def exercise(name: str, **more: Any) -> Callable[[Any], Exercise]:
    """A decorator that makes an `Exercise` of its solution, a function or a class."""
    return lambda solution: Exercise(name, solution, **more)


def value(name: str, solution: Any, **more: Any) -> Exercise:
    """An exercise whose answer is a value: a number, a word, True or False, or several in a tuple."""
    return Exercise(name, solution, **more)


def sizes(rng: np.random.Generator, count: int, square: bool) -> list[int]:
    """So many sizes of layers: all equal, or all different. None is the number of examples of a draw."""
    return [int(rng.integers(8, 16))] * count if square else [int(size) for size in rng.permutation(8)[:count] + 8]
