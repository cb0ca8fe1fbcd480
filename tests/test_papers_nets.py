"""The equations of the papers' experiments that train nets in a loop of their own."""

import math

import numpy as np
import pytest

import numpyfa as fa
from numpyfa.learn import train_step
from numpyfa.losses import LogisticCrossEntropy, SquaredError
from numpyfa.models import mlp
from numpyfa.optim import SGD
from numpyfa.papers.frenkel_synthetic import verdict as synthetic_verdict
from numpyfa.papers.frenkel_synthetic import work as synthetic
from numpyfa.papers.launay_bottleneck import verdict as bottleneck_verdict
from numpyfa.papers.launay_bottleneck import work as bottleneck
from numpyfa.papers.li_benna_sparse import verdict as sparse_verdict
from numpyfa.papers.li_benna_sparse import work as sparse
from numpyfa.papers.lillicrap_task3 import verdict as task3_verdict
from numpyfa.papers.lillicrap_task3 import work as task3
from numpyfa.papers.nokland_frozen import verdict as frozen_verdict
from numpyfa.papers.nokland_frozen import work as frozen
from numpyfa.papers.refinetti_labels import verdict as labels_verdict
from numpyfa.papers.refinetti_labels import work as labels


@pytest.mark.parametrize("rule_name", ["bp", "fa"])
def test_after_20_examples_each_of_the_trials_side_by_side_equals_the_librarys_net(rule_name):
    """Two trials and two candidates at once, against train_step with batches of one."""
    seeds, sizes, rates = [3, 4], "30-20-10-10", np.array([0.01, 0.03])[:, None, None, None]
    nets = [(np.repeat(W[None], 2, axis=0), np.repeat(b[None], 2, axis=0))
            for W, b in task3.draw_nets(sizes, seeds, "student")]  # fmt: skip
    B = task3.draw_feedback(sizes, seeds, np.array([0.5, 2.0])[:, None, None, None]) if rule_name == "fa" else None
    net = mlp(sizes, dtype="float64")
    rule = fa.make_rule(rule_name, net)
    for layer, (W, b) in zip(net.layers, nets):  # candidate 1 of trial 0
        layer.W[...], layer.b[...] = W[1, 0], b[1, 0, 0]
    for number in rule.feedback if B else ():
        rule.feedback[number]["B"][...] = B[number - 1][1, 0]
    x = task3.draw_inputs(seeds, "block", 0, 20)
    y = x[..., :10] ** 2
    optimizer = SGD(0.03)
    for i in range(20):
        task3.learn(nets, B, [rates] * 3, x[:, i : i + 1], y[:, i : i + 1])
        train_step(net, rule, SquaredError(), optimizer, x[0, i : i + 1], y[0, i : i + 1])
    for layer, (W, b) in zip(net.layers, nets):
        np.testing.assert_allclose(layer.W, W[1, 0], rtol=0, atol=1e-13)
        np.testing.assert_allclose(layer.b, b[1, 0, 0], rtol=0, atol=1e-13)


def test_the_normalised_squared_error_of_two_points_is_a_fifth():
    """h = (1, 1) at both; y = (1, 1) and (2, 2): errors 0 and 2, norms 2 and 8."""
    net = [(np.zeros((1, 1, 2, 2)), np.ones((1, 1, 1, 2)))]
    y = np.array([[[1.0, 1.0], [2.0, 2.0]]])
    assert task3.error(net, np.zeros((1, 2, 2)), y) == pytest.approx(0.2)


def test_a_verdict_on_depth_counts_trials_and_names_a_choice_at_the_edge():
    settings = {"students": ["a", "b"], "rates": [0.1, 0.2, 0.3], "tells": [1.0, 2.0, 3.0]}

    def say(wins, rate):
        rows = [{"rule": rule, "nse_a": 0.2, "nse_b": 0.1, "chosen_a": "0.2, 2", "chosen_b": f"{rate}, 2",
                 "deeper is better in": f"{wins} of 4"} for rule in ("bp", "fa")]  # fmt: skip
        return task3_verdict.verdict(settings, rows)

    assert say(4, 0.2)[0].endswith("4 of 4: as the paper says") and len(say(4, 0.2)) == 3
    assert say(1, 0.2)[0].endswith("not as the paper says")
    assert say(4, 0.3)[3] == "chosen at the edge of the grid: bp in b, rate 0.3, fa in b, rate 0.3"


