"""Feedback that learns, against its closed forms: Kolen and Pollack's gap, and the angle of product feedback.

Both on 784-200-80-10, tanh, softmax, the first 2000 MNIST images, batch 20, float64; seeds, steps and decays are ours.

    kolen-pollack   B - W^T under SGD without and with decay, and under Adam with the decay beside the step (decoupled)
                    and through it (coupled). With the same step for each entry and its counterpart it shrinks by 1 -
                    lr decay a step; a decay through Adam breaks the law.
    pfa-angle       the path B R to W^T for k = 1..100 neurons a unit and for orthogonal B, under SGD with decay. The
                    path is known exactly at every step; its angle tends to arctan(1 / sqrt k).
"""

import numpy as np

from .. import data
from ..backend import Streams
from ..learn import evaluate, train_step
from ..losses import SoftmaxCrossEntropy
from ..models import mlp
from ..optim import optimizer
from ..rules import KP, PFA
from ..theory import learned_feedback as theory
from .figures import COLOURS, STYLES
from .study import Study, column, over_seeds, pick

CASES = {
    "SGD, no decay": ("sgd", 0.1, 0.0, False),
    "SGD, decay 0.01": ("sgd", 0.1, 0.01, False),
    "SGD, decay 0.03": ("sgd", 0.1, 0.03, False),
    "Adam, decoupled decay 3": ("adam", 0.001, 3.0, True),
    "Adam, coupled decay 0.03": ("adam", 0.001, 0.03, False),
}
KP_SETTINGS = {"seeds": 3, "examples": 2000, "epochs": 30, "cases": {name: list(case) for name, case in CASES.items()}}
PFA_SETTINGS = {"seeds": 3, "examples": 2000, "epochs": 40, "lr": 0.1, "decay": 0.03,
                "expansions": [1, 2, 5, 10, 20, 50, 100]}  # fmt: skip


def train(settings, seed, make_rule, sgd, look):
    """Train, and return look(net, rule, step) after every epoch, from the untrained net on."""
    net = mlp("784-200-80-10", seed=seed, dtype="float64")
    rule, loss, streams = make_rule(net), SoftmaxCrossEntropy(), Streams(seed)
    images = data.load("mnist").part(settings["examples"], 1000)
    x, target = net.to_float(net.as_input(images.x_train)), np.eye(10)[images.y_train]
    found = [look(net, rule, 0)]
    for epoch in range(1, settings["epochs"] + 1):
        for batch in np.split(streams("order", epoch).permutation(len(x)), range(20, len(x), 20)):
            train_step(net, rule, loss, sgd, x[batch], target[batch])
        found.append(look(net, rule, sgd.step))
    error = evaluate(net, loss, net.as_input(images.x_test), images.y_test.astype(int))[1]
    return [row | {"test_error": error} for rows in found for row in rows]


def kolen_pollack(settings, case, seed):
    name, lr, decay, decoupled = settings["cases"][case]
    shrink, start = 1 - lr * decay, {}

    def look(net, rule, step):
        rows = []
        for layer in net.layers[1:]:
            W, B = layer.W.T, rule.feedback[layer.number]["B"]
            W0, B0 = start.setdefault(layer.number, (W.copy(), B.copy()))
            due = theory.kolen_pollack(W0, B0, W, shrink, step)
            row = {"case": case, "seed": seed, "layer": layer.number, "step": step, "angle": theory.angle(W, B)}
            row["gap"] = float(np.linalg.norm(B - W) / np.linalg.norm(B0 - W0))
            row |= {"gap_due": shrink**step, "apart": float(np.abs(B - due).max() / np.abs(B).max())}
            rows.append(row)
        return rows

    return train(settings, seed, lambda net: KP(net, seed=seed),
                 optimizer(name, lr, decay=decay, decoupled=decoupled), look)  # fmt: skip


def pfa_angle(settings, expansion, seed):
    shrink, start = 1 - settings["lr"] * settings["decay"], {}
    orthogonal = expansion == "orthogonal"

    def look(net, rule, step):
        rows = []
        for layer in net.layers[1:]:
            own = rule.feedback[layer.number]
            W, P, G = layer.W.T, own["P"], own["G"]
            W0, P0 = start.setdefault(layer.number, (W.copy(), P.copy()))
            due = theory.product_path(W0, P0, W, G, shrink, step)
            row = {"k": expansion, "seed": seed, "layer": layer.number, "step": step, "angle": theory.angle(W, P)}
            row |= {
                "angle_due": 0.0 if orthogonal else theory.path_angle(expansion),
                "angle_of_G": theory.path_angle_of(G),
            }
            rows.append(row | {"apart": float(np.abs(P - due).max() / np.abs(P).max())})
        return rows

    def rule(net):
        return PFA(net, seed=seed, expansion=1 if orthogonal else expansion, orthogonal=orthogonal)

    return train(settings, seed, rule, optimizer("sgd", settings["lr"], decay=settings["decay"]), look)


