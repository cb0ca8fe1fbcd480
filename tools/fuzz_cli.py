"""Random commands of good and bad words: none may end in a traceback, or in a status that means nothing.

    python tools/fuzz_cli.py [--number 800] [--seed 0]

Most run in this process, where data sets are a few examples, a run is one epoch, and studies and figures are left out;
every 40th runs as a user would run it, in a process of its own, and is interrupted after a while. A command may end
with 0, 1 (a check failed), 2 (one line that says what is wrong), 130 or 143 (interrupted).
"""

import argparse
import collections
import contextlib
import io
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from numpyfa import cli, data
from numpyfa.errors import InputError
from numpyfa.lab import plots, run, training
from numpyfa.lab.spelling import option_kinds
from numpyfa.papers import EXPERIMENTS
from numpyfa.rules import RULES, VARIANTS, find

ALLOWED = (0, 1, 2, 130, 143)
EVERY = 40  # one command in so many has a process of its own
LONGEST = 60  # seconds for a command, before it is interrupted

ODD = ["", " ", "--", "-", "-1", "0", "nan", "inf", "-inf", "1e400", "1e-400", "10" * 200, "0x10", "1_0", "½", "a/b",
       "..", "../../x", "a\nb", "x" * 300, "\udc80", "null", "None", "true", "[]", "%s", "{}", "*", "~"]  # fmt: skip
WHOLE = ["1", "2", "3", "7", "16"], ["0", "-3", "1.5", "1e3", str(10**12), *ODD]
REAL = ["0.1", "1e-3", "0.5", "0"], ["-0.1", "1e30", "1e308", *ODD]
OUT = [f"out {number}" for number in range(6)]
TRAIN_ONLY = ("--net", "--activation", "--loss", "--optimizer", "--init", "--feedback", "--momentum", "--decay",
              "--burst", "--standardise", "--augment", "--decoupled", "--feedback-optimizer", "--feedback-lr",
              "--feedback-momentum", "--feedback-decay")  # fmt: skip
HEAVY = ("alexnet", "nokland-conv", "drtp-conv", "resnet56", "resnet18", "vgg16", "bartunov-lc", "clark-conv",
         "clark-lc", "belilovsky")  # fmt: skip
NETS = ["784-10", "784-20-10", "784-8-8-10", "784-20-10", "lenet", "resnet8", "dkp-cnn"]
BAD_NETS = ["784", "784-", "-10", "784--10", "784-0-10", "783-10", "784-9", "784-999999999999-10", "Lenet", *HEAVY[:2]]
OPTIONS = ["layers=1", "layers=1+2", "layers=dense", "layers=9", "layers=0", "layers=-1", "layers=", "init=normal:1",
           "init=normal:-1", "init=normal:1e300", "init=x", "init=a/b", "expansion=1", "expansion=3", "expansion=0",
           "expansion=2.5", "expansion=1e9", "expansion=999999999", "orthogonal=true", "orthogonal=1", "scale=strict",
           "scale=x", "density=0.5", "density=0", "density=2", "nonzero=1", "nonzero=99", "alpha=0.1", "alpha=nan",
           "alpha=-1e300", "beta=0", "gamma=1e300", "rate=0.1", "rate=-1", "noise=0", "noise=uniform", "noise=-1",
           "every=0", "every=-1", "every=2", "steps=0", "steps=3", "examples=0", "examples=1", "control=norm",
           "control=x", "stage=0", "stage=-1", "stage=2", "simplified=true", "random=true", "target_lr=0",
           "target_lr=-1e30", "activation=relu", "activation=x", "seed=1", "net=1", "k", "=", "=1", "x=1",
           "layers=1,init=he"]  # fmt: skip


