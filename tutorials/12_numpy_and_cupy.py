# %% [markdown]
# # 12 NumPy and CuPy, and when a GPU pays
#
# **You will be able to** write one code for NumPy and CuPy, time it rightly, say from flops and bytes how long a step
# must take at least, and find the batch from which on a GPU is worth its start.
#
# **You need** notebook 01: the forward pass, $\delta$ and $dW = x^\top \delta / N$. You do *not* need a GPU: where
# there is one it is measured, and where there is none nothing is said of its speed.

# %%
import math
import time
from concurrent.futures import ThreadPoolExecutor

import matplotlib.pyplot as plt
import numpy as np

import numpyfa as fa
from numpyfa.backend import array_module, find_gpu
from numpyfa.course import check, pretended_gpu
from numpyfa.doctor import machine

cupy, reason = find_gpu()
devices = {"CPU": np} if cupy is None else {"CPU": np, "GPU": cupy}
here = machine()
print(", ".join(f"{what} {here[what]}" for what in ("processor", "cores", "numpy", "blas")))
print("a GPU is here, and is measured too" if cupy else f"no GPU here: {reason}")

# %% [markdown]
# `import cupy` succeeds on machines without a GPU. So `find_gpu` puts an array there and adds it up, and only then
# believes it. `numpyfa doctor` on the command line says the same and more.
#
# ## 1. One code for both
#
# CuPy is NumPy for arrays that live on a GPU: the same names, the same shapes, the same `@`. Three things differ.
#
# - An array of the host and one of the GPU cannot be mixed. `cupy.asarray(x)` brings one there, `x.get()` brings it
#   back.
# - What *makes* an array, such as `np.eye` or `np.zeros`, makes it on the host. The one of `cupy` is due.
# - A sum is an array of no axes and still on the GPU. `float(...)` of it waits until it is computed.
#
# To see this on any machine, here is a pretended GPU. It is NumPy behind a wall: it refuses what CuPy refuses, and a
# little more, and counts what it is asked for. It is no faster than NumPy, so it is never timed.

# %%
x = pretended_gpu.asarray(np.ones((2, 3), "float32"))
print(x, x @ x.T, 2 * x)
for words, work in (
    ("x + np.ones(3)", lambda: x + np.ones(3)),
    ("np.asarray(x)", lambda: np.asarray(x)),
    ("np.exp(x)", lambda: np.exp(x)),
):
    try:
        work()
    except TypeError as error:
        print(f"{words:15} TypeError: {error}")

# %% [markdown]
# (In the last line the pretended GPU is stricter than CuPy. NumPy hands `np.exp(x)` over to CuPy, which answers. But it
# cannot do so with every function, and not with those that make an array from nothing, such as `np.zeros`.)
#
# So ask the array which library it is from: `xp = array_module(x)`, and then `xp.exp(x)`. That is all there is to it,
# and `xp` is the usual name.
#
# ### Exercise 1: the error, on either device
#
# Write `error(z, target)`: softmax of `z` minus `target`, for arrays of either device, with the result on the same one.
# The arrays are float32 and so is the result. Large `z` must not overflow.


# %%
def error(z, target):
    """softmax(z) - target, (N, classes), of the same device and dtype as z."""
    # BEGIN SOLUTION
    xp = array_module(z)
    p = xp.exp(z - z.max(axis=1, keepdims=True))
    return p / p.sum(axis=1, keepdims=True) - target
    # END SOLUTION


error = check("gpu.error", error).working

# %%
rng = np.random.default_rng(0)
z, target = rng.standard_normal((4, 10)).astype("float32"), np.eye(10, dtype="float32")[:4]
on_host = error(z, target)
for name, xp in {**devices, "pretended GPU": pretended_gpu}.items():
    there = error(xp.asarray(z), xp.asarray(target))
    back = there if xp is np else there.get()
    print(f"{name:13}  differs from the host's by {np.abs(back - on_host).max():.0e}")

