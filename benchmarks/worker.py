"""What the benchmarks share: processes that answer requests, one line of JSON each, and tell their peak memory."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path


class Worker:
    """A process of the calling script with its own number of threads. `loaded` is its memory before any work."""

    def __init__(self, threads, *arguments):
        names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
        self.process = subprocess.Popen(
            [sys.executable, sys.argv[0], *arguments],
            env=plain_environment() | dict.fromkeys(names, str(threads)),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.loaded = json.loads(self.process.stdout.readline())["loaded"]

    def ask(self, *request):
        """{"seconds": ..., "peak": ...} of one request."""
        print(json.dumps(request), file=self.process.stdin, flush=True)
        return json.loads(self.process.stdout.readline())

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def plain_environment():
    """This process's environment without settings that keep OpenBLAS from choosing its own kernels."""
    return {name: value for name, value in os.environ.items() if name not in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")}


def serve(prepare):
    """Answer requests on standard input. `prepare(*request)` returns the function to be timed."""
    forget_peak()
    print(json.dumps({"loaded": megabytes("VmRSS")}), flush=True)
    for line in sys.stdin:
        run = prepare(*json.loads(line))
        began = time.perf_counter()
        run()
        print(json.dumps({"seconds": time.perf_counter() - began, "peak": megabytes("VmHWM")}), flush=True)


def forget_peak():
    """Start measuring the peak memory afresh (Linux)."""
    Path("/proc/self/clear_refs").write_text("5")


def megabytes(what):
    """VmRSS, the resident memory now, or VmHWM, its peak since `forget_peak`."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(what))


def write(path, rows, **about):
    """The rows and the machine they were made on, as JSON."""
    from numpyfa.doctor import machine

    about = machine() | about | {"date": time.strftime("%Y-%m-%d")}
    Path(path).write_text(json.dumps({"machine": about, "rows": rows}, indent=1) + "\n")
