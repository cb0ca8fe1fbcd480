"""The table, and what it says of the paper's claims."""

import math

from ...lab.experiment import Settings
from ...lab.tables import Rows, column, deviation, pick

MEASURES = ("train_error", "test_error", "weights", "signals")


def table(settings: Settings, rows: Rows) -> Rows:
    """A row for each rule, activation and noise: means and deviations over seeds at the end."""
    lines = []
    for activation in settings["activations"]:
        for noise in settings["noises"]:
            for rule in settings["rules"]:
                own = pick(rows, rule=rule, activation=activation, noise=noise)
                course, last = pick(own, part="course"), pick(own, part="course", epoch=settings["epochs"])
                line = {"rule": rule, "activation": activation, "noise": noise}
                for name in MEASURES:
                    values = column(last, name)
                    line |= {name: float(values.mean()), f"{name}_sd": deviation(values)}
                pairs = column(pick(own, part="seeds"), "similarity")
                line["similarity"] = float(pairs.mean()) if len(pairs) else math.nan
                line["weights align most at epoch"] = peak(course)
                lines.append(line)
    return lines


def peak(course: Rows) -> int:
    """The epoch, of those looked at, at which the mean alignment of the weights is highest."""
    epochs = sorted({row["epoch"] for row in course})
    return max(epochs, key=lambda epoch: float(column(pick(course, epoch=epoch), "weights").mean()))


def verdict(settings: Settings, table: Rows) -> list[str]:
    lines = [f"weights of different seeds: cosine {span(table, 'dfa', 'similarity')} under DFA with one feedback, "
             f"{span(table, 'bp', 'similarity')} under BP"]  # fmt: skip
    if settings["seeds"] == 1:
        lines = ["weights of different seeds: one seed, nothing to compare"]
    for activation in settings["activations"]:
        own = pick(table, activation=activation, rule="dfa")
        lines += [f"{activation}: the alignment of DFA's {name} {change(own[0], own[-1], name)}"
                  for name in ("weights", "signals")]  # fmt: skip
    control = span(table, "bp", "weights")
    return [*lines, f"under BP the weights' alignment with the same feedback is {control}"]


def span(table: Rows, rule: str, name: str) -> str:
    """The lowest and the highest over activations and noises."""
    values = column(pick(table, rule=rule), name)
    return f"{values.min():.2f} to {values.max():.2f}"


def change(a: dict, b: dict, name: str) -> str:
    """From least to most noise. Two means of a few seeds may differ by twice the larger standard deviation; of one seed
    none is known."""
    by, chance = b[name] - a[name], 2 * max(a[f"{name}_sd"], b[f"{name}_sd"])
    course = f"from {a[name]:.2f} at noise {a['noise']:g} to {b[name]:.2f} at {b['noise']:g}"
    if math.isnan(chance):
        return f"goes {course} (one seed: no spread is known)"
    word = "falls" if by < -chance else "rises" if by > chance else "hardly changes,"
    return f"{word} {course}"
