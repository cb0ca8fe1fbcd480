"""Rules on equal terms, in many small jobs: every rule tries every point, and its best one is tested.

A point is a setting of some fields of the protocol: {"lr": 0.1, "hidden_lr": 3.0}. A trial trains one rule at one
point from one seed and measures the error on held-out training examples. When a rule's trials are done, it trains anew
at the point whose mean error was lowest, from seeds that chose nothing, and is measured on the test set, which chooses
nothing. No rule waits for another. Each training is a job, so that many machines can share them.

With `halving` of 3, say, the trials begin with few epochs. After each round the third with the lowest held-out error
goes on, with three times as many, and the last round has the protocol's. A point that starts slowly can lose so.

What a rule is compared on, such as the data, is a case: each case has a choice and a row of its own. A choice at the
edge of three values or more is said to be one: beyond it might lie a better point. The deviation over seeds is that of
weights, feedback and order: all seeds see the same images.
"""

import itertools
import json
import math
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import Executor
from dataclasses import asdict, fields
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ..backend import Streams
from ..data import Dataset
from ..errors import InputError, check_whole, choose, is_number
from ..optim import SGD
from ..rules import RULES
from .experiment import MOST_SEEDS, Experiment, Job, Settings
from .points import Point, by_word, plain, word
from .progress import Progress
from .protocol import Protocol, build, dataset, validate
from .run import Place, run
from .sweep_figure import draw_sweep
from .sweep_table import Judge, columns, error_of, pairs, show, table, times, verdict
from .tables import Rows, pick
from .trial import Checkpoints, held_out_or_test, train

DIGITS = 3  # of a number that is drawn
# Fields that are no point's: what all share, so that the comparison is fair, and what each rule is compared in.
SHARED = ("rules", "seeds", "epochs", "validation", "measured", "data", "device")

# From Python


def sweep(
    protocol: Protocol,
    grid: dict[str, Sequence],
    out: str | Path,
    *,
    cases: dict[str, Settings] | None = None,
    draw: int | None = None,
    tries: int = 1,
    halving: int = 0,
    resume: bool = False,
    force: bool = False,
    progress: Progress | None = None,
    executor: Executor | None = None,
) -> Rows:
    """Tune `protocol.rules` over the product of the grid, {field: values}, or over so many points that are drawn from
    it; return one row a case and rule. All rows are in `out`/history.csv.

    Raises InputError as `sweeping` and `lab.run.run` do.
    """
    points = product(grid) if draw is None else drawn(grid, draw)
    each = sweeping("sweep", protocol, points, cases, tries, halving)
    return run(each, each.settings, out, resume, force, progress, executor)["rows"]


def product(grid: dict[str, Sequence]) -> list[Point]:
    """Every point of a grid, {field: values}. Raises InputError for one without fields or values."""
    checked = check_grid(grid)
    return [dict(zip(checked, values)) for values in itertools.product(*checked.values())]


def drawn(grid: dict[str, Sequence], count: int, seed: int = 0) -> list[Point]:
    """So many random points: of numbers any between the lowest and the highest, evenly on a logarithmic scale where all
    are above 0, and else evenly; whole numbers stay whole, other values are taken as they are. Fewer where there is too
    little to choose from. Raises InputError as `product` does."""
    checked = check_grid(grid)
    check_whole("the number of points to draw", count, 1)
    rng = Streams(seed)("sweep")
    points: list[Point] = []
    for _ in range(100 * count):  # two may be the same where there is little to choose from
        point = {name: draw_value(rng, values) for name, values in checked.items()}
        if point not in points:
            points.append(point)
        if len(points) == count:
            break
    return points


def draw_value(rng: np.random.Generator, values: Sequence) -> Any:
    if not all(is_number(value) and math.isfinite(value) for value in values):
        return values[int(rng.integers(len(values)))]
    low, high = min(values), max(values)
    number = float(np.exp(rng.uniform(*np.log([low, high]))) if low > 0 else rng.uniform(low, high))
    whole = all(isinstance(value, int) for value in values)
    return round(number) if whole else min(max(float(f"{number:.{DIGITS}g}"), low), high)


