"""Three studies of our own, with fair comparisons that we have found nowhere: which rule when, depth, stability.

`which-rule-when` and `depth` are sweeps (`lab.sweep`): every rule is tuned by the same budget on held-out examples.
Two controls of the first are in `atlas_controls`. Each takes two cores an hour or two, `stability` some minutes. What
was cut for that:

    which-rule-when   4 epochs on 60,000 images (55,000, since 5,000 are held out) and 48 on 1,000; successive halving
                      by 4, which can drop a setting that starts slowly; one seed a trial; `pseudo` and `sparse-pfa` are
                      left out, since each takes as long as about ten others
    depth             10,000 images and 6 epochs, 600 updates; halving by 3; one seed a trial; seven rules, kp and dkp
                      without decay; no factor for the hidden layers
    stability         small nets, one hidden width or depth changed at a time

A longer run is a line: `numpyfa sweep` takes the same options, and its epochs are the reader's.

In `which-rule-when` all rules decay alike, by 1e-3: the feedback of kp, dkp and pfa approaches W^T only with some.

`stability` asks three questions at solutions that BP has found and Gauss-Newton has polished, for feedback that is a
mixture of random numbers and W^T: is the angle between the update and the gradient acute for one error; is it acute for
every error, K + K^T > 0; do all eigenvalues of K have a positive real part? K is `theory.fixed_points.stability` on the
range of the Jacobian. The second implies the other two. Under kp the joint Jacobian of weights and feedback has the
eigenvalues of K, each plus the decay (`theory.joint_stability`).
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from ..lab import plots
from ..lab.experiment import Experiment, Job, Row, Settings
from ..lab.looks import looks
from ..lab.net_figure import line_of
from ..lab.protocol import Protocol
from ..lab.sweep import product, sweeping
from ..lab.sweep_table import table as table_of_sweep
from ..lab.tables import Rows, pick
from ..rules import RULES
from ..theory import fixed_points as theory
from ..theory.joint_stability import least_joint
from .fixed_points.work import small_net

SOURCE = "our own study"
LEVEL = 0.05  # how often equal rules may be called different, in a case
IDLE = 85.0  # % test error: a net that says one class always has 88.65 or more
LEFT_OUT = ("pseudo", "sparse-pfa")
WHY = {"": "Nobody has published this comparison, as far as we know."}

# Which rule when


def judge(settings: Settings, table: Rows) -> list[str]:
    """In each case the rules that do not train, those that are better than BP, those that cannot be told from it, and
    those that are not shown to be better than training the last layer alone: see `compare`."""
    if settings["seeds"] < 2:
        return ["one seed: no spread is known"]
    lines = []
    for case in settings["cases"]:
        own = {row["rule"]: row for row in pick(table, case=case)}
        idle = [rule for rule, row in own.items() if not row["test_error"] < IDLE]
        others = {rule: row for rule, row in own.items() if rule not in idle}
        if idle:
            lines.append(f"{case}, does not train: {', '.join(idle)}")
        for reference, wanted, words in (
            ("bp", (-1,), "better than bp"),
            ("bp", (0,), "not to be told from bp"),
            ("shallow", (0, 1), "not shown to be better than shallow"),
        ):
            if reference in others:
                found = [rule for rule, row in others.items() if rule != reference
                         and compare(row, others[reference], settings) in wanted]  # fmt: skip
                lines.append(f"{case}, {words}: {', '.join(found) or 'none'}")
    return lines


def compare(row: Row, other: Row, settings: Settings) -> int:
    """-1 if the first has the lower test error, 1 if the higher, 0 if they cannot be told apart: by Welch's t-test over
    the seeds, at 5 % over all rules of a case together (Bonferroni). The choice of the settings has noise of its own,
    which is not in it."""
    seeds, difference = settings["seeds"], row["test_error"] - other["test_error"]
    a, b = (each["test_error_sd"] ** 2 / seeds for each in (row, other))
    if not a + b > 0:
        return 0  # no spread to judge by
    freedom = (a + b) ** 2 * (seeds - 1) / (a**2 + b**2)
    same = chance(difference / (a + b) ** 0.5, freedom) > LEVEL / max(1, len(settings["rules"]) - 1)
    return 0 if same else int(np.sign(difference))


def chance(t: float, freedom: float) -> float:
    """The probability of a |t| of Student's distribution that is as large or larger. With t = sqrt(freedom) tan(x) its
    density is cos(x)^(freedom - 1)."""
    x, begin = np.linspace(0, np.pi / 2, 20001), np.arctan(abs(t) / freedom**0.5)
    density = np.cos(x) ** (freedom - 1)
    return float(density[x >= begin].sum() / density.sum())


def draw_errors(figure: Any, settings: Settings, rows: Rows) -> None:
    """The test error of every rule in every case, mean and standard deviation over the seeds, the rules in the order of
    their mean rank. Open marks cannot be told from bp."""
    rules, cases = settings["rules"], list(settings["cases"])
    own = {(row["case"], row["rule"]): row for row in table_of_sweep(settings, rows)}
    error = np.array([[own[case, rule]["test_error"] for rule in rules] for case in cases])
    ranks = np.where(np.isfinite(error), error, np.inf).argsort(axis=1).argsort(axis=1)
    order = [rules[place] for place in np.argsort(-ranks.mean(axis=0), kind="stable")]  # the best at the top
    found = looks(rules)
    for number, (axes, case) in enumerate(zip(plots.grid(figure, len(cases), len(cases), 25 + 5 * len(rules)), cases)):
        for reference, style in (("bp", "-"), ("shallow", ":")):
            if (case, reference) in own:
                axes.axvline(own[case, reference]["test_error"], color="0.6", ls=style, lw=0.8, zorder=1)
        for place, rule in enumerate(order):
            row, look = own[case, rule], found[rule]
            alike = rule != "bp" and compare(row, own[case, "bp"], settings) == 0
            axes.errorbar(row["test_error"], place, xerr=row["test_error_sd"], marker=look.marker, ms=4, ls="none",
                          color=look.colour, mfc="none" if alike else look.colour, capsize=2)  # fmt: skip
        axes.set(xlabel="test error (%)", title=case, ylim=(-0.7, len(order) - 0.3))
        axes.set_yticks(range(len(order)), order if number == 0 else [""] * len(order))
        low, high = axes.get_xlim()
        if high > 3 * low > 0:
            axes.set_xscale("log")
            plots.plain_ticks(axes.xaxis, [tick for tick in plots.PERCENTS if low <= tick <= high])
    figure.suptitle(
        "which-rule-when: each rule at its own best settings. Open marks cannot be told from bp. Lines: bp, and the "
        "last layer alone (dotted)",
        wrap=True,
    )


MNIST: dict[str, Any] = {
    "net": "784-512-512-10",
    "batch_size": 100,
    "epochs": 4,
    "decay": 1e-3,
    "validation": 5000,
    "measured": 5000,
}
SETS = {"MNIST": "mnist", "Fashion-MNIST": "fashion-mnist"}
WHICH_RULE_WHEN = sweeping(
    "which-rule-when",
    Protocol(rules=tuple(name for name in RULES if name not in LEFT_OUT), seeds=5, **MNIST),
    product({"lr": [0.003, 0.01, 0.03, 0.1, 0.3], "hidden_lr": [0.1, 1.0, 10.0, 100.0]}),
    cases={
        f"{name} {words}": {"data": data, **changes}
        for name, data in SETS.items()
        for words, changes in (
            ("1000", {"examples": 1000, "batch_size": 50, "epochs": 48, "measured": 1000}),
            ("60000", {}),
        )
    },
    halving=4,
    judge=judge,
    quick={
        "rules": ["bp", "fa", "dfa", "shallow"],
        "points": product({"lr": [0.03, 0.3], "hidden_lr": [1.0, 10.0]}),
        "cases": {"MNIST 300": {"examples": 300, "epochs": 6, "measured": 300}},
        "seeds": 2,
        "halving": 2,
    },
    question="Which rule when each has the learning rates that suit it, on few images and on many?",
    source=SOURCE,
    minutes=200,
    why=WHY,
)

WHICH_RULE_WHEN = replace(WHICH_RULE_WHEN, draw=draw_errors)

# Depth


def of_depth(hidden: int, units: int = 240) -> str:
    return "-".join(["784", *[str(units)] * hidden, "10"])


def draw_depth(figure: Any, settings: Settings, rows: Rows) -> None:
    """The test error and the mean angle over the hidden layers, against depth."""
    depths = [net.count("-") - 1 for net in (case["net"] for case in settings["cases"].values())]
    error, angle = plots.grid(figure, 2, 2, height=74)
    found = looks(settings["rules"])
    for rule, look in found.items():
        own = [pick(rows, stage="test", rule=rule, case=case) for case in settings["cases"]]
        for axes, values in (
            (error, [[row["test_error"] for row in tests] for tests in own]),
            (angle, [[mean_angle(row) for row in tests] for tests in own]),
        ):
            mean, deviation = (np.array([how(each) for each in values]) for how in (np.mean, np.std))
            if np.isfinite(mean).any():
                plots.rule_band(axes, depths, mean, deviation, look, rule)
    for axes in (error, angle):
        axes.set(xscale="log", xlabel="hidden layers")
        plots.plain_ticks(axes.xaxis, depths)
    error.set(ylabel="test error (%)")
    angle.set(ylabel="angle, mean over hidden layers (deg)")
    plots.shared_legend(figure, [line_of(look) for look in found.values()], list(found))
    figure.suptitle("depth: each rule at the learning rate that suits it")


def mean_angle(row: Row) -> float:
    angles = [value for name, value in row.items() if name.startswith("angle_")]
    return float(np.mean(angles)) if angles else np.nan


DEPTHS = (2, 5, 10, 20, 50, 100)
DEPTH = sweeping(
    "depth",
    Protocol(
        net=of_depth(2),
        rules=("bp", "fa", "usf", "kp", "dfa", "dkp", "shallow"),
        activation="tanh",
        optimizer="rmsprop",
        batch_size=100,
        epochs=6,
        seeds=5,
        examples=10000,
        validation=5000,
        measured=5000,
    ),
    product({"lr": [3e-6, 1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2]}),
    cases={f"{hidden} hidden": {"net": of_depth(hidden)} for hidden in DEPTHS},
    halving=3,
    judge=judge,
    quick={
        "points": product({"lr": [1e-4, 1e-3]}),
        "halving": 2,
        "cases": {
            f"{n} hidden": {"net": of_depth(n, 20), "examples": 200, "epochs": 2, "measured": 200} for n in (2, 4)
        },
        "seeds": 2,
    },
    question="How deep does each rule train?",
    source=SOURCE,
    minutes=110,
    why=WHY,
)
DEPTH = replace(DEPTH, draw=draw_depth)

# Stability

NETS = [[1, 40], [1, 80], [1, 160], [2, 40], [3, 40]]  # hidden layers, their width
STABILITY: dict[str, Any] = {
    "seeds": 5,
    "small": 40,
    "nets": NETS,
    "lr": 1e-3,
    "steps": 20000,
    "scales": [0.03, 0.1, 0.3, 1.0, 3.0, 10.0],
    "shares": [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0],
    "draws": 5,
    "decay": 1e-3,
}
CRITERIA = {"cosine": "acute for one error", "least_symmetric": "acute for every error", "least": "spectrum"}


def jobs(settings: Settings) -> list[Job]:
    return [(depth, width, seed) for seed in range(settings["seeds"]) for depth, width in settings["nets"]]


def work(settings: Settings, depth: int, width: int, seed: int) -> list[Row]:
    """The three criteria at one polished solution, for each kind of feedback."""
    X, Y = small_net(settings, seed, width)[:2]
    rng = np.random.default_rng([seed, depth, width])
    sizes = [X.shape[1], *[width] * depth, Y.shape[1]]
    start = [rng.uniform(-1, 1, (n, m)) / m**0.5 for m, n in zip(sizes, sizes[1:])]
    trained = theory.descend(start, X, Y, "bp", None, settings["lr"], settings["steps"])
    left = theory.forward(trained, X)[-1] - Y  # the one error that is asked: what training had left
    W = theory.polish(trained, X, Y)
    basis = theory.range_of(theory.jacobian(W, X))
    rows: list[Row] = []
    for about, B in feedback(settings, W, rng):
        row = {"rule": about["rule"], "depth": depth, "width": width, "seed": seed} | about
        rows.append(row | criteria(settings, W, X, left, basis, row["rule"], B))
    return rows


Feedback = dict[int, np.ndarray]


def feedback(settings: Settings, W: list, rng: np.random.Generator) -> Iterator[tuple[Row, Feedback]]:
    """(which, B) of fa and dfa, random with the norm of W^T, of every scale, or with every share of W^T; of usf, the
    signs of W^T with its norm, of every scale; and of shallow, where nothing is fed back."""
    for rule, exact in (("fa", transposed(W)), ("dfa", products(W))):
        for draw in range(settings["draws"]):
            drawn = with_norms({n: rng.uniform(-1, 1, each.shape) for n, each in exact.items()}, exact)
            tried = [(scale, share) for scale in settings["scales"] for share in settings["shares"]
                     if scale == 1 or share == 0]  # fmt: skip
            for scale, share in tried:
                B = {n: scale * ((1 - share) * drawn[n] + share * exact[n]) for n in exact}
                yield {"rule": rule, "draw": draw, "scale": scale, "share": share}, B
    exact = transposed(W)
    signs = with_norms({n: np.sign(each) for n, each in exact.items()}, exact)
    for scale in settings["scales"]:
        yield {"rule": "usf", "draw": 0, "scale": scale, "share": 0.0}, {n: scale * signs[n] for n in exact}
    yield {"rule": "shallow", "draw": 0, "scale": 0.0, "share": 0.0}, {n: 0 * exact[n] for n in exact}


def with_norms(matrices: Feedback, of: Feedback) -> Feedback:
    return {n: each * np.linalg.norm(of[n]) / np.linalg.norm(each) for n, each in matrices.items()}


def criteria(
    settings: Settings, W: list, X: np.ndarray, E: np.ndarray, basis: np.ndarray, rule: str, B: Feedback
) -> Row:
    how = "dfa" if rule == "dfa" else "fa"  # how B takes the error back
    S = basis.T @ theory.stability(W, X, how, B) @ basis
    e = basis.T @ E.reshape(-1)
    true = basis.T @ theory.stability(W, X, "bp", None) @ basis
    mine = np.concatenate(theory.jacobian(W, X, how, B), axis=1).T @ E.reshape(-1)
    row = {"cosine": float(e @ S @ e / (np.linalg.norm(mine) * (e @ true @ e) ** 0.5))}
    row["least"], row["least_symmetric"] = theory.least_parts(S)
    if rule == "fa":  # as if this B learned as kp's does
        row["least_joint"] = least_joint(W, B, X, settings["decay"], S)
    return row


def transposed(W: list) -> Feedback:
    """The B of fa that makes it BP."""
    return {number: W[number - 1].T.copy() for number in range(2, len(W) + 1)}


def products(W: list) -> Feedback:
    """The F of dfa that makes it BP in a linear net: W_{l+1}^T ... W_L^T."""
    found = {len(W) - 1: W[-1].T.copy()}
    for number in range(len(W) - 2, 0, -1):
        found[number] = W[number].T @ found[number + 1]
    return found


def table(settings: Settings, rows: Rows) -> Rows:
    """The share of feedback matrices, in %, that fulfil each criterion; kp is fa's feedback that learns, with decay."""
    keys = list(dict.fromkeys((r["rule"], r["depth"], r["width"], r["scale"], r["share"]) for r in rows))
    lines = []
    for rule, depth, width, scale, share in sorted(keys):
        own = pick(rows, rule=rule, depth=depth, width=width, scale=scale, share=share)
        name = f"{rule} {depth}x{width} scale {scale:g} share {share:g}"
        line = {"row": name, "rule": rule, "depth": depth, "width": width, "scale": scale, "share": share}
        for criterion in CRITERIA:
            line[f"{criterion}_holds"] = percent(own, criterion)
        if rule == "fa":
            line["kp_holds"] = percent(own, "least_joint")
        lines.append(line)
    return lines


