"""What is done, in a small file of the working folder, so that every notebook of a folder adds to it."""

import json
import os
from pathlib import Path

from ..errors import InputError
from ..files import UNREADABLE, whole_file
from .exercises import CHAPTERS, EXERCISES, exercises_of

FILE = "course-progress.json"


class Progress:
    """{exercise: whether it has been right}, of those that were tried. `NUMPYFA_PROGRESS` names another file."""

    def __init__(self) -> None:
        self.tried: dict[str, bool] = {}  # of this session, for a folder that cannot be written

    @property
    def path(self) -> Path:
        return Path(os.environ.get("NUMPYFA_PROGRESS", FILE))

    def read(self) -> tuple[dict[str, bool], str]:
        """(what the file and this session say, a word if the file cannot be read)."""
        kept: dict[str, bool] = {}
        words = ""
        if self.path.exists():
            try:
                found = dict(json.loads(self.path.read_text(encoding="utf-8")))
                kept = {name: bool(found[name]) for name in EXERCISES if name in found}
            except UNREADABLE:
                words = f"{self.path} cannot be read: delete it, and it is written anew"
        done = [name for each in (kept, self.tried) for name, right in each.items() if right]
        return kept | self.tried | dict.fromkeys(done, True), words

    def record(self, name: str, right: bool) -> str:
        """Add a try. Return a word if it could not be kept in the file."""
        self.tried[name] = right or self.tried.get(name, False)
        kept, words = self.read()
        if words:
            return words
        try:
            with whole_file(self.path) as file:
                json.dump(kept, file, indent=1)
        except InputError as error:
            return f"{error}; until then your progress is kept in this session alone"
        return ""

    def shown(self) -> str:
        """A line for each notebook, and the next exercise."""
        kept, words = self.read()
        lines, width = [words] * bool(words), max(map(len, CHAPTERS))
        for notebook, chapter in CHAPTERS.items():
            names = [each.name for each in exercises_of(chapter)]
            boxes = "".join("x" if kept.get(name) else "o" if name in kept else "." for name in names)
            left = [name for name in names if not kept.get(name)]
            more = f"next: {left[0]}" if left else "done"
            lines.append(f"{notebook:{width}}  {boxes:8}  {len(names) - len(left)} of {len(names)}  {more}")
        right = sum(kept.get(name, False) for name in EXERCISES)
        return "\n".join([*lines, f"{right} of {len(EXERCISES)} exercises (x right, o tried, . open)"])