def draw_gap(figure, settings, rows):
    figure.set_size_inches(10, 3.8)
    gaps, angles = figure.subplots(1, 2)
    for colour, style, case in zip(COLOURS, [*STYLES, (0, (5, 1))], settings["cases"]):
        own = pick(rows, case=case, layer=2)
        for axes, name, label in ((gaps, "gap", case), (angles, "angle", case)):
            x, mean, spread = over_seeds(own, "step", name)
            axes.plot(x, mean, color=colour, ls=style, label=label)
            axes.fill_between(x, mean - spread, mean + spread, color=colour, alpha=0.15, lw=0)
        x, due, _ = over_seeds(own, "step", "gap_due")
        gaps.plot(x[::3], due[::3], "o", color=colour, ms=3, mfc="none")
    gaps.set(
        xlabel="step",
        ylabel="|B - W^T| / at the start",
        yscale="log",
        title="layer 2, circles: (1 - lr decay)^t; two coincide",
    )
    angles.set(xlabel="step", ylabel="angle of B to W^T (degrees)", ylim=(0, 95))
    gaps.legend(fontsize=7, frameon=False)
    figure.suptitle(f"kolen-pollack: {settings['seeds']} seeds", fontsize=9)


def both(rows, name, digits):
    """The means over seeds, for layers 2 and 3."""
    return ", ".join(f"{column(pick(rows, layer=layer), name).mean():{digits}}" for layer in (2, 3))


def conclude_gap(settings, rows):
    table = []
    for case in settings["cases"]:
        own = pick(rows, case=case)
        last = pick(own, step=max(row["step"] for row in own))
        table.append({
            "case": case,
            "gap, layers 2 and 3": both(last, "gap", ".2g"),
            "due": last[0]["gap_due"],
            "B from the law, worst": column(own, "apart").max().item(),
            "angles (deg)": both(last, "angle", ".1f"),
            "test error %": column(last, "test_error").mean().item(),
        })  # fmt: skip
    return table


def draw_path(figure, settings, rows):
    figure.set_size_inches(10, 3.8)
    ends, course = figure.subplots(1, 2)
    last, k = pick(rows, step=max(row["step"] for row in rows)), np.geomspace(1, max(settings["expansions"]), 100)
    ends.plot(k, [theory.path_angle(each) for each in k], color="0.3", label="arctan(1 / sqrt k)")
    for colour, marker, layer in zip(COLOURS, "os", (2, 3)):
        own = [row for row in last if row["layer"] == layer and row["k"] != "orthogonal"]
        x, mean, spread = over_seeds(own, "k", "angle")
        ends.errorbar(x, mean, spread, color=colour, marker=marker, ms=4, ls="", label=f"layer {layer}")
        x, mean, _ = over_seeds(own, "k", "angle_of_G")
        ends.plot(x, mean, color=colour, ls=":", lw=1, label=f"layer {layer}: from its own B")
    ends.set(xlabel="k", ylabel="angle of B R to W^T (degrees)", xscale="log", ylim=(0, 60), title="at the end")
    ends.legend(fontsize=7, frameon=False)
    for colour, style, expansion in zip(COLOURS, STYLES, [1, 10, 100, "orthogonal"]):
        x, mean, spread = over_seeds(pick(rows, k=expansion, layer=2), "step", "angle")
        course.plot(
            x, mean, color=colour, ls=style, label=f"k = {expansion}" if expansion != "orthogonal" else expansion
        )
        course.fill_between(x, mean - spread, mean + spread, color=colour, alpha=0.15, lw=0)
    course.set(xlabel="step", ylabel="angle of B R to W^T (degrees)", ylim=(0, 95), title="layer 2")
    course.legend(fontsize=7, frameon=False)
    figure.suptitle(
        f"pfa-angle: {settings['seeds']} seeds, step {settings['lr']:g}, decay {settings['decay']:g}", fontsize=9
    )


def conclude_path(settings, rows):
    table = []
    for expansion in [*settings["expansions"], "orthogonal"]:
        own = pick(rows, k=expansion)
        last = pick(own, step=max(row["step"] for row in own))
        table.append({
            "k": expansion,
            "angles, layers 2 and 3 (deg)": both(last, "angle", ".1f"),
            "arctan(1/sqrt k)": round(last[0]["angle_due"], 2),
            "from their own B": both(last, "angle_of_G", ".1f"),
            "path from the law, worst": column(own, "apart").max().item(),
            "test error %": column(last, "test_error").mean().item(),
        })  # fmt: skip
    return table


GAP = Study(
    name="kolen-pollack",
    settings=KP_SETTINGS,
    quick={"seeds": 1, "epochs": 10},
    jobs=lambda settings: [(case, seed) for seed in range(settings["seeds"]) for case in settings["cases"]],
    work=kolen_pollack,
    draw=draw_gap,
    conclude=conclude_gap,
    source="Kolen & Pollack 1994; Akrout et al. 2019",
    question="does B come to W^T as the law says, and what breaks it?",
)
PATH = Study(
    name="pfa-angle",
    settings=PFA_SETTINGS,
    quick={"seeds": 1, "epochs": 20, "expansions": [1, 10, 100]},
    jobs=lambda settings: [
        (k, seed) for seed in range(settings["seeds"]) for k in [*settings["expansions"], "orthogonal"]
    ],
    work=pfa_angle,
    draw=draw_path,
    conclude=conclude_path,
    source="Li & Benna 2024 (arXiv 2405.20594)",
    question="how close does the path of product feedback come to W^T?",
)
