"""The training loop does what it says: mistakes of one line that every loss curve survives."""

import numpy as np
import pytest

import numpyfa as fa
from numpyfa import checkpoint, init, learn, metrics
from numpyfa.laws.every_rule import everything
from numpyfa.laws.nets import batch, conv_net, dense_net
from numpyfa.optim import make_optimizer


def data(n=12, held=7, size=6, classes=3):
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((n + held, size)), rng.integers(0, classes, n + held)
    return fa.Dataset("toy", x[:n], y[:n], x[n:], y[n:], classes)


def fit(net, rule=None, *, epochs=2, batch_size=12, examples=None, lr=0.1, **options):
    examples = examples or data()
    return fa.fit(net, rule or fa.BP(net), fa.SoftmaxCrossEntropy(), fa.SGD(lr), examples, epochs=epochs,
                  batch_size=batch_size, **options)  # fmt: skip


def test_dropout_draws_another_mask_for_each_batch_and_each_epoch():
    masks = []

    class Seen(fa.Dropout):
        def forward(self, z, train=False, noise=None):
            h, mask = super().forward(z, train, noise)
            if train:
                masks.append(mask)
            return h, mask

    net = fa.Network(6, [fa.Dense(40, "tanh", Seen(0.5)), fa.Dense(3)], dtype="float64")
    fit(net, batch_size=6, epochs=2)
    batches = [mask for mask in masks if len(mask) == 6]  # the alignment's probe is all 12 examples
    assert len(batches) == 4
    assert all(not np.array_equal(a, b) for i, a in enumerate(batches) for b in batches[:i])
    probes = [mask for mask in masks if len(mask) == 12]
    assert len(probes) == 3 and not np.array_equal(probes[0], probes[1])


def test_augmentation_changes_what_is_trained_on_by_other_numbers_each_batch_and_epoch():
    drawn = []

    def augment(x, rng):
        drawn.append(rng.random())
        return x * 0

    net = fa.mlp("6-5-3", dtype="float64")
    before = net[1].W.copy()
    fit(net, batch_size=6, epochs=2, augment=augment)
    assert len(set(drawn)) == 4
    np.testing.assert_array_equal(net[1].W, before)  # an input of zeros has no dW


def test_examples_come_in_another_order_each_epoch_all_of_them_once():
    seen = []

    def augment(x, rng):
        seen.append(x[:, 0].copy())
        return x

    examples = data()
    fit(fa.mlp("6-5-3", dtype="float64"), examples=examples, batch_size=5, epochs=2, augment=augment)
    first, second = np.concatenate(seen[:3]), np.concatenate(seen[3:])
    assert [len(each) for each in seen] == [5, 5, 2, 5, 5, 2]
    assert not np.array_equal(first, second) and not np.array_equal(first, examples.x_train[:, 0])
    np.testing.assert_array_equal(np.sort(first), np.sort(examples.x_train[:, 0]))
    np.testing.assert_array_equal(np.sort(second), np.sort(examples.x_train[:, 0]))


@pytest.mark.parametrize("size", [3, 4, 7])
def test_a_last_smaller_batch_counts_by_its_examples(size):
    net, examples = dense_net("tanh"), data()
    loss = fa.SoftmaxCrossEntropy()
    h = net.forward(examples.x_test)[3].h
    value = float(loss(h, np.eye(3)[examples.y_test])[0])
    error = 100 * float((h.argmax(axis=1) != examples.y_test).mean())
    net.at_once = size
    assert fa.evaluate(net, loss, examples.x_test, examples.y_test) == pytest.approx((value, error), rel=1e-12)


def test_predict_and_evaluate_run_in_evaluation_mode():
    net = fa.Network(6, [fa.Dense(5, fa.BatchNorm(), "tanh", fa.Dropout(0.5)), fa.Dense(3)], dtype="float64")
    x = batch(net, 7)[0]
    np.testing.assert_array_equal(net.predict(x), net.forward(x)[2].h)
    np.testing.assert_allclose(net.predict(x, batch_size=2), net.forward(x)[2].h, rtol=1e-12)


