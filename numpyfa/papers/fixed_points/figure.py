"""The figure: eight panels from the rows of all jobs."""

from typing import Any

import numpy as np

from ...lab.experiment import Settings
from ...lab.plots import COLOURS, STYLES, band
from ...lab.tables import Rows, column, over_seeds, pick


def draw(figure: Any, settings: Settings, rows: Rows) -> None:
    figure.set_size_inches(14, 6.6)
    one, two, three, four, five, rests, scales, six = figure.subplots(2, 4).reshape(-1)
    for colour, style, (name, label) in zip(
        COLOURS, STYLES, (("cosine_1", "layer 1"), ("cosine_2", "layer 2"), ("cosine", "both"))
    ):
        band(one, *over_seeds(pick(rows, part="scratch"), "epoch", name), colour, style, label, lw=1.3)
    one.set(xlabel="epoch", ylabel="cosine of update and gradient", title="E1 FA from the start", ylim=(-0.2, 1))

    for colour, style, (first, then) in zip(COLOURS, STYLES, settings["switches"]):
        own = pick(rows, part="switch", first=first, then=then)
        label = f"{first.upper()}, then {then.upper() if then != 'shallow' else 'output layer alone'}"
        band(two, *over_seeds(own, "epoch", "loss"), colour, style, label, lw=1.3)
    two.axvline(settings["epochs"] // 2, color="0.5", lw=0.8)
    two.set(xlabel="epoch", ylabel="training loss", yscale="log", title="E2 switch")

    for colour, found_by in zip(COLOURS, ("bp", "fa")):
        for style, learn, words in zip(STYLES, ("both", "hidden"), ("both layers", "hidden only")):
            for seed in range(settings["seeds"]):
                own = pick(rows, part="push", solution=found_by, learn=learn, seed=seed)
                three.plot(column(own, "step"), column(own, "loss"), color=colour, ls=style, lw=0.9,
                           label=f"{found_by.upper()} solution, {words}" if seed == 0 else None)  # fmt: skip
    three.set_xscale("symlog", linthresh=1)
    three.set(xlabel="steps of FA after the push", ylabel="|E|^2 / 2", yscale="log", title="E3 push")

    for colour, marker, found_by in zip(COLOURS, "ox", ("bp", "fa")):
        own = pick(rows, part="spectrum", solution=found_by, seed=0)
        four.plot(column(own, "real"), column(own, "imaginary"), marker, color=colour, ms=3, mfc="none",
                  label=f"{found_by.upper()} solution, cosine {own[0]['cosine']:.2f}")  # fmt: skip
    four.set_xscale("symlog", linthresh=0.1)
    four.axvline(0, color="0.5", lw=0.8)
    four.set(xlabel="real part", ylabel="imaginary part", title="E4 eigenvalues of K, seed 0")

    kinds = (("bp", "random", "BP solution, random B"), ("bp", "mixed", "BP solution, B mixed with W_2^T"),
             ("fa", "random", "FA solution, random B"), ("fa", "own", "FA solution, its own B"))  # fmt: skip
    for colour, marker, (found_by, kind, label) in zip(COLOURS, "o^xs", kinds):
        own = pick(rows, part="feedback", solution=found_by, kind=kind)
        five.plot(column(own, "cosine"), column(own, "least"), marker, color=colour, ms=3.5, mfc="none", label=label)
    five.set_yscale("symlog", linthresh=1e-3)
    five.axhline(0, color="0.5", lw=0.8)
    five.set(xlabel="cosine of update and gradient", ylabel="least real part of K", title="E4 for other B")

    for colour, hidden in zip(COLOURS, (settings["hidden"], settings["narrow"])):
        for style, name, words in zip(STYLES, ("update", "gradient"), ("FA's update", "gradient")):
            x, mean, deviation = over_seeds(pick(rows, part="rest", hidden=hidden, solution="fa"), "step", name)
            band(rests, x, mean, deviation, colour, style, f"{words}, {hidden} hidden units", lw=1.3)
    rests.set(xlabel="step of FA", ylabel="norm / at the start", xscale="log", yscale="log", title="at rest?")

    for number, (rule, sW, sB, lr) in enumerate(each for each in settings["scales"] if each[0] == "fa"):
        own = pick(rows, part="scale", rule=rule, sW=sW, sB=sB, lr=lr)
        marker, colour = "os^vDP*Xp"[number % 9], COLOURS[number % 7]
        scales.plot(column(own, "cosine"), column(own, "test_error"), marker, color=colour, ms=4,
                    label=f"sW {sW:g}, sB {sB:g}" + (f", step {lr:g}" if lr != 0.1 else ""))  # fmt: skip
    for style, rule in zip((":", "--"), ("bp", "shallow")):
        own = pick(rows, part="scale", rule=rule, sW=1)
        if own:
            scales.axhline(column(own, "test_error").mean(), color="0.3", lw=0.8, ls=style, label=rule)
    scales.set(xlabel="cosine of update and gradient", ylabel="test error (%)", title="E5 scales", yscale="log")
    scales.set_yticks([3, 5, 10, 20, 50], ["3", "5", "10", "20", "50"])
    scales.minorticks_off()

    for colour, style, rule in zip(COLOURS, STYLES, ("bp", "fa")):
        t, mean, deviation = over_seeds(pick(rows, part="walk", rule=rule), "step", "distance")
        band(six, t, mean, deviation, colour, style, rule.upper(), lw=1.3)
    six.plot(t, mean[-1] * np.sqrt(t / t[-1]), color="0.4", ls=":", label="random walk: sqrt of steps")
    six.set(xlabel="step", ylabel="|w - w at the start|", xscale="log", yscale="log", title="E6 walk")

    for axes in (one, two, three, four, rests, six):
        axes.legend(fontsize=6, frameon=False)
    five.legend(fontsize=6, frameon=False, loc="lower right")
    scales.legend(fontsize=5.5, frameon=False, loc="lower left", ncols=2)
    figure.suptitle(f"fixed-points: {settings['seeds']} seeds; reconstructions, not the paper's settings", fontsize=9)
