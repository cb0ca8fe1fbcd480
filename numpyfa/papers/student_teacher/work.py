"""The jobs: theory and simulation side by side. What they are for is said in the package."""

from dataclasses import replace

import numpy as np

from ...lab.experiment import Job, Row, Settings
from ...lab.tables import cosine
from ...theory import Overlaps, generalisation_error, integrate, simulate

SETTINGS = {"N": 500, "K": 5, "lr": 0.2, "Q": 0.2, "v": 0.1, "draws": 6, "t": 1000, "marks": 40, "seeds": 10}
TOGETHER = 5  # seeds that are simulated side by side


def jobs(settings: Settings) -> list[Job]:
    groups = range(0, settings["seeds"], TOGETHER)
    one = [("seeds", kind, first) for first in groups for kind in ("bp", "fa")]
    return one + [("draw", kind, draw) for draw in range(settings["draws"]) for kind in ("bp", "fa")]


def work(settings: Settings, part: str, kind: str, which: int) -> list[Row]:
    return one_draw(settings, kind, which) if part == "draw" else side_by_side(settings, kind, which)


def start(settings: Settings, kind: str, draw: int) -> tuple[Overlaps, np.ndarray]:
    """(the overlaps to begin with, the feedback vector F: under BP only something to compare v with)."""
    K: int = settings["K"]
    rng = np.random.default_rng(draw)
    v, F = settings["v"] * rng.standard_normal(K), rng.standard_normal(K)
    eye = np.eye(K)
    return Overlaps(settings["Q"] * eye, 0 * eye, eye, v, np.ones(K), F if kind == "fa" else None), F


def times_of(settings: Settings) -> list[float]:
    return [0.0, *np.geomspace(0.1, settings["t"], settings["marks"]).tolist()]


def side_by_side(settings: Settings, kind: str, first: int) -> list[Row]:
    """Rows of theory and of a group of seeds at the same times, and how far apart the two are."""
    begin, F = start(settings, kind, draw=0)
    times = times_of(settings)
    theory = dict(zip(times, integrate(begin, times, settings["lr"])))
    seeds = range(first, min(first + TOGETHER, settings["seeds"]))
    found = simulate(begin, settings["N"], times, settings["lr"], seeds=seeds)
    rows = []
    for time in times:
        here = [("theory", first, theory[time])] * (first == 0)
        here += [("simulation", seed, each) for seed, each in zip(seeds, found[time])]
        for part, seed, each in here:
            row = {"part": part, "rule": kind, "seed": seed, "t": float(time)}
            row |= {"error": generalisation_error(each), "cosine": cosine(each.v, F), "overlap": float(each.v @ F)}
            row["deviation"] = float(
                max(np.abs(getattr(each, name) - getattr(theory[time], name)).max() for name in "QRv")
            )
            rows.append(row | (entries(each) if part == "theory" else {}) | units("v", each.v))
    for seed in seeds:
        R = np.random.default_rng([seed, 2]).standard_normal(begin.R.shape) * np.sqrt(settings["Q"] / settings["N"])
        for time, now in zip(times, integrate(replace(begin, R=R), times, settings["lr"])):
            row = {"part": "random R", "rule": kind, "seed": seed, "t": float(time)}
            rows.append(
                row | {"error": generalisation_error(now), "cosine": cosine(now.v, F), "overlap": float(now.v @ F)}
            )
    return rows


def one_draw(settings: Settings, kind: str, draw: int) -> list[Row]:
    """Theory and one simulation from a v and an F of their own: v and F unit by unit, and their cosine."""
    begin, F = start(settings, kind, draw)
    times = times_of(settings)
    simulated = simulate(begin, settings["N"], times, settings["lr"], seeds=[draw])
    courses = {"draw, theory": integrate(begin, times, settings["lr"]),
               "draw, simulation": [simulated[t][0] for t in times]}  # fmt: skip
    rows = []
    for part, course in courses.items():
        for t, now in zip(times, course):
            row = {"part": part, "rule": kind, "seed": draw, "t": t, "error": generalisation_error(now)}
            rows.append(row | {"cosine": cosine(now.v, F)} | units("v", now.v) | units("F", F))
    return rows


def entries(overlaps: Overlaps) -> Row:
    """Every entry of Q and R, by name."""
    pairs = [("Q", overlaps.Q), ("R", overlaps.R)]
    return {
        f"{name}_{i + 1}{k + 1}": float(matrix[i, k]) for name, matrix in pairs for i, k in np.ndindex(matrix.shape)
    }


def units(name: str, values: np.ndarray) -> Row:
    """A number a unit, by name: v_1, v_2, ..."""
    return {f"{name}_{i}": float(value) for i, value in enumerate(values, start=1)}