class Grammar:
    """Draws commands. `place` is a folder with good and bad files; `real` ones are to be short by themselves."""

    def __init__(self, seed: int, place: Path) -> None:
        self.random = random.Random(seed)
        self.place = place
        self.good_files, self.bad_files = make_files(place)

    def one(self, good: list[str], bad: list[str], share: float = 0.08) -> str:
        return self.random.choice(bad if self.random.random() < share else good)

    def rule(self) -> str:
        name = self.one([*RULES, *VARIANTS], ["FA", "fb", *ODD], 0.05)
        if self.random.random() < 0.3:
            known = option_kinds(find(name)[0]) if name in (*RULES, *VARIANTS) else {}
            fitting = [each for each in OPTIONS if each.partition("=")[0] in known and self.random.random() < 0.9]
            name += ":" + ",".join(
                self.random.sample(fitting or OPTIONS, min(len(fitting), self.random.choice([1, 1, 2])))
            )
        return name

    def rules(self) -> str:
        return ",".join(self.rule() for _ in range(self.random.choice([1, 1, 1, 2, 3])))

    def option(self, command: str, real: bool) -> list[str]:
        names = ["mnist"] if real else list(data.NAMES)
        values: dict[str, Any] = {
            "--net": lambda: self.one(NETS, [*BAD_NETS, *ODD]),
            "--rule": self.rules,
            "--rules": self.rules,
            "--data": lambda: self.one([*names, *self.good_files], [*self.bad_files, *ODD], 0.3),
            "--activation": lambda: self.one(["tanh", "relu", "erf"], ["x", *ODD]),
            "--loss": lambda: self.one(["softmax", "logistic", "squared"], ["x", *ODD]),
            "--optimizer": lambda: self.one(["sgd", "manhattan", "rmsprop", "adam"], ["x", *ODD]),
            "--feedback-optimizer": lambda: self.one(["sgd", "manhattan", "rmsprop", "adam"], ["x", *ODD]),
            "--init": lambda: self.one(["he", "glorot", "zeros"], ["normal:-1", "he:2", "normal:1e300", *ODD]),
            "--feedback": lambda: self.one(["he", "glorot", "normal:1", "zeros"], ["normal:-1", "uniform:1e300", *ODD]),
            "--device": lambda: self.one(["cpu", "auto"], ["gpu", "tpu", *ODD]),
            "--dtype": lambda: self.one(["float32", "float64"], ["float16", "int8", *ODD]),
            "--out": lambda: self.one(OUT, ["file", "/dev/null", "/proc/none", "loop", ".", *ODD], 0.3),
        }  # fmt: skip
        whole = dict.fromkeys(["--epochs", "--seeds", "--batch-size", "--examples", "--validation"], WHOLE)
        real_ones = ["lr", "momentum", "decay", "burst", "feedback-lr", "feedback-momentum", "feedback-decay"]
        numbers = whole | dict.fromkeys([f"--{each}" for each in real_ones], REAL)
        flags = [
            "--standardise",
            "--augment",
            "--decoupled",
            "--resume",
            "--force",
            "--quick",
            "--help",
            "--nothing",
            "--",
        ]
        name = self.random.choice([*values, *numbers, *flags[:6]])
        foreign = TRAIN_ONLY if command == "reproduce" else ("--quick",)
        if name in foreign and self.random.random() < 0.95:
            return self.option(command, real)
        if self.random.random() < 0.02:
            name = self.random.choice(flags)
        if name in flags:
            return [name]
        value = values[name]() if name in values else self.one(*numbers[name])
        if name == "--seeds" and value.isdigit() and int(value) > 3:
            value = "2"
        return [f"{name}={value}"] if self.random.random() < 0.3 else [name, value]

    def command(self, real: bool = False) -> list[str]:
        words = ["train", "reproduce", "experiments", "runs", "check", "rules", "nets", "explain", "needs", "data"]
        odds = [60, 20, 2, 6, 1, 1, 0.2, 4, 1, 3]
        word = self.random.choices([*words, "doctor", "x"], [*odds, 0.5, 1])[0]
        if word not in ("train", "reproduce"):
            good = {"experiments": [*EXPERIMENTS], "runs": ["runs", "."], "explain": [*RULES], "check": ["losses"]}
            good["needs"] = good["explain"]
            count = (
                1
                if word in ("check", "explain", "needs")
                else self.random.choice([0, 0, 0, 1] if word in good else [0] * 9 + [1])
            )
            return [word, *(self.one(good.get(word, ["mnist"]), ODD, 0.3) for _ in range(count))]
        begin = [word] if word == "train" else [word, self.one(list(EXPERIMENTS), ODD)]
        if word == "reproduce" and begin[1] in EXPERIMENTS and not EXPERIMENTS[begin[1]].begun:
            return [*begin, *self.random.sample(["--quick", "--seeds=1", "--resume", "--force", "--epochs=1"], 2)]
        begin += ["--examples", "50", "--epochs", "1"] if real or word == "reproduce" else []
        count = self.random.choice([0, 1, 1, 2, 3, 4, 6])
        return [*begin, *(piece for _ in range(count) for piece in self.option(word, real))]


def make_files(place: Path) -> tuple[list[str], list[str]]:
    """Good and bad data sets, and places where no run can be written."""
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 256, (60, 28, 28, 1), np.uint8), np.arange(60) % 10
    good = {"x_train": x, "y_train": y, "x_test": x[:10], "y_test": y[:10]}
    kinds: dict[str, dict[str, Any]] = {
        "good": good,
        "flat": good | {"x_train": x.reshape(60, -1) / 255, "x_test": x[:10].reshape(10, -1) / 255},
        "three": good | {"y_train": y % 3, "y_test": y[:10] % 3},
        "lacks": {"x_train": x},
        "objects": good | {"x_train": np.array([{}], object)},
        "text": good | {"y_train": np.array(["a"] * 60)},
        "floats": good | {"y_train": y / 2},
        "nan": good | {"x_train": np.full((40, 784), np.nan)},
        "short": good | {"y_train": y[:7]},
        "empty": good | {"x_train": x[:0], "y_train": y[:0]},
        "scalar": good | {"x_train": np.float32(1)},
        "far": good | {"y_train": y + 10**6},
    }
    for name, arrays in kinds.items():
        np.savez(place / f"{name}.npz", **arrays)
    whole = (place / "good.npz").read_bytes()
    (place / "cut.npz").write_bytes(whole[:1000])
    (place / "flipped.npz").write_bytes(whole[:500] + bytes([whole[500] ^ 1]) + whole[501:])
    (place / "noise.npz").write_bytes(rng.bytes(3000))
    (place / "nothing.npz").touch()
    (place / "folder.npz").mkdir()
    (place / "file").write_text("a file")
    os.mkfifo(place / "pipe.npz")
    os.symlink("loop", place / "loop")
    os.symlink("gone.npz", place / "dangling.npz")
    with zipfile.ZipFile(place / "words.npz", "w") as archive:
        archive.writestr("x_train.txt", "words")
    fine = ["good.npz", "flat.npz", "three.npz"]
    bad = sorted(path.name for path in place.glob("*.npz") if path.name not in fine)
    return fine, [*bad, "missing.npz", "file", str(place)]


