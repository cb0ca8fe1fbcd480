"""The rules: their equations, their streams, and that their hidden layers really learn."""

import inspect

import numpy as np
import pytest

import numpyfa as fa
from numpyfa import checks
from numpyfa.checks import laws
from numpyfa.rules import magnitude


def signals_of(net, rule, n=5):
    x, target = checks.batch(net, n)
    traces = net.forward(x, train=True, noise=np.random.default_rng(0))
    output = fa.SoftmaxCrossEntropy().output(traces[-1].h, target)
    return traces, output, rule.signals(traces, output)


def test_fa_is_its_equation_layer_by_layer():
    net = checks.dense_net("tanh")
    rule = fa.FA(net)
    traces, output, signals = signals_of(net, rule)
    delta3 = output.e
    delta2 = (delta3 @ rule.feedback[3]["B"]) * (1 - traces[1].h ** 2)
    delta1 = (delta2 @ rule.feedback[2]["B"]) * (1 - traces[0].h ** 2)
    for signal, delta in zip(signals, (delta1, delta2, delta3)):
        np.testing.assert_allclose(signal.delta, delta, rtol=1e-14)


def test_dfa_is_its_equation_layer_by_layer():
    net = checks.dense_net("tanh")
    rule = fa.DFA(net)
    traces, output, signals = signals_of(net, rule)
    for layer in (1, 2):
        delta = (output.e @ rule.feedback[layer]["B"]) * (1 - traces[layer - 1].h ** 2)
        np.testing.assert_allclose(signals[layer - 1].delta, delta, rtol=1e-14)


def test_dfas_error_is_dL_dz_of_the_output_even_when_that_has_an_activation():
    net = fa.Network(6, [fa.Dense(5, "tanh"), fa.Dense(3, "logistic")], dtype="float64")
    rule = fa.DFA(net)
    x, target = checks.batch(net)
    traces = net.forward(x)
    h = traces[-1].h
    signals = rule.signals(traces, fa.SquaredError().output(h, target))
    error = (h - target) * h * (1 - h)
    np.testing.assert_allclose(signals[0].e, error @ rule.feedback[1]["B"], rtol=1e-13)


def test_feedback_has_the_shapes_of_the_papers():
    net = fa.mlp("784-200-80-10")
    assert {n: own["B"].shape for n, own in fa.FA(net).feedback.items()} == {2: (80, 200), 3: (10, 80)}
    assert {n: own["B"].shape for n, own in fa.DFA(net).feedback.items()} == {1: (10, 200), 2: (10, 80)}
    conv = fa.Network((6, 6, 1), [fa.Conv(4, 3, "tanh"), fa.Conv(5, 3, "tanh"), fa.Dense(10)])
    assert {n: own["B"].shape for n, own in fa.FA(conv).feedback.items()} == {2: (5, 36), 3: (10, 20)}
    assert {n: own["B"].shape for n, own in fa.DFA(conv).feedback.items()} == {1: (10, 64), 2: (10, 20)}


def test_every_rule_starts_from_the_same_weights_and_feedback_has_a_stream_of_its_own():
    nets = {name: fa.mlp("20-12-10", seed=3) for name in fa.RULES}
    feedback = {name: fa.rule(name, net, seed=3).arrays() for name, net in nets.items()}
    for net in nets.values():
        np.testing.assert_array_equal(net.layers[0].W, nets["bp"].layers[0].W)
    assert not np.array_equal(feedback["fa"]["2.B"].T, nets["fa"].layers[1].W)
    again = fa.FA(fa.mlp("20-12-10", seed=8), seed=3).arrays()
    np.testing.assert_array_equal(again["2.B"], feedback["fa"]["2.B"])


def test_feedback_never_moves():
    net = fa.mlp("20-12-10")
    rule = fa.FA(net)
    before = rule.feedback[2]["B"].copy()
    x, target = (each.astype("float32") for each in checks.batch(net))
    for _ in range(5):
        fa.train_step(net, rule, fa.SoftmaxCrossEntropy(), fa.SGD(0.5, decay=0.1), x, target)
    np.testing.assert_array_equal(rule.feedback[2]["B"], before)


def test_looking_at_a_pass_with_a_second_rule_changes_nothing():
    net = checks.conv_net("tanh")
    traces, output, first = signals_of(net, fa.BP(net))
    fa.DFA(net).signals(traces, output)
    again = fa.BP(net).signals(traces, output)
    for a, b in zip(first, again):
        np.testing.assert_array_equal(a.delta, b.delta)


def test_fas_weights_align_with_its_feedback_and_its_delta_with_bps(mini):
    """Lillicrap's finding: from about 90 degrees, W_3 turns towards B^T and the delta towards BP's."""
    net = fa.mlp("784-50-30-10")
    history = fa.fit(net, fa.FA(net), fa.SoftmaxCrossEntropy(), fa.SGD(0.1), mini, epochs=10, batch_size=16)
    start, end = history[0], history[-1]
    assert start["angle_1"] > 80 and start["angle_2"] > 80 and start["weight_angle_3"] > 80
    assert max(end["angle_1"], end["angle_2"]) < 60 and end["weight_angle_3"] < 75


