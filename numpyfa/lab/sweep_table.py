"""What a sweep found: a row a case and rule, and its sentences."""

import math
from collections.abc import Callable

import numpy as np

from .experiment import Experiment, Job, Row, Settings
from .points import by_word, edges
from .tables import Rows, by_layer, deviation, in_lines, pick
from .training import mean_and_sd

Judge = Callable[[Settings, Rows], list[str]]
HELD_OUT = "held_out_error"


def pairs(settings: Settings) -> list[tuple[str, str]]:
    """Every rule in every case; a case may have rules of its own."""
    cases = settings["cases"].items()
    return [(case, rule) for case, changes in cases for rule in changes.get("rules", settings["rules"])]


def columns(rows: Rows) -> list[str]:
    """The angles last, by layer."""
    found = dict.fromkeys(name for row in rows for name in row)
    angles = sorted((name for name in found if name.rpartition("_")[2].isdigit()), key=by_layer)
    return [name for name in found if name not in angles] + angles


def table(settings: Settings, rows: Rows) -> Rows:
    """One row a case and rule: what was chosen, its held-out error, and the mean and standard deviation (n - 1) of its
    tests over their seeds."""
    lines = []
    for case, rule in pairs(settings):
        own = pick(rows, case=case, rule=rule)
        tests, tried = pick(own, stage="test"), pick(own, stage="trial")
        best = tests[0]["point"]
        chosen = by_word(settings)[best]
        last = pick(tried, point=best, epochs=max(row["epochs"] for row in tried))
        line = {"case": case, "rule": rule, **chosen, "at the edge": " and ".join(edges(settings["points"], chosen))}
        line[HELD_OUT] = error_of(last)
        for name in tests[0]:
            if name not in ("case", "rule", "stage", "seed", "epochs", "point", *chosen):
                values = [row.get(name, math.nan) for row in tests]  # one that diverged has no angles
                line |= {name: float(np.mean(values)), f"{name}_sd": deviation(np.array(values))}
        lines.append(line)
    return lines


def error_of(trials: Rows) -> float:
    """The mean held-out error; infinite where a run diverged."""
    mean = float(np.mean([row[HELD_OUT] for row in trials]))
    return math.inf if math.isnan(mean) else mean


def times(settings: Settings, seconds: dict[Job, float | None]) -> Rows:
    """Seconds an epoch of each rule in each case, the mean over its tests that were not interrupted, evaluation
    included."""
    found = []
    for case, rule in pairs(settings):
        own = [(value, job[-1]) for job, value in seconds.items() if value and job[:3] == ("test", case, rule)]
        mean = float(np.mean([value / epochs for value, epochs in own])) if own else None
        found.append({"case": case, "rule": rule, "seconds_per_epoch": mean})
    return found


def show(experiment: Experiment, settings: Settings, table: Rows) -> list[str]:
    """What was chosen, and the errors and losses; the angles are in summary.json."""
    wanted = ("case", "rule", *settings["points"][0], "at the edge", HELD_OUT, "train_error", "test_error", "test_loss")
    lines = [{name: mean_and_sd(row, name) if f"{name}_sd" in row else row[name] for name in wanted} for row in table]
    held_out = {(settings["protocol"] | changes)["validation"] for changes in settings["cases"].values()}
    return [
        f"{experiment.name}: {experiment.question}",
        *in_lines(lines),
        f"chosen from {len(settings['points'])} points by the error on {' or '.join(map(str, sorted(held_out)))} "
        f"held-out training examples; tested from {settings['seeds']} fresh seeds",
    ]


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
    deviation = row["test_error_sd"]
    return f"{row['rule']} {row['test_error']:.2f}" + ("" if math.isnan(deviation) else f" ({deviation:.2f})")
