"""The figure: six panels from the rows of all jobs."""

from typing import Any

import numpy as np

from ...lab.experiment import Settings
from ...lab.plots import COLOURS
from ...lab.tables import Rows, column, over_seeds, pick


def draw(figure: Any, settings: Settings, rows: Rows) -> None:
    figure.set_size_inches(11, 6)
    panels = figure.subplots(2, 3).reshape(-1)
    shown = [("error", "generalisation error"), ("cosine", "cosine of v and F"), ("overlap", "v . F")]
    for axes, (name, label) in zip(panels, shown):
        for colour, style, kind in zip(COLOURS, ("-", "--"), ("bp", "fa")):
            theory = pick(rows, part="theory", rule=kind)
            t, mean, deviation = over_seeds(pick(rows, part="simulation", rule=kind), "t", name)
            axes.fill_between(t, mean - deviation, mean + deviation, color=colour, alpha=0.3, lw=0)
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
        t, mean, deviation = over_seeds(pick(rows, part="simulation", rule=kind), "t", "deviation")
        axes.plot(t, mean, color=colour, ls=style, label=kind.upper())
        axes.fill_between(t, mean - deviation, mean + deviation, color=colour, alpha=0.2, lw=0)
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
