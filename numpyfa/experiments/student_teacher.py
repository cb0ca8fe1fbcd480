"""The poster's student and teacher: does the second layer align with the feedback vector?

The poster's text fixes N = 500, K = M = 5 and the start R = 0, Q = 0.2 times the identity. What it leaves open, and
what we chose (those marked * as far as its words allow):

    teacher          * T = identity, all second-layer weights 1, no noise
    units            g(x) = erf(x / sqrt 2); * the poster says sigmoidal
    learning rate    0.2, for both layers
    v at the start   0.1 N(0, 1), one draw for all runs
    feedback F       N(0, 1), one draw for all runs
    time             t = steps / N to 1000

The seeds differ in their examples and in the directions of their weights, so the spread is that of a finite N. From
R = 0 nothing tells one teacher unit from another, and in theory nothing ever will: the columns of R stay equal. A
finite N makes differences, and they grow. So theory is also run from an R of the size that random weights have,
N(0, Q / N), one draw a seed ("random R").
"""

from dataclasses import replace

import numpy as np

from ..theory import Overlaps, generalisation_error, integrate, simulate
from .figures import COLOURS
from .study import Study, column, over_seeds, pick

SETTINGS = {"N": 500, "K": 5, "lr": 0.2, "Q": 0.2, "v": 0.1, "draw": 0, "t": 1000, "marks": 40, "seeds": 10}
TOGETHER = 5  # seeds that are simulated side by side


def jobs(settings):
    groups = range(0, settings["seeds"], TOGETHER)
    return [(kind, first) for first in groups for kind in ("bp", "fa")]


def start(settings, kind):
    """(the overlaps to begin with, the feedback vector F: under BP only something to compare v with)."""
    K, rng = settings["K"], np.random.default_rng(settings["draw"])
    v, F = settings["v"] * rng.standard_normal(K), rng.standard_normal(K)
    eye = np.eye(K)
    return Overlaps(settings["Q"] * eye, 0 * eye, eye, v, np.ones(K), F if kind == "fa" else None), F


def work(settings, kind, first):
    """Rows of theory and of a group of seeds at the same times, and how far apart the two are."""
    begin, F = start(settings, kind)
    times = [0.0, *np.geomspace(0.1, settings["t"], settings["marks"])]
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
            rows.append(row | (entries(each) if part == "theory" else {}))
    for seed in seeds:
        R = np.random.default_rng([seed, 2]).standard_normal(begin.R.shape) * np.sqrt(settings["Q"] / settings["N"])
        for time, now in zip(times, integrate(replace(begin, R=R), times, settings["lr"])):
            row = {"part": "random R", "rule": kind, "seed": seed, "t": float(time)}
            rows.append(
                row | {"error": generalisation_error(now), "cosine": cosine(now.v, F), "overlap": float(now.v @ F)}
            )
    return rows


def cosine(a, b):
    return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))


def entries(overlaps):
    """Every entry of Q, R and v, by name."""
    pairs = [("Q", overlaps.Q), ("R", overlaps.R)]
    row = {f"{name}_{i + 1}{k + 1}": float(matrix[i, k]) for name, matrix in pairs for i, k in np.ndindex(matrix.shape)}
    return row | {f"v_{i + 1}": float(value) for i, value in enumerate(overlaps.v)}


