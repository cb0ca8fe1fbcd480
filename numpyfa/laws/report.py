"""What `numpyfa check` prints: the checks by group, as a table or as JSON, and a line of progress on a terminal."""

import json
import math
import sys
from collections.abc import Sequence
from typing import Any

from ..gradcheck import Check
from . import checks_of, groups

Found = dict[str, list[Check]]


def run(names: Sequence[str] = ()) -> Found:
    """{group: its checks} of the named groups, or of all. A group that checks nothing fails."""
    found: Found = {}
    wanted = groups(list(names))
    for number, group in enumerate(wanted, start=1):
        show_progress(f"check {number} of {len(wanted)}: {group}")
        found[group] = list(checks_of(group)) or [Check("a law that checks nothing", math.inf, 0.0)]
    show_progress("")
    return found


def show_progress(text: str) -> None:
    """One line on a terminal, in the place of the one before; nothing elsewhere."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)


def failed(found: Found) -> list[Check]:
    return [check for checks in found.values() for check in checks if not passed(check)]


def passed(check: Check) -> bool:
    """A figure that is no finite number never passes."""
    return bool(math.isfinite(check.figure) and check.passed)


def as_table(found: Found) -> str:
    """The checks of each rule and part of the engine under its name, and a last line that counts them."""
    width = max(len(check.name) for checks in found.values() for check in checks)
    lines = []
    for group, checks in found.items():
        lines += [f"{group:{width + 2}}    figure   at most  skipped  verdict"]
        for check in checks:
            verdict = "ok" if passed(check) else f"FAILED {check.note}"
            figures = f"{check.figure:8.1e}  {check.tolerance:8.1e}  {check.skipped:7}"
            lines.append(f"  {check.name:{width}}  {figures}  {verdict}")
        lines.append("")
    count = sum(map(len, found.values()))
    return "\n".join([*lines, f"{count} checks, {len(failed(found))} failed"])


def as_json(found: Found) -> str:
    """A list of checks. A figure that is not finite is null, and has not passed."""
    return json.dumps(
        [{"group": group} | plain(check) for group, checks in found.items() for check in checks], indent=2
    )


def plain(check: Check) -> dict[str, Any]:
    """A check in Python's own numbers, which JSON knows."""
    figure = float(check.figure)
    return {
        "name": check.name,
        "figure": figure if math.isfinite(figure) else None,
        "tolerance": float(check.tolerance),
        "skipped": int(check.skipped),
        "note": check.note,
        "passed": passed(check),
    }
