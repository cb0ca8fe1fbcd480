"""The folder of a run: what may be written into it, what may be resumed, and what is in its files.

protocol.json     what was asked for, the data's mark, and the machines
parts/            one file a finished job: its rows
checkpoints/      one file a job that trains a net, to go on from and to open afterwards
history.csv       the rows of all jobs, written anew as they come
summary.json      the table and the verdict
figure.png        and figure.svg

A run that replaces another is made in the folder .new inside, and takes the other's place when it is done.

What a resumed run reads carries a checksum and says what it is: a damaged file, or one in another's place, is refused.
"""

import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError
from ..files import UNREADABLE, whole_file
from .experiment import Experiment, Job, Settings
from .plots import FORMATS
from .spelling import in_file_name
from .tables import Rows, plain_json

RESULTS = ("history.csv", "summary.json", *(f"figure.{kind}" for kind in FORMATS))
PARTS, CHECKPOINTS = re.compile(r"job-.+\.json"), re.compile(r".+-seed\d+\.npz")


@contextmanager
def locked(out: Path) -> Iterator[None]:
    """Hold the folder for one run at a time. The system lets go of it if the process dies."""
    try:
        if out.is_file():
            raise InputError(f"--out {out} is a file: choose a folder")
        out.mkdir(parents=True, exist_ok=True)
        handle = open(out / ".lock", "w")  # noqa: SIM115  (held until the run ends)
    except OSError as error:
        raise InputError(f"cannot write into {out}: {error.strerror}; choose another folder") from error
    with handle:
        try:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except ImportError:  # no such lock on Windows
            pass
        except OSError:
            raise InputError(f"another run is writing into {out}: wait for it or choose another --out") from None
        yield


# What is there, and what becomes of it


def ours(folder: Path) -> list[Path]:
    """The results, parts and checkpoints that a run may have left here; nothing that someone else put beside them."""
    found = [folder / name for name in RESULTS]
    found += [path for path in folder.glob("parts/*") if PARTS.fullmatch(path.name)]
    found += [path for path in folder.glob("checkpoints/*") if CHECKPOINTS.fullmatch(path.name)]
    return sorted(path for path in found if path.is_file())


def clear_litter(folder: Path) -> None:
    """Remove the temporary files of processes that were killed while they wrote."""
    for place in ("", "parts/", "checkpoints/"):
        for litter in folder.glob(f"{place}.*.part"):
            litter.unlink(missing_ok=True)  # its process may take it away itself


def clear_checkpoints(folder: Path) -> None:
    """Remove the checkpoints of a run that has no further use for them."""
    for path in ours(folder):
        if path.parent.name == "checkpoints":
            path.unlink()


def choose_home(out: Path, resume: bool, force: bool) -> Path:
    """Where in `out` the run is to work: in `out` itself, or in `out`/.new if it is to replace what is there.

    A resumed run goes on with an unfinished replacement if there is one. Nothing is removed but an unfinished
    replacement that is itself to be replaced.
    """
    new = out / ".new"
    put_in_place(out)
    clear_litter(out)
    if resume:
        home = new if (new / "protocol.json").exists() else out
        if not ours(home) and not (home / "protocol.json").exists():
            raise InputError(f"{out} holds no run to go on with: correct --out, or leave out --resume")
        clear_litter(home)
        return home
    if not ours(out) and not new.exists():
        return out
    if not force:
        raise InputError(
            f"{out} holds a run already: go on with it with --resume, replace it with --force, or choose another --out"
        )
    if new.exists():
        shutil.rmtree(new)
    return new if ours(out) else out


def replace_old(out: Path, home: Path) -> None:
    """If the run was made to replace another, let it take that one's place, now that it is done."""
    if home != out:
        os.rename(home, out / ".done")
        put_in_place(out)


def put_in_place(out: Path) -> None:
    """Finish what `replace_old` began, wherever it was cut off: the name of the folder says how far it came."""
    done, moving = out / ".done", out / ".moving"
    if done.exists():
        for path in ours(out):
            path.unlink()
        os.rename(done, moving)
    if moving.exists():
        for path in [path for path in moving.rglob("*") if path.is_file()]:
            place = out / path.relative_to(moving)
            place.parent.mkdir(exist_ok=True)
            os.replace(path, place)
        shutil.rmtree(moving)


# Files that tell whether they are whole


def write_sealed(path: Path, content: dict[str, Any]) -> None:
    """Write JSON that carries the checksum of its content."""
    content = json.loads(json.dumps(plain_json(content)))
    write_json(path, content | {"sha256": digest(content)})