# %% [markdown]
# ## 2. What a GPU is asked for
#
# A GPU does not run your program. The program runs on the host and asks: "multiply these two". Each such order is a
# *launch*. It costs a start, the same for a small array as for a large one. Arrays that are not there must be copied: a
# *transfer*. And where the host wants to see a number, it *waits*. (Here each operation counts as one launch. In CuPy
# it may be several.)
#
# These are properties of the code, not of the machine, so that the pretended GPU can count them. One training step of
# numpyfa, by feedback alignment:

# %%
SIZES = [784, 200, 80, 10]


def step_on(xp, n):
    """A function that trains on one batch of n random images, all of it on the device."""
    rng = np.random.default_rng(0)
    net = fa.mlp("784-200-80-10", device=xp)
    rule, loss, optimizer = fa.FA(net), fa.SoftmaxCrossEntropy(), fa.SGD(0.01)
    x = xp.asarray(rng.random((n, 784), "float32"))
    target = xp.asarray(np.eye(10, dtype="float32")[rng.integers(10, size=n)])
    return lambda: fa.train_step(net, rule, loss, optimizer, x, target)


for n in (16, 512):
    asked = pretended_gpu.count(step_on(pretended_gpu, n))
    print(f"batch {n:3}: {', '.join(f'{number} {what}' for what, number in asked.items())}")

images = np.ones((512, 784), "float32")
print(f"to bring 512 images: {pretended_gpu.count(lambda: pretended_gpu.asarray(images))['bytes in']} bytes in")

# %% [markdown]
# The number of launches hardly depends on the batch. So the start is paid for a batch, and not for an example: **a
# small batch pays for starts, a large one for arithmetic.** The images are copied once, before training, and stay. Had
# they to come with every batch, their bytes would grow with the batch as the arithmetic does: a larger batch would not
# help.
#
# The waits are for two numbers that the library looks at in each step, the loss and the size of the input, to stop a
# training that diverges.
#
# ## 3. Time what works by itself
#
# After a launch the host goes on at once. Who reads the clock then has measured how long it takes to *ask*. Here is a
# queue of the same kind on the CPU, a thread that multiplies matrices:

# %%
pool, jobs = ThreadPoolExecutor(1), []
large = np.ones((600, 600))
pool.submit(int).result()  # the thread is started


def work():
    """Put a product into the queue, and return."""
    jobs.append(pool.submit(np.matmul, large, large))


def wait():
    """Return when all jobs are done."""
    while jobs:
        jobs.pop().result()


start = time.perf_counter()
work()
asked = time.perf_counter() - start
wait()
done = time.perf_counter() - start
print(f"asked after {1e3 * asked:.2f} ms, done after {1e3 * done:.2f} ms")

# %% [markdown]
# ### Exercise 2: time it rightly
#
# Write `timed(work, wait, clock, repeats)`: the seconds of one `work()` in a row of `repeats`. `work` puts a job into
# the queue, `wait` returns when the queue is empty, `clock` is the time now. Two traps: the first call of all is slow,
# because CuPy compiles, and when you begin the queue may not be empty. Do not wait between the jobs: a program that
# asks for many does not either.


# %%
def timed(work, wait, clock, repeats):
    """Seconds of one job, the mean of so many that follow each other."""
    # BEGIN SOLUTION
    work()
    wait()
    start = clock()
    for _ in range(repeats):
        work()
    wait()
    return (clock() - start) / repeats
    # END SOLUTION


timed = check("gpu.timed", timed).working

# %%
print(f"a product takes {1e3 * timed(work, wait, time.perf_counter, 5):.2f} ms")


def seconds(work, xp=np):
    """The shortest of five times: what else the machine does can only make it longer."""
    wait = xp.cuda.Device().synchronize if xp is cupy else lambda: None  # NumPy returns when it is done
    return min(timed(work, wait, time.perf_counter, 5) for _ in range(5))


# %% [markdown]
# ## 4. How long must a step take?
#
# ### Exercise 3: flops of a step
#
# *Flops* are floating-point operations. A product of (m, k) and (k, p) is 2 m k p of them: for each of the m p entries
# k multiplications and k additions. Count one training step of a multi-layer perceptron: $z = x W$ and
# $dW = x^\top \delta$ for each layer, $e = \delta M$ for each layer *to which an error is sent*. Leave out all that is
# no product.


