"""What a run shows while it goes on: a bar on a terminal, elsewhere a line for each epoch or job."""

import os
import sys
import time
from contextlib import suppress
from typing import Any


class Progress:
    """Shows nothing but what must be said. `at(share, words)` hears how much of all the work is done."""

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *_: Any) -> None:
        pass

    def at(self, share: float, words: str | None = None) -> None:
        pass

    def say(self, line: str) -> None:
        """A line that the user must see. A reader that has gone away is no reason to stop."""
        with suppress(OSError):
            print(f"numpyfa: {line}", file=sys.stderr, flush=True)


class Lines(Progress):
    """One line on standard error for each epoch or job that ends, with an estimate of the time that is left."""

    def __init__(self) -> None:
        self.start: tuple[float, float] | None = None

    def at(self, share: float, words: str | None = None) -> None:
        self.start = self.start or (time.monotonic(), share)
        if words is None:
            return
        began, first = self.start
        left = ""
        if first < share < 1:
            left = f", about {duration((time.monotonic() - began) * (1 - share) / (share - first))} left"
        with suppress(OSError):
            print(f"{words} ({share:.0%}{left})", file=sys.stderr, flush=True)


class Bar(Progress):
    """A bar that moves with every batch, the time that is left, and the last words of the work."""

    def __init__(self) -> None:
        self.bar: Any = None

    def __exit__(self, *_: Any) -> None:
        if self.bar is not None:
            self.bar.close()

    def at(self, share: float, words: str | None = None) -> None:
        if self.bar is None:  # not before: a download may have to show its own
            from tqdm import tqdm

            form = "{percentage:3.0f}%|{bar}| {elapsed}<{remaining}{postfix}"
            self.bar = tqdm(total=1.0, initial=share, smoothing=0, dynamic_ncols=True, bar_format=form)
        self.bar.update(share - self.bar.n)
        if words is not None:
            self.bar.set_postfix_str(words)

    def say(self, line: str) -> None:
        if self.bar is None:
            return super().say(line)
        self.bar.write(f"numpyfa: {line}", file=sys.stderr)


def shown() -> Progress:
    """A bar on a terminal that has room for one, else lines."""
    room = sys.stderr.isatty() and os.get_terminal_size(sys.stderr.fileno()).columns > 0
    return Bar() if room else Lines()


def duration(seconds: float) -> str:
    """In words, as exactly as an estimate can be."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    if seconds < 90 * 60:
        return f"{round(seconds / 60)} min"
    return f"{seconds / 3600:.1f} h"
