"""Convolutional nets against PyTorch eager: forward pass, training step, memory, and single layers.

    python benchmarks/conv.py                   # needs numpyfa[bench]; about 6 minutes
    python benchmarks/conv.py --threads 2 --device gpu

Two nets at batch 64 in float32: LeNet on 28 x 28 (5x5 kernels, 32 and 64 channels, each max-pooled by 2, 256 units) and
He et al.'s ResNet-20 on 32 x 32 x 3. A step is forward, backward and plain SGD. PyTorch runs in its default memory
format and in channels_last; `ratio` is numpyfa's time by PyTorch's in the default format, which is what its user gets.
Then the forward pass and the two gradients of single layers, and the peak memory of a ResNet-20 step against
batch size and image size.

Each library lives in a process of its own with the same number of threads; the two take turns, and the figure is the
median of the turns.
"""

import argparse
import math
import os
import statistics
from pathlib import Path

from worker import Worker, serve, write

TURNS = 9
WORK = [(net, what) for net in ("lenet", "resnet20") for what in ("forward", "bp", "fa", "dfa", "pfa")]
LAYERS = [(28, 1, 32, 5), (14, 32, 64, 5), (32, 3, 64, 3), (32, 64, 64, 3), (16, 128, 128, 3)]
MEMORY = [(batch, 32) for batch in (16, 64, 128, 256)] + [(64, 16), (64, 64)]