def test_label_noise_of_one_half_draws_half_of_the_labels_anew_and_one_in_ten_of_those_stays(rng):
    label = np.full(100_000, 3)
    changed = labels.corrupt(label, 0.5, rng) != 3
    assert changed.mean() == pytest.approx(0.45, abs=0.005)  # three standard deviations
    assert (labels.corrupt(label, 0.0, rng) == 3).all() and len(set(labels.corrupt(label, 1.0, rng))) == 10


def test_an_image_of_half_the_side_has_the_mean_of_each_2_by_2():
    image = np.zeros((1, 28, 28), np.uint8)
    image[0, :2, 2:4] = [[51, 102], [153, 204]]
    halved = labels.halve(image.reshape(1, -1))
    assert halved.shape == (1, 196) and halved[0, 1] == pytest.approx(0.5) and halved.sum() == pytest.approx(0.5)


def test_weights_that_are_products_of_the_feedback_align_by_1_and_their_signals_do_too_where_it_is_orthogonal():
    """W_2 = F_1 F_2^T and W_3 = F_2: strong weight alignment. With F_2^T F_2 = I and f' = 1 BP's signals are DFA's."""
    net = mlp("4-12-12-10", "identity", dtype="float64")
    dfa = fa.make_rule("dfa", net, init="orthogonal")
    B1, B2 = (dfa.feedback[number]["B"] for number in (1, 2))
    net[2].W[...], net[3].W[...] = B1.T @ B2, B2.T
    assert labels.weight_alignment(dfa) == pytest.approx({"weights_2": 1, "weights_3": 1, "weights": 1})
    traces = net.forward(np.random.default_rng(0).standard_normal((5, 4)))
    output = SquaredError().output(net, traces, np.ones((5, 10)))
    assert labels.gradient_alignment(dfa, traces, output) == pytest.approx(
        {"signals_1": 1, "signals_2": 1, "signals": 1}
    )
    net[3].W[...] *= -1
    assert labels.weight_alignment(dfa)["weights_3"] == pytest.approx(-1)


def test_a_verdict_on_noise_calls_a_change_one_if_it_exceeds_two_standard_deviations():
    def rows(*values):
        return [{"noise": noise, "weights": value, "weights_sd": 0.1} for noise, value in zip((0, 0.9), values)]

    assert labels_verdict.change(*rows(0.8, 0.3), "weights") == "falls from 0.80 at noise 0 to 0.30 at 0.9"
    assert labels_verdict.change(*rows(0.3, 0.8), "weights").startswith("rises")
    assert labels_verdict.change(*rows(0.5, 0.4), "weights").startswith("hardly changes")
    one = [row | {"weights_sd": math.nan} for row in rows(0.41, 0.12)]
    said = "goes from 0.41 at noise 0 to 0.12 at 0.9 (one seed: no spread is known)"
    assert labels_verdict.change(*one, "weights") == said


def test_a_bottleneck_of_3_lets_3_units_of_layer_2_learn_and_all_of_the_layers_beside_it(rng):
    net = mlp("6-20-20-20-4")
    mask = bottleneck.open_units(net, 3, seed=0)
    rule = bottleneck.NarrowDFA(net, seed=0, mask=mask)
    traces = net.forward(rng.standard_normal((8, 6)).astype(np.float32))
    gradients = rule.gradients(traces, SquaredError().output(net, traces, np.ones((8, 4), np.float32)))
    learning = {number: (gradients[f"{number}.W"] != 0).any(axis=0) for number in (1, 2, 3, 4)}
    assert [int(each.sum()) for each in learning.values()] == [20, 3, 20, 4]
    assert (learning[2] == (mask == 1)).all()
    assert (bottleneck.open_units(net, 5, seed=0) >= mask).all()  # a wider one holds the narrower
    assert (rule.feedback[1]["B"] == rule.feedback[3]["B"]).all()


