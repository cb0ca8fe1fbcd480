"""Fixed points of feedback alignment, and whether alignment says which are stable: six experiments after Chu & Bacho.

Only the abstract and the first page of the paper were at hand, so these are reconstructions from its claims, not its
own settings. Two nets, both on MNIST and without a look at what its test set would prefer:

    large   784-100-100-10, tanh, softmax with cross-entropy, 2000 training and 1000 test images, batch 20, step 0.1;
            W from sW U(-1, 1) / sqrt fan_in, B from sB U(-1, 1) / 10, sW = sB = 1 unless said otherwise
    small   49-40-10 (images averaged to 7 x 7), tanh, linear outputs, no biases, squared error, 40 images, all at
            once; W from U(-1, 1) / sqrt fan_in, B from 2 U(-1, 1) / sqrt 40

    E1 scratch    FA from the start: the cosine of its update and the gradient, layer by layer          large
    E2 switch     BP, then FA; and FA, then BP                                                          large
    E3 push       a BP and an FA solution, pushed by noise of 0.005, go on under FA                     small
    E4 spectrum   the eigenvalues of K at these solutions                                               small
    E5 scale      sW and sB against test error and alignment                                            large
    E6 walk       distance from the start, and cosines of updates with each other and the gradient      large

Cosines are of weight-and-bias gradients over all training examples of the large net, of hidden layers only.
"""

import numpy as np

from .figures import COLOURS, STYLES
from .fixed_points_nets import scale, scratch, small, switch, walk
from .study import Study, column, over_seeds, pick

SETTINGS = {
    "seeds": 3,
    "examples": [2000, 1000],
    "epochs": 40,
    "scales": [[1, 1], [0.001, 1], [3, 1], [10, 1], [1, 0.01], [1, 0.1], [1, 10], [1, 100]],
    "scale_epochs": 60,
    "small": 40,
    "small_lr": {"bp": 4e-3, "fa": 1e-3},
    "small_steps": {"bp": 40000, "fa": 100000},
    "noise": 0.005,
    "push_steps": 40000,
    "walk_steps": 4000,
}


def jobs(settings):
    names = [("scratch",), ("switch", "bp-fa"), ("switch", "fa-bp"), ("small",), ("walk", "bp"), ("walk", "fa")]
    names += [("scale", *pair) for pair in settings["scales"]]
    return [(*name, seed) for seed in range(settings["seeds"]) for name in names]


def work(settings, part, *which):
    return {"scratch": scratch, "switch": switch, "small": small, "walk": walk, "scale": scale}[part](settings, *which)


