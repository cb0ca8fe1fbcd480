"""Align, then memorise: the two phases, which solution each rule picks, and what spoils alignment in deep linear nets.

The settings of the paper's figures were not at hand; these are ours, in its model:

    shallow   the differential equations for K students, M = 2 teachers, A = 1, lr 0.2, w of 0.5 N(0, 1) and N = 500 to
              begin with, v of 0.1 N(0, 1), F of N(0, 1), to t = 2000; a start for each of `seeds`
    linear    20-400-400-400-5 under direct feedback from zero weights, F of N(0, 1/400), a linear teacher whose rows
              are a mixture of their own and one that they share: the more they share, the worse the A_l are conditioned
    heat map  the authors' alpha-beta targets: 1000 examples of 9 inputs, two targets of covariance [[1, alpha (1 -
              beta)], [alpha (1 - beta), alpha^2]] that do not depend on the inputs, linear 9-100-100-2, feedback U(-1,
              1) / 10, gradients over all examples. Theirs were batches of 32; the equations of the A_l are exact for
              either.
"""

import numpy as np

from ..theory import Overlaps, generalisation_error, integrate
from ..theory import deep_linear as deep
from .figures import COLOURS, STYLES
from .student_teacher import cosine
from .study import Study, column, pick

SETTINGS = {
    "students": [2, 4],
    "teachers": 2,
    "N": 500,
    "w": 0.5,
    "v": 0.1,
    "t": 2000,
    "lr": 0.2,
    "shared": [0.0, 0.2, 0.4, 0.6, 0.8, 0.9],
    "width": 400,
    "linear_lr": 0.01,
    "linear_steps": 3000,
    "identity_steps": 2000,
    "linear_seeds": 5,
    "grid": [0.2, 0.4, 0.6, 0.8, 1.0],
    "heat_lr": 0.1,
    "heat_steps": [300, 10000],
    "seeds": 20,
}


def jobs(settings):
    shallow = [("shallow", K, seed) for K in settings["students"] for seed in range(settings["seeds"])]
    return [*shallow, ("identity",), *(("linear", shared) for shared in settings["shared"]), ("heat",)]


def work(settings, part, *which):
    return {"shallow": shallow, "identity": identity, "linear": linear, "heat": heat}[part](settings, *which)


def shallow(settings, K, seed):
    """BP and FA from one start: error and cos(v, F) over time, and whose signs v ends with."""
    rng, M = np.random.default_rng([seed, K]), settings["teachers"]
    N = settings["N"]
    w, B = settings["w"] * rng.standard_normal((K, N)), rng.standard_normal((M, N))
    v, F = settings["v"] * rng.standard_normal(K), rng.standard_normal(K)
    times, rows = [0.0, *np.geomspace(0.1, settings["t"], 50)], []
    for rule, feedback in (("bp", None), ("fa", F)):
        begin = Overlaps(w @ w.T / N, w @ B.T / N, B @ B.T / N, v, np.ones(M), feedback)
        for t, now in zip(times, integrate(begin, times, settings["lr"])):
            row = {"part": "shallow", "rule": rule, "K": K, "seed": seed, "t": float(t)}
            row |= {"error": generalisation_error(now), "cosine": cosine(now.v, F)}
            row |= {"signs_of_F": int((now.v * F > 0).sum()), "signs_of_v0": int((now.v * v > 0).sum())}
            rows.append(row)
    return rows


def teacher(rng, shared, outputs=5, inputs=20):
    """Rows that are (1 - shared) of their own and `shared` of one for all, in units of 1 / sqrt(inputs)."""
    own, common = rng.standard_normal((outputs, inputs)), rng.standard_normal(inputs)
    return ((1 - shared) * own + shared * common) / np.sqrt(inputs)


