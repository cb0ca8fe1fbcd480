"""The rules: their equations, their streams, and that their hidden layers really learn."""

import copy
import inspect
import pickle
import weakref

import numpy as np
import pytest
import standin

import numpyfa as fa
from numpyfa.backend import to_host
from numpyfa.laws import kp as kp_law
from numpyfa.laws import nets as law_nets
from numpyfa.laws import wm as wm_law
from numpyfa.rules import magnitude
from numpyfa.rules.pseudo import pseudo_inverse


def settle(rule, batch_number, traces=None):
    """What a rule does after batch `batch_number`: on traces of zeros where it does not look at them."""
    net = rule.net
    traces = traces or net.forward(np.zeros((1, *net.input_shape), net.dtype))
    target = np.zeros((len(traces[1].h), net.size_out), net.dtype)
    rule.settle(traces, fa.SoftmaxCrossEntropy().output(net, traces, target, batch_number))


def signals_of(net, rule, n=5):
    x, target = law_nets.batch(net, n)
    traces = net.forward(x, train=True, noise=np.random.default_rng(0))
    output = fa.SoftmaxCrossEntropy().output(net, traces, target)
    return traces, output, dict(rule.signals(traces, output))


def test_fa_is_its_equation_layer_by_layer():
    net = law_nets.dense_net("tanh")
    rule = fa.FA(net)
    traces, output, signals = signals_of(net, rule)
    delta3 = output.e
    delta2 = (delta3 @ rule.feedback[3]["B"]) * (1 - traces[2].h ** 2)
    delta1 = (delta2 @ rule.feedback[2]["B"]) * (1 - traces[1].h ** 2)
    for number, delta in enumerate((delta1, delta2, delta3), start=1):
        np.testing.assert_allclose(signals[number].delta, delta, rtol=1e-14)


def test_dfa_is_its_equation_layer_by_layer():
    net = law_nets.dense_net("tanh")
    rule = fa.DFA(net)
    traces, output, signals = signals_of(net, rule)
    for layer in (1, 2):
        delta = (output.e @ rule.feedback[layer]["B"]) * (1 - traces[layer].h ** 2)
        np.testing.assert_allclose(signals[layer].delta, delta, rtol=1e-14)


def test_dfas_error_is_dL_dz_of_the_output_even_when_that_has_an_activation():
    net = fa.Network(6, [fa.Dense(5, "tanh"), fa.Dense(3, "logistic")], dtype="float64")
    rule = fa.DFA(net)
    x, target = law_nets.batch(net)
    traces = net.forward(x)
    h = traces[net.last.number].h
    signals = dict(rule.signals(traces, fa.SquaredError().output(net, traces, target)))
    error = (h - target) * h * (1 - h)
    np.testing.assert_allclose(signals[1].e, error @ rule.feedback[1]["B"], rtol=1e-13)


def test_feedback_has_the_shapes_of_the_papers():
    net = fa.mlp("784-200-80-10")
    assert {n: own["B"].shape for n, own in fa.FA(net).feedback.items()} == {2: (80, 200), 3: (10, 80)}
    assert {n: own["B"].shape for n, own in fa.DFA(net).feedback.items()} == {1: (10, 200), 2: (10, 80)}
    conv = fa.Network((6, 6, 1), [fa.Conv(4, 3, "tanh"), fa.Conv(5, 3, "tanh"), fa.Dense(10)])
    assert {n: own["B"].shape for n, own in fa.FA(conv).feedback.items()} == {2: (5, 36), 3: (10, 20)}
    assert {n: own["B"].shape for n, own in fa.DFA(conv).feedback.items()} == {1: (10, 64), 2: (10, 20)}


def test_every_rule_starts_from_the_same_weights_and_feedback_has_a_stream_of_its_own():
    nets = {name: fa.mlp("20-12-10", seed=3) for name in fa.RULES}
    feedback = {name: fa.make_rule(name, net, seed=3).arrays() for name, net in nets.items()}
    for net in nets.values():
        np.testing.assert_array_equal(net[1].W, nets["bp"][1].W)
    assert not np.array_equal(feedback["fa"]["2.B"].T, nets["fa"][2].W)
    again = fa.FA(fa.mlp("20-12-10", seed=8), seed=3).arrays()
    np.testing.assert_array_equal(again["2.B"], feedback["fa"]["2.B"])


def test_feedback_never_moves():
    net = fa.mlp("20-12-10")
    rule = fa.FA(net)
    before = rule.feedback[2]["B"].copy()
    x, target = (each.astype("float32") for each in law_nets.batch(net))
    for _ in range(5):
        fa.train_step(net, rule, fa.SoftmaxCrossEntropy(), fa.SGD(0.5, decay=0.1), x, target)
    np.testing.assert_array_equal(rule.feedback[2]["B"], before)


def test_looking_at_a_pass_with_a_second_rule_changes_nothing():
    net = law_nets.conv_net("tanh")
    traces, output, first = signals_of(net, fa.BP(net))
    dict(fa.DFA(net).signals(traces, output))
    again = dict(fa.BP(net).signals(traces, output))
    for number in again:
        np.testing.assert_array_equal(first[number].delta, again[number].delta)


def test_fas_weights_align_with_its_feedback_and_its_delta_with_bps(mini):
    """Lillicrap's finding: from about 90 degrees, W_3 turns towards B^T and the delta towards BP's."""
    net = fa.mlp("784-50-30-10")
    history = fa.fit(net, fa.FA(net), fa.SoftmaxCrossEntropy(), fa.SGD(0.1), mini, epochs=10, batch_size=16)
    start, end = history[0], history[-1]
    assert start["angle_1"] > 80 and start["angle_2"] > 80 and start["weight_angle_3"] > 80
    assert max(end["angle_1"], end["angle_2"]) < 60 and end["weight_angle_3"] < 75


