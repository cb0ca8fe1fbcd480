"""Losses, initialisers, optimisers and metrics against their definitions."""

import math

import numpy as np
import pytest

import numpyfa as fa
from numpyfa import checks, init, metrics, optim


def test_cross_entropy_of_a_known_case():
    """Logits (ln 1, ln 3), target the second: p = 3/4, L = ln(4/3), e = (1/4, -1/4)."""
    output = fa.SoftmaxCrossEntropy().output(np.log([[1.0, 3.0]]), np.array([[0.0, 1.0]]))
    assert output.value == pytest.approx(math.log(4 / 3), abs=1e-15)
    np.testing.assert_allclose(output.e, [[0.25, -0.25]], atol=1e-15)


def test_logistic_cross_entropy_of_a_known_case():
    output = fa.LogisticCrossEntropy().output(np.array([[math.log(3), 0.0]]), np.array([[1.0, 0.0]]))
    assert output.value == pytest.approx(math.log(4 / 3) + math.log(2), abs=1e-15)
    np.testing.assert_allclose(output.e, [[-0.25, 0.5]], atol=1e-15)


@pytest.mark.parametrize("loss", [fa.SoftmaxCrossEntropy, fa.LogisticCrossEntropy])
def test_logits_of_1000_overflow_nothing(loss):
    output = loss().output(np.array([[1000.0, -1000.0]]), np.array([[0.0, 1.0]]))
    assert output.value in (2000.0, 2000.0) and np.isfinite(output.e).all()


def test_e_is_not_divided_by_the_batch():
    h, target = np.zeros((4, 3)), np.eye(3)[[0, 1, 2, 0]]
    one = fa.SoftmaxCrossEntropy().output(h[:1], target[:1])
    np.testing.assert_array_equal(fa.SoftmaxCrossEntropy().output(h, target).e[0], one.e[0])


def test_a_loss_on_logits_refuses_an_output_activation():
    net = fa.Network(4, [fa.Dense(3, "tanh")], dtype="float64")
    with pytest.raises(fa.InputError, match="must have no tail; found Tanh"):
        fa.check_gradients(net, fa.BP(net), fa.SoftmaxCrossEntropy(), *checks.batch(net))


@pytest.mark.parametrize(
    "spec, deviation",
    [
        ("fan_in", 1 / math.sqrt(300)),
        ("he", math.sqrt(2 / 300)),
        ("glorot", math.sqrt(2 / 500)),
        ("uniform_fan_in", 1 / math.sqrt(3 * 300)),
        ("uniform_fan_out", 1 / math.sqrt(3 * 200)),
        ("normal:0.5", 0.5),
        ("uniform:0.5", 0.5 / math.sqrt(3)),
    ],
)
def test_an_initialiser_has_its_standard_deviation_within_4_standard_errors(rng, spec, deviation):
    values = init.draw(spec, rng, (300, 200))
    assert abs(values.std() / deviation - 1) < 4 / math.sqrt(2 * values.size)
    assert abs(values.mean()) < 4 * deviation / math.sqrt(values.size)


@pytest.mark.parametrize("shape", [(7, 4), (4, 7), (5, 5)])
def test_an_orthogonal_draw_is_orthogonal_to_1e_14(rng, shape):
    W = init.draw("orthogonal", rng, shape)
    product = W.T @ W if shape[0] >= shape[1] else W @ W.T
    np.testing.assert_allclose(product, np.eye(min(shape)), atol=1e-14)


def test_a_convolutions_glorot_counts_the_kernel_in_both_fans():
    layer = fa.Conv(64, 3, init="glorot")
    fa.Network((8, 8, 32), [layer], dtype="float64")
    assert np.abs(layer.W).max() == pytest.approx(math.sqrt(6 / (9 * 32 + 9 * 64)), rel=1e-3)