def percent(rows: Rows, criterion: str) -> float:
    return 100 * float(np.mean([row[criterion] > 0 for row in rows]))


def verdict(settings: Settings, table: Rows) -> list[str]:
    """For each net and rule the least share of W^T from which on each criterion holds for every feedback matrix; then
    which part of the random ones has a stable spectrum at each scale, beside that of the last layer alone."""
    lines = []
    for rule in ("fa", "dfa"):
        for depth, width in settings["nets"]:
            own = pick(table, rule=rule, depth=depth, width=width, scale=1.0)
            words = [f"{what} from {holding(own, f'{criterion}_holds')}" for criterion, what in CRITERIA.items()]
            lines.append(f"{rule}, {depth} hidden of {width}: {', '.join(words)}")
    lines.append("(the share of W^T in the feedback from which on all of its draws fulfil the criterion)")
    for rule in ("fa", "dfa", "usf", "shallow"):
        for depth, width in settings["nets"]:
            own = pick(table, rule=rule, depth=depth, width=width, share=0.0)
            words = [f"{row['least_holds']:.0f} at {row['scale']:g}" for row in own]
            lines.append(f"{rule}, {depth} hidden of {width}, stable spectrum (%) by scale: {', '.join(words)}")
    return lines


def holding(rows: Rows, name: str) -> str:
    """The least share at which and above which all draws fulfil it."""
    least = "no share"
    for row in sorted(rows, key=lambda row: -row["share"]):
        if row[name] < 100:
            break
        least = f"{row['share']:g}"
    return least