def error_on_mnist(mnist, name, build, lr=0.1):
    """The test error in % after 4 epochs on 5000 images."""
    net, loss = build(), fa.SoftmaxCrossEntropy()
    optimizer, data = fa.SGD(lr, decay=1e-4), mnist.part(5000, 2000)
    history = fa.fit(net, fa.make_rule(name, net), loss, optimizer, data, epochs=4, batch_size=16)
    return history[-1]["test_error"]


def narrow():
    return fa.mlp("784-50-30-10")


@pytest.fixture(scope="module")
def error_of_shallow(mnist):
    return error_on_mnist(mnist, "shallow", narrow)


@pytest.mark.parametrize("rule", [name for name in [*fa.RULES, *fa.VARIANTS] if name not in ("shallow", "sdfa")])
def test_a_hidden_layer_that_learns_beats_shallow_by_a_third_of_its_error(rule, mnist, error_of_shallow):
    assert error_on_mnist(mnist, rule, narrow) < error_of_shallow * 2 / 3


def test_sdfa_beats_shallow_on_a_wide_net_and_on_a_narrow_one_with_batch_norm(mnist):
    """Most of its signal is common to all examples. In a wide layer some units survive it; batch norm removes it."""

    def wide():
        return fa.mlp("784-500-10", init="zeros")

    def normed():
        hidden = [fa.Dense(size, fa.BatchNorm(), "tanh") for size in (100, 50)]
        return fa.Network(784, [*hidden, fa.Dense(10)])

    assert error_on_mnist(mnist, "sdfa", wide) < error_on_mnist(mnist, "shallow", wide) / 2
    assert error_on_mnist(mnist, "sdfa", normed, 0.05) < error_on_mnist(mnist, "shallow", normed, 0.05) * 2 / 3


def test_shallow_leaves_the_hidden_weights_as_they_were():
    net = fa.mlp("20-12-10")
    before = net[1].W.copy(), net[2].W.copy()
    x, target = (each.astype("float32") for each in law_nets.batch(net))
    fa.train_step(net, fa.Shallow(net), fa.SoftmaxCrossEntropy(), fa.SGD(0.5, decay=0.1), x, target)
    np.testing.assert_array_equal(net[1].W, before[0])
    assert not np.array_equal(net[2].W, before[1])


def plain_conv_net():
    """For the rules that refuse pools and batch norm."""
    convs = [fa.Conv(channels, 3, "tanh", stride=2, padding=1) for channels in (6, 12)]
    return fa.Network((28, 28, 1), [*convs, fa.Dense(40, "tanh"), fa.Dense(10)], seed=1)


def plain_residual_net():
    layers = [
        fa.Conv(6, 3, "tanh", stride=2, padding=1),
        fa.Conv(6, 3, padding=1),
        fa.Junction("tanh", sources=(-1, -2)),
    ]
    return fa.Network((28, 28, 1), [*layers, fa.Dense(10)], seed=1)


@pytest.mark.parametrize("rule", [name for name in fa.RULES if name != "shallow"])
def test_a_rule_lowers_the_loss_of_a_convolutional_and_of_a_residual_net(rule, mini):
    """No more: forty steps on 100 images. That hidden layers learn is shown on a perceptron, and by the laws."""
    conv, residual = lambda: fa.lenet("tanh", seed=1), lambda: fa.resnet8("tanh", seed=1)
    if rule in ("ifa", "lra-e"):
        conv, residual = plain_conv_net, plain_residual_net
    weak = {"drtp": "uniform:0.01", "sdfa": "uniform:0.001"}  # their signals never shrink
    options = {"init": weak[rule]} if rule in weak else {}
    for build in (conv,) if rule == "dtp" else (conv, residual):
        net, loss, optimizer = build(), fa.SoftmaxCrossEntropy(), fa.SGD(0.05, decay=1e-4)
        bound = fa.make_rule(rule, net, **options)
        x = net.to_float(net.as_input(mini.x_train[:100]))
        target = fa.one_hot(mini.y_train[:100], 10, net.dtype)
        values = []
        for start in [*range(0, 100, 10)] * 4:
            batch = slice(start, start + 10)
            values.append(fa.train_step(net, bound, loss, optimizer, x[batch], target[batch]))
        assert np.mean(values[-10:]) < np.mean(values[:10])


def test_which_nets_each_rule_refuses():
    """The checks leave out pools, then batch norm, until a rule accepts a net: for these rules and no others."""
    found = {(name, kind): law_nets.fit_for(name, kind, "tanh") for name in fa.RULES for kind in law_nets.NETS}
    left_out = {key: way and way[2] for key, way in found.items() if way is None or way[2]}
    assert left_out == {
        ("ifa", "conv"): ["pool"],
        ("ifa", "locally connected"): ["pool"],
        ("ifa", "residual"): ["pool"],
        ("lra-e", "conv"): ["norm", "pool"],
        ("lra-e", "locally connected"): ["norm", "pool"],
        ("lra-e", "residual"): ["norm", "pool"],
        ("dtp", "residual"): None,
    }


@pytest.mark.parametrize(
    "rule, message",
    [
        ("ifa", "layer 1 makes .* leave the pool out, or use dfa"),
        ("lra-e", "layer 1 has Tanh, MaxPool"),
        ("dtp", "a sum .layer 4. has none"),
    ],
)
def test_a_net_that_a_method_cannot_train_is_refused_with_the_reason(rule, message):
    with pytest.raises(ValueError, match=message):
        fa.make_rule(rule, fa.resnet8() if rule == "dtp" else fa.lenet("tanh"))


def test_a_direct_rule_refuses_a_convolutional_output():
    net = fa.Network((4, 4, 1), [fa.Conv(2, 3, "tanh"), fa.Conv(3, 2)])
    with pytest.raises(fa.InputError, match="dense output layer"):
        fa.DFA(net)


def test_an_unknown_rule_gets_the_nearest_name():
    with pytest.raises(fa.InputError, match="unknown rule 'dfaa': did you mean 'dfa'"):
        fa.make_rule("dfaa", fa.mlp("4-3"))


