"""Time and peak memory of one training step by each rule, relative to BP.

    python benchmarks/rules.py                  # about 5 minutes on two cores
    python benchmarks/rules.py --only 'conv (dfa|drtp)$'

Two nets, float32, batch 64, softmax cross-entropy, SGD with heavy-ball momentum 0.9 and a decay of 1e-4, as where the
rules with learned feedback are used: 784-512-512-10 (ReLU) and a small convolutional net on 28 x 28 images, 16 and 32
channels of 5 x 5 kernels, each max-pooled by 2, and 128 dense units. The examples are random numbers: nothing here
depends on what they say.

Each rule lives in a process of its own and takes turns with BP in another (see worker.py); the ratio is the median over
the turns of the rule's time by BP's. Memory is the peak resident set of the process, on a GPU that of the device. A
rule that cannot train a net refuses it by an InputError: its row holds these words.
"""

from peers import keep_last, numpyfa_device
from worker import Results, compare, options_of, peak_of, serve, start

BATCH, NETS = 64, ("mlp", "conv")


def build(name, device):
    import numpyfa as fa

    if name == "mlp":
        return fa.mlp("784-512-512-10", activation="relu", device=device)
    convs = [fa.Conv(channels, 5, "relu", fa.MaxPool(2), padding=2) for channels in (16, 32)]
    return fa.Network((28, 28, 1), [*convs, fa.Dense(128, "relu"), fa.Dense(10)], device=device)


def steps(options):
    import numpy as np

    import numpyfa as fa
    from numpyfa.backend import device, keep_freed_memory, to_device

    keep_freed_memory()
    module = device(options.device)

    def make(name):
        net, rng = build(name, options.device), np.random.default_rng(0)
        rule = fa.make_rule(options.serve, net)
        loss, optimizer = fa.SoftmaxCrossEntropy(), fa.SGD(0.001, momentum=0.9, decay=1e-4)
        x = to_device(rng.standard_normal((BATCH, *net.input_shape), np.float32), module)
        target = to_device(np.eye(10, dtype=np.float32)[rng.integers(0, 10, BATCH)], module)
        return lambda: fa.train_step(net, rule, loss, optimizer, x, target)

    return keep_last(make, numpyfa_device(options))


def main():
    options = options_of(__doc__)
    if options.serve:
        return serve(lambda: steps(options), options.threads, options.device)

    import numpyfa as fa

    results = Results(options, threads=options.threads, device=options.device)
    print(f"{'net':5} {'rule':11} {'ms':>7} {'BP ms':>7} {'ratio':>6} {'MB':>5} {'BP MB':>6}")
    for net in NETS:
        for rule in (*fa.RULES, *fa.VARIANTS):
            if not results.wants(f"{net} {rule}"):
                continue
            row = {"what": f"{net} {rule}", "net": net, "rule": rule} | beside_bp(options, net, rule)
            if "refused" in row:
                print(f"{net:5} {rule:11} {row['refused']}", flush=True)
            else:
                mine, bp, peak, bp_peak = (row[each] for each in ("milliseconds", "bp_milliseconds",
                                                                  "peak_megabytes", "bp_peak_megabytes"))  # fmt: skip
                print(
                    f"{net:5} {rule:11} {mine:7.2f} {bp:7.2f} {row['ratio']:6.2f} {peak:5.0f} {bp_peak:6.0f}",
                    flush=True,
                )
            results.add(row)
    results.finish()


def beside_bp(options, net, rule):
    """The entries of a row: time and memory of a rule's step and of BP's, or why the rule refuses the net."""
    workers = {name: start(options, name) for name in dict.fromkeys((rule, "bp"))}
    found = compare(options, workers, dict.fromkeys(workers, (net,)), "bp")
    failed = found["missing"].get(rule)
    peaks = {} if failed else {name: peak_of(worker, net)["peak"] for name, worker in workers.items()}
    for worker in workers.values():
        worker.close()
    if failed:
        if not failed.startswith("InputError: "):
            raise SystemExit(f"{rule} failed: {failed}")
        return {"refused": failed.removeprefix("InputError: ")}
    times = found["milliseconds"]
    return {"ratio": 1 / found["ratio"].get(rule, 1), "milliseconds": times[rule], "bp_milliseconds": times["bp"],
            "seconds": found["seconds"], "peak_megabytes": peaks[rule], "bp_peak_megabytes": peaks["bp"]}  # fmt: skip


if __name__ == "__main__":
    main()
