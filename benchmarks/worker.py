"""What the benchmarks share: processes that take turns, their times and memory, and the file of results.

Each library lives in a process of its own that answers requests, one line of JSON each. All have the same number of
threads, and on the CPU each is held to as many cores, so that a library that starts more threads than it was told gains
nothing. They take turns of a fifth of a second, so that a change in the machine's speed hits all, and the first of a
turn is the last of the next; a ratio is the median over the turns of one's time by the other's in the same turn. A peer
that is not there, or cannot do what is asked, is left out and the reason is written down.
"""

import argparse
import contextlib
import hashlib
import io
import json
import math
import os
import re
import statistics
import subprocess
import sys
import time
from pathlib import Path

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
OURS = "numpyfa"  # whom the others are compared with
UNSTEADY = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")  # they keep OpenBLAS from choosing its own kernels


class PeerError(Exception):
    """A peer could not do what it was asked; the message is its reason."""


def options_of(doc, add=lambda parser: None):
    """The options that the benchmarks share. `add(parser)` adds a script's own."""
    parser = argparse.ArgumentParser(description=doc.split("\n")[0])
    parser.add_argument("--threads", type=int, default=1, help="threads of each library (default: 1)")
    parser.add_argument("--device", choices=("cpu", "gpu"), default="cpu")
    parser.add_argument("--biotorch", type=Path, metavar="FOLDER", help="BioTorch's repository; left out without")
    parser.add_argument("--only", type=re.compile, metavar="PATTERN", default=re.compile(""),
                        help="only the rows whose name this regular expression finds")  # fmt: skip
    parser.add_argument("--quick", action="store_true", help="three short turns, to see it run")
    parser.add_argument("--out", type=Path, metavar="FILE",
                        help="a JSON file for the result; run again, an interrupted run goes on")  # fmt: skip
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    add(parser)
    options = parser.parse_args()
    options.turns, options.turn = (3, 0.05) if options.quick else (9, 0.2)
    return options


# -- In the process that measures ------------------------------------------------------------------------------------


