"""Damage what a resumed run reads, and see whether it notices.

    python tools/damage.py [--number 300] [--flips 20000] [--seed 0]

The folder of a study and that of a training run are damaged in so many ways each: a flipped bit, a file cut short,
emptied, removed, renamed, copied over another, or two that change places. Each time the run is resumed, and either its
results are those of an undisturbed run (unharmed), or it ends with status 2 and one line (refused). Anything else is
silent damage or a traceback, and there must be none. Then single bits of a checkpoint are flipped, and it is loaded.
"""

import argparse
import contextlib
import io
import os
import random
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np  # noqa: E402

from numpyfa import checkpoint, cli, load  # noqa: E402
from numpyfa.errors import InputError  # noqa: E402
from numpyfa.lab import run  # noqa: E402
from numpyfa.lab.protocol import Protocol, build  # noqa: E402
from numpyfa.papers import EXPERIMENTS  # noqa: E402

STUDY = "pfa-angle"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--number", type=int, default=300, help="damages of each folder")
    parser.add_argument("--flips", type=int, default=20000, help="flipped bits of a checkpoint")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    draw, bad = random.Random(options.seed), 0
    work_here()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        digits = folder / "digits.npz"
        part = load("mnist").part(60, 20)
        np.savez(digits, x_train=part.x_train, y_train=part.y_train, x_test=part.x_test, y_test=part.y_test)
        for kind, make in (("study", make_study), ("training", make_training)):
            whole = folder / kind
            words = make(whole, digits)
            counts = damage_folder(whole, words, folder / "damaged", options.number, draw)
            bad += report(f"{options.number} damages of the folder of a {kind}", counts)
        counts = flip_checkpoint(folder, digits, options.flips, draw)
        bad += report(f"{options.flips} flipped bits of a checkpoint", counts)
    return 1 if bad else 0


def report(what: str, counts: Counter) -> int:
    words = ", ".join(f"{counts[each]} {each}" for each in ("unharmed", "refused", "silent", "traceback"))
    print(f"{what}: {words}", flush=True)
    return counts["silent"] + counts["traceback"]


def work_here() -> None:
    """Do the jobs in this process: a process of their own takes a second to start."""

    def run_here(work: Callable, jobs: Sequence[tuple], executor: Any, hear: Callable, take: Callable, *_: Any) -> None:
        run.tell = hear
        for job in jobs:
            take(job, work(*job))

    run.run_jobs, run.stop_if_alone = run_here, lambda: None


def make_study(out: Path, digits: Path) -> list[str]:
    """The folder of a study that lacks a part; return the words that resume it."""
    each = EXPERIMENTS[STUDY]
    settings = each.settings | {"seeds": 1, "examples": 40, "epochs": 1, "expansions": [1, 2]}
    EXPERIMENTS[STUDY] = replace(each, settings=settings, draw=lambda *_: None)
    words = ["reproduce", STUDY]
    perform(words, out)
    (out / "parts" / "job-2-0.json").unlink()
    return [*words, "--resume"]


def make_training(out: Path, digits: Path) -> list[str]:
    """The folder of a training run of which one job was cut off; return the words that resume it to more epochs."""
    words = ["train", "--net", "784-5-10", "--rule", "bp,fa", "--seeds", "2", "--data", str(digits)]
    perform([*words, "--epochs", "2"], out)
    (out / "parts" / "job-fa-1.json").unlink()
    return [*words, "--epochs", "3", "--resume"]


def perform(words: list[str], out: Path) -> tuple[int, str]:
    """(the status, what was said on standard error)."""
    said = io.StringIO()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(said):
        status = cli.main([*words, "--out", str(out)])
    return status, said.getvalue()


def damage_folder(whole: Path, words: list[str], out: Path, number: int, draw: random.Random) -> Counter:
    due = resume(whole, words, out, lambda: None)[1]
    counts: Counter = Counter()
    for _ in range(number):
        said: list[str] = []
        outcome, found = resume(whole, words, out, lambda said=said: said.append(damage(out, draw)))
        if outcome == "done":
            outcome = "unharmed" if found == due else "silent"
        if outcome in ("silent", "traceback"):
            print(f"{outcome}: {said[0]}: {found!r:.500}")
        counts[outcome] += 1
    return counts


def resume(whole: Path, words: list[str], out: Path, change: Callable) -> tuple[str, Any]:
    """(outcome, results) of a copy that is changed and resumed."""
    shutil.rmtree(out, ignore_errors=True)
    shutil.copytree(whole, out)
    change()
    try:
        status, said = perform(words, out)
    except Exception as error:  # what a user would see as a traceback
        return "traceback", error
    if status == 0:
        return "done", (out / "history.csv").read_bytes()
    lines = [line for line in said.splitlines() if ": epoch " not in line and ": done in " not in line]
    one_line = status == 2 and len(lines) == 1 and lines[0].startswith("numpyfa: ")
    return ("refused", lines[0]) if one_line else ("traceback", said)


def damage(out: Path, draw: random.Random) -> str:
    """Damage a file that a resumed run reads, or two; say what was done."""
    read = [out / "protocol.json", *sorted(out.glob("parts/*")), *sorted(out.glob("checkpoints/*"))]
    path = draw.choice(read)
    other = draw.choice([each for each in read if each != path])
    content = path.read_bytes()
    how = draw.choice(["flip", "flip", "flip", "cut", "empty", "remove", "rename", "copy", "swap"])
    if how == "flip":
        path.write_bytes(flipped(content, draw))
    elif how == "cut":
        path.write_bytes(content[: draw.randrange(len(content))])
    elif how == "empty":
        path.write_bytes(b"")
    elif how == "remove":
        path.unlink()
    elif how == "rename":
        path.rename(path.with_name(f"{path.stem}1{path.suffix}") if draw.random() < 0.5 else other)
    else:
        path.write_bytes(other.read_bytes())
        if how == "swap":
            other.write_bytes(content)
    return f"{how} {path.name} {other.name}"


def flipped(content: bytes, draw: random.Random) -> bytes:
    """The same with one bit changed."""
    place = draw.randrange(len(content))
    return content[:place] + bytes([content[place] ^ 1 << draw.randrange(8)]) + content[place + 1 :]


def flip_checkpoint(folder: Path, digits: Path, number: int, draw: random.Random) -> Counter:
    """Load a checkpoint with one bit flipped, so many times."""
    protocol = Protocol(net="784-5-10", data=str(digits), optimizer="adam", lr=0.001)
    net, rule, _, optimizer, _ = build(protocol, "kp", 0, load(str(digits)))
    path = folder / "flipped.npz"
    optimizer.update(net.parameters() | rule.parameters(), net.parameters() | rule.parameters())
    checkpoint.save(path, net, rule, optimizer, [{"epoch": 1}], {"of": "this run"})
    whole = path.read_bytes()

    def state() -> Any:
        found = checkpoint.load(path, net, rule, optimizer)
        arrays = {**net.parameters(), **rule.arrays(), **optimizer.arrays()}
        return found, optimizer.step, {name: array.tobytes() for name, array in arrays.items()}

    due = state()
    counts: Counter = Counter()
    for _ in range(number):
        path.write_bytes(flipped(whole, draw))
        try:
            counts["unharmed" if state() == due else "silent"] += 1
        except InputError:
            counts["refused"] += 1
        except Exception as error:
            print(f"traceback: {error!r:.200}")
            counts["traceback"] += 1
    return counts


if __name__ == "__main__":
    sys.exit(main())
