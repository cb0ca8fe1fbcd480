"""One training: as `fit` does it, and by the settings of its protocol."""

import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from numpyfa import cli
from numpyfa.errors import InputError
from numpyfa.lab.protocol import Protocol, build, own
from numpyfa.lab.spelling import read_optimizer, read_schedule
from numpyfa.lab.trial import train
from numpyfa.learn import run_epoch
from numpyfa.optim import SGD, Adam, hidden_multiples, step_schedule

SMALL = Protocol(net="784-12-10", rules=("bp", "fa"), epochs=1, seeds=2, examples=200, validation=100, batch_size=20)


def test_a_net_of_a_sweep_is_trained_as_fit_trains_it(mini):
    """The last row of both, to the last digit: order, noise and what is measured."""
    import numpyfa as fa

    protocol = replace(SMALL, epochs=2, measured=50)
    nothing_kept = SimpleNamespace(load=lambda *_: 0, after_epoch=lambda *_: None, after_batch=lambda *_: None)
    row = train(protocol, "fa", 3, mini, 2, nothing_kept)
    net, rule, loss, optimizer, _ = build(protocol, "fa", 3, mini)
    last = fa.fit(net, rule, loss, optimizer, mini, epochs=2, batch_size=20, seed=3, measured=50)[-1]
    assert row == {name: value for name, value in last.items() if name != "epoch"}


def test_a_small_set_is_not_a_claim_that_fa_is_better():
    """The judge of `over-fitting` asks for two standard errors."""
    from numpyfa.papers.poster import judge

    def rows(fa, sd):
        return [{"case": "x", "rule": rule, "test_error": value, "test_error_sd": sd, "test_loss": 1.0,
                 "test_loss_sd": 0.1} for rule, value in (("bp", 10.0), ("fa", fa))]  # fmt: skip

    settings = {"cases": {"x": {}}, "seeds": 8}
    assert judge(settings, rows(9.0, 0.5))[0] == (
        "x: FA minus BP -1.000 points of test error, standard error 0.250: FA is better"
    )
    assert judge(settings, rows(11.0, 0.5))[0].endswith("BP is better")
    assert judge(settings, rows(9.6, 0.5))[0].endswith("no difference that counts")


def test_hidden_layers_at_10_times_the_learning_rate_move_10_times_as_far(mini):
    nets = []
    for factor in (1.0, 10.0):
        net, rule, loss, optimizer, _ = build(replace(SMALL, hidden_lr=factor), "fa", 0, mini)
        before = {name: p.copy() for name, p in net.parameters().items()}
        x, target = net.to_float(net.as_input(mini.x_train[:20])), np.eye(10, dtype="float32")[mini.y_train[:20]]
        run_epoch(net, rule, loss, optimizer, x, target, np.arange(20), 20)
        nets.append({name: p - before[name] for name, p in net.parameters().items()})
    np.testing.assert_allclose(nets[1]["1.W"], 10 * nets[0]["1.W"], rtol=1e-3, atol=1e-7)
    np.testing.assert_allclose(nets[1]["2.W"], nets[0]["2.W"], rtol=1e-5, atol=1e-9)


@pytest.mark.filterwarnings("ignore")
def test_kps_gap_shrinks_by_its_law_also_where_hidden_layers_learn_10_times_as_fast(mini):
    """W - B^T of layer 2 of three shrinks by 1 - 10 lr decay a step, that of the last layer by 1 - lr decay."""
    protocol = replace(SMALL, net="784-12-12-10", hidden_lr=10.0, lr=0.01, decay=0.1, dtype="float64")
    net, rule, loss, optimizer, _ = build(protocol, "kp", 0, mini)

    def gaps():
        return np.array([np.linalg.norm(net[n].W.T - rule.feedback[n]["B"]) for n in (2, 3)])

    before = gaps()
    x, target = net.to_float(net.as_input(mini.x_train[:200])), np.eye(10)[mini.y_train[:200]]
    run_epoch(net, rule, loss, optimizer, x, target, np.arange(200), 20)
    np.testing.assert_allclose(gaps() / before, [(1 - 0.01) ** 10, (1 - 0.001) ** 10], rtol=1e-12)


@pytest.mark.parametrize("factor", [0, -1, math.inf, "10"])
def test_a_factor_of_the_hidden_learning_rate_must_be_above_0(factor, mini):
    net = build(SMALL, "bp", 0, mini)[0]
    with pytest.raises(InputError, match="hidden layers' learning rate must be a number above 0"):
        hidden_multiples(net, factor)


def test_a_schedule_of_two_factors_multiplies_by_each_in_its_turn():
    lr = step_schedule(0.8, [10, 20], [0.5, 0.25])
    assert [lr(step) for step in (0, 9, 10, 19, 20, 30)] == [0.8, 0.8, 0.4, 0.4, 0.1, 0.1]
    with pytest.raises(InputError, match="2 steps takes one factor or 2, found 1"):
        step_schedule(0.8, [10, 20], [0.5])


