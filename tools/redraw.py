"""Make the tables, verdicts and figures of figures/ anew from the rows that are committed there: nothing is trained.

    python tools/redraw.py                     # every folder of figures/
    python tools/redraw.py FOLDER [FOLDER ..]  # some of them, or folders of runs elsewhere

Of each folder it reads history.csv and the settings in summary.json, and asks the experiment of that name for the rest.
It writes figure.png and figure.svg, and summary.json if a row or the verdict is another than it was.
"""

import argparse
import json
import math
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # the package beside this file, whatever else is installed

from numpyfa.errors import InputError, choose  # noqa: E402
from numpyfa.files import UNREADABLE  # noqa: E402
from numpyfa.lab import plots  # noqa: E402
from numpyfa.lab.folder import write_json  # noqa: E402
from numpyfa.lab.tables import plain_json, read_rows  # noqa: E402
from numpyfa.papers import EXPERIMENTS  # noqa: E402

LAST_DIGIT = 1e-12  # relative: sums depend on the BLAS


def redraw(folder: Path) -> bool:
    """Write what follows from the rows in a folder; return whether its summary has changed.

    Raises InputError for a folder that holds no results, or results of an experiment that is not known.
    """
    try:
        summary, rows = json.loads((folder / "summary.json").read_text("utf-8")), read_rows(folder / "history.csv")
        name, settings, before = summary["experiment"], summary["settings"], (summary["rows"], summary["verdict"])
    except UNREADABLE as error:
        raise InputError(f"{folder} must hold a history.csv and a summary.json of one run: {error}") from None
    experiment = choose(EXPERIMENTS, name, "experiment")
    settings = experiment.settings | settings
    table = experiment.table(settings, rows)
    after = plain_json(table), experiment.verdict(settings, table)
    changed = not alike(before, after)
    if changed:
        write_json(folder / "summary.json", summary | {"rows": after[0], "verdict": after[1]})
    plots.save(folder / "figure", lambda figure: experiment.draw(figure, settings, rows))
    return changed


def alike(a: Any, b: Any) -> bool:
    """Whether two things of JSON are the same, but for the last digit of a number."""
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(alike(a[key], b[key]) for key in a)
    if isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)):
        return len(a) == len(b) and all(map(alike, a, b))
    if isinstance(a, float) and isinstance(b, float):
        return math.isclose(a, b, rel_tol=LAST_DIGIT)
    return bool(a == b)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Make tables, verdicts and figures anew from committed rows.")
    parser.add_argument("folders", nargs="*", type=Path, metavar="FOLDER", help="default: all of figures/")
    given = parser.parse_args(arguments).folders
    failed = 0
    for folder in given or sorted(path.parent for path in (ROOT / "figures").glob("*/summary.json")):
        try:
            changed = redraw(folder)
            print(f"{folder.name}: the figure is drawn" + (", the summary has changed" if changed else ""))
        except InputError as error:
            failed = 2
            print(f"redraw: {error}", file=sys.stderr)
    return failed


if __name__ == "__main__":
    sys.exit(main())