def test_the_alignment_is_measured_in_training_mode_on_the_batch_statistics():
    net = conv_net("tanh")
    rule, (x, target) = fa.FA(net), batch(net, 9)
    loss = fa.SoftmaxCrossEntropy()
    found = learn.measure_alignment(rule, loss, x, target, np.random.default_rng(0))
    angles = {}
    for train in (True, False):
        traces = net.forward(x, train=train)
        angles[train] = metrics.delta_angle(rule, traces, loss.output(net, traces, target))
    assert found["angle_1"] == pytest.approx(angles[True][1], rel=1e-12)
    assert abs(angles[True][1] - angles[False][1]) > 0.1


def test_history_holds_the_loss_of_the_training_set_and_both_errors_after_each_epoch():
    net, examples = dense_net("tanh"), data()
    history = fit(net, examples=examples, epochs=1, batch_size=5)
    loss = fa.SoftmaxCrossEntropy()
    train = fa.evaluate(net, loss, examples.x_train, examples.y_train)
    test = fa.evaluate(net, loss, examples.x_test, examples.y_test)
    assert train[1] != test[1]
    assert [history[1][key] for key in ("loss", "train_error", "test_error")] == [train[0], train[1], test[1]]
    assert history[0]["epoch"] == 0 and history[0]["loss"] != history[1]["loss"]


def test_a_rule_is_told_the_number_of_the_batch_from_1_on_over_all_epochs():
    seen = []

    class Told(fa.FA):
        def settle(self, traces, output):
            seen.append(output.batch_number)

    net = fa.mlp("6-5-3", dtype="float64")
    fit(net, Told(net), batch_size=5, epochs=2)
    assert seen == [1, 2, 3, 4, 5, 6]


def test_a_validation_set_is_drawn_at_random_and_leaves_the_test_set_unseen():
    x = np.arange(100.0)[:, None]
    whole = fa.Dataset("toy", x, np.zeros(100, int), x[:3] - 500, np.zeros(3, int), 2)
    split, other = whole.validation(30), whole.validation(30, seed=1)
    kept, held = split.x_train[:, 0], split.x_test[:, 0]
    assert len(kept) == 70 and sorted([*kept, *held]) == list(range(100))
    assert abs(held.mean() - 49.5) < 20 and list(held) not in (list(range(30)), list(range(70, 100)))
    assert list(held) != list(other.x_test[:, 0])


def test_standardisation_uses_the_training_set_alone():
    x = np.random.default_rng(0).normal(2, 3, (50, 4))
    found = fa.Dataset("toy", x, np.zeros(50, int), 100 + x[:5], np.zeros(5, int), 2).statistics()
    np.testing.assert_allclose(np.concatenate(found), [x.mean(), x.std()], rtol=1e-12)


@pytest.mark.parametrize("name, decay", [("sgd", 0.5), ("manhattan", 0.5), ("rmsprop", 0.5), ("adam", 0.5)])
@pytest.mark.parametrize("decoupled", [False, True])
def test_a_decay_pulls_biases_as_it_pulls_weights(name, decay, decoupled):
    """From one number and one gradient, a weight and a bias go the same way."""
    p = {"1.W": np.array([2.0]), "1.b": np.array([2.0]), "2.gamma0": np.array([2.0])}
    optimizer = make_optimizer(name, 0.1, decay=decay, decoupled=decoupled)
    still = make_optimizer(name, 0.1)
    q = {"1.W": np.array([2.0])}
    for _ in range(2):
        optimizer.update(p, {key: np.array([0.3]) for key in p})
        still.update(q, {"1.W": np.array([0.3])})
    assert p["1.W"] == p["1.b"] == p["2.gamma0"]
    assert name == "adam" and not decoupled or abs(p["1.W"] - q["1.W"]) > 1e-3


def test_run_epoch_goes_through_the_order_it_is_given():
    net, (x, target) = dense_net("tanh"), batch(dense_net("tanh"), 6)
    seen = []
    order = np.array([5, 0, 3])

    def augment(images):
        seen.append(images)
        return images

    learn.run_epoch(net, fa.BP(net), fa.SoftmaxCrossEntropy(), fa.SGD(0.1), x, target, order, 2, augment=augment)
    np.testing.assert_array_equal(np.concatenate(seen), x[order])


