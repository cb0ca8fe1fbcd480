"""Print the requirements of setup.cfg, each pinned to its lower bound: `python tools/floor.py theory test`.

A lower bound that nobody installs is a guess. .ci/run installs these, and tests with them.
"""

import configparser
import re
import sys
from pathlib import Path

SETUP = Path(__file__).resolve().parents[1] / "setup.cfg"


def floor(setup: configparser.ConfigParser, extras: list[str]) -> list[str]:
    """['numpy==2.0', ...] of what is always needed and of the extras; ValueError for what has no lower bound."""
    known = setup["options.extras_require"]
    missing = [extra for extra in extras if extra not in known]
    if missing:
        raise ValueError(f"setup.cfg has no extra '{missing[0]}': choose from {', '.join(known)}")
    wanted = [setup["options"]["install_requires"], *(known[extra] for extra in extras)]
    lines = dict.fromkeys(line for text in wanted for line in text.split("\n") if line)
    return [pin(line) for line in lines]


def pin(requirement: str) -> str:
    found = re.fullmatch(r"([\w\[\]-]+)>=([\w.]+)", requirement)
    if not found:
        raise ValueError(f"write a requirement as name>=version; found '{requirement}'")
    return f"{found[1]}=={found[2]}"


if __name__ == "__main__":
    parser = configparser.ConfigParser()
    parser.read(SETUP, encoding="utf-8")
    try:
        print("\n".join(floor(parser, sys.argv[1:])))
    except ValueError as error:
        sys.exit(f"floor.py: {error}")