@pytest.mark.parametrize("name, kind", fa.RULES.items())
def test_a_rule_is_one_short_file_that_inherits_from_no_other_rule(name, kind):
    source = inspect.getsource(inspect.getmodule(kind))
    code = source.split('"""', 2)[2]  # without the docstring of the file
    assert len(code.splitlines()) <= (90 if name == "dtp" else 70)  # dtp has a second learner, its inverses
    assert kind.__mro__[1] in (fa.SequentialRule, fa.DirectRule, fa.Rule)
    assert "[" in kind.__doc__.splitlines()[0]


def test_kp_aligns_and_with_enough_decay_becomes_bp(mini):
    """lr decay of 0.001 over 1000 steps leaves exp(-1) of the gap; the weights grow meanwhile, so the angle closes."""
    net = fa.mlp("784-30-20-10")
    rule, optimizer = fa.KP(net), fa.SGD(0.1, decay=0.01)
    history = fa.fit(net, rule, fa.SoftmaxCrossEntropy(), optimizer, mini, epochs=8, batch_size=16)
    assert history[0]["weight_angle_3"] > 80
    assert history[-1]["weight_angle_2"] < 45 and history[-1]["weight_angle_3"] < 20 and history[-1]["angle_1"] < 45


def test_kp_warns_where_its_law_breaks_and_only_there(mini):
    import warnings

    def run(optimizer):
        net = fa.mlp("784-5-10")
        fa.fit(net, fa.KP(net), fa.SoftmaxCrossEntropy(), optimizer, mini.part(20, 10), epochs=1, batch_size=10)

    with pytest.warns(UserWarning, match="kp: coupled decay .* decoupled=True"):
        run(fa.Adam(0.001, decay=0.01))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run(fa.Adam(0.001, decay=0.01, decoupled=True))
        run(fa.SGD(0.1, momentum=0.9, decay=0.01))


def test_with_adam_and_coupled_decay_kps_gap_does_not_follow_its_law():
    check = kp_law.gap_law("kp", law_nets.dense_net("tanh"), fa.Adam(kp_law.LR, decay=kp_law.DECAY), 0.0)
    assert check.figure > 0.1


def test_brsfs_magnitudes_are_named_by_the_batch_whatever_came_before():
    """They are named by the number of the batch, so a run that stops and goes on meets the same ones."""
    rules = []
    for _ in range(2):
        net = fa.mlp("20-12-10")
        rules.append(fa.BRSF(net))
    settle(rules[0], 1)
    settle(rules[0], 2)
    settle(rules[1], 2)
    np.testing.assert_array_equal(rules[0].feedback[2]["M"], rules[1].feedback[2]["M"])
    settle(rules[1], 3)
    assert not np.array_equal(rules[0].feedback[2]["M"], rules[1].feedback[2]["M"])


@pytest.mark.parametrize(
    "scale, c",
    [
        ("biotorch", lambda W: np.sqrt(2 / sum(W.shape))),
        ("liao", lambda W: 1.0),
        ("xiao", lambda W: 1 / np.sqrt(W.shape[0])),
        ("strict", lambda W: np.linalg.norm(W) / np.sqrt(W.size)),
    ],
)
def test_usfs_magnitude_is_the_papers(scale, c):
    net = law_nets.dense_net("tanh")
    _, output, signals = signals_of(net, fa.USF(net, scale=scale))
    W = net[3].W
    np.testing.assert_allclose(signals[2].e, output.e @ (c(W) * np.sign(W)).T, rtol=1e-13)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_signs_of_sign_feedback_are_numpys_from_the_smallest_weight_to_the_largest(dtype):
    W = np.array([0.0, 1e-25, -1e-25, 1e-3, -0.5, 1e8, -1e8, np.nan], dtype)
    for c in (1, 0.3, np.dtype(dtype).type(0.7)):
        found = magnitude.signed(c, W)
        assert found.dtype == dtype
        np.testing.assert_array_equal(found, (c * np.sign(W)).astype(dtype))


def test_usfs_xiao_scale_counts_the_kernel_of_a_convolution():
    net = fa.Network((6, 6, 2), [fa.Conv(3, 3, "tanh"), fa.Conv(5, 3, "tanh"), fa.Dense(3)], dtype="float64")
    assert magnitude.magnitude(net[2], "xiao") == pytest.approx(np.sqrt(2 / (9 * 5)))
    assert magnitude.magnitude(net[2], "biotorch") == pytest.approx(np.sqrt(2 / (9 * 3 + 9 * 5)))


def test_an_unknown_scale_gets_the_nearest_name():
    with pytest.raises(fa.InputError, match="did you mean 'strict'"):
        fa.USF(fa.mlp("4-3-2"), scale="strct")


def test_a_dead_weight_sends_no_sign_feedback():
    net = law_nets.dense_net("tanh")
    net[3].W[1, 2] = 0
    e = fa.USF(net).stand_in(net[3], {})
    assert e[2, 1] == 0 and (e != 0).sum() == e.size - 1


def test_pfa_is_its_equation_layer_by_layer():
    net = law_nets.dense_net("tanh")
    rule = fa.PFA(net, expansion=4)
    factors = {layer.number: rule.factors(layer) for layer in net.layers[1:]}
    assert {n: (B.shape, R.shape) for n, (B, R) in factors.items()} == {
        2: ((4, 16), (16, 5)),
        3: ((3, 12), (12, 4)),
    }
    traces, output, signals = signals_of(net, rule)
    B, R = factors[3]
    np.testing.assert_allclose(signals[2].e, output.e @ B @ R, rtol=1e-12)
    dP = rule.gradients(traces, output)["feedback.3.P"]
    np.testing.assert_allclose(dP, B @ (output.e @ B).T @ traces[2].h / len(output.e), rtol=1e-12)


