"""How many threads to set: a BP step on one thread, on two, and with nothing set, on a quiet machine and a busy one.

    python benchmarks/threads.py                       # needs numpyfa[bench]; about 2 minutes, longer where it is busy
    python benchmarks/threads.py --only busy

numpyfa with OPENBLAS_NUM_THREADS=1, with 2, and with nothing set, beside PyTorch on 1 and on 2 threads; they take turns
(worker.py), and none is held to a core. "quiet" means that nothing else is started here; "busy" that one more process
multiplies matrices in a loop on one thread all the while. Float32, plain SGD, one batch of random numbers. A ratio is
the time of numpyfa on one thread by that of the column: above 1 the column is faster.
"""

import contextlib
import os
import subprocess
import sys

from peers import numpyfa_steps, torch_steps
from worker import OURS, THREADS, Results, Worker, compare, options_of, serve

SETTINGS = {"numpyfa 1": 1, "numpyfa 2": 2, "numpyfa unset": None, "torch 1": 1, "torch 2": 2}
WORK = [("mlp", 64), ("mlp", 512), ("lenet", 64), ("resnet20", 64)]
BUSY = "import os, numpy\nparent, a = os.getppid(), numpy.ones((500, 500), 'f')\nwhile os.getppid() == parent: a @ a"


@contextlib.contextmanager
def load(busy):
    """Inside, one more process keeps one core busy, if `busy`."""
    process = None
    if busy:
        process = subprocess.Popen([sys.executable, "-c", BUSY], env=os.environ | dict.fromkeys(THREADS, "1"))
    try:
        yield
    finally:
        if process:
            process.terminate()
            process.wait()


def main():
    options = options_of(__doc__)
    if options.serve:
        return serve(lambda: (numpyfa_steps if options.serve == OURS else torch_steps)(options))

    results = Results(options, threads=None, device="cpu")
    workers = {name: Worker(n, *sys.argv[1:], "--serve", name.split()[0]) for name, n in SETTINGS.items()}
    print(f"{'milliseconds':28}" + "".join(f"{name:>15}" for name in SETTINGS))
    for condition in ("quiet", "busy"):
        with load(condition == "busy"):
            for net, batch in WORK:
                what = f"{net}, batch {batch}, {condition}"
                if not results.wants(what):
                    continue
                row = {"what": what, "net": net, "batch_size": batch, "condition": condition}
                row |= compare(options, workers, dict.fromkeys(SETTINGS, (net, "bp", batch, 32)), "numpyfa 1")
                cells = (f"{row['milliseconds'].get(name, float('nan')):15.2f}" for name in SETTINGS)
                print(f"{what:28}" + "".join(cells), flush=True)
                results.add(row)
    for worker in workers.values():
        worker.close()
    results.finish()


if __name__ == "__main__":
    main()
