"""Finite differences find each mistake, name its place, and pass what is right."""

import numpy as np
import pytest

import numpyfa as fa
from numpyfa.gradcheck import Check, compare, gradient_checks, numeric_gradient
from numpyfa.laws.nets import batch, conv_net, dense_net


@pytest.mark.parametrize("figure, tolerance", [(np.nan, 1.0), (1.0, np.nan), (np.nan, np.nan), (np.inf, 1.0)])
def test_nan_fails_on_either_side(figure, tolerance):
    assert not Check("x", figure, tolerance).passed


def test_a_gradient_of_nan_fails_whatever_the_other_entries_are():
    p = np.array([0.3, -1.2])
    assert not compare("p", np.array([0.6, np.nan]), p, lambda: (float((p**2).sum()), []), 1e-6).passed
    assert not compare("p", 2 * p, p, lambda: (float(np.nan), []), 1e-6).passed


class WrongTanh(fa.Tanh):
    """A student's mistake: the slope at z instead of h."""

    from_output = False

    def slope(self, z, h):
        return 1 - z * z


class WrongBias(fa.Dense):
    """A peer's mistake: the bias gradient is averaged twice."""

    def gradients(self, trace, signal):
        gradients = super().gradients(trace, signal)
        gradients["b"] = gradients["b"] / len(trace.h)
        return gradients


class WrongWeights(fa.Dense):
    """One entry of dW is off by a hundredth."""

    def gradients(self, trace, signal):
        gradients = super().gradients(trace, signal)
        gradients["W"][2, 1] += 0.01
        return gradients


class WrongFold(fa.Conv):
    """Every other line of what is sent down is halved."""

    def carry(self, delta, M):
        x = super().carry(delta, M)
        x[:, ::2] *= 0.5
        return x


@pytest.mark.parametrize(
    "layers, rule, parameter",
    [
        ([fa.Dense(5, WrongTanh()), fa.Dense(3)], "bp", "1.W"),
        ([fa.Dense(5, WrongTanh()), fa.Dense(3)], "fa", "1.W"),
        ([fa.Dense(5, WrongTanh()), fa.Dense(3)], "dfa", "1.W"),
        ([WrongBias(5, "tanh"), fa.Dense(3)], "bp", "1.b"),
        ([WrongBias(5, "tanh"), fa.Dense(3)], "fa", "1.b"),
        ([fa.Dense(5, "tanh"), WrongBias(3)], "dfa", "2.b"),
    ],
)
def test_a_wrong_layer_fails_and_the_parameter_is_named(layers, rule, parameter):
    layers = [type(layer)(layer.size, *[type(item)() for item in layer.tail]) for layer in layers]
    net = fa.Network(6, layers, dtype="float64")
    with pytest.raises(fa.GradientMismatch, match=rf"{parameter} .*worst entry \[.*analytic .*numeric"):
        fa.check_gradients(net, fa.make_rule(rule, net), fa.SoftmaxCrossEntropy(), *batch(net))


class NoBias(fa.Dense):
    """The gradient of b is forgotten."""

    def gradients(self, trace, signal):
        return {"W": super().gradients(trace, signal)["W"]}


@pytest.mark.parametrize(
    "layers, rule, parameter",
    [
        ([NoBias(5, "tanh"), fa.Dense(3)], fa.BP, "1.b"),
        ([NoBias(5, "tanh"), fa.Dense(3)], fa.FA, "1.b"),
        ([fa.Dense(5, "tanh"), NoBias(3)], fa.DFA, "2.b"),
    ],
)
def test_a_gradient_that_is_not_returned_fails(layers, rule, parameter):
    net = fa.Network(6, layers, dtype="float64")
    with pytest.raises(fa.GradientMismatch, match=rf"{parameter} .*no gradient was returned"):
        fa.check_gradients(net, rule(net), fa.SoftmaxCrossEntropy(), *batch(net))


def test_a_gradient_of_the_wrong_shape_fails():
    class Flat(fa.Dense):
        def gradients(self, trace, signal):
            return {name: g.reshape(-1) for name, g in super().gradients(trace, signal).items()}

    net = fa.Network(6, [Flat(5, "tanh"), fa.Dense(3)], dtype="float64")
    with pytest.raises(fa.GradientMismatch, match=r"a gradient of shape \(30,\) was returned for .* \(6, 5\)"):
        fa.check_gradients(net, fa.BP(net), fa.SoftmaxCrossEntropy(), *batch(net))


