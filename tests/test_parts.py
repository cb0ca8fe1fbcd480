"""Losses, initialisers, optimisers and metrics against their definitions."""

import math
import tracemalloc

import numpy as np
import pytest

import numpyfa as fa
from numpyfa import init, metrics, optim
from numpyfa.gradcheck import numeric_gradient
from numpyfa.laws import nets as law_nets


def test_cross_entropy_of_a_known_case():
    """Logits (ln 1, ln 3), target the second: p = 3/4, L = ln(4/3), e = (1/4, -1/4)."""
    value, e = fa.SoftmaxCrossEntropy()(np.log([[1.0, 3.0]]), np.array([[0.0, 1.0]]))
    assert value == pytest.approx(math.log(4 / 3), abs=1e-15)
    np.testing.assert_allclose(e, [[0.25, -0.25]], atol=1e-15)


def test_logistic_cross_entropy_of_a_known_case():
    value, e = fa.LogisticCrossEntropy()(np.array([[math.log(3), 0.0]]), np.array([[1.0, 0.0]]))
    assert value == pytest.approx(math.log(4 / 3) + math.log(2), abs=1e-15)
    np.testing.assert_allclose(e, [[-0.25, 0.5]], atol=1e-15)


@pytest.mark.parametrize("loss", [fa.SoftmaxCrossEntropy, fa.LogisticCrossEntropy])
def test_logits_of_1000_overflow_nothing(loss):
    value, e = loss()(np.array([[1000.0, -1000.0]]), np.array([[0.0, 1.0]]))
    assert value == 2000 and np.isfinite(e).all()


@pytest.mark.parametrize("loss", [fa.SoftmaxCrossEntropy(), fa.LogisticCrossEntropy()])
def test_an_e_below_1e_19_is_raised_to_it_and_keeps_its_sign(loss):
    """Logits so far apart that p all but underflows: left as it is, its products would be denormal, and slow. Where p
    is 0 itself, e is 0."""
    h = np.array([[0.0, -41.4, -44.0, -60.0, -95.0, -200.0]], np.float32)
    e = loss(h, np.array([[1.0, 0, 0, 0, 0, 0]], np.float32))[1]
    np.testing.assert_allclose(e[0, 1], np.exp(-41.4), rtol=1e-5)
    np.testing.assert_allclose(e[0, 2:5], np.finfo(np.float32).tiny ** 0.5, rtol=1e-6)
    assert e[0, 5] == 0 and (e[0, 1:5] > 0).all()
    wide = loss(h.astype(float), np.array([[1.0, 0, 0, 0, 0, 0]]))[1]
    np.testing.assert_allclose(wide[0, 2:], np.exp(h[0, 2:].astype(float)), rtol=1e-6)


def test_e_is_not_divided_by_the_batch():
    h, target = np.zeros((4, 3)), np.eye(3)[[0, 1, 2, 0]]
    _, one = fa.SoftmaxCrossEntropy()(h[:1], target[:1])
    _, e = fa.SoftmaxCrossEntropy()(h, target)
    np.testing.assert_array_equal(e[0], one[0])


def test_cross_entropy_against_weights_that_do_not_sum_to_1_is_the_gradient_of_its_value():
    """e = p sum(y) - y. With p - y value and e would disagree, and a net would train on something else."""
    rng = np.random.default_rng(0)
    h, target = rng.standard_normal((3, 4)), rng.uniform(0, 2, (3, 4))
    loss = fa.SoftmaxCrossEntropy()
    numeric, _ = numeric_gradient(lambda: (float(loss(h, target)[0]) * len(h), []), h)
    np.testing.assert_allclose(loss(h, target)[1], numeric, atol=1e-8)


@pytest.mark.parametrize("loss", fa.losses.LOSSES.values())
@pytest.mark.parametrize("shape", [(1, 3), (20, 1), (20,), (20, 3, 1)])
def test_a_target_of_another_shape_is_refused(loss, shape):
    with pytest.raises(fa.InputError, match=r"must be an array of the output's shape \(20, 3\)"):
        loss()(np.zeros((20, 3)), np.zeros(shape))


