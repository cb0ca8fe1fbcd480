"""The experiment that compares rules on equal terms: each is given learning rates of its own, by one budget for all.

A job takes one rule in one case. It trains with every setting of the grid and measures the error on held-out training
examples; the setting with the lowest error is then trained anew on the same examples, from seeds that chose nothing,
and measured on the test set. No rule is tried more often than another, and the test set chooses nothing. A choice at
the edge of three values or more is said to be one: beyond it might lie a better setting. The deviation over seeds is
that of weights, feedback and order: all seeds see the same images.
"""

import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from functools import partial
from typing import Any

import numpy as np

from ..backend import Streams, to_device
from ..data import Dataset, flip_and_crop
from ..errors import Diverged, InputError
from ..learn import evaluate, measure_alignment, prepare, run_epoch
from .experiment import Experiment, Job, Row, Settings
from .protocol import Protocol, build, dataset, validate
from .tables import Rows, by_layer, in_lines, pick
from .training import mean_and_sd
from .tuning_figure import draw_tuned

Judge = Callable[[Settings, Rows], list[str]]
MEASURED = ("train_error", "test_error", "loss", "test_loss")


def tuned(
    name: str,
    protocol: Protocol,
    grid: dict[str, list],
    cases: dict[str, Settings] | None = None,
    tries: int = 1,
    quick: Settings | None = None,
    judge: Judge = lambda settings, table: [],
    **about: Any,
) -> Experiment:
    """The experiment that tunes the fields of `grid` for every rule and case.

    `protocol.validation` examples are held out to choose by, from `tries` seeds; `protocol.seeds` fresh ones test it.
    `cases` says what a case changes in the protocol, which may be its rules. `judge` turns the table into sentences.
    """
    settings = {
        "protocol": asdict(protocol),
        "grid": grid,
        "cases": cases or {protocol.net: {}},
        "tries": tries,
        "seeds": protocol.seeds,
    }
    return Experiment(
        name=name,
        settings=settings,
        jobs=jobs,
        work=work,
        draw=partial(draw_tuned, name),
        table=table,
        verdict=partial(verdict, judge),
        check=check,
        quick=quick or {},
        columns=columns,
        show=show,
        **about,
    )


def of_case(settings: Settings, case: str) -> Protocol:
    """The protocol of one case, with the settings' number of seeds."""
    return Protocol(**settings["protocol"] | settings["cases"][case] | {"seeds": settings["seeds"]})


def jobs(settings: Settings) -> list[Job]:
    """Every rule in every case."""
    return [(case, rule) for case in settings["cases"] for rule in of_case(settings, case).rules]


def check(settings: Settings) -> Settings:
    """Raise InputError if one of the protocols cannot be run or nothing is held out. Runs must share the data."""
    marks = {}
    for case in settings["cases"]:
        protocol = of_case(settings, case)
        if not protocol.validation:
            raise InputError(f"{case}: hold training examples out to choose by, found a validation of 0")
        for name in settings["grid"]:
            if getattr(protocol, f"{name}_of", ()):
                raise InputError(f"{case}: {name} is in the grid, so {name}_of must be empty: it would win every time")
        for setting in combinations(settings):
            marks[case] = validate(replace(protocol, **setting)).fingerprint()
    return {"fingerprints": marks}


def combinations(settings: Settings) -> Iterator[Settings]:
    """Every setting of the grid."""
    grid = settings["grid"]
    return (dict(zip(grid, values)) for values in itertools.product(*grid.values()))


def work(settings: Settings, case: str, rule: str) -> Rows:
    """The rows of the trials, then those of the tests of what they chose."""
    protocol, tries = of_case(settings, case), settings["tries"]
    about = {"case": case, "rule": rule}
    trials: Rows = []
    held_out = dataset(protocol, download=False)
    for setting in combinations(settings):
        for seed in range(tries):
            row = train(replace(protocol, **setting), rule, seed, held_out)
            trials.append(about | {"stage": "trial", "seed": seed} | setting | row)
    chosen = choose(settings, trials)
    final, examples = replace(protocol, **chosen), with_test_set(held_out, dataset(replace(protocol, validation=0)))
    tests = []
    for seed in range(tries, tries + settings["seeds"]):
        row = train(final, rule, seed, examples)
        tests.append(about | {"stage": "test", "seed": seed} | chosen | row)
    return trials + tests


def with_test_set(held_out: Dataset, whole: Dataset) -> Dataset:
    """The training examples of the trials, so that none that was held out is trained on, with the test set."""
    x, y = held_out.x_train, held_out.y_train
    return Dataset(whole.name, x, y, whole.x_test, whole.y_test, whole.classes)