def test_the_worst_entry_is_the_one_that_is_wrong():
    net = fa.Network(6, [WrongWeights(5, "tanh"), fa.Dense(3)], dtype="float64")
    with pytest.raises(fa.GradientMismatch, match=r"1\.W by the loss: worst entry \[2, 1\]"):
        fa.check_gradients(net, fa.BP(net), fa.SoftmaxCrossEntropy(), *batch(net))


def test_a_rule_whose_deltas_are_noise_fails_in_every_hidden_layer():
    """What is compared is what the rule makes of the parameters, not what the layers could make of its e."""

    class Noise(fa.FA):
        def signals(self, traces, output):
            for number, signal in super().signals(traces, output):
                if number != self.net.last.number:
                    noise = np.random.default_rng(0).standard_normal(signal.delta.shape)
                    signal = signal._replace(delta=noise)
                yield number, signal

    net = dense_net("tanh")
    found = gradient_checks(net, Noise(net), fa.SoftmaxCrossEntropy(), *batch(net))
    assert {check.name for check in found if not check.passed} == {f"{n}.{p} by <e, h>" for n in (1, 2) for p in "Wb"}


def test_a_wrong_fold_fails_in_the_layer_below():
    net = fa.Network((6, 6, 1), [fa.Conv(2, 3, "tanh"), WrongFold(2, 3, "tanh"), fa.Dense(3)], dtype="float64")
    with pytest.raises(fa.GradientMismatch, match=r"1\.W"):
        fa.check_gradients(net, fa.BP(net), fa.SoftmaxCrossEntropy(), *batch(net))


def test_a_right_net_passes_and_returns_one_check_a_parameter_and_more():
    net = dense_net("tanh")
    names = [check.name for check in fa.check_gradients(net, fa.FA(net), fa.SoftmaxCrossEntropy(), *batch(net))]
    assert names == ["3.W by the loss", "3.b by the loss", *(f"{p} by <e, h>" for p in ("1.W", "1.b", "2.W", "2.b"))]


def test_entries_at_a_kink_are_skipped_and_counted():
    """A unit with zero weights sits on ReLU's kink for every example: its 6 weights and its bias have no derivative."""
    net = fa.Network(6, [fa.Dense(5, "relu"), fa.Dense(3)], dtype="float64")
    net[1].W[:, 2] = 0
    found = gradient_checks(net, fa.BP(net), fa.SoftmaxCrossEntropy(), *batch(net))
    assert {check.name: check.skipped for check in found if check.skipped} == {
        "1.W by the loss": 6,
        "1.b by the loss": 1,
        "1.W by <e, h>": 6,
        "1.b by <e, h>": 1,
    }
    assert all(check.passed for check in found)


def test_a_max_pool_over_equal_entries_passes_the_check():
    net = fa.Network((4, 4, 1), [fa.Conv(1, 1, fa.MaxPool(2), bias=False), fa.Dense(3)], dtype="float64")
    x, target = batch(net)
    x[...] = 1.0
    found = gradient_checks(net, fa.BP(net), fa.SoftmaxCrossEntropy(), x, target)
    assert all(check.passed for check in found)


def test_an_array_whose_every_entry_is_at_a_kink_fails():
    """Nothing was verified, so nothing may pass."""
    net = fa.Network(6, [fa.Dense(5, "relu"), fa.Dense(3)], dtype="float64", init="zeros")
    found = gradient_checks(net, fa.BP(net), fa.SoftmaxCrossEntropy(), *batch(net))
    assert not next(check for check in found if check.name == "1.W by the loss").passed


def test_the_numeric_gradient_of_a_cubic_is_its_derivative_to_1e_9():
    p = np.array([[0.3, -1.2], [2.0, 0.0]])
    gradient, smooth = numeric_gradient(lambda: (float((p**3).sum()), []), p)
    assert smooth.all()
    np.testing.assert_allclose(gradient, 3 * p**2, atol=1e-9)


def test_float32_is_refused():
    net = fa.mlp("6-5-3")
    with pytest.raises(fa.InputError, match="float64, found a net of float32"):
        fa.check_gradients(net, fa.BP(net), fa.SoftmaxCrossEntropy(), *batch(net))


def test_checking_changes_no_parameter():
    net = conv_net("tanh")
    before = {name: p.copy() for name, p in (net.parameters() | net.running()).items()}
    fa.check_gradients(net, fa.BP(net), fa.SoftmaxCrossEntropy(), *batch(net))
    for name, p in (net.parameters() | net.running()).items():
        np.testing.assert_array_equal(p, before[name])
