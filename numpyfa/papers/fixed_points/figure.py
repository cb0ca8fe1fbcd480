"""The figure: eight panels from the rows of all jobs, one function each."""

from typing import Any

import numpy as np

from ...lab.experiment import Settings
from ...lab.looks import COLOURS, LOOKS, MARKERS, STYLES
from ...lab.plots import at_edge, band, grid, logarithmic, plain_ticks, rule_band
from ...lab.tables import Rows, column, over_seeds, pick
from .verdict import by_net, in_words

FEEDBACKS = (("bp", "random", "BP's, random"), ("bp", "mixed", "BP's, mixed"), ("fa", "random", "FA's, random"),
             ("fa", "own", "FA's, its own"))  # fmt: skip


def draw(figure: Any, settings: Settings, rows: Rows) -> None:
    one, two, three, four, five, rests, scales, six = grid(figure, 8, 2, height=60)
    draw_scratch(one, pick(rows, part="scratch"))
    draw_switches(two, pick(rows, part="switch"), settings)
    draw_pushes(three, pick(rows, part="push"), settings["seeds"])
    draw_spectrum(four, pick(rows, part="spectrum", at="polished", seed=0))
    draw_feedbacks(five, pick(rows, part="feedback", at="polished"))
    draw_rests(rests, pick(rows, part="rest", solution="fa"), (settings["hidden"], settings["narrow"]))
    draw_scales(scales, by_net(pick(rows, part="scale")))
    draw_walk(six, pick(rows, part="walk"))
    figure.suptitle(f"fixed-points: {settings['seeds']} seeds; reconstructions, not the paper's settings")


def draw_scratch(axes: Any, rows: Rows) -> None:
    """E1"""
    names = {"cosine_1": "dense 1", "cosine_2": "dense 2", "cosine": "both"}
    for colour, style, (name, label) in zip(COLOURS, STYLES, names.items()):
        band(axes, *over_seeds(rows, "epoch", name), colour, style, label)
    axes.set(xlabel="epoch", ylabel="cosine of update and gradient", title="E1 FA from the start", ylim=(-0.2, 1))
    axes.legend(loc="lower right")


def draw_switches(axes: Any, rows: Rows, settings: Settings) -> None:
    """E2: each half of a line looks as the rule that trains there."""
    half, ends = settings["epochs"] // 2, []
    for first, then in settings["switches"]:
        x, mean, deviation = over_seeds(pick(rows, first=first, then=then), "epoch", "loss")
        for rule, part in ((first, slice(0, half + 1)), (then, slice(half, None))):
            rule_band(axes, x[part], mean[part], deviation[part], LOOKS[rule], None)
        ends.append((float(mean[-1]), f"{first}, then {then}", LOOKS[then].colour))
    axes.axvline(half, color="0.5", lw=0.8)
    logarithmic(axes)
    axes.set(xlabel="epoch", ylabel="training loss", title="E2 switch", xlim=(0, 2 * half))
    at_edge(axes, ends)


def draw_pushes(axes: Any, rows: Rows, seeds: int) -> None:
    """E3: a line a seed."""
    for found_by in ("bp", "fa"):
        for style, learn, words in (("-", "both", "both layers"), (":", "hidden", "hidden only")):
            for seed in range(seeds):
                own = pick(rows, solution=found_by, learn=learn, seed=seed)
                axes.plot(column(own, "step"), column(own, "loss"), color=LOOKS[found_by].colour, ls=style, lw=0.9,
                          label=f"{found_by.upper()}'s, {words}" if seed == 0 else None)  # fmt: skip
    logarithmic(axes)
    axes.set_xscale("symlog", linthresh=1)
    axes.set_xticks([0, 1, 10, 100, 1000, 10000])
    axes.set(xlabel="steps of FA after the push", ylabel="|E|$^2$ / 2", title="E3 push", xlim=(0, None))
    axes.set_ylim(None, 500 * axes.get_ylim()[1])  # room for the legend
    axes.legend(loc="upper center", title="solution, what learns", ncols=2, handlelength=2, columnspacing=1)