def check_grid(grid: dict[str, Sequence]) -> dict[str, list]:
    """The grid with plain Python values; NumPy's are taken for what they are."""
    if not grid:
        raise InputError("an empty grid: give several values of a field, such as lr 0.01, 0.03, 0.1")
    found: dict[str, list] = {}
    for name, values in grid.items():
        check_field(name)
        if not isinstance(values, list | tuple | np.ndarray) or not len(values):
            raise InputError(f"an empty grid: {name} needs a list of values, found {values!r}")
        found[name] = [value.item() if isinstance(value, np.generic) else value for value in values]
    return found


def check_field(name: str) -> None:
    choose({each.name: True for each in fields(Protocol)}, name, "field of a protocol")
    if name in SHARED:
        raise InputError(f"{name} cannot be chosen for each rule: it is the same for all of a case, or is a case")


# The experiment


def sweeping(
    name: str,
    protocol: Protocol,
    points: list[Point],
    cases: dict[str, Settings] | None = None,
    tries: int = 1,
    halving: int = 0,
    judge: Judge = lambda settings, table: [],
    quick: Settings | None = None,
    **about: Any,
) -> Experiment:
    """The experiment that chooses one of the points for every rule and case.

    `protocol.validation` examples are held out to choose by, from `tries` seeds; `protocol.seeds` fresh ones test the
    choice. `cases` says what a case changes in the protocol, which may be its rules. `judge` turns the table into
    sentences. `halving` is the factor of successive halving, 0 for none.
    """
    check_whole("tries", tries, 1, MOST_SEEDS)
    check_whole("halving", halving or 2, 2)
    check_whole("seeds", protocol.seeds, 1, MOST_SEEDS)
    settings = {
        "protocol": {key: value for key, value in asdict(protocol).items() if key not in ("rules", "seeds")},
        "rules": list(protocol.rules),
        "points": json.loads(json.dumps(points)),
        "cases": cases or {protocol.net: {}},
        "tries": tries,
        "halving": halving,
        "seeds": protocol.seeds,
    }
    return Experiment(
        name=name,
        settings=settings,
        jobs=jobs,
        more=more,
        cost=cost,
        costs=costs,
        work=work,
        keeps=True,
        draw=partial(draw_sweep, name),
        table=table,
        times=times,
        verdict=partial(verdict, judge),
        grows=("rules", "points", "seeds"),
        check=check,
        quick=quick or {},
        columns=columns,
        show=show,
        **about,
    )


def named(name: str, settings: Settings) -> Experiment:
    """The sweep of these settings, as a folder records them."""
    protocol = Protocol(**settings["protocol"] | {"rules": settings["rules"], "seeds": settings["seeds"]})
    return sweeping(name, protocol, settings["points"], settings["cases"], settings["tries"], settings["halving"])


def of(settings: Settings, case: str, point: Point, **more: Any) -> Protocol:
    """The protocol of a point in a case."""
    changes, shared = settings["cases"][case], {"rules": settings["rules"], "seeds": settings["seeds"]}
    return Protocol(**settings["protocol"] | shared | changes | point | more)


