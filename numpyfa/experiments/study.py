"""A study: an experiment of the theory, made of jobs that each give rows, then a figure and a table of all the rows.

It can be interrupted and resumed: what a job found is in `parts/` as soon as it ends, and a resumed study of the same
settings does the jobs that are missing. Each is seconds to a minute, in a process of its own.
"""

import json
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ..doctor import cores, machine, version
from ..errors import InputError
from ..files import UNREADABLE, whole_file
from .folder import earlier, locked, prepare, same, sweep, write_json, write_rows
from .runner import run_jobs, stop_if_alone, tell


@dataclass(frozen=True)
class Study:
    """`settings` are all that the numbers depend on; `quick` changes some of them. The rest are functions:

    jobs(settings)          the jobs, each a tuple of words and numbers
    work(settings, *job)    the rows of one job, dictionaries of plain numbers and words
    draw(figure, settings, rows)
    conclude(settings, rows)    the table: what was found, beside what theory or a paper says
    """

    name: str
    settings: dict
    jobs: object
    work: object
    draw: object
    conclude: object
    source: str = ""
    question: str = ""
    quick: dict = field(default_factory=dict)

    def adapt(self, quick=False, **changes):
        """The settings, in their quick form if that is wanted, with the changes that are not None."""
        given = {key: value for key, value in changes.items() if value is not None}
        unknown = sorted(set(given) - {"seeds"})
        if unknown:
            option = "--" + unknown[0].replace("_", "-")
            raise InputError(
                f"{self.name} is a study of the theory: of the options for a run it takes --quick and --seeds, "
                f"found {option}; its settings are in {self.work.__module__.replace('.', '/')}.py"
            )
        if given.get("seeds", 1) < 1:
            raise InputError(f"seeds must be from 1, found {given['seeds']}")
        return self.settings | (self.quick if quick else {}) | given


def run(study, settings, out, resume=False, force=False, progress=None):
    """Do every job that `out` does not hold yet, then write history.csv, summary.json and figure.png; return the
    summary. `progress(job)` is called after each. Raises InputError as `runner.run` does."""
    if not str(out).strip() or Path(out).is_file():
        raise InputError(f"--out '{out}' is a file or empty: choose a folder")
    out, jobs = Path(out), study.jobs(settings)
    about = json.loads(json.dumps({"experiment": study.name, "settings": settings, "numpyfa": version("numpyfa")}))
    with locked(out):

        def can_go_on():
            same(out, earlier(out, study.name, ("settings",))["settings"], about["settings"])

        prepare(out, about | {"machine": machine()}, can_go_on, resume, force)
        try:
            missing = [job for job in jobs if not part(out, job).exists()]
            for job in jobs:
                if job not in missing:
                    read_part(part(out, job), about)  # better to hear of a damaged part now
                    (progress or (lambda _: None))(job)
            arguments = [(study.name, settings, job, about, out) for job in missing]
            run_jobs(run_job, arguments, min(cores(), len(arguments)), progress)
        except BaseException:
            sweep(out)
            raise
        done = [read_part(part(out, job), about) for job in jobs]
        rows, seconds = [row for each in done for row in each["rows"]], sum(each["seconds"] for each in done)
        table = study.conclude(settings, rows)
        from .figures import save

        with whole_file(out / "figure.png", "wb") as file:
            save(file, lambda figure: study.draw(figure, settings, rows))
        write_rows(out / "history.csv", rows)
        summary = about | {"source": study.source, "machine": machine(), "seconds": seconds, "rows": table}
        write_json(out / "summary.json", summary)
    return summary


def run_job(name, settings, job, about, out):
    """Do one job and keep what it found, and how long it took."""
    from . import EXPERIMENTS

    began = time.perf_counter()
    with np.errstate(all="ignore"):
        rows = EXPERIMENTS[name].work(settings, *job)
    stop_if_alone()
    write_json(part(out, job), about | {"seconds": time.perf_counter() - began, "rows": rows})
    tell(job)


def part(out, job):
    return Path(out) / "parts" / ("-".join(["job", *map(str, job)]) + ".json")


def read_part(path, about):
    """What a job kept. In its rows a number that was not finite is NaN. Raises InputError if it is not of this run."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        if {key: found[key] for key in about} != about:
            raise ValueError("it belongs to another run")
        rows = [{key: np.nan if value is None else value for key, value in row.items()} for row in found["rows"]]
        return {"rows": rows, "seconds": float(found["seconds"])}
    except UNREADABLE as error:
        raise InputError(f"{path} is damaged ({error}): delete it and go on with --resume") from None


def pick(rows, **wanted):
    """The rows that have these values."""
    return [row for row in rows if all(row.get(key) == value for key, value in wanted.items())]


def column(rows, name):
    return np.array([row[name] for row in rows], float)


def over_seeds(rows, x, y):
    """(x, mean, standard deviation) of the column y over the rows that share an x, in rising order of x."""
    places = sorted({row[x] for row in rows})
    values = [column(pick(rows, **{x: place}), y) for place in places]
    spread = [each.std(ddof=1) if len(each) > 1 else 0.0 for each in values]
    return np.array(places, float), np.array([each.mean() for each in values]), np.array(spread)