def test_bp_through_a_bottleneck_of_all_units_is_bp_and_through_none_tells_the_layer_below_nothing(rng):
    net = mlp("6-20-20-20-4", dtype="float64")
    traces = net.forward(rng.standard_normal((8, 6)))
    output = SquaredError().output(net, traces, np.ones((8, 4)))
    true = fa.make_rule("bp", net).gradients(traces, output)
    for mask, wanted in ((np.ones(20), true["1.W"]), (np.zeros(20), 0 * true["1.W"])):
        found = bottleneck.NarrowBP(net, mask=mask).gradients(traces, output)
        np.testing.assert_array_equal(found["1.W"], wanted)
        np.testing.assert_array_equal(found["3.W"], true["3.W"])


def test_a_verdict_on_the_bottleneck_tells_learning_through_few_units_from_reading_few():
    def say(narrow, read, sd=0.01):
        rows = [{"units": 1, "below": narrow, "below_sd": sd, "below, read only": read},
                {"units": 800, "below": 0.9, "below_sd": sd, "below, read only": 0.9}]  # fmt: skip
        return bottleneck_verdict.verdict({}, [row | {"two masks": 0.0} for row in rows])

    assert say(0.1, 0.8)[0].endswith("less the fewer units hear") and "less than half of the loss" in say(0.1, 0.8)[1]
    assert say(0.95, 0.2)[0].endswith("in no such order") and "most of the loss" in say(0.1, 0.2)[1]
    assert say(0.1, 0.8, math.nan)[0].endswith("one seed: no spread is known")


@pytest.mark.parametrize("name", ["fa", "dfa", "usf"])
def test_of_sparse_feedback_a_tenth_exists_and_with_all_of_it_the_rule_is_the_librarys(name):
    net = mlp("50-200-100-10", "relu", init="glorot")
    own = {"init": "glorot"} if name != "usf" else {}
    plain, whole = fa.make_rule(name, net, seed=1, **own), sparse.RULES[name](net, seed=1, density=1.0)
    few = sparse.RULES[name](net, seed=1, density=0.1)
    for layer in few.receiving_layers():
        n = layer.number
        if name == "dfa":
            mine, all_of_it, theirs = (rule.feedback[n]["B"] for rule in (few, whole, plain))
        else:
            mine, all_of_it, theirs = (rule.stand_in(layer, rule.feedback[n]) for rule in (few, whole, plain))
        exists = mine != 0
        np.testing.assert_array_equal(all_of_it, theirs)
        np.testing.assert_array_equal(mine[exists], theirs[exists])  # nothing is scaled up
        assert exists.mean() == pytest.approx(0.1, abs=4 * (0.09 / exists.size) ** 0.5)


def test_the_burst_of_four_epochs_of_156_batches_forgets_as_much_as_theirs_of_937():
    """All but exp(-lr times the decays' sum / (1 - momentum))."""
    settings = sparse.SETTINGS
    sgd = sparse.make_sgd(settings, "pfa", 156)
    decays = [sgd.decay(step) for step in range(624 + 1)]
    assert sum(decays[:624]) == pytest.approx(937 * 0.03, rel=2e-3) and decays[624] == pytest.approx(9e-5)
    assert sparse.make_sgd(settings, "fa", 156).decay == 1e-4


def test_a_path_of_half_a_neuron_a_unit_lies_arctan_of_root_2_away():
    assert sparse_verdict.path_angle({"expansion": 10}, 0.05) == pytest.approx(54.7356, abs=1e-4)
    assert sparse_verdict.path_angle({"expansion": 10}, 0.1) == pytest.approx(45)


def test_a_step_of_all_layers_is_train_step_and_of_layer_1_alone_moves_only_that(rng):
    x, target = rng.standard_normal((8, 6)), np.eye(4)[rng.integers(0, 4, 8)]
    nets = [mlp("6-5-5-4", dtype="float64") for _ in range(4)]
    numbers = [1, 2, 3]
    for net, learning in zip(nets, (numbers, numbers[:1], ())):
        frozen.step(net, fa.make_rule("dfa", net), SGD(0.1), x, target, learning)
    train_step(nets[3], fa.make_rule("dfa", nets[3]), LogisticCrossEntropy(), SGD(0.1), x, target)
    for number in numbers:
        all_of_it, first, none, plain = (net[number].W for net in nets)
        np.testing.assert_array_equal(all_of_it, plain)
        np.testing.assert_array_equal(first, plain if number == 1 else none)
        assert (plain != none).all()