def numpyfa_worker(device):
    import numpy as np

    import numpyfa as fa
    from numpyfa.backend import keep_freed_memory, to_device

    keep_freed_memory()
    ready = {}

    def build(net, size):
        if net == "resnet20":
            return fa.make_net("resnet20", input_shape=(size, size, 3), init="he", device=device)
        convs = [fa.Conv(channels, 5, "relu", fa.MaxPool(2), padding=2) for channels in (32, 64)]
        return fa.Network((28, 28, 1), [*convs, fa.Dense(256, "relu"), fa.Dense(10)], init="he", device=device)

    def make(kind, *key):
        rng = np.random.default_rng(0)
        if kind == "floor":
            side = rng.standard_normal((1024, 1024), np.float32)
            maps = rng.standard_normal(64 * 28 * 28 * 32, np.float32)
            return ((lambda: side @ side) if key == ("product",) else maps.copy), np
        if kind == "layer":
            side, channels, out, kernel = key
            layer = fa.Conv(out, kernel, padding=kernel // 2)
            net = fa.Network((side, side, channels), [layer], device=device)
            x = to_device(rng.standard_normal((64, side, side, channels), np.float32), net.module)
            delta = layer.weigh(x, layer.W)

            def run():
                layer.weigh(x, layer.W, layer.b)
                layer.outer(x, delta)
                layer.carry(delta, layer.W.T)

            return run, net.module
        name, what, batch, size = key
        net = build(name, size)
        x = to_device(rng.standard_normal((batch, *net.input_shape), np.float32), net.module)
        target = to_device(np.eye(10, dtype=np.float32)[rng.integers(0, 10, batch)], net.module)
        if what == "forward":
            return (lambda: net.forward(x, train=True)), net.module
        rule, loss, optimizer = fa.make_rule(what, net), fa.SoftmaxCrossEntropy(), fa.SGD(0.001)
        return (lambda: fa.train_step(net, rule, loss, optimizer, x, target)), net.module

    def request(times, *key):
        key = tuple(key)
        if key not in ready:
            ready.clear()
            ready[key] = make(*key)
            for _ in range(2):
                ready[key][0]()
        run, module = ready[key]

        def repeat():
            for _ in range(times):
                run()
            if module is not np:
                module.cuda.Device().synchronize()

        return repeat

    return request


def torch_worker(device, channels_last):
    import torch
    import torch.nn.functional as F
    from torch import nn

    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    where, ready = "cuda" if device == "gpu" else "cpu", {}
    form = torch.channels_last if channels_last else torch.contiguous_format

    class Block(nn.Module):
        def __init__(self, channels_in, channels, stride):
            super().__init__()
            self.first = nn.Conv2d(channels_in, channels, 3, stride, 1, bias=False)
            self.second = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
            self.norms = nn.ModuleList(nn.BatchNorm2d(channels) for _ in range(2))
            self.stride, self.pad = stride, (channels - channels_in) // 2

        def forward(self, x):
            h = self.norms[1](self.second(F.relu(self.norms[0](self.first(x)))))
            if self.stride > 1:
                x = F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, self.pad, self.pad))
            return F.relu(h + x)

    def build(net):
        if net == "lenet":
            first = [nn.Conv2d(1, 32, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2)]
            second = [nn.Conv2d(32, 64, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2)]
            return nn.Sequential(*first, *second, nn.Flatten(), nn.Linear(3136, 256), nn.ReLU(), nn.Linear(256, 10))
        layers, before = [nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU()], 16
        for channels in (16, 32, 64):
            for _ in range(3):
                layers.append(Block(before, channels, 1 if channels == before else 2))
                before = channels
        return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))

    def make(kind, *key):
        if kind == "layer":
            side, channels, out, kernel = key
            layer = nn.Conv2d(channels, out, kernel, padding=kernel // 2).to(where, memory_format=form)
            x = torch.randn(64, channels, side, side, device=where).to(memory_format=form).requires_grad_()
            delta = torch.randn(64, out, side, side, device=where).to(memory_format=form)

            def run():
                layer.weight.grad = layer.bias.grad = x.grad = None
                layer(x).backward(delta)

            return run
        name, what, batch, size = key
        net = build(name).to(where, memory_format=form)
        shape = (batch, 1, 28, 28) if name == "lenet" else (batch, 3, size, size)
        x = torch.randn(shape, device=where).to(memory_format=form)
        label = torch.randint(0, 10, (batch,), device=where)
        optimizer = torch.optim.SGD(net.parameters(), lr=0.001)

        def forward():
            with torch.no_grad():
                net(x)

        def step():
            optimizer.zero_grad()
            F.cross_entropy(net(x), label).backward()
            optimizer.step()

        return forward if what == "forward" else step

    def request(times, *key):
        key = tuple(key)
        if key not in ready:
            ready.clear()
            ready[key] = make(*key)
            for _ in range(2):
                ready[key]()

        def repeat():
            for _ in range(times):
                ready[key]()
            if where == "cuda":
                torch.cuda.synchronize()

        return repeat

    return request


def floors(worker, rows):
    """What a BP step cannot be faster than: its products at the rate of a large one, and its maps copied as often as a
    step has to read and write them (three times: z, h, delta) at the rate of a copy."""
    import numpyfa as fa
    from numpyfa.layers import Weighted

    seconds = {what: statistics.median(worker.ask(10, "floor", what)["seconds"] / 10 for _ in range(TURNS))
               for what in ("product", "copy")}  # fmt: skip
    rates = {"product": 2 * 1024**3 / seconds["product"], "copy": 4 * 64 * 28 * 28 * 32 / seconds["copy"]}
    print(f"product rate {rates['product'] / 1e9:.0f} GFLOP/s, copy rate {rates['copy'] / 1e9:.1f} GB/s")
    convs = [fa.Conv(channels, 5, "relu", fa.MaxPool(2), padding=2) for channels in (32, 64)]
    nets = {"lenet": fa.Network((28, 28, 1), [*convs, fa.Dense(256, "relu"), fa.Dense(10)]),
            "resnet20": fa.make_net("resnet20", input_shape=(32, 32, 3))}  # fmt: skip
    for name, net in nets.items():
        flop = bytes_ = 0
        for layer in net.layers:
            size = math.prod(layer.shape_z)
            bytes_ += 3 * 4 * 64 * size
            if isinstance(layer, Weighted):
                times = 2 if net.sources[layer.number] == (0,) else 3  # the first layer sends nothing down
                flop += times * 2 * 64 * size * layer.fans[0]
        floor = {"product": 1000 * flop / rates["product"], "copy": 1000 * bytes_ / rates["copy"]}
        times = [f"{floor[what]:.1f} ms" for what in ("product", "copy")]
        print(f"{name}: {flop / 1e9:.1f} GFLOP take {times[0]}, {bytes_ / 1e6:.0f} MB {times[1]}")
        rows.append({"floors": name, "gflop": flop / 1e9, "megabytes": bytes_ / 1e6, "milliseconds": floor} | rates)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", choices=("cpu", "gpu"), default="cpu")
    parser.add_argument("--out", type=Path, help="a JSON file for the result")
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve == "numpyfa":
        return serve(numpyfa_worker(options.device))
    if options.serve:
        return serve(torch_worker(options.device, options.serve == "channels_last"))

    from numpyfa.doctor import version

    names = ("numpyfa", "torch", "channels_last")

    def start(name):
        return Worker(options.threads, "--serve", name, "--device", options.device)

    def compare(times, *key):
        """{name: median milliseconds} of one repetition, the three taking turns. PyTorch has one step for all rules."""
        torch_key = (*key[:2], "bp", *key[3:]) if key[0] == "net" and key[2] != "forward" else key
        seconds = {name: [] for name in names}
        for _ in range(TURNS):
            for name, worker in workers.items():
                answer = worker.ask(times, *(key if name == "numpyfa" else torch_key))
                seconds[name].append(answer["seconds"] / times)
        return {name: 1000 * statistics.median(values) for name, values in seconds.items()}

    rows = []

    def show(what, cells):
        ratio, best = cells["numpyfa"] / cells["torch"], cells["numpyfa"] / min(cells["torch"], cells["channels_last"])
        words = " ".join(f"{cells[name]:9.2f}" for name in names)
        print(f"{what:30} {words} {ratio:7.2f} {best:7.2f}", flush=True)
        rows.append({"what": what, "milliseconds": cells, "ratio": ratio, "ratio_to_faster": best})

    workers = {name: start(name) for name in names}
    print(f"{'milliseconds':30} {'numpyfa':>9} {'torch':>9} {'ch. last':>9} {'ratio':>7} {'to best':>7}")
    floors(workers["numpyfa"], rows)
    for net, what in WORK:
        show(f"{net} {what}", compare(5 if net == "lenet" else 2, "net", net, what, 64, 32))
    for shape in LAYERS:
        show("layer {0}x{0}x{1} -> {2} k{3}".format(*shape), compare(2, "layer", *shape))
    for worker in workers.values():
        worker.close()
    print(f"\n{'peak MB of a ResNet-20 step':30} {'numpyfa':>9} {'torch':>9}   (in brackets: without the library)")
    for batch, size in MEMORY:
        peak = {}
        for name in names[:2]:
            worker = start(name)
            answer = worker.ask(2, "net", "resnet20", "bp", batch, size)
            peak[name] = {"peak": answer["peak"], "training": answer["peak"] - worker.loaded}
            worker.close()
        words = " ".join(f"{m['peak']:6.0f} ({m['training']:.0f})" for m in peak.values())
        print(f"batch {batch:3}, {size} x {size}{'':12} {words}", flush=True)
        rows.append({"what": f"memory, batch {batch}, {size} x {size}", "megabytes": peak})
    if options.out:
        write(options.out, rows, torch=version("torch"), threads=options.threads, device=options.device)


if __name__ == "__main__":
    main()