def draw_spectrum(axes: Any, rows: Rows) -> None:
    """E4, at seed 0, at the polished solutions"""
    for found_by, marker in (("bp", "o"), ("fa", "x")):
        own = pick(rows, solution=found_by)
        axes.plot(column(own, "real"), column(own, "imaginary"), marker, color=LOOKS[found_by].colour, ms=3, mfc="none",
                  mew=0.7, rasterized=True,
                  label=f"{found_by.upper()}'s")  # fmt: skip
    axes.set_xscale("symlog", linthresh=0.1, linscale=0.5)
    low, high = axes.get_xlim()
    plain_ticks(axes.xaxis, [tick for tick in (-100, -10, -1, 0, 1, 10, 100, 1000) if low < tick < high])
    axes.axvline(0, color="0.5", lw=0.8)
    axes.set(xlabel="real part", ylabel="imaginary part", title="E4 eigenvalues of S, seed 0")
    axes.legend(loc="upper left", bbox_to_anchor=(0.36, 1), handlelength=1)


def draw_feedbacks(axes: Any, rows: Rows) -> None:
    """E4, for many B, at the polished solutions"""
    for (found_by, kind, label), marker, colour in zip(FEEDBACKS, "o^xs", (*COLOURS[:2], *COLOURS[3:])):
        own = pick(rows, solution=found_by, kind=kind)
        axes.plot(column(own, "cosine"), column(own, "least"), marker, color=colour, mfc="none", mew=0.7, label=label)
    axes.set_yscale("symlog", linthresh=1e-3)
    low, high = axes.get_ylim()
    plain_ticks(axes.yaxis, [tick for tick in (-100, -10, -1, -0.1, -0.01, 0, 0.01) if low < tick < high])
    axes.axhline(0, color="0.5", lw=0.8)
    axes.set(
        xlabel="cosine of update and gradient",
        ylabel="least real part of S",
        title="E4 for other B (mixed: with W$_2^T$)",
    )
    axes.legend(loc="upper left", bbox_to_anchor=(0, 0.86), handlelength=1, title="solution, B", labelspacing=0.3)


def draw_rests(axes: Any, rows: Rows, widths: tuple[int, int]) -> None:
    """Whether FA comes to rest where the gradient is 0"""
    for colour, hidden in zip(COLOURS, widths):
        for style, name, words in zip(STYLES, ("update", "gradient"), ("FA's update", "gradient")):
            own = over_seeds(pick(rows, hidden=hidden), "step", name)
            band(axes, *own, colour, style, f"{hidden}: {words}")
    logarithmic(axes)
    axes.set(xlabel="step of FA", ylabel="norm / at the start", xscale="log", title="E4 at rest?")
    axes.legend(loc="lower left", title="hidden units")


def draw_scales(axes: Any, nets: Rows) -> None:
    """E5: a marker a net, full at its cosine while the error falls and hollow at the end; beside BP and shallow"""
    for number, net in enumerate(pick(nets, rule="fa")):
        colour, marker = COLOURS[number % len(COLOURS)], MARKERS[number % len(MARKERS)]
        error = net["test_error"]
        axes.plot([net["below"], net["cosine"]], [error, error], color=colour, lw=0.6)
        axes.plot(net["below"], error, marker, color=colour, label=in_words(net))
        axes.plot(net["cosine"], error, marker, color=colour, mfc="none")
    for number, net in enumerate(each for each in nets if each["rule"] != "fa" and each["sW"] == 1):
        look = LOOKS[net["rule"]]
        axes.axhline(net["test_error"], color=look.colour, ls=STYLES[number % len(STYLES)], lw=0.8, label=in_words(net))
    axes.set(
        xlabel="cosine: error falling (full), end (hollow)", ylabel="test error (%)", title="E5 scales", yscale="log"
    )
    plain_ticks(axes.yaxis, [10, 15, 20, 30, 40])
    axes.legend(
        loc="upper right",
        bbox_to_anchor=(1.03, -0.23),
        ncols=2,
        handlelength=1.5,
        columnspacing=1,
    )


def draw_walk(axes: Any, rows: Rows) -> None:
    """E6"""
    for rule in ("bp", "fa"):
        t, mean, deviation = over_seeds(pick(rows, rule=rule), "step", "distance")
        rule_band(axes, t, mean, deviation, LOOKS[rule], rule)
    axes.plot(t, mean[-1] * np.sqrt(t / t[-1]), color="0.4", ls=":", label="a random walk")
    logarithmic(axes)
    axes.set(xlabel="step", ylabel="|w - w at the start|", xscale="log", title="E6 walk")
    axes.legend(loc="lower right")