def make_small() -> None:
    """In this process every run is short: a few examples, one epoch, no processes, no downloads, no figure."""
    load, fit, start = data.load, training.fit, cli.run
    rng = np.random.default_rng(1)

    def tiny(name: Any, download: bool = True) -> data.Dataset:
        if str(name) not in data.NAMES:
            return load(name, download=False)
        shape = (32, 32, 3) if str(name).startswith("cifar") else (28, 28, 1)
        y = np.arange(60) % (100 if name == "cifar-100" else 10)
        x = rng.integers(0, 256, (60, *shape), np.uint8)
        return data.Dataset(str(name), x, y, x[:10], y[:10], 100 if name == "cifar-100" else 10)

    def fit_once(*arguments: Any, epochs: int, history: Any = (), **more: Any) -> Any:
        return fit(*arguments, epochs=min(epochs, len(history) or 1), history=history, **more)

    def here(work: Any, jobs: Any, executor: Any, hear: Any, take: Any, lost: Any) -> None:
        for job in jobs:
            take(job, work(*job))

    def no_network(name: str) -> Any:
        raise InputError(f"{name} cannot be downloaded here")

    def nets_only(experiment: Any, settings: Any, out: Path, *rest: Any) -> Any:
        if experiment.begun:
            return start(experiment, settings, out, *rest)
        out.mkdir(parents=True, exist_ok=True)
        (out / "history.csv").touch()
        return {"rows": [{"rule": "bp"}], "verdict": []}

    data.load, data.fetch, training.fit, cli.run = tiny, no_network, fit_once, nets_only
    run.run_jobs, run.tell, run.stop_if_alone = here, lambda *_: None, lambda: None
    plots.save = lambda stem, draw: None


def in_this_process(words: list[str]) -> tuple[Any, str]:
    """(exit status or the traceback, what was said on standard error)."""
    said = io.StringIO()

    def too_long(*_: Any) -> None:
        raise TimeoutError(f"took over {LONGEST} s")

    signal.signal(signal.SIGALRM, too_long)
    signal.alarm(LONGEST)
    try:
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
            return cli.main(words), said.getvalue()
    except SystemExit as stop:
        return stop.code, said.getvalue()
    except BaseException:
        return traceback.format_exc(), said.getvalue()
    finally:
        signal.alarm(0)


def in_its_own(words: list[str]) -> tuple[Any, str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "numpyfa", *(word.encode(errors="surrogateescape") for word in words)],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, errors="replace",
        env=os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[1]), "OPENBLAS_NUM_THREADS": "1"},
    )  # fmt: skip
    try:
        _, said = process.communicate(timeout=LONGEST)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=LONGEST)
    return said if "Traceback" in said else process.returncode, said


def wrong_with(status: Any, said: str) -> str:
    """What a user could not make sense of; nothing if all is well."""
    if isinstance(status, str):
        return status
    if status not in ALLOWED:
        return f"exit status {status}"
    lines = [line for line in said.splitlines() if ": epoch " not in line and "numpyfa: warning: " not in line]
    if status == 2 and not (len(lines) == 1 and lines[0].startswith("numpyfa: ")):
        return f"not one line: {lines}"
    return f"a warning of another's: {said}" if "Warning: " in said else ""


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--number", type=int, default=800, help="how many commands")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    ends: collections.Counter[str] = collections.Counter()
    problems, began, before = 0, time.monotonic(), os.getcwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        grammar = Grammar(options.seed, Path(folder))
        make_small()
        for number in range(1, options.number + 1):
            alone = number % EVERY == 0
            words = grammar.command(real=alone)
            if number % 5 == 0:
                for out in ["runs", *grammar.random.sample(OUT, 2)]:
                    shutil.rmtree(out, ignore_errors=True)
            status, said = (in_its_own if alone else in_this_process)(words)
            ends["traceback" if isinstance(status, str) else f"exit {status}"] += 1
            wrong = wrong_with(status, said)
            if wrong:
                problems += 1
                print(f"{number}{' (own process)' if alone else ''}: {words}\n    {wrong}", flush=True)
        os.chdir(before)
    found = ", ".join(f"{count} {end}" for end, count in sorted(ends.items()))
    print(f"{options.number} commands in {time.monotonic() - began:.0f} s: {found}; {problems} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