def test_each_example_is_trained_on_with_its_own_label():
    """An epoch of two batches is two steps by hand."""
    net, twin = dense_net("tanh"), dense_net("tanh")
    x, order, loss = batch(net, 6)[0], np.array([5, 0, 3, 1]), fa.SoftmaxCrossEntropy()
    target = np.eye(3)[[0, 1, 2, 0, 1, 2]]  # the labels of the first two and of the last two differ
    learn.run_epoch(net, fa.BP(net), loss, fa.SGD(0.1), x, target, order, 2)
    for two in (order[:2], order[2:]):
        fa.train_step(twin, fa.BP(twin), loss, fa.SGD(0.1), x[two], target[two])
    for name, p in net.parameters().items():
        np.testing.assert_array_equal(p, twin.parameters()[name])


def test_bytes_become_0_to_1_and_standardised_values_are_minus_mean_over_deviation():
    net = fa.mlp("3-2", dtype="float64")
    np.testing.assert_allclose(net.to_float(np.array([[0, 51, 255]], np.uint8)), [[0, 0.2, 1]], rtol=1e-15)
    net.standardise(np.array([2.0]), np.array([4.0]))
    np.testing.assert_allclose(net.to_float(np.array([[2.0, 6.0, -2.0]])), [[0, 1, -1]], rtol=1e-15)


def test_angles_are_signed_and_undefined_ones_are_left_out_of_a_mean():
    assert float(metrics.angle(np.array([1.0, 0]), np.array([-1.0, 0]))) == 180
    assert np.isnan(metrics.cosine(np.array([0.0, 0]), np.array([1.0, 0])))
    mean = metrics._per_example(metrics.angle)
    assert mean(2, np.array([[1.0, 0], [0, 0]]), np.array([[0, 1.0], [1, 0]])) == pytest.approx(90)


@pytest.mark.parametrize(
    "spec, variance",
    [
        ("fan_in", 1 / 400),
        ("he", 2 / 400),
        ("glorot", 2 / 600),
        ("uniform_fan_in", 1 / 1200),
        ("uniform_fan_out", 1 / 600),
        ("kaiming_fan_out", 2 / 200),
        ("akrout", 1 / 600),
        ("normal:0.3", 0.09),
        ("uniform:0.3", 0.03),
    ],
)
def test_an_initialiser_has_the_variance_of_its_table(spec, variance):
    drawn = init.draw(spec, np.random.default_rng(0), (400, 200))
    assert drawn.var() == pytest.approx(variance, rel=0.03) and abs(drawn.mean()) < 4 * (variance / drawn.size) ** 0.5


@pytest.mark.parametrize("name", ["kp", "brsf", "wm", "dtp"])
def test_a_run_that_goes_on_from_its_checkpoint_ends_where_one_without_a_stop_ends(name, tmp_path):
    def run():
        net = fa.Network(6, [fa.Dense(5, fa.BatchNorm(), "tanh"), fa.Dense(4, "tanh"), fa.Dense(3)], dtype="float64")
        net.standardise(np.array([0.5]), np.array([2.0]))
        return net, fa.make_rule(name, net), fa.Adam(lambda step: 0.1 / (1 + step), decay=0.01, decoupled=True)

    def go(net, rule, optimizer, epochs, history=()):
        return fa.fit(net, rule, fa.SoftmaxCrossEntropy(), optimizer, data(), epochs=epochs, batch_size=5,
                      history=history)  # fmt: skip

    whole, half, again = run(), run(), run()
    go(*whole, 4)
    checkpoint.save(tmp_path / "half.npz", *half, go(*half, 2))
    history, _ = checkpoint.load(tmp_path / "half.npz", *again)
    go(*again, 4, history)
    for (_, a), (_, b) in zip(everything(whole[1]).items(), everything(again[1]).items()):
        np.testing.assert_array_equal(a, b)
    net = fa.load_net(tmp_path / "half.npz")
    x = data().x_test
    np.testing.assert_array_equal(net.predict(x), half[0].predict(x))


def test_a_checkpoint_of_another_rule_seed_or_activation_is_refused(tmp_path):
    net = fa.mlp("6-5-3")
    checkpoint.save(tmp_path / "a.npz", net, fa.BRSF(net), fa.SGD(0.1), [])
    with pytest.raises(fa.InputError, match="rule seed"):
        checkpoint.load(tmp_path / "a.npz", net, fa.BRSF(net, seed=1), fa.SGD(0.1))
    other = fa.mlp("6-5-3", "relu")
    with pytest.raises(fa.InputError, match="made with layer 1"):
        checkpoint.load(tmp_path / "a.npz", other, fa.BRSF(other), fa.SGD(0.1))