def test_sparse_pfas_factors_have_their_density_and_B_its_variance():
    net = fa.mlp("20-300-200", dtype="float64")
    rule = fa.SparsePFA(net, density=0.3, expansion=5)
    B, R = rule.feedback[2]["B"], rule.feedback[2]["R"]
    before = B.copy()
    assert B.shape == (200, 1000) and B.var() == pytest.approx(1 / 1000, rel=0.03)
    assert (B != 0).mean() == pytest.approx(0.3, abs=0.01) and (R != 0).mean() == pytest.approx(0.3, abs=0.01)
    missing = R == 0
    x, target = law_nets.batch(net)
    fa.train_step(net, rule, fa.SoftmaxCrossEntropy(), fa.SGD(0.1, momentum=0.9, decay=0.1), x, target)
    np.testing.assert_array_equal(B, before)
    np.testing.assert_array_equal(R == 0, missing)


@pytest.mark.parametrize("n", [2, 40])
def test_sparse_pfa_is_its_equation_for_few_rows_and_for_many(n):
    """Few rows go through B and R one after the other, many through their product: (delta B)^T h = B^T (delta^T h)."""
    net = law_nets.dense_net("tanh")
    rule = fa.SparsePFA(net, expansion=3)
    traces, output, signals = signals_of(net, rule, n)
    gradients = rule.gradients(traces, output)
    for number in (2, 3):
        own, delta, h = rule.feedback[number], signals[number].delta, traces[number - 1].h
        np.testing.assert_allclose(signals[number - 1].e, delta @ own["B"] @ own["R"], rtol=1e-12)
        dR = own["mask"] * ((delta @ own["B"]).T @ h) / n
        np.testing.assert_allclose(gradients[f"feedback.{number}.R"], dR, rtol=1e-12, atol=1e-16)


def test_what_sparse_pfa_worked_out_for_one_signal_serves_no_other():
    net = law_nets.dense_net("tanh")
    rule = fa.SparsePFA(net, expansion=3)
    traces, output, signals = signals_of(net, rule, 2)
    rule.feedback_gradients(
        net[3], rule.feedback[3], traces[3], signals[3]._replace(delta=signals[3].delta * 2), output
    )
    np.testing.assert_array_equal(signals_of(net, rule, 2)[2][2].e, signals[2].e)


@pytest.mark.parametrize("rule", [fa.PFA, lambda net: fa.SparsePFA(net, density=1, expansion=10)])
def test_with_adam_product_feedback_misses_its_angle_and_warns(mini, rule):
    """Its law needs a step that is linear in the gradient. Under SGD the angle would be 17.5 degrees."""
    net = fa.mlp("20-100-150", dtype="float64")
    bound, optimizer = rule(net), fa.Adam(0.003, decay=3, decoupled=True)
    x, target = law_nets.batch(net, 50)
    for _ in range(400):
        fa.train_step(net, bound, fa.SoftmaxCrossEntropy(), optimizer, x, target)
    assert fa.metrics.weight_angle(bound)[2] > 22
    small, optimizer = fa.mlp("784-5-10"), fa.Adam(0.01, decay=1e-4)
    with pytest.warns(UserWarning, match="pfa: .* use SGD"):
        fa.fit(small, rule(small), fa.SoftmaxCrossEntropy(), optimizer, mini.part(20, 10), epochs=1, batch_size=10)


def test_an_impossible_expansion_is_refused():
    with pytest.raises(fa.InputError, match="expansion must be a whole number from 1, found 0"):
        fa.PFA(fa.mlp("4-3-2"), expansion=0)


def test_pseudo_backpropagation_sends_the_moore_penrose_inverse():
    net = law_nets.dense_net("tanh")
    _, output, signals = signals_of(net, fa.PseudoBP(net))
    W = net[3].W  # (4, 3), of full rank: W^+ = (W^T W)^-1 W^T
    np.testing.assert_allclose(signals[2].e, output.e @ np.linalg.solve(W.T @ W, W.T), rtol=1e-10)


@pytest.mark.parametrize("dtype, tolerance", [("float32", 1e-6), ("float64", 1e-11)])
@pytest.mark.parametrize(
    "shape, condition", [((9, 9), 1e3), ((12, 5), 1e4), ((5, 12), 1e4), ((9, 1), 1), ((9, 9), 1e12)]
)
def test_the_pseudo_inverse_is_linalgs(rng, shape, condition, dtype, tolerance):
    n = min(shape)
    U, V = (np.linalg.qr(rng.standard_normal((length, n)))[0] for length in shape)
    W = (U * np.geomspace(1, 1 / condition, n) @ V.T).astype(dtype)
    found, expected = pseudo_inverse(W), np.linalg.pinv(W)
    assert found.dtype == dtype and found.shape == shape[::-1]
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance * abs(expected).max())


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("W", [np.ones((4, 4)), np.ones((5, 3)), np.zeros((3, 5)), np.outer([1, 2, 4, 8], [1, 0, 1])])
def test_the_pseudo_inverse_of_a_matrix_without_full_rank_is_linalgs(W, dtype):
    W = W.astype(dtype)
    np.testing.assert_allclose(pseudo_inverse(W), np.linalg.pinv(W), rtol=0, atol=1e-7 if dtype == "float32" else 1e-15)


def test_what_stands_for_the_transpose_is_the_matrix_that_deltas_cross():
    net = law_nets.dense_net("tanh")
    rule = fa.FRSF(net)
    expected = rule.feedback[3]["M"] * np.sign(net[3].W).T
    np.testing.assert_array_equal(rule.stand_in(net[3], rule.feedback[3]), expected)
    assert set(fa.metrics.weight_angle(rule)) == {2, 3} and fa.metrics.weight_angle(fa.BP(net)) == {}


def test_the_weight_mirrors_check_finds_padding_that_is_not_counted():
    class Uncounted(fa.WM):
        def mirror(self, layer, rng):
            super().mirror(layer, rng)
            seen = layer.rows(np.ones((1, *layer.shape_in))).mean(axis=0)  # the share of rows where a tap is no padding
            self.feedback[layer.number]["B"] *= seen

    layers = [fa.Conv(3, 3, "tanh"), fa.Conv(5, 3, "tanh", padding=1), fa.Dense(2)]
    net = fa.Network((7, 7, 2), layers, dtype="float64")
    assert wm_law.mirror_error(Uncounted, net, "normal") > 3


