"""Layers and tails against their definitions."""

import math
import tracemalloc

import numpy as np
import pytest
import standin
from hypothesis import given, settings
from hypothesis import strategies as st

import numpyfa as fa
from numpyfa.laws import nets as law_nets


@st.composite
def conv_shapes(draw):
    kernel, padding = draw(st.integers(1, 5)), draw(st.integers(0, 5))
    side = st.integers(max(1, kernel - 2 * padding), 9)
    return draw(side), draw(side), draw(st.integers(1, 9)), kernel, draw(st.integers(1, 6)), padding


@settings(max_examples=60, deadline=None)
@given(conv_shapes())
def test_fold_is_the_adjoint_of_rows_to_1e_12(shape):
    assert law_nets.adjoint_gap(*shape) < 1e-12


@settings(max_examples=30, deadline=None)
@given(conv_shapes())
def test_a_convolution_is_its_six_loops_to_1e_12(shape):
    assert law_nets.six_loop_gap(*shape) < 1e-12


def test_fold_counts_how_many_patches_cover_a_pixel():
    """fold(rows(1)) of a 3x3 kernel without padding on 4x4: corners lie in 1 patch, edges in 2, the middle in 4."""
    layer = fa.Conv(1, 3)
    fa.Network((4, 4, 1), [layer], dtype="float64")
    cover = layer.fold(layer.rows(np.ones((1, 4, 4, 1))))[0, :, :, 0]
    np.testing.assert_array_equal(cover, [[1, 2, 2, 1], [2, 4, 4, 2], [2, 4, 4, 2], [1, 2, 2, 1]])


def test_a_1x1_convolution_is_a_dense_layer_over_pixels(rng):
    conv, dense = fa.Conv(3, 1), fa.Dense(3)
    fa.Network((4, 5, 2), [conv], dtype="float64")
    fa.Network(2, [dense], dtype="float64")
    dense.W[...] = conv.W
    x = rng.standard_normal((3, 4, 5, 2))
    np.testing.assert_allclose(conv.forward(x).h.reshape(-1, 3), dense.forward(x.reshape(-1, 2)).h, rtol=0, atol=1e-14)


@pytest.mark.parametrize(
    "k, stride, height, width", [(2, 2, 4, 6), (2, 2, 5, 5), (3, 2, 7, 6), (2, 1, 4, 4), (3, 3, 3, 9)]
)
def test_pools_are_their_loops(rng, k, stride, height, width):
    z = rng.standard_normal((2, height, width, 3))
    for pool, reduce in ((fa.MaxPool(k, stride), np.max), (fa.AvgPool(k, stride), np.mean)):
        shape = pool.build(z.shape[1:], np.float64, np)
        naive = np.empty((2, *shape))
        for n, y, x, c in np.ndindex(naive.shape):
            naive[n, y, x, c] = reduce(z[n, y * stride : y * stride + k, x * stride : x * stride + k, c])
        np.testing.assert_allclose(pool.forward(z)[0], naive, rtol=0, atol=1e-15)


