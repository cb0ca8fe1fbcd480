"""The tables of both experiments, and what they say."""

from ...lab.experiment import Settings
from ...lab.tables import Rows, column, pick


def both(rows: Rows, name: str, digits: str) -> str:
    """The means over seeds, for layers 2 and 3."""
    return ", ".join(f"{column(pick(rows, layer=layer), name).mean():{digits}}" for layer in (2, 3))


def gap_table(settings: Settings, rows: Rows) -> Rows:
    lines = []
    for case in settings["cases"]:
        own = pick(rows, case=case)
        last = pick(own, step=max(row["step"] for row in own))
        lines.append({
            "case": case,
            "gap, layers 2 and 3": both(last, "gap", ".2g"),
            "due": last[0]["gap_due"],
            "B from the law, worst": column(own, "apart").max().item(),
            "angles (deg)": both(last, "angle", ".1f"),
            "test error %": column(last, "test_error").mean().item(),
        })  # fmt: skip
    return lines


def path_table(settings: Settings, rows: Rows) -> Rows:
    lines = []
    for expansion in [*settings["expansions"], "orthogonal"]:
        own = pick(rows, k=expansion)
        last = pick(own, step=max(row["step"] for row in own))
        lines.append({
            "k": expansion,
            "angles, layers 2 and 3 (deg)": both(last, "angle", ".1f"),
            "arctan(1/sqrt k)": round(last[0]["angle_due"], 2),
            "from their own B": both(last, "angle_of_G", ".1f"),
            "path from the law, worst": column(own, "apart").max().item(),
            "test error %": column(last, "test_error").mean().item(),
        })  # fmt: skip
    return lines


def of_gap(settings: Settings, table: Rows) -> list[str]:
    keeps = [row["case"] for row in table if row["B from the law, worst"] < 1e-9]
    breaks = [row["case"] for row in table if row["case"] not in keeps]
    return [
        f"the law holds to rounding under {'; '.join(keeps) or 'none'}, and not under {'; '.join(breaks) or 'none'}"
    ]


def of_path(settings: Settings, table: Rows) -> list[str]:
    worst = max(row["path from the law, worst"] for row in table)
    apart = [abs(float(angle) - row["arctan(1/sqrt k)"])
             for row in table for angle in row["angles, layers 2 and 3 (deg)"].split(", ")]  # fmt: skip
    return [
        f"the path follows its law to {worst:.1e}, and ends at most {max(apart):.1f} degrees from arctan(1 / sqrt k), "
        "the limit for a wide layer"
    ]