def test_the_weight_mirror_forgets_how_it_began_and_follows_the_weights():
    net = fa.mlp("20-30-40-10", dtype="float64")
    rule = fa.WM(net, rate=0.02)
    for batch_number in range(300):
        settle(rule, batch_number)
    angles, ratios = fa.metrics.weight_angle(rule), fa.metrics.weight_norm_ratio(rule)
    assert max(angles.values()) < 10 and all(0.98 < ratio < 1.05 for ratio in ratios.values())


def test_the_weight_mirror_turns_the_delta_towards_bps(mini):
    net = fa.mlp("784-30-20-10")
    rule, optimizer = fa.WM(net, rate=0.05), fa.SGD(0.1)
    history = fa.fit(net, rule, fa.SoftmaxCrossEntropy(), optimizer, mini, epochs=2, batch_size=16)
    assert history[0]["angle_1"] > 80 and history[-1]["angle_1"] < 25 and history[-1]["angle_2"] < 15


@pytest.mark.parametrize(
    "options", [{"rate": 0}, {"rate": 1.5}, {"examples": 0}, {"noise": "pink"}, {"control": "luck"}]
)
def test_an_impossible_mirror_is_refused(options):
    with pytest.raises(fa.InputError, match="wm: |unknown noise of wm|unknown control of wm"):
        fa.WM(fa.mlp("4-3-2"), **options)


def test_a_mirrors_phases_come_when_they_should_and_its_norm_is_held():
    net = fa.mlp("20-30-40-10", dtype="float64")
    rule = fa.WM(net, every=3, steps=2)
    before = rule.feedback[3]["B"].copy()
    for batch_number, moved in ((1, False), (2, False), (3, True)):
        settle(rule, batch_number)
        assert (not np.array_equal(rule.feedback[3]["B"], before)) is moved
    rule = fa.WM(net, rate=0.1, control="norm")
    rule.phase(200)
    norms = np.linalg.norm(rule.feedback[3]["B"], axis=1)
    assert max(abs(norms - 0.5)) < 0.15 and max(fa.metrics.weight_angle(rule).values()) < 20


def test_the_mirrors_norm_is_held_however_long_it_runs():
    rule = fa.WM(fa.mlp("20-30-40-10", dtype="float64"), rate=0.1, control="norm")
    norms = []
    for batch_number in (1, 2):
        rule.phase(300, batch_number)
        norms.append(np.linalg.norm(rule.feedback[3]["B"]))
    assert norms[1] == pytest.approx(norms[0], rel=0.1)


def test_a_tap_that_meets_nothing_but_padding_stays_a_number():
    net = fa.Network((2, 2, 1), [fa.Conv(2, 1), fa.Conv(3, 3, stride=2, padding=1), fa.Dense(2)], dtype="float64")
    rule = fa.WM(net)
    rule.phase(3)
    assert np.isfinite(rule.feedback[2]["B"]).all()


def test_wm_follows_bp_on_a_relu_net_when_it_keeps_up_with_w(mini):
    """With a fast mirror on much noise; at the default rate B lags, and the same net is at 75 % here, BP at 21 %."""
    net = fa.lenet(seed=0)
    rule = fa.WM(net, rate=0.5, examples=640)
    data = mini.part(800, 300)
    history = fa.fit(net, rule, fa.SoftmaxCrossEntropy(), fa.SGD(0.1), data, epochs=2, batch_size=16)
    assert history[-1]["test_error"] < 40


def test_a_variant_is_its_rule_with_an_option():
    net = fa.mlp("20-12-11-10", dtype="float64")
    ortho, named = fa.PFA(net, expansion=1, orthogonal=True), fa.make_rule("pfa-o", net)
    np.testing.assert_array_equal(ortho.feedback[3]["P"], named.feedback[3]["P"])
    np.testing.assert_allclose(named.feedback[3]["G"], np.eye(10), atol=1e-12)
    assert fa.make_rule("sdtp", net).simplified and fa.make_rule("cdfa", net).layers == "dense"


def test_cdfa_sends_the_error_to_dense_layers_alone():
    rule = fa.make_rule("cbdfa", fa.lenet("tanh"))
    assert sorted(rule.feedback) == [4] and set(np.unique(rule.feedback[4]["B"])) == {-1.0, 1.0}


@pytest.mark.parametrize("layers", [(3,), (0, 1), "conv", (1, 9), 3])
def test_direct_feedback_to_a_layer_that_cannot_take_it_is_refused(layers):
    with pytest.raises(fa.InputError, match=r"hidden layers that learn, \[1, 2\], or to 'dense'"):
        fa.DFA(fa.mlp("6-5-4-3"), layers=layers)


def test_dfa_to_the_first_layer_alone_leaves_bp_above_it():
    net = law_nets.dense_net("tanh")
    _, _, signals = signals_of(net, fa.DFA(net, layers=(1,)))
    _, _, true = signals_of(net, fa.BP(net))
    np.testing.assert_array_equal(signals[2].delta, true[2].delta)
    assert np.abs(signals[1].delta - true[1].delta).max() > 0.01


def test_the_inverses_of_dtp_meet_the_noise_of_their_batch_whatever_came_before():
    """So a resumed run draws the same noise."""
    found = []
    for before, batch_number in ((1, 2), (2, 2), (1, 1)):
        net = law_nets.dense_net("tanh")
        rule = fa.make_rule("sdtp", net)
        traces, start = net.forward(law_nets.batch(net)[0]), {k: a.copy() for k, a in rule.arrays().items()}
        settle(rule, before, traces)
        for name, array in rule.arrays().items():
            array[...] = start[name]
        settle(rule, batch_number, traces)
        found.append(rule.feedback[3]["V"].copy())
    np.testing.assert_array_equal(found[0], found[1])
    assert not np.array_equal(found[0], found[2])


