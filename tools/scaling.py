"""What it costs to share jobs out: overhead, the parent's memory, and jobs an hour on many workers.

    python tools/scaling.py [--jobs 1000] [--seconds 1] [--workers 1,2,8,32] [--out benchmarks/results/scaling]

The run is a sweep whose jobs sleep in place of training, so that other work on the machine counts little and more
workers than cores can be measured. All else is that of any sweep: each job's report every 0.2 seconds, its part on the
disk, its line of progress, what it calls for, the table. For more workers than were measured it is simulated: each does
one job after the other, with the overhead measured last, and the parent, whose processor time a job is measured too,
serves them one by one.

Writes a JSON file with the measured numbers, and the figure.
"""

import argparse
import heapq
import json
import os
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from numpyfa.doctor import machine  # noqa: E402
from numpyfa.lab import plots, run  # noqa: E402
from numpyfa.lab.experiment import Experiment  # noqa: E402
from numpyfa.lab.progress import Progress  # noqa: E402
from numpyfa.lab.protocol import Protocol  # noqa: E402
from numpyfa.lab.sweep import product, sweeping  # noqa: E402
from numpyfa.rules import RULES  # noqa: E402

LONG = 1.0  # seconds of a job that the overhead is said for
REPORTS = 0.2  # seconds between two reports of a job
NAMES = tuple(RULES)[:20]  # of the rules that the jobs are called after
TESTS = 2  # a rule
SIMULATED = (1, 2, 4, 8, 16, 32, 64)


class Watch(Progress):
    """Notes when each job ends, and how much memory the parent has then."""

    def __init__(self) -> None:
        self.ends: list[float] = []
        self.memory: list[float] = []

    def at(self, share: float, words: str | None = None) -> None:
        if words:
            self.ends.append(time.perf_counter())
            self.memory.append(resident())


def resident() -> float:
    """The memory of this process, in MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def sleep(
    settings: dict, stage: str, case: str, rule: str, point: str, seed: int, epochs: int, place: run.Place
) -> list:
    """The row of a job that does nothing."""
    end = time.monotonic() + settings["seconds"]
    while (left := end - time.monotonic()) > 0:
        time.sleep(min(left, REPORTS))
        place.report(1 - left / settings["seconds"])
    about = {"case": case, "rule": rule, "stage": stage, "seed": seed, "epochs": epochs, "point": point}
    return [about | {"held_out_error" if stage == "trial" else "test_error": 1.0}]


def sleeping(jobs: int, seconds: float) -> Experiment:
    """A sweep of so many jobs of so long."""
    protocol = Protocol(net="784-10", rules=NAMES, validation=1000, seeds=TESTS)
    points = product({"lr": [number / 1000 for number in range(1, jobs // len(NAMES) - TESTS + 1)]})
    each = sweeping("sleeping", protocol, points)
    return replace(each, settings=each.settings | {"seconds": seconds}, work=sleep, draw=lambda *_: None,
                   check=lambda settings: {}, verdict=lambda settings, table: [])  # fmt: skip


def measure(jobs: int, seconds: float, workers: int) -> dict:
    """One run of so many jobs."""
    each = sleeping(jobs, seconds)
    run.cores = lambda: workers
    watch = Watch()
    with tempfile.TemporaryDirectory() as out:
        began, busy = time.perf_counter(), time.process_time()
        run.run(each, each.settings, out, progress=watch)
        whole, busy = time.perf_counter() - began, time.process_time() - busy
    first, last = watch.ends[0], watch.ends[-1]
    between = (last - first) * workers / (jobs - 1)  # a worker's time from one job's end to the next
    tenth = max(1, jobs // 10)
    return {
        "workers": workers,
        "jobs": jobs,
        "seconds": seconds,
        "whole": whole,
        "start": first - began - seconds,
        "overhead": between - seconds,
        "parent": busy / jobs,
        "memory_after_a_tenth": watch.memory[tenth - 1],
        "memory_at_the_end": watch.memory[-1],
    }


def simulate(workers: int, seconds: float, overhead: float, parent: float, jobs: int = 2000) -> float:
    """Jobs an hour. Each worker's job takes so long with its overhead; then the parent takes its result in, one after
    the other."""
    free = [0.0] * workers  # when each worker is done with its job
    heapq.heapify(free)
    parent_free = 0.0
    for _ in range(jobs):
        ready = heapq.heappop(free) + seconds + overhead
        parent_free = max(parent_free, ready) + parent
        heapq.heappush(free, max(ready, parent_free - workers * parent))  # it has one job more at hand
    return 3600 * jobs / parent_free


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jobs", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--workers", default="1,2,8,32")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/scaling"))
    options = parser.parse_args()
    if options.jobs % len(NAMES) or options.jobs <= TESTS * len(NAMES):
        parser.error(f"--jobs must be a multiple of {len(NAMES)} above {TESTS * len(NAMES)}, found {options.jobs}")
    measured = [measure(options.jobs, options.seconds, int(workers)) for workers in options.workers.split(",")]
    for each in measured:
        print(
            f"{each['workers']} workers, {each['jobs']} jobs of {each['seconds']} s: start {each['start']:.2f} s, "
            f"overhead {1000 * each['overhead']:.1f} ms a job, {each['overhead'] / LONG:.1%} of a job of {LONG:g} s; "
            f"the parent {1000 * each['parent']:.1f} ms a job, {each['memory_after_a_tenth']:.1f} MB after a tenth of "
            f"the jobs and {each['memory_at_the_end']:.1f} MB at the end"
        )
    last = measured[-1]
    simulated = [
        {"workers": workers, "jobs_an_hour": simulate(workers, LONG, max(0.0, last["overhead"]), last["parent"])}
        for workers in SIMULATED
    ]
    options.out.parent.mkdir(parents=True, exist_ok=True)
    found = {"machine": machine(), "job": LONG, "measured": measured, "simulated": simulated}
    options.out.with_suffix(".json").write_text(json.dumps(found, indent=2) + "\n")
    plots.save(options.out, lambda figure: draw(figure, measured, simulated))
    print("\n".join(f"{each['workers']:3} workers: {each['jobs_an_hour']:9,.0f} jobs an hour" for each in simulated))
    return 0


def draw(figure: object, measured: list[dict], simulated: list[dict]) -> None:
    axes = plots.grid(figure, 1, 1)[0]
    workers = [each["workers"] for each in simulated]
    axes.plot(workers, [3600 / LONG * n for n in workers], color="#7F7F7F", ls=":", label="without overhead")
    axes.plot(workers, [each["jobs_an_hour"] for each in simulated], color="#0072B2", label="simulated")
    x = [each["workers"] for each in measured]
    y = [3600 * each["workers"] / (LONG + each["overhead"]) for each in measured]
    axes.plot(
        x, y, ls="none", marker="o", color="#000000", label=f"measured, with jobs of {measured[0]['seconds']:g} s"
    )
    axes.set(xscale="log", yscale="log", xlabel="workers", ylabel=f"jobs of {LONG:g} s an hour")
    plots.plain_ticks(axes.xaxis, workers)
    axes.legend(frameon=False)
    figure.suptitle(f"A sweep of {measured[0]['jobs']:,} jobs that sleep: jobs an hour")


if __name__ == "__main__":
    sys.exit(main())