@pytest.mark.parametrize("rule", [name for name in fa.RULES if name != "shallow"])
def test_a_hidden_layer_that_learns_beats_shallow_by_a_third_of_its_error(rule, mnist):
    errors = {}
    for name in (rule, "shallow"):
        net = fa.mlp("784-50-30-10")
        loss, optimizer = fa.SoftmaxCrossEntropy(), fa.SGD(0.02 if rule == "drtp" else 0.1)
        data = mnist.part(5000, 2000)
        errors[name] = fa.fit(net, fa.rule(name, net), loss, optimizer, data, epochs=4, batch_size=16)[-1]["test_error"]
    assert errors[rule] < errors["shallow"] * 2 / 3, errors


def test_shallow_leaves_the_hidden_weights_as_they_were():
    net = fa.mlp("20-12-10")
    before = net.layers[0].W.copy(), net.layers[1].W.copy()
    x, target = (each.astype("float32") for each in checks.batch(net))
    fa.train_step(net, fa.Shallow(net), fa.SoftmaxCrossEntropy(), fa.SGD(0.5, decay=0.1), x, target)
    np.testing.assert_array_equal(net.layers[0].W, before[0])
    assert not np.array_equal(net.layers[1].W, before[1])


@pytest.mark.parametrize("rule", fa.RULES)
def test_a_rule_trains_a_convolutional_and_a_residual_net(rule, mini):
    for build in (fa.lenet, fa.resnet8):
        net = build("tanh", seed=1)
        data, optimizer = mini.part(300, 100), fa.SGD(0.02)
        options = {"init": "uniform:0.01"} if rule == "drtp" else {}  # its signal never shrinks, so it has to be small
        history = fa.fit(
            net, fa.rule(rule, net, **options), fa.SoftmaxCrossEntropy(), optimizer, data, epochs=4, batch_size=10
        )
        assert history[-1]["loss"] < history[0]["loss"]


def test_a_direct_rule_refuses_a_convolutional_output():
    net = fa.Network((4, 4, 1), [fa.Conv(2, 3, "tanh"), fa.Conv(3, 2)])
    with pytest.raises(fa.InputError, match="dense output layer"):
        fa.DFA(net)


def test_an_unknown_rule_gets_the_nearest_name():
    with pytest.raises(fa.InputError, match="unknown rule 'dfaa': did you mean 'dfa'"):
        fa.rule("dfaa", fa.mlp("4-3"))


@pytest.mark.parametrize("name, kind", fa.RULES.items())
def test_a_rule_is_one_short_file_that_inherits_from_no_other_rule(name, kind):
    source = inspect.getsource(inspect.getmodule(kind))
    assert len(source.splitlines()) < 60
    assert kind.__mro__[1] in (fa.SequentialRule, fa.DirectRule)
    assert inspect.getmodule(kind).__doc__.count("Source:") == 1
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
    check = laws.gap_law("kp", checks.dense_net("tanh"), fa.Adam(laws.LR, decay=laws.DECAY), 0.0)
    assert check.figure > 0.1


def test_brsf_draws_the_same_magnitudes_after_a_resume(tmp_path, mini):
    """They are named by the step, so a run that stops and goes on meets the same ones."""
    rules = []
    for _ in range(2):
        net = fa.mlp("20-12-10")
        rules.append(fa.BRSF(net))
    rules[0].settle(1)
    rules[0].settle(2)
    rules[1].settle(2)
    np.testing.assert_array_equal(rules[0].feedback[2]["M"], rules[1].feedback[2]["M"])
    rules[1].settle(3)
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
    net = checks.dense_net("tanh")
    _, output, signals = signals_of(net, fa.USF(net, scale=scale))
    W = net.layers[2].W
    np.testing.assert_allclose(signals[1].e, output.e @ (c(W) * np.sign(W)).T, rtol=1e-13)


def test_usfs_xiao_scale_counts_the_kernel_of_a_convolution():
    net = fa.Network((6, 6, 2), [fa.Conv(3, 3, "tanh"), fa.Conv(5, 3, "tanh"), fa.Dense(3)], dtype="float64")
    assert magnitude.magnitude(net.layers[1], "xiao") == pytest.approx(np.sqrt(2 / (9 * 5)))
    assert magnitude.magnitude(net.layers[1], "biotorch") == pytest.approx(np.sqrt(2 / (9 * 3 + 9 * 5)))


def test_an_unknown_scale_gets_the_nearest_name():
    with pytest.raises(fa.InputError, match="did you mean 'strict'"):
        fa.USF(fa.mlp("4-3-2"), scale="strct")


def test_a_dead_weight_sends_no_sign_feedback():
    net = checks.dense_net("tanh")
    net.layers[2].W[1, 2] = 0
    e = fa.USF(net).transport(net.layers[2], {}, None, fa.Signal(None, np.eye(3), {}))
    assert e[2, 1] == 0 and (e != 0).sum() == e.size - 1


