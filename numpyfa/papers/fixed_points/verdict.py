"""The claims, each beside what was found and whether that supports it."""

from collections.abc import Iterator, Sequence

import numpy as np

from ...lab.experiment import Row, Settings
from ...lab.tables import Rows, column, over_seeds, pick

WINDOWS = ((0, 60), (60, 400), (400, np.inf))  # of steps, in E6
Claim = tuple[str, str, str]  # what is claimed, what was found, whether that supports it


def table(settings: Settings, rows: Rows) -> Rows:
    claims = [
        from_scratch(pick(rows, part="scratch")),
        random_walk(pick(rows, part="walk")),
        *extrema(settings, pick(rows, part="rest", solution="fa")),
        *stability(pick(rows, part="feedback", at="as trained"), "as trained"),
        *stability(pick(rows, part="feedback", at="polished"), "polished"),
        pushes(pick(rows, part="push")),
        *scale_claims(pick(rows, part="scale")),
        *switches(settings["epochs"] // 2, pick(rows, part="switch")),
    ]
    return [dict(zip(("claim", "found", "supported"), claim)) for claim in claims]


def verdict(settings: Settings, table: Rows) -> list[str]:
    """Each claim with its answer."""
    return [f"{row['claim']}: {row['supported']}" for row in table]


def yes_or_no(yes: object, no: str = "no") -> str:
    return "yes" if yes else no


def from_scratch(rows: Rows) -> Claim:
    last = [row for row in rows if row["epoch"] == max(each["epoch"] for each in rows)]
    cosines = [column(last, name).mean() for name in ("cosine_1", "cosine_2")]
    start = [column([row for row in rows if row["epoch"] == 0], name).mean() for name in ("cosine_1", "cosine_2")]
    found = (
        f"the cosines of layers 1 and 2 go from {start[0]:.2f}, {start[1]:.2f} to {cosines[0]:.2f}, {cosines[1]:.2f}"
    )
    return "FA aligns with the gradient (E1)", found, yes_or_no(min(cosines) > 0.5)


def random_walk(rows: Rows) -> Claim:
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


def extrema(settings: Settings, rows: Rows) -> Iterator[Claim]:
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
        yield claim, found, yes_or_no(gradient < 10 * update)


def stability(rows: Rows, at: str) -> Iterator[Claim]:
    """Two claims: that one acute angle tells stable from unstable, and that acute angles for every E do."""
    stable, unstable = ([row for row in rows if (row["least"] > 0) == yes] for yes in (True, False))
    where = f"(E4, solutions {at})"
    every = f"acute angles for every E, S + S^T positive definite, are one {where}"
    if not stable or not unstable:
        found = f"all {len(rows)} cases are {'stable' if stable else 'unstable'}"
        yield f"an acute angle is a criterion of stability {where}", found, "not decided"
        yield every, found, "not decided"
        return

    def counts(name: str) -> str:
        """In how many cases a number is positive."""
        yes, no = (sum(row[name] > 0 for row in each) for each in (stable, unstable))
        return f"in {yes} of {len(stable)} stable and {no} of {len(unstable)} unstable cases"

    own, random = pick(rows, solution="fa", kind="own"), pick(rows, kind="random")
    high, low = column(unstable, "cosine"), column(stable, "cosine")
    found = (
        f"at losses of {span(column(rows, 'loss'))}: FA's solutions with their own B: cosine "
        f"{span(column(own, 'cosine'))}, least real part of S {span(column(own, 'least'))}; BP's and FA's solutions "
        f"with {len(random)} random B: cosine {span(column(random, 'cosine'))}, "
        f"{sum(row['least'] < 0 for row in random)} unstable; with B mixed with W_2^T too, the stable cases have "
        f"cosines from {low.min():.2f}, the unstable ones up to {high.max():.2f}. The hidden layer's angle is acute "
        f"{counts('cosine')}, that of all layers {counts('cosine_all')}"
    )
    separate = low.min() > high.max()
    yield f"an acute angle is a criterion of stability {where}", found, yes_or_no(separate, "in part: the two overlap")

    least = column(own, "least_symmetric")
    found = f"{counts('least_symmetric')}; least eigenvalue of (S + S^T) / 2 at FA's own solutions {span(least)}"
    missed = sum(row["least_symmetric"] <= 0 for row in stable)
    wrong = sum(row["least_symmetric"] > 0 for row in unstable)
    answer = f"{'not sufficient' if wrong else 'sufficient'}, {'not necessary' if missed else 'and necessary here'}"
    yield every, found, answer


def pushes(rows: Rows) -> Claim:
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
    return claim, f"the loss grows: {'; '.join(words)}", yes_or_no(yes)


SCALED = ("rule", "sW", "sB", "lr", "hidden_lr")


def by_net(rows: Rows) -> Rows:
    """A row for each net of E5, means over seeds: the errors and the cosine at the end, and the cosine while the error
    falls, all the way (`falling`) and below what the output layer alone comes to from such weights (`below`)."""
    alone = {row["sW"]: row["test_error"] for row in ends(pick(rows, rule="shallow"))}
    nets = []
    for net in ends(rows):
        own = pick(rows, **{name: net[name] for name in SCALED})
        runs = [pick(own, seed=seed) for seed in dict.fromkeys(row["seed"] for row in own)]
        limits = {"falling": np.inf, "below": alone.get(net["sW"], np.inf)}
        nets.append(net | {name: mean([while_falling(run, limit) for run in runs]) for name, limit in limits.items()})
    return nets


def ends(rows: Rows) -> Rows:
    """A row for each net of E5: the means over seeds at the last look."""
    nets = []
    for key in dict.fromkeys(tuple(row[name] for name in SCALED) for row in rows):
        own = pick(rows, **dict(zip(SCALED, key)))
        last = pick(own, epoch=max(row["epoch"] for row in own))
        found = {name: mean(column(last, name)) for name in ("train_error", "test_error", "cosine")}
        nets.append(dict(zip(SCALED, key)) | found)
    return nets


def mean(values: Sequence[float] | np.ndarray) -> float:
    return float(np.mean(values))


def while_falling(run: Rows, below: float = np.inf) -> float:
    """The mean cosine of a run, weighted by how much the test error falls meanwhile: by the logarithm of the factor
    from one look to the next of the lowest error so far, so that a halving counts alike early and late. What falls
    above `below` does not count; NaN if nothing does."""
    lowest = np.log(np.minimum(np.minimum.accumulate(column(run, "test_error")), below))
    cosine, falls = column(run, "cosine"), lowest[:-1] - lowest[1:]
    return float((falls * (cosine[:-1] + cosine[1:]) / 2).sum() / falls.sum()) if falls.any() else np.nan


def scale_claims(rows: Rows) -> Iterator[Claim]:
    """Three claims of E5."""
    nets = by_net(rows)
    fa = sorted(pick(nets, rule="fa"), key=lambda net: net["test_error"])
    good = [net for net in fa if net["test_error"] < 1.3 * fa[0]["test_error"]]
    words = "; ".join(
        f"{in_words(net)}: {or_never(net['below'])}, {or_never(net['falling'])} and {net['cosine']:.2f}, "
        f"{net['test_error']:.1f} %"
        for net in fa
    )
    found = (
        f"cosine while the error falls below that of the output layer alone (never: it does not), while it falls at "
        f"all, and at the end; test error: {words}"
    )
    least = min((net["below"] for net in good if net["below"] == net["below"]), default=np.nan)  # no NaN
    claim = "alignment while the error falls is necessary for performance (E5)"
    yield claim, found, "no" if least <= 0 else f"not refuted: {least:.2f} or more in nets within 1.3 times the best"

    pairs = [(a, b) for a in fa for b in fa
             if a["cosine"] > b["cosine"] + 0.1 and a["test_error"] > 2 * b["test_error"]]  # fmt: skip
    found = "no such pair"
    if pairs:
        widest = max(pairs, key=lambda pair: pair[0]["test_error"] / pair[1]["test_error"])
        found = "; ".join(
            f"{in_words(net)}: cosine {net['cosine']:.2f}, test error {net['test_error']:.1f} %" for net in widest
        )
    yield "of two nets the better aligned at the end can err twice as often (E5)", found, yes_or_no(pairs)
    yield generalisation(nets)


def or_never(cosine: float) -> str:
    return "never" if np.isnan(cosine) else f"{cosine:.2f}"


def generalisation(nets: Rows) -> Claim:
    """FA beside BP, whose hidden layers take larger steps too, among the nets that make no error in training."""
    known = [net for net in nets if net["train_error"] == 0]
    words = "; ".join(f"{in_words(net)}: {net['test_error']:.1f} %" for net in known if net["rule"] != "shallow")
    found = f"test error of the nets without training error: {words or 'there is none'}"
    fa, bp = ([net["test_error"] for net in pick(known, rule=rule)] for rule in ("fa", "bp"))
    answer = (
        yes_or_no(min(fa) < min(bp), "no: not than BP with a larger step in the hidden layers")
        if fa and bp
        else "not decided"
    )
    return "FA generalises better than BP (E5)", found, answer


def in_words(net: Row) -> str:
    """What of a net was scaled."""
    usual = {"sW": 1, "sB": 1, "lr": 0.1, "hidden_lr": 1}
    names = {"sW": "sW", "sB": "sB", "lr": "step", "hidden_lr": "hidden step times"}
    scaled = [f"{names[name]} {net[name]:g}" for name, each in usual.items() if net[name] != each]
    return " ".join([net["rule"].upper(), *scaled])


def switches(half: int, rows: Rows) -> Iterator[Claim]:
    """Two claims from the means over seeds: the loss relative to that at the switch, at the end and at its highest."""
    end, highest = {}, {}
    for first, then in dict.fromkeys((row["first"], row["then"]) for row in rows):
        t, loss, _ = over_seeds(pick(rows, first=first, then=then), "epoch", "loss")
        end[first, then], highest[first, then] = loss[-1] / loss[half], loss[half + 1 :].max() / loss[half]
    after = [row for row in pick(rows, first="bp", then="fa") if row["epoch"] > half]
    cosine = column(after, "cosine").mean()
    words = ", ".join(f"{end['bp', then]:.2f} under {then}" for then in ("fa", "shallow", "bp"))
    found = f"after BP the loss goes to {words}; FA's hidden cosine is {cosine:.2f} then"
    yield "alignment does not always drive the descent (E2)", found, yes_or_no(end["bp", "fa"] < 1 and cosine <= 0)

    breaks = {pair: each > 1.1 for pair, each in highest.items()}
    found = (
        f"at most the loss goes to {highest['bp', 'fa']:.2f} (BP, then FA) and {highest['fa', 'bp']:.2f} (FA, then BP)"
    )
    claim = "a switch from BP to FA breaks what was learned, from FA to BP not (second-hand; E2, cross-entropy)"
    yield claim, found, yes_or_no(breaks["bp", "fa"] and not breaks["fa", "bp"])


def span(values: Sequence[float] | np.ndarray) -> str:
    low, high = min(values), max(values)
    return f"{low:.2g} to {high:.2g}"
