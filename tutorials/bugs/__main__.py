"""The bug gallery: mistakes that real implementations of these methods have made, and the check that catches each.

    python tutorials/bugs

Every file here holds one mistake, written afresh: `Broken` is the mistake, `Right` what it should be, and `check` a
figure that must not exceed its tolerance. Read one, guess what it does to a training run, then run it. Most of them
still learn, which is why they live long.
"""

import importlib
from pathlib import Path

GALLERY = sorted(path.stem for path in Path(__file__).parent.glob("[a-z]*.py"))


def main():
    print(f"{'mistake':32} {'check':58} {'broken':>8} {'right':>8} {'at most':>8}")
    for name in GALLERY:
        bug = importlib.import_module(name)
        broken, right = bug.check(bug.Broken), bug.check(bug.Right)
        caught = "caught" if right.passed and not broken.passed else "NOT CAUGHT"
        print(f"{name:32} {right.name:58} {broken.figure:8.1e} {right.figure:8.1e} {right.tolerance:8.1e}  {caught}")


if __name__ == "__main__":
    main()
