"""What an experiment is, whether its jobs train nets or integrate a differential equation."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from ..errors import InputError, check_whole
from .tables import in_lines

MOST_SEEDS = 100_000  # more are a slip of the finger, and their list would not fit into memory

Settings = dict[str, Any]
Row = dict[str, Any]  # plain numbers and words, by column
Job = tuple  # of words and numbers: what one job does, beside the settings


def nothing_more(settings: Settings, rows: dict[Job, list[Row]], job: Job) -> list[Job]:
    return []


def nothing_shared(settings: Settings) -> Settings:
    return {}


@dataclass(frozen=True)
class Experiment:
    """What the numbers depend on, what is done, and what it means.

    settings                   everything that the numbers depend on, but the machine
    jobs(settings)             the jobs, each a tuple of words and numbers
    work(settings, *job)       one job: its rows. It depends on nothing else, so that any process can do it
    draw(figure, settings, rows)
    table(settings, rows)      what was found: a list of rows
    verdict(settings, table)   what that means beside the paper: sentences
    quick                      the settings that its short form changes
    source, place              the paper, and where in it: "Table 1", "Figure 2b", "the authors' logs"
    published                  what the paper prints, by rule and column of the table: {"bp": 1.62} is BP's test error
                               in %, {"pfa weight_angle_2": 19.5} another column of pfa's row; in a study's table "ROW"
                               is what the row found. (low, high) is a range that is read off a figure
    why                        a line on why ours is apart, {the same key: line}; "" stands for all, and where nothing
                               is published says why no number stands beside ours
    shortened                  what our settings leave out of the paper's protocol: "10 of 100 epochs"
    not_run                    why no result is committed, such as data that is not to be had

    The rest has a plain answer for most experiments; that of trained nets is in `lab.training`:

    takes                      the settings that the command line may change
    grows                      those of which a resumed run may ask for more, since each more is a job more
    lengthens                  the one that makes each job longer, as epochs do
    follow(settings, given)    what else changes if these were given
    check(settings)            refuse what cannot be; return what else two runs must share, such as the data's mark
    more(settings, rows, job)  the jobs that are called for now that this one has ended; {job: its rows} of all so far
    cost(settings, *job)       how long a job takes, beside the others; with `more` it needs
    costs(settings)            the sum over all jobs, those that are still to be called for too
    keeps                      whether `work` takes a `place` (see `lab.run`), where it keeps how far it is
    begun(settings, place, *job)  the rows of a job that stopped on its way, if it `keeps` them and says so. Without it
                               the checkpoints are removed when the run is done
    columns(rows)              the order of the columns of history.csv
    show(experiment, settings, table)  the table as lines to print
    times(settings, seconds)   rows about how long the jobs took, {job: seconds, or None if it was interrupted}
    """

    name: str
    settings: Settings
    jobs: Callable[[Settings], Iterable[Job]]
    work: Callable[..., list[Row]]
    draw: Callable[[Any, Settings, list[Row]], None]
    table: Callable[[Settings, list[Row]], list[Row]]
    verdict: Callable[[Settings, list[Row]], list[str]]
    source: str = ""
    place: str = ""
    published: dict[str, Any] = field(default_factory=dict)  # numbers, or pairs of them
    why: dict[str, str] = field(default_factory=dict)
    shortened: str = ""
    not_run: str = ""
    question: str = ""
    minutes: float = 0.0  # of one core, roughly
    quick: Settings = field(default_factory=dict)
    takes: tuple[str, ...] = ("seeds",)
    grows: tuple[str, ...] = ()
    lengthens: str | None = None
    follow: Callable[[Settings, Settings], Settings] = lambda settings, given: {}
    check: Callable[[Settings], Settings] = nothing_shared
    more: Callable[[Settings, dict[Job, list[Row]], Job], list[Job]] = nothing_more
    cost: Callable[..., float] = lambda settings, *job: 1.0
    costs: Callable[[Settings], float] = lambda settings: 0.0
    keeps: bool = False
    begun: Callable[..., list[Row]] | None = None
    columns: Callable[[list[Row]], list[str]] = lambda rows: list(dict.fromkeys(name for row in rows for name in row))
    show: Callable[["Experiment", Settings, list[Row]], list[str]] = lambda experiment, settings, table: [
        f"{experiment.name}: {experiment.question}",
        *in_lines(table),
    ]
    times: Callable[[Settings, dict[Job, float | None]], list[Row]] | None = None

    def adapt(self, quick: bool = False, **changes: Any) -> Settings:
        """The settings, in their quick form if that is wanted, with the changes that are not None."""
        given = {key: value for key, value in changes.items() if value is not None}
        unknown = sorted(set(given) - set(self.takes))
        if unknown:
            taken = ", ".join(["--quick", *map(option, self.takes)])
            raise InputError(
                f"{self.name} takes {taken}, found {option(unknown[0])}; "
                f"its settings are in {self.work.__module__.replace('.', '/')}.py"
            )
        settings = self.settings | (self.quick if quick else {}) | given
        settings |= self.follow(settings, given)
        check_whole("seeds", settings["seeds"], 1, MOST_SEEDS)
        return settings

    def fixed(self, settings: Settings) -> Settings:
        """The settings that two runs must share for one to continue the other."""
        return {key: value for key, value in settings.items() if key not in (*self.grows, self.lengthens)}


def option(name: str) -> str:
    """A setting as an option of the command line."""
    return "--" + name.replace("_", "-")
