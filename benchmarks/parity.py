"""Is a training step on the GPU the CPU's? By how much the two differ, for each net, rule and kind of number.

    python benchmarks/parity.py --device gpu           # about a minute

One step of plain SGD from the same weights on the same batch of 16: the largest difference between the two updates of
any parameter, by the largest entry of that update on the CPU; the largest over all parameters. Above 1e-2 in float32 or
1e-10 in float64, or not finite, it is a failure: a line says so, no file is written, and the exit status is 1. Float32
needs that much: in ResNet-20 a last digit of the input lets a ReLU switch on or off, and an update differs by up to
2e-3. `pytest -m gpu` asks the same of small nets and every rule, as yes or no.
"""

import sys

import numpy as np
from peers import numpyfa_net, shape_of
from worker import Results, options_of

import numpyfa as fa
from numpyfa.backend import to_device, to_host

NETS, RULES, BATCH, SIDE = ("mlp", "lenet", "resnet20"), ("bp", "fa", "usf", "kp", "pfa", "dfa"), 16, 32
TOLERANCE = {"float32": 1e-2, "float64": 1e-10}


def updates(net_name, rule_name, dtype, device):
    """{name: what one step changes} of every parameter, on the host."""
    rng = np.random.default_rng(0)
    net = numpyfa_net(net_name, SIDE, device, dtype)
    rule = fa.make_rule(rule_name, net)
    x = rng.standard_normal((BATCH, *shape_of(net_name, SIDE))).astype(dtype)
    target = np.eye(10, dtype=dtype)[rng.integers(0, 10, BATCH)]
    parameters = net.parameters() | rule.parameters()
    before = {name: np.array(to_host(p)) for name, p in parameters.items()}
    data = (to_device(each, net.module) for each in (x, target))
    fa.train_step(net, rule, fa.SoftmaxCrossEntropy(), fa.SGD(1.0), *data)
    return {name: to_host(p) - before[name] for name, p in parameters.items()}


def difference(host, other):
    """The largest of two dicts of updates, relative to each update's largest entry; not a number where one is not."""
    found = [0.0]
    for name, d in host.items():
        if d.any() or other[name].any():  # a parameter that moves on one of them alone differs without bound
            with np.errstate(divide="ignore", invalid="ignore"):
                found.append(np.abs(other[name] - d).max() / np.abs(d).max())
    return float(np.max(found))  # Python's max would pass over what is not a number


def main():
    options = options_of(__doc__)
    failed = []
    results = Results(options, device=options.device)
    for net in NETS:
        for rule in RULES:
            for dtype in ("float32", "float64"):
                what = f"{net} {rule} {dtype}"
                if not results.wants(what):
                    continue
                host, other = (updates(net, rule, dtype, device) for device in ("cpu", options.device))
                worst = difference(host, other)
                print(f"{what:24} {worst:.1e}", flush=True)
                if not worst <= TOLERANCE[dtype]:
                    failed.append(f"{what} ({worst:.1e})")
                    continue
                results.add({"what": what, "net": net, "rule": rule, "numbers": dtype, "relative_difference": worst})
    if failed:
        sys.exit(f"parity.py: the devices differ by more than {TOLERANCE} in {', '.join(failed)}")
    results.finish()


if __name__ == "__main__":
    main()