def test_a_schedule_by_epoch_falls_after_that_epochs_last_batch(mini):
    protocol = replace(SMALL, validation=0, lr=0.8, schedule=((1, 0.5), (3, 0.5)), drops=(0.5,), epochs=4)
    batches = -(-len(mini.x_train) // 20)
    lr = build(protocol, "bp", 0, mini)[3].lr
    per_epoch = [round(lr(epoch * batches), 9) for epoch in range(4)]
    assert per_epoch == [0.8, 0.4, 0.04, 0.02] and lr(batches - 1) == 0.8


def test_an_optimiser_is_written_with_its_options_and_a_schedule_with_its_factors():
    assert read_optimizer("adam:eps=1,beta1=0.5") == ("adam", {"eps": 1.0, "beta1": 0.5})
    assert read_optimizer("sgd:nesterov=true") == ("sgd", {"nesterov": True})
    assert read_schedule("20:0.5, 30:2") == ((20, 0.5), (30, 2.0))
    for word, message in (("adam:lr=1", "no option 'lr'"), ("adam:eps", "an option of an optimiser is written")):
        with pytest.raises(InputError, match=message):
            read_optimizer(word)
    for text in ("20", "20:x", "a:0.5", "20:0.5;30:1"):
        with pytest.raises(InputError, match="a schedule is written epochs:factor"):
            read_schedule(text)


def test_a_protocols_optimiser_takes_its_options_and_its_rules_their_initialisers(mini):
    protocol = replace(SMALL, optimizer="adam:eps=1", init_of=(("fa", "zeros"),), lr_of=(("fa:init=zeros", 7.0),))
    net, _, _, optimizer, _ = build(protocol, "fa:init=zeros", 0, mini)
    assert isinstance(optimizer, Adam) and optimizer.eps == 1 and optimizer.lr == 7.0 and not net[1].W.any()
    net, _, _, optimizer, _ = build(protocol, "bp", 0, mini)
    assert optimizer.lr == protocol.lr and net[1].W.any()
    nesterov = build(replace(SMALL, optimizer="sgd:nesterov=true", momentum=0.9), "bp", 0, mini)[3]
    assert isinstance(nesterov, SGD) and nesterov.nesterov and nesterov.momentum == 0.9
    assert own((("pfa", 1), ("pfa:expansion=5", 2)), "pfa:expansion=5", 0) == 2
    assert own((("pfa", 1),), "pfa:expansion=5", 0) == 1 and own((), "pfa", 0) == 0


def test_feedback_has_a_schedule_of_its_own_or_ws(mini):
    protocol = replace(SMALL, rules=("kp",), schedule=((1, 0.5),), feedback_optimizer="adam", feedback_lr=1.0)
    batches = -(-len(mini.x_train) // 20)
    assert build(protocol, "kp", 0, mini)[4].lr(batches) == 0.5
    theirs = replace(protocol, feedback_schedule=((1, 0.8),))
    optimizers = build(theirs, "kp", 0, mini)[3:]
    assert [each.lr(batches) for each in optimizers] == [0.05, 0.8]


@pytest.mark.parametrize(
    "words, message",
    [
        (["--schedule", "2"], "a schedule is written epochs:factor"),
        (["--schedule", "0:0.5"], "an epoch of the schedule"),
        (["--hidden-lr", "0"], "hidden layers' learning rate must be a number above 0"),
        (["--measured", "999999"], "measured"),
        (["--optimizer", "adam:epsilon=1"], "no option 'epsilon'"),
        (["--feedback-schedule", "2:0.5"], "--feedback-schedule is of a second optimiser"),
    ],
)
def test_bad_settings_are_one_line_and_exit_2(words, message, tmp_path, capsys):
    assert cli.main(["train", "--net", "784-5-10", "--rule", "kp", "--out", str(tmp_path / "x"), *words]) == 2
    lines = [line for line in capsys.readouterr().err.splitlines() if not line.startswith("numpyfa: warning: kp")]
    assert len(lines) == 1 and message in lines[0]


def test_the_training_error_of_the_first_50_examples_is_that_of_these(mini):
    import numpyfa as fa

    net = fa.mlp("784-10-10", seed=0)
    history = fa.fit(net, fa.BP(net), fa.SoftmaxCrossEntropy(), fa.SGD(0.1), mini, epochs=1, batch_size=50, measured=50)
    x, y = net.as_input(mini.x_train[:50]), mini.y_train[:50]
    loss, error = fa.learn.evaluate(net, fa.SoftmaxCrossEntropy(), x, y)
    assert history[-1]["train_error"] == error and history[-1]["loss"] == loss
    x, y = net.as_input(mini.x_test), mini.y_test
    assert history[-1]["test_loss"] == fa.learn.evaluate(net, fa.SoftmaxCrossEntropy(), x, y)[0]