def test_an_image_as_output_is_refused_but_a_pooled_one_is_an_output():
    image = fa.Network((4, 4, 1), [fa.Conv(3, 3)], dtype="float64")
    with pytest.raises(fa.InputError, match=r"one number an output, found the shape \(2, 2, 3\)"):
        fa.check_gradients(image, fa.BP(image), fa.SoftmaxCrossEntropy(), *law_nets.batch(image))
    pooled = fa.Network((4, 4, 1), [fa.Conv(3, 3, "globalavgpool")], dtype="float64")
    assert fa.check_gradients(pooled, fa.BP(pooled), fa.SoftmaxCrossEntropy(), *law_nets.batch(pooled))


def test_a_loss_on_logits_refuses_an_output_activation():
    net = fa.Network(4, [fa.Dense(3, "tanh")], dtype="float64")
    with pytest.raises(fa.InputError, match="must have no activation; found Tanh"):
        fa.check_gradients(net, fa.BP(net), fa.SoftmaxCrossEntropy(), *law_nets.batch(net))


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


@pytest.mark.parametrize("shape", [(7, 4), (4, 7), (5, 5), (150, 140), (90, 200)])
def test_an_orthogonal_draw_is_orthogonal_to_1e_14(rng, shape):
    W = init.draw("orthogonal", rng, shape)
    product = W.T @ W if shape[0] >= shape[1] else W @ W.T
    np.testing.assert_allclose(product, np.eye(min(shape)), atol=1e-14)


def test_an_orthogonal_draw_is_the_q_of_a_normal_draw_whose_r_has_a_positive_diagonal():
    found = init.draw("orthogonal", np.random.default_rng(3), (150, 90))
    q, r = np.linalg.qr(np.random.default_rng(3).standard_normal((150, 90)))
    np.testing.assert_allclose(found, q * np.sign(np.diag(r)), atol=1e-14)


def test_an_orthogonal_draw_needs_no_more_than_0_55_of_its_own_memory_beside_it(rng):
    """NumPy 2.5 was seen to take 0.53 of it, and 2.4 to take 0.27."""
    tracemalloc.start()
    q = init.draw("orthogonal", rng, (1000, 500))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1.55 * q.nbytes


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
        optim.make_optimizer("adm", 0.1)


def measured(rule_of, n=8, activation="tanh"):
    net = law_nets.dense_net(activation)
    x, target = law_nets.batch(net, n)
    traces = net.forward(x)
    return rule_of(net), traces, fa.SoftmaxCrossEntropy().output(net, traces, target)


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
        rule = law_nets.use_bp_feedback(fa.FA(net))
        rule.feedback[3]["B"] *= -1
        return rule

    rule, traces, output = measured(opposed)
    assert metrics.delta_angle(rule, traces, output) == pytest.approx({1: 180, 2: 180}, abs=1e-5)
    assert metrics.weight_angle(rule) == pytest.approx({2: 0, 3: 180}, abs=1e-5)


def test_the_step_angle_does_not_count_errors_made_above():
    """Only layer 3's feedback is wrong: the true angle of layer 1 is large, its single step from delta 2 exact."""

    def wrong_at_the_top(net):
        rule = law_nets.use_bp_feedback(fa.FA(net))
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
    x, target = law_nets.batch(net)
    traces = net.forward(x)
    output = fa.SoftmaxCrossEntropy().output(net, traces, target)
    rule = fa.FA(net)
    for measure in (metrics.delta_angle, metrics.batch_delta_angle, metrics.gradient_cosine, metrics.delta_norm_ratio):
        assert math.isnan(measure(rule, traces, output)[1])
    assert math.isnan(metrics.weight_angle(rule)[2])


def test_shallow_has_no_hidden_delta_to_measure():
    found = measured(fa.Shallow)
    assert metrics.delta_angle(*found) == {} and math.isnan(metrics.total_gradient_cosine(*found))


