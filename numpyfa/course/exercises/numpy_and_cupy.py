"""Exercises of notebook 12: NumPy and CuPy."""

import math

import numpy as np

from ...backend import array_module, to_host
from .. import pretended_gpu
from ..exercise import call, exercise, sizes

# -- One code for both -----------------------------------------------------------------------------------------------


def outputs(rng, n, square):
    """z of the output layer and one-hot targets, in float32. Rows lie far apart, and all of them far above 0."""
    classes = int(rng.integers(4, 8))
    level = 100.0 + 300.0 * np.arange(n)[:, None]
    z = (level + 2 * rng.standard_normal((n, classes))).astype("float32")
    return z, np.eye(classes, dtype="float32")[rng.integers(classes, size=n)]


def on_both(answer, z, target):
    """(what it makes of host arrays, its dtype, what it makes of the same arrays on the pretended GPU)."""
    found = answer(z, target)
    if found is None or found is ...:
        return None
    dtype = str(getattr(found, "dtype", type(found).__name__))
    try:
        there = answer(pretended_gpu.asarray(z), pretended_gpu.asarray(target))
    except pretended_gpu.Refused:
        return np.array(found), dtype, "refused on the GPU"
    if not isinstance(there, pretended_gpu.Array):
        return np.array(found), dtype, "the result is on the host"
    return np.array(found), dtype, there.get()


@exercise(
    "gpu.error",
    draw=outputs,
    run=on_both,
    tolerance=1e-3,  # float32's digits at the largest z, where a right answer may subtract from it a second time
    hints=(
        "xp = array_module(z) is numpy for a host array and cupy for one of the GPU; then xp.exp is the right one.",
        "Subtract each row's largest z first, or exp overflows. keepdims=True keeps the column that broadcasts.",
        "p = xp.exp(z - z.max(axis=1, keepdims=True)); then p / p.sum(axis=1, keepdims=True) - target.",
    ),
)
def error(z, target):
    xp = array_module(z)
    p = xp.exp(z - z.max(axis=1, keepdims=True))
    return p / p.sum(axis=1, keepdims=True) - target


@error.wrong(
    "uses np",
    "right on the host, but on the GPU it stops: a NumPy function got one of its arrays, or an array that NumPy made "
    "was mixed in. xp = array_module(z), and then xp.exp",
)
def _(z, target):
    p = np.exp(z - z.max(axis=1, keepdims=True))
    return p / p.sum(axis=1, keepdims=True) - target


@error.wrong(
    "through the host",
    "right, but for arrays of the GPU it answers with one of the host: each batch would be copied and waited for",
)
def _(z, target):
    return error.solution(to_host(z), to_host(target))


@error.wrong(
    "float64", "right, but float32 became float64 on the way: twice the bytes, and on a GPU a slower kind of arithmetic"
)
def _(z, target):
    return error.solution(z.astype("float64"), target)


@error.wrong("overflow", "exp overflows here: subtract each row's largest z first, which changes no probability")
def _(z, target):
    p = array_module(z).exp(z)
    return p / p.sum(axis=1, keepdims=True) - target


@error.wrong(
    "one maximum", "you subtract the largest z of the batch: in rows far below it every exp is 0; take each row's own"
)
def _(z, target):
    p = array_module(z).exp(z - z.max())
    return p / p.sum(axis=1, keepdims=True) - target


@error.wrong("no target", "these are the probabilities p: the error is p - target")
def _(z, target):
    return error.solution(z, target) + target


@error.wrong("averaged", "divided by N here: the error is each example's own; dW alone is a mean over the batch")
def _(z, target):
    return error.solution(z, target) / np.float32(len(z))


@error.wrong("the other way round", "this is target - p: the error is p - target")
def _(z, target):
    return -error.solution(z, target)


# -- Time ------------------------------------------------------------------------------------------------------------


