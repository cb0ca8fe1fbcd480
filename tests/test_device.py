"""One code path for two devices: the stand-in proves the discipline, the GPU tests the numbers."""

import numpy as np
import pytest
import standin

import numpyfa as fa
from numpyfa import backend, metrics
from numpyfa.backend import to_device, to_host
from numpyfa.laws import nets as law_nets

OPTIMIZERS = {
    "sgd": lambda: fa.SGD(0.1),
    "manhattan": lambda: fa.BatchManhattan(0.01, momentum=0.9, decay=1e-3),
    "momentum": lambda: fa.SGD(0.1, momentum=0.9, decay=1e-3),
    "nesterov": lambda: fa.SGD(0.1, momentum=0.9, nesterov=True, decay=1e-3, decoupled=True),
    "rmsprop": lambda: fa.RMSprop(0.01),
    "adam": lambda: fa.Adam(0.01),
}


def nets(device, dtype):
    """One net for each way through the engine: every tail, a convolution, a junction."""
    options = {"dtype": dtype, "device": device, "seed": 1}
    dense = [fa.Dense(7, name) for name in ("tanh", "logistic", "relu", "leakyrelu", "softplus", "erf")]
    conv = [
        fa.Conv(3, 3, fa.BatchNorm(), "relu", fa.MaxPool(2), stride=2, padding=1),
        fa.Conv(4, 2, "tanh", fa.AvgPool(2, 1), padding=1),
        fa.Dense(5, "tanh", fa.Dropout(0.3)),
        fa.Dense(3),
    ]
    residual = [
        fa.Conv(2, 3, "tanh", padding=1),
        fa.Conv(2, 3, fa.BatchNorm(), padding=1),
        fa.Junction("relu", fa.GlobalAvgPool(), sources=(-1, -2)),
        fa.Dense(3),
    ]
    return {
        "dense": lambda: fa.Network(6, [*dense, fa.Dense(3)], **options),
        "conv": lambda: fa.Network((9, 8, 2), conv, **options),
        "residual": lambda: fa.Network((5, 5, 2), residual, **options),
        "locally connected": lambda: fa.Network(
            (6, 5, 2),
            [fa.LocallyConnected(3, 3, "relu", stride=2, padding=1), fa.LocallyConnected(4, 2, "tanh"), fa.Dense(3)],
            **options,
        ),
        "plain conv": lambda: fa.Network(
            (9, 8, 2), [fa.Conv(3, 3, "relu", stride=2), fa.Conv(4, 2, "tanh"), fa.Dense(3)], **options
        ),
    }


REFUSED = {("ifa", "conv"), ("ifa", "residual"), ("lra-e", "conv"), ("lra-e", "residual"), ("dtp", "residual")}
PAIRS = [
    (net, rule)
    for net in ("dense", "conv", "residual", "locally connected")
    for rule in fa.RULES
    if (rule, net) not in REFUSED
]
PAIRS += [("plain conv", "ifa"), ("plain conv", "lra-e"), ("conv", "sdtp"), ("conv", "cbdfa"), ("dense", "pfa-o")]


def train(device, net_name, rule_name, optimizer, loss=None, dtype="float64", steps=2):
    """The parameters, running values and losses after two batches, on the host."""
    net = nets(device, dtype)[net_name]()
    rule, values = fa.make_rule(rule_name, net), []
    x, target = law_nets.batch(net)
    x, target = (to_device(each.astype(net.dtype), net.module) for each in (x, target))
    for _ in range(steps):
        value = fa.train_step(net, rule, loss or fa.SoftmaxCrossEntropy(), optimizer, x, target,
                                 np.random.default_rng(0))  # fmt: skip
        values.append(value)
    arrays = net.parameters() | net.running() | rule.arrays()
    return {name: to_host(p) for name, p in arrays.items()} | {"loss": np.array(values)}


@pytest.mark.parametrize("net, rule", PAIRS)
def test_a_rules_whole_step_on_the_stand_in_equals_the_hosts(net, rule):
    device, host = (train(where, net, rule, fa.SGD(0.1)) for where in (standin, "cpu"))
    for name in host:
        np.testing.assert_array_equal(device[name], host[name], err_msg=name)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_every_optimiser_on_the_stand_in_equals_the_hosts(optimizer):
    device, host = (train(where, "conv", "bp", OPTIMIZERS[optimizer]()) for where in (standin, "cpu"))
    for name in host:
        np.testing.assert_array_equal(device[name], host[name], err_msg=name)


@pytest.mark.parametrize("loss", ["softmax", "logistic", "squared"])
def test_every_loss_on_the_stand_in_equals_the_hosts(loss):
    kind = fa.losses.LOSSES[loss]
    device, host = (train(where, "dense", "fa", fa.SGD(0.1), kind()) for where in (standin, "cpu"))
    for name in host:
        np.testing.assert_array_equal(device[name], host[name], err_msg=name)


@pytest.mark.parametrize("rule", fa.RULES)
def test_fit_on_the_stand_in_gives_the_hosts_history(rule, mini):
    histories = []
    for device in (standin, "cpu"):
        net = fa.mlp("784-20-10", device=device)
        optimizer, data = fa.SGD(0.1, decay=1e-4), mini.part(200, 50)
        history = fa.fit(
            net, fa.make_rule(rule, net), fa.SoftmaxCrossEntropy(), optimizer, data, epochs=2, batch_size=16
        )
        histories.append(history)
    assert str(histories[0]) == str(histories[1])