def naive(kind, p, gradients, lr):
    """The optimisers once more, a number at a time."""
    v = m = s = 0.0
    for t, g in enumerate(gradients, start=1):
        if kind == "sgd":
            p -= lr * g
        elif kind == "heavy ball":
            v = 0.9 * v + g
            p -= lr * v
        elif kind == "nesterov":
            v = 0.9 * v + g
            p -= lr * (g + 0.9 * v)
        elif kind == "coupled":
            v = 0.9 * v + g + 0.1 * p
            p -= lr * v
        elif kind == "decoupled":
            p = p * (1 - lr * 0.1) - lr * g
        elif kind == "rmsprop":
            s = 0.99 * s + 0.01 * g * g
            p -= lr * g / (math.sqrt(s) + 1e-8)
        elif kind == "adam":
            m, s = 0.9 * m + 0.1 * g, 0.999 * s + 0.001 * g * g
            p -= lr * (m / (1 - 0.9**t)) / (math.sqrt(s / (1 - 0.999**t)) + 1e-8)
    return p


KINDS = {
    "sgd": lambda lr: fa.SGD(lr),
    "heavy ball": lambda lr: fa.SGD(lr, momentum=0.9),
    "nesterov": lambda lr: fa.SGD(lr, momentum=0.9, nesterov=True),
    "coupled": lambda lr: fa.SGD(lr, momentum=0.9, decay=0.1),
    "decoupled": lambda lr: fa.SGD(lr, decay=0.1, decoupled=True),
    "rmsprop": lambda lr: fa.RMSprop(lr),
    "adam": lambda lr: fa.Adam(lr),
}


@pytest.mark.parametrize("kind", KINDS)
def test_an_optimiser_is_its_equation_over_20_steps(rng, kind):
    gradients, optimizer, p = rng.standard_normal(20), KINDS[kind](0.05), np.array([[0.7]])
    for g in gradients:
        optimizer.update({"W": p}, {"W": np.array([[g]])})
    assert p[0, 0] == pytest.approx(naive(kind, 0.7, gradients, 0.05), abs=1e-14)


def test_schedules_at_chosen_steps():
    step = fa.step_schedule(1.0, at=(10, 20), factor=0.1)
    assert [round(step(t), 12) for t in (0, 9, 10, 19, 20)] == [1, 1, 0.1, 0.1, 0.01]
    exponential = fa.exponential_schedule(1.0, 0.5, every=3)
    assert [exponential(t) for t in (0, 2, 3, 6)] == [1, 1, 0.5, 0.25]
    cosine = fa.cosine_schedule(1.0, steps=110, warmup=10)
    assert [round(cosine(t), 12) for t in (0, 9, 10, 60, 110, 200)] == [0.1, 1, 1, 0.5, 0, 0]


def test_an_optimiser_follows_its_schedule():
    p = np.zeros((1, 1))
    optimizer = fa.SGD(fa.step_schedule(1.0, at=(2,), factor=0.1))
    for _ in range(4):
        optimizer.update({"W": p}, {"W": np.ones((1, 1))})
    assert p[0, 0] == pytest.approx(-2.2)


@pytest.mark.parametrize("make", [lambda: fa.SGD(0), lambda: fa.SGD(-1), lambda: fa.SGD(float("nan")),
                                  lambda: fa.SGD(0.1, momentum=1), lambda: fa.SGD(0.1, decay=-1)])  # fmt: skip
def test_an_impossible_optimiser_is_refused(make):
    with pytest.raises(fa.InputError, match="found"):
        make()


def test_an_unknown_optimiser_gets_the_nearest_name():
    with pytest.raises(fa.InputError, match="did you mean 'adam'"):
        optim.optimizer("adm", 0.1)


def measured(rule_of, n=8, activation="tanh"):
    net = checks.dense_net(activation)
    x, target = checks.batch(net, n)
    traces = net.forward(x)
    return rule_of(net), traces, fa.SoftmaxCrossEntropy().output(traces[-1].h, target)


