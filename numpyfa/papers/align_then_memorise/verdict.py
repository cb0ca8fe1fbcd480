"""The table, and what it says of the paper's claims."""

import numpy as np

from ...lab.experiment import Settings
from ...lab.tables import Rows, column, pick

AND_THEN = "cos(v, F) > 0.9 before the error < 0.01"
ARRIVE = "fa: runs that come to an error < 0.01"


def sign_counts(settings: Settings, rows: Rows) -> Rows:
    """By rule and K: of all units of v at the end, how many have the sign of F, and of v at the start."""
    counts = []
    for K in settings["students"]:
        for rule in ("bp", "fa"):
            last = [row for row in pick(rows, part="shallow", rule=rule, K=K) if row["t"] == settings["t"]]
            total = {name: int(column(last, name).sum()) for name in ("signs_of_F", "signs_of_v0")}
            counts.append({"rule": rule, "K": K, "units": K * len(last)} | total)
    return counts


def arrivals(settings: Settings, rows: Rows) -> Rows:
    """By K: does alignment come before memory, when, and does it last? The times are those of the runs that arrive."""
    lines = []

    def say(what: str, found: str, expected: str) -> None:
        lines.append({"what": what, "found": found, "expected": expected})

    arrived = 0
    for K in settings["students"]:
        starts = [pick(rows, part="shallow", rule="fa", K=K, seed=seed) for seed in range(settings["seeds"])]
        aligned = [next((row["t"] for row in own if row["cosine"] > 0.9), np.inf) for own in starts]
        memorised = [next((row["t"] for row in own if row["error"] < 0.01), np.inf) for own in starts]
        both = [(a, b) for a, b in zip(aligned, memorised) if b < np.inf]
        arrived += len(both)
        found = f"in {sum(a < b for a, b in both)} of {len(both)} runs that get there; {len(starts) - len(both)} do not"
        say(f"fa, K = {K}: {AND_THEN}", found, "align, then memorise")
        medians = ", ".join(f"{each:.3g}" for each in np.median(both, axis=0)) if both else "none gets there"
        say(f"fa, K = {K}: times of the two, medians of those {len(both)}", medians, "")
        falls = sum(column(own, "cosine").max() > own[-1]["cosine"] + 0.01 for own in starts)
        say(f"fa, K = {K}: cos(v, F) ends below its highest", f"in {falls} of {len(starts)} runs", "it may")
    say(ARRIVE, f"{arrived} of {len(settings['students']) * settings['seeds']}", "")
    return lines


def table(settings: Settings, rows: Rows) -> Rows:
    lines = []

    def say(what: str, found: str, expected: str) -> None:
        lines.append({"what": what, "found": found, "expected": expected})

    for row in sign_counts(settings, rows):
        expected = "FA takes the signs of F" if row["rule"] == "fa" else "BP keeps its own signs"
        found = f"sign of F {row['signs_of_F']}, of v at 0 {row['signs_of_v0']}, of {row['units']} units"
        say(f"{row['rule']}, K = {row['K']}", found, expected)
    lines += arrivals(settings, rows)
    worst = column(pick(rows, part="identity"), "difference").max()
    say("W_l = F_l A_l F_{l-1}^T: largest relative difference", f"{worst:.1e}", "rounding")
    for shared in (min(settings["shared"]), max(settings["shared"])):
        own = pick(rows, part="linear", shared=shared)
        numbers = [column(own, name).mean() for name in ("condition", "weight_alignment", "gradient_alignment")]
        say(f"rows that share {shared:g}: condition, weight, gradient", ", ".join(f"{n:.3g}" for n in numbers),
            "worse condition, less alignment")  # fmt: skip
    low, high = min(settings["grid"]), max(settings["grid"])
    for step in settings["heat_steps"]:
        corners = []
        for a, b in ((high, high), (high, low), (low, high), (low, low)):
            own = pick(rows, part="heat", step=step, alpha=a, beta=b)
            pair = [column(own, what).mean() for what in ("weight_alignment", "gradient_alignment")]
            corners.append(f"({a:g}, {b:g}) {pair[0]:.2f}, {pair[1]:.2f}")
        words = f"(alpha, beta) weight, gradient alignment at t = {step * settings['heat_lr']:g}"
        say(words, "; ".join(corners), "highest at (1, 1)")
    return lines


def verdict(settings: Settings, table: Rows) -> list[str]:
    found = {row["what"]: row["found"] for row in table}
    lines = []
    for K in settings["students"]:
        runs = found[f"fa, K = {K}: {AND_THEN}"]
        lines.append(f"FA with {K} students aligns first, then memorises {runs}")
        lines.append(f"of the equivalent solutions FA picks by {found[f'fa, K = {K}']}; BP by {found[f'bp, K = {K}']}")
    lines.append(f"under FA {found[ARRIVE]} runs come to an error below 0.01 by t = {settings['t']}")
    worst = found["W_l = F_l A_l F_{l-1}^T: largest relative difference"]
    return [*lines, f"how far deep linear nets align is decided by the A_l: they give the weights to {worst}"]