def identity(settings):
    """The net itself and the A_l by their own recursion, on the same batches: the largest difference of each W_l."""
    rng = np.random.default_rng(0)
    F, M = deep.draw_feedback(rng, [100] * 3, 5), teacher(rng, 0.5)
    W, A, G, rows = deep.zero_weights(F, 20), deep.zero_alignment(20, 5, 4), [f.T @ f for f in F], []
    for step in range(1, settings["identity_steps"] + 1):
        x = rng.standard_normal((20, 32))
        deep.learn_weights(W, F, x, M @ x, settings["linear_lr"])
        deep.learn_alignment(A, G, x @ x.T / 32, M @ x @ x.T / 32, settings["linear_lr"])
        if step % 100 == 0:
            for layer, (a, b) in enumerate(zip(W, deep.compose(F, A)), start=1):
                difference = float(np.abs(a - b).max() / np.abs(a).max())
                rows.append({"part": "identity", "step": step, "layer": layer, "difference": difference})
    return rows


def linear(settings, shared):
    """Alignment of weights and of gradients after batches of 32, beside the condition of A_2, ..., A_L."""
    rows = []
    for seed in range(settings["linear_seeds"]):
        rng = np.random.default_rng([seed, 1])
        F, M = deep.draw_feedback(rng, [settings["width"]] * 3, 5), teacher(rng, shared)
        A, G = deep.zero_alignment(20, 5, 4), [f.T @ f for f in F]
        for _ in range(settings["linear_steps"]):
            x = rng.standard_normal((20, 32))
            deep.learn_alignment(A, G, x @ x.T / 32, M @ x @ x.T / 32, settings["linear_lr"])
        e = deep.output(A, G, x) - M @ x
        condition = [float(np.linalg.cond(a)) for a in A[1:]]
        for place, (wa, ga) in enumerate(zip(deep.weight_alignment(A, G), deep.gradient_alignment(A, G, e))):
            rows.append({"part": "linear", "shared": shared, "seed": seed, "layer": place + 1,
                         "condition": condition[place], "weight_alignment": float(wa),
                         "gradient_alignment": float(ga)})  # fmt: skip
    return rows


def heat(settings):
    """Alignment over alpha and beta, all nets side by side: (seeds, alpha, beta)."""
    seeds, grid, P = range(settings["linear_seeds"]), np.array(settings["grid"]), 1000
    alpha, beta = np.meshgrid(grid, grid, indexing="ij")
    off = alpha * (1 - beta)
    root = np.linalg.cholesky(np.stack([np.stack([0 * alpha + 1, off], -1), np.stack([off, alpha**2], -1)], -2))
    x, y, G = [], [], []
    for seed in seeds:
        rng = np.random.default_rng([seed, 2])
        x.append(np.broadcast_to(rng.standard_normal((9, P)), (*alpha.shape, 9, P)))
        y.append(root @ rng.standard_normal((2, P)))
        G.append([f.T @ f for f in deep.draw_feedback(rng, [100, 100], 2, "uniform")])
    x, y, G = np.stack(x), np.stack(y), [np.stack(each)[:, None, None] for each in zip(*G)]
    moments = x @ x.swapaxes(-1, -2) / P, y @ x.swapaxes(-1, -2) / P
    A, rows = deep.zero_alignment(9, 2, 3, y.shape[:3]), []
    for step in range(1, max(settings["heat_steps"]) + 1):
        deep.learn_alignment(A, G, *moments, settings["heat_lr"])
        if step in settings["heat_steps"]:
            wa = np.mean(deep.weight_alignment(A, G), axis=0)
            ga = np.mean(deep.gradient_alignment(A, G, deep.output(A, G, x) - y), axis=0)
            for seed, i, k in np.ndindex(wa.shape):
                row = {"part": "heat", "step": step, "alpha": float(grid[i]), "beta": float(grid[k]), "seed": seed}
                row |= {"weight_alignment": float(wa[seed, i, k]), "gradient_alignment": float(ga[seed, i, k])}
                rows.append(row)
    return rows


def draw(figure, settings, rows):
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
        for shift, name, colour, hatch in ((-0.2, "signs_of_F", 1, ""), (0.2, "signs_of_v0", 0, "//")):
            label = {"signs_of_F": "sign of F", "signs_of_v0": "sign of v at the start"}[name] if place == 0 else None
            bars.bar(place + shift, row[name] / row["units"], 0.38, color=COLOURS[colour], hatch=hatch, label=label)
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