def test_greedy_in_stages_trains_one_hidden_layer_at_a_time(mini):
    net = fa.mlp("784-30-20-10")
    rule, start = fa.Greedy(net, stage=10), [layer.W.copy() for layer in net.layers]
    data = mini.part(200, 50)
    fa.fit(net, rule, fa.SoftmaxCrossEntropy(), fa.SGD(0.1), data, epochs=1, batch_size=20)
    assert [not np.array_equal(layer.W, W) for layer, W in zip(net.layers, start)] == [True, False, True]
    middle = [layer.W.copy() for layer in net.layers]
    optimizer = fa.SGD(0.1)
    optimizer.step = 10
    fa.fit(net, rule, fa.SoftmaxCrossEntropy(), optimizer, data, epochs=1, batch_size=20)
    assert [not np.array_equal(layer.W, W) for layer, W in zip(net.layers, middle)] == [False, True, True]


def test_a_linear_head_starts_as_feedback_does_and_a_dense_layer_has_one_in_any_case():
    net = fa.Network((8, 8, 1), [fa.Conv(4, 3, "relu"), fa.Dense(6, "relu"), fa.Dense(3)], dtype="float64")
    linear, heads = fa.Greedy(net), fa.Greedy(net, heads="mlp-sr")
    A = fa.Streams(0)("feedback", 1).standard_normal((6 * 6 * 4, 3)) / (6 * 6 * 4) ** 0.5
    np.testing.assert_array_equal(linear.feedback[1]["1.W"], A)
    np.testing.assert_array_equal(linear.feedback[2]["1.W"], heads.feedback[2]["1.W"])
    assert [len(heads.nets[number].layers) for number in (1, 2)] == [9, 1]


def test_a_head_of_16_channels_has_the_parameters_that_the_authors_net_has():
    """Three 1x1 convolutions without bias, three dense layers of 64, batch norm in all six, and the output."""
    head = fa.Greedy(fa.Network((28, 28, 1), [fa.Conv(16, 3, padding=1), fa.Dense(10)]), heads="mlp-sr").nets[1]
    assert [layer.shape_out for layer in head.layers[:5]] == [(7, 7, 16)] * 4 + [(2, 2, 16)]
    count = sum(p.size for p in head.parameters().values())
    assert count == 3 * (16 * 16 + 2 * 16) + 3 * (64 * 64 + 64 + 2 * 64) + 65 * 10


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda both: pickle.loads(pickle.dumps(both))])
@pytest.mark.parametrize("device", ["cpu", standin])
def test_heads_learn_and_go_on_learning_the_same_in_a_copy_and_from_a_checkpoint(copied, device, tmp_path):
    def fresh():
        net = fa.Network((8, 8, 1), [fa.Conv(4, 3, "relu"), fa.Dense(3)], dtype="float64", device=device)
        return net, fa.Greedy(net, heads="mlp-sr")

    def step(net, rule, optimizer):
        x, target = (net.module.asarray(each) for each in law_nets.batch(net))
        fa.train_step(net, rule, fa.SoftmaxCrossEntropy(), optimizer, x, target)
        return {name: to_host(p).copy() for name, p in (net.parameters() | rule.parameters()).items()}

    first, optimizer = fresh(), fa.SGD(0.1, momentum=0.9)
    start = {name: to_host(p).copy() for name, p in first[1].parameters().items()}
    after = step(*first, optimizer)
    assert all(not np.array_equal(after[name], start[name]) for name in start)
    second, third = copied((*first, optimizer)), fresh()
    fa.checkpoint.save(tmp_path / "c.npz", *first, optimizer, [])
    again = fa.SGD(0.1, momentum=0.9)
    fa.checkpoint.load(tmp_path / "c.npz", *third, again)
    found = [step(*first, optimizer), step(*second), step(*third, again)]
    for name, array in found[0].items():
        np.testing.assert_array_equal(found[1][name], array, err_msg=name)
        np.testing.assert_array_equal(found[2][name], array, err_msg=name)


def test_kernel_shaped_feedback_is_the_error_at_each_place_folded_by_the_kernel():
    """Against a loop over places and taps."""
    net = fa.Network((6, 5, 2), [fa.Conv(3, 3, "tanh", padding=1), fa.Conv(4, 2, "tanh", stride=2), fa.Dense(3)],
                     dtype="float64")  # fmt: skip
    rule = fa.KDFA(net)
    traces, output, signals = signals_of(net, rule)
    B = rule.feedback[2]["B"].reshape(3, 2, 2, 3)
    expected = np.zeros_like(traces[1].h)
    for y, x in np.ndindex(3, 2):
        for i, j in np.ndindex(2, 2):
            expected[:, 2 * y + i, 2 * x + j] += output.e @ B[:, i, j]
    np.testing.assert_allclose(signals[1].e, expected, rtol=1e-12)


def test_ifas_signal_goes_up_through_the_forward_weights():
    net = fa.mlp("6-5-4-3-2", dtype="float64")
    rule = fa.IFA(net)
    traces, output, signals = signals_of(net, rule)
    delta1 = (output.e @ rule.feedback[1]["B"]) * (1 - traces[1].h ** 2)
    delta2 = (delta1 @ net[2].W) * (1 - traces[2].h ** 2)
    delta3 = (delta2 @ net[3].W) * (1 - traces[3].h ** 2)
    np.testing.assert_allclose(signals[3].delta, delta3, rtol=1e-12)


def test_lra_e_is_its_equation_layer_by_layer():
    net = law_nets.dense_net("tanh")
    rule = fa.LRAE(net, beta=0.7)
    traces, output, signals = signals_of(net, rule)
    z2 = traces[1].h @ net[2].W + net[2].b
    delta2 = np.tanh(z2) - np.tanh(z2 - 0.7 * output.e @ rule.feedback[3]["E"])
    np.testing.assert_allclose(signals[2].delta, delta2, rtol=1e-12)


def test_sparse_dfas_entries_have_craftons_spread():
    B = fa.SparseDFA(fa.mlp("20-2000-10"), nonzero=2).feedback[1]["B"]
    spread = 1 / np.sqrt(2000 / np.sqrt(10 * 2))
    assert spread * 0.99 < abs(B).max() < spread and abs(B[B != 0]).mean() == pytest.approx(spread / 2, rel=0.03)
    with pytest.raises(fa.InputError, match="nonzero must be a whole number from 1 to 3, found 4"):
        fa.SparseDFA(fa.mlp("6-5-3"), nonzero=4)