def test_pfa_is_its_equation_layer_by_layer():
    net = checks.dense_net("tanh")
    rule = fa.PFA(net, expansion=4)
    assert {n: (own["B"].shape, own["R"].shape) for n, own in rule.feedback.items()} == {
        2: ((4, 16), (16, 5)),
        3: ((3, 12), (12, 4)),
    }
    traces, output, signals = signals_of(net, rule)
    B, R = rule.feedback[3]["B"], rule.feedback[3]["R"]
    np.testing.assert_allclose(signals[1].e, output.e @ (B @ R), rtol=1e-12)
    dR = rule.gradients(traces, signals, output)["feedback.3.R"]
    np.testing.assert_allclose(dR, (output.e @ B).T @ traces[1].h / len(output.e), rtol=1e-12)


def test_pfas_B_is_fixed_and_of_variance_1_over_its_width():
    net = fa.mlp("20-300-200", dtype="float64")
    rule = fa.PFA(net, expansion=5)
    B = rule.feedback[2]["B"]
    before = B.copy()
    assert B.shape == (200, 1000) and B.var() == pytest.approx(1 / 1000, rel=0.02)
    x, target = checks.batch(net)
    fa.train_step(net, rule, fa.SoftmaxCrossEntropy(), fa.SGD(0.1, momentum=0.9, decay=0.1), x, target)
    np.testing.assert_array_equal(B, before)


def test_with_adam_pfas_path_misses_its_angle_and_it_warns(mini):
    """Its law needs a step that is linear in the gradient: with Adam R does not follow B^T W^T."""
    net = checks.dense_net("tanh")
    rule, optimizer = fa.PFA(net, expansion=1, orthogonal=True), fa.Adam(0.01, decay=0.5, decoupled=True)
    x, target = checks.batch(net, 20)
    for _ in range(2000):
        fa.train_step(net, rule, fa.SoftmaxCrossEntropy(), optimizer, x, target)
    assert fa.metrics.weight_angle(rule)[3] > 5
    small = fa.mlp("784-5-10")
    with pytest.warns(UserWarning, match="pfa: .* use SGD"):
        fa.fit(
            small, fa.PFA(small), fa.SoftmaxCrossEntropy(), fa.Adam(0.01), mini.part(20, 10), epochs=1, batch_size=10
        )


def test_an_impossible_expansion_is_refused():
    with pytest.raises(fa.InputError, match="expansion must be from 1, found 0"):
        fa.PFA(fa.mlp("4-3-2"), expansion=0)


def test_pseudo_backpropagation_sends_the_moore_penrose_inverse():
    net = checks.dense_net("tanh")
    _, output, signals = signals_of(net, fa.PseudoBP(net))
    W = net.layers[2].W  # (4, 3), of full rank: W^+ = (W^T W)^-1 W^T
    np.testing.assert_allclose(signals[1].e, output.e @ np.linalg.solve(W.T @ W, W.T), rtol=1e-10)


def test_what_stands_for_the_transpose_is_the_matrix_that_deltas_cross():
    net = checks.dense_net("tanh")
    rule = fa.FRSF(net)
    expected = rule.feedback[3]["M"] * np.sign(net.layers[2].W).T
    np.testing.assert_array_equal(rule.stand_in(net.layers[2]), expected)
    assert set(fa.metrics.weight_angle(rule)) == {2, 3} and fa.metrics.weight_angle(fa.BP(net)) == {}


def test_the_weight_mirrors_check_finds_padding_that_is_not_counted():
    class Uncounted(fa.WM):
        def mirror(self, layer, rng):
            super().mirror(layer, rng)
            seen = layer.rows(np.ones((1, *layer.shape_in))).mean(axis=0)  # the share of rows where a tap is no padding
            self.feedback[layer.number]["B"] *= seen

    layers = [fa.Conv(3, 3, "tanh"), fa.Conv(5, 3, "tanh", padding=1), fa.Dense(2)]
    net = fa.Network((7, 7, 2), layers, dtype="float64")
    assert laws.mirror_error(Uncounted, net, "normal") > 3


def test_the_weight_mirror_forgets_how_it_began_and_follows_the_weights():
    net = fa.mlp("20-30-40-10", dtype="float64")
    rule = fa.WM(net, rate=0.02)
    for step in range(300):
        rule.settle(step)
    angles, ratios = fa.metrics.weight_angle(rule), fa.metrics.weight_norm_ratio(rule)
    assert max(angles.values()) < 10 and all(0.98 < ratio < 1.05 for ratio in ratios.values())


def test_the_weight_mirror_turns_the_delta_towards_bps(mini):
    net = fa.mlp("784-30-20-10")
    rule, optimizer = fa.WM(net, rate=0.05), fa.SGD(0.1)
    history = fa.fit(net, rule, fa.SoftmaxCrossEntropy(), optimizer, mini, epochs=2, batch_size=16)
    assert history[0]["angle_1"] > 80 and history[-1]["angle_1"] < 25 and history[-1]["angle_2"] < 15


@pytest.mark.parametrize("options", [{"rate": 0}, {"rate": 1.5}, {"examples": 0}, {"noise": "pink"}])
def test_an_impossible_mirror_is_refused(options):
    with pytest.raises(fa.InputError, match="wm: the rate must lie"):
        fa.WM(fa.mlp("4-3-2"), **options)
