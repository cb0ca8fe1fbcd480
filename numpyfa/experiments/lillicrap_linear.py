"""Lillicrap's linear task, 30-20-10: learning, angles, scale of the start, and what the proofs say of the flow.

The paper fixes the sizes, T from U(-1, 1), the first weights from U(-0.01, 0.01), B from U(-0.5, 0.5), one example a
step, and 2000 examples in its first figure, 20,000 at a step of 0.001 in the one over scales. Its steps for the first
figure are not printed: those here (bp 0.005, fa 0.008) bring both to about 1e-11 at 2000 examples, as its figure
shows. Angles are signed here, and means over 200 inputs.
"""

import numpy as np

from ..theory import linear_task as task
from .figures import COLOURS, STYLES
from .study import Study, column, over_seeds, pick

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
    "seeds": 10,
}
ANGLES = (("bp", "angle_bp"), ("pseudo", "angle_pseudo"))


def jobs(settings):
    learn = [("learn", rule) for rule, _ in settings["learners"]]
    return [*learn, *(("scale", scale) for scale in settings["scales"]), ("flow",), ("scalar",)]


def work(settings, part, *which):
    return {"learn": learn, "scale": over_scale, "flow": flow, "scalar": scalar}[part](settings, *which)


def inputs(settings, steps):
    """Examples for every seed, the same for every learner: (steps, seeds, 30)."""
    draws = [np.random.default_rng([seed, 1]).standard_normal((steps, 30)) for seed in range(settings["seeds"])]
    return np.stack(draws, axis=1)


def measure(settings, T, A, W, B, about):
    """One row a seed: the error, and the angles between B e and what the others would say."""
    probes = np.random.default_rng(2).standard_normal((30, settings["probes"]))
    error, angles = task.error(T, A, W), {name: task.signal_angle(T, A, W, B, to, probes) for to, name in ANGLES}
    return [
        about | {"seed": seed, "error": float(error[seed])} | {k: float(v[seed]) for k, v in angles.items()}
        for seed in range(len(T))
    ]


def learn(settings, rule):
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


def over_scale(settings, scale):
    """FA's error and angles at the end, by the scale of the first weights."""
    T, A, W, B = task.start(range(settings["seeds"]), scale)
    last = settings["scale_examples"]
    A, W = task.learn(T, A, W, B, "fa", settings["scale_lr"], inputs(settings, last), [last])[last]
    return measure(settings, T, A, W, B, {"part": "scale", "scale": scale})


def flow(settings):
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


def scalar(settings):
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


def draw(figure, settings, rows):
    figure.set_size_inches(11, 6)
    errors, angles, scales, drifts, lyapunov, field = figure.subplots(2, 3).reshape(-1)
    for colour, style, (rule, lr) in zip(COLOURS, STYLES, settings["learners"]):
        t, *_ = over_seeds(pick(rows, part="learn", rule=rule), "step", "error")
        runs = [column(pick(rows, part="learn", rule=rule, seed=seed), "error") for seed in range(settings["seeds"])]
        errors.fill_between(t, np.min(runs, axis=0), np.max(runs, axis=0), color=colour, alpha=0.15, lw=0)
        errors.plot(t, np.exp(np.log(runs).mean(axis=0)), color=colour, ls=style, label=f"{rule}, step {lr:g}")
    errors.set(xlabel="examples", ylabel="|T - W A|^2 / |T|^2", yscale="log", title="error (geometric mean, range)")
    for colour, style, (to, name) in zip(COLOURS, STYLES, ANGLES):
        t, mean, spread = over_seeds(pick(rows, part="learn", rule="fa"), "step", name)
        angles.plot(t, mean, color=colour, ls=style, label=f"B e to {to}")
        angles.fill_between(t, mean - spread, mean + spread, color=colour, alpha=0.15, lw=0)
        t, mean, spread = over_seeds(pick(rows, part="scale"), "scale", name)
        scales.errorbar(t, mean, spread, color=colour, ls=style, marker="o", ms=3, label=f"B e to {to}")
    angles.set(xlabel="examples", ylabel="degrees", title="angle while FA learns", ylim=(0, 95))
    scales.set(xlabel="scale of the first weights", ylabel="degrees", xscale="log", ylim=(0, 95),
               title=f"angle after {settings['scale_examples']} examples")  # fmt: skip
    t, mean, spread = over_seeds(pick(rows, part="drift"), "dt", "drift")
    drifts.errorbar(t, mean, spread, color=COLOURS[0], marker="o", ms=3, label="change to the end")
    drifts.plot(t, mean[-1] * t / t[-1], color="0.4", ls=":", label="first order in dt")
    drifts.set(xlabel="dt", ylabel="largest change", xscale="log", yscale="log", title="B W + W^T B^T - A A^T")
    drifts.set_xticks(t, [f"{each:g}" for each in t])
    drifts.minorticks_off()
    for seed in range(settings["seeds"]):
        own = pick(rows, part="lyapunov", seed=seed)
        lyapunov.plot(column(own, "t"), column(own, "V") / own[0]["V"], color=COLOURS[0], lw=0.8)
    lyapunov.set(xlabel="t", ylabel="V / V at 0", yscale="log", title="V = |B E|^2 from zero weights")
    draw_field(field)
    for axes in (errors, angles, scales, drifts):
        axes.legend(fontsize=7, frameon=False)
    figure.suptitle(f"lillicrap-linear: 30-20-10, {settings['seeds']} seeds", fontsize=9)


