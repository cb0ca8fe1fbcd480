"""The table beside the paper's figure, and what it says."""

from typing import Any

import numpy as np

from ...lab.experiment import Settings
from ...lab.tables import Rows, column, deviation, pick


def table(settings: Settings, rows: Rows) -> Rows:
    """A row a rule: the error at the end in each net, mean and s.d. over trials, and what was chosen by tuning."""
    lines = []
    last = settings["examples"]
    for rule in ("shallow", "bp", "fa"):
        line: dict[str, Any] = {"rule": rule}
        for net in settings["students"]:
            own = pick(rows, part="course", rule=rule, net=net, examples=last)
            if not own:
                continue
            nse = column(own, "nse")
            line |= {f"nse_{net}": float(nse.mean()), f"nse_{net}_sd": deviation(nse)}
            best = min(pick(rows, part="tuning", rule=rule, net=net), key=lambda row: row["nse"])
            line[f"chosen_{net}"] = f"{best['rate']:g}, {best['tell']:g}"
            for name in [name for name in own[0] if name.startswith("angle_")] if rule == "fa" else []:
                line[f"{name}_{net}"] = float(column(own, name).mean())
        if rule != "shallow":
            line["deeper is better in"] = deeper(settings, pick(rows, part="course", rule=rule, examples=last))
        lines.append(line)
    names = list(dict.fromkeys(name for line in lines for name in line))
    return [{name: line.get(name, "") for name in names} for line in lines]


def deeper(settings: Settings, last: Rows) -> str:
    """In how many trials the deeper student ends with the lower error."""
    shallow, deep = (column(pick(last, net=net), "nse") for net in settings["students"])
    return f"{int((deep < shallow).sum())} of {len(deep)}"


def verdict(settings: Settings, table: Rows) -> list[str]:
    small, large = settings["students"]
    of = {row["rule"]: row for row in table}
    helped = {rule: share(of[rule]["deeper is better in"]) for rule in ("bp", "fa")}
    words = {True: "as the paper says", False: "not as the paper says"}
    lines = [
        f"a second hidden layer lowers FA's error in {of['fa']['deeper is better in']} trials and BP's in "
        f"{of['bp']['deeper is better in']}: {words[min(helped.values()) > 0.5]}"
    ]
    for net in settings["students"]:
        bp, fa = (of[rule][f"nse_{net}"] for rule in ("bp", "fa"))
        lines.append(
            f"{net}: FA {fa:.1e}, BP {bp:.1e}, each tuned by the same budget; FA's is {fa / bp:.2f} times BP's"
        )
    edges = on_edge(settings, of, (small, large))
    return [*lines, *([f"chosen at the edge of the grid: {', '.join(edges)}"] if edges else [])]


def share(words: str) -> float:
    """ "3 of 4" as a number."""
    wins, trials = words.split(" of ")
    return int(wins) / int(trials)


def on_edge(settings: Settings, of: dict, nets: tuple[str, str]) -> list[str]:
    """Where the best candidate is the lowest or highest of its list: a wider grid might have found a better one."""
    found = []
    for rule in ("bp", "fa"):
        for net in nets:
            for what, value in zip(("rates", "tells"), map(float, of[rule][f"chosen_{net}"].split(", "))):
                if np.isclose(value, [min(settings[what]), max(settings[what])]).any():
                    found.append(f"{rule} in {net}, {what.removesuffix('s')} {value:g}")
    return found
