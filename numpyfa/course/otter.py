"""The notebooks as masters for otter-grader's `assign`: each exercise becomes a question whose test is our own mark."""

import json
import re
from typing import Any

Cell = dict[str, Any]
ASKED = re.compile(r'^(?:(?P<name>\w+) = )?check\("(?P<exercise>[\w.-]+)", (?P<answer>\w+)\)(?:\.working)?.*$', re.M)


def as_assignment(notebook: str, name: str) -> str:
    """A solved notebook as otter's master, as text; nothing if it has no exercise.

    A cell with `delta = check("fa.delta", delta).working` becomes a question: the cell without that line, whose
    solution `assign` takes out, and a test that asks `mark("fa.delta", ...).right` and gives the words if it is not.
    The line itself stands in a cell after the question. Otter marks when the whole notebook has run, and by then
    `delta` may be ours: so the answer keeps a name of its own.
    """
    book = json.loads(notebook)
    cells: list[Cell] = [raw("# ASSIGNMENT CONFIG\n" + "\n".join(config(name)))]
    asked = 0
    for cell in book["cells"]:
        source = "".join(cell["source"])
        found = ASKED.search(source) if cell["cell_type"] == "code" else None
        if found is None:
            cells.append(cell)
            continue
        asked += 1
        cells += question(source, found)
    if not asked:
        return ""
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number:03}"
    return json.dumps(book | {"cells": cells}, indent=1) + "\n"


def config(name: str) -> list[str]:
    """Otter's settings: an autograder for `otter run`, no PDF, and no export cell at the end."""
    return [f"name: {name}", "generate: true", "export_cell: false", "check_all_cell: false", "run_tests: false"]


def question(source: str, found: "re.Match[str]") -> list[Cell]:
    """The cells of one exercise: what is asked, the solution, the test, and the student's own check."""
    exercise, answer = found["exercise"], found["answer"]
    label = exercise.replace(".", "_").replace("-", "_")
    test = (
        f'from numpyfa.course import mark\n\nfound = mark("{exercise}", {label}_answer)\n\n'
        "assert found.right, found.words"
    )
    return [
        raw(f"# BEGIN QUESTION\nname: {label}\npoints: 1"),
        prose(f"*Your answer to `{exercise}`:*"),
        raw("# BEGIN SOLUTION"),
        code(f"{source[: found.start()].rstrip()}\n\n\n{label}_answer = {answer}  # for the grader"),
        raw("# END SOLUTION"),
        raw("# BEGIN TESTS"),
        code(test),
        raw("# END TESTS"),
        raw("# END QUESTION"),
        code(source[found.start() :].strip()),
    ]


def raw(source: str) -> Cell:
    return {"cell_type": "raw", "metadata": {}, "source": source}


def prose(source: str) -> Cell:
    return {"cell_type": "markdown", "metadata": {}, "source": source}


def code(source: str) -> Cell:
    return {"cell_type": "code", "metadata": {}, "source": source, "outputs": [], "execution_count": None}