def check(settings: Settings) -> Settings:
    """Raise InputError if the sweep cannot be run. Runs must share the data, test set included."""
    points = settings["points"]
    if not points or not points[0]:
        raise InputError("an empty grid: give points, each a value for the same fields of the protocol")
    for name in points[0]:
        check_field(name)
    if any(point.keys() != points[0].keys() for point in points):
        raise InputError("the points of a sweep must have the same fields")
    if len(by_word(settings)) < len(points):
        raise InputError("the points of a sweep must differ: give each value once")
    marks: dict[str, str] = {}
    for case, changes in settings["cases"].items():
        if plain(case.replace(",", "")) != case.replace(",", "").replace(" ", "_"):
            raise InputError(f"a case's name becomes part of a file's: letters, digits and ,.:+- only, found '{case}'")
        protocol = of(settings, case, {})
        if not protocol.validation:
            raise InputError(f"{case}: hold training examples out to choose by, found a validation of 0")
        for name in points[0]:
            if name in changes or getattr(protocol, f"{name}_of", None):
                raise InputError(f"{case}: {name} is chosen, so the case may not set it, nor {name}_of: it would win")
        if settings["halving"] > protocol.epochs and len(points) > 1:
            raise InputError(
                f"{case}: halving by {settings['halving']} needs as many epochs, found {protocol.epochs}: train "
                "longer, or leave it out"
            )
        found: dict[int | None, Dataset] = {}
        some = one_of_each(points)
        for point in points:
            rules = tuple(protocol.rules)
            each = of(settings, case, point, rules=rules if point in some else rules[:1])
            if each.examples not in found:
                found[each.examples] = dataset(each)
            validate(each, found[each.examples])
        if protocol.data not in marks:
            marks[protocol.data] = dataset(Protocol(net="", data=protocol.data)).fingerprint()
    return {"fingerprints": marks}


def one_of_each(points: list[Point]) -> list[Point]:
    """Few points that have every value of every field. All rules are looked at there, and the first one everywhere."""
    seen: set[tuple[str, str]] = set()
    found = []
    for point in points:
        values = {(name, str(value)) for name, value in point.items()}
        if not values <= seen:
            found.append(point)
            seen |= values
    return found


# Jobs: ("trial" or "test", case, rule, the point's word, seed, epochs)


def jobs(settings: Settings) -> list[Job]:
    """The first trials: every rule at every point in every case."""
    words = list(by_word(settings))
    return [job for case, rule in pairs(settings) for job in trials(settings, case, rule, words, first(settings, case))]


def first(settings: Settings, case: str) -> int:
    return rounds(settings, case)[0][0]


def trials(settings: Settings, case: str, rule: str, words: list[str], epochs: int) -> list[Job]:
    return [("trial", case, rule, each, seed, epochs) for each in words for seed in range(settings["tries"])]


def field(settings: Settings, case: str, name: str) -> Any:
    """A field of the protocol in a case, where it is no point's."""
    return (settings["protocol"] | settings["cases"][case])[name]