class Queue:
    """A device that works by itself: `work` puts a job into its queue and returns, `wait` waits until all is done.

    A job takes longer than to put it there; the first one is compiled before. Others have left work in the queue.
    """

    def __init__(self, rng):
        self.launch, self.job, self.compiling, self.done = rng.uniform([1, 20, 500, 1000], [5, 80, 900, 2000])
        self.now = 0.0

    def work(self):
        self.now += self.launch + self.compiling
        self.compiling = 0.0
        self.done = max(self.now, self.done) + self.job

    def wait(self):
        self.now = max(self.now, self.done)

    def clock(self):
        return self.now


def queue(rng, n, square):
    """The three functions of a device, and how often to repeat."""
    device = Queue(rng)
    return device.work, device.wait, device.clock, 3 + n


@exercise(
    "gpu.timed",
    draw=queue,
    batch=False,
    hints=(
        "work() only puts a job into the queue. Which call tells that the job is done?",
        "The first work() compiles, and others may have left jobs in the queue: do one, and wait, before you start.",
        "work(), wait(); start = clock(); work() `repeats` times; wait(); (clock() - start) / repeats.",
    ),
)
def timed(work, wait, clock, repeats):
    work()
    wait()
    start = clock()
    for _ in range(repeats):
        work()
    wait()
    return (clock() - start) / repeats


@timed.wrong("no wait", "you do not wait before you read the clock at the end: this is the time to ask, not to do")
def _(work, wait, clock, repeats):
    work()
    wait()
    start = clock()
    for _ in range(repeats):
        work()
    return (clock() - start) / repeats


@timed.wrong(
    "no warm-up", "the first call is timed, and it compiles: do one job, and wait for it, before you read the clock"
)
def _(work, wait, clock, repeats):
    start = clock()
    for _ in range(repeats):
        work()
    wait()
    return (clock() - start) / repeats


@timed.wrong(
    "waits before, but does nothing", "you wait before the start but do no job then: the first call, timed, compiles"
)
def _(work, wait, clock, repeats):
    wait()
    start = clock()
    for _ in range(repeats):
        work()
    wait()
    return (clock() - start) / repeats


@timed.wrong(
    "starts too soon",
    "the queue is not empty when you start the clock: wait after the first job, before you start",
)
def _(work, wait, clock, repeats):
    work()
    start = clock()
    for _ in range(repeats):
        work()
    wait()
    return (clock() - start) / repeats


@timed.wrong(
    "waits each time",
    "you wait after each job, so that none is put into the queue while another runs: wait once, after the last",
)
def _(work, wait, clock, repeats):
    work()
    wait()
    start = clock()
    for _ in range(repeats):
        work()
        wait()
    return (clock() - start) / repeats


@timed.wrong("all of them", "this is the time of all repeats: divide by their number")
def _(work, wait, clock, repeats):
    return timed.solution(work, wait, clock, repeats) * repeats


# -- Arithmetic ------------------------------------------------------------------------------------------------------


def net(rng, n, square):
    """The sizes of a net, and the batch."""
    return [2 * each for each in sizes(rng, 4, square)], n


def products(sizes):
    return [a * b for a, b in zip(sizes[:-1], sizes[1:])]


@exercise(
    "gpu.flops",
    draw=net,
    batch=False,
    hints=(
        "A product of (m, k) and (k, p) has m p entries, and each takes k multiplications and k additions: 2 m k p.",
        "Each W takes part in z = x W and in dW = x^T delta: twice 2 N fan_in fan_out. Where is there a third product?",
        "e = delta M is needed below every layer but the first: no rule sends a signal to the images.",
    ),
)
def flops(sizes, n):
    weights = [a * b for a, b in zip(sizes[:-1], sizes[1:])]
    return 2 * n * (2 * sum(weights) + sum(weights[1:]))


@flops.wrong("forward alone", "these are the products of the forward pass: dW and e are products as well")
def _(sizes, n):
    return 2 * n * sum(products(sizes))


@flops.wrong("three for each", "you count e = delta M for the first layer too: below it are the images")
def _(sizes, n):
    return 6 * n * sum(products(sizes))


