"""What each rule reads and waits for: what the papers say of it, and what the probe measures."""

import contextlib
import functools
import io
import re
import runpy
from pathlib import Path

import numpy as np
import pytest

import numpyfa as fa
from numpyfa import cli
from numpyfa.laws import needs as probe
from numpyfa.laws.nets import batch, dense_net, train
from numpyfa.metrics import angle

NAMES = [*fa.RULES, *fa.VARIANTS]
DOWN, UP = "one by one, down", "one by one, up"

# What the papers say: W above, other deltas, error, target, own pass, feedback, what it learns from, updates.
EXPECTED = {
    "bp": ("W", "above", "yes", "-", "-", "-", "-", DOWN),
    "fa": ("-", "above", "yes", "-", "-", "fixed", "-", DOWN),
    "usf": ("signs", "above", "yes", "-", "-", "-", "-", DOWN),
    "frsf": ("signs", "above", "yes", "-", "-", "fixed", "-", DOWN),
    "brsf": ("signs", "above", "yes", "-", "-", "redrawn", "-", DOWN),
    "kp": ("-", "above", "yes", "-", "-", "learns", "activities, delta", DOWN),
    "wm": ("-", "above", "yes", "-", "a phase", "learns", "its own pass", DOWN),
    "pfa": ("-", "above", "yes", "-", "-", "learns", "activities, delta", DOWN),
    "pfa-o": ("-", "above", "yes", "-", "-", "learns", "activities, delta", DOWN),
    "sparse-pfa": ("-", "above", "yes", "-", "-", "learns", "activities, delta", DOWN),
    "sa": ("-", "above", "yes", "-", "-", "learns", "W", DOWN),
    "aa": ("-", "above", "yes", "-", "-", "learns", "activities", DOWN),
    "ia": ("-", "above", "yes", "-", "-", "learns", "activities", DOWN),
    "dtp": ("W of the output layer", "above", "yes", "-", "a phase", "learns", "activities, its own pass", DOWN),
    "sdtp": ("-", "above", "yes", "yes", "a phase", "learns", "activities, its own pass", DOWN),
    "lra-e": ("-", "above", "yes", "-", "-", "learns", "activities, delta", DOWN),
    "pseudo": ("W", "above", "yes", "-", "-", "-", "-", DOWN),
    "dfa": ("-", "-", "yes", "-", "-", "fixed", "-", "all together"),
    "kdfa": ("-", "-", "yes", "-", "-", "fixed", "-", "all together"),
    "sdfa": ("-", "-", "its sign", "-", "-", "fixed", "-", "at once"),
    "sparse-dfa": ("-", "-", "yes", "-", "-", "fixed", "-", "all together"),
    "bdfa": ("-", "-", "yes", "-", "-", "fixed, drawn from W", "-", "all together"),
    "cdfa": (
        "conv: W; dense: -", "conv: above; dense: -", "yes", "-", "-", "fixed", "-",
        f"conv: {DOWN}; dense: all together",
    ),
    "cbdfa": (
        "conv: W; dense: -", "conv: above; dense: -", "yes", "-", "-",
        "conv: fixed; dense: fixed, drawn from W", "-", f"conv: {DOWN}; dense: all together",
    ),
    "ifa": ("-", "below", "yes", "-", "with the signal", "fixed", "-", UP),
    "drtp": ("-", "-", "-", "yes", "-", "fixed", "-", "at once"),
    "dkp": ("-", "-", "yes", "-", "-", "learns", "activities, error", "all together"),
    "greedy": ("-", "-", "-", "yes", "-", "learns", "activities, target", "at once"),
    "shallow": ("-", "-", "-", "-", "-", "-", "-", "never"),
}  # fmt: skip


measured = functools.cache(probe.measure)


def needs(name):
    return probe.in_words(measured(name), probe.conv_and_dense())


def of_dense(name):
    """What is expected where all layers are dense."""
    return EXPECTED[{"cdfa": "dfa", "cbdfa": "bdfa"}.get(name, name)]


def mlp_of_five_layers():
    sizes = (8, 7, 6, 7)
    return fa.Network(9, [*(fa.Dense(n, "tanh") for n in sizes), fa.Dense(3)], dtype="float64", seed=4)


def test_29_names_are_held_to_their_papers_and_a_table_has_the_rows_that_are_asked_for():
    assert len(EXPECTED) == 29 and set(EXPECTED) <= set(NAMES)
    assert [row[0] for row in probe.table(["fa", "dfa"])] == ["rule", "fa", "dfa"]


