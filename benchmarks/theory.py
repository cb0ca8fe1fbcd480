"""The student and teacher: seconds of the differential equations, and examples a second of the simulation.

    python benchmarks/theory.py                 # needs numpyfa[theory]; about a minute, one thread

The poster's case, K = M = 5 from R = 0 and Q = 0.2 times the identity, BP and FA: equations to t = 1000, and ten seeds
side by side at N = 500 and N = 1000. Medians of 3.
"""

import os

os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")

import argparse
import statistics
import time
from pathlib import Path

import numpy as np
from worker import Results

from numpyfa.theory import Overlaps, integrate, simulate

SEEDS, STEPS = 10, 5000


def seconds(run):
    times = []
    for _ in range(3):
        began = time.perf_counter()
        run()
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, help="a JSON file for the result")
    results = Results(parser.parse_args(), threads=1, device="cpu")
    rng, eye = np.random.default_rng(0), np.eye(5)
    v, F = 0.1 * rng.standard_normal(5), rng.standard_normal(5)
    for rule, feedback in (("bp", None), ("fa", F)):
        start = Overlaps(0.2 * eye, 0 * eye, eye, v, np.ones(5), feedback)
        took = seconds(lambda start=start: integrate(start, [1000], 0.2))
        print(f"{rule}: the equations to t = 1000 take {took:.2f} s")
        results.add({"what": f"{rule}, equations to t = 1000", "rule": rule, "seconds": took})
        for N in (500, 1000):
            took = seconds(lambda start=start, N=N: simulate(start, N, [STEPS / N], 0.2, seeds=range(SEEDS)))
            rate = STEPS * SEEDS / took
            print(f"{rule}: {rate:,.0f} examples a second at N = {N}, {SEEDS} seeds side by side")
            what = f"{rule}, simulation, N = {N}, {SEEDS} seeds"
            results.add({"what": what, "rule": rule, "examples_per_second": rate})
    results.finish()


if __name__ == "__main__":
    main()