def draw_field(axes):
    """The flow of the 1-1-1 net, T = B = 1: dW/dt = (1 - W A) A, dA/dt = 1 - W A."""
    a, w = np.meshgrid(np.linspace(-3, 3, 41), np.linspace(-3, 3, 41))
    axes.streamplot(a, w, 1 - w * a, (1 - w * a) * a, color="0.6", linewidth=0.6, arrowsize=0.7, density=1.1)
    for low, high, colour, style in ((1 / 3, 3, 0, "-"), (-3, -1, 0, "-"), (-1, -1 / 3, 1, "--")):
        line = np.linspace(low, high, 100)
        axes.plot(line, 1 / line, color=COLOURS[colour], ls=style, lw=2)
    axes.set(xlabel="A", ylabel="W", title="1-1-1: W A = 1 (dashed: unstable)", xlim=(-3, 3), ylim=(-3, 3))


def conclude(settings, rows):
    table = []

    def say(what, value, expected):
        table.append({"what": what, "found": float(value), "expected": expected})

    for rule, lr in settings["learners"]:
        last = pick(rows, part="learn", rule=rule, step=settings["examples"])
        expected = {"bp": "1e-11 to 1e-12", "fa": "1e-11 to 1e-12", "shallow": "stays near 1"}.get(rule, "")
        mean = np.exp(np.log(column(last, "error")).mean())
        say(
            f"error of {rule} after {settings['examples']} examples, step {lr:g}", mean, f"{expected} (read off Fig. 1)"
        )
    fa = pick(rows, part="learn", rule="fa", step=settings["examples"])
    say("FA's angle to BP at the end", column(fa, "angle_bp").mean(), "about 30 (Fig. 1)")
    say("FA's angle to pseudo-BP at the end", column(fa, "angle_pseudo").mean(), "0 to 8, small weights (Fig. 4)")
    for scale, bp, pseudo in (
        (min(settings["scales"]), "25", "0 to 8"),
        (max(settings["scales"]), "60 to 73", "55 to 68"),
    ):
        at = pick(rows, part="scale", scale=scale)
        say(f"angle to BP from weights of {scale:g}", column(at, "angle_bp").mean(), f"{bp} (Fig. 4)")
        say(f"angle to pseudo-BP from weights of {scale:g}", column(at, "angle_pseudo").mean(), f"{pseudo} (Fig. 4)")
    t, mean, _ = over_seeds(pick(rows, part="drift"), "dt", "drift")
    say("order in dt of the invariant's drift", np.polyfit(np.log(t), np.log(mean), 1)[0], "1 (exact)")
    V = [column(pick(rows, part="lyapunov", seed=seed), "V") for seed in range(settings["seeds"])]
    say("largest rise of V between two of 100 times", max(np.diff(each).max() for each in V), "at most 0 (theorem 1)")
    ends = pick(rows, part="scalar")
    away = [abs(row["A_end"] - row["A_due"]) for row in ends if abs(2 * row["W"] - row["A"] ** 2 + 3) > 1e-9]
    say("1-1-1: largest distance from where it is due", max(away), "0, but for the size of dt")
    return table


STUDY = Study(
    name="lillicrap-linear",
    settings=SETTINGS,
    quick={"scales": [1e-4, 0.01, 0.05, 0.25], "scale_examples": 5000, "seeds": 4},
    jobs=jobs,
    work=work,
    draw=draw,
    conclude=conclude,
    source="Lillicrap et al. 2016 (arXiv 1411.0247)",
    question="when does random feedback come to act as a pseudo-inverse, and do the proofs' quantities behave?",
)
