"""Where the time of a step of backpropagation goes, part by part, in this version and in another.

    python tools/parts.py FOLDER            # the folder of the other version's source; about 2 minutes

A LeNet and a ResNet-20 at batch 64, float32, one thread, as in benchmarks/conv.py. Each part of each layer runs by
itself, the best of nine counts, and the layers are added up. The versions take turns, three times, in processes of
their own; the best counts. Printed as a table in Markdown.
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
    parser.add_argument("folder", help="the folder that holds the other version's numpyfa/")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        return print(json.dumps(measure(options.folder)))
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
