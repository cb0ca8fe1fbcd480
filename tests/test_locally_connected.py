"""Locally connected layers: a kernel a place, equal to their definition and, where the kernels are equal, to `Conv`."""

import copy
import pickle

import numpy as np
import pytest
import standin
from hypothesis import given, settings
from hypothesis import strategies as st
from test_layers import conv_shapes

import numpyfa as fa
from numpyfa.laws import locally_connected as law
from numpyfa.laws import nets as law_nets
from numpyfa.layers import Weighted


def small(**options):
    layers = [fa.LocallyConnected(3, 3, "tanh", stride=2, padding=1), fa.LocallyConnected(2, 2, "tanh"), fa.Dense(3)]
    return fa.Network((5, 6, 2), layers, dtype="float64", **options)


@settings(max_examples=30, deadline=None)
@given(conv_shapes(), st.sampled_from(["cpu", standin]))
def test_the_fast_form_is_rows_and_fold_to_1e_12_and_these_are_adjoint(shape, device):
    """At every stride, padding and kernel, also a padding wider than the kernel and a stride that leaves pixels out."""
    assert max(law_nets.line_gaps(*shape, images=3, device=device, conv=fa.LocallyConnected)) < 1e-12
    assert law_nets.adjoint_gap(*shape, conv=fa.LocallyConnected) < 1e-12


@settings(max_examples=20, deadline=None)
@given(conv_shapes())
def test_it_is_loops_over_a_kernel_a_place_and_with_equal_kernels_the_convolution(shape):
    assert law.loop_gap(*shape) < 1e-12
    assert max(law.equal_kernels(*shape).values()) < 1e-12


def test_w_stacks_12_kernels_for_3_x_4_places_and_every_place_has_its_biases():
    net = fa.Network((3, 4, 2), [fa.LocallyConnected(5, 3, padding=1)])
    layer = net[1]
    assert layer.W.shape == (12 * 18, 5) and layer.b.shape == (3, 4, 5) and layer.fans == (18, 45)
    assert sum(p.size for p in net.parameters().values()) == 12 * (18 + 1) * 5


@pytest.mark.parametrize("init", ["orthogonal", "fan_in", "uniform_fan_in"])
def test_each_kernel_starts_as_a_convolutions_does(init):
    """Orthonormal columns place by place; the same s.d. as a convolution's, not that of one matrix of 64 x 18 rows."""
    layers = [kind(4, 3, padding=1) for kind in (fa.Conv, fa.LocallyConnected)]
    conv, local = (fa.Network((8, 8, 2), [layer], init=init, dtype="float64")[1] for layer in layers)
    kernels = local.W.reshape(64, 18, 4)
    assert local.W.std() == pytest.approx(conv.W.std(), rel=0.3)
    if init == "orthogonal":
        np.testing.assert_allclose(np.swapaxes(kernels, 1, 2) @ kernels, np.tile(np.eye(4), (64, 1, 1)), atol=1e-12)


def test_feedback_is_drawn_kernel_by_kernel_so_that_it_is_as_large_as_a_convolutions():
    nets = [
        fa.Network((6, 6, 1), [fa.Dense(48), fa.Dense(3)]),
        *(fa.Network((6, 6, 1), [kind(4, 3), kind(3, 3), fa.Dense(3)]) for kind in (fa.Conv, fa.LocallyConnected)),
    ]
    _, conv, local = (fa.FA(net).feedback[2]["B"] for net in nets)
    assert conv.shape == (3, 36) and local.shape == (3, 4 * 36)
    assert abs(conv).max() <= 1 / 36**0.5 and 0.9 / 36**0.5 < abs(local).max() <= 1 / 36**0.5


def test_a_pseudo_inverse_is_taken_kernel_by_kernel():
    layer = small()[2]
    found = fa.PseudoBP(small()).stand_in(layer, {})
    for p, W in enumerate(layer.W.reshape(layer.blocks, -1, 2)):
        np.testing.assert_allclose(found[:, p * 12 : (p + 1) * 12], np.linalg.pinv(W), rtol=0, atol=1e-12)


def test_a_subclass_with_a_fold_of_its_own_runs_by_it():
    class Halved(fa.LocallyConnected):
        def fold(self, rows):
            return super().fold(rows) / 2

    assert Halved.carry is Weighted.carry and fa.LocallyConnected.carry is not Weighted.carry
    plain, halved = (
        fa.Network((5, 5, 1), [fa.Conv(2, 3), kind(3, 2), fa.Dense(2)], dtype="float64")
        for kind in (fa.LocallyConnected, Halved)
    )
    gradients = [law_nets.outcome(net, fa.BP(net))[1]["1.W"] for net in (plain, halved)]
    np.testing.assert_allclose(gradients[1], gradients[0] / 2, rtol=1e-12)


def test_a_file_a_pickle_and_a_copy_give_back_the_same_answers(tmp_path):
    net = small(seed=3)
    x = law_nets.batch(net)[0]
    fa.save(tmp_path / "net.npz", net)
    for again in (fa.load_net(tmp_path / "net.npz"), pickle.loads(pickle.dumps(net)), copy.deepcopy(net)):
        np.testing.assert_array_equal(again.answer(x), net.answer(x))
        assert repr(again) == repr(net) and again[1].blocks == 9
    assert repr(net[1]) == "LocallyConnected(3, kernel=3, Tanh(), stride=2, padding=1)"


def test_it_refuses_what_a_convolution_refuses():
    with pytest.raises(fa.InputError, match="5 x 5 kernel does not fit into an image of 4 x 4"):
        fa.Network((4, 4, 1), [fa.LocallyConnected(3, 5)])
    with pytest.raises(fa.InputError, match="images of shape"):
        fa.Network(784, [fa.LocallyConnected(3, 5)])


def test_without_bias_it_has_none():
    net = fa.Network((4, 4, 1), [fa.LocallyConnected(2, 3, bias=False)])
    assert list(net.parameters()) == ["1.W"] and net[1].b is None