def rounds(settings: Settings, case: str) -> list[tuple[int, int]]:
    """[(epochs, points)] of the rounds of the trials; without halving there is one."""
    factor, last, left = settings["halving"], field(settings, case, "epochs"), len(settings["points"])
    counts = [left]
    while factor and left > 1 and last // factor ** len(counts):
        left = -(-left // factor)
        counts.append(left)
    return [(last // factor ** (len(counts) - 1 - place) if factor else last, n) for place, n in enumerate(counts)]


def more(settings: Settings, rows: dict[Job, Rows], job: Job) -> list[Job]:
    """When the last trial of a rule's round has ended, its next round; after the last round its tests."""
    stage, case, rule, _, _, epochs = job
    plan = rounds(settings, case)
    place = [each for each, _ in plan].index(epochs)
    of_round = trials(settings, case, rule, list(by_word(settings)), epochs)
    found = [row for each in of_round for row in rows.get(each, [])]
    if stage == "test" or len(found) < plan[place][1] * settings["tries"]:
        return []
    best = best_words(settings, found)
    if place + 1 < len(plan):
        epochs, points = plan[place + 1]
        return trials(settings, case, rule, best[:points], epochs)
    seeds = range(settings["tries"], settings["tries"] + settings["seeds"])
    return [("test", case, rule, best[0], seed, epochs) for seed in seeds]


def best_words(settings: Settings, trials: Rows) -> list[str]:
    """The words of these trials' points in rising order of their mean held-out error; equals stay in order."""
    words = [each for each in by_word(settings) if pick(trials, point=each)]
    return sorted(words, key=lambda each: error_of(pick(trials, point=each)))


def cost(settings: Settings, stage: str, case: str, rule: str, point: str, seed: int, epochs: int) -> float:
    """Examples that are trained on, in all epochs that no earlier round has done."""
    before = [each for each, _ in rounds(settings, case) if each < epochs]
    own = epochs - (before[-1] if before and stage == "trial" else 0)
    chosen = by_word(settings)[point] if "examples" in settings["points"][0] else {}
    return own * float(chosen.get("examples") or field(settings, case, "examples") or 60_000)


def costs(settings: Settings) -> float:
    """Of all jobs, whichever points go on: see `count`."""
    total = 0.0
    each = word(settings["points"][0])
    for case, rule in pairs(settings):
        for epochs, points in rounds(settings, case):
            total += points * settings["tries"] * cost(settings, "trial", case, rule, each, 0, epochs)
        total += settings["seeds"] * cost(settings, "test", case, rule, each, 0, epochs)
    return total


def count(settings: Settings) -> int:
    """How many jobs a sweep has, in all."""
    tried = [sum(points for _, points in rounds(settings, case)) * settings["tries"] for case, _ in pairs(settings)]
    return sum(tried) + len(tried) * settings["seeds"]


# Work


def work(
    settings: Settings, stage: str, case: str, rule: str, point: str, seed: int, epochs: int, place: Place
) -> Rows:
    """The row of one training."""
    chosen = by_word(settings)[point]
    protocol = of(settings, case, chosen)
    mark = place.about["fingerprints"][protocol.data]
    examples = held_out_or_test(protocol.data, protocol.validation, protocol.examples, stage, mark)
    checkpoints = Checkpoints(place, epochs, protocol.epochs)
    place.began = time.perf_counter()  # the data are read once a process: that is no rule's time
    row = train(protocol, rule, seed, examples, epochs, checkpoints)
    checkpoints.end()
    if stage == "trial":  # what stood in the test set's place
        row = {name.replace("test_", "held_out_"): value for name, value in row.items()}
    about = {"case": case, "rule": rule, "stage": stage, "seed": seed, "epochs": epochs, "point": point}
    return [about | {name: value for name, value in chosen.items() if name not in row} | row]


# How long it will take, and who takes part


def fitting(protocols: Iterable[Protocol]) -> tuple[list[str], list[str]]:
    """(the rules that fit the nets of all these protocols, the others)."""
    found = dict.fromkeys(RULES, True)
    for protocol in protocols:
        examples = dataset(protocol)
        for name in found:
            try:
                bound, loss = build(protocol, name, 0, examples)[1:3]
                bound.check_loss(loss)
            except InputError:
                found[name] = False
    return [name for name, fits in found.items() if fits], [name for name, fits in found.items() if not fits]


def estimate(settings: Settings) -> float:
    """The seconds of one core that a sweep will take, from a few batches of one rule in each case. Rules differ by a
    factor of several."""
    from ..learn import prepare, run_epoch

    total = 0.0
    for case in settings["cases"]:
        protocol = of(settings, case, settings["points"][0])
        examples, rule = dataset(protocol), protocol.rules[len(protocol.rules) // 2]
        net, bound, loss, *_ = build(protocol, rule, 0, examples)
        x, target = prepare(net, examples)[:2]
        some = np.arange(min(10 * protocol.batch_size, len(x)))
        for _ in range(2):  # the first finds no cache warm
            began = time.perf_counter()
            run_epoch(net, bound, loss, SGD(1e-6), x, target, some, protocol.batch_size)
            seconds = (time.perf_counter() - began) / len(some)
        own = settings | {"cases": {case: settings["cases"][case]}}
        total += seconds * costs(own)
    return total
