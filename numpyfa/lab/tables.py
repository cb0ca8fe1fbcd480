"""Rows of results, to pick from, average, write and print. A row is a dictionary of plain numbers and words."""

import csv
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..files import whole_file

WIDEST = 200  # characters of a printed line: what is wider is printed one below the other

Rows = list[dict[str, Any]]


def pick(rows: Rows, **wanted: Any) -> Rows:
    """The rows that have these values."""
    return [row for row in rows if all(row.get(key) == value for key, value in wanted.items())]


def column(rows: Rows, name: str) -> np.ndarray:
    return np.array([row[name] for row in rows], float)


def deviation(values: np.ndarray) -> float:
    """The standard deviation over seeds (n - 1); NaN of one seed, whose spread is not known."""
    return float(values.std(ddof=1)) if len(values) > 1 else math.nan


def over_seeds(rows: Rows, x: str, y: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(x, mean, standard deviation) of the column y over the rows that share an x, in rising order of x."""
    places = sorted({row[x] for row in rows})
    values = [column(pick(rows, **{x: place}), y) for place in places]
    deviation = [each.std(ddof=1) if len(each) > 1 else 0.0 for each in values]
    return np.array(places, float), np.array([each.mean() for each in values]), np.array(deviation)


def by_layer(column: str) -> tuple[str, int]:
    """angle_2 before angle_10 before weight_angle_2."""
    kind, _, layer = column.rpartition("_")
    return kind, int(layer)


def write_rows(path: Path, rows: Rows, columns: Sequence[str]) -> None:
    """Write a table; what a row lacks stays empty."""
    with whole_file(path) as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def read_rows(path: Path) -> Rows:
    """The rows of a table that `write_rows` wrote, as they were: numbers and words, nothing for an empty cell."""
    with open(path, encoding="utf-8", newline="") as file:
        return [{name: plain(cell) for name, cell in row.items() if cell != ""} for row in csv.DictReader(file)]


def plain(cell: str) -> Any:
    """The number or word that a cell holds."""
    for kind in (int, float):
        try:
            return kind(cell)
        except ValueError:
            pass
    return cell


def plain_json(value: Any) -> Any:
    """The same without NaN and infinity, which are not JSON: an undefined number becomes null."""
    if isinstance(value, dict):
        return {key: plain_json(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain_json(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def in_lines(rows: Rows) -> list[str]:
    """A table as lines to print: columns side by side, or one below the other where they hold sentences. What a row
    lacks stays empty."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    cells = [[in_4_digits(row.get(name, "")) for name in names] for row in rows]
    lines = aligned([names, *cells])
    if max(map(len, lines)) <= WIDEST:
        return lines
    return [line for row in cells for line in [*(f"{name}: {word}" for name, word in zip(names, row)), ""]]


def in_4_digits(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def aligned(rows: list[list[str]]) -> list[str]:
    """Rows of words as lines of aligned columns."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return ["  ".join(word.ljust(width) for word, width in zip(row, widths)).rstrip() for row in rows]


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    """Of two vectors, neither zero. `metrics.cosine` sums in another order: the tables' last digits would move."""
    return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))
