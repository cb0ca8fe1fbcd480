"""Ours beside the paper's: a row for each number that a paper prints, with one verdict for all papers.

Ours is the mean over the seeds at the last epoch, its standard deviation (n - 1) that of single seeds. With
difference = ours - paper's:

    inside     |difference| <= 2 standard deviations of ours; it takes two seeds to know one
    too large  the same, but these two deviations are more than 20 % of the paper's number, or 0.2 points of an error or
               degrees of an angle if that is more: numbers that scatter so far say little for or against any other
    close      else, |difference| <= 10 % of the paper's number, or 0.2 points or degrees if that is more
    apart      else, also where ours is no finite number

A number of the paper may be a range, (low, high), where it is read off a figure: inside it the difference is 0, and
beyond it counts to the nearer end.
"""

import json
import math
from dataclasses import fields
from typing import Any

from .experiment import Experiment, Row, Settings
from .protocol import Protocol
from .tables import Rows, aligned

SPREAD = 2.0  # standard deviations of ours
WIDEST = 0.2  # of the paper's number: what they may be to speak for it
SHARE = 0.1  # of the paper's number
NEAR = 0.2  # points of an error in %, or degrees of an angle
INSIDE, TOO_LARGE, CLOSE, APART = "inside our spread", "spread too large to tell", "close", "apart"


def names(table: Rows) -> list[str]:
    """What each row of a table is called: its first cell, or as many cells as it takes to tell all rows apart."""
    for width in range(1, max(map(len, table)) + 1):
        found = [", ".join(str(value) for value in list(row.values())[:width]) for row in table]
        if len(set(found)) == len(table):
            break
    return found


def find(table: Rows, key: str) -> tuple[Row, str, str] | None:
    """(row, its name, column) that a key of `Experiment.published` stands for, or None. "NAME COLUMN" is any column of
    the row NAME; "NAME" alone is its test error, or what a study calls found."""
    for row, name in zip(table, names(table)):
        if key == name:
            return row, name, "test_error" if "test_error" in row else "found"
        if key.startswith(f"{name} ") and key[len(name) + 1 :] in row:
            return row, name, key[len(name) + 1 :]
    return None


def compare(experiment: Experiment, settings: Settings, table: Rows) -> Rows:
    """A row for each published number whose row the table has: name, column, paper, ours, sd, seeds, difference,
    verdict, why."""
    rows = []
    for key, paper in experiment.published.items():
        if place := find(table, key):
            row, name, column = place
            ours, sd = number(row.get(column)), number(row.get(f"{column}_sd"))
            apart_by = difference(ours, paper)
            rows.append({
                "name": name,
                "column": column,
                "paper": paper,
                "ours": ours,
                "sd": sd,
                "seeds": settings["seeds"],
                "difference": apart_by,
                "verdict": verdict(apart_by, sd, paper, f"{name} {column}"),
                "why": experiment.why.get(key, experiment.why.get("", "")),
            })  # fmt: skip
    return rows


def number(value: Any) -> float:
    """The value as a number, NaN where there is none; null stands for NaN in summary.json."""
    return float(value) if isinstance(value, (int, float)) else math.nan


def difference(ours: float, paper: float | tuple[float, float]) -> float:
    """Ours minus the paper's number, or minus the nearer end of its range; 0 inside that."""
    low, high = paper if isinstance(paper, tuple) else (paper, paper)
    return ours - min(max(ours, low), high)


def verdict(difference: float, sd: float, paper: float | tuple[float, float], what: str) -> str:
    """The verdict on one number; `what` says whether it is an error or an angle."""
    size = max(map(abs, paper)) if isinstance(paper, tuple) else abs(paper)
    near = NEAR if is_error(what) or is_angle(what) else 0.0
    if abs(difference) <= SPREAD * sd:
        return INSIDE if SPREAD * sd <= max(WIDEST * size, near) else TOO_LARGE
    return CLOSE if abs(difference) <= max(SHARE * size, near) else APART


def is_error(what: str) -> bool:
    """Whether the column holds errors in %."""
    return "_error" in what or "error %" in what


def is_angle(what: str) -> bool:
    """Whether the column holds degrees."""
    return "angle" in what or "(deg)" in what


DEFAULTS = {each.name: each.default for each in fields(Protocol) if each.name != "net"}


def essential(experiment: Experiment, settings: Settings) -> Settings:
    """What the numbers of one job depend on, as JSON has it: not how many jobs there are, nor the device, nor what is
    as a `Protocol` has it by default, so that a summary from before a setting was there agrees with one from after.
    The points of a sweep are jobs, but which of them is tested depends on all."""
    others = {*experiment.grows, "device"} - {"points"}
    found = lean({key: value for key, value in plain(settings).items() if key not in others})
    return found | {"protocol": lean(found["protocol"])} if "protocol" in found else found


def lean(settings: Settings) -> Settings:
    """Without what is as a `Protocol` has it by default."""
    defaults = plain(DEFAULTS)
    return {key: value for key, value in settings.items() if not (key in defaults and value == defaults[key])}


def plain(settings: Settings) -> Settings:
    found: Settings = json.loads(json.dumps(settings))
    return found


def changes(experiment: Experiment, settings: Settings) -> Settings:
    """The settings that are others than the experiment's own, but for the number of seeds. None is a setting that is
    left as it is by default."""
    own, now = (essential(experiment, each) for each in (experiment.settings, settings))
    differing = [key for key in {**now, **own} if now.get(key) != own.get(key) and key != "seeds"]
    return {key: now.get(key) for key in differing}


def in_words(row: Row) -> dict[str, str]:
    """The cells of a row of `compare` as they are printed and stand on the page."""
    what = f"{row['name']} {row['column']}"
    digits = "{:.1f}" if is_angle(what) else "{:.2f}" if is_error(what) else "{:.3g}"
    mean, sd = digits.format(row["ours"]), digits.format(row["sd"])
    return {
        "what": row["column"].replace("_", " "),
        "paper": paper_in_words(row["paper"]),
        "ours": mean if math.isnan(row["sd"]) else f"{mean} ({sd})",
        "seeds": str(row["seeds"]),
        "difference": digits.replace(":", ":+").format(row["difference"]),
        "verdict": row["verdict"],
    }


def paper_in_words(paper: float | tuple[float, float]) -> str:
    return f"{paper[0]:g} to {paper[1]:g}" if isinstance(paper, tuple) else f"{paper:g}"


def in_lines(experiment: Experiment, settings: Settings, table: Rows) -> list[str]:
    """The comparison as lines to print; none if the paper prints no number."""
    rows = compare(experiment, settings, table)
    if not rows:
        return []
    changed = changes(experiment, settings)
    cells = [[row["name"], *in_words(row).values()] for row in rows]
    lines = [
        f"\nBeside the paper: {experiment.source}{f', {experiment.place}' if experiment.place else ''}",
        *aligned([["row", "what", "paper", "ours (s.d.)", "seeds", "difference", "verdict"], *cells]),
    ]
    if changed:
        return [*lines, f"These are not the experiment's own settings: {', '.join(changed)} were changed."]
    if experiment.shortened:
        lines.append(f"Shortened: {experiment.shortened}.")
    reasons = dict.fromkeys(row["why"] for row in rows if row["verdict"] == APART and row["why"])
    return [*lines, *(f"Why apart: {why}" for why in reasons)]
