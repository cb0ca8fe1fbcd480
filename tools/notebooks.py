"""Make the notebooks of the course from the scripts in tutorials/: one with blanks, for students, and one solved.

    python tools/notebooks.py            # write numpyfa/course/notebooks and numpyfa/course/solutions
    python tools/notebooks.py --check    # change nothing; exit 1 and say which notebook differs

A script is in jupytext's percent format. What stands between # BEGIN SOLUTION and # END SOLUTION is left out of the
notebook with blanks, and so is what an assignment that ends in # SOLUTION assigns; dots take its place.

REPOSITORY is where a public clone is: in another one, change this line and run the command. The badges and the
installation on Colab follow from it.
"""

import argparse
import re
import sys
from pathlib import Path

import jupytext
import nbformat

ROOT = Path(__file__).resolve().parents[1]
REPOSITORY = "https://github.com/numpyfa/numpyfa"
BRANCH = "main"
TUTORIALS = ROOT / "tutorials"
FOLDERS = {"notebooks": False, "solutions": True}  # of numpyfa/course, and whether their notebooks are solved

SETUP = """\
# Installs numpyfa where it is missing, as on Colab, and leaves the NumPy that is there.
import importlib.util
import os
import subprocess
import sys

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy: on small products threads only wait for each other
if importlib.util.find_spec("numpyfa") is None:
    from importlib.metadata import version

    source = os.environ.get("NUMPYFA_SOURCE", "git+{repository}@{branch}")
    pip = [sys.executable, "-m", "pip", "install", "--quiet"]
    subprocess.run([*pip, f"numpyfa[theory] @ {{source}}", "numpy==" + version("numpy")], check=True)
"""
BADGE = "[![Open in Colab](https://colab.research.google.com/assets/colab-badge.svg)]({url})"


def scripts() -> list[Path]:
    """The scripts of the notebooks, in order."""
    return sorted(TUTORIALS.glob("[0-9][0-9]*.py"))


def blank(code: str) -> str:
    """The code of a cell with dots where its solutions are."""
    code = re.sub(r"^( *)# BEGIN SOLUTION\n(?:.*\n)*? *# END SOLUTION$", r"\1...  # your answer", code, flags=re.M)
    return re.sub(r"^( *[\w, ]+ = ).*  # SOLUTION$", r"\1...  # your answer", code, flags=re.M)


def make(script: Path, solved: bool) -> nbformat.NotebookNode:
    """The notebook of a script."""
    book = jupytext.read(script, fmt="py:percent")
    if script.stem == "00_plain":  # one page of nothing but NumPy, run as it stands
        cells = [page_as_cells(cell) for cell in book.cells]
        book.cells = [cell for several in cells for cell in several]
    for cell in book.cells:
        if cell.cell_type == "code" and not solved:
            cell.source = blank(cell.source)
    owner = REPOSITORY.removeprefix("https://github.com/")
    url = f"https://colab.research.google.com/github/{owner}/blob/{BRANCH}/numpyfa/course/notebooks/{script.stem}.ipynb"
    setup = SETUP.format(repository=REPOSITORY, branch=BRANCH).rstrip()
    first = [nbformat.v4.new_markdown_cell(BADGE.format(url=url)), nbformat.v4.new_code_cell(setup)]
    first[1].metadata["tags"] = ["setup"]
    book.cells = first + book.cells
    for number, cell in enumerate(book.cells):
        cell.id = f"cell-{number:02}"
        cell.metadata.pop("lines_to_next_cell", None)
    book.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    book.nbformat, book.nbformat_minor = 4, 5
    nbformat.validate(book)
    return book


def page_as_cells(cell: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    """The plain page: its docstring as prose, then its code as it is."""
    words, _, code = cell.source.removeprefix('"""').partition('"""')
    head, _, more = words.strip().partition("\n")
    more = more.replace("    python tutorials/00_plain.py\n", "").strip()
    prose = f"# One plain page\n\n{head}\n\n{more}"
    return [nbformat.v4.new_markdown_cell(prose), nbformat.v4.new_code_cell(code.strip())]


def written(book: nbformat.NotebookNode) -> str:
    return nbformat.writes(book) + "\n"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 and say what differs")
    check = parser.parse_args(arguments).check
    due = {
        ROOT / "numpyfa" / "course" / folder / f"{script.stem}.ipynb": written(make(script, solved))
        for folder, solved in FOLDERS.items()
        for script in scripts()
    }
    found = {path for folder in FOLDERS for path in (ROOT / "numpyfa" / "course" / folder).glob("*.ipynb")}
    differ = [path for path, text in due.items() if path not in found or path.read_text(encoding="utf-8") != text]
    differ += sorted(found - due.keys())
    for path in differ:
        name = path.relative_to(ROOT).as_posix()
        if check:
            print(f"{name} differs from its script in tutorials/: run python tools/notebooks.py")
        elif path in due:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(due[path], encoding="utf-8")
            print(f"wrote {name}")
        else:
            path.unlink()
            print(f"removed {name}: it has no script in tutorials/")
    return 1 if check and differ else 0


if __name__ == "__main__":
    sys.exit(main())