@given(conv_shapes(), st.integers(1, 5), st.sampled_from([1, 4000, 1 << 20]), st.sampled_from(["cpu", standin]))
@settings(deadline=None, max_examples=60)
def test_a_convolution_by_lines_is_rows_and_fold_to_1e_12_and_in_float32_to_1e_5(shape, images, size, device):
    """At every stride, padding and kernel, also a padding wider than the kernel and a stride that leaves pixels out."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fa.lines, "BYTES", size)
        assert max(law_nets.line_gaps(*shape, images, "float64", device)) < 1e-12
        assert max(law_nets.line_gaps(*shape, images, "float32", device)) < 1e-5


@pytest.mark.parametrize("channels, by", [(1, "patches"), (2, "lines")])
def test_patches_are_cut_for_more_than_3_channels_out_a_number_in_a_line(channels, by, monkeypatch):
    cuts = []
    for name in ("patches", "lines"):
        cut = getattr(fa.lines.Cut, name)
        monkeypatch.setattr(fa.lines.Cut, name, lambda *args, cut=cut, name=name: cuts.append(name) or cut(*args))
    layer = fa.Conv(10, 3)
    fa.Network((9, 9, channels), [layer])
    layer.weigh(np.ones((2, 9, 9, channels), "float32"), layer.W)
    assert cuts == [by]


def test_a_step_of_a_convolution_never_makes_all_its_patches():
    """Of 64 images of 32 x 32 x 16 with 3 x 3 kernels they would take 38 MB; x, z, delta and e take 4 MB each."""
    layer = fa.Conv(16, 3, padding=1)
    fa.Network((32, 32, 16), [layer])
    x = np.ones((64, 32, 32, 16), "float32")
    layer.weigh(x, layer.W)
    tracemalloc.start()
    z = layer.weigh(x, layer.W)
    layer.outer(x, z)
    layer.carry(z, layer.W.T)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20e6


def test_an_answer_keeps_no_maps_that_no_later_layer_asks_for():
    """Of 8 convolutions with maps of 1 MB each three are alive at once: the input, the output, and lines."""
    net = fa.Network((64, 64, 1), [*(fa.Conv(8, 3, "relu", padding=1) for _ in range(8)), fa.Dense(3)])
    x = np.ones((8, 64, 64, 1), "float32")
    peaks = []
    for run in (net.answer, net.forward):
        tracemalloc.start()
        run(x)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[0] < 7e6 and peaks[1] > 10e6
    np.testing.assert_array_equal(net.answer(x), net.forward(x)[9].h)


def test_an_answer_of_a_residual_net_is_its_forward_pass():
    net = fa.resnet8(dtype="float64")
    x = np.random.default_rng(0).standard_normal((3, 28, 28, 1))
    np.testing.assert_array_equal(net.answer(x), net.forward(x)[net.last.number].h)


def test_max_pool_sends_a_tie_to_one_place_only():
    pool = fa.MaxPool(2)
    pool.build((2, 2, 1), np.float64, np)
    h, memo = pool.forward(np.ones((1, 2, 2, 1)))
    delta, _ = pool.backward(np.ones_like(h), memo)
    assert delta.sum() == 1 and delta[0, 0, 0, 0] == 1


@pytest.mark.parametrize(
    "name, z, h, slope",
    [
        ("tanh", 0.5, math.tanh(0.5), 1 - math.tanh(0.5) ** 2),
        ("logistic", 2.0, 1 / (1 + math.exp(-2)), math.exp(-2) / (1 + math.exp(-2)) ** 2),
        ("relu", -1.0, 0.0, 0.0),
        ("relu", 0.5, 0.5, 1.0),
        ("leakyrelu", -2.0, -0.02, 0.01),
        ("softplus", 1.0, math.log(1 + math.e), 1 / (1 + math.exp(-1))),
        ("erf", 1.0, math.erf(1 / math.sqrt(2)), math.sqrt(2 / math.pi) * math.exp(-0.5)),
        ("identity", 3.0, 3.0, 1.0),
    ],
)
def test_an_activation_and_its_slope_at_a_point(name, z, h, slope):
    item = fa.local.LOCALS[name]()
    value, memo = item.forward(np.array([[z]]))
    delta, _ = item.backward(np.array([[1.0]]), memo)
    assert value[0, 0] == pytest.approx(h, abs=1e-15) and delta[0, 0] == pytest.approx(slope, abs=1e-15)


@pytest.mark.parametrize("name", fa.local.ACTIVATIONS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_activations_keep_the_dtype_and_survive_1000(name, dtype):
    item = fa.local.LOCALS[name]()
    with np.errstate(under="ignore"):
        h, memo = item.forward(np.array([[-1000, 0, 1000]], dtype))
        delta, _ = item.backward(np.ones((1, 3), dtype), memo)
    assert h.dtype == delta.dtype == dtype
    assert np.isfinite(h).all() and np.isfinite(delta).all()


def test_batch_norm_in_training_has_mean_0_and_variance_1_in_each_channel(rng):
    norm = fa.BatchNorm(eps=0)
    norm.build((5, 6, 3), np.float64, np)
    h, _ = norm.forward(3 + 2 * rng.standard_normal((8, 5, 6, 3)), train=True)
    np.testing.assert_allclose(h.mean(axis=(0, 1, 2)), 0, atol=1e-14)
    np.testing.assert_allclose(h.var(axis=(0, 1, 2)), 1, atol=1e-14)


def test_batch_norms_running_values_tend_to_the_mean_and_the_unbiased_variance(rng):
    norm = fa.BatchNorm(momentum=0.1)
    norm.build((2,), np.float64, np)
    z = 3 + 2 * rng.standard_normal((10, 2))
    for _ in range(300):
        norm.settle(norm.forward(z, train=True)[1])
    np.testing.assert_allclose(norm.mean, z.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(norm.var, z.var(axis=0, ddof=1), rtol=1e-12)


def test_a_forward_pass_changes_nothing_not_even_running_values(rng):
    net = law_nets.conv_net("tanh")
    before = {name: p.copy() for name, p in (net.parameters() | net.running()).items()}
    net.forward(rng.standard_normal((4, *net.input_shape)), train=True)
    for name, p in (net.parameters() | net.running()).items():
        np.testing.assert_array_equal(p, before[name])


def test_dropout_keeps_the_mean_within_4_standard_errors_and_is_the_identity_in_evaluation():
    drop, z = fa.Dropout(0.3), np.ones((200, 500))
    h, _ = drop.forward(z, train=True, noise=np.random.default_rng(0))
    error = math.sqrt(0.3 / 0.7 / z.size)
    assert abs(h.mean() - 1) < 4 * error
    assert drop.forward(z)[0] is z


def test_dropout_in_training_without_noise_says_what_to_pass():
    with pytest.raises(fa.InputError, match="net.forward"):
        fa.Network(4, [fa.Dense(3, fa.Dropout())]).forward(np.ones((2, 4), "float32"), train=True)


def test_a_junction_adds_its_sources_and_passes_its_delta_to_each(rng):
    net = fa.Network(4, [fa.Dense(3, "tanh"), fa.Dense(3), fa.Junction("tanh", sources=(-1, -2)), fa.Dense(2)],
                     dtype="float64")  # fmt: skip
    x = rng.standard_normal((5, 4))
    traces = net.forward(x)
    np.testing.assert_array_equal(traces[3].h, np.tanh(traces[1].h + traces[2].h))
    signals = dict(fa.BP(net).signals(traces, fa.SquaredError().output(net, traces, np.zeros((5, 2)))))
    np.testing.assert_array_equal(signals[2].e, signals[3].delta)
    np.testing.assert_allclose(signals[1].e, signals[3].delta + signals[2].delta @ net[2].W.T, atol=1e-15)


@pytest.mark.parametrize(
    "shape, layers, message",
    [
        (784, [], "at least one layer"),
        (784, [fa.Conv(3, 3)], "layer 1: a convolution needs images"),
        ((4, 4, 1), [fa.Conv(3, 5)], "5 x 5 kernel does not fit into an image of 4 x 4"),
        ((4, 4, 1), [fa.Conv(3, 3, "maxpool", "maxpool")], "a pool of 2 x 2 does not fit"),
        (4, [fa.Dense(3, "maxpool")], "a pool needs images"),
        (4, [fa.Dense(3), fa.Dense(2, source=-3)], "layer 2: sources are counted back"),
        (4, [fa.Dense(3), fa.Dense(2, source=-2)], "layer 1 feeds no other layer"),
        (4, [fa.Dense(3), fa.Dense(2), fa.Junction(sources=(-1, -2))], "a junction adds sources of one shape"),
        (4, [fa.Dense(2)] * 2, "Dense stands in another place too"),
    ],
)
def test_a_net_that_cannot_be_is_refused_with_the_reason(shape, layers, message):
    with pytest.raises(fa.InputError, match=message):
        fa.Network(shape, layers)


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: fa.Dense(3, "tahn"), "did you mean 'tanh'"),
        (lambda: fa.Dense(0), "a layer's size must be a whole number from 1, found 0"),
        (lambda: fa.Conv(3, 0), "kernel must be a whole number from 1, found 0"),
        (lambda: fa.Dropout(1.0), "chance below 1, found 1"),
        (lambda: fa.MaxPool(0), "window must be a whole number from 1, found 0"),
        (lambda: fa.Junction(sources=()), "one source or more"),
        (lambda: fa.mlp("784-200-x"), "such as 784-200-80-10"),
        (lambda: fa.mlp("784"), "such as 784-200-80-10"),
        (lambda: fa.make_net("lennet"), "did you mean 'lenet'"),
        (lambda: fa.mlp("4-3", dtype="float16"), "did you mean 'float64'|choose from float32, float64"),
        (lambda: fa.mlp("4-3", init="fanin"), "did you mean 'fan_in'"),
        (lambda: fa.mlp("4-3", init="normal:x"), "must be a number"),
        (lambda: fa.mlp("4-3", seed=-1), "whole number from 0"),
        (lambda: fa.mlp("4-3", device="tpu"), "cpu, gpu, auto"),
    ],
)
def test_a_bad_argument_is_refused_with_the_reason(make, message):
    with pytest.raises(fa.InputError, match=message):
        make()


def test_a_layer_or_tail_that_a_net_has_cannot_be_built_into_another():
    """The second net would silently redraw the first one's weights."""
    layers = [fa.Dense(3, "tanh"), fa.Dense(2)]
    first = fa.Network(4, layers, seed=1)
    W = first.layers[0].W.copy()
    with pytest.raises(fa.InputError, match="Dense stands in another place too: make a new one"):
        fa.Network(4, layers, seed=2)
    norm = fa.BatchNorm()
    with pytest.raises(fa.InputError, match="BatchNorm stands in another place too"):
        fa.Network(4, [fa.Dense(3, norm), fa.Dense(2, norm)])
    np.testing.assert_array_equal(first.layers[0].W, W)


