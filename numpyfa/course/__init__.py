"""A course on feedback alignment that marks itself.

    from numpyfa.course import check

    check("fa.delta", delta)   runs your function on drawn inputs; says what is wrong with it, or that it is right
    check.hint("fa.delta")     a hint; called again, the next one
    check.progress()           what is done

`numpyfa course FOLDER` writes the notebooks. It needs no network, and works in Jupyter, Colab and plain Python.
"""

from typing import Any

from .exercises import EXERCISES
from .marking import Mark, find, mark
from .progress import Progress


class Check:
    """`check(name, answer)` marks an answer to an exercise, prints what it found, and returns the `Mark`.

    Raises InputError for an unknown exercise.
    """

    def __init__(self) -> None:
        self.kept = Progress()
        self.hinted: dict[str, int] = {}

    def __call__(self, name: str, answer: Any = None) -> Mark:
        found = mark(name, answer)
        if callable(answer) and answer is find(name).solution:  # `.working` of a wrong try, asked for in another cell
            words = "this is our answer, with which the notebook goes on: run the cell that has yours"
            print(f"{name}: {words}")
            return Mark(name, False, "ours", words, answer)
        more = ""
        if not found.right and find(name).hints:
            more = f'  (check.hint("{name}") gives a hint)'
        print(f"{name}: {found.words}{more if found.right else '.' + more}")
        if found.mistake != "nothing yet":
            words = self.kept.record(name, found.right)
            if words:
                print(words)
        return found

    def hint(self, name: str) -> None:
        """Print the next hint for an exercise; after the last, the first again."""
        hints = find(name).hints
        if not hints:
            print(f"{name}: there is no hint")
            return
        number = self.hinted.get(name, 0) % len(hints)
        self.hinted[name] = number + 1
        print(f"{name}, hint {number + 1} of {len(hints)}: {hints[number]}")

    def progress(self) -> None:
        """Print a line for each notebook: which exercises are right, and which is next."""
        print(self.kept.shown())


check = Check()

__all__ = ["EXERCISES", "Mark", "check", "mark"]