def draw(figure, settings, rows):
    figure.set_size_inches(11.5, 6.4)
    one, two, three, four, five, six = figure.subplots(2, 3).reshape(-1)
    for colour, style, (name, label) in zip(
        COLOURS, STYLES, (("cosine_1", "layer 1"), ("cosine_2", "layer 2"), ("cosine", "both"))
    ):
        band(one, *over_seeds(pick(rows, part="scratch"), "epoch", name), colour, style, label)
    one.set(xlabel="epoch", ylabel="cosine of update and gradient", title="E1 FA from the start", ylim=(-0.2, 1))
    for colour, style, order in zip(COLOURS, STYLES, ("bp-fa", "fa-bp")):
        own = pick(rows, part="switch", order=order)
        band(two, *over_seeds(own, "epoch", "loss"), colour, style, ", then ".join(order.upper().split("-")))
    two.axvline(settings["epochs"] // 2, color="0.5", lw=0.8)
    two.set(xlabel="epoch", ylabel="training loss", yscale="log", title="E2 switch")
    for (found_by, colour), (learn, style) in (
        (a, b) for a in zip(("bp", "fa"), COLOURS) for b in zip(("both", "hidden"), STYLES)
    ):
        label = f"{found_by.upper()} solution, {'both layers' if learn == 'both' else 'hidden only'}"
        for seed in range(settings["seeds"]):
            own = pick(rows, part="push", solution=found_by, learn=learn, seed=seed)
            three.plot(
                column(own, "step"),
                column(own, "loss"),
                color=colour,
                ls=style,
                lw=0.9,
                label=label if seed == 0 else None,
            )
    three.set_xscale("symlog", linthresh=1)
    three.set(xlabel="steps of FA after the push", ylabel="|E|^2 / 2", yscale="log", title="E3 push")
    for colour, marker, found_by in zip(COLOURS, "ox", ("bp", "fa")):
        own = pick(rows, part="spectrum", solution=found_by, layers="both", seed=0)
        four.plot(column(own, "real"), column(own, "imaginary"), marker, color=colour, ms=3, mfc="none",
                  label=f"{found_by.upper()} solution, cosine {own[0]['cosine']:.2f}")  # fmt: skip
    four.set_xscale("symlog", linthresh=0.1)
    four.axvline(0, color="0.5", lw=0.8)
    four.set(xlabel="real part", ylabel="imaginary part", title="E4 eigenvalues of K, seed 0")
    for number, (sW, sB) in enumerate(settings["scales"]):
        own = pick(rows, part="scale", sW=sW, sB=sB, epoch=settings["scale_epochs"])
        x, y = column(own, "cosine"), column(own, "test_error")
        five.plot(x, y, "os^vDP*X"[number % 8], color=COLOURS[number % 7], ms=4, label=f"sW {sW:g}, sB {sB:g}")
    five.set(xlabel="cosine of update and gradient", ylabel="test error (%)", title="E5 scales", yscale="log")
    five.set_yticks([3, 5, 10, 20, 50], ["3", "5", "10", "20", "50"])
    five.minorticks_off()
    for colour, style, rule in zip(COLOURS, STYLES, ("bp", "fa")):
        t, mean, spread = over_seeds(pick(rows, part="walk", rule=rule), "step", "distance")
        band(six, t, mean, spread, colour, style, rule.upper())
    six.plot(t, mean[-1] * np.sqrt(t / t[-1]), color="0.4", ls=":", label="random walk: sqrt of steps")
    six.set(xlabel="step", ylabel="|w - w at the start|", xscale="log", yscale="log", title="E6 walk")
    for axes in (one, two, three, four, six):
        axes.legend(fontsize=6, frameon=False)
    five.legend(fontsize=6, frameon=False, loc="lower left", ncols=2)
    figure.suptitle(f"fixed-points: {settings['seeds']} seeds; reconstructions, not the paper's settings", fontsize=9)


def band(axes, x, mean, spread, colour, style, label):
    axes.plot(x, mean, color=colour, ls=style, lw=1.3, label=label)
    axes.fill_between(x, mean - spread, mean + spread, color=colour, alpha=0.15, lw=0)


def conclude(settings, rows):
    """The claims, each beside what was found and whether that supports it."""
    last = settings["scale_epochs"]
    claims = [
        random_walk(settings, rows),
        extrema(pick(rows, part="solution", solution="fa")),
        stability(settings, rows),
        *scales([pick(rows, part="scale", sW=sW, sB=sB, epoch=last) for sW, sB in settings["scales"]]),
        *switches(settings["epochs"] // 2, rows),
    ]
    names = ("claim", "found", "supported")
    return [dict(zip(names, (claim, found, "yes" if yes else "no"))) for claim, found, yes in claims]


def random_walk(settings, rows):
    power, step, towards = {}, {}, {}
    for rule in ("bp", "fa"):
        own = pick(rows, part="walk", rule=rule)
        late = [row for row in own if row["step"] >= settings["walk_steps"] / 10]
        power[rule] = np.polyfit(np.log(column(late, "step")), np.log(column(late, "distance")), 1)[0]
        step[rule], towards[rule] = column(own, "to_last_update").mean(), column(own, "to_gradient").mean()
    found = (
        f"distance ~ steps^{power['fa']:.2f} (BP {power['bp']:.2f}; a random walk 0.5); cosine of successive updates "
        f"{step['fa']:.2f} (BP {step['bp']:.2f}), with the gradient {towards['fa']:.2f} (BP {towards['bp']:.2f})"
    )
    like_a_walk = {rule: abs(each - 0.5) < 0.1 for rule, each in power.items()}
    return "FA's updates are a random walk, BP's are not", found, like_a_walk["fa"] and not like_a_walk["bp"]


def extrema(solutions):
    rank, size = min(row["rank"] for row in solutions), solutions[0]["rows"]
    norms = {rule: column(solutions, f"norm_{rule}").mean() for rule in ("fa", "bp")}
    found = (
        f"J^ has rank {rank} of {size}, so {'only E = 0 stops FA' if rank == size else 'E need not be 0'}; at the end "
        f"its update is {norms['fa']:.1e} of that at the start, the gradient {norms['bp']:.1e}"
    )
    return "FA's fixed points are extrema of the loss", found, rank == size


def stability(settings, rows):
    least, growth, cosine = {}, {}, {}
    for solution in ("bp", "fa"):
        spectra = [
            pick(rows, part="spectrum", solution=solution, layers="both", seed=s) for s in range(settings["seeds"])
        ]
        pushed = [
            column(pick(rows, part="push", solution=solution, learn="both", seed=s), "loss")
            for s in range(settings["seeds"])
        ]
        least[solution] = [column(each, "real").min() for each in spectra]
        cosine[solution] = [each[0]["cosine"] for each in spectra]
        growth[solution] = [loss.max() / loss[0] for loss in pushed]  # 1 where it only falls
    words = [
        f"{solution.upper()} solutions: cosine {span(cosine[solution])}, least real part of K {span(least[solution])}, "
        f"after the push the loss grows {span(growth[solution])}-fold"
        for solution in ("bp", "fa")
    ]
    unstable = max(least["bp"]) < 0 and min(growth["bp"]) > 1.5
    stable = min(least["fa"]) > 0 and max(growth["fa"]) < 1.05
    return "alignment is a criterion of their stability", "; ".join(words), unstable and stable


def scales(runs):
    """Two claims from the means over seeds."""
    nets = [(column(own, "cosine").mean(), column(own, "test_error").mean(), own[0]) for own in runs]
    best = min(error for _, error, _ in nets)
    poor = [error for cosine, error, _ in nets if cosine < 0.2]
    found = f"a cosine below 0.2 goes with test errors from {min(poor):.1f} %; the best net has {best:.1f} %"
    yield "alignment is necessary for performance", found, min(poor) > 1.5 * best

    pairs = [(a, b) for a in nets for b in nets if a[0] > b[0] + 0.1 and a[1] > 2 * b[1]]
    found = "no such pair"
    if pairs:
        worst = max(pairs, key=lambda pair: pair[0][1] / pair[1][1])
        found = "; ".join(f"sW {row['sW']:g}, sB {row['sB']:g}: cosine {cosine:.2f}, test error {error:.1f} %"
                          for cosine, error, row in worst)  # fmt: skip
    yield "but not enough: of two nets the better aligned can err twice as often", found, bool(pairs)


def switches(half, rows):
    """Two claims from the means over seeds."""
    change = {}
    for order in ("bp-fa", "fa-bp"):
        loss = [
            column(pick(rows, part="switch", order=order, epoch=epoch), "loss").mean() for epoch in (half, 2 * half)
        ]
        change[order] = loss[1] / loss[0]
    after = column([row for row in pick(rows, part="switch", order="bp-fa") if row["epoch"] > half], "cosine").mean()
    found = f"BP, then FA: the loss goes to {change['bp-fa']:.2f} of what it was, the hidden cosine is {after:.2f}"
    yield "alignment does not always drive the descent", found, change["bp-fa"] < 1 and after <= 0

    found = f"the loss goes to {change['bp-fa']:.2f} of what it was, and to {change['fa-bp']:.2f} the other way round"
    claim = "with cross-entropy too, a switch from BP to FA breaks what was learned, from FA to BP not"
    yield claim, found, change["bp-fa"] > 1 > change["fa-bp"]


def span(values):
    low, high = min(values), max(values)
    return f"{low:.2g} to {high:.2g}"


STUDY = Study(
    name="fixed-points",
    settings=SETTINGS,
    quick={
        "seeds": 1,
        "epochs": 20,
        "scale_epochs": 20,
        "scales": [[1, 1], [0.001, 1], [10, 1], [1, 0.01], [1, 100]],
        "small": 20,
        "small_steps": {"bp": 20000, "fa": 40000},
        "push_steps": 10000,
        "walk_steps": 1000,
    },  # fmt: skip
    jobs=jobs,
    work=work,
    draw=draw,
    conclude=conclude,
    source="after the abstract of Chu & Bacho 2023 (arXiv 2306.02325)",
    question="does alignment say which fixed points are stable, and does it drive learning?",
)
