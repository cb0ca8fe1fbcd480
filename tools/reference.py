"""Write figures/reference.json, against which `numpyfa reproduce NAME --verify` holds a run.

    python tools/reference.py                   # from figures/*/summary.json; what there is of quick forms is kept
    python tools/reference.py --quick FOLDER    # also runs the quick forms into FOLDER, each to its end, and takes them
    python tools/reference.py --quick FOLDER NAME ...    # of these experiments only
    python tools/reference.py --check           # change nothing; exit 1 if the committed results say otherwise

The quick form of an experiment of trained nets is run with at least three seeds, so that their spread is known; one
whose seeds are part of a job is run as it is. A reference of a quick form that has changed since is dropped.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # the package beside this file, whatever else is installed

from numpyfa.errors import Diverged, InputError, choose  # noqa: E402
from numpyfa.files import whole_file  # noqa: E402
from numpyfa.lab import reference  # noqa: E402
from numpyfa.lab.experiment import Experiment, Settings  # noqa: E402
from numpyfa.lab.run import run  # noqa: E402
from numpyfa.papers import EXPERIMENTS  # noqa: E402

FILE = ROOT / reference.FILE
SEEDS = 3
QUICK = "the quick form"

Entries = list[dict[str, Any]]


def committed() -> dict[str, Entries]:
    """The references of the committed results, by experiment."""
    found: dict[str, Entries] = {}
    for path in sorted((ROOT / "figures").glob("*/summary.json")):
        summary = json.loads(path.read_text(encoding="utf-8"))
        name = summary["experiment"]
        entry = reference.entry(EXPERIMENTS[name], summary, path.parent.relative_to(ROOT).as_posix())
        found.setdefault(name, []).append(entry)
    return found


def kept(before: reference.Reference) -> dict[str, Entries]:
    """The references of quick forms that are still what the experiments run."""
    found = {}
    for name, experiment in EXPERIMENTS.items():
        own = reference.mark(experiment, quick(experiment))
        entries = [each for each in before.get(name, []) if each["from"] == QUICK and each["settings"] == own]
        if entries:
            found[name] = entries
    return found


def quick(experiment: Experiment) -> Settings:
    settings = experiment.adapt(quick=True)
    return settings | {"seeds": max(SEEDS, settings["seeds"])} if "seeds" in experiment.grows else settings


def run_quick(folder: Path, names: list[str]) -> dict[str, Entries]:
    """Run the quick form of each of these experiments, or go on where it stopped. One that cannot be run is told."""
    found = {}
    for name in names:
        experiment, out = choose(EXPERIMENTS, name, "experiment"), folder / name
        print(name, flush=True)
        try:
            summary = run(experiment, quick(experiment), out, resume=(out / "protocol.json").exists())
        except (InputError, Diverged) as error:
            print(f"reference: {name}: {error}", file=sys.stderr)
            continue
        found[name] = [reference.entry(experiment, summary, QUICK)]
    return found


def written(found: dict[str, Entries]) -> str:
    """As JSON with a line for each row of a table, so that a change shows where it is."""
    blocks = []
    for name in sorted(found):
        entries = []
        for entry in found[name]:
            head = ", ".join(f"{json.dumps(key)}: {json.dumps(entry[key])}" for key in entry if key != "rows")
            rows = ",\n".join(f"    {json.dumps(row)}: {json.dumps(values)}" for row, values in entry["rows"].items())
            entries.append(f'  {{{head}, "rows": {{\n{rows}\n  }}}}')
        blocks.append(f" {json.dumps(name)}: [\n" + ",\n".join(entries) + "\n ]")
    return '{"experiments": {\n' + ",\n".join(blocks) + "\n}}\n"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Write figures/reference.json.")
    parser.add_argument("--quick", metavar="FOLDER", help="run the quick forms into this folder, and take them")
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help="the experiments whose quick forms are run (default: all)"
    )
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 if figures/ says otherwise")
    options = parser.parse_args(arguments)
    before = reference.read(FILE) if FILE.exists() else {}
    found, quick_forms = committed(), kept(before)
    if options.quick:
        quick_forms |= run_quick(Path(options.quick), options.names or list(EXPERIMENTS))
    for name, entries in quick_forms.items():
        found[name] = found.get(name, []) + entries
    missing = sorted(set(EXPERIMENTS) - set(quick_forms))
    if missing:
        print(f"no reference of the quick form: {', '.join(missing)}")
    text = written(found)
    if FILE.exists() and FILE.read_text(encoding="utf-8") == text:
        return 0
    print(
        f"{reference.FILE} differs from what python tools/reference.py writes"
        if options.check
        else f"wrote {reference.FILE}"
    )
    if options.check:
        return 1
    with whole_file(FILE) as file:
        file.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
