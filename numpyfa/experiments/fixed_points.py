"""Fixed points of feedback alignment, and whether alignment says which are stable: six experiments after Chu & Bacho.

Only the abstract and the first page of the paper were at hand, so these are reconstructions from its claims, not its
own settings. Two nets, both on MNIST; nothing was chosen by test error.

    large   784-100-100-10, tanh, softmax with cross-entropy, 2000 training and 1000 test images, batch 20, step 0.1;
            W from sW U(-1, 1) / sqrt fan_in, B from sB U(-1, 1) / 10, sW = sB = 1 unless said otherwise
    small   49-40-10 (images averaged to 7 x 7), tanh, linear outputs, no biases, squared error, 40 images, all at
            once, step 0.001; W from U(-1, 1) / sqrt fan_in, B from 2 U(-1, 1) / sqrt 40

    E1 scratch    FA from the start: the cosine of its update and the gradient, layer by layer          large
    E2 switch     BP, then FA; FA, then BP; and as controls BP, then BP or the output layer alone       large
    E3 push       a BP and an FA solution, W_1 pushed by noise of 0.005, go on under FA                 small
    E4 spectrum   the eigenvalues of K at these solutions, for their own B, random ones, and mixtures
                  of random B with W_2^T; cosines at the residual that is left                          small
       rest       where FA comes to rest, is the gradient 0? Also with 5 hidden units instead of 40     small
    E5 scale      sW, sB and the step against test error and cosine, beside BP and shallow              large
    E6 walk       distance from the start, and cosines of updates with each other and the gradient      large

Cosines are of hidden layers' gradients (weights and biases, over all training examples), but in E6, where they are of
all parameters.
"""

import numpy as np

from .figures import COLOURS, STYLES
from .fixed_points_nets import narrow, scale, scratch, small, switch, walk
from .study import Study, column, over_seeds, pick

SETTINGS = {
    "seeds": 3,
    "examples": [2000, 1000],
    "epochs": 40,
    "switches": [["bp", "fa"], ["fa", "bp"], ["bp", "bp"], ["bp", "shallow"]],
    "scales": [["fa", 1, 1, 0.1], ["fa", 0.001, 1, 0.1], ["fa", 3, 1, 0.1], ["fa", 10, 1, 0.1], ["fa", 1, 0.01, 0.1],
               ["fa", 1, 0.1, 0.1], ["fa", 1, 10, 0.1], ["fa", 1, 100, 0.1], ["fa", 1, 100, 0.003], ["bp", 1, 1, 0.1],
               ["bp", 10, 1, 0.1], ["shallow", 1, 1, 0.1]],
    "scale_epochs": 60,
    "small": 40,
    "hidden": 40,
    "narrow": 5,
    "small_lr": 1e-3,
    "small_steps": 100000,
    "noise": 0.005,
    "push_steps": 40000,
    "draws": 25,
    "shares": [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0],
    "walk_steps": 4000,
}  # fmt: skip
WINDOWS = ((0, 60), (60, 400), (400, np.inf))  # of steps, in E6
PARTS = {"scratch": scratch, "switch": switch, "small": small, "narrow": narrow, "walk": walk, "scale": scale}


def jobs(settings):
    names = [("small",), ("narrow",), ("scratch",), ("walk", "bp"), ("walk", "fa")]
    names += [("switch", *pair) for pair in settings["switches"]]
    names += [("scale", *each) for each in settings["scales"]]
    return [(*name, seed) for seed in range(settings["seeds"]) for name in names]


def work(settings, part, *which):
    return PARTS[part](settings, *which)


def draw(figure, settings, rows):
    figure.set_size_inches(14, 6.6)
    one, two, three, four, five, rests, scales, six = figure.subplots(2, 4).reshape(-1)
    for colour, style, (name, label) in zip(
        COLOURS, STYLES, (("cosine_1", "layer 1"), ("cosine_2", "layer 2"), ("cosine", "both"))
    ):
        band(one, *over_seeds(pick(rows, part="scratch"), "epoch", name), colour, style, label)
    one.set(xlabel="epoch", ylabel="cosine of update and gradient", title="E1 FA from the start", ylim=(-0.2, 1))

    for colour, style, (first, then) in zip(COLOURS, STYLES, settings["switches"]):
        own = pick(rows, part="switch", first=first, then=then)
        label = f"{first.upper()}, then {then.upper() if then != 'shallow' else 'output layer alone'}"
        band(two, *over_seeds(own, "epoch", "loss"), colour, style, label)
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
            x, mean, spread = over_seeds(pick(rows, part="rest", hidden=hidden, solution="fa"), "step", name)
            band(rests, x, mean, spread, colour, style, f"{words}, {hidden} hidden units")
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
        t, mean, spread = over_seeds(pick(rows, part="walk", rule=rule), "step", "distance")
        band(six, t, mean, spread, colour, style, rule.upper())
    six.plot(t, mean[-1] * np.sqrt(t / t[-1]), color="0.4", ls=":", label="random walk: sqrt of steps")
    six.set(xlabel="step", ylabel="|w - w at the start|", xscale="log", yscale="log", title="E6 walk")

    for axes in (one, two, three, four, rests, six):
        axes.legend(fontsize=6, frameon=False)
    five.legend(fontsize=6, frameon=False, loc="lower right")
    scales.legend(fontsize=5.5, frameon=False, loc="lower left", ncols=2)
    figure.suptitle(f"fixed-points: {settings['seeds']} seeds; reconstructions, not the paper's settings", fontsize=9)