def test_batch_norm_refuses_to_train_on_a_single_row():
    net = fa.Network(4, [fa.Dense(3, "batchnorm"), fa.Dense(2)])
    with pytest.raises(fa.InputError, match="single row"):
        net.forward(np.ones((1, 4), "float32"), train=True)


def test_the_logistic_function_keeps_6_digits_in_float32_where_it_is_small():
    z = np.array([-80, -20, -17, -14, -1], "float32")
    np.testing.assert_allclose(fa.local.logistic(z), 1 / (1 + np.exp(-z.astype(float))), rtol=1e-5)


def test_a_batch_of_the_wrong_shape_is_refused():
    with pytest.raises(fa.InputError, match=r"batch of floats of shape \(N, 784\) .*found float32 of shape \(5, 783\)"):
        fa.mlp("784-10").forward(np.zeros((5, 783), "float32"))


def test_bytes_become_numbers_from_0_to_1():
    net = fa.mlp("3-2")
    np.testing.assert_allclose(net.to_float(np.array([[0, 51, 255]], np.uint8)), [[0, 0.2, 1]], rtol=1e-6)


def test_predict_is_forward_in_pieces(rng):
    net = fa.mlp("6-5-3")
    x = rng.standard_normal((25, 6)).astype("float32")
    np.testing.assert_allclose(net.predict(x, batch_size=10), net.forward(x)[2].h, atol=1e-6)