def test_a_burst_of_decay_leaves_the_product_of_its_factors_of_kps_gap():
    net = law_nets.dense_net("tanh")
    rule, optimizer = fa.KP(net), fa.SGD(0.1, decay=fa.step_schedule(0.5, at=[30], factor=0.01))
    start = {n: gap.copy() for n, gap in kp_law.gap(rule).items()}
    x, target = law_nets.batch(net)
    for _ in range(50):
        fa.train_step(net, rule, fa.SoftmaxCrossEntropy(), optimizer, x, target)
    for n, gap in kp_law.gap(rule).items():
        np.testing.assert_allclose(gap, (1 - 0.1 * 0.5) ** 30 * (1 - 0.1 * 0.005) ** 20 * start[n], rtol=1e-9)


def test_li_and_bennas_burst_of_decay_aligns_product_feedback(mini):
    """With a constant small decay it stays near where it began; the burst of the first epochs brings it near 17.5."""
    angles = []
    for decay in (1e-4, fa.step_schedule(0.1, at=[250], factor=0.001)):
        net = fa.mlp("784-60-50-10", activation="relu")
        rule = fa.PFA(net)
        optimizer = fa.SGD(0.02, momentum=0.9, decay=decay)
        fa.fit(net, rule, fa.SoftmaxCrossEntropy(), optimizer, mini, epochs=12, batch_size=64)
        angles.append(fa.metrics.weight_angle(rule)[2])
    assert angles[0] > 50 and angles[1] < 25


def test_bdfas_forward_product_takes_activations_for_linear():
    net = fa.mlp("6-5-4-3", activation="relu", dtype="float64")
    expected = np.sign(net[3].W.T @ net[2].W.T)
    np.testing.assert_array_equal(fa.BDFA(net).feedback[1]["B"], expected)
    assert abs(expected).min() == 1


@pytest.mark.parametrize(
    "kind, options",
    [
        (fa.PFA, {"expansion": 2.5}),
        (fa.SparsePFA, {"density": 0}),
        (fa.SA, {"alpha": -1}),
        (fa.IA, {"gamma": float("nan")}),
        (fa.DTP, {"noise": "normal"}),
        (fa.LRAE, {"beta": 0}),
        (fa.SparseDFA, {"nonzero": 1.5}),
        (fa.Greedy, {"stage": -3}),
        (fa.WM, {"examples": 1.5}),
    ],
)
def test_an_option_that_cannot_be_is_refused_by_name(kind, options):
    (name,) = options
    with pytest.raises(fa.InputError, match=f"{name} must be a .*number from"):
        kind(fa.mlp("4-3-2"), **options)


@pytest.mark.parametrize("layers", [(), "dense"])
def test_direct_feedback_to_no_layer_is_refused(layers):
    net = fa.Network((4, 4, 1), [fa.Conv(2, 3, "tanh"), fa.Dense(3)])
    with pytest.raises(fa.InputError, match="to no layer is backpropagation"):
        fa.DFA(net, layers=layers)


def test_simplified_dtp_refuses_another_loss(mini):
    net = fa.mlp("784-5-4-10")
    with pytest.raises(fa.InputError, match="needs softmax cross-entropy, found LogisticCrossEntropy"):
        fa.fit(net, fa.make_rule("sdtp", net), fa.LogisticCrossEntropy(), fa.SGD(0.1), mini, epochs=1, batch_size=50)


def test_sdtp_on_a_single_layer_is_bp():
    net = fa.mlp("6-3", dtype="float64")
    a, b = (signals_of(net, rule)[2][1].delta for rule in (fa.make_rule("sdtp", net), fa.BP(net)))
    np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("name", ["kp", "pfa", "sparse-pfa", "dkp"])
def test_feedback_that_needs_a_decay_warns_without_one(name, mini):
    net = fa.mlp("784-5-10")
    with pytest.warns(UserWarning, match=f"{name}: without a decay"):
        fa.fit(net, fa.make_rule(name, net), fa.SoftmaxCrossEntropy(), fa.SGD(0.1), mini.part(20, 10), epochs=1,
               batch_size=10)  # fmt: skip


def test_a_rule_of_ones_own_that_is_no_matrix_goes_through_a_convolution_as_written():
    class SignFA(fa.FA):
        def across(self, layer, trace, signal, output):
            return layer.carry(np.sign(signal.delta), self.feedback[layer.number]["B"])

    net = fa.Network((6, 6, 1), [fa.Conv(2, 3, "tanh"), fa.Conv(3, 2, "tanh"), fa.Dense(3)], dtype="float64")
    rule = SignFA(net)
    _, _, signals = signals_of(net, rule)
    expected = net[2].fold(np.sign(signals[2].delta) @ rule.feedback[2]["B"])
    np.testing.assert_allclose(signals[1].e, expected, rtol=1e-12)


def test_bdfas_product_is_one_bit_an_entry_below_a_max_pool():
    assert {*np.unique(fa.BDFA(fa.lenet("tanh")).feedback[1]["B"])} == {-1.0, 1.0}


@pytest.mark.parametrize("kind", [fa.FRSF, fa.BRSF])
def test_xiaos_magnitudes_are_half_normal_in_a_convolution_and_uniform_in_a_dense_layer(kind):
    net = fa.Network((8, 8, 8), [fa.Conv(8, 3, "tanh"), fa.Conv(32, 3, "tanh"), fa.Dense(100), fa.Dense(3)])
    M = {n: own["M"] for n, own in kind(net, init="xiao").feedback.items()}
    assert (M[2] ** 2).mean() == pytest.approx(2 / (9 * 32), rel=0.1)
    assert M[3].max() < 512**-0.5 and M[3].mean() == pytest.approx(512**-0.5 / 2, rel=0.02)