@flops.wrong("no e", "z and dW are counted, e = delta M is not: it is due for every layer but the first")
def _(sizes, n):
    return 4 * n * sum(products(sizes))


@flops.wrong("no dW", "z and e are counted, dW = x^T delta is not, which is as large as z = x W")
def _(sizes, n):
    return 2 * n * (sum(products(sizes)) + sum(products(sizes)[1:]))


@flops.wrong("the last left out", "e = delta M is left out for the last layer, where the first is the one without it")
def _(sizes, n):
    return 2 * n * (2 * sum(products(sizes)) + sum(products(sizes)[:-1]))


@flops.wrong("multiplications", "these are the multiplications: each has an addition beside it, so the double is due")
def _(sizes, n):
    return flops.solution(sizes, n) // 2


@flops.wrong("one example", "these are the flops of one example: n of them pass")
def _(sizes, n):
    return flops.solution(sizes, 1)


@flops.wrong("units", "you add up units: a product costs by the entries of W, fan_in times fan_out")
def _(sizes, n):
    return 2 * n * (2 * sum(sizes) + sum(sizes[1:]))


def product(rng, n, square):
    """A product's sizes, the bytes of a number, and a device bound by arithmetic if `square`, else by memory."""
    m, k, p = (8 * each for each in sizes(rng, 3, square))
    itemsize = 8 if n in (4, 5) else 4
    intensity = 2 * m * k * p / (itemsize * traffic(m, k, p))  # flops for a byte
    bandwidth = float(rng.uniform(5e9, 2e10))
    return m, k, p, itemsize, bandwidth * intensity * float(rng.uniform(0.3, 0.45) if square else 9.0), bandwidth


def traffic(m, k, p):
    return m * k + k * p + m * p


@exercise(
    "gpu.roofline",
    draw=product,
    batch=False,
    hints=(
        "Two times: that of the arithmetic, 2 m k p / rate, and that of the memory, bytes / bandwidth.",
        "Both matrices are read once, and the result is written once: m k + k p + m p numbers of `itemsize` bytes.",
        "A device computes while it reads, so the longer of the two counts: max(...).",
    ),
)
def roofline(m, k, p, itemsize, rate, bandwidth):
    return max(2 * m * k * p / rate, itemsize * (m * k + k * p + m * p) / bandwidth)


@roofline.wrong("sum", "you add the two times: a device computes while it reads, so the longer one counts")
def _(m, k, p, itemsize, rate, bandwidth):
    return 2 * m * k * p / rate + itemsize * traffic(m, k, p) / bandwidth


@roofline.wrong("the shorter", "this is the shorter of the two times: the product is done when both are over")
def _(m, k, p, itemsize, rate, bandwidth):
    return min(2 * m * k * p / rate, itemsize * traffic(m, k, p) / bandwidth)


@roofline.wrong("arithmetic alone", "this is the arithmetic alone: the numbers have to come from memory, too")
def _(m, k, p, itemsize, rate, bandwidth):
    return 2 * m * k * p / rate


@roofline.wrong("memory alone", "this is the memory alone: the arithmetic may take longer")
def _(m, k, p, itemsize, rate, bandwidth):
    return itemsize * traffic(m, k, p) / bandwidth


@roofline.wrong("numbers for bytes", "the bandwidth is in bytes, and you count numbers: each has `itemsize` bytes")
def _(m, k, p, itemsize, rate, bandwidth):
    return max(2 * m * k * p / rate, traffic(m, k, p) / bandwidth)


@roofline.wrong("result not written", "the result has to be written as well: m p numbers more")
def _(m, k, p, itemsize, rate, bandwidth):
    return max(2 * m * k * p / rate, itemsize * (m * k + k * p) / bandwidth)


@roofline.wrong("half the flops", "a multiplication and an addition each: 2 m k p flops")
def _(m, k, p, itemsize, rate, bandwidth):
    return max(m * k * p / rate, itemsize * traffic(m, k, p) / bandwidth)


