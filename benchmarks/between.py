"""Time of a training step in this version relative to another one of numpyfa, such as the one before a change.

    python benchmarks/between.py FOLDER         # the folder of the other version's source; about 4 minutes

784-200-80-10 at batch sizes 1 to 512, a LeNet and a ResNet-20 at batch 64, float32, one thread, by BP, FA and DFA. Each
version lives in a process of its own. They take turns, so that a change in the machine's speed hits both; the ratio is
the median over the turns of this version's time by the other's. Below 1 this version is faster. Memory is the peak of a
fresh process in two steps.
"""

import argparse
import statistics
import sys
from pathlib import Path

from worker import Results, Worker, serve

TURNS = 9
CASES = [("mlp", batch) for batch in (1, 16, 64, 512)] + [("lenet", 64), ("resnet20", 64)]
STEPS = {("mlp", 1): 600, ("mlp", 16): 300, ("mlp", 64): 150, ("mlp", 512): 30, ("lenet", 64): 6, ("resnet20", 64): 2}


def prepare_requests(folder):
    sys.path.insert(0, folder)
    import numpy as np

    import numpyfa as fa
    from numpyfa.backend import keep_freed_memory

    make_rule = getattr(fa, "make_rule", None) or fa.rule  # version 0.1.0 called it so
    make_net = getattr(fa, "make_net", None) or fa.model
    keep_freed_memory()
    ready = {}

    def request(name, batch, rule):
        if (name, batch, rule) not in ready:
            rng = np.random.default_rng(0)
            shape = (28, 28, 1) if name == "lenet" else (32, 32, 3)
            net = fa.mlp("784-200-80-10") if name == "mlp" else make_net(name, input_shape=shape)
            target = np.eye(10, dtype=np.float32)[rng.integers(0, 10, batch)]
            x = rng.standard_normal((batch, *net.input_shape), np.float32)
            ready[name, batch, rule] = net, make_rule(rule, net), fa.SoftmaxCrossEntropy(), fa.SGD(0.001), x, target

        def run(steps=STEPS[name, batch]):
            for _ in range(steps):
                fa.train_step(*ready[name, batch, rule])

        run(2)
        return run

    return request


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", help="the folder that holds the other version's numpyfa/")
    parser.add_argument("--out", type=Path, help="a JSON file for the result")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        return serve(lambda: prepare_requests(options.folder), threads=1)
    if not (Path(options.folder) / "numpyfa" / "__init__.py").is_file():
        parser.error(f"{options.folder} holds no numpyfa: name the folder above it")

    here = str(Path(__file__).resolve().parents[1])
    folders = {"this": here, "other": str(Path(options.folder).resolve())}
    workers = {name: Worker(1, folder, "--serve") for name, folder in folders.items()}

    def peak(folder, *request):
        worker = Worker(1, folder, "--serve")
        megabytes = worker.ask(*request)["peak"]
        worker.close()
        return megabytes

    results = Results(options, threads=1, device="cpu")
    print(f"{'net':9} {'batch':>5} {'rule':5} {'this ms':>8} {'other ms':>8} {'ratio':>6} {'MB':>9}")
    for name, batch in CASES:
        for rule in ("bp", "fa", "dfa"):
            seconds = {each: [] for each in workers}
            for _ in range(TURNS):
                for each, worker in workers.items():
                    seconds[each].append(worker.ask(name, batch, rule)["seconds"] / STEPS[name, batch])
            ratio = statistics.median(a / b for a, b in zip(seconds["this"], seconds["other"]))
            this, other = (1000 * statistics.median(seconds[each]) for each in ("this", "other"))
            memory = {each: peak(folder, name, batch, rule) for each, folder in folders.items()}
            words = f"{memory['this']:4.0f} {memory['other']:4.0f}"
            print(f"{name:9} {batch:5} {rule:5} {this:8.3f} {other:8.3f} {ratio:6.2f} {words}", flush=True)
            results.add({"what": f"{name}, batch {batch}, {rule}", "net": name, "batch_size": batch, "rule": rule,
                         "ratio": ratio, "milliseconds": this, "other_milliseconds": other,
                         "peak_megabytes": memory, "seconds": seconds})  # fmt: skip
    for worker in workers.values():
        worker.close()
    results.finish()


if __name__ == "__main__":
    main()
