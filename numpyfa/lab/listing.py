"""The list of the experiments: whose each is, what it takes, and what is known of its results."""

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

from .. import data
from ..data.images import find_folder
from .experiment import Experiment, Settings
from .progress import duration
from .reference import FILE, Reference, read
from .tables import aligned


def listed(experiments: Mapping[str, Experiment], path: Path | None = None) -> list[str]:
    """Two lines for each experiment. Which results are committed is known where there is a file of references. Raises
    InputError for a file that was named and is none."""
    known = read(path or FILE) if path or FILE.exists() else None
    rows = [["experiment", "data", "time", "state"]]
    ask = cache(here)  # to see that files are whole they are read: once is enough
    rows += [
        [name, needs(each.settings, ask), duration(60 * each.minutes), state(each, known)]
        for name, each in experiments.items()
    ]
    head, *lines = aligned(rows)
    papers = [f"    {', '.join(filter(None, (each.source, each.place)))}" for each in experiments.values()]
    where = "" if known is not None else f" Which results are committed is told where {FILE} is, in a checkout."
    return [
        head,
        "    paper, place in the paper",
        *(word for pair in zip(lines, papers) for word in pair),
        "",
        f"The times are those of one core: a run takes the cores there are.{where}",
    ]


def here(name: str) -> bool:
    """Whether a data set can be had without fetching it."""
    if name in data.NAMES:
        return name == "mnist" or data.whole(name)[0] is not None
    return Path(name).exists() if name.endswith(".npz") else find_folder(name.partition("@")[0]) is not None


def needs(settings: Settings, have: Callable[[str], bool] = here) -> str:
    """The data set, and whether it is here. A study that names none makes its own or takes the package's MNIST."""
    name = settings.get("protocol", settings).get("data", "")
    return f"{name}, not here" if name and not have(name) else name or "in the package"


def state(experiment: Experiment, known: Reference | None) -> str:
    """Which results are committed, as far as it is known here; why there are none; what they leave out."""
    words = []
    for each in results(experiment, known or {}):
        seeds = "1 seed" if each["seeds"] == 1 else f"{each['seeds']} seeds"
        given = ", ".join(f"{key} {value}" for key, value in each["changes"].items())
        words.append(f"committed with {seeds}" + (f" ({given})" if given else ""))
    if not words and experiment.not_run:
        words.append(f"not run: {experiment.not_run}")
    if not words and known is not None:
        words.append("no result committed")
    if experiment.shortened:
        words.append(f"shortened: {experiment.shortened}")
    return "; ".join(words)


def results(experiment: Experiment, known: Reference) -> list[dict]:
    """The references that are of committed results and not of the quick form."""
    return [each for each in known.get(experiment.name, []) if each["from"].startswith("figures/")]
