"""Where the time of a step of backpropagation goes, part by part, in this version and in another.

    python tools/parts.py FOLDER            # the folder of the other version's source; about 2 minutes
    python tools/parts.py --experiment      # where the time of a job of mnist-200-80-10 goes; about 20 seconds

A LeNet and a ResNet-20 at batch 64, float32, one thread, as in benchmarks/conv.py. Each part of each layer runs by
itself, the best of nine counts, and the layers are added up. The versions take turns, three times, in processes of
their own; the best counts. Printed as a table in Markdown.

A job of the experiment is one rule and one seed: here BP for three epochs, the parts' seconds an epoch, the median.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parents[1]
NETS = ("lenet", "resnet20")
PARTS = {"products": "z = rows(x) W", "tails": "h = tail(z)", "slopes": "delta = e times the tail's Jacobian",
         "gradients": "dW = rows(x)^T delta", "carries": "fold(delta M)"}  # fmt: skip


def measure(folder):
    """{net: {part: milliseconds}} of the version in this folder."""
    sys.path[:0] = [folder, str(HERE / "benchmarks")]
    import numpy as np
    from peers import numpyfa_net, shape_of

    from numpyfa.backend import keep_freed_memory

    keep_freed_memory()
    found = {}
    for name in NETS:
        rng = np.random.default_rng(0)
        net = numpyfa_net(name)
        traces = net.forward(rng.standard_normal((64, *shape_of(name, 32)), np.float32), train=True)
        total = dict.fromkeys(PARTS, 0.0)
        for layer in net.layers:
            trace = traces[layer.number]
            e = rng.standard_normal(trace.h.shape).astype(np.float32)
            signal = layer.backward(trace, e)
            product = best(layer.sum_inputs, trace.inputs)
            total["products"] += product
            total["tails"] += max(0.0, best(layer.forward, *trace.inputs, train=True) - product)
            total["slopes"] += best(layer.backward, trace, e)
            total["gradients"] += best(layer.gradients, trace, signal)
            if layer.W is not None and net.sources[layer.number] != (0,):
                total["carries"] += best(layer.carry, signal.delta, layer.W.T)
        found[name] = total
    return found


def experiment():
    """{part: seconds} of a job of mnist-200-80-10 in this version: once, then an epoch."""
    import statistics
    import tempfile

    took = {}

    def timed(name, call):
        def run(*given, **options):
            began = time.perf_counter()
            result = call(*given, **options)
            took.setdefault(name, []).append(time.perf_counter() - began)
            return result

        return run

    timed("once: start Python and import", subprocess.run)([sys.executable, "-c", "import numpyfa.cli"], check=True)
    sys.path.insert(0, str(HERE))
    import numpyfa as fa
    from numpyfa import learn

    data = timed("once: read MNIST", fa.load)("mnist")
    net = fa.mlp("784-200-80-10")
    rule, optimizer = fa.BP(net), fa.SGD(0.16)
    learn.run_epoch = timed("an epoch: train on 60,000 examples", learn.run_epoch)
    learn.measure_alignment = timed("an epoch: angles on 1000 examples", learn.measure_alignment)
    save = timed("an epoch: checkpoint", fa.checkpoint.save)
    evaluations = timed("evaluate", learn.evaluate)
    learn.evaluate = evaluations
    with tempfile.TemporaryDirectory() as folder:
        keep = lambda history: save(Path(folder) / "c.npz", net, rule, optimizer, history)  # noqa: E731
        fa.fit(net, rule, fa.SoftmaxCrossEntropy(), optimizer, data, epochs=3, batch_size=16, after_epoch=keep)
    train_and_test = took.pop("evaluate")
    took["an epoch: evaluate 60,000 and 10,000"] = [a + b for a, b in zip(train_and_test[::2], train_and_test[1::2])]
    return {name: statistics.median(seconds) for name, seconds in sorted(took.items(), reverse=True)}


def best(call, *given, **options):
    """Milliseconds of the best of nine calls."""
    took = []
    for _ in range(9):
        began = time.perf_counter()
        call(*given, **options)
        took.append(time.perf_counter() - began)
    return 1000 * min(took)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", nargs="?", default="", help="the folder that holds the other version's numpyfa/")
    parser.add_argument("--experiment", action="store_true", help="the parts of a job of mnist-200-80-10")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        return print(json.dumps(measure(options.folder)))
    if options.experiment:
        os.environ["OPENBLAS_NUM_THREADS"] = "1"
        print("| part | seconds |\n|---|---|")
        for part, seconds in experiment().items():
            print(f"| {part} | {seconds:.3f} |")
        return None
    if not (Path(options.folder) / "numpyfa" / "__init__.py").is_file():
        parser.error(f"{options.folder} holds no numpyfa: name the folder above it")

    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1"}
    found = {folder: [] for folder in (str(Path(options.folder).resolve()), str(HERE))}
    for _ in range(3):
        for folder, turns in found.items():
            command = [sys.executable, __file__, folder, "--serve"]
            turns.append(json.loads(subprocess.run(command, env=environment, capture_output=True, check=True).stdout))
    print("| milliseconds | " + " | ".join(f"{net}, before | {net}, now" for net in NETS) + " |")
    print("|---|" + "---|" * 2 * len(NETS))
    for part, meaning in PARTS.items():
        cells = [f"{min(turn[net][part] for turn in turns):.1f}" for net in NETS for turns in found.values()]
        print(f"| {part}: {meaning} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