def test_a_checkpoint_moves_between_devices(tmp_path):
    both = [fa.mlp("6-5-3", seed=seed, device=device) for seed, device in ((0, standin), (1, "cpu"))]
    rules, optimizers = [fa.FA(net) for net in both], [fa.SGD(0.1, momentum=0.9) for _ in both]
    x, target = (standin.asarray(each.astype("float32")) for each in law_nets.batch(both[0]))
    fa.train_step(both[0], rules[0], fa.SoftmaxCrossEntropy(), optimizers[0], x, target)
    fa.checkpoint.save(tmp_path / "c.npz", both[0], rules[0], optimizers[0], [])
    fa.checkpoint.load(tmp_path / "c.npz", both[1], rules[1], optimizers[1])
    for name, p in both[1].parameters().items():
        np.testing.assert_array_equal(p, both[0].parameters()[name].get())


def test_metrics_on_the_stand_in_equal_the_hosts():
    found = []
    for device in (standin, "cpu"):
        net = nets(device, "float64")["dense"]()
        x, target = (to_device(each, net.module) for each in law_nets.batch(net))
        traces = net.forward(x)
        output = fa.SoftmaxCrossEntropy().output(net, traces, target)
        rule = fa.FA(net)
        measures = (metrics.delta_angle, metrics.step_delta_angle, metrics.gradient_cosine, metrics.delta_norm_ratio)
        found.append([measure(rule, traces, output) for measure in measures] + [metrics.weight_angle(rule)])
    assert found[0] == found[1]


def test_the_stand_in_refuses_every_mixture():
    device, host = standin.asarray(np.ones(3)), np.ones(3)
    for mixture in (
        lambda: device + host,
        lambda: host + device,
        lambda: host @ device,
        lambda: np.exp(device),
        lambda: np.asarray(device),
        lambda: standin.exp(host),
        lambda: device[np.array([0])],
        lambda: device.__setitem__(0, host[:1]),
        lambda: device.__iadd__(host),
        lambda: standin.maximum(device, host),
    ):
        with pytest.raises(TypeError):
            mixture()


def test_a_module_that_mixes_devices_is_caught():
    """The wall has to stand: a tail that calls NumPy itself fails on the stand-in."""

    class HostTanh(fa.Tanh):
        def f(self, z):
            return np.tanh(z)

    net = fa.Network(6, [fa.Dense(5, HostTanh()), fa.Dense(3)], device=standin)
    with pytest.raises(TypeError):
        net.forward(standin.asarray(np.ones((2, 6), "float32")))


def test_the_same_seed_gives_the_same_weights_on_both_devices_and_precisions():
    device, host = (fa.mlp("6-5-3", device=where)[1].W for where in (standin, "cpu"))
    np.testing.assert_array_equal(device.get(), host)
    double = fa.mlp("6-5-3", dtype="float64")[1].W
    np.testing.assert_array_equal(double.astype("float32"), host)


def test_without_a_gpu_gpu_is_an_error_with_the_reason_and_auto_is_the_cpu(monkeypatch):
    monkeypatch.setattr(backend, "find_gpu", lambda: (None, "no driver"))
    assert backend.device("auto") is np
    with pytest.raises(fa.InputError, match="no driver; use --device cpu"):
        backend.device("gpu")


GPU = pytest.mark.skipif(backend.find_gpu()[0] is None, reason=f"no GPU: {backend.find_gpu()[1]}")


@pytest.mark.gpu
@GPU
@pytest.mark.parametrize("dtype, tolerance", [("float64", 1e-10), ("float32", 2e-4)])
@pytest.mark.parametrize("net, rule", PAIRS)
def test_a_rules_whole_step_on_the_gpu_equals_the_hosts(net, rule, dtype, tolerance):
    device, host = (train(where, net, rule, fa.SGD(0.1), dtype=dtype) for where in ("gpu", "cpu"))
    for name in host:
        np.testing.assert_allclose(device[name], host[name], rtol=tolerance, atol=tolerance, err_msg=name)


@pytest.mark.gpu
@GPU
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_every_optimiser_on_the_gpu_equals_the_hosts(optimizer):
    device, host = (train(where, "conv", "bp", OPTIMIZERS[optimizer]()) for where in ("gpu", "cpu"))
    for name in host:
        np.testing.assert_allclose(device[name], host[name], rtol=1e-8, atol=1e-8, err_msg=name)


@pytest.mark.gpu
@GPU
def test_a_gpu_run_learns_like_the_cpu(mini):
    errors = []
    for device in ("gpu", "cpu"):
        net = fa.mlp("784-50-10", device=device)
        history = fa.fit(net, fa.FA(net), fa.SoftmaxCrossEntropy(), fa.SGD(0.1), mini, epochs=3, batch_size=16)
        errors.append(history[-1]["test_error"])
    assert abs(errors[0] - errors[1]) < 1.0


@pytest.mark.gpu
@GPU
@pytest.mark.parametrize("shape", [(9, 8, 6, 3, 1, 1), (7, 6, 2, 3, 2, 1), (8, 8, 1, 3, 1, 0)])
def test_the_lines_of_several_chunks_on_the_gpu_are_rows_and_fold_to_1e_12(shape, monkeypatch):
    """One chunk's lines lie where the last one's were: each `reshape` in `Cut.lines` has to be a view."""
    monkeypatch.setattr(fa.lines, "GPU_BYTES", 4000)
    assert max(law_nets.line_gaps(*shape, device="gpu")) < 1e-12