def draw(figure: Any, settings: Settings, rows: Rows) -> None:
    """Which part of the feedback matrices fulfils each criterion, against the share of W^T, then against the scale of
    random feedback, for each net."""
    nets = settings["nets"]
    panels = [(rule, field, *net) for field in ("share", "scale") for rule in ("fa", "dfa") for net in nets]
    for axes, (rule, field, depth, width) in zip(plots.grid(figure, len(panels), len(nets)), panels):
        own = pick(
            rows, rule=rule, depth=depth, width=width, **({"scale": 1.0} if field == "share" else {"share": 0.0})
        )
        for (criterion, words), style in zip(CRITERIA.items(), ("-", "--", ":")):
            x = sorted({row[field] for row in own})
            y = [percent([row for row in own if row[field] == each], criterion) for each in x]
            axes.plot(x, y, ls=style, label=words)
        axes.set(
            ylim=(-5, 105),
            title=f"{rule}, {depth} x {width}",
            ylabel="feedback matrices (%)" if width == nets[0][1] and depth == nets[0][0] else "",
        )
        if field == "share":
            axes.set_xlabel("share of W^T")
        else:
            axes.set(xlabel="scale of random B", xscale="log")
    handles, labels = axes.get_legend_handles_labels()
    plots.shared_legend(figure, handles, labels)
    figure.suptitle("stability: which part of the feedback matrices fulfils each criterion")


EXPERIMENTS = (
    WHICH_RULE_WHEN,
    DEPTH,
    Experiment(
        name="stability",
        settings=STABILITY,
        jobs=jobs,
        work=work,
        draw=draw,
        table=table,
        verdict=verdict,
        source=SOURCE,
        question="When is a solution stable under feedback that is not W^T?",
        minutes=9,
        why=WHY,
        quick={
            "seeds": 1,
            "small": 8,
            "nets": [[1, 20], [2, 20]],
            "steps": 500,
            "scales": [0.1, 1.0, 10.0],
            "shares": [0.0, 0.5, 1.0],
            "draws": 2,
        },
    ),
)
