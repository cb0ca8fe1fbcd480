"""Training throughput and memory of 784-200-80-10 against PyTorch eager, for BP, FA and DFA.

    python benchmarks/mlp.py                    # needs numpyfa[bench]; about 8 minutes on two cores
    python benchmarks/mlp.py --threads 2 --device gpu

Both train the same net (tanh, softmax cross-entropy, plain SGD, float32) on the MNIST training set in a shuffled
order, through the loop a user of each would write: numpyfa's is `learn.run_epoch`; PyTorch's gathers a batch from a
float32 tensor, `zero_grad`, `backward`, `step`. PyTorch's FA is a custom autograd function; its DFA detaches each
hidden layer's input and calls backward with the projected error.
numpyfa keeps the images as bytes and scales a batch at a time; that is part of its time.

Each library lives in a process of its own with the same number of threads; the two take turns, so that a change in
the machine's speed hits both. The figure is the median of five turns. Memory is the peak resident set of a fresh
process (the library, the data and one epoch of training), and in brackets what training added to it.
"""

import argparse
import os
import statistics
from pathlib import Path

from worker import Worker, serve, write

RULES, BATCHES, TURNS = ("bp", "fa", "dfa"), (1, 16, 64, 512), 5
SIZES = (784, 200, 80, 10)


def examples(batch_size, device):
    """Enough for a second or so of work, in whole batches."""
    wanted = {1: 6_000, 16: 30_000}.get(batch_size, 60_000)
    return wanted // batch_size * batch_size if device == "cpu" else min(wanted, 400 * batch_size)


def numpyfa_worker(device):
    import numpyfa as fa
    from numpyfa.learn import run_epoch

    data = fa.load("mnist")

    def prepare(rule):
        import numpy as np

        from numpyfa.backend import to_device

        net = fa.mlp("-".join(map(str, SIZES)), device=device)
        x, y = net.as_input(data.x_train), to_device(fa.one_hot(data.y_train, 10, net.dtype), net.module)
        by, optimizer, loss = fa.make_rule(rule, net), fa.SGD(0.1), fa.SoftmaxCrossEntropy()

        def run(n, batch_size):
            order = to_device(np.random.default_rng(0).permutation(len(x))[:n], net.module)
            run_epoch(net, by, loss, optimizer, x, y, order, batch_size)

        return run

    return prepare


def torch_worker(device):
    import torch
    from torch import nn

    import numpyfa as fa

    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    where = "cuda" if device == "gpu" else "cpu"
    data = fa.load("mnist")
    x = torch.from_numpy(data.x_train).reshape(-1, 784).to(where, torch.float32) / 255
    y = torch.from_numpy(data.y_train).to(where)

    class FALinear(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, W, b, B):
            ctx.save_for_backward(x, B)
            return torch.addmm(b, x, W.t())

        @staticmethod
        def backward(ctx, delta):
            x, B = ctx.saved_tensors
            e = delta @ B if ctx.needs_input_grad[0] else None
            return e, delta.t() @ x, delta.sum(0), None

    def prepare(rule):
        layers = [nn.Linear(n, m).to(where) for n, m in zip(SIZES, SIZES[1:])]
        optimizer = torch.optim.SGD([p for layer in layers for p in layer.parameters()], lr=0.1)
        loss = nn.CrossEntropyLoss()
        sequential = [torch.randn(m, n, device=where) * n**-0.5 for n, m in zip(SIZES, SIZES[1:])]
        direct = [torch.randn(10, m, device=where) * m**-0.5 for m in SIZES[1:-1]]

        def bp(batch):
            h = batch
            for layer in layers[:-1]:
                h = torch.tanh(layer(h))
            return layers[-1](h)

        def fa_forward(batch):
            h = batch
            for layer, B in zip(layers[:-1], sequential):
                h = torch.tanh(FALinear.apply(h, layer.weight, layer.bias, B))
            return FALinear.apply(h, layers[-1].weight, layers[-1].bias, sequential[-1])

        def dfa_step(batch, label):
            h, hidden = batch, []
            for layer in layers[:-1]:
                h = torch.tanh(layer(h.detach()))
                hidden.append(h)
            logits = layers[-1](h.detach())
            loss(logits, label).backward()
            with torch.no_grad():
                error = torch.softmax(logits, 1)
                error[torch.arange(len(label), device=where), label] -= 1
                error /= len(label)
            for h, B in zip(hidden, direct):
                h.backward(error @ B)

        def run(n, batch_size):
            order = torch.randperm(len(x), device=where)[:n]
            for start in range(0, n, batch_size):
                batch = order[start : start + batch_size]
                optimizer.zero_grad()
                if rule == "dfa":
                    dfa_step(x[batch], y[batch])
                else:
                    loss((bp if rule == "bp" else fa_forward)(x[batch]), y[batch]).backward()
                optimizer.step()
            if where == "cuda":
                torch.cuda.synchronize()

        return run

    return prepare


def prepare_requests(library, device):
    """The function that makes the work of a request (rule, batch size, examples); a rule's first request warms up."""
    prepare, runs = {"numpyfa": numpyfa_worker, "torch": torch_worker}[library](device), {}

    def request(rule, batch_size, n):
        if rule not in runs:
            runs[rule] = prepare(rule)
            runs[rule](min(n, 20 * batch_size), batch_size)
        return lambda: runs[rule](n, batch_size)

    return request


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", choices=("cpu", "gpu"), default="cpu")
    parser.add_argument("--out", type=Path, help="a JSON file for the result")
    parser.add_argument("--serve", choices=("numpyfa", "torch"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        return serve(prepare_requests(options.serve, options.device))

    from numpyfa.doctor import version

    def start(library):
        return Worker(options.threads, "--serve", library, "--device", options.device)

    workers = {name: start(name) for name in ("numpyfa", "torch")}
    rows = []
    heads = ("rule", "batch", "numpyfa ex/s", "torch ex/s", "ratio", "numpyfa MB", "torch MB")
    print("{:5} {:>5} {:>13} {:>11} {:>6} {:>12} {:>12}".format(*heads))
    for rule in RULES:
        for batch_size in BATCHES:
            n = examples(batch_size, options.device)
            speeds = {name: [] for name in workers}
            for _ in range(TURNS):
                for name, worker in workers.items():
                    speeds[name].append(n / worker.ask(rule, batch_size, n)["seconds"])
            memory = {}
            for name in workers:
                fresh = start(name)
                peak = fresh.ask(rule, batch_size, n)["peak"]
                memory[name] = {"peak": peak, "training": peak - fresh.loaded}
                fresh.close()
            a, b = (statistics.median(speeds[name]) for name in ("numpyfa", "torch"))
            words = [f"{m['peak']:.0f} ({m['training']:.0f})" for m in memory.values()]
            print(
                f"{rule:5} {batch_size:5} {a:13,.0f} {b:11,.0f} {a / b:6.2f} {words[0]:>12} {words[1]:>12}", flush=True
            )
            rows.append({"rule": rule, "batch_size": batch_size, "examples_per_second": {"numpyfa": a, "torch": b},
                         "ratio": a / b, "all": speeds, "peak_megabytes": memory})  # fmt: skip
    for worker in workers.values():
        worker.close()
    if options.out:
        write(options.out, rows, torch=version("torch"), threads=options.threads, device=options.device)


if __name__ == "__main__":
    main()