def test_a_rule_with_an_init_of_its_own_is_refused_with_the_way_to_write_it():
    with pytest.raises(fa.InputError, match=r"Mine writes __init__: write its options as fields of a @dataclass"):

        class Mine(fa.FA):
            def __init__(self, net, c=0.1):
                self.c = c


def test_a_direct_rule_whose_e_has_its_axes_swapped_is_refused():
    """(units, N) has as many entries as (N, units): reshaped, it would train on scrambled signals."""

    class Swapped(fa.DFA):
        def project(self, layer, own, trace, output):
            return (output.error @ own["B"]).T

    net = law_nets.dense_net("tanh")
    with pytest.raises(fa.InputError, match=r"Swapped: e for layer 2 must have the shape \(7, 4\).*found \(4, 7\)"):
        signals_of(net, Swapped(net), n=7)


@pytest.mark.parametrize("chosen", [None, (1, 3, 5)])
def test_a_direct_rule_projects_a_signal_when_no_earlier_one_is_in_memory(chosen):
    """A deep net's signals are maps: all at once they would fill the memory that descending saves."""

    class Watched(fa.DFA):
        def project(self, layer, own, trace, output):
            alive.append(sum(e() is not None for e in earlier))
            found = super().project(layer, own, trace, output)
            earlier.append(weakref.ref(found))
            return found

    net = fa.mlp("8-7-6-5-4-3-2", dtype="float64")
    traces, output, _ = signals_of(net, fa.BP(net))
    rule, alive, earlier = Watched(net, layers=chosen), [], []
    assert len(rule.gradients(traces, output)) == 12
    assert alive == [0] * (3 if chosen else 5)


def test_backpropagation_has_forgotten_a_layers_delta_when_the_layer_below_is_told():
    class Watched(fa.BP):
        def receive(self, layer, trace, e):
            alive.append(sum(each() is not None for each in earlier))
            signal = super().receive(layer, trace, e)
            earlier.append(weakref.ref(signal.delta))
            return signal

    net = fa.mlp("8-7-6-5-4-3-2", dtype="float64")
    traces, output, _ = signals_of(net, fa.BP(net))
    alive, earlier = [], []
    Watched(net).gradients(traces, output)
    assert alive == [0] * 5  # the e that is received is the only other


def test_a_rule_that_writes_into_what_it_is_told_fails_at_once():
    """In place, it would change the error that the other layers are told, or the trace that the gradients are of."""

    class Doubled(fa.DFA):
        def project(self, layer, own, trace, output):
            changed = output.error if layer.number == 1 else trace.h
            changed *= 2
            return output.error @ own["B"]

    net = law_nets.dense_net("tanh")
    for layers in ((1,), (2,)):
        with pytest.raises(ValueError, match="read-only"):
            signals_of(net, Doubled(net, layers=layers))


def test_an_option_that_a_rule_does_not_have_is_refused_with_those_it_has():
    with pytest.raises(fa.InputError, match="rule 'pfa' has no option 'k': it takes expansion, orthogonal"):
        fa.make_rule("pfa", fa.mlp("4-3-2"), k=3)


def test_a_stand_in_of_the_wrong_shape_is_refused_with_the_right_one():
    """The commonest slip: W where W^T should stand."""

    class Upright(fa.FA):
        def stand_in(self, layer, own):
            return layer.W

    net = law_nets.dense_net("tanh")
    with pytest.raises(fa.InputError, match=r"Upright: .*W\^T of layer 3 .* shape \(3, 4\), .*found \(4, 3\)"):
        signals_of(net, Upright(net))


def test_a_forgotten_return_is_told_from_an_array():
    class Silent(fa.FA):
        def stand_in(self, layer, own):
            own["B"]

    class Unborn(fa.FA):
        def init_feedback(self, layer):
            self.draw(layer, layer.W.T.shape, self.init)

    net = law_nets.dense_net("tanh")
    with pytest.raises(fa.InputError, match=r"Silent: .* shape \(3, 4\), .*found None"):
        signals_of(net, Silent(net))
    with pytest.raises(fa.InputError, match=r"Unborn: init_feedback must return a dictionary .*found None"):
        Unborn(net)


def test_a_rule_that_changes_w_while_it_tells_is_found_by_check_gradients():
    class Shrinking(fa.BP):
        def stand_in(self, layer, own):
            M = layer.W.T
            M *= 0.9
            return M

    net = law_nets.dense_net("tanh")
    with pytest.raises(fa.InputError, match="Shrinking changes 2.W, 3.W in place"):
        fa.check_gradients(net, Shrinking(net), fa.SoftmaxCrossEntropy(), *law_nets.batch(net))


def test_feedback_of_ones_own_takes_the_nets_dtype_and_may_be_a_list():
    """In float64 it would make every delta below, and so each gradient, float64."""

    class Mine(fa.FA):
        def init_feedback(self, layer):
            return {"B": np.random.default_rng(0).standard_normal(layer.W.T.shape), "scale": [1, 2]}

    net = fa.mlp("6-5-3")
    rule = Mine(net)
    assert {array.dtype for array in rule.arrays().values()} == {np.dtype("float32")}
    x, target = (each.astype("float32") for each in law_nets.batch(net))
    traces = net.forward(x)
    gradients = rule.gradients(traces, fa.SoftmaxCrossEntropy().output(net, traces, target))
    assert {g.dtype for g in gradients.values()} == {np.dtype("float32")}


@pytest.mark.parametrize("layers", [{2, 1}, (np.int64(1), np.int64(2)), range(1, 3)])
def test_options_go_into_a_checkpoint_as_json_has_them(tmp_path, layers):
    net = fa.mlp("6-5-4-3")
    rule = fa.DFA(net, layers=layers)
    assert rule.options()["layers"] == [1, 2]
    fa.checkpoint.save(tmp_path / "c.npz", net, rule, fa.SGD(0.1), [])
    fa.checkpoint.load(tmp_path / "c.npz", net, fa.DFA(net, layers=(1, 2)), fa.SGD(0.1))
