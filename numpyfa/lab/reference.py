"""What an experiment is known to give, to hold a run against: `numpyfa reproduce NAME --verify`.

The numbers are those of figures/reference.json, which `python tools/reference.py` writes from the committed summaries
and from runs of the quick forms. On the same machine and version a run gives them again to the last digit; another BLAS
rounds in another way, and training makes more of that with every step, at worst until the nets are as different as
those of other seeds. So a number is inside if it is within three standard deviations of the difference of two means
over independent seeds,

    |found - reference| <= 3 s sqrt(1/n + 1/m),    m seeds in the run, n in the reference,
                                                   s = max(sd, median sd of the column, floor).

sd is the reference's over its seeds (n - 1). From so few it may be small by chance: then the median over the rows of
the same column stands, as most rules scatter about as much. (The median and not the root mean square, which one rule
that scatters ten times as far would make useless for all others.) The floor stands where no sd is known (one seed), or
all are small by chance:

    errors in %        100 sqrt(p (1 - p) / 10,000), the binomial deviation over the 10,000 images of a test set, p the
                       share of errors, at least one image
    angles             0.5 degrees
    cosines            0.01
    all other numbers  2 % of the reference, at least 1e-9: rounding

What a sweep chose, such as a learning rate, is no measurement and is left out: another rounding may choose
the neighbour.

The three is a convention. Were s known, 0.3 % of the numbers of independent seeds would be outside. With sd alone it
would be Student's t: 9.5 % from 3 seeds, 4.0 % from 5. With the median over six rows that scatter alike it is about
2 % from 3 seeds and 1 % from 5 (tests/test_verify.py draws them), and more where they do not. So where the rounding is
another, one of a table's fifty numbers may well be outside by chance; many, or one by far, are not.
"""

import hashlib
import json
import math
from collections.abc import Iterable
from pathlib import Path
from statistics import median
from typing import Any

from ..errors import InputError
from ..files import UNREADABLE
from .compare import changes, essential, is_angle, is_error, names, number
from .experiment import Experiment, Row, Settings, option
from .tables import Rows, aligned

FILE = Path("figures") / "reference.json"  # in a checkout
WIDTH = 3.0  # standard deviations
IMAGES = 10_000  # in the test sets of MNIST, Fashion-MNIST and CIFAR
DEGREES = 0.5
COSINE = 0.01
ROUNDING = (0.02, 1e-9)  # of the number, and at least
DIGITS = 6  # that are kept of a number

Reference = dict[str, list[Row]]  # by experiment, an entry for each of its settings


class NoReference(InputError):
    """There is nothing to hold a run against."""


def mark(experiment: Experiment, settings: Settings) -> str:
    """A short hash of all that the numbers of one job depend on, but the machine. Runs of more or fewer seeds or rules
    share it where each of these is a job of its own."""
    words = json.dumps(essential(experiment, settings), sort_keys=True)
    return hashlib.sha256(words.encode()).hexdigest()[:16]


def entry(experiment: Experiment, summary: Row, source: str) -> Row:
    """What a summary says, as a reference: where it is from, its settings' mark, what in them is not the experiment's
    own, its seeds, and {row: {column: [mean, sd]}}."""
    settings, table = summary["settings"], summary["rows"]
    return {
        "from": source,
        "settings": mark(experiment, settings),
        "changes": changes(experiment, settings),
        "seeds": settings["seeds"],
        "rows": {name: found for name, row in zip(names(table), table) if (found := numbers(row))},
    }


def numbers(row: Row) -> dict[str, list[float | None]]:
    """{column: [mean, sd]} of the finite numbers in a row."""
    found = {}
    for column, value in row.items():
        if not column.endswith("_sd") and not isinstance(value, bool) and math.isfinite(number(value)):
            found[column] = [rounded(value), rounded(row.get(f"{column}_sd"))]
    return found


def rounded(value: Any) -> float | None:
    value = number(value)
    return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None


def read(path: Path) -> Reference:
    """The references in a file. Raises InputError if it is not there, or is none."""
    if not path.exists():
        raise InputError(f"{path} is not here: go to a copy of the repository, which has {FILE}, or give --reference")
    try:
        found = dict(json.loads(path.read_text(encoding="utf-8"))["experiments"])
    except UNREADABLE as error:
        raise InputError(f"{path} is no file of references ({error}): python tools/reference.py writes one") from None
    return found


