"""The figure: six panels from the rows of all jobs, one function each."""

from typing import Any

import numpy as np

from ...lab.experiment import Settings
from ...lab.looks import COLOURS, LOOKS
from ...lab.plots import grid, logarithmic, plain_ticks
from ...lab.tables import Rows, column, pick
from .verdict import sign_counts

HATCHES = {"signs_of_F": ("", "sign of F"), "signs_of_v0": ("////", "sign of v at the start")}


def draw(figure: Any, settings: Settings, rows: Rows) -> None:
    errors, cosines, signs, linears, early, late = grid(figure, 6, 3, height=56)
    K = settings["students"][0]
    shallow = pick(rows, part="shallow", K=K)
    draw_course(errors, shallow, "error", settings)
    logarithmic(errors)
    errors.set(ylabel="generalisation error", title=f"K = {K}, M = {settings['teachers']}")
    errors.legend(loc="lower left")
    draw_course(cosines, shallow, "cosine", settings)
    cosines.set(ylabel="cosine of v and F", title="align, then memorise")
    draw_signs(signs, sign_counts(settings, rows))
    draw_linears(linears, pick(rows, part="linear"))
    heat = pick(rows, part="heat")
    for axes, step in zip((early, late), settings["heat_steps"]):
        picture = draw_heat(axes, pick(heat, step=step), settings["grid"])
        axes.set(title=f"gradient alignment at t = {step * settings['heat_lr']:g}")
    figure.colorbar(picture, ax=[early, late], shrink=0.8)
    figure.suptitle(f"align-then-memorise: {settings['seeds']} and {settings['linear_seeds']} seeds")


def draw_course(axes: Any, rows: Rows, name: str, settings: Settings) -> None:
    """Every start in thin lines, and the median."""
    for rule in ("bp", "fa"):
        look = LOOKS[rule]
        runs = [pick(rows, rule=rule, seed=seed) for seed in range(settings["seeds"])]
        for own in runs:
            axes.plot(column(own, "t"), column(own, name), color=look.colour, lw=0.3, alpha=0.4)
        median = np.median([column(own, name) for own in runs], axis=0)
        axes.plot(column(runs[0], "t"), median, label=f"{rule}, median", **look.line() | {"lw": 2})
    axes.set_xscale("symlog", linthresh=0.1, linscale=0.5)
    plain_ticks(axes.xaxis, [0, *(10.0**power for power in range(-1, 7) if 10.0**power <= settings["t"])])
    axes.set(xlabel="t = steps / N", xlim=(0, settings["t"]))


def draw_signs(axes: Any, counts: Rows) -> None:
    """How often v ends with the signs of F, and how often with those it began with."""
    for place, row in enumerate(counts):
        colour = LOOKS[row["rule"]].colour
        for shift, (name, (hatch, _)) in zip((-0.2, 0.2), HATCHES.items()):
            axes.bar(place + shift, row[name] / row["units"], 0.38, color="white" if hatch else colour,
                     edgecolor=colour, lw=0.8, hatch=hatch)  # fmt: skip
    for hatch, label in HATCHES.values():
        axes.bar(0, 0, color="white" if hatch else "0.4", edgecolor="0.4", hatch=hatch, label=label)
    axes.set_xticks(range(len(counts)), [f"{row['rule']}\nK = {row['K']}" for row in counts])
    axes.set(ylabel="share of v's units", title="which of the equivalent solutions", ylim=(0, 1.45))
    axes.set_yticks([0, 0.5, 1])
    axes.legend(loc="upper left")


def draw_linears(axes: Any, rows: Rows) -> None:
    for colour, marker, layer in zip(COLOURS, "osd", (1, 2, 3)):
        own = pick(rows, layer=layer)
        axes.plot(column(own, "condition"), column(own, "weight_alignment"), marker, color=colour, mfc="none",
                  label=f"W$_{layer + 1}$")  # fmt: skip
    axes.set(xlabel="condition of A$_l$", ylabel="weight alignment (cosine)", title="deep linear net")
    axes.legend(loc="upper right", handlelength=1)


def draw_heat(axes: Any, rows: Rows, values: list[float]) -> Any:
    """The mean alignment for each alpha and beta, as a colour and a number."""
    grid = [[column(pick(rows, alpha=a, beta=b), "gradient_alignment").mean() for b in values] for a in values]
    picture = axes.imshow(grid, origin="lower", vmin=0.8, vmax=1, cmap="cividis")
    for i, k in np.ndindex(len(grid), len(grid)):
        axes.text(k, i, f"{grid[i][k]:.2f}", ha="center", va="center", fontsize=7,
                  color="white" if grid[i][k] < 0.92 else "black")  # fmt: skip
    ticks = range(len(grid)), [f"{each:g}" for each in values]
    axes.set_xticks(*ticks)
    axes.set_yticks(*ticks)
    axes.grid(False)
    axes.set(xlabel="beta", ylabel="alpha")
    return picture
