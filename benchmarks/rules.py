"""Time and peak memory of one training step by each rule, relative to BP.

    python benchmarks/rules.py                  # about 5 minutes on two cores
    python benchmarks/rules.py --net conv --rule dfa,drtp

Two nets, float32, batch 64, softmax cross-entropy, SGD with heavy-ball momentum 0.9 and a decay of 1e-4, as where the
rules with learned feedback are used: 784-512-512-10 (ReLU) and a small convolutional net on 28 x 28 images, 16 and 32
channels of 5 x 5 kernels, each max-pooled by 2, and 128 dense units. The examples are random numbers: nothing here
depends on what they say.

Each rule lives in a process of its own and takes turns with BP in another, so that a change in the machine's speed hits
both. A turn is 20 to 60 steps; the ratio is the median over the turns of the rule's time by BP's. Memory is the peak
resident set of the process.
"""

import argparse
import statistics
from pathlib import Path

from worker import Worker, serve, write

TURNS, BATCH = 9, 64
STEPS = {"mlp": 60, "conv": 20}
REFUSED = {("conv", "ifa"), ("conv", "lra-e")}  # they cannot train a net with pools


def build(name):
    import numpyfa as fa

    if name == "mlp":
        return fa.mlp("784-512-512-10", activation="relu")
    convs = [fa.Conv(channels, 5, "relu", fa.MaxPool(2), padding=2) for channels in (16, 32)]
    return fa.Network((28, 28, 1), [*convs, fa.Dense(128, "relu"), fa.Dense(10)])


def prepare_requests(rule):
    import numpy as np

    import numpyfa as fa
    from numpyfa.backend import keep_freed_memory

    keep_freed_memory()
    ready = {}

    def request(name, steps):
        if name not in ready:
            net, rng = build(name), np.random.default_rng(0)
            loss, optimizer = fa.SoftmaxCrossEntropy(), fa.SGD(0.001, momentum=0.9, decay=1e-4)
            ready[name] = (net, fa.make_rule(rule, net), loss, optimizer,
                           rng.standard_normal((BATCH, *net.input_shape), np.float32),
                           np.eye(10, dtype=np.float32)[rng.integers(0, 10, BATCH)])  # fmt: skip

        def run(steps=steps):
            for _ in range(steps):
                fa.train_step(*ready[name])

        run(3)
        return run

    return request


def main():
    import numpyfa as fa

    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--net", choices=tuple(STEPS), action="append")
    parser.add_argument("--rule", type=lambda text: text.split(","), default=[*fa.RULES, *fa.VARIANTS])
    parser.add_argument("--out", type=Path, help="a JSON file for the result")
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        return serve(prepare_requests(options.serve))

    for name in options.rule:
        fa.rules.find(name)
    rows = []
    print(f"{'net':5} {'rule':11} {'ms':>7} {'BP ms':>7} {'ratio':>6} {'MB':>5} {'BP MB':>6}")
    for net in options.net or STEPS:
        for rule in options.rule:
            if (net, rule) in REFUSED:
                continue
            workers = {name: Worker(options.threads, "--serve", name) for name in dict.fromkeys((rule, "bp"))}
            seconds = {name: [] for name in workers}
            for _ in range(TURNS):
                for name, worker in workers.items():
                    answer = worker.ask(net, STEPS[net])
                    seconds[name].append(answer["seconds"] / STEPS[net])
            peaks = {name: worker.ask(net, 1)["peak"] for name, worker in workers.items()}
            for worker in workers.values():
                worker.close()
            ratio = statistics.median(a / b for a, b in zip(seconds[rule], seconds["bp"]))
            mine, bp = (1000 * statistics.median(seconds[name]) for name in (rule, "bp"))
            print(
                f"{net:5} {rule:11} {mine:7.2f} {bp:7.2f} {ratio:6.2f} {peaks[rule]:5.0f} {peaks['bp']:6.0f}",
                flush=True,
            )
            rows.append({"net": net, "rule": rule, "ratio": ratio, "milliseconds": mine, "bp_milliseconds": bp,
                         "all": seconds, "peak_megabytes": peaks[rule], "bp_peak_megabytes": peaks["bp"]})  # fmt: skip
    if options.out:
        write(options.out, rows, threads=options.threads)


if __name__ == "__main__":
    main()
