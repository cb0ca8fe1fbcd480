"""What is in a folder of runs: how far each is, and what it found. Nothing there is changed."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ..errors import InputError
from .experiment import Experiment
from .folder import identity, ours, read_sealed
from .protocol import Protocol
from .run import State
from .sweep import count, named
from .tables import Rows, aligned, column, pick
from .training import training

HEADER = ["run", "experiment", "seeds", "done", "state", "rules, test error % at the last epoch (lowest)"]
LONGEST = 120  # characters of what is said of a damaged run


def listed(folder: Path, experiments: Mapping[str, Experiment]) -> list[str]:
    """A line for each run in the folder, or for the folder itself if it is one. A run that cannot be read is called
    damaged, and why. Raises InputError if there is no such folder."""
    try:
        homes = list(find(folder))
    except OSError as error:
        raise InputError(f"{folder} is no folder that can be read ({error.strerror}): name a folder of runs") from None
    if not homes:
        return [f"no runs are in {folder}"]
    return aligned([HEADER, *(line(home, experiments) for home in homes)])


def find(folder: Path) -> Iterator[Path]:
    """The folders that hold a run, with the runs that are to replace one and are not finished yet."""
    inside = [path for path in sorted(folder.iterdir()) if path.is_dir() and path.name not in ("parts", "checkpoints")]
    for home in (folder, *inside):
        if ours(home) or (home / "protocol.json").exists():
            yield home
        if home is not folder and (home / ".new" / "protocol.json").exists():
            yield home / ".new"


def line(home: Path, experiments: Mapping[str, Experiment]) -> list[str]:
    try:
        return cells(home, experiments)
    except Exception as error:  # whatever a damaged file makes of those who read it
        words = " ".join(str(error).split()) or type(error).__name__
        return [str(home), "", "", "", f"damaged: {words}"[:LONGEST], ""]


def cells(home: Path, experiments: Mapping[str, Experiment]) -> list[str]:
    """The line of one run, from the files that a resumed run would go on from."""
    if not (home / "protocol.json").exists():
        return results_only(home)
    record = read_sealed(home / "protocol.json")
    name, settings = record["experiment"], record["settings"]
    nets = "net" in settings
    if name in experiments:
        experiment = experiments[name]
    elif nets:
        experiment = training(name, Protocol(**settings))
    elif "points" in settings:
        experiment = named(name, settings)
    else:
        raise InputError(f"this version has no experiment '{name}'")
    state = State(experiment, settings, identity(experiment, settings, record["shared"]), home, record.get("mark", ""))
    state.read()
    whole = len(state.finished)
    finished = whole == len(state.jobs) and (home / "summary.json").exists()
    word = "running" if running(home) else "finished" if finished else "resumable"
    if not nets:
        total = count(settings) if "points" in settings else len(state.jobs)  # a sweep's results call for more jobs
        return [str(home), name, str(settings["seeds"]), f"{whole} of {total} jobs", word, ""]
    epochs = min(rows[-1]["epoch"] if rows else 0 for rows in (state.rows.get(job) for job in state.jobs))
    errors = ", ".join(error(rule, pick(state.all_rows(), rule=rule)) for rule in settings["rules"])
    return [str(home), name, str(settings["seeds"]), f"{epochs} of {settings['epochs']} epochs", word, errors]


def results_only(home: Path) -> list[str]:
    """The line of a folder that holds what was found, but not what one needs to go on."""
    if not (home / "summary.json").exists():
        raise InputError("protocol.json is missing")
    summary = json.loads((home / "summary.json").read_text(encoding="utf-8"))
    errors = [f"{row['rule']} {row['test_error']:.2f}" for row in summary["rows"] if "test_error" in row]
    return [str(home), summary["experiment"], "", "", "results only", ", ".join(errors)]


def error(rule: str, rows: Rows) -> str:
    """A rule's test error at the last epoch and its lowest, each the mean over the seeds that have begun."""
    own = [column(pick(rows, seed=seed), "test_error") for seed in {row["seed"] for row in rows}]
    if not own:
        return f"{rule} -"
    last, lowest = (sum(values) / len(own) for values in ([each[-1] for each in own], [each.min() for each in own]))
    return f"{rule} {last:.2f} ({lowest:.2f})"


def running(home: Path) -> bool:
    """Whether a process is writing there: it holds the folder's lock, and no replacement is what it writes."""
    if (home / ".new" / "protocol.json").exists():
        return False
    folder: Any = home.parent if home.name == ".new" else home
    try:
        import fcntl

        with open(folder / ".lock") as handle:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except (ImportError, OSError):  # no such lock on Windows; no lock
        return False
    return False