@pytest.mark.parametrize("name", EXPECTED)
def test_a_rule_reads_and_waits_for_what_its_paper_says_and_nothing_else(name):
    assert tuple(needs(name).values()) == EXPECTED[name]


@pytest.mark.parametrize("name", EXPECTED)
def test_a_rule_needs_the_same_in_a_net_of_dense_layers(name):
    assert tuple(probe.needs(name, mlp_of_five_layers).values()) == of_dense(name)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_not_read_moves_a_gradient_by_1e_12_at_most_and_what_is_read_by_1e_4_or_more(name):
    figures = [value for each in measured(name).values() for value in each.values()]
    assert [value for value in figures if 1e-12 < value < 1e-4] == []


@pytest.mark.parametrize("name", [name for name in NAMES if name != "shallow"])
def test_the_probes_hand_reaches_what_a_layer_is_told(name):
    """Else a rule that goes round `receive` would seem to read no delta."""
    net = probe.conv_and_dense()
    for number in probe.asked(net):
        scenes = [scene_of(name) for _ in range(2)]
        probe.tell_otherwise(scenes[1], lambda other, number=number: other == number)
        before, after = (probe.update(scene, number) for scene in scenes)
        assert all((before[key] != after[key]).all() for key in before) and before


def scene_of(name):
    net = probe.conv_and_dense()
    x, target = batch(net, probe.EXAMPLES)
    traces = net.forward(x, train=True)
    output = fa.SoftmaxCrossEntropy().output(net, traces, target)
    return probe.Scene(fa.make_rule(name, net), traces, output, np.random.default_rng(0))


# -- A rule of one's own ---------------------------------------------------------------------------------------------


class OneMillionthOfW(fa.FA):
    def stand_in(self, layer, own):
        return own["B"] + 1e-6 * layer.W.T


class LearnsFromSignsOfW(fa.KP):
    def feedback_gradients(self, layer, own, trace, signal, output):
        return {"B": np.sign(layer.W).T}


class AsksTheClass(fa.DFA):
    def project(self, layer, own, trace, output):
        return (output.error + 1e-3 * output.target) @ own["B"]


def test_a_rule_of_ones_own_has_its_row_and_one_millionth_of_W_is_found():
    assert probe.needs(OneMillionthOfW) == needs("fa") | {"W above": "W"}
    assert probe.needs(LearnsFromSignsOfW) == needs("kp") | {"it learns from": "W"}
    assert probe.needs(AsksTheClass) == needs("dfa") | {"target": "yes"}


def test_strict_sign_feedback_also_reads_the_size_of_W():
    assert needs("usf")["W above"] == "signs"
    assert probe.needs(lambda net: fa.USF(net, scale="strict"))["W above"] == "W"


# -- Beside Li & Benna's Table 1 -------------------------------------------------------------------------------------

# (no transport of the sign, none of the magnitude, no phase in which feedback alone learns); their "SF" is our usf.
LI_BENNA = {
    "bp": (False, False, True),
    "fa": (True, True, True),
    "dfa": (True, True, True),
    "usf": (False, True, None),  # None: partly, since it is "unclear how SF could be learned"; ours learns nothing
    "kp": (True, True, True),
    "wm": (True, True, False),
    "pfa": (True, True, True),
}


@pytest.mark.parametrize("name", LI_BENNA)
def test_a_row_that_li_and_benna_have_too_agrees_with_theirs(name):
    found = needs(name)
    reads = {"W": (False, False), "signs": (False, True), "-": (True, True)}[found["W above"]]
    mine = (*reads, found["own pass"] != "a phase")
    assert all(theirs is None or ours == theirs for ours, theirs in zip(mine, LI_BENNA[name]))


def test_explicit_symmetry_kp_and_wm_end_in_one_matrix_that_is_W_T_and_pfa_in_none():
    """Their fourth row. The path of product feedback comes near W^T, and no part of it is W^T."""
    kp, wm = (after_training(name, "B") for name in ("kp", "wm"))
    assert max(kp) < 1 and max(wm) < 5
    rule = train(fa.SparsePFA(dense_net("tanh"), density=1.0), fa.SGD(0.1, decay=0.1), 700)
    for number, own in rule.feedback.items():
        W, n = rule.net[number].W.T, len(rule.net[number].W.T)
        parts = [own["R"][i : i + n] for i in range(0, len(own["R"]), n)]
        assert len(parts) == 10 and min(degrees(W, part) for part in parts) > 30
        assert degrees(W, own["B"] @ own["R"]) < 20