def test_the_metrics_of_one_case_computed_by_hand():
    """Layer 1's delta is turned against BP's: cosines are negative, and the total is that of the joined vectors."""

    def turned(net):
        rule = fa.FA(net)
        rule.feedback[2]["B"] = -net[2].W.T + 0.3 * rule.feedback[2]["B"]
        rule.feedback[3]["B"] = net[3].W.T + 0.3 * rule.feedback[3]["B"]
        return rule

    rule, traces, output = measured(turned)
    net = rule.net
    mine, true = dict(rule.signals(traces, output)), dict(fa.BP(net).signals(traces, output))

    def cosine(a, b):
        return (a * b).sum() / math.sqrt((a * a).sum() * (b * b).sum())

    pairs = {layer: (mine[layer].delta, true[layer].delta) for layer in (1, 2)}
    rows = {layer: [cosine(a, b) for a, b in zip(*pair)] for layer, pair in pairs.items()}
    assert metrics.delta_cosine(rule, traces, output) == pytest.approx({n: np.mean(c) for n, c in rows.items()})
    angles = {n: np.mean(np.degrees(np.arccos(c))) for n, c in rows.items()}
    assert metrics.delta_angle(rule, traces, output) == pytest.approx(angles)
    assert angles[1] > 90 > angles[2]

    joined = []
    for signals in (mine, true):
        dW = {n: traces[n].x.T @ signals[n].delta for n in (1, 2)}
        joined.append([np.vstack([dW[n], signals[n].delta.sum(axis=0)]).ravel() for n in (1, 2)])
    by_layer = {n: cosine(joined[0][n - 1], joined[1][n - 1]) for n in (1, 2)}
    assert metrics.gradient_cosine(rule, traces, output) == pytest.approx(by_layer) and by_layer[1] < 0
    total = cosine(np.concatenate(joined[0]), np.concatenate(joined[1]))
    assert metrics.total_gradient_cosine(rule, traces, output) == pytest.approx(total)
    assert total != pytest.approx(np.mean(list(by_layer.values())), abs=1e-3)


def test_a_layer_that_is_told_nothing_counts_as_zero_in_the_total():
    class OnlySecond(fa.DirectRule):
        def project(self, layer, feedback, trace, output):
            return output.error @ self.net[3].W.T if layer.number == 2 else None

    found = measured(OnlySecond)
    assert metrics.gradient_cosine(*found) == pytest.approx({2: 1})
    assert 0 < metrics.total_gradient_cosine(*found) < 0.99


def test_the_step_angle_is_for_sequential_rules():
    with pytest.raises(fa.InputError, match="this rule sends none"):
        metrics.step_delta_angle(*measured(fa.DFA))


def test_the_step_angle_follows_the_skip_paths_of_a_residual_net():
    net = law_nets.residual_net("tanh")
    x, target = law_nets.batch(net)
    traces = net.forward(x, train=True)
    output = fa.SoftmaxCrossEntropy().output(net, traces, target)
    assert metrics.step_delta_angle(fa.BP(net), traces, output) == pytest.approx(
        dict.fromkeys(range(1, 8), 0), abs=1e-5
    )


def test_a_direct_rules_feedback_has_no_weight_angle_even_where_a_junction_learns():
    net = law_nets.residual_net("tanh")
    assert metrics.weight_angle(fa.DFA(net)) == {} and set(metrics.weight_angle(fa.FA(net))) == {2, 3, 5, 6, 8}


def test_batch_manhattan_moves_every_entry_by_lr_and_adds_the_decay_after_the_sign():
    p, g = np.array([1.0, -2.0, 3.0]), np.array([0.3, -1e-9, 0.0])
    fa.BatchManhattan(0.1, decay=0.5).update({"p": p}, {"p": g})
    np.testing.assert_allclose(p, [1 - 0.1 - 0.05, -2 + 0.1 + 0.1, 3 - 0.15], rtol=1e-15)


@pytest.mark.parametrize("decoupled", [False, True])
def test_a_decay_can_follow_a_schedule(decoupled):
    p, optimizer = np.array([1.0]), fa.SGD(0.1, decay=fa.step_schedule(0.5, at=[2], factor=0.1), decoupled=decoupled)
    for _ in range(3):
        optimizer.update({"p": p}, {"p": np.array([0.0])})
    np.testing.assert_allclose(p, 0.95**2 * 0.995, rtol=1e-15)