# %%
def flops(sizes, n):
    """The flops of the products of one step. sizes: units from the input to the output; n: examples in the batch."""
    # BEGIN SOLUTION
    weights = [fan_in * fan_out for fan_in, fan_out in zip(sizes[:-1], sizes[1:])]
    return 2 * n * (2 * sum(weights) + sum(weights[1:]))  # e is not sent to the images
    # END SOLUTION


flops = check("gpu.flops", flops).working

# %% [markdown]
# A device has two rates: flops a second, and bytes a second (on a CPU here from the cache: the array is as large as the
# first W, which fits into that of most processors; on a GPU from its memory). Measure them. On a GPU the arrays have to
# be large, or the start of an operation is measured instead.


# %%
def rates_of(xp):
    """(flops a second, bytes a second, seconds to start an operation), in float32."""
    side, length = (512, 784 * 200) if xp is np else (8192, 1 << 27)
    square, long, one = (xp.ones(shape, "float32") for shape in ((side, side), length, 1))
    copied = long.copy()

    def copy():
        copied[...] = long  # read and written: twice its bytes

    return (
        2 * side**3 / seconds(lambda: square @ square, xp),
        2 * long.nbytes / seconds(copy, xp),
        seconds(lambda: one + one, xp),
    )


rates = {name: rates_of(xp) for name, xp in devices.items()}
for name, (rate, bandwidth, start) in rates.items():
    print(f"{name}: {rate / 1e9:.0f} Gflop/s, {bandwidth / 1e9:.0f} GB/s, {1e6 * start:.1f} us to start an operation")

# %% [markdown]
# ### Exercise 4: the roofline
#
# A product has to be computed, and its numbers have to be read and written. The device does both at the same time, so
# the longer one is a lower bound (Williams et al. 2009):
#
# $$t \ge \max\left(\frac{\mathrm{flops}}{\mathrm{rate}}, \frac{\mathrm{bytes}}{\mathrm{bandwidth}}\right)$$
#
# Write `roofline(m, k, p, itemsize, rate, bandwidth)` for (m, k) times (k, p). A good product reads each matrix once.
# (The bound is as good as the two measurements that go into it.)


# %%
def roofline(m, k, p, itemsize, rate, bandwidth):
    """Seconds that a product takes at least. itemsize: bytes of a number; rate: flop/s; bandwidth: bytes/s."""
    # BEGIN SOLUTION
    return max(2 * m * k * p / rate, itemsize * (m * k + k * p + m * p) / bandwidth)
    # END SOLUTION


roofline = check("gpu.roofline", roofline).working

# %% [markdown]
# The flops for each byte are called *arithmetic intensity*. For $z = x W$ they grow with the batch: W is read once for
# all examples. Where they are below rate/bandwidth, memory is the limit.

# %%
rate, bandwidth, _ = rates["CPU"]
print(f"this CPU: memory is the limit below {rate / bandwidth:.1f} flops a byte")
for n in (1, 16, 256):
    intensity = 2 * n * 784 * 200 / (4 * (n * 784 + 784 * 200 + n * 200))
    print(f"batch {n:3}: {intensity:5.1f} flops a byte in z = x W of layer 1")

# %% [markdown]
# Now add up the products of a step, and set beside it what a step really takes.


# %%
def products(sizes, n):
    """(m, k, p) of every product of one step."""
    for number, (fan_in, fan_out) in enumerate(zip(sizes[:-1], sizes[1:])):
        yield n, fan_in, fan_out  # z = x W
        yield fan_in, n, fan_out  # dW = x^T delta
        if number > 0:
            yield n, fan_out, fan_in  # e = delta M, for the layer below


BATCHES = [1, 4, 16, 64, 256, 1024]
assert sum(2 * m * k * p for m, k, p in products(SIZES, 16)) == flops(SIZES, 16)
measured = {name: [seconds(step_on(xp, n), xp) for n in BATCHES] for name, xp in devices.items()}
bound = {name: [sum(roofline(*each, 4, rate, bandwidth) for each in products(SIZES, n)) for n in BATCHES]
         for name, (rate, bandwidth, _) in rates.items()}  # fmt: skip