def sign_counts(settings, rows):
    """By rule and K: of all units of v at the end, how many have the sign of F, and of v at the start."""
    counts = []
    for K in settings["students"]:
        for rule in ("bp", "fa"):
            last = [row for row in pick(rows, part="shallow", rule=rule, K=K) if row["t"] == settings["t"]]
            total = {name: int(column(last, name).sum()) for name in ("signs_of_F", "signs_of_v0")}
            counts.append({"rule": rule, "K": K, "units": K * len(last)} | total)
    return counts


def conclude(settings, rows):
    table = []

    def say(what, found, expected):
        table.append({"what": what, "found": found, "expected": expected})

    for row in sign_counts(settings, rows):
        expected = "FA takes the signs of F" if row["rule"] == "fa" else "BP keeps its own signs"
        found = f"sign of F {row['signs_of_F']}, of v at 0 {row['signs_of_v0']}, of {row['units']} units"
        say(f"{row['rule']}, K = {row['K']}", found, expected)
    for K in settings["students"]:
        starts = [pick(rows, part="shallow", rule="fa", K=K, seed=seed) for seed in range(settings["seeds"])]
        aligned, memorised = (
            [next((row["t"] for row in own if reached(row)), np.inf) for own in starts]
            for reached in (lambda row: row["cosine"] > 0.9, lambda row: row["error"] < 0.01)
        )
        both = [(a, b) for a, b in zip(aligned, memorised) if b < np.inf]
        found = f"in {sum(a < b for a, b in both)} of {len(both)} runs that get there; {len(starts) - len(both)} do not"
        say(f"fa, K = {K}: cos(v, F) > 0.9 before the error < 0.01", found, "align, then memorise")
        say(f"fa, K = {K}: times of the two, medians", f"{np.median(aligned):.3g}, {np.median(memorised):.3g}", "")
        falls = sum(column(own, "cosine").max() > own[-1]["cosine"] + 0.01 for own in starts)
        say(f"fa, K = {K}: cos(v, F) ends below its highest", f"in {falls} of {len(starts)} runs", "it may")
    worst = column(pick(rows, part="identity"), "difference").max()
    say("W_l = F_l A_l F_{l-1}^T: largest relative difference", f"{worst:.1e}", "rounding")
    for shared in (min(settings["shared"]), max(settings["shared"])):
        own = pick(rows, part="linear", shared=shared)
        numbers = [column(own, name).mean() for name in ("condition", "weight_alignment", "gradient_alignment")]
        say(f"rows that share {shared:g}: condition, weight, gradient", ", ".join(f"{n:.3g}" for n in numbers),
            "worse condition, less alignment")  # fmt: skip
    low, high = min(settings["grid"]), max(settings["grid"])
    for step in settings["heat_steps"]:
        corners = []
        for a, b in ((high, high), (high, low), (low, high), (low, low)):
            own = pick(rows, part="heat", step=step, alpha=a, beta=b)
            pair = [column(own, what).mean() for what in ("weight_alignment", "gradient_alignment")]
            corners.append(f"({a:g}, {b:g}) {pair[0]:.2f}, {pair[1]:.2f}")
        words = f"(alpha, beta) weight, gradient alignment at t = {step * settings['heat_lr']:g}"
        say(words, "; ".join(corners), "highest at (1, 1)")
    return table


STUDY = Study(
    name="align-then-memorise",
    settings=SETTINGS,
    quick={"linear_seeds": 2, "seeds": 8, "shared": [0.0, 0.4, 0.8], "heat_steps": [300, 3000]},
    jobs=jobs,
    work=work,
    draw=draw,
    conclude=conclude,
    source="Refinetti, d'Ascoli, Ohana & Goldt 2021 (arXiv 2011.12428)",
    question="does feedback alignment first align and then memorise, and what decides how far?",
)