def band(axes, x, mean, spread, colour, style, label):
    axes.plot(x, mean, color=colour, ls=style, lw=1.3, label=label)
    axes.fill_between(x, mean - spread, mean + spread, color=colour, alpha=0.15, lw=0)


def conclude(settings, rows):
    """The claims, each beside what was found and whether that supports it."""
    claims = [
        from_scratch(pick(rows, part="scratch")),
        random_walk(pick(rows, part="walk")),
        *extrema(settings, pick(rows, part="rest", solution="fa")),
        stability(pick(rows, part="feedback")),
        pushes(pick(rows, part="push")),
        *scale_claims(pick(rows, part="scale")),
        *switches(settings["epochs"] // 2, pick(rows, part="switch")),
    ]
    return [dict(zip(("claim", "found", "supported"), claim)) for claim in claims]


def verdict(yes):
    return "yes" if yes else "no"


def from_scratch(rows):
    last = [row for row in rows if row["epoch"] == max(each["epoch"] for each in rows)]
    cosines = [column(last, name).mean() for name in ("cosine_1", "cosine_2")]
    start = [column([row for row in rows if row["epoch"] == 0], name).mean() for name in ("cosine_1", "cosine_2")]
    found = (
        f"the cosines of layers 1 and 2 go from {start[0]:.2f}, {start[1]:.2f} to {cosines[0]:.2f}, {cosines[1]:.2f}"
    )
    return "FA aligns with the gradient (E1)", found, verdict(min(cosines) > 0.5)


def random_walk(rows):
    """The power of the distance and the cosine of successive updates in three windows of steps."""
    words, powers = {}, {}
    for rule in ("bp", "fa"):
        t, distance, _ = over_seeds(pick(rows, rule=rule), "step", "distance")
        turns = over_seeds(pick(rows, rule=rule), "step", "to_last_update")[1]
        inside = [(low <= t) & (t <= high) for low, high in WINDOWS]
        inside = [window for window in inside if window.sum() > 1]
        powers[rule] = [np.polyfit(np.log(t[each]), np.log(distance[each]), 1)[0] for each in inside]
        words[rule] = ", ".join(f"{p:.2f} ({turns[each].mean():.2f})" for p, each in zip(powers[rule], inside))
    found = (
        f"the distance grows as a power of the steps (in brackets: cosine of successive updates) early, midway and "
        f"late: FA {words['fa']}, BP {words['bp']}; a random walk has 0.5 (0)"
    )
    alike = max(abs(a - b) for a, b in zip(powers["fa"], powers["bp"])) < 0.1
    return "FA is a random walk in weight space (E6)", found, "not shown: BP does the same" if alike else "not decided"


def extrema(settings, rows):
    """Two claims: for a net that can reach zero error, and for one that cannot."""
    for hidden, words in ((settings["hidden"], "can"), (settings["narrow"], "cannot")):
        own = pick(rows, hidden=hidden)
        last = pick(own, step=max(row["step"] for row in own))
        update, gradient = (column(last, name).mean() for name in ("update", "gradient"))
        found = (
            f"{hidden} hidden units: as FA's update falls to {update:.1e} of the start's, the gradient falls to "
            f"{gradient:.1e}; the loss is {column(last, 'loss').mean():.2g}"
        )
        claim = f"FA's fixed points are extrema of the loss, in a net that {words} reach zero error (E4)"
        yield claim, found, verdict(gradient < 10 * update)


def stability(rows):
    stable, unstable = ([row for row in rows if (row["least"] > 0) == yes] for yes in (True, False))
    own = pick(rows, solution="fa", kind="own")
    random = pick(rows, kind="random")
    fail = sum(row["least"] < 0 for row in random)
    claim = "alignment is a criterion of stability (E4)"
    if not stable or not unstable:
        return claim, f"all {len(rows)} cases are {'stable' if stable else 'unstable'}", "not decided"
    high, low = column(unstable, "cosine"), column(stable, "cosine")
    found = (
        f"FA's solutions with their own B: cosine {span(column(own, 'cosine'))}, least real part of K "
        f"{span(column(own, 'least'))}; BP's and FA's solutions with {len(random)} random B: cosine "
        f"{span(column(random, 'cosine'))}, {fail} unstable; with B mixed with W_2^T too, all {len(stable)} stable "
        f"cases have cosines from {low.min():.2f}, the {len(unstable)} unstable ones up to {high.max():.2f}"
    )
    separate = low.min() > high.max()
    return claim, found, "yes" if separate else "in part: the two overlap"


def pushes(rows):
    growth, end = {}, {}
    for found_by in ("bp", "fa"):
        for learn in ("both", "hidden"):
            runs = [column(pick(rows, solution=found_by, learn=learn, seed=seed), "loss")
                    for seed in sorted({row["seed"] for row in rows})]  # fmt: skip
            growth[found_by, learn] = [loss.max() / loss[0] for loss in runs]  # 1 where it only falls
            end[found_by, learn] = [loss[-1] / loss[0] for loss in runs]
    words = [f"{found_by.upper()} solutions, {words}: at most {span(growth[found_by, learn])}-fold, in the end "
             f"{span(end[found_by, learn])}-fold" for found_by in ("bp", "fa")
             for learn, words in (("both", "both layers"), ("hidden", "hidden layer alone"))]  # fmt: skip
    yes = min(growth["bp", "both"]) > 1.5 and max(growth["fa", "both"]) < 1.05
    claim = "pushed a little, FA leaves BP's solutions, while at its own the loss only falls (E3)"
    return claim, f"the loss grows: {'; '.join(words)}", verdict(yes)


def scale_claims(rows):
    """Two claims from the means over seeds, under FA; BP's error stands beside."""
    nets = []
    for key in dict.fromkeys((row["sW"], row["sB"], row["lr"]) for row in pick(rows, rule="fa")):
        own = pick(rows, rule="fa", sW=key[0], sB=key[1], lr=key[2])
        nets.append((column(own, "cosine").mean(), column(own, "test_error").mean(), key))
    best = min(error for _, error, _ in nets)
    good = [each for each in nets if each[0] < 0.3 and each[1] < 1.3 * best]
    found = "no net with a cosine below 0.3 comes near" if not good else "; ".join(map(in_words, good))
    claim = "alignment at the end is necessary for performance (E5)"
    yield claim, f"{found}; the best net has {best:.1f} %", "not refuted" if not good else "no"

    pairs = [(a, b) for a in nets for b in nets if a[0] > b[0] + 0.1 and a[1] > 2 * b[1]]
    found = "no such pair"
    if pairs:
        found = "; ".join(map(in_words, max(pairs, key=lambda pair: pair[0][1] / pair[1][1])))
    yield "of two nets the better aligned can err twice as often (E5)", found, verdict(pairs)


def in_words(net):
    cosine, error, (sW, sB, lr) = net
    return f"sW {sW:g}, sB {sB:g}, step {lr:g}: cosine {cosine:.2f}, test error {error:.1f} %"


def switches(half, rows):
    """Two claims from the means over seeds: the loss relative to that at the switch, at the end and at its highest."""
    end, highest = {}, {}
    for first, then in dict.fromkeys((row["first"], row["then"]) for row in rows):
        t, loss, _ = over_seeds(pick(rows, first=first, then=then), "epoch", "loss")
        end[first, then], highest[first, then] = loss[-1] / loss[half], loss[half + 1 :].max() / loss[half]
    after = [row for row in pick(rows, first="bp", then="fa") if row["epoch"] > half]
    cosine = column(after, "cosine").mean()
    words = ", ".join(f"{end['bp', then]:.2f} under {then}" for then in ("fa", "shallow", "bp"))
    found = f"after BP the loss goes to {words}; FA's hidden cosine is {cosine:.2f} then"
    yield "alignment does not always drive the descent (E2)", found, verdict(end["bp", "fa"] < 1 and cosine <= 0)

    breaks = {pair: each > 1.1 for pair, each in highest.items()}
    found = (
        f"at most the loss goes to {highest['bp', 'fa']:.2f} (BP, then FA) and {highest['fa', 'bp']:.2f} (FA, then BP)"
    )
    claim = "a switch from BP to FA breaks what was learned, from FA to BP not (second-hand; E2, cross-entropy)"
    yield claim, found, verdict(breaks["bp", "fa"] and not breaks["fa", "bp"])


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
        "scales": [["fa", 1, 1, 0.1], ["fa", 10, 1, 0.1], ["fa", 1, 10, 0.1], ["fa", 1, 100, 0.1], ["bp", 1, 1, 0.1]],
        "small": 20,
        "small_steps": 40000,
        "push_steps": 10000,
        "draws": 10,
        "walk_steps": 1000,
    },  # fmt: skip
    jobs=jobs,
    work=work,
    draw=draw,
    conclude=conclude,
    source="after the abstract of Chu & Bacho 2023 (arXiv 2306.02325)",
    question="does alignment say which fixed points are stable, and does it drive learning?",
)
