"""Execute notebooks of the course, one after another: python tests/run_notebooks.py FOLDER FORM/NAME ...

What becomes of each is in FOLDER/FORM/NAME: executed.ipynb, and last result.json with the seconds and any error.
The folder is made first: so two of these share the notebooks out between them. The tests start one with the first test
of a session, so that notebooks run while other tests do.
"""

import json
import subprocess
import sys
import time
from pathlib import Path

COURSE = Path(__file__).parents[1] / "numpyfa" / "course"
SECONDS = 60
EXECUTE = """
import sys, nbclient, nbformat
source, target, seconds = sys.argv[1:]
book = nbformat.read(source, as_version=4)
try:
    nbclient.NotebookClient(book, timeout=int(seconds)).execute()
finally:
    nbformat.write(book, target)
"""  # a process of its own, since a kernel's sockets and event loop outlive the client


def main(folder: Path, jobs: list[str]) -> None:
    for job in jobs:
        place = folder / job
        try:
            place.mkdir(parents=True)
        except FileExistsError:  # the other one has it
            continue
        command = [sys.executable, "-c", EXECUTE, str(COURSE / f"{job}.ipynb"), str(place / "executed.ipynb")]
        start = time.perf_counter()
        told = subprocess.run([*command, str(4 * SECONDS)], cwd=place, capture_output=True, text=True)
        found = {"seconds": time.perf_counter() - start, "error": told.stderr if told.returncode else None}
        (place / "result.part").write_text(json.dumps(found), encoding="utf-8")
        (place / "result.part").rename(place / "result.json")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
