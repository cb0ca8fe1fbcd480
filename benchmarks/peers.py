"""The nets of the benchmarks and their training step, in numpyfa, PyTorch, BioTorch and JAX.

Each `*_steps(options, ...)` imports one library and returns `request(times, net, what, batch, side)`, which builds a
net and returns the function that repeats a step on one batch of random numbers. `net` is mlp (784-200-80-10, tanh),
lenet (28 x 28, 5x5 kernels, 32 and 64 channels, each max-pooled by 2, 256 units, ReLU) or resnet8, 20, 56 (He et al.'s
for CIFAR, 6 n + 2 layers, shortcuts with nothing to learn). `what` is a rule, or "forward": the forward pass alone. A
step is forward, backward and plain SGD in float32, from softmax cross-entropy. Every net starts from scratch; only the
last one asked for is kept.
"""

import math
import os
import sys
import warnings

SIZES = (784, 200, 80, 10)
RATE = 1e-5  # small: where the weights go must not change the time of a step
SHAPES = {"mlp": lambda side: (784,), "lenet": lambda side: (28, 28, 1)}  # residual nets: (side, side, 3)
BIOTORCH = {"bp": "backpropagation", "fa": "fa", "usf": "usf", "dfa": "dfa"}  # our names of rules, and its


def blocks_of(net):
    """n of a residual net with 6 n + 2 layers."""
    return (int(net.removeprefix("resnet")) - 2) // 6


def shape_of(net, side):
    return SHAPES.get(net, lambda side: (side, side, 3))(side)


def keep_last(make, device=None):
    """`request` from `make(*key)`: the step is built and run twice before it is timed. A `device` is (wait until it is
    done, the most megabytes it has held)."""
    ready, settle = {}, device[0] if device else lambda: None

    def request(times, *key):
        if key not in ready:
            ready.clear()
            ready[key] = make(*key)
            for _ in range(2):
                ready[key]()
            settle()
        step = ready[key]

        def repeat():
            for _ in range(times):
                step()
            settle()

        return repeat

    return on(device, request)


def on(device, request):
    """The request, which tells the memory of the device if there is one."""
    if device:
        request.memory = device[1]
    return request


def numpyfa_device(options):
    """(settle, memory) of the GPU, None on the CPU. CuPy's pool never gives back, so that its size is its peak."""
    if options.device == "cpu":
        return None
    import cupy

    return cupy.cuda.Device().synchronize, lambda: cupy.get_default_memory_pool().total_bytes() / 2**20


def cuda_device(options):
    if options.device == "cpu":
        return None
    import torch

    return torch.cuda.synchronize, lambda: torch.cuda.max_memory_reserved() / 2**20


# -- numpyfa ---------------------------------------------------------------------------------------------------------


def numpyfa_net(net, side=32, device="cpu", dtype="float32"):
    import numpyfa as fa

    where = {"device": device, "dtype": dtype}
    if net == "mlp":
        return fa.mlp("-".join(map(str, SIZES)), **where)
    if net == "lenet":
        convs = [fa.Conv(channels, 5, "relu", fa.MaxPool(2), padding=2) for channels in (32, 64)]
        return fa.Network((28, 28, 1), [*convs, fa.Dense(256, "relu"), fa.Dense(10)], init="he", **where)
    return fa.models.cifar_resnet(blocks_of(net))(input_shape=(side, side, 3), init="he", **where)


def numpyfa_steps(options, more=None):
    """`more(kind, ...)`, if given, makes what is no step of a net, or returns None."""
    import numpy as np

    import numpyfa as fa
    from numpyfa.backend import device, keep_freed_memory, to_device

    keep_freed_memory()
    module = device(options.device)

    def make(*key):
        if more and (made := more(*key)):
            return made
        name, what, batch, side = key
        net, rng = numpyfa_net(name, side, options.device), np.random.default_rng(0)
        x = to_device(rng.standard_normal((batch, *net.input_shape), np.float32), module)
        target = to_device(np.eye(10, dtype=np.float32)[rng.integers(0, 10, batch)], module)
        if what == "forward":
            return lambda: net.forward(x, train=True)
        rule, loss, optimizer = fa.make_rule(what, net), fa.SoftmaxCrossEntropy(), fa.SGD(RATE)
        return lambda: fa.train_step(net, rule, loss, optimizer, x, target)

    return keep_last(make, numpyfa_device(options))


