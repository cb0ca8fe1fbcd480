"""The runner: does the jobs of an experiment that a folder does not hold yet, then writes its tables and figure.

What a job found is in `parts/` as soon as it ends, so that a run can be interrupted at any time and resumed. A job that
trains a net also keeps a checkpoint after every epoch, and goes on from it to the same numbers, bit for bit on the same
machine.

A job is a pure function of its arguments and returns what it found. The process that does it may be on another
machine: where it sees the run's folder it keeps part and checkpoint there, else the checkpoint in a temporary folder of
its own, and the parent writes the part. It reads the data and the package that are on its machine, so it first compares
these with those here.
"""

import json
import os
import platform
import tempfile
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache, cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np

from .. import __version__
from ..doctor import cores, machine
from ..errors import InputError, Stopped
from ..files import UNREADABLE
from . import plots
from .experiment import Experiment, Job, Settings
from .folder import (
    choose_home,
    clear_checkpoints,
    clear_litter,
    compare,
    digest,
    digest_of_files,
    identity,
    locked,
    part,
    read_part,
    read_sealed,
    replace_old,
    write_json,
    write_part,
    write_record,
)
from .pool import MOST_LOSSES, end_if_reading_a_script, is_ours, run_jobs, stop_if_alone, tell
from .progress import Progress
from .tables import Rows, write_rows

OFTEN = 1.0  # seconds between two writings of history.csv, while a run goes on
CHECKED: set[str] = set()  # in a worker, the runs whose data it has compared


def run(
    experiment: Experiment,
    settings: Settings,
    out: str | Path,
    resume: bool = False,
    force: bool = False,
    progress: Progress | None = None,
    executor: Executor | None = None,
) -> dict[str, Any]:
    """Do every job that `out` does not hold yet, then write history.csv, summary.json and the figure;
    return the summary. The jobs are done in processes here, one a core, or in an `executor` with the interface of
    `concurrent.futures`.

    Raises InputError for a folder that holds a run already (unless `resume` or `force`), another run, damaged files, or
    is in use, and where a worker has another version or other data; Diverged when a job's numbers stop being finite,
    after the other jobs have finished; Stopped when the process of one job is lost again and again.
    """
    end_if_reading_a_script()
    out, progress = Path(out), progress or Progress()
    shared = experiment.check(settings)
    with locked(out):
        home = choose_home(out, resume, force)
        machines, mark = compare(home, experiment, settings, shared) if resume else ([], uuid.uuid4().hex)
        state = State(experiment, settings, identity(experiment, settings, shared), home, mark)
        state.read()
        machines = join(machines, machine() | {"source": source()}, progress)
        write_record(home, experiment, settings, shared, machines, mark)
        if home != out:
            progress.say(f"what is in {out} stays until the new run is done; until then that is in {home}")
        try:
            state.do_all(progress, executor)
        except BaseException:
            clear_litter(home)
            with suppress(Exception):  # the error itself matters more
                state.read()  # what was kept, also by those that had no time to say so
                state.write_history()
            raise
        summary = conclude(state, shared, machines)
        replace_old(out, home)
    return summary


def join(machines: list[dict], now: dict, progress: Progress) -> list[dict]:
    """The machines with this one, and a word to the user if it is another than the last. The number of cores does not
    count: no number depends on it."""
    if machines:
        last = machines[-1]
        changes = [f"{what} {last[what]} (now {now[what]})" for what in now
                   if what != "cores" and last.get(what, now[what]) != now[what]]  # fmt: skip
        if not changes:
            return machines
        progress.say(f"the run was begun with {', '.join(changes)}: its last digits may be other than in one go")
    return [*machines, now]


