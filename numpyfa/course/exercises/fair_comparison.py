"""Exercises of notebook 11: a fair comparison."""

import warnings
from typing import Any

import numpy as np

from ..exercise import Identity, call, exercise


def quietly(answer: Any, *arguments: Any) -> Any:
    """A call without NumPy's warnings, such as that one seed has no deviation."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return call(answer, *arguments)


# -- Holding out -----------------------------------------------------------------------------------------------------


def to_split(rng, n, square):
    """How many examples there are, how many to hold out, and a seed."""
    return int(rng.integers(60, 90)), int(rng.integers(15, 25)), int(rng.integers(1, 1000))


def in_words(answer, n, held_out, seed):
    """What is to be seen of a split: two that are right may hold out different examples."""
    found = answer(n, held_out, seed)
    if found is None or found is ...:
        return None
    not_places = kind_of(found)
    if not_places:
        return (not_places,) * 8
    kept, held = map(np.asarray, found)
    again, another = (answer(n, held_out, other) for other in (seed, seed + 1))
    both, either = np.intersect1d(kept, held), np.union1d(kept, held)
    twice = len(np.unique(kept)) < len(kept) or len(np.unique(held)) < len(held)
    return (
        numbered(len(held), held_out, "held out", twice),
        numbered(len(kept), n - held_out, "kept", twice),
        f"{'all' if len(held) and len(both) == len(held) else 'some' if len(both) else 'none'} of them in both parts",
        f"{'some' if twice else 'none'} twice in a part",
        f"{'not all' if len(either) != n or either[0] != 0 or either[-1] != n - 1 else 'all'} of the n in a part",
        "neighbours in the file" if len(held) and np.ptp(held) == len(held) - 1 else "drawn from the whole file",
        "the same for the same seed" if same_split((kept, held), again) else "not the same for the same seed",
        "the same for every seed" if same_split((kept, held), another) else "others for another seed",
    )


def kind_of(found):
    """What the two parts are in one word or two, or nothing if they are arrays of places."""
    if not isinstance(found, (tuple, list, np.ndarray)) or len(found) != 2:
        return "not two parts"
    if any(isinstance(part, (set, frozenset)) for part in found):
        return "sets"
    parts = [np.asarray(part) for part in found]
    if any(part.dtype == bool for part in parts):
        return "masks"
    places = all(part.ndim == 1 and (part.dtype.kind in "iu" or not part.size) for part in parts)
    return "" if places else "not arrays of whole numbers"


def numbered(found, due, what, twice):
    """How many: by how many too many or too few, which is luck where places were drawn twice."""
    if found == due:
        return f"as many {what} as asked for"
    return f"none {what}" if found == 0 else f"another number {what}" if twice else f"{found - due:+d} {what}"


def same_split(one, other):
    return all(np.array_equal(a, b) for a, b in zip(one, other))


@exercise(
    "fair.split",
    draw=to_split,
    run=in_words,
    batch=False,
    hints=(
        "Put the places 0 to n - 1 in a random order, once. Then cut this one order in two.",
        "np.random.default_rng(seed).permutation(n) is that order. No place may be in both parts, and none be lost.",
        "order[held_out:] is kept, and order[:held_out] is held out.",
    ),
)
def split(n, held_out, seed):
    order = np.random.default_rng(seed).permutation(n)
    return order[held_out:], order[:held_out]


@split.wrong(
    "empty",
    "nothing is held out: order[n:] of n places is empty. A mean over it is NaN, or a loop over it says nothing at all",
)
def _(n, held_out, seed):
    order = np.random.default_rng(seed).permutation(n)
    return order[:n], order[n:]


@split.wrong(
    "overlap", "what is held out is trained on as well: you keep all n, and the held-out error will be a training error"
)
def _(n, held_out, seed):
    order = np.random.default_rng(seed).permutation(n)
    return order, order[:held_out]


@split.wrong(
    "drawn twice", "the two parts are drawn each for itself, so that some examples are in both: cut one order in two"
)
def _(n, held_out, seed):
    rng = np.random.default_rng(seed)
    return rng.permutation(n)[held_out:], rng.permutation(n)[:held_out]


@split.wrong("with replacement", "some examples are held out twice: they are drawn with replacement")
def _(n, held_out, seed):
    held = np.random.default_rng(seed).integers(n, size=held_out)
    return np.setdiff1d(np.arange(n), held), held


@split.wrong(
    "in the file's order",
    "the examples held out are neighbours in the file: files are often sorted by class or by writer, so draw them",
)
def _(n, held_out, seed):
    return np.arange(n - held_out), np.arange(n - held_out, n)


@split.wrong("the other way round", "the parts are the other way round: first what is kept, then what is held out")
def _(n, held_out, seed):
    order = np.random.default_rng(seed).permutation(n)
    return order[:held_out], order[held_out:]


@split.wrong("one lost", "an example is lost between the two parts: order[:k] ends before k, and order[k:] begins at k")
def _(n, held_out, seed):
    order = np.random.default_rng(seed).permutation(n)
    return order[held_out + 1 :], order[:held_out]


@split.wrong("masks", "these are masks, True and False for each of the n: places are asked for, as of np.flatnonzero")
def _(n, held_out, seed):
    held = np.isin(np.arange(n), split.solution(n, held_out, seed)[1])
    return ~held, held


@split.wrong("sets", "these are sets, and a set cannot index an array: give arrays, such as np.array(sorted(...))")
def _(n, held_out, seed):
    return tuple(set(part.tolist()) for part in split.solution(n, held_out, seed))


@split.wrong(
    "without the seed", "the same seed gives another split each time: hand the seed to np.random.default_rng(seed)"
)
def _(n, held_out, seed):
    order = np.random.default_rng().permutation(n)
    return order[held_out:], order[:held_out]


@split.wrong("one for every seed", "the split is the same for every seed: you fixed one instead of taking `seed`")
def _(n, held_out, seed):
    order = np.random.default_rng(0).permutation(n)
    return order[held_out:], order[:held_out]


# -- Seeds -----------------------------------------------------------------------------------------------------------


def of_seeds(rng, n, square):
    """The errors of n seeds in %."""
    return (rng.uniform(5, 30) + rng.standard_normal(n),)


@exercise(
    "fair.spread",
    draw=of_seeds,
    run=quietly,
    batch=False,
    hints=(
        "The mean, and the root of the mean square of what the seeds are away from it: but by what do you divide?",
        "The mean was taken from the same n numbers, so n - 1 of the differences are free: divide by n - 1.",
        "errors.mean() and errors.std(ddof=1); of one seed the latter is NaN, which is right: nothing is known.",
    ),
)
def spread(errors):
    return errors.mean(), errors.std(ddof=1)


@spread.wrong(
    "n",
    "the deviation is divided by n: the mean is of the same numbers, so divide by n - 1 (NumPy's std does with ddof=1)",
)
def _(errors):
    return errors.mean(), errors.std()


@spread.wrong(
    "one seed",
    "right but for one seed, of which you say that it deviates by 0: nothing is known of the others, so say NaN",
)
def _(errors):
    return errors.mean(), errors.std(ddof=1) if len(errors) > 1 else 0.0


@spread.wrong(
    "standard error",
    "this is the standard error of the mean, the deviation by the root of n: here that of single seeds is asked for",
)
def _(errors):
    return errors.mean(), errors.std(ddof=1) / len(errors) ** 0.5


@spread.wrong("variance", "this is the variance: its root is in the unit of the errors")
def _(errors):
    return errors.mean(), errors.var(ddof=1)


@spread.wrong("around zero", "the deviation is from the mean, and you take it from 0: subtract the mean first")
def _(errors):
    return errors.mean(), np.sqrt((errors**2).sum() / (len(errors) - 1))


@spread.wrong("best seed", "this reports the best seed: the mean over all seeds is asked for")
def _(errors):
    return errors.min(), errors.std(ddof=1)


@spread.wrong("range", "this is the distance of the worst from the best seed, which grows with the number of seeds")
def _(errors):
    return errors.mean(), np.ptp(errors)


# -- Two rules -------------------------------------------------------------------------------------------------------


def two_rules(rng, n, square):
    """The errors of two rules for the same seeds, which have much in common."""
    common = 15 + 2 * rng.standard_normal(n + 2)
    return common + 0.5 * rng.standard_normal(n + 2), common + rng.normal(0, 1) + 0.5 * rng.standard_normal(n + 2)


def what_is_shared(answer, a, b):
    """How far the answer moves when each seed becomes harder, for both rules alike."""
    harder = np.linspace(0, 40, len(a)) ** 1.5
    return np.abs(np.subtract(answer(a + harder, b + harder), answer(a, b))).max()


@exercise(
    "fair.paired",
    draw=two_rules,
    run=quietly,
    batch=False,
    identity=Identity("what both rules share in a seed does not change it", what_is_shared),
    hints=(
        "a[s] and b[s] are of the same seed. Subtract first, and then it is one list of numbers.",
        "The mean of the differences varies less than one of them, by the root of their number.",
        "d = a - b; the difference is d.mean(), its standard error d.std(ddof=1) / len(d) ** 0.5.",
    ),
)
def paired(a, b):
    d = a - b
    return d.mean(), d.std(ddof=1) / len(d) ** 0.5


@paired.wrong(
    "unpaired",
    "this takes the two for independent: a[s] and b[s] share images and weights, so subtract seed by seed first",
)
def _(a, b):
    return a.mean() - b.mean(), ((a.var(ddof=1) + b.var(ddof=1)) / len(a)) ** 0.5


@paired.wrong(
    "deviation",
    "this is the deviation of one seed's difference: that of the mean of n is smaller, by the root of n",
)
def _(a, b):
    return (a - b).mean(), (a - b).std(ddof=1)


@paired.wrong("n", "the deviation is divided by n, not n - 1: ddof=1")
def _(a, b):
    return (a - b).mean(), (a - b).std() / len(a) ** 0.5


@paired.wrong("divided by n", "the deviation is to be divided by the root of n, and you divide by n")
def _(a, b):
    return (a - b).mean(), (a - b).std(ddof=1) / len(a)


@paired.wrong("the other way round", "this is b minus a: below 0 should mean that a has the smaller error")
def _(a, b):
    return (b - a).mean(), (b - a).std(ddof=1) / len(a) ** 0.5


@paired.wrong("sorted", "you sort the errors first, and so compare the best seed of one with the best of the other")
def _(a, b):
    return paired.solution(np.sort(a), np.sort(b))


@paired.wrong("absolute", "with the absolute differences no rule can be better than the other: keep the signs")
def _(a, b):
    return paired.solution(np.abs(a - b), np.zeros(len(a)))


# -- Choosing --------------------------------------------------------------------------------------------------------


def trials(rng, n, square):
    """The errors of 12 settings with n seeds; one setting diverged with one of its seeds.

    The best one by the mean is the best by no single seed, and not by the median, the least or the largest of them.
    """
    best, mostly, even, lost, *lucky = rng.permutation(12)
    errors = {part: level + rng.uniform(0, 4, (12, 1)) + rng.standard_normal((12, n))
              for part, level in (("train", 2), ("test", 15))}  # fmt: skip
    errors["held out"] = held = rng.uniform(19, 23, (12, 1)) + rng.uniform(-1, 1, (12, n))
    held[best] = rng.uniform(14, 16, n)
    if n > 1:
        held[even] = held[best].mean() + rng.uniform(0.1, 0.2, n)
        held[mostly] = held[best] - 0.3
        held[mostly, rng.integers(n)] += 10
        held[lucky[:n], range(n)] = rng.uniform(12.5, 13.5, n)
        held[lucky[1], 1] = 12.0  # the least of all is of neither the first seed nor the last
    if n % 2:  # with its other seeds it would be the best
        held[lost] = held.min() - 1
    held[lost, -1] = np.nan
    return (errors,)


@exercise(
    "fair.choose",
    draw=trials,
    run=quietly,
    batch=False,
    hints=(
        'errors["held out"] is (settings, seeds): first the mean of each setting over its seeds.',
        "The mean of a setting is NaN if one of its seeds diverged. np.argmin would take it for the smallest.",
        'np.nanargmin(errors["held out"].mean(axis=1)): NaN stays in the mean, and is passed over in the choice.',
    ),
)
def choose(errors):
    return int(np.nanargmin(errors["held out"].mean(axis=1)))


@choose.wrong("by the test set", "you choose by the test set: what is then reported is the luck of the choice as well")
def _(errors):
    return int(np.argmin(errors["test"].mean(axis=1)))


@choose.wrong(
    "by the training set", "you choose by the training error: it prefers what over-fits; choose by what was held out"
)
def _(errors):
    return int(np.argmin(errors["train"].mean(axis=1)))


@choose.wrong(
    "best seed", "you choose the setting with the best single seed: take the mean over the seeds, and then the lowest"
)
def _(errors):
    return int(np.nanargmin(np.nanmin(errors["held out"], axis=1)))


@choose.wrong("the first seed", "you choose by the first seed alone: take the mean over the seeds, and then the lowest")
def _(errors):
    return int(np.nanargmin(errors["held out"][:, 0]))


@choose.wrong("the last seed", "you choose by the last seed alone: take the mean over the seeds, and then the lowest")
def _(errors):
    return int(np.nanargmin(errors["held out"][:, -1]))


@choose.wrong("worst seed", "you choose by each setting's worst seed: take the mean over the seeds")
def _(errors):
    return int(np.nanargmin(errors["held out"].max(axis=1)))


@choose.wrong("median", "you take the median over the seeds, which passes over a seed that went badly: take the mean")
def _(errors):
    return int(np.nanargmin(np.median(errors["held out"], axis=1)))


@choose.wrong(
    "without what diverged",
    "you leave out the seeds that diverged: a setting that diverges once in a while is not a good one",
)
def _(errors):
    return int(np.nanargmin(np.nanmean(errors["held out"], axis=1)))


@choose.wrong("NaN wins", "np.argmin takes NaN for the smallest: you chose the setting that diverged")
def _(errors):
    return int(np.argmin(errors["held out"].mean(axis=1)))


@choose.wrong("highest", "this is the setting with the highest error: these are errors, not accuracies")
def _(errors):
    return int(np.nanargmax(errors["held out"].mean(axis=1)))


# -- The grid --------------------------------------------------------------------------------------------------------


def grids(rng, n, square):
    """A grid of four settings in any order of their values, and a choice from it, at the edge or not."""
    grid = {
        "output": [0.03, 0.1, 0.3, 1.0],
        "hidden": [0.1, 1.0, 10.0],
        "momentum": [0.0, 0.9],
        "decay": [0.0, 1e-4, 1e-3, 1e-2, 0.1],
    }
    grid = {name: [float(value) for value in rng.permutation(values)] for name, values in grid.items()}
    return grid, {name: float(rng.choice(values)) for name, values in grid.items()}


def named(answer, grid, chosen):
    """The names in one line, in the alphabet's order."""
    found = answer(grid, chosen)
    if found is None or found is ... or isinstance(found, (bool, np.bool_)):
        return found
    return " and ".join(sorted(str(each) for each in ([found] if isinstance(found, str) else found))) or "none"