def choose(settings: Settings, trials: Rows) -> Settings:
    """The setting whose mean held-out error is lowest; the first of equals. One that diverged counts as the worst."""
    return min(combinations(settings), key=lambda setting: error_of(pick(trials, **setting)))


def error_of(rows: Rows) -> float:
    """The mean error; infinite where a run diverged."""
    mean = float(np.mean([row["test_error"] for row in rows]))
    return math.inf if math.isnan(mean) else mean


def train(protocol: Protocol, rule_name: str, seed: int, examples: Dataset) -> Row:
    """Train one net; what is measured after the last epoch. All of it is NaN if the training diverged."""
    net, rule, loss, optimizer, feedback_optimizer = build(protocol, rule_name, seed, examples)
    x, target, label, x_test, label_test = prepare(net, examples)
    streams = Streams(seed)
    try:
        for epoch in range(1, protocol.epochs + 1):
            order = to_device(streams("order", epoch).permutation(len(x)), net.module)
            change = partial(flip_and_crop, rng=streams("augment", epoch)) if protocol.augment else None
            run_epoch(net, rule, loss, optimizer, x, target, order, protocol.batch_size, streams("noise", epoch),
                      change, None, feedback_optimizer)  # fmt: skip
        measured = slice(protocol.measured)
        train_loss, train_error = evaluate(net, loss, x[measured], label[measured])
        test_loss, test_error = evaluate(net, loss, x_test, label_test)
        if not math.isfinite(train_loss + test_loss):
            raise Diverged("the loss is not finite after the last epoch")
    except Diverged:
        return dict.fromkeys(MEASURED, math.nan)
    angles = measure_alignment(rule, loss, x, target, streams("probe", protocol.epochs), optimizer.step)
    return dict(zip(MEASURED, (train_error, test_error, train_loss, test_loss))) | angles


def columns(rows: Rows) -> list[str]:
    """The angles last, by layer."""
    found = dict.fromkeys(name for row in rows for name in row)
    angles = sorted((name for name in found if name.rpartition("_")[2].isdigit()), key=by_layer)
    return [name for name in found if name not in angles] + angles


def table(settings: Settings, rows: Rows) -> Rows:
    """One row a case and rule: what was chosen, the held-out error of that, and the mean and standard deviation (n - 1)
    of the tests over their seeds."""
    lines = []
    for case, rule in jobs(settings):
        trials, tests = (pick(rows, case=case, rule=rule, stage=stage) for stage in ("trial", "test"))
        chosen = choose(settings, trials)
        line = {"case": case, "rule": rule, **chosen, "at the edge": " and ".join(at_the_edge(settings, chosen))}
        line["held_out_error"] = error_of(pick(trials, **chosen))
        for name in tests[0]:
            if name not in ("case", "rule", "stage", "seed", *chosen):
                values = [row[name] for row in tests]
                line[name] = float(np.mean(values))
                line[f"{name}_sd"] = float(np.std(values, ddof=1)) if len(values) > 1 else math.nan
        lines.append(line)
    return lines


def at_the_edge(settings: Settings, chosen: Settings) -> list[str]:
    """The fields whose chosen value is the lowest or highest of three or more."""
    grid = settings["grid"]
    return [name for name in grid if len(grid[name]) > 2 and chosen[name] in (min(grid[name]), max(grid[name]))]


def show(experiment: Experiment, settings: Settings, table: Rows) -> list[str]:
    """What was chosen, and the errors and losses; the angles are in summary.json."""
    wanted = ("case", "rule", *settings["grid"], "held_out_error", "train_error", "test_error", "test_loss")
    lines = [{name: mean_and_sd(row, name) if f"{name}_sd" in row else row[name] for name in wanted} for row in table]
    return [f"{experiment.name}: {experiment.question}", *in_lines(lines)]


def verdict(judge: Judge, settings: Settings, table: Rows) -> list[str]:
    """Each case's errors, what `judge` says of them, and which choices lie on the grid's edge."""
    lines = []
    for case in settings["cases"]:
        own = pick(table, case=case)
        lines.append(f"{case}: test error {', '.join(in_words(row) for row in own)} %")
    lost = [f"{row['rule']} in {row['case']}" for row in table if not math.isfinite(row["held_out_error"])]
    lines += [f"diverged at every setting of the grid: {', '.join(lost)}"] if lost else []
    edges = [f"{row['rule']} in {row['case']} ({row['at the edge']})" for row in table if row["at the edge"]]
    said = [f"chosen at the edge of the grid: {', '.join(edges)}"] if edges else []
    return [*lines, *judge(settings, table), *said]


def in_words(row: Row) -> str:
    return f"{row['rule']} {row['test_error']:.2f} ({row['test_error_sd']:.2f})"