# -- PyTorch ---------------------------------------------------------------------------------------------------------


def torch_device(options):
    import torch

    if options.device == "gpu" and not torch.cuda.is_available():
        raise RuntimeError(f"PyTorch {torch.__version__} finds no GPU")
    if "OMP_NUM_THREADS" in os.environ:
        torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    return "cuda" if options.device == "gpu" else "cpu"


def torch_net(net):
    import torch.nn.functional as F
    from torch import nn

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

    if net == "mlp":
        pairs = [(nn.Linear(n, m), nn.Tanh()) for n, m in zip(SIZES, SIZES[1:])]
        return nn.Sequential(*[layer for pair in pairs for layer in pair][:-1])
    if net == "lenet":
        first = [nn.Conv2d(1, 32, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2)]
        second = [nn.Conv2d(32, 64, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2)]
        return nn.Sequential(*first, *second, nn.Flatten(), nn.Linear(3136, 256), nn.ReLU(), nn.Linear(256, 10))
    layers, before = [nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU()], 16
    for channels in (16, 32, 64):
        for _ in range(blocks_of(net)):
            layers.append(Block(before, channels, 1 if channels == before else 2))
            before = channels
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))


def torch_steps(options, form="torch", more=None):
    """PyTorch's backpropagation. `form`: torch is its default memory format, channels_last its other one, and compile
    the default with the net through torch.compile. `more(kind, ...)` as for numpyfa."""
    if form == "compile":
        os.environ["TORCHINDUCTOR_COMPILE_THREADS"] = "1"  # no pool of processes beside the one that is timed
    import torch
    import torch.nn.functional as F

    where = torch_device(options)
    memory = torch.channels_last if form == "channels_last" else torch.contiguous_format

    def make(*key):
        if more and (made := more(where, memory, *key)):
            return made
        name, what, batch, side = key
        net = torch_net(name).to(where, memory_format=memory)
        x, label = torch_batch(name, batch, side, where, memory)
        optimizer = torch.optim.SGD(net.parameters(), lr=RATE)
        if form == "compile":
            torch._dynamo.reset()
            net = torch.compile(net, dynamic=False)

        def forward():
            with torch.no_grad():
                net(x)

        def step():
            optimizer.zero_grad()
            F.cross_entropy(net(x), label).backward()
            optimizer.step()

        return forward if what == "forward" else step

    return keep_last(make, cuda_device(options))


def torch_batch(net, batch, side, where, memory):
    """Images of random numbers, channels first as PyTorch has them, and labels."""
    import torch

    *image, channels = shape_of(net, side)
    x = torch.randn((batch, channels, *image), device=where)
    return (x.to(memory_format=memory) if image else x), torch.randint(0, 10, (batch,), device=where)


# -- BioTorch --------------------------------------------------------------------------------------------------------


def biotorch_module(options):
    """BioTorch's module, from its repository: its own conversion of a PyTorch net to its own layers, as its README
    shows. This part of it needs PyTorch alone."""
    if not options.biotorch:
        raise RuntimeError("not asked for: --biotorch FOLDER names its repository")
    if not (options.biotorch / "biotorch" / "module" / "biomodule.py").is_file():
        raise RuntimeError(f"{options.biotorch} holds no biotorch/module/biomodule.py")
    sys.path.insert(0, str(options.biotorch.resolve()))
    warnings.filterwarnings("ignore", "Using a non-full backward hook")  # what its DFA is made of
    from biotorch.module.biomodule import BioModule

    return BioModule