for name in devices:
    for n, took, least in zip(BATCHES, measured[name], bound[name]):
        print(f"{name}, batch {n:4}: {1e6 * took:6.0f} us a step, {1e6 * took / n:6.1f} us an example, "
              f"{took / least:5.1f} times the roofline")  # fmt: skip

# %%
figure, ax = plt.subplots(figsize=(5.5, 3.6), layout="constrained")
for name, colour in zip(devices, ("#000000", "#D55E00")):
    launches = pretended_gpu.count(step_on(pretended_gpu, 16))["launches"]
    ax.plot(BATCHES, np.multiply(1e6, measured[name]), "o-", color=colour, label=f"{name}, measured")
    ax.plot(BATCHES, np.multiply(1e6, bound[name]), "--", color=colour, label=f"{name}, roofline of the products")
    ax.axhline(1e6 * launches * rates[name][2], ls=":", color=colour, label=f"{name}, {launches} starts")
ax.set(xscale="log", yscale="log", xlabel="examples in a batch", ylabel="time of a training step, us")
ax.legend(fontsize=8)
plt.show()

# %% [markdown]
# For small batches the time hardly depends on the batch: starts, and the Python between them. For large ones it grows
# with the batch as the roofline does. Between the two lies what the products leave out: the activations, the update of
# W, and all that is read once more. (On a busy machine the times scatter. Run the cells again.)
#
# A GPU is made to lower the slope. The flat part it does not lower: its launches have starts of their own. Users of
# CuPy report calls that take longer than NumPy's ([one](https://github.com/cupy/cupy/issues/2271)), and small arrays
# that take longer to make ([another](https://github.com/cupy/cupy/issues/4767)).
#
# ## 5. When it pays
#
# Both parts in one line: a batch of N takes $t = a + b N$, with $a$ for the start and $b$ for each example.
#
# ### Exercise 5: break-even
#
# Write `break_even(cpu, gpu)`, each $(a, b)$ in seconds: the smallest batch from which on the GPU is at least as fast.
# If there is none, `math.inf`. (Two $b$ that were measured are never equal, so leave that case out.)


# %%
def break_even(cpu, gpu):
    """A whole number from 1, or math.inf. cpu, gpu: (seconds to start, seconds for each example)."""
    # BEGIN SOLUTION
    later, saved = gpu[0] - cpu[0], cpu[1] - gpu[1]
    return max(1, math.ceil(later / saved)) if saved > 0 else math.inf
    # END SOLUTION


break_even = check("gpu.break_even", break_even).working

# %% [markdown]
# There is a pair of devices of this kind on every machine: plain Python and NumPy. To call NumPy costs a start, and
# then an entry costs next to nothing. Take the update $W - \mathrm{lr}\, dW$ of n weights: in lists, in arrays, and in
# arrays that are made from lists and turned back into lists each time. The last is a transfer.


# %%
def line(make):
    """(a, b) of a + b n, in seconds, from a small n and a large one."""
    small, large = 1, 2000
    first, last = seconds(make(small)), seconds(make(large))
    b = (last - first) / (large - small)
    return first - b * small, b


def in_lists(n):
    W, dW = [0.5] * n, [0.1] * n
    return lambda: [w - 0.01 * d for w, d in zip(W, dW)]


def in_arrays(n):
    W, dW = np.full(n, 0.5), np.full(n, 0.1)
    return lambda: W - 0.01 * dW


def with_transfers(n):
    W, dW = [0.5] * n, [0.1] * n
    return lambda: (np.array(W) - 0.01 * np.array(dW)).tolist()


lines = {make.__name__: line(make) for make in (in_lists, in_arrays, with_transfers)}
for name, (a, b) in lines.items():
    print(f"{name:15} {1e6 * a:5.1f} us to start, {1e9 * b:5.1f} ns an entry")
for name in ("in_arrays", "with_transfers"):
    print(f"{name:15} pays from n = {break_even(lines['in_lists'], lines[name])}")

# %% [markdown]
# Arrays pay from a small n on. With transfers they may never pay: each entry is copied, and the copy takes longer than
# what is saved. It is the same with a GPU: what counts is that **the arrays stay there**.
#
# And the GPU itself, if there is one:

# %%
if cupy:
    a_b = {}
    for name, (first, *_, last) in measured.items():
        b = (last - first) / (BATCHES[-1] - BATCHES[0])
        a_b[name] = first - b * BATCHES[0], b
        print(f"{name}: {1e6 * a_b[name][0]:.0f} us to start a step, {1e6 * b:.2f} us an example")
    faster = [gpu <= cpu for cpu, gpu in zip(measured["CPU"], measured["GPU"])]
    pays = [n for place, n in enumerate(BATCHES) if all(faster[place:])]
    print("measured, this GPU pays", f"from a batch of {pays[0]} on" if pays else "for none of these batches")
    print("by the straight line through the first batch and the last: from", break_even(a_b["CPU"], a_b["GPU"]), "on")
else:
    print("not measured: no GPU here. On a machine that has one this cell says from which batch on it pays.")

# %% [markdown]
# What may be claimed from this: this net, on this machine, with so many threads. A net with wide layers or with
# convolutions has many more flops for each launch, so that a smaller batch is enough. "A GPU is so many times as fast",
# without the net, the batch and what it is compared with, says nothing.
#
# ## 6. float32 or float64
#
# Half the bytes, and on a CPU twice as many numbers in each vector instruction. On GPUs the difference depends on the
# model, and may be much larger: measure it.

# %%
for name, xp in devices.items():
    for dtype in ("float32", "float64"):
        square = xp.ones((384, 384), dtype)
        took = seconds(lambda square=square: square @ square, xp)
        print(f"{name}, {dtype}: {2 * 384**3 / took / 1e9:4.0f} Gflop/s, {square.nbytes / 2**20:.2f} MiB")

# %% [markdown]
# What it costs is digits. Are there enough of them? To train, yes: the gradients of two batches differ by far more than
# those of two precisions.


# %%
def gradient(dtype, first):
    """dW of layer 1 from 64 images, under backpropagation."""
    net = fa.mlp("784-200-80-10", dtype=dtype)
    x, label = mnist.x_train[first : first + 64], mnist.y_train[first : first + 64]
    traces = net.forward(net.to_float(net.as_input(x)))
    output = fa.SoftmaxCrossEntropy().output(net, traces, fa.one_hot(label, 10, dtype))
    return fa.BP(net).gradients(traces, output)["1.W"]


mnist = fa.load("mnist").part(128, 1)
exact = gradient("float64", 0)
for words, other in (("in float32", gradient("float32", 0)), ("of another batch", gradient("float64", 64))):
    print(
        f"the gradient {words:16} differs by {np.linalg.norm(other - exact) / np.linalg.norm(exact):.0e} of its length"
    )

# %% [markdown]
# To check a gradient by finite differences, no: two nearly equal numbers are subtracted.

# %%
for dtype in (np.float32, np.float64):
    z, step = dtype(0.5), dtype(1e-4)
    slope = (np.tanh(z + step) - np.tanh(z - step)) / (2 * step)
    print(f"{dtype.__name__}: the slope of tanh by differences is wrong by {abs(slope - (1 - np.tanh(0.5) ** 2)):.0e}")

# %% [markdown]
# So numpyfa trains in float32 and checks in float64. Beware of one float64 array among float32: the result is float64,
# and so is all that follows. A plain Python number does no harm.

# %%
h = np.ones(3, "float32")
print((h * 0.5).dtype, (h * np.array([0.5, 0.5, 0.5])).dtype)

# %% [markdown]
# ## Open question
#
# Feedback alignment does not read $W^\top$, and direct feedback alignment lets all layers learn at the same time. Would
# that make training faster on a GPU? On one GPU, on several, or on a chip that has the weights beside the arithmetic?
# Which of flops, bytes, launches and waits does it change?
#
# ## Sources
#
# - Williams, Waterman & Patterson 2009, *Roofline: an insightful visual performance model for multicore architectures*.
# - The user guide of CuPy, its pages on performance, on differences from NumPy, and on interoperability.
# - Here: `numpyfa/backend.py` is all that the library needs for both devices, `numpyfa/course/pretended_gpu.py` the
#   pretended GPU. `docs/speed.md` has what was measured on CPUs, and `bash benchmarks/gpu.sh` measures on a GPU.

# %%
check.progress()