def test_a_verdict_on_frozen_layers_names_the_rules_that_improve_by_a_point():
    def say(fa_end):
        ends = {"bp": 5.0, "fa": fa_end, "dfa": 91.0}
        names = ["", *(f", layer 1 {part}" for part in frozen_verdict.PARTS)]
        rows = [{"rule": rule + name, "before": 90.0, "highest": 92.0, "train_error": end}
                for name in names for rule, end in ends.items()]  # fmt: skip
        return frozen_verdict.verdict({}, rows)

    assert say(89.5)[1].endswith("by a point or more improve: BP") and say(80.0)[2].endswith("improve: BP, FA")
    assert "after a rise to 92.0 %" in say(80.0)[0]


def test_the_ten_cosines_are_of_the_mean_of_the_inputs_half_a_turn_apart_from_first_to_last(rng):
    x, y = synthetic.cosines(rng, 400)
    mean = x.mean(axis=1)
    np.testing.assert_allclose(y[:, 0], np.sin(mean), atol=1e-12)  # cos(m - pi/2)
    np.testing.assert_allclose(y[:, 9], -np.sin(mean), atol=1e-12)
    assert (x - mean[:, None]).std() == pytest.approx(1, abs=0.01) and np.abs(mean).max() < np.pi + 0.3


def test_of_256_features_128_tell_the_class_and_each_class_has_5_clusters(rng, monkeypatch):
    """Without a label drawn anew and without a stretch the rows of a class lie at 5 corners of +-4.5."""
    x, _ = synthetic.hypercube(rng, 3000)
    variance = x.var(axis=0)  # 1, or 128/3 + 4.5^2
    assert (variance > 20).sum() == 128 and (variance < 2).sum() == 128
    monkeypatch.setattr(synthetic, "FLIPPED", 0.0)
    x, y = synthetic.hypercube(Still(rng), 3000)
    corners = {tuple(row) for row in np.round(x / 4.5, 6)}
    assert len(corners) == 50 and {abs(each) for row in corners for each in row} == {0.0, 1.0}
    of_each = [{tuple(row) for row in np.round(x[y[:, label] == 1] / 4.5, 6)} for label in range(10)]
    assert [len(each) for each in of_each] == [5] * 10 and len(set.union(*of_each)) == 50


class Still:
    """A generator whose normal numbers are all 0."""

    def __init__(self, rng):
        self.rng = rng

    def __getattr__(self, name):
        return np.zeros if name == "standard_normal" else getattr(self.rng, name)


def test_a_label_in_a_hundred_is_drawn_anew_and_nine_in_ten_of_those_are_wrong(rng):
    clean = Counts(rng)
    _, y = synthetic.hypercube(clean, 20_000)
    assert (y.argmax(axis=1) != clean.cluster % 10).mean() == pytest.approx(0.009, abs=0.002)


class Counts:
    """A generator that remembers the clusters, the second whole numbers it draws."""

    def __init__(self, rng):
        self.rng, self.drawn = rng, []

    def __getattr__(self, name):
        return getattr(self.rng, name)

    def integers(self, *arguments):
        self.drawn.append(self.rng.integers(*arguments))
        self.cluster = self.drawn[min(1, len(self.drawn) - 1)]
        return self.drawn[-1]


def test_the_order_of_rules_is_by_their_value_at_one_learning_rate():
    rows = [{"rule": "bp", "test_error": 2.0}, {"rule": "fa", "test_error": 1.0}, {"rule": "drtp", "test_error": ""},
            {"rule": "bp, rate x 4", "test_error": 0.5}, {"rule": "fa, rate x 4", "test_error": 0.7}]  # fmt: skip
    assert synthetic_verdict.order(rows, "test_error", 1.0) == "fa 1, bp 2"
    assert synthetic_verdict.order(rows, "test_error", 4.0) == "bp 0.5, fa 0.7"