class Worker:
    """A process of the calling script with its own number of threads (None: as many as it likes). `loaded` is its
    memory before any work, `error` why it cannot work."""

    def __init__(self, threads, *arguments):
        limits = {} if threads is None else dict.fromkeys(THREADS, str(threads))
        unset = (*THREADS, *UNSTEADY)
        self.process = subprocess.Popen(
            [sys.executable, sys.argv[0], *arguments],
            env={name: value for name, value in os.environ.items() if name not in unset} | limits,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        hello = self.answer()
        self.loaded, self.error = hello.get("loaded"), hello.get("error")

    def ask(self, *request):
        """{"seconds": ..., "peak": ...} of one request. Raises PeerError with the worker's reason."""
        if self.error:
            raise PeerError(self.error)
        with contextlib.suppress(BrokenPipeError):  # it has ended: no answer will come
            print(json.dumps(request), file=self.process.stdin, flush=True)
        answer = self.answer()
        if "error" in answer:
            raise PeerError(answer["error"])
        return answer

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            self.error = f"the process ended with {self.process.wait()}"
        return json.loads(line) if line else {"error": self.error}

    def close(self):
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.wait()


def start(options, name):
    """The worker that serves one library, told what this script was told."""
    return Worker(options.threads, *sys.argv[1:], "--serve", name)


def compare(options, workers, requests, ours=OURS):
    """The times of one repetition of what each worker is asked, as the entries of a row.

    `requests` is {name: request}; a ratio is the time of `ours` by another's. A worker is first asked for more and more
    repetitions, until they fill a turn. One that fails, then or in a turn, is left out, but not `ours`.
    """
    missing, times, found = {}, {}, {name: [] for name in workers if name in requests}

    @contextlib.contextmanager
    def or_leave_out(name):
        try:
            yield
        except PeerError as error:
            if name == ours:
                raise SystemExit(f"{ours} failed: {error}") from None
            missing[name] = str(error)
            del found[name]

    for name in list(found):
        with or_leave_out(name):
            times[name] = repetitions(workers[name], requests[name], options.turn)
    for turn in range(options.turns):
        first = turn % len(found)
        for name in [*found][first:] + [*found][:first]:
            with or_leave_out(name):
                found[name].append(workers[name].ask(times[name], *requests[name])["seconds"] / times[name])
    ratios = {
        name: statistics.median(mine / theirs for mine, theirs in zip(found[ours], values))
        for name, values in found.items()
        if name != ours
    }
    return {
        "milliseconds": {name: 1000 * statistics.median(values) for name, values in found.items()},
        "ratio": ratios,
        "missing": missing,
        "seconds": found,
    }


def repetitions(worker, request, turn):
    """How many repetitions fill a turn. The first request also builds and warms up, untimed."""
    n = 1
    while True:
        seconds = worker.ask(n, *request)["seconds"]
        if seconds > turn / 2 or n >= 100_000:
            return max(1, round(n * turn / seconds))
        n = math.ceil(n * min(100, turn / seconds))


def peak_memory(options, names, request):
    """{name: {"peak", "training"}} in megabytes, of fresh processes."""
    found = {}
    for name in names:
        worker = start(options, name)
        with contextlib.suppress(PeerError):  # the row of its times says why
            found[name] = peak_of(worker, *request)
        worker.close()
    return found


def peak_of(worker, *request):
    """Megabytes at the peak of the process in all it has done and three repetitions, and without what the library and
    the data took before any work."""
    peak = worker.ask(3, *request)["peak"]
    return {"peak": peak, "training": peak - worker.loaded}


# -- In the process that is measured ---------------------------------------------------------------------------------


def serve(prepare, threads=None, device="cpu"):
    """Answer requests on standard input. `prepare()` imports the library and returns `request(times, ...)`, which
    builds what is asked for and returns the function to be timed. `request.memory()`, if it is there, tells the peak
    memory of a device in megabytes, which is then told in the place of the process's."""
    if threads and device == "cpu":
        hold(threads)
    request, hello = None, {}
    try:
        with contextlib.redirect_stdout(sys.stderr):
            request = prepare()
    except Exception as error:
        hello["error"] = reason(error)
    forget_peak()
    hello["loaded"] = 0 if hasattr(request, "memory") else megabytes("VmRSS")
    print(json.dumps(hello), flush=True)
    for line in sys.stdin:
        print(json.dumps(answer(request, json.loads(line))), flush=True)


def answer(request, asked):
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # standard output is for answers
            run = request(*asked)
            began = time.perf_counter()
            run()
            seconds = time.perf_counter() - began
        peak = request.memory() if hasattr(request, "memory") else megabytes("VmHWM")
        return {"seconds": seconds, "peak": peak}
    except Exception as error:
        return {"error": reason(error)}


def reason(error):
    """An error in one line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"


def hold(cores):
    """Hold this process to so many cores, where the system can (Linux)."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-cores:])


def forget_peak():
    """Start measuring the peak memory afresh (Linux)."""
    Path("/proc/self/clear_refs").write_text("5")


def megabytes(what):
    """VmRSS, the resident memory now, or VmHWM, its peak since `forget_peak`."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(what))


# -- Results ---------------------------------------------------------------------------------------------------------


class Results:
    """The rows of a run, by their name ("what").

    With --out, each is on the disk as soon as it is measured, in FILE.part: the same command started again goes on
    there. FILE itself is written whole, by `finish`. With --only, the rows of an older FILE that this run did not make
    stay. Rows go into one file only if they were made on the same machine with the same versions and the same code.
    """

    def __init__(self, options, **about):
        quick = {"quick": True} if getattr(options, "quick", False) else {}
        self.machine = describe() | quick | about
        self.path, self.only, self.rows = options.out, getattr(options, "only", re.compile("")), {}
        self.part = self.path.with_name(self.path.name + ".part") if self.path else None
        if self.path and self.only.pattern and self.path.exists():
            self.rows_of(self.path)  # whether they will mix is told before anything is measured
        if self.part and self.part.exists():
            self.rows = self.rows_of(self.part)

    def wants(self, what):
        """Is this row asked for, and not there yet?"""
        return bool(self.only.search(what)) and what not in self.rows

    def add(self, row):
        self.rows[row["what"]] = row | {"date": time.strftime("%Y-%m-%d")}
        if self.part:
            self.write(self.part)

    def finish(self):
        if not self.path:
            return
        if self.only.pattern and self.path.exists():
            self.rows = self.rows_of(self.path) | self.rows
        self.write(self.path)
        self.part.unlink(missing_ok=True)

    def rows_of(self, path):
        """The rows of a file, if it was made as this one is."""
        from numpyfa.errors import InputError

        old = json.loads(path.read_text(encoding="utf-8"))
        before = {name: value for name, value in old["machine"].items() if name != "date"}
        differs = [name for name in before | self.machine if before.get(name) != self.machine.get(name)]
        if differs:
            raise InputError(
                f"{path} was made otherwise ({', '.join(differs)} differ), and its rows do not mix with others: "
                "move it away, or name another"
            )
        return {row["what"]: row for row in old["rows"]}

    def write(self, path):
        from numpyfa.files import whole_file

        machine = self.machine | {"date": time.strftime("%Y-%m-%d")}
        text = json.dumps({"machine": machine, "rows": short(list(self.rows.values()))}, indent=1)
        text = re.sub(r"\[\s+([-\d.e,\s]+?)\s+\]", lambda found: f"[{' '.join(found[1].split())}]", text)  # in a line
        with whole_file(path) as file:
            file.write(text + "\n")


def describe():
    """The machine, the versions of all libraries and the kind of number."""
    from numpyfa.backend import find_gpu
    from numpyfa.doctor import machine, version

    found = machine() | {name: version(name) for name in ("torch", "jax")} | {"dtype": "float32", "code": code()}
    cupy, _ = find_gpu()
    if cupy is not None:
        found |= {"gpu": cupy.cuda.runtime.getDeviceProperties(0)["name"].decode(), "cupy": cupy.__version__}
    return found


def code():
    """Twelve digits of a hash of what is measured: the files of numpyfa and of the benchmarks."""
    import numpyfa

    found = hashlib.sha256()
    for folder in (Path(numpyfa.__file__).parent, Path(__file__).resolve().parent):
        for path in sorted(folder.rglob("*.py")):
            found.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes())
    return found.hexdigest()[:12]


def short(value):
    """Every number with five digits: more are noise."""
    if isinstance(value, dict):
        return {name: short(each) for name, each in value.items()}
    if isinstance(value, list):
        return [short(each) for each in value]
    return float(f"{value:.5g}") if isinstance(value, float) else value