@roofline.wrong(
    "read for every multiplication",
    "you read two numbers for every multiplication: a good product keeps blocks near, and reads each matrix once",
)
def _(m, k, p, itemsize, rate, bandwidth):
    return max(2 * m * k * p / rate, itemsize * (2 * m * k * p + m * p) / bandwidth)


# -- When it pays ----------------------------------------------------------------------------------------------------


def two_devices(rng, n, square):
    """(seconds to start, seconds an example) of two devices: the second pays from some batch on, always, or never."""
    cpu_start, saved = rng.uniform(1e-5, 1e-4), rng.uniform(1e-6, 5e-6)
    gpu_start, gpu_each = cpu_start + saved * (rng.integers(3, 400) + rng.uniform(0.2, 0.8)), rng.uniform(1e-7, 1e-6)
    cpu = float(cpu_start), float(gpu_each + saved)
    if n == 4:  # always
        return cpu, (float(cpu_start / 2), float(gpu_each))
    if n == 5:  # never
        return cpu, (float(gpu_start), cpu[1] * 1.5)
    if n == 3:  # for small batches alone, and so from no batch on
        return cpu, (float(cpu_start / 2), cpu[1] * 1.02)
    return cpu, (float(gpu_start), float(gpu_each))


@exercise(
    "gpu.break_even",
    draw=two_devices,
    run=call,
    batch=False,
    hints=(
        "A batch of N takes start + N each. Set the two equal, and solve for N.",
        "N = (gpu start - cpu start) / (cpu each - gpu each): the next whole number, and at least 1.",
        "If an example takes the GPU longer than the CPU, it never pays: math.inf, before you divide.",
    ),
)
def break_even(cpu, gpu):
    later, saved = gpu[0] - cpu[0], cpu[1] - gpu[1]
    return max(1, math.ceil(later / saved)) if saved > 0 else math.inf


@break_even.wrong("not whole", "a batch is a whole number of examples: the next one above")
def _(cpu, gpu):
    later, saved = gpu[0] - cpu[0], cpu[1] - gpu[1]
    return max(1, later / saved) if saved > 0 else math.inf


@break_even.wrong("rounded down", "rounded down, the CPU is still the faster one: take the next whole number above")
def _(cpu, gpu):
    later, saved = gpu[0] - cpu[0], cpu[1] - gpu[1]
    return max(1, math.floor(later / saved)) if saved > 0 else math.inf


@break_even.wrong("below 1", "where the GPU starts sooner as well, this is no batch: the smallest one is 1")
def _(cpu, gpu):
    later, saved = gpu[0] - cpu[0], cpu[1] - gpu[1]
    return math.ceil(later / saved) if saved > 0 else math.inf


@break_even.wrong(
    "never forgotten", "if the GPU takes longer for an example, it never pays: say math.inf, and do not divide"
)
def _(cpu, gpu):
    return max(1, math.ceil((gpu[0] - cpu[0]) / (cpu[1] - gpu[1])))


@break_even.wrong(
    "faster at first",
    "where the GPU starts sooner but takes longer for an example, it is faster for small batches alone: from none *on*",
)
def _(cpu, gpu):
    later, saved = gpu[0] - cpu[0], cpu[1] - gpu[1]
    return max(1, math.ceil(later / saved)) if saved > 0 else math.inf if later > 0 else 1


@break_even.wrong("the CPU starts for nothing", "the CPU has a start as well: subtract it from the GPU's")
def _(cpu, gpu):
    saved = cpu[1] - gpu[1]
    return max(1, math.ceil(gpu[0] / saved)) if saved > 0 else math.inf


@break_even.wrong(
    "the GPU is done at once", "the GPU takes time for each example, too: by (cpu each - gpu each) it is faster"
)
def _(cpu, gpu):
    return max(1, math.ceil((gpu[0] - cpu[0]) / cpu[1])) if cpu[1] > gpu[1] else math.inf


@break_even.wrong("mixed up", "the two devices are mixed up: this is from where on the first one pays")
def _(cpu, gpu):
    return break_even.solution(gpu, cpu)
