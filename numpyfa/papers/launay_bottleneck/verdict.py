"""The table beside the authors' logs, and what it says."""

import math
from typing import Any

from ...lab.experiment import Settings
from ...lab.tables import Rows, column, deviation, pick

# Their logged cosines at the end, on CIFAR-10, at three places from the lowest up (`bottleneck_from_log.py`).
THEIRS = {
    1: (0.0, 0.0689, 0.4657),
    8: (0.0026, 0.3154, 0.4608),
    46: (0.0535, 0.6217, 0.4760),
    191: (0.2264, 0.8260, 0.5836),
    496: (0.6081, 0.8953, 0.6796),
    800: (0.9686, 0.8924, 0.6770),
}


def table(settings: Settings, rows: Rows) -> Rows:
    """A row a width: means over seeds, and the deviation of what is asked about."""
    lines = []
    for units in settings["units"]:
        own, read = (pick(rows, part=part, units=units) for part in ("trained", "read"))
        line: dict[str, Any] = {"units": units, "below": float(column(own, "below").mean())}
        line["below_sd"] = deviation(column(own, "below"))
        line["below, read only"] = float(column(read, "below").mean())
        for name in ("below_whole", "inside", "above", "train_error", "test_error"):
            line[name] = float(column(own, name).mean())
        line["theirs"] = ", ".join(f"{each:.2f}" for each in THEIRS.get(units, ()))
        line["two masks"] = THEIRS[800][0] * units / 800
        lines.append(line)
    return lines


def verdict(settings: Settings, table: Rows) -> list[str]:
    narrow, wide = table[0], table[-1]
    lost, by_reading = (wide["below"] - narrow[name] for name in ("below", "below, read only"))
    words = "less the fewer units hear" if falls(table, "below") else "in no such order"
    if math.isnan(wide["below_sd"]):
        words = "one seed: no spread is known"
    part = "most" if by_reading > 0.5 * lost else "less than half"
    masks = [abs(THEIRS[row["units"]][0] - row["two masks"]) for row in table if row["units"] in THEIRS]
    return [
        f"the layer below aligns by {narrow['below']:.2f} with {narrow['units']} units and {wide['below']:.2f} with "
        f"{wide['units']}: {words}",
        f"a net trained without a bottleneck and read through {narrow['units']} units has "
        f"{narrow['below, read only']:.2f}: {part} of the loss comes of reading few units alone",
        f"the authors' lowest place differs from b / 800 times its value at 800 by {max(masks):.3f} at most",
    ]


def falls(table: Rows, name: str) -> bool:
    """Whether each narrower bottleneck has less of it, but for one standard deviation."""
    return all(a[name] < b[name] + b["below_sd"] for a, b in zip(table, table[1:]))