def draw(figure, settings, rows):
    figure.set_size_inches(11, 6)
    panels = figure.subplots(2, 3).reshape(-1)
    shown = [("error", "generalisation error"), ("cosine", "cosine of v and F"), ("overlap", "v . F")]
    for axes, (name, label) in zip(panels, shown):
        for colour, style, kind in zip(COLOURS, ("-", "--"), ("bp", "fa")):
            theory = pick(rows, part="theory", rule=kind)
            t, mean, spread = over_seeds(pick(rows, part="simulation", rule=kind), "t", name)
            axes.fill_between(t, mean - spread, mean + spread, color=colour, alpha=0.3, lw=0)
            axes.plot(column(theory, "t"), column(theory, name), color=colour, ls=style, lw=1.3, label=kind.upper())
            for seed in range(settings["seeds"]):
                own = pick(rows, part="random R", rule=kind, seed=seed)
                axes.plot(column(own, "t"), column(own, name), color=colour, lw=0.4)
        axes.set(ylabel=label)
    panels[0].set_yscale("log")
    panels[0].legend(
        title="lines: theory (thin: random R)\nbands: simulation", fontsize=7, title_fontsize=7, frameon=False
    )
    K = settings["K"]
    for axes, kind in zip(panels[3:5], ("bp", "fa")):
        theory = pick(rows, part="theory", rule=kind)
        groups = {"Q_ii": [f"Q_{i}{i}" for i in range(1, K + 1)],
                  "Q_ik": [f"Q_{i}{k}" for i in range(1, K + 1) for k in range(i + 1, K + 1)],
                  "R_in": [f"R_{i}{n}" for i in range(1, K + 1) for n in range(1, K + 1)]}  # fmt: skip
        for colour, style, (label, names) in zip(COLOURS, ("-", ":", "--"), groups.items()):
            for number, name in enumerate(names):
                axes.plot(column(theory, "t"), column(theory, name), color=colour, ls=style, lw=0.9,
                          label=label if number == 0 else None)  # fmt: skip
        axes.set(ylabel=f"overlaps in theory, {kind.upper()}")
        axes.legend(fontsize=7, frameon=False)
    axes = panels[5]
    for colour, style, kind in zip(COLOURS, ("-", "--"), ("bp", "fa")):
        t, mean, spread = over_seeds(pick(rows, part="simulation", rule=kind), "t", "deviation")
        axes.plot(t, mean, color=colour, ls=style, label=kind.upper())
        axes.fill_between(t, mean - spread, mean + spread, color=colour, alpha=0.2, lw=0)
    axes.axhline(5 / np.sqrt(settings["N"]), color="0.3", lw=0.8, ls=":")
    axes.annotate("5 / sqrt N", (0.2, 5 / np.sqrt(settings["N"])), va="bottom", fontsize=7)
    axes.set(ylabel="largest |simulation - theory| in Q, R, v")
    for axes in panels:
        axes.set(xlabel="t = steps / N")
        axes.set_xscale("symlog", linthresh=0.1)  # logarithmic, but with a place for 0
        axes.set_xlim(0, settings["t"])
    seeds = settings["seeds"]
    figure.suptitle(
        f"student-teacher: N = {settings['N']}, K = M = {K}, step {settings['lr']:g}, {seeds} seeds", fontsize=9
    )


def conclude(settings, rows):
    table = []
    for kind in ("bp", "fa"):
        theory, simulated = pick(rows, part="theory", rule=kind), pick(rows, part="simulation", rule=kind)
        end = theory[-1]["t"]
        cosines, random = column(theory, "cosine"), pick(rows, part="random R", rule=kind, t=end)
        error, ends = column(pick(simulated, t=end), "error"), column(pick(simulated, t=end), "cosine")
        apart = {t: max(row["deviation"] for row in simulated if row["t"] <= t) for t in (10, 100, end)}
        table.append({
            "rule": kind,
            "cos(v, F) at 0": cosines[0].item(),
            "highest in theory": cosines.max().item(),
            f"at {end:g}: theory": cosines[-1].item(),
            "simulation": f"{ends.min():.2f} to {ends.max():.2f}",
            f"error at {end:g}: theory": theory[-1]["error"],
            "theory, random R": f"{column(random, 'error').mean():.4f} ({column(random, 'error').std(ddof=1):.4f})",
            "error, simulation": f"{error.mean():.4f} ({error.std(ddof=1):.4f})",
            f"deviation to t = 10, 100, {end:g}": ", ".join(f"{each:.2f}" for each in apart.values()),
        })  # fmt: skip
    return table


STUDY = Study(
    name="student-teacher",
    settings=SETTINGS,
    quick={"t": 100, "marks": 25, "seeds": 4},
    jobs=jobs,
    work=work,
    draw=draw,
    conclude=conclude,
    source='poster "Feedback alignment for training neural networks"; Refinetti et al. 2021',
    question="does v align with the feedback vector F, and does theory follow simulation?",
)