@dataclass
class State:
    """How far a run is: the rows of each job, the share of it that is done, and which jobs are finished."""

    experiment: Experiment
    settings: Settings
    about: Settings
    home: Path
    mark: str  # tells this run from all others, also from an earlier one of the same settings
    rows: dict[Job, Rows] = field(default_factory=dict)
    share: dict[Job, float] = field(default_factory=dict)
    finished: set[Job] = field(default_factory=set)  # those whose part is written
    written: float = 0.0  # when history.csv was written last

    jobs: list[Job] = field(default_factory=list)  # those that are known so far
    costs: dict[Job, float] = field(default_factory=dict)  # of each of them: reports are many, and ask for no new sum

    @cached_property
    def expected(self) -> float:
        """The cost of all jobs, those included that are still to be called for."""
        return self.experiment.costs(self.settings)

    def length(self) -> Any:
        return self.settings[self.experiment.lengthens] if self.experiment.lengthens else None

    def read(self) -> None:
        """Take what there is, in parts and in checkpoints, the jobs in an order that does not depend on which ended
        first. Raises InputError if any of it is damaged or of another run or longer than was asked for: better to hear
        of it now."""
        self.jobs, self.costs = [], {}
        self.add(self.experiment.jobs(self.settings))

    def add(self, jobs: Iterable[Job]) -> list[Job]:
        """Take these jobs in, and all that they call for; return those that are not done."""
        found, jobs = [], deque(jobs)
        while jobs:
            job = jobs.popleft()
            if job in self.costs:
                continue
            self.jobs.append(job)
            self.costs[job] = self.experiment.cost(self.settings, *job)
            self.read_job(job)
            if job in self.finished:
                jobs.extend(self.experiment.more(self.settings, self.rows, job))
            else:
                found.append(job)
        return found

    def read_job(self, job: Job) -> None:
        length, name = self.length(), self.experiment.lengthens
        self.share[job] = 0.0
        if part(self.home, job).exists():
            found = read_part(self.home, job, self.about)
            self.rows[job] = found["rows"]
            if found["length"] == length:
                self.share[job] = 1.0
                self.finished.add(job)
                return
            if found["length"] > length:
                raise InputError(
                    f"{self.home} holds {found['length']} {name} of {job_name(job)}, more than the {length} asked for"
                )
        if self.experiment.begun:
            rows = self.experiment.begun(self.settings, self.place(job), *job)
            self.rows[job] = rows or self.rows.get(job, [])
            self.share[job] = rows[-1]["epoch"] / length if rows else 0.0  # it goes on from there

    def missing(self) -> list[Job]:
        return [job for job in self.jobs if job not in self.finished]

    def place(self, job: Job) -> "Place":
        return Place(self.home.absolute(), self.about, job, self.mark)  # a worker may stand in another folder

    def do_all(self, progress: Progress, executor: Executor | None) -> None:
        """Do the jobs that are missing, and those that they call for."""
        progress.at(self.done())
        self.do(self.missing(), progress, executor)
        clear_litter(self.home)  # of processes that were lost
        self.read()

    def do(self, missing: list[Job], progress: Progress, executor: Executor | None) -> None:
        """Do these jobs, and those that they call for."""
        settings, experiment, length = self.settings, self.experiment, self.length()

        def hear(job: Job, share: float, rows: Rows | None, words: str | None) -> None:
            if job not in self.finished:  # its last words may come after its result
                self.share[job] = share
                self.rows[job] = self.rows.get(job, []) if rows is None else rows
            progress.at(self.done(), words)
            if rows is not None and time.monotonic() - self.written > OFTEN:
                self.write_history()

        def take(arguments: tuple, found: tuple) -> list[tuple]:
            job, (rows, took, seconds) = arguments[2].job, found
            if not self.holds(job):
                write_part(self.home, job, self.about, length, rows, seconds)
            told = experiment.begun and executor is None
            hear(job, 1.0, rows, None if told else f"{job_name(job)}: done in {took:.1f} s")
            self.finished.add(job)
            return [given(each) for each in self.add(experiment.more(settings, self.rows, job))]

        def given(job: Job) -> tuple:
            return (experiment.work, settings, self.place(job), length, experiment.keeps, versions(), elsewhere)

        def lost(arguments: tuple, times: int) -> None:
            name = job_name(arguments[2].job)
            if times >= MOST_LOSSES:
                raise Stopped(
                    f"a process was killed (out of memory?): go on with --resume; again and again with {name}"
                )
            progress.say(f"a process was killed (out of memory?): {name} is tried again")

        elsewhere = None if executor is None else experiment.check
        device = settings.get("protocol", settings).get("device", "cpu")
        at_once = cores() if device == "cpu" else 1
        run_jobs(do_job, [given(job) for job in missing], executor or at_once, hear, take, lost)

    def holds(self, job: Job) -> bool:
        """Whether the job's part is there, and as long as asked for."""
        return part(self.home, job).exists() and read_part(self.home, job, self.about)["length"] == self.length()

    def done(self) -> float:
        """The share of the run that is done."""
        in_all = max(self.expected, sum(self.costs.values()))
        return sum(self.share[job] * cost for job, cost in self.costs.items()) / in_all

    def all_rows(self) -> Rows:
        return [row for job in self.jobs for row in self.rows.get(job, [])]

    def write_history(self) -> None:
        rows = self.all_rows()
        if rows:
            write_rows(self.home / "history.csv", rows, self.experiment.columns(rows))
        self.written = time.monotonic()