def test_angles_are_signed_and_nan_where_a_norm_is_zero():
    a = np.array([[1.0, 0], [1, 0], [1, 0], [0, 0]])
    b = np.array([[2.0, 0], [0, 3], [-1, 0], [1, 0]])
    np.testing.assert_allclose(metrics.angle(a, b), [0, 90, 180, np.nan])
    np.testing.assert_allclose(metrics.cosine(a, b), [1, 0, -1, np.nan])


def test_bp_against_itself_has_angle_0_cosine_1_and_ratio_1():
    bp = measured(fa.BP)
    for measure, value in (
        (metrics.delta_angle, 0),
        (metrics.batch_delta_angle, 0),
        (metrics.step_delta_angle, 0),
        (metrics.delta_cosine, 1),
        (metrics.gradient_cosine, 1),
        (metrics.delta_norm_ratio, 1),
    ):
        assert measure(*bp) == pytest.approx({1: value, 2: value}, abs=1e-5)
    assert metrics.total_gradient_cosine(*bp) == pytest.approx(1)


def test_feedback_of_minus_the_transpose_is_180_degrees_in_the_layer_below():
    def opposed(net):
        rule = checks.use_bp_feedback(fa.FA(net))
        rule.feedback[3]["B"] *= -1
        return rule

    rule, traces, output = measured(opposed)
    assert metrics.delta_angle(rule, traces, output) == pytest.approx({1: 180, 2: 180}, abs=1e-5)
    assert metrics.weight_angle(rule) == pytest.approx({2: 0, 3: 180}, abs=1e-5)


def test_the_step_angle_does_not_count_errors_made_above():
    """Only layer 3's feedback is wrong: the true angle of layer 1 is large, its single step from delta 2 exact."""

    def wrong_at_the_top(net):
        rule = checks.use_bp_feedback(fa.FA(net))
        rule.feedback[3]["B"] = fa.FA(net).feedback[3]["B"]
        return rule

    found = measured(wrong_at_the_top)
    assert metrics.delta_angle(*found)[1] > 20
    assert metrics.step_delta_angle(*found)[1] == pytest.approx(0, abs=1e-5)
    assert metrics.step_delta_angle(*found)[2] == pytest.approx(metrics.delta_angle(*found)[2])


def test_the_mean_of_angles_is_not_the_angle_of_the_batch():
    found = measured(fa.FA, activation="relu")
    assert metrics.delta_angle(*found)[1] != pytest.approx(metrics.batch_delta_angle(*found)[1], abs=0.1)


def test_feedback_scaled_by_3_keeps_every_angle_and_triples_the_norms():
    def scaled(factor):
        def make(net):
            rule = fa.FA(net)
            for own in rule.feedback.values():
                own["B"] = own["B"] * factor
            return rule

        return measured(make)

    one, three = scaled(1), scaled(3)
    assert metrics.delta_angle(*three) == pytest.approx(metrics.delta_angle(*one))
    ratios = metrics.delta_norm_ratio(*one)
    assert metrics.delta_norm_ratio(*three) == pytest.approx({1: 9 * ratios[1], 2: 3 * ratios[2]})
    norms = metrics.weight_norm_ratio(one[0])
    assert metrics.weight_norm_ratio(three[0]) == pytest.approx({2: 3 * norms[2], 3: 3 * norms[3]})


def test_with_zero_weights_bps_delta_is_zero_and_the_angle_is_nan():
    net = fa.Network(6, [fa.Dense(5, "tanh"), fa.Dense(3)], dtype="float64", init="zeros")
    x, target = checks.batch(net)
    traces = net.forward(x)
    output = fa.SoftmaxCrossEntropy().output(traces[-1].h, target)
    rule = fa.FA(net)
    for measure in (metrics.delta_angle, metrics.batch_delta_angle, metrics.gradient_cosine, metrics.delta_norm_ratio):
        assert math.isnan(measure(rule, traces, output)[1])
    assert math.isnan(metrics.weight_angle(rule)[2])


def test_shallow_has_no_hidden_delta_to_measure():
    found = measured(fa.Shallow)
    assert metrics.delta_angle(*found) == {} and math.isnan(metrics.total_gradient_cosine(*found))