@exercise(
    "fair.edge",
    draw=grids,
    run=named,
    batch=False,
    hints=(
        "Go through the names of the grid; for each look at the smallest and the largest of its values.",
        "Of two values each lies at an edge, which says nothing: ask for three values or more.",
        "[name for name, values in grid.items() if len(values) > 2 and chosen[name] in (min(values), max(values))]",
    ),
)
def edge(grid, chosen):
    return [name for name, values in grid.items() if len(values) > 2 and chosen[name] in (min(values), max(values))]


@edge.wrong("by place", "you take the first and last value of the list: the values may stand in any order")
def _(grid, chosen):
    return [name for name, values in grid.items() if len(values) > 2 and chosen[name] in (values[0], values[-1])]


@edge.wrong(
    "lower edge left out", "you look at the largest value alone: a better one may lie below the smallest as well"
)
def _(grid, chosen):
    return [name for name, values in grid.items() if len(values) > 2 and chosen[name] == max(values)]


@edge.wrong(
    "upper edge left out", "you look at the smallest value alone: a better one may lie above the largest as well"
)
def _(grid, chosen):
    return [name for name, values in grid.items() if len(values) > 2 and chosen[name] == min(values)]


@edge.wrong("two values", "of two values each lies at an edge, so that this says nothing: ask for three values or more")
def _(grid, chosen):
    return [name for name, values in grid.items() if chosen[name] in (min(values), max(values))]


@edge.wrong("the others", "these are the settings that are not at the edge")
def _(grid, chosen):
    return [name for name in grid if name not in edge.solution(grid, chosen)]


@edge.wrong("values", "these are the values that were chosen: their names are asked for")
def _(grid, chosen):
    return [chosen[name] for name in edge.solution(grid, chosen)]