def test_lenet_and_resnet8_have_the_parameters_their_shapes_imply():
    def count(net):
        return sum(p.size for p in net.parameters().values())

    assert (
        count(fa.lenet()) == (25 + 1) * 6 + (150 + 1) * 16 + (400 + 1) * 120 + (120 + 1) * 84 + (84 + 1) * 10 == 61706
    )
    weights = 9 * (8 + 64 + 64) + 9 * (128 + 256) + 128 + 9 * (512 + 1024) + 512 + 32 * 10 + 10
    norms = 2 * (3 * 8 + 3 * 16 + 3 * 32)
    assert count(fa.resnet8()) == weights + norms


@pytest.mark.parametrize("shape", [(28, 28, 1), (32, 32, 3)])
def test_lenet_sees_its_whole_input_on_28_and_32_pixels(shape):
    assert fa.lenet(input_shape=shape).layers[2].shape_out == (1, 1, 120)


@pytest.mark.parametrize(
    "name, shape, count",
    [
        ("lenet", (32, 32, 1), 61_706),  # LeNet-5's
        ("lenet-cifar", (32, 32, 3), 2_432 + 51_264 + 204_928 + 10_836 + 850),
        ("lenet-biotorch-cifar", (32, 32, 3), 896 + 18_496 + 73_856 + 33_024 + 2_570),
        ("resnet20", (32, 32, 3), 269_722),  # He et al. 2016: 0.27 million
        ("resnet56", (32, 32, 3), 853_018),  # He et al. 2016: 0.85 million
        ("resnet18", (32, 32, 3), 11_173_962),
        ("dkp-cnn", (32, 32, 3), 896 + 64 + 9_248 + 64 + (6272 + 1) * 128 + 1290),
        ("dkp-cnn-no-norm", (32, 32, 3), 896 + 9_248 + (6272 + 1) * 128 + 1290),
        ("vgg16", (32, 32, 3), 14_714_688 + 2 * 4224 + 3 * (512 * 512 + 512) + 5130),  # torchvision's convolutions
        (
            "belilovsky",
            (32, 32, 3),
            128 * 28
            + 256 * 1153
            + 256 * 2305
            + 512 * 2305
            + 2 * 512 * 4609
            + 2 * (128 + 2 * 256 + 3 * 512)
            + 2 * (2048 * 2049 + 2 * 2048)
            + 20_490,
        ),
        ("bartunov-lc", (28, 28, 1), 196 * 10 * 32 + 49 * 289 * 64 + (3136 + 1) * 1024 + 10_250),
        ("bartunov-lc", (32, 32, 3), 256 * 76 * 64 + 64 * 1601 * 128 + 64 * 1153 * 256 + (16384 + 1) * 1024 + 10_250),
        ("clark-conv", (28, 28, 1), 640 + 18_464 + (1568 + 1) * 1024 + 10_250),
        ("clark-lc", (28, 28, 1), 784 * 10 * 32 + 196 * 289 * 32 + (1568 + 1) * 1024 + 10_250),
        ("clark-conv", (32, 32, 3), 128 * 76 + 64 * 3201 + 64 * 257 + (1024 + 1) * 1024 + 10_250),
        ("clark-lc", (32, 32, 3), 1024 * 76 * 64 + 256 * 1601 * 32 + 16 * 129 * 32 + (512 + 1) * 512 + 5130),
        ("drtp-conv", (28, 28, 1), 832 + (14 * 14 * 32 + 1) * 1000 + 10_010),
    ],
)
def test_a_model_has_its_published_number_of_parameters(name, shape, count):
    net = fa.make_net(name, input_shape=shape, init="zeros")
    assert sum(p.size for p in net.parameters().values()) == count


