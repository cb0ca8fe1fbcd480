"""The table beside what theory says of the path, and what it says."""

import math

from ...lab.experiment import Settings
from ...lab.tables import Rows, column, pick

MEASURES = ("test_error", "weight_angle_2", "weight_angle_3", "angle_1", "angle_2", "norm_ratio_2")


def table(settings: Settings, rows: Rows) -> Rows:
    """A row for each rule and density: means over seeds, the deviation of the error, and the path's angle in theory."""
    lines = []
    for rule in ("bp", "fa", "dfa", "usf", "pfa"):
        for density in settings["densities"] if rule != "bp" else [1.0]:
            own = pick(rows, rule=rule, density=density)
            line = {"rule": rule, "density": density}
            for name in MEASURES:
                measured = name in own[0] and (rule != "bp" or "angle" not in name)
                line[name] = float(column(own, name).mean()) if measured else ""
                if name == "test_error":
                    line["test_error_sd"] = float(column(own, name).std(ddof=1)) if len(own) > 1 else math.nan
            due = round(path_angle(settings, density), 2) if rule == "pfa" else ""
            lines.append(line | {"arctan(1/sqrt(d k))": due})
    return lines


def path_angle(settings: Settings, density: float) -> float:
    """arctan(1 / sqrt(d k)), in degrees: where the sparse path ends in a wide layer. d k may lie below 1."""
    return math.degrees(math.atan(1 / math.sqrt(density * settings["expansion"])))


def verdict(settings: Settings, table: Rows) -> list[str]:
    pfa = pick(table, rule="pfa")
    apart = {row["density"]: row["weight_angle_2"] - row["arctan(1/sqrt(d k))"] for row in pfa}
    found = ", ".join(f"{gap:+.1f} at {density:g}" for density, gap in apart.items())
    bp = pick(table, rule="bp")[0]["test_error"]
    lines = [f"the path of product feedback at layer 2 differs from arctan(1 / sqrt(d k)) by, in degrees: {found}"]
    for rule in ("fa", "dfa", "usf", "pfa"):
        dense, sparse = pick(table, rule=rule)[0], pick(table, rule=rule)[-1]
        lines.append(
            f"{rule}: test error {dense['test_error']:.2f} % with all connections, {sparse['test_error']:.2f} % with "
            f"{100 * sparse['density']:g} % of them (BP {bp:.2f} %)"
        )
    return lines
