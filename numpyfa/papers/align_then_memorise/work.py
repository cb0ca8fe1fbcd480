"""The jobs: what each part computes. What they are for is said in the package."""

from collections.abc import Callable
from typing import Any

import numpy as np

from ...lab.experiment import Job, Row, Settings
from ...lab.tables import cosine
from ...theory import Overlaps, generalisation_error, integrate
from ...theory import deep_linear as deep

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


def jobs(settings: Settings) -> list[Job]:
    shallow = [("shallow", K, seed) for K in settings["students"] for seed in range(settings["seeds"])]
    return [*shallow, ("identity",), *(("linear", shared) for shared in settings["shared"]), ("heat",)]


def work(settings: Settings, part: str, *which: Any) -> list[Row]:
    return PARTS[part](settings, *which)


def shallow(settings: Settings, K: int, seed: int) -> list[Row]:
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


def teacher(rng: np.random.Generator, shared: float, outputs: int = 5, inputs: int = 20) -> np.ndarray:
    """Rows that are (1 - shared) of their own and `shared` of one for all, in units of 1 / sqrt(inputs)."""
    own, common = rng.standard_normal((outputs, inputs)), rng.standard_normal(inputs)
    return ((1 - shared) * own + shared * common) / np.sqrt(inputs)


def identity(settings: Settings) -> list[Row]:
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


def linear(settings: Settings, shared: float) -> list[Row]:
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


def heat(settings: Settings) -> list[Row]:
    """Alignment over alpha and beta, all nets side by side: (seeds, alpha, beta)."""
    seeds, grid, P = range(settings["linear_seeds"]), np.array(settings["grid"]), 1000
    alpha, beta = np.meshgrid(grid, grid, indexing="ij")
    off = alpha * (1 - beta)
    root = np.linalg.cholesky(np.stack([np.stack([0 * alpha + 1, off], -1), np.stack([off, alpha**2], -1)], -2))
    inputs, targets, feedback = [], [], []
    for seed in seeds:
        rng = np.random.default_rng([seed, 2])
        inputs.append(np.broadcast_to(rng.standard_normal((9, P)), (*alpha.shape, 9, P)))
        targets.append(root @ rng.standard_normal((2, P)))
        feedback.append([f.T @ f for f in deep.draw_feedback(rng, [100, 100], 2, "uniform")])
    x, y = np.stack(inputs), np.stack(targets)
    G = [np.stack(each)[:, None, None] for each in zip(*feedback)]
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


PARTS: dict[str, Callable[..., list[Row]]] = {"shallow": shallow, "identity": identity, "linear": linear, "heat": heat}
