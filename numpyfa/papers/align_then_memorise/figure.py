"""The figure: six panels from the rows of all jobs."""

from typing import Any

import numpy as np

from ...lab.experiment import Settings
from ...lab.plots import COLOURS, STYLES
from ...lab.tables import Rows, column, pick
from .verdict import sign_counts


def draw(figure: Any, settings: Settings, rows: Rows) -> None:
    figure.set_size_inches(11, 6)
    errors, cosines, bars, linears, early, late = figure.subplots(2, 3).reshape(-1)
    K = settings["students"][0]
    for colour, style, rule in zip(COLOURS, STYLES, ("bp", "fa")):
        for axes, name in ((errors, "error"), (cosines, "cosine")):
            runs = [pick(rows, part="shallow", rule=rule, K=K, seed=seed) for seed in range(settings["seeds"])]
            for own in runs:
                axes.plot(column(own, "t"), column(own, name), color=colour, lw=0.4, alpha=0.5)
            median = np.median([column(own, name) for own in runs], axis=0)
            axes.plot(column(runs[0], "t"), median, color=colour, ls=style, lw=2, label=f"{rule.upper()}, median")
            axes.set_xscale("symlog", linthresh=0.1)
            axes.set(xlabel="t = steps / N", xlim=(0, settings["t"]))
            axes.legend(fontsize=7, frameon=False)
    errors.set(ylabel="generalisation error", yscale="log", title=f"K = {K}, M = {settings['teachers']}")
    cosines.set(ylabel="cosine of v and F", title="align, then memorise")
    counts = sign_counts(settings, rows)
    for place, row in enumerate(counts):
        for shift, name, which, hatch in ((-0.2, "signs_of_F", 1, ""), (0.2, "signs_of_v0", 0, "//")):
            label = {"signs_of_F": "sign of F", "signs_of_v0": "sign of v at the start"}[name] if place == 0 else None
            bars.bar(place + shift, row[name] / row["units"], 0.38, color=COLOURS[which], hatch=hatch, label=label)
    bars.set_xticks(range(len(counts)), [f"{row['rule'].upper()}, K = {row['K']}" for row in counts])
    bars.set(ylabel="share of v's units", title="which of the equivalent solutions", ylim=(0, 1.3))
    bars.legend(fontsize=7, frameon=False, loc="upper center", ncols=2)
    for colour, marker, layer in zip(COLOURS, "osd", (1, 2, 3)):
        own = pick(rows, part="linear", layer=layer)
        linears.plot(column(own, "condition"), column(own, "weight_alignment"), marker, color=colour, ms=4,
                     label=f"W_{layer + 1} to its feedback")  # fmt: skip
    linears.set(xlabel="condition of A_l", ylabel="weight alignment (cosine)", title="deep linear net")
    linears.legend(fontsize=7, frameon=False)
    for axes, step in zip((early, late), settings["heat_steps"]):
        grid = [[column(pick(rows, part="heat", step=step, alpha=a, beta=b), "gradient_alignment").mean()
                 for b in settings["grid"]] for a in settings["grid"]]  # fmt: skip
        picture = axes.imshow(grid, origin="lower", vmin=0.8, vmax=1, cmap="cividis")
        for i, k in np.ndindex(len(grid), len(grid)):
            axes.text(k, i, f"{grid[i][k]:.2f}", ha="center", va="center", fontsize=7,
                      color="white" if grid[i][k] < 0.92 else "black")  # fmt: skip
        ticks = range(len(grid)), [f"{each:g}" for each in settings["grid"]]
        axes.set_xticks(*ticks)
        axes.set_yticks(*ticks)
        axes.grid(False)
        axes.set(xlabel="beta", ylabel="alpha", title=f"gradient alignment at t = {step * settings['heat_lr']:g}")
    figure.colorbar(picture, ax=[early, late])
    figure.suptitle(f"align-then-memorise: {settings['seeds']} and {settings['linear_seeds']} seeds", fontsize=9)
