"""The figure: nine panels from the rows of all jobs, one function each."""

from typing import Any

import numpy as np

from ...lab.experiment import Settings
from ...lab.looks import COLOURS, LOOKS, STYLES
from ...lab.plots import band, grid, logarithmic, plain_ticks, rule_band
from ...lab.tables import Rows, column, over_seeds, pick

RULES = ("bp", "fa")


def draw(figure: Any, settings: Settings, rows: Rows) -> None:
    panels = grid(figure, 9, 3, height=56)
    for axes, name, label in zip(panels, ("error", "cosine", "overlap"),
                                 ("generalisation error", "cosine of v and F", "v . F")):  # fmt: skip
        draw_course(axes, rows, name, settings["seeds"])
        axes.set(ylabel=label)
    logarithmic(panels[0])
    panels[0].legend(title="theory\n(thin: random R)\nbands: simulation", loc="lower left")
    for axes, rule in zip(panels[3:5], RULES):
        draw_overlaps(axes, pick(rows, part="theory", rule=rule), settings["K"])
        axes.set(ylabel=f"overlaps in theory, {rule.upper()}")
    draw_deviation(panels[5], pick(rows, part="simulation"), settings["N"])
    for axes, rule in zip(panels[6:8], RULES):
        draw_units(axes, pick(rows, part="draw, theory", rule=rule, seed=0),
                   pick(rows, part="simulation", rule=rule), settings)  # fmt: skip
        axes.set(ylabel=f"v$_i$ / |v|, {rule.upper()}", title="dotted: F$_i$ / |F|")
    draw_draws(panels[8], rows, settings["draws"])
    for axes in panels:
        along_time(axes, settings["t"])
    figure.suptitle(
        f"student-teacher: N = {settings['N']}, K = M = {settings['K']}, learning rate {settings['lr']:g}, "
        f"{settings['seeds']} seeds"
    )


def along_time(axes: Any, end: float) -> None:
    """Time along x: logarithmic, but with a place for 0."""
    axes.set(xlabel="t = steps / N")
    axes.set_xscale("symlog", linthresh=0.1, linscale=0.5)
    plain_ticks(axes.xaxis, [0, *(10.0**power for power in range(-1, 7) if 10.0**power <= end)])
    axes.set_xlim(0, end)


def draw_course(axes: Any, rows: Rows, name: str, seeds: int) -> None:
    """One column under both rules: theory as lines, simulation as bands."""
    for rule in RULES:
        look, theory = LOOKS[rule], pick(rows, part="theory", rule=rule)
        for seed in range(seeds):
            own = pick(rows, part="random R", rule=rule, seed=seed)
            axes.plot(column(own, "t"), column(own, name), color=look.colour, lw=0.4, alpha=0.7)
        t, mean, deviation = over_seeds(pick(rows, part="simulation", rule=rule), "t", name)
        axes.fill_between(t, mean - deviation, mean + deviation, color=look.colour, alpha=0.3, lw=0)
        axes.plot(column(theory, "t"), column(theory, name), label=rule, **look.line())


def draw_overlaps(axes: Any, theory: Rows, K: int) -> None:
    """The students' overlaps with each other and with the teachers, in theory."""
    pairs = [(i, k) for i in range(1, K + 1) for k in range(1, K + 1)]
    groups = {"Q_ii": [f"Q_{i}{k}" for i, k in pairs if i == k],
              "Q_ik": [f"Q_{i}{k}" for i, k in pairs if i < k],
              "R_in": [f"R_{i}{k}" for i, k in pairs]}  # fmt: skip
    for colour, style, (label, names) in zip(COLOURS, STYLES, groups.items()):
        for number, name in enumerate(names):
            axes.plot(column(theory, "t"), column(theory, name), color=colour, ls=style, lw=0.9,
                      label=label if number == 0 else None)  # fmt: skip
    axes.legend(loc="upper left")


def draw_deviation(axes: Any, simulated: Rows, N: int) -> None:
    """How far simulation is from theory. At t = 0 it is not, but for rounding."""
    later = [row for row in simulated if row["t"] > 0]
    for rule in RULES:
        rule_band(axes, *over_seeds(pick(later, rule=rule), "t", "deviation"), LOOKS[rule], rule)
    axes.axhline(5 / np.sqrt(N), color="0.3", lw=0.8, ls=":")
    axes.annotate("5 / sqrt N", (0.02, 5 / np.sqrt(N)), va="bottom", fontsize=7)
    logarithmic(axes)
    axes.set(ylabel="largest |simulation - theory|")
    axes.legend(loc="lower right")


def draw_units(axes: Any, theory: Rows, simulated: Rows, settings: Settings) -> None:
    """The poster's plot: each unit's weight v_i beside its feedback F_i, both vectors over their length."""
    units = range(1, settings["K"] + 1)
    v, F = (np.array([column(theory, f"{name}_{i}") for i in units]) for name in "vF")
    seeds = [pick(simulated, seed=seed) for seed in range(settings["seeds"])]
    found = np.array([[column(own, f"v_{i}") for i in units] for own in seeds])  # seeds x K x times
    found /= np.linalg.norm(found, axis=1, keepdims=True)
    t = column(theory, "t")
    for colour, own, feedback, runs in zip(COLOURS, v / np.linalg.norm(v, axis=0), F / np.linalg.norm(F, axis=0),
                                           found.swapaxes(0, 1)):  # fmt: skip
        band(axes, t, runs.mean(axis=0), runs.std(axis=0), colour, "none", None)
        axes.plot(t, own, color=colour)
        axes.plot(t, feedback, color=colour, ls=":")
    axes.set_ylim(-1, 1)
    plain_ticks(axes.yaxis, [-1, -0.5, 0, 0.5, 1])


def draw_draws(axes: Any, rows: Rows, draws: int) -> None:
    """cos(v, F) of each draw of v and F: thin lines in theory, points in simulation; and the mean in theory."""
    for rule in RULES:
        look = LOOKS[rule]
        for draw in range(draws):
            theory, simulated = (pick(rows, part=f"draw, {which}", rule=rule, seed=draw)[::step]
                                 for which, step in (("theory", 1), ("simulation", 3)))  # fmt: skip
            axes.plot(column(theory, "t"), column(theory, "cosine"), **look.line() | {"lw": 0.4})
            axes.plot(column(simulated, "t"), column(simulated, "cosine"), ".", color=look.colour, ms=2)
        t, mean, _ = over_seeds(pick(rows, part="draw, theory", rule=rule), "t", "cosine")
        axes.plot(t, mean, label=f"{rule}, mean", **look.line() | {"lw": 2})
    axes.set(ylabel="cosine of v and F", title=f"{draws} draws of v and F", ylim=(-1, 1.05))
    axes.legend(loc="lower right")