def choose_entry(references: Reference, experiment: Experiment, settings: Settings) -> Row:
    """The reference for these settings, that of the most seeds. Raises NoReference, with those there are, if there is
    none or a rule is missing in it."""
    known = references.get(experiment.name, [])
    own = mark(experiment, settings)
    fitting = [each for each in known if each["settings"] == own]
    if not fitting:
        those = "; ".join(sorted({ways(experiment, each) for each in known})) or "none at all"
        raise NoReference(f"{experiment.name} has no reference for these settings, only for: {those}")
    if not any(each["rows"] for each in fitting):
        raise NoReference(f"the table of {experiment.name} has no numbers of their own, only words: compare it by eye")
    best: Row = max(fitting, key=lambda each: each["seeds"])
    held = {part for name in best["rows"] for part in parts(name)}
    missing = [name for name in settings.get("rules", ()) if "rules" in experiment.grows and name not in held]
    if missing:
        raise NoReference(f"{experiment.name} has no reference for {', '.join(missing)}: leave it out with --rules")
    return best


def ways(experiment: Experiment, each: Row) -> str:
    """How a run is asked for that this reference is of."""
    if each["settings"] == mark(experiment, experiment.adapt(quick=True)):
        return "--quick"
    return " ".join(f"{option(key)} {value}" for key, value in each["changes"].items()) or "no options"


def band(what: str, mean: float, sd: float | None, n: int, m: int, others: Iterable[float | None] = ()) -> float:
    """Half the width of the band around a mean over n seeds, for one over m seeds. `others` are the standard deviations
    in all rows of the column, None where there is none."""
    known = [each for each in others if each is not None]
    spread = max(sd or 0.0, median(known) if known else 0.0, floor(what, mean))
    return WIDTH * spread * math.sqrt(1 / n + 1 / m)


def floor(what: str, mean: float) -> float:
    """The least standard deviation that is believed; `what` says whether it is of an error or an angle."""
    if is_error(what):
        p = min(max(mean / 100, 1 / IMAGES), 1 - 1 / IMAGES)
        return 100 * math.sqrt(p * (1 - p) / IMAGES)
    if is_angle(what):
        return DEGREES
    if "cosine" in what:
        return COSINE
    share, least = ROUNDING
    return max(share * abs(mean), least)


def verify(entry: Row, settings: Settings, table: Rows) -> Rows:
    """A row for each number of the reference that the run should have, but those that a sweep chose: name,
    column, found, reference, band, inside. What is missing or not finite is outside."""
    found = dict(zip(names(table), table))
    chosen = settings["points"][0] if "points" in settings else ()
    expected = [name for name in entry["rows"] if name in found or name not in untrained(entry, settings)]
    rows = []
    for name in expected:
        for column, (mean, sd) in entry["rows"][name].items():
            if column in chosen:
                continue
            value = number(found.get(name, {}).get(column))
            deviations = [row[column][1] for row in entry["rows"].values() if column in row]
            half = band(f"{name} {column}", mean, sd, entry["seeds"], settings["seeds"], deviations)
            rows.append({"name": name, "column": column, "found": value, "reference": mean, "band": half,
                         "inside": abs(value - mean) <= half})  # fmt: skip
    return rows


def untrained(entry: Row, settings: Settings) -> set[str]:
    """The rows of the reference whose rules the run was told to leave out."""
    if "rules" not in settings:
        return set()
    return {name for name in entry["rows"] if not parts(name) & set(settings["rules"])}


def parts(name: str) -> set[str]:
    """The cells in a row's name, its rule among them."""
    return set(name.split(", "))


def in_lines(entry: Row, rows: Rows, path: Path) -> list[str]:
    """The result as lines to print: each row of the table with the number that is nearest to its band's edge, or
    farthest beyond it, then all that is outside."""
    lines = [["row", "inside", "nearest to the edge", "found", "reference", "band"]]
    for name in dict.fromkeys(row["name"] for row in rows):
        own = [row for row in rows if row["name"] == name]
        worst = max(own, key=reach)
        inside = sum(row["inside"] for row in own)
        lines.append([name, f"{inside} of {len(own)}", *cells(worst)])
    outside = [row for row in rows if not row["inside"]]
    seeds = "1 seed" if entry["seeds"] == 1 else f"{entry['seeds']} seeds"
    verdict = f"OUTSIDE the band: {len(outside)} of {len(rows)} numbers" if outside else "inside the band"
    return [
        f"\nBeside {path}, {entry['from']}, {seeds}; the band is 3 standard deviations of the difference of two means:",
        *aligned(lines),
        *(f"outside: {row['name']}: {', '.join(cells(row))}" for row in outside),
        f"{verdict if outside else f'{verdict}: all {len(rows)} numbers'}",
        *(
            ["Of independent seeds a few are outside by chance, the more the fewer seeds: docs/running.md"]
            * bool(outside)
        ),
    ]


def reach(row: Row) -> float:
    """How much of half the band the difference takes; beyond 1 it is outside, and so is what is no number."""
    share = abs(row["found"] - row["reference"]) / row["band"]
    return math.inf if math.isnan(share) else share


def cells(row: Row) -> list[str]:
    return [row["column"], f"{row['found']:.4g}", f"{row['reference']:.4g}", f"+- {row['band']:.2g}"]