def biotorch_net(BioModule, net, rule, where="cpu"):
    """`net` by `rule` in BioTorch's layers with their defaults, after a look that it does what it is called."""
    import torch

    torch.manual_seed(0)
    bio = BioModule(torch_net(net), BIOTORCH[rule], output_dim=10).to(where)
    check_rule(bio, net, rule, where)
    return bio


def check_rule(bio, net, rule, where):
    """Raise RuntimeError unless the gradients are finite, BP's in the last layer, and BP's elsewhere only under BP."""
    import torch
    import torch.nn.functional as F

    torch.manual_seed(0)
    plain = torch_net(net).to(where)
    plain.load_state_dict({name.removeprefix("module."): value for name, value in bio.state_dict().items()
                           if not name.endswith("_backward")})  # fmt: skip
    x, label = torch_batch(net, 8, 32, where, torch.contiguous_format)
    found = []
    for each in (bio, plain):
        output = each(x, label, F.cross_entropy) if each is bio else each(x)
        F.cross_entropy(output, label).backward()
        found.append([p.grad.flatten() for p in each.parameters() if p.requires_grad and p.ndim > 1])
        each.zero_grad()
    cosines = [F.cosine_similarity(own, bp, 0).item() for own, bp in zip(*found)]
    below = cosines[:-1]
    same = min(below) > 0.9999 if rule == "bp" else max(below) < 0.999
    if not all(map(math.isfinite, cosines)) or cosines[-1] < 0.9999 or not same:
        raise RuntimeError(f"{rule} in BioTorch is not {rule}: its gradients' cosines to BP's are {cosines}")


def biotorch_steps(options):
    import torch
    import torch.nn.functional as F

    BioModule, where = biotorch_module(options), torch_device(options)

    def make(name, what, batch, side):
        net = biotorch_net(BioModule, name, what, where)
        x, label = torch_batch(name, batch, side, where, torch.contiguous_format)
        optimizer = torch.optim.SGD([p for p in net.parameters() if p.requires_grad], lr=RATE)

        def step():
            optimizer.zero_grad()
            F.cross_entropy(biotorch_output(net, what, x, label), label).backward()
            optimizer.step()

        return step

    return keep_last(make, cuda_device(options))


def biotorch_output(net, rule, x, label):
    """Its forward pass. DFA's takes the loss too: it hands the error to every layer, whose hooks project it."""
    import torch.nn.functional as F

    return net(x, label, F.cross_entropy) if rule == "dfa" else net(x)


# -- JAX -------------------------------------------------------------------------------------------------------------


def jax_mlp(options):
    """(parameters, step, scan) of the MLP: `step(parameters, x, y)` is a training step, compiled whole, that takes over
    the memory of the parameters; `scan` runs it over stacked batches in one call. Needs no other net."""
    if options.threads == 1:
        os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    import jax
    import jax.numpy as jnp
    import numpy as np

    if options.device == "gpu" and jax.default_backend() != "gpu":
        raise RuntimeError(f"JAX {jax.__version__} finds no GPU")

    def loss(parameters, x, y):
        *hidden, (W, b) = parameters
        for V, c in hidden:
            x = jnp.tanh(x @ V + c)
        log_p = jax.nn.log_softmax(x @ W + b)
        return -jnp.take_along_axis(log_p, y[:, None], axis=1).mean()

    def update(parameters, x, y):
        gradients = jax.grad(loss)(parameters, x, y)
        return jax.tree.map(lambda p, g: p - 0.1 * g, parameters, gradients)

    def run(parameters, xs, ys):
        return jax.lax.scan(lambda p, batch: (update(p, *batch), None), parameters, (xs, ys))[0]

    rng = np.random.default_rng(0)
    draw = [rng.standard_normal((n, m), np.float32) / np.float32(n**0.5) for n, m in zip(SIZES, SIZES[1:])]
    parameters = [(jnp.asarray(W), jnp.zeros(W.shape[1])) for W in draw]
    return parameters, jax.jit(update, donate_argnums=0), jax.jit(run, donate_argnums=0)
