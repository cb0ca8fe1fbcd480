"""Training 784-200-80-10 on MNIST beside PyTorch, BioTorch and JAX: examples a second, and memory.

    python benchmarks/mlp.py --biotorch FOLDER         # needs numpyfa[bench] and jax; about 6 minutes on two cores
    python benchmarks/mlp.py --only 'bp, batch 16'     # some rows; --quick: to see it run

All train the same net (tanh, softmax cross-entropy, plain SGD, float32) on the MNIST training set in a shuffled order,
through the loop a user of each would write:

    numpyfa        learn.run_epoch; the images are bytes, and a batch at a time is scaled: that is part of its time
    torch          a batch gathered from a float32 tensor, zero_grad, backward, step; FA is a custom autograd function,
                   DFA detaches each hidden layer's input and calls backward with the projected error
    compile        the same with the net through torch.compile, BP only
    biotorch       the same with the net through BioTorch's BioModule, so with its own layers for BP, FA, DFA and uSF
    jax            a batch gathered from a float32 NumPy array, and the whole step compiled by jax.jit, which takes over
                   the memory of the old parameters; called from Python for each batch, BP only
    jax scan       the same step over all batches of a turn in one call (lax.scan), gathered before the clock starts

A turn is as many batches as fill a fifth of a second, over several epochs if need be. How turns are taken: worker.py.
Memory is the peak of a fresh process in three batches by BP, and without what the library and the data take. All but
numpyfa keep the images as float32 (188 MB), as their users do. On a GPU it is the memory of the device.
"""

import functools

from peers import (
    SIZES,
    biotorch_module,
    biotorch_net,
    biotorch_output,
    cuda_device,
    jax_mlp,
    numpyfa_device,
    on,
    torch_device,
    torch_net,
)
from worker import Results, compare, options_of, peak_memory, serve, start

RULES = {
    "bp": ("numpyfa", "torch", "compile", "biotorch", "jax", "jax scan"),
    "fa": ("numpyfa", "torch", "biotorch"),
    "usf": ("numpyfa", "biotorch"),
    "dfa": ("numpyfa", "torch", "biotorch"),
}
BATCHES = (1, 16, 64, 512)
RATE, EXAMPLES = 0.01, 60_000


def numpyfa_loops(options):
    import numpy as np

    import numpyfa as fa
    from numpyfa.backend import to_device
    from numpyfa.learn import run_epoch

    data, device = fa.load("mnist"), numpyfa_device(options)
    settle = device[0] if device else lambda: None

    @functools.cache
    def trained(rule, batch_size):
        net = fa.mlp("-".join(map(str, SIZES)), device=options.device)
        x, y = net.as_input(data.x_train), to_device(fa.one_hot(data.y_train, 10, net.dtype), net.module)
        return net, fa.make_rule(rule, net), fa.SoftmaxCrossEntropy(), fa.SGD(RATE), x, y

    def run(rule, batch_size, batches):
        work = trained(rule, batch_size)
        order = to_device(np.concatenate(batches), work[0].module)

        def loop():
            run_epoch(*work, order, batch_size)
            settle()

        return loop

    return on(device, with_batches(run))


def torch_loops(options, library):
    """PyTorch's loop, with the nets of PyTorch, torch.compile or BioTorch."""
    if library == "compile":
        import os

        os.environ["TORCHINDUCTOR_COMPILE_THREADS"] = "1"
    import torch

    import numpyfa as fa

    where, device = torch_device(options), cuda_device(options)
    settle = device[0] if device else lambda: None
    BioModule = biotorch_module(options) if library == "biotorch" else None
    data, loss = fa.load("mnist"), torch.nn.CrossEntropyLoss()
    x = torch.from_numpy(data.x_train).reshape(-1, 784).to(where, torch.float32) / 255
    y = torch.from_numpy(data.y_train).to(where)

    @functools.cache
    def trained(rule, batch_size):
        """(function that gives the gradients of a batch, optimizer)"""
        if library == "biotorch":
            net = biotorch_net(BioModule, "mlp", rule, where)
            backward = lambda x, y: loss(biotorch_output(net, rule, x, y), y).backward()  # noqa: E731
        else:
            net = torch_net("mlp").to(where)
            step = {"bp": torch_bp, "fa": torch_fa, "dfa": torch_dfa}[rule]
            backward = step(torch.compile(net, dynamic=False) if library == "compile" else net, loss, where)
        return backward, torch.optim.SGD([p for p in net.parameters() if p.requires_grad], lr=RATE)

    def run(rule, batch_size, batches):
        (backward, optimizer), orders = trained(rule, batch_size), [torch.from_numpy(b).to(where) for b in batches]

        def loop():
            for batch in orders:
                optimizer.zero_grad()
                backward(x[batch], y[batch])
                optimizer.step()
            settle()

        return loop

    return on(device, with_batches(run))


