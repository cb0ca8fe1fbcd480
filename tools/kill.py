"""Kill runs at random moments: what is left of them, and do they go on to the same bits?

    python tools/kill.py [--times 20] [--seed 0]

Each time a real run is started in a temporary folder, and its parent gets SIGTERM or SIGKILL at a random moment. After
5 seconds no process of it may be left and its output pipe must be closed. Then it is resumed, and what it gives is
compared with an undisturbed run, bit for bit. Every third run is to replace another, whose results must stay until the
new ones are there. Needs /proc. Takes about ten seconds a time.
"""

import argparse
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from numpyfa import load

PATIENCE = 5  # seconds in which everything must be gone
STUDY = ["reproduce", "lillicrap-linear", "--quick"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    draw = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        kinds = prepare(folder)
        killed, faults, number = 0, 0, 0
        while killed < options.times:
            kind = list(kinds)[killed % len(kinds)]
            number += 1
            what, fault = one(folder / f"{number}", kind, *kinds[kind], draw)
            if what:
                killed += 1
                faults += bool(fault)
                print(f"{killed:3} {what}: {fault or 'ok'}", flush=True)
    print(f"{killed} runs killed, {faults} faults")
    return 1 if faults else 0


def prepare(folder: Path) -> dict:
    """By kind of run: its words, the words of the run it replaces if any, what it gives undisturbed, and how long it
    takes."""
    part = load("mnist").part(300, 100)
    digits = str(folder / "digits.npz")
    np.savez(digits, x_train=part.x_train, y_train=part.y_train, x_test=part.x_test, y_test=part.y_test)
    train = ["train", "--net", "784-20-10", "--rule", "bp,fa", "--seeds", "2", "--data", digits]
    long, short = [*train, "--epochs", "60"], [*train, "--epochs", "2", "--lr", "0.2"]
    kinds = {"training": (long, None), "study": (STUDY, None), "replacement": (long, short)}
    found = {}
    for kind, (words, before) in kinds.items():
        began = time.monotonic()
        finish(words, folder / kind)
        found[kind] = words, before, content(folder / kind), time.monotonic() - began
    return found


def one(
    out: Path, kind: str, words: list, before: list | None, due: dict, seconds: float, draw: random.Random
) -> tuple[str, str]:
    """Kill one run, look, resume it, and compare; return what was done, and the fault in words or nothing. Nothing was
    done if the run was over by then."""
    old = {}
    if before:
        finish(before, out)
        old = content(out)
        words = [*words, "--force"]
    number, moment = draw.choice([signal.SIGTERM, signal.SIGKILL]), draw.uniform(0.05, 1) * seconds
    process = start(words, out)
    try:
        process.communicate(timeout=moment)
        return "", ""
    except subprocess.TimeoutExpired:
        process.send_signal(number)
    what = f"{kind}, {number.name} after {moment:.1f} of {seconds:.1f} s"
    killed = time.monotonic()
    try:
        process.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        return what, f"the output is still open after {PATIENCE} s"
    while left := processes_of(process.pid):
        if time.monotonic() - killed > PATIENCE:
            return what, f"processes {left} are left after {PATIENCE} s"
        time.sleep(0.05)
    finished = (out / "history.csv").exists() and not (out / ".new").exists() and content(out) == due
    if not finished and before and not any((out / name).exists() for name in (".done", ".moving")):
        now = content(out)
        if now != old:
            return what, "the results that were to be replaced are not whole"
    begun = (out / ".new" / "protocol.json").exists() if before else (out / "protocol.json").exists()
    plain = [word for word in words if word != "--force"]
    finish([*plain, "--resume"] if begun or finished else words, out)
    return what, "" if content(out) == due else "what it gives after it was resumed differs"


def start(words: list, out: Path) -> subprocess.Popen:
    words = [sys.executable, "-m", "numpyfa", *words, "--out", str(out)]
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)


def finish(words: list, out: Path) -> None:
    process = start(words, out)
    said = process.communicate()[0].decode(errors="replace")
    if process.returncode:
        sys.exit(f"{' '.join(words)} ended with {process.returncode}:\n{said}")


def content(out: Path) -> dict:
    """The table of a run, and every array of its checkpoints."""
    found = {"history.csv": (out / "history.csv").read_bytes()} if (out / "history.csv").exists() else {}
    for path in out.glob("checkpoints/*.npz"):
        with np.load(path) as arrays:
            found |= {f"{path.name} {name}": arrays[name].tobytes() for name in arrays.files if name != "meta"}
    return found


def processes_of(session: int) -> list[str]:
    """The processes that a session still has, but for those that have ended."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            words = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(words[3]) == session and words[0] != "Z":
            found.append(stat.parent.name)
    return found


if __name__ == "__main__":
    sys.exit(main())