def test_resnet18_for_imagenet_has_torchvisions_11_689_512_parameters_and_ends_in_maps_of_7_pixels():
    net = fa.make_net("resnet18-imagenet", input_shape=(224, 224, 3), outputs=1000, init="zeros")
    assert sum(p.size for p in net.parameters().values()) == 11_689_512
    assert net.layers[-3].shape_out == (7, 7, 512)


def test_alexnet_and_noklands_net_end_in_the_shapes_their_papers_imply():
    assert fa.make_net("alexnet", input_shape=(32, 32, 3), units=64).layers[4].shape_out == (4, 4, 256)
    assert [layer.shape_out for layer in fa.nokland_conv().layers[:3]] == [(15, 15, 96), (7, 7, 128), (3, 3, 256)]


def test_the_shortcut_a_takes_every_other_pixel_and_fills_up_with_zeros_on_both_sides():
    item = fa.Subsample(2, 8)
    assert item.build((5, 6, 4), np.float64, np) == (3, 3, 8)
    z = np.random.default_rng(0).standard_normal((2, 5, 6, 4))
    h, memo = item.forward(z)
    np.testing.assert_array_equal(h[..., 2:6], z[:, ::2, ::2])
    assert not h[..., :2].any() and not h[..., 6:].any()
    e = np.random.default_rng(1).standard_normal(h.shape)
    assert (item.backward(e, memo)[0] * z).sum() == pytest.approx((e * h).sum(), rel=1e-13)


def test_a_pool_in_a_layer_of_its_own_lets_a_direct_signal_in_before_it():
    net = fa.dkp_cnn(input_shape=(8, 8, 1))
    assert {n: own["B"].shape for n, own in fa.DFA(net).feedback.items()} == {
        1: (10, 6 * 6 * 32),
        2: (10, 4 * 4 * 32),
        4: (10, 128),
    }
