"""Convolutional nets beside PyTorch and BioTorch: forward pass, training step, memory, and single layers.

    python benchmarks/conv.py --biotorch FOLDER        # needs numpyfa[bench]; about 6 minutes
    python benchmarks/conv.py --only 'resnet20 (bp|fa)$'

Two nets at batch 64 in float32: LeNet on 28 x 28 (5x5 kernels, 32 and 64 channels, each max-pooled by 2, 256 units) and
He et al.'s ResNet-20 on 32 x 32 x 3, shortcuts with nothing to learn. A step is forward, backward and plain SGD on one
batch of random numbers; peers.py has the nets of each library. The columns:

    numpyfa          the rule
    torch            PyTorch's backpropagation in its default memory format, whatever the rule of the row
    channels_last    the same in its other format
    compile          the default format, the net through torch.compile
    biotorch         the rule of the row in BioTorch's own layers (BP, FA, uSF, DFA), by BioModule

A ratio is numpyfa's time by a peer's; below 1 numpyfa is faster. Then the forward pass and the two gradients of single
layers. How turns are taken: worker.py. The floors are what a BP step cannot be faster than on this machine (see
`floors`). `--only forms` is numpyfa alone: the product of a first layer by lines and by patches, in short turns, which
is what the constant `numpyfa.lines.WIDE` is chosen by.
"""

import argparse
import math
import statistics

from peers import biotorch_steps, numpyfa_net, numpyfa_steps, torch_steps
from worker import OURS, Results, compare, options_of, serve, start

BATCH = 64
TORCH = ("torch", "channels_last", "compile")
RULES = ("bp", "fa", "usf", "dfa", "pfa")
LAYERS = [  # (side, channels, channels out, kernel, stride); the last three are ResNet-18's
    (28, 1, 32, 5, 1),
    (14, 32, 64, 5, 1),
    (32, 3, 64, 3, 1),
    (32, 64, 64, 3, 1),
    (16, 128, 128, 3, 1),
    (16, 128, 256, 3, 2),
    (8, 256, 512, 1, 2),
    (4, 512, 512, 3, 1),
]
FORMS = {"lines": math.inf, "patches": 0}  # the value of WIDE that makes every product take this form
FIRST = [(28, channels, out, kernel, 1) for kernel in (3, 5) for channels in (1, 2, 3) for out in (8, 16, 32, 64)]