@dataclass
class Place:
    """What a job that takes long needs beside the settings: the folder for its checkpoint, what that must say, and
    someone to tell how far it is."""

    home: Path
    about: Settings
    job: Job
    mark: str  # the run's
    began: float = 0.0  # when
    resumed: bool = False  # whether the job goes on from a checkpoint
    spent: list[Path] = field(default_factory=list)  # what nobody needs when the job's part is written

    def report(self, share: float, rows: Rows | None = None, words: str | None = None) -> None:
        """So much of the job is done; these are all its rows so far, if there are new ones; words for the user."""
        stop_if_alone()
        tell(self.job, share, rows, words)

    def is_seen(self) -> bool:
        """Whether the run's folder is to be seen from this process: it may be on another machine."""
        try:
            return bool(read_sealed(self.home / "protocol.json")["mark"] == self.mark)
        except UNREADABLE:
            return False


def do_job(
    work: Callable,
    settings: Settings,
    place: Place,
    length: Any,
    keeps: bool,
    expected: dict[str, str],
    check: Callable | None,
) -> tuple[Rows, float, float | None]:
    """In a worker: do one job and keep what it found where the run's folder is seen. Return its rows, how long that
    took, and the same once more if the job was done in one go.

    Raises InputError if the versions here are not those expected or, given a `check`, the data here are others.
    """
    compare_versions(expected)
    if check is not None:
        compare_data(check, settings, place.about)
    seen = place.is_seen()
    if not seen:
        place.home = Path(tempfile.gettempdir()) / f"numpyfa-{place.mark}-{source()}"
    place.began = time.perf_counter()
    if keeps:
        work = partial(work, place=place)
    with np.errstate(all="ignore"):  # what goes wrong is told by Diverged, or stands in the rows
        rows = work(settings, *place.job)
    stop_if_alone()
    took = time.perf_counter() - place.began
    seconds = None if place.resumed else took
    if seen:
        write_part(place.home, place.job, place.about, length, rows, seconds)
    for path in place.spent:
        path.unlink(missing_ok=True)
    return rows, took, seconds


@cache
def source() -> str:
    """A mark of the package's source, which tells two versions of one number apart."""
    return digest_of_files(Path(__file__).parents[1].rglob("*.py"))[:8]


def versions() -> dict[str, str]:
    """What must be the same wherever the jobs are done."""
    return {"numpyfa": f"{__version__}, source {source()}", "NumPy": np.__version__}


def compare_versions(expected: dict[str, str]) -> None:
    found = versions()
    for name, version in expected.items():
        if found[name] != version and is_ours():
            raise Stopped(f"{name} was changed while the run went on, {version} to {found[name]}: go on with --resume")
        if found[name] != version:
            raise InputError(f"{who()} has {name} {found[name]}, expected {version} as here: install that there")


def compare_data(check: Callable, settings: Settings, about: Settings) -> None:
    """Raise InputError if what an experiment shares, such as the mark of its data, is another in this process. Looked
    at once a process and run."""
    if digest(about) in CHECKED:
        return
    for name, value in json.loads(json.dumps(check(settings))).items():
        if about[name] != value:
            raise InputError(
                f"{who()} has another {name} {value}, expected {about[name]} as here: give it the same data"
            )
    CHECKED.add(digest(about))


def who() -> str:
    """This process, in words for someone on another machine."""
    return f"the worker on {platform.node()}, process {os.getpid()},"


def job_name(job: Job) -> str:
    return " ".join(map(str, job))


def conclude(state: State, shared: Settings, machines: list[dict]) -> dict[str, Any]:
    """Write the tables and the figure from the parts; return the summary."""
    experiment, settings, home = state.experiment, state.settings, state.home
    parts = {job: read_part(home, job, state.about) for job in state.jobs}
    seconds = [found["seconds"] for found in parts.values()]
    state.rows = {job: found["rows"] for job, found in parts.items()}
    rows = state.all_rows()
    state.write_history()
    plots.save(home / "figure", lambda figure: experiment.draw(figure, settings, rows))
    table = experiment.table(settings, rows)
    summary = {
        "experiment": experiment.name,
        "source": experiment.source,
        "settings": settings,
        **shared,
        "machine": machines[-1],
        "machines": machines,
        "seconds": None if None in seconds else sum(seconds),
        "rows": table,
        "verdict": experiment.verdict(settings, table),
    }
    if experiment.times:
        summary["times"] = experiment.times(settings, dict(zip(parts, seconds)))
    write_json(home / "summary.json", summary)
    if experiment.keeps and not experiment.begun:
        clear_checkpoints(home)
    return summary