def after_training(name, array):
    """The angle between W^T and a feedback array, layer by layer, after 700 steps on one batch."""
    rule = train(fa.make_rule(name, dense_net("tanh")), fa.SGD(0.1, decay=0.1), 700)
    return [degrees(rule.net[number].W.T, own[array]) for number, own in rule.feedback.items()]


def degrees(a, b):
    return float(angle(a.reshape(-1), b.reshape(-1)))


# -- Locking ---------------------------------------------------------------------------------------------------------


def test_the_sign_of_the_error_is_known_before_the_output_under_softmax_and_not_under_the_squared_error(rng):
    h, target = rng.standard_normal((1000, 10)), np.eye(10)[rng.integers(0, 10, 1000)]
    known = 1 - 2 * target
    assert (np.sign(fa.SoftmaxCrossEntropy()(h, target)[1]) == known).all()
    assert 0.3 < (np.sign(fa.SquaredError()(h, target)[1]) == known).mean() < 0.7


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    printed, path = io.StringIO(), Path(__file__).parents[1] / "tutorials" / "04_straight_from_the_output.py"
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(printed):
        patch.setattr(plt, "show", lambda: plt.close("all"))
        patch.setenv("NUMPYFA_PROGRESS", str(tmp_path_factory.mktemp("course") / "progress.json"))
        return runpy.run_path(str(path)) | {"printed": printed.getvalue()}


@pytest.mark.parametrize(
    "name, way", [("drtp", "at_once"), ("greedy", "at_once"), ("dfa", "together"), ("dkp", "together")]
)
def test_after_20_batches_layers_that_do_not_wait_have_the_librarys_weights_to_the_last_bit(page, mnist, name, way):
    nets = [fa.mlp("784-50-40-30-10", dtype="float32") for _ in range(2)]
    rules = [fa.make_rule(name, net) for net in nets]
    optimizers = {layer.number: fa.SGD(0.05, momentum=0.9, decay=1e-3) for layer in nets[0].layers}
    common, loss = fa.SGD(0.05, momentum=0.9, decay=1e-3), fa.SoftmaxCrossEntropy()
    x, y = nets[0].to_float(nets[0].as_input(mnist.x_train[:400])), fa.one_hot(mnist.y_train[:400], 10, "float32")
    for i in range(0, 400, 20):
        page[f"learn_{way}"](nets[0], rules[0], loss, optimizers, x[i : i + 20], y[i : i + 20])
        fa.train_step(nets[1], rules[1], loss, common, x[i : i + 20], y[i : i + 20])
    mine, librarys = (net.parameters() | rule.arrays() for net, rule in zip(nets, rules))
    for key, array in librarys.items():
        np.testing.assert_array_equal(mine[key], array, err_msg=key)


def test_at_once_means_that_a_layer_has_learnt_before_the_next_one_runs_on_its_old_h(page, rng):
    net = fa.mlp("6-5-4-3")
    before, seen = net[1].W.copy(), []
    forward = net[2].forward
    net[2].forward = lambda h, **more: seen.append((net[1].W.copy(), h)) or forward(h, **more)
    x, y = rng.standard_normal((7, 6)).astype("float32"), np.eye(3, dtype="float32")[rng.integers(0, 3, 7)]
    old = net[1].forward(x).h
    optimizers = {number: fa.SGD(0.1) for number in (1, 2, 3)}
    page["learn_at_once"](net, fa.DRTP(net), fa.SoftmaxCrossEntropy(), optimizers, x, y)
    [(W, h)] = seen
    assert (before != W).mean() > 0.9 and np.array_equal(h, old)


def test_the_page_on_layers_in_parallel_prints_weights_0_apart(page):
    assert re.findall(r"weights (\S+) from", page["printed"]) == ["0.0"] * 3
    assert re.search(r"^drtp +hidden layers update at once$", page["printed"], re.M)


# -- The command -----------------------------------------------------------------------------------------------------


def test_the_command_prints_the_rows_of_the_rules_that_are_named(capsys):
    assert cli.main(["needs", "sa", "cdfa"]) == 0
    head, *rows = capsys.readouterr().out.splitlines()
    assert head.split("  ")[0] == "rule" and [row.split()[0] for row in rows] == ["sa", "cdfa"]
    assert cli.main(["needs", "dfaa"]) == 2 and "did you mean 'dfa'" in capsys.readouterr().err
