"""The jobs: what each part computes. What they are for is said in the package."""

from collections.abc import Callable
from typing import Any

import numpy as np

from ...lab.experiment import Job, Row, Settings
from ...theory import linear_task as task

SETTINGS = {
    "learners": [["bp", 0.005], ["fa", 0.008], ["shallow", 0.005]],
    "examples": 2000,
    "scale": 0.01,
    "scales": [1e-4, 1e-3, 0.01, 0.05, 0.1, 0.125, 0.15, 0.2, 0.25],
    "scale_lr": 1e-3,
    "scale_examples": 20000,
    "flow_time": 4.0,
    "flow_steps": [0.02, 0.01, 0.005, 0.0025],
    "scalar_dt": 0.002,
    "scalar_steps": 20000,
    "probes": 200,
    "directions": 2000,
    "seeds": 10,
}
ANGLES = (("bp", "angle_bp"), ("pseudo", "angle_pseudo"))  # over the errors that are left, e = E x
ANY = (("bp", "any_bp"), ("pseudo", "any_pseudo"))  # over errors of all directions alike, e from N(0, I)


def jobs(settings: Settings) -> list[Job]:
    learn = [("learn", rule) for rule, _ in settings["learners"]]
    return [*learn, *(("scale", scale) for scale in settings["scales"]), ("flow",), ("scalar",)]


def work(settings: Settings, part: str, *which: Any) -> list[Row]:
    return PARTS[part](settings, *which)


def inputs(settings: Settings, steps: int) -> np.ndarray:
    """Examples for every seed, the same for every learner: (steps, seeds, 30)."""
    draws = [np.random.default_rng([seed, 1]).standard_normal((steps, 30)) for seed in range(settings["seeds"])]
    return np.stack(draws, axis=1)


def measure(settings: Settings, T: np.ndarray, A: np.ndarray, W: np.ndarray, B: np.ndarray, about: Row) -> list[Row]:
    """One row a seed: the error, how much of it is in one singular mode, and the angles between B e and what the others
    would say."""
    probes = np.random.default_rng(2).standard_normal((30, settings["probes"]))
    alike = np.random.default_rng(3).standard_normal((10, settings["directions"]))
    found = {"error": task.error(T, A, W), "first_mode": task.in_first_mode(T, A, W)}
    found |= {name: task.signal_angle(T, A, W, B, to, probes) for to, name in ANGLES}
    found |= {name: task.angle_to(W, B, to, alike) for to, name in ANY}
    return [about | {"seed": seed} | {k: float(v[seed]) for k, v in found.items()} for seed in range(len(T))]


def learn(settings: Settings, rule: str) -> list[Row]:
    """Error and angles over the examples."""
    T, A, W, B = task.start(range(settings["seeds"]), settings["scale"])
    steps = settings["examples"]
    marks = sorted({0, steps, *np.geomspace(10, steps, 30).astype(int).tolist()})
    kept = task.learn(T, A, W, B, rule, dict(settings["learners"])[rule], inputs(settings, steps), marks)
    return [
        row
        for mark in marks
        for row in measure(settings, T, *kept[mark], B, {"part": "learn", "rule": rule, "step": mark})
    ]


def over_scale(settings: Settings, scale: float) -> list[Row]:
    """FA's error and angles at the end, by the scale of the first weights."""
    T, A, W, B = task.start(range(settings["seeds"]), scale)
    last = settings["scale_examples"]
    A, W = task.learn(T, A, W, B, "fa", settings["scale_lr"], inputs(settings, last), [last])[last]
    return measure(settings, T, A, W, B, {"part": "scale", "scale": scale})


def flow(settings: Settings) -> list[Row]:
    """How far the invariant drifts in Euler steps of dt, and Lyapunov's function from zero weights."""
    seeds, rows = range(settings["seeds"]), []
    T, A, W, B = task.start(seeds, settings["scale"])
    for dt in settings["flow_steps"]:
        last = round(settings["flow_time"] / dt)
        now = task.flow(T, A, W, B, "fa", dt, [last])[last]
        drift = np.abs(task.invariant(*now, B) - task.invariant(A, W, B)).max(axis=(1, 2))
        rows += [{"part": "drift", "dt": dt, "seed": seed, "drift": float(drift[seed])} for seed in seeds]
    smallest = min(settings["flow_steps"])
    last = round(settings["flow_time"] / smallest)
    for mark, now in task.flow(T, 0 * A, 0 * W, B, "fa", smallest, range(0, last + 1, last // 100)).items():
        V = task.lyapunov(T, *now, B)
        rows += [{"part": "lyapunov", "t": mark * smallest, "seed": seed, "V": float(V[seed])} for seed in seeds]
    return rows


def scalar(settings: Settings) -> list[Row]:
    """Where the 1-1-1 net with T = B = 1 comes to rest from a grid of starts, and where the invariant says it must.

    c = 2 W - A^2 is conserved, so dA/dt = 1 - W A = -(A^3 + c A - 2) / 2: A goes to the next root, away from the middle
    one if there are three. At c = -3 two of them meet, and it gets there ever more slowly.
    """
    starts = [(float(a), float(w)) for a in np.linspace(-3, 3, 13) for w in np.linspace(-3, 3, 13)]
    A, W = np.array(starts).T[:, :, None, None]
    last = settings["scalar_steps"]
    ends = task.flow(np.ones_like(A), A, W, np.ones_like(A), "fa", settings["scalar_dt"], [last])[last]
    rows = []
    for (a, w), end_a, end_w in zip(starts, *(each.reshape(-1).tolist() for each in ends)):
        roots = np.roots([1, 0, 2 * w - a * a, -2])
        real = np.sort(roots.real[np.abs(roots.imag) < 1e-5]).tolist()
        due = real[-1] if len(real) < 3 or a > real[1] + 1e-9 else real[1] if a > real[1] - 1e-9 else real[0]
        rows.append({"part": "scalar", "A": a, "W": w, "A_end": end_a, "W_end": end_w, "A_due": due})
    return rows


PARTS: dict[str, Callable[..., list[Row]]] = {"learn": learn, "scale": over_scale, "flow": flow, "scalar": scalar}
