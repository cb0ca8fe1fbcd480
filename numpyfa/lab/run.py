"""The runner: does the jobs of an experiment that a folder does not hold yet, then writes its tables and figure.

What a job found is in `parts/` as soon as it ends, so that a run can be interrupted at any time and resumed. A job that
trains a net also keeps a checkpoint after every epoch, and goes on from it to the same numbers, bit for bit on the same
machine.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ..doctor import cores, machine
from ..errors import InputError
from . import plots
from .experiment import Experiment, Job, Settings
from .folder import (
    choose_home,
    clear_litter,
    compare,
    identity,
    locked,
    part,
    read_part,
    replace_old,
    write_json,
    write_part,
    write_record,
)
from .pool import end_if_reading_a_script, run_jobs, stop_if_alone, tell
from .progress import Progress
from .tables import Rows, write_rows

OFTEN = 1.0  # seconds between two writings of history.csv, while a run goes on


def run(
    experiment: Experiment,
    settings: Settings,
    out: str | Path,
    resume: bool = False,
    force: bool = False,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Do every job that `out` does not hold yet, then write history.csv, summary.json and the figure;
    return the summary.

    Raises InputError for a folder that holds a run already (unless `resume` or `force`), another run, damaged files, or
    is in use; Diverged when a job's numbers stop being finite, after the other jobs have finished; Stopped when a
    process is lost.
    """
    end_if_reading_a_script()
    out, progress = Path(out), progress or Progress()
    shared = experiment.check(settings)
    with locked(out):
        home = choose_home(out, resume, force)
        machines = compare(home, experiment, settings, shared) if resume else []
        state = State(experiment, settings, identity(experiment, settings, shared), home)
        state.read()
        machines = join(machines, machine(), progress)
        write_record(home, experiment, settings, shared, machines)
        if home != out:
            progress.say(f"what is in {out} stays until the new run is done; until then that is in {home}")
        try:
            state.do_missing(progress)
        except BaseException:
            clear_litter(home)
            with suppress(InputError):  # the error itself matters more
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
        changes = [f"{what} {last.get(what)} (now {now[what]})" for what in now
                   if what != "cores" and last.get(what) != now[what]]  # fmt: skip
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
    rows: dict[Job, Rows] = field(default_factory=dict)
    share: dict[Job, float] = field(default_factory=dict)
    finished: set[Job] = field(default_factory=set)  # those whose part is written
    written: float = 0.0  # when history.csv was written last

    def __post_init__(self) -> None:
        self.jobs = list(self.experiment.jobs(self.settings))

    def length(self) -> Any:
        return self.settings[self.experiment.lengthens] if self.experiment.lengthens else None

    def read(self) -> None:
        """Take what there is, in parts and in checkpoints. Raises InputError if any of it is damaged or of another run
        or longer than was asked for: better to hear of it now."""
        length, name = self.length(), self.experiment.lengthens
        for job in self.jobs:
            self.share[job] = 0.0
            if part(self.home, job).exists():
                found = read_part(self.home, job, self.about)
                self.rows[job] = found["rows"]
                if found["length"] == length:
                    self.share[job] = 1.0
                    self.finished.add(job)
                    continue
                if found["length"] > length:
                    raise InputError(
                        f"{self.home} holds {found['length']} {name} of {job_name(job)}, "
                        f"more than the {length} asked for"
                    )
            if self.experiment.begun:
                rows = self.experiment.begun(self.settings, self.place(job), *job)
                self.rows[job] = rows or self.rows.get(job, [])
                self.share[job] = rows[-1]["epoch"] / length if rows else 0.0  # it goes on from there

    def place(self, job: Job) -> "Place":
        return Place(self.home, self.about, job)

    def do_missing(self, progress: Progress) -> None:
        missing = [job for job in self.jobs if job not in self.finished]
        progress.at(self.done())

        def hear(job: Job, share: float, rows: Rows | None, words: str | None) -> None:
            self.share[job] = share
            if rows is not None:
                self.rows[job] = rows
            progress.at(self.done(), words)
            if rows is not None and time.monotonic() - self.written > OFTEN:
                self.write_history()

        needs_place = self.experiment.begun is not None
        arguments = [
            (self.experiment.work, self.settings, self.place(job), self.length(), needs_place, not self.rows.get(job))
            for job in missing
        ]
        at_once = min(cores(), len(missing)) if self.settings.get("device", "cpu") == "cpu" else 1
        run_jobs(do_job, arguments, at_once, hear)

    def done(self) -> float:
        return sum(self.share.values()) / len(self.jobs)

    def all_rows(self) -> Rows:
        return [row for job in self.jobs for row in self.rows.get(job, [])]

    def write_history(self) -> None:
        rows = self.all_rows()
        if rows:
            write_rows(self.home / "history.csv", rows, self.experiment.columns(rows))
        self.written = time.monotonic()


@dataclass(frozen=True)
class Place:
    """What a job that takes long needs beside the settings: the folder for its checkpoint, what that must say, and
    someone to tell how far it is."""

    home: Path
    about: Settings
    job: Job

    def report(self, share: float, rows: Rows | None = None, words: str | None = None) -> None:
        """So much of the job is done; these are all its rows so far, if there are new ones; words for the user."""
        stop_if_alone()
        tell(self.job, share, rows, words)


def do_job(
    work: Callable, settings: Settings, place: Place, length: Any, needs_place: bool, from_the_start: bool
) -> None:
    """In a worker: do one job and keep what it found, and how long it took if it was done in one go."""
    began = time.perf_counter()
    if needs_place:
        work = partial(work, place=place)
    with np.errstate(all="ignore"):  # what goes wrong is told by Diverged, or stands in the rows
        rows = work(settings, *place.job)
    stop_if_alone()
    seconds = time.perf_counter() - began
    write_part(place.home, place.job, place.about, length, rows, seconds if from_the_start else None)
    place.report(1.0, rows, None if needs_place else f"{job_name(place.job)}: done in {seconds:.1f} s")


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
    write_json(home / "summary.json", summary)
    return summary
