"""What `numpyfa course FOLDER` writes: the notebooks with blanks, and on request what is for lecturers alone."""

import json
import os
import shutil
import tempfile
from importlib import resources
from pathlib import Path

from ..errors import InputError
from ..files import umask
from .otter import as_assignment

HERE = resources.files(__package__)


def write(folder: Path, solutions: bool = False, otter: bool = False) -> list[str]:
    """Write the course into a new folder; return what is in it, in words.

    The notebooks have blanks, and plan.md says how to teach with them. With `solutions`, a folder of that name has the
    solved notebooks, and answers.md answers to the open questions. With `otter`, a folder of that name has a master of
    each notebook for otter-grader's `assign`.

    The folder appears when all is in it. Raises InputError if it exists and is not empty, or cannot be written.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder} exists already: name a new folder, so that no answers in it are lost")
    try:
        folder.absolute().parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(dir=folder.absolute().parent, prefix=f".{folder.name}."))
    except OSError as error:
        raise InputError(f"cannot write into {folder.absolute().parent}: {error.strerror}; choose another") from None
    try:
        told = fill(temporary, solutions, otter)
        os.chmod(temporary, 0o777 & ~umask())  # mkdtemp makes it private; a course is for everyone
        if folder.exists():
            folder.rmdir()
        os.replace(temporary, folder)
    except OSError as error:
        raise InputError(f"cannot write {folder}: {error.strerror}") from None
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return told


def fill(folder: Path, solutions: bool, otter: bool) -> list[str]:
    """Write the files; return what is in the folder, in words."""
    books = notebooks("notebooks")
    for name, text in books.items():
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "plan.md").write_text(HERE.joinpath("plan.md").read_text(encoding="utf-8"), encoding="utf-8")
    told = [f"{len(books)} notebooks, from {min(books)} to {max(books)}", "plan.md: two hours, a week, a term"]
    if solutions:
        (folder / "solutions").mkdir()
        for name, text in notebooks("solutions").items():
            (folder / "solutions" / name).write_text(text, encoding="utf-8")
        (folder / "answers.md").write_text(answers(), encoding="utf-8")
        told += ["solutions: the solved notebooks", "answers.md: answers to the open questions"]
    if otter:
        (folder / "otter").mkdir()
        for name, text in notebooks("solutions").items():
            assignment = as_assignment(text, name.removesuffix(".ipynb"))
            if assignment:
                (folder / "otter" / name).write_text(assignment, encoding="utf-8")
        told += ["otter: masters for `otter assign MASTER OUTPUT`"]
    return told


def notebooks(form: str) -> dict[str, str]:
    """{file name: text} of the notebooks in one form, "notebooks" or "solutions", in order."""
    files = sorted(HERE.joinpath(form).iterdir(), key=lambda each: each.name)
    return {
        each.name: without_badge(each.read_text(encoding="utf-8")) for each in files if each.name.endswith(".ipynb")
    }


def without_badge(text: str) -> str:
    """A notebook without its first cell, the badge: it is fetched when it is shown, and leads to the public copy."""
    book = json.loads(text)
    book["cells"] = book["cells"][1:]
    return json.dumps(book, indent=1, ensure_ascii=False) + "\n"


def answers() -> str:
    """The answers to the open questions of all notebooks, one after another."""
    files = sorted(HERE.joinpath("answers").iterdir(), key=lambda each: each.name)
    texts = [each.read_text(encoding="utf-8").strip() for each in files if each.name.endswith(".md")]
    return "\n\n\n".join(["Answers to the open questions. None is the only one.", *texts]) + "\n"