def read_sealed(path: Path) -> dict[str, Any]:
    """What `write_sealed` wrote. Raises one of UNREADABLE if it is anything else."""
    content = dict(json.loads(path.read_text(encoding="utf-8")))
    if content.pop("sha256") != digest(content):
        raise ValueError("its checksum is wrong")
    return content


def digest(content: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def digest_of_files(paths: Iterable[Path]) -> str:
    """Of the names and contents of files."""
    found = hashlib.sha256()
    for path in sorted(paths):
        content = path.read_bytes()
        found.update(f"{path.name} {len(content)} ".encode() + content)
    return found.hexdigest()


def write_json(path: Path, content: Any) -> None:
    with whole_file(path) as file:
        json.dump(plain_json(content), file, indent=2)
        file.write("\n")


# What was asked for


def write_record(
    home: Path, experiment: Experiment, settings: Settings, shared: Settings, machines: list[dict], mark: str
) -> None:
    """What was asked for, what it depends on beside that, the machines that it was done on, and the run's mark."""
    content = {"experiment": experiment.name, "settings": settings, "shared": shared, "machines": machines}
    write_sealed(home / "protocol.json", content | {"mark": mark})


def compare(home: Path, experiment: Experiment, settings: Settings, shared: Settings) -> tuple[list[dict], str]:
    """The machines that the run in `home` was done on, and its mark. Raises InputError unless it can go on as this one:
    the same but for more of the settings that may grow."""
    path = home / "protocol.json"
    try:
        record = read_sealed(path)
        name, before, machines = record["experiment"], record["settings"], record["machines"]
        shared_before, mark = record["shared"], record.get("mark", "")
    except UNREADABLE as error:
        raise InputError(f"{path} is missing or damaged ({error}): use --force to start again") from None
    if name != experiment.name:
        raise InputError(f"{home} holds the run '{name}', not '{experiment.name}': choose another --out")
    now = json.loads(json.dumps(settings))
    unknown = [key for key in now if key not in before]
    if unknown:
        raise InputError(
            f"{home} holds a run of an earlier version, without {', '.join(unknown)}: go on with that version, choose "
            f"another --out, or --force to replace it"
        )
    same(home, experiment.fixed(before) | shared_before, experiment.fixed(now) | shared)
    if any(less(now[key], before[key]) for key in experiment.grows):
        held = " and ".join(f"{key} {comma_list(before[key])}" for key in experiment.grows)
        raise InputError(f"{home} holds a run of {held}: ask for at least these, or choose another --out")
    return machines, mark


def same(home: Path, before: Settings, now: Settings) -> None:
    """Raise InputError if a value of `now` is another in `before`."""
    now = json.loads(json.dumps(now))
    differing = [key for key in now if before.get(key) != now[key]]
    if differing:
        pairs = ", ".join(f"{key} {before.get(key)} (now {now[key]})" for key in differing)
        raise InputError(f"{home} holds a run with another {pairs}: choose another --out, or --force to replace it")


def less(now: Any, before: Any) -> bool:
    """Whether less is asked for than there was: a smaller number, or a list that lacks something."""
    return any(each not in now for each in before) if isinstance(before, list) else now < before


def comma_list(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def identity(experiment: Experiment, settings: Settings, shared: Settings) -> Settings:
    """What the rows of a job depend on, but for which job it is and how long: its part and its checkpoint say it."""
    return json.loads(json.dumps({"experiment": experiment.name, **experiment.fixed(settings), **shared}))


# What the jobs found


def part(home: Path, job: Job) -> Path:
    return home / "parts" / (in_file_name("-".join(["job", *map(str, job)])) + ".json")


def write_part(home: Path, job: Job, about: Settings, length: Any, rows: Rows, seconds: float | None) -> None:
    content = {"job": list(job), "about": about, "length": length, "seconds": seconds, "rows": rows}
    write_sealed(part(home, job), content)


def read_part(home: Path, job: Job, about: Settings) -> dict[str, Any]:
    """What a job kept: {length, seconds, rows}. In its rows a number that was not finite is NaN. Raises InputError if
    it is damaged or not of this run and job."""
    path = part(home, job)
    try:
        found = read_sealed(path)
        if found["job"] != json.loads(json.dumps(job)) or found["about"] != about:
            raise ValueError("it belongs to another job or run")
        rows = [{key: np.nan if value is None else value for key, value in row.items()} for row in found["rows"]]
        return {"length": found["length"], "seconds": found["seconds"], "rows": rows}
    except UNREADABLE as error:
        raise InputError(f"{path} is damaged ({error}): delete it and go on with --resume") from None