def torch_bp(net, loss, where):
    return lambda x, y: loss(net(x), y).backward()


def torch_fa(net, loss, where):
    import torch

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

    layers = [layer for layer in net if hasattr(layer, "weight")]
    feedback = [torch.randn_like(layer.weight) * layer.in_features**-0.5 for layer in layers]

    def backward(x, y):
        for layer, B in zip(layers[:-1], feedback):
            x = torch.tanh(FALinear.apply(x, layer.weight, layer.bias, B))
        loss(FALinear.apply(x, layers[-1].weight, layers[-1].bias, feedback[-1]), y).backward()

    return backward


def torch_dfa(net, loss, where):
    import torch

    layers = [layer for layer in net if hasattr(layer, "weight")]
    feedback = [torch.randn(10, m, device=where) * m**-0.5 for m in SIZES[1:-1]]

    def backward(x, y):
        hidden = []
        for layer in layers[:-1]:
            x = torch.tanh(layer(x.detach()))
            hidden.append(x)
        logits = layers[-1](x.detach())
        loss(logits, y).backward()
        with torch.no_grad():
            error = torch.softmax(logits, 1)
            error[torch.arange(len(y), device=where), y] -= 1
            error /= len(y)
        for h, B in zip(hidden, feedback):
            h.backward(error @ B)

    return backward


def jax_loops(options, scan):
    parameters, step, steps = jax_mlp(options)
    import jax
    import numpy as np

    import numpyfa as fa

    data = fa.load("mnist")
    x, y = data.x_train.reshape(-1, 784).astype(np.float32) / 255, data.y_train
    kept = {"parameters": parameters}

    def run(rule, batch_size, batches):
        stacked = (x[np.stack(batches)], y[np.stack(batches)]) if scan else None
        stacked = jax.block_until_ready(jax.device_put(stacked))
        compiled = steps.lower(parameters, *stacked).compile() if scan else None  # a new number of batches, a new loop

        def loop():
            p = kept["parameters"]
            if scan:
                p = compiled(p, *stacked)
            else:
                for batch in batches:
                    p = step(p, x[batch], y[batch])
            kept["parameters"] = jax.block_until_ready(p)

        return loop

    def memory():
        return jax.devices()[0].memory_stats()["peak_bytes_in_use"] / 2**20

    return on((None, memory) if options.device == "gpu" else None, with_batches(run))


def with_batches(run):
    """`request` from `run(rule, batch_size, batches)`; the order is drawn, and the step is warm, before it is timed."""
    import numpy as np

    rng, warm = np.random.default_rng(0), set()

    def request(times, rule, batch_size):
        if (rule, batch_size) not in warm:
            run(rule, batch_size, batches_of(rng, 3, batch_size))()
            warm.add((rule, batch_size))
        return run(rule, batch_size, batches_of(rng, times, batch_size))

    return request


def batches_of(rng, times, batch_size):
    """The examples of so many batches: one epoch after another, each in an order of its own."""
    import numpy as np

    count = times * batch_size
    epochs = -(-count // EXAMPLES)
    order = np.concatenate([rng.permutation(EXAMPLES) for _ in range(epochs)])
    return list(order[:count].reshape(times, batch_size))


def loops(options):
    if options.serve == "numpyfa":
        return numpyfa_loops(options)
    if options.serve in ("jax", "jax scan"):
        return jax_loops(options, options.serve == "jax scan")
    return torch_loops(options, options.serve)


def main():
    options = options_of(__doc__)
    if options.serve:
        return serve(lambda: loops(options), options.threads, options.device)

    results = Results(options, threads=options.threads, device=options.device)
    workers = {name: start(options, name) for name in RULES["bp"]}
    print(f"{'examples a second':20}" + "".join(f"{name:>10}" for name in workers) + "   (numpyfa's, times this)")
    for rule, names in RULES.items():
        for batch_size in BATCHES:
            row = {"what": f"{rule}, batch {batch_size}", "rule": rule, "batch_size": batch_size}
            if not results.wants(row["what"]):
                continue
            row |= compare(options, {name: workers[name] for name in names}, dict.fromkeys(names, (rule, batch_size)))
            speeds = {name: 1000 * batch_size / ms for name, ms in row["milliseconds"].items()}
            print(f"{row['what']:20}" + "".join(cell(name, speeds, row["ratio"]) for name in workers), flush=True)
            if rule == "bp":
                row["megabytes"] = peak_memory(options, row["milliseconds"], (rule, batch_size))
            results.add(row)
    for worker in workers.values():
        worker.close()
    results.finish()


def cell(name, speeds, ratio):
    if name not in speeds:
        return f"{'':>16}"
    return f"{speeds[name]:10,.0f}" + (f" ({1 / ratio[name]:.2f})" if name in ratio else " " * 6)


if __name__ == "__main__":
    main()