def numpyfa_layer(options):
    """`more` of peers.py: a single layer's three products, or what the floors are measured by."""
    import numpy as np

    import numpyfa as fa
    from numpyfa import lines
    from numpyfa.backend import device, to_device

    def more(kind, *key):
        rng, module = np.random.default_rng(0), device(options.device)
        if kind == "floor":
            side = to_device(rng.standard_normal((1024, 1024), np.float32), module)
            maps = to_device(rng.standard_normal(64 * 28 * 28 * 32, np.float32), module)
            return (lambda: side @ side) if key == ("product",) else maps.copy
        if kind not in ("layer", *FORMS):
            return None
        side, channels, out, kernel, stride = key
        layer = fa.Conv(out, kernel, stride=stride, padding=kernel // 2)
        fa.Network((side, side, channels), [layer], device=options.device)
        x = to_device(rng.standard_normal((BATCH, side, side, channels), np.float32), module)
        delta = layer.weigh(x, layer.W)

        def run():
            layer.weigh(x, layer.W, layer.b)
            layer.outer(x, delta)
            layer.carry(delta, layer.W.T)

        def weigh():
            usual, lines.WIDE = lines.WIDE, FORMS[kind]
            layer.weigh(x, layer.W, layer.b)
            lines.WIDE = usual

        return run if kind == "layer" else weigh

    return more


def torch_layer(where, memory, kind, *key):
    import torch

    if kind != "layer":
        return None
    side, channels, out, kernel, stride = key
    layer = torch.nn.Conv2d(channels, out, kernel, stride, kernel // 2).to(where, memory_format=memory)
    x = torch.randn(BATCH, channels, side, side, device=where).to(memory_format=memory).requires_grad_()
    delta = torch.randn_like(layer(x)).to(memory_format=memory)

    def run():
        layer.weight.grad = layer.bias.grad = x.grad = None
        layer(x).backward(delta)

    return run


def floors(options, worker):
    """What a BP step cannot be faster than: its products at the rate of a large one, and its maps copied as often as a
    step has to read and write them (three times: z, h, delta) at the rate of a copy."""
    from numpyfa.layers import Weighted

    seconds = {what: statistics.median(worker.ask(10, "floor", what)["seconds"] / 10 for _ in range(options.turns))
               for what in ("product", "copy")}  # fmt: skip
    rates = {"product": 2 * 1024**3 / seconds["product"], "copy": 4 * 64 * 28 * 28 * 32 / seconds["copy"]}
    print(f"product rate {rates['product'] / 1e9:.0f} GFLOP/s, copy rate {rates['copy'] / 1e9:.1f} GB/s")
    for name in ("lenet", "resnet20"):
        net = numpyfa_net(name)
        flop = bytes_ = 0
        for layer in net.layers:
            size = math.prod(layer.shape_z)
            bytes_ += 3 * 4 * BATCH * size
            if isinstance(layer, Weighted):
                times = 2 if net.sources[layer.number] == (0,) else 3  # the first layer sends nothing down
                flop += times * 2 * BATCH * size * layer.fans[0]
        floor = {"product": 1000 * flop / rates["product"], "copy": 1000 * bytes_ / rates["copy"]}
        times = [f"{floor[what]:.1f} ms" for what in ("product", "copy")]
        print(f"{name}: {flop / 1e9:.1f} GFLOP take {times[0]}, {bytes_ / 1e6:.0f} MB {times[1]}")
        yield {"what": f"{name} floors", "gflop": flop / 1e9, "megabytes": bytes_ / 1e6, "milliseconds": floor,
               "rate": rates}  # fmt: skip


def work():
    """(name of the row, {library: request}) of everything that is timed."""
    for net in ("lenet", "resnet20"):
        yield f"{net} forward", dict.fromkeys((OURS, *TORCH), (net, "forward", BATCH, 32))
        for rule in RULES:
            asked = {OURS: (net, rule, BATCH, 32)} | dict.fromkeys(TORCH, (net, "bp", BATCH, 32))
            yield f"{net} {rule}", asked | ({} if rule == "pfa" else {"biotorch": (net, rule, BATCH, 32)})
    for shape in LAYERS:
        yield f"layer {words(*shape)}", dict.fromkeys((OURS, *TORCH[:2]), ("layer", *shape))


def words(side, channels, out, kernel, stride):
    return f"{side}x{side}x{channels} -> {out} k{kernel}" + (f" s{stride}" if stride > 1 else "")


def forms(options, results):
    """Rows of a first layer's product by lines and by patches, and which of the two numpyfa takes."""
    from numpyfa.lines import WIDE

    short = argparse.Namespace(**vars(options) | {"turn": options.turn / 10})
    workers = {form: start(options, OURS) for form in FORMS}
    for shape in FIRST:
        what, (_, channels, out, kernel, _) = f"forms {words(*shape)}", shape
        if results.wants(what):
            row = compare(short, workers, {form: (form, *shape) for form in FORMS}, "lines")
            row |= {"what": what, "kernel": kernel, "channels": channels, "channels_out": out}
            yield row | {"by_patches": out > WIDE * kernel * channels}
    for worker in workers.values():
        worker.close()


def steps(options):
    if options.serve == OURS:
        return numpyfa_steps(options, numpyfa_layer(options))
    return biotorch_steps(options) if options.serve == "biotorch" else torch_steps(options, options.serve, torch_layer)


def main():
    options = options_of(__doc__)
    if options.serve:
        return serve(lambda: steps(options), options.threads, options.device)

    results, names = Results(options, threads=options.threads, device=options.device), (OURS, *TORCH, "biotorch")
    workers = {name: start(options, name) for name in names}
    if results.wants("lenet floors"):
        for row in floors(options, workers[OURS]):
            results.add(row)
    print(f"{'milliseconds':30}" + "".join(f"{name:>15}" for name in names) + "   (numpyfa by this)")
    for what, requests in work():
        if results.wants(what):
            row = {"what": what} | compare(options, workers, requests)
            print(f"{what:30}" + "".join(cell(name, row) for name in names), flush=True)
            results.add(row)
    for worker in workers.values():
        worker.close()
    for row in forms(options, results):
        times = [f"{form} {milliseconds:.2f}" for form, milliseconds in row["milliseconds"].items()]
        print(f"{row['what']:30}" + ", ".join(times), flush=True)
        results.add(row)
    results.finish()


def cell(name, row):
    if name not in row["milliseconds"]:
        return f"{'':>15}"
    return f"{row['milliseconds'][name]:8.2f}" + (f" ({row['ratio'][name]:.2f})" if name in row["ratio"] else " " * 7)


if __name__ == "__main__":
    main()
