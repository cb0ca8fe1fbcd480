"""Training, checkpoints and resuming."""

import json
import math
import pickle
import tracemalloc

import numpy as np
import pytest

import numpyfa as fa
from numpyfa import checkpoint
from numpyfa.laws import nets as law_nets
from numpyfa.learn import one_hot, run_epoch


def job(rule="fa", seed=0, sizes="784-20-10", **options):
    net = fa.mlp(sizes, seed=seed, **options)
    return net, fa.make_rule(rule, net, seed), fa.SoftmaxCrossEntropy(), fa.SGD(0.1, momentum=0.9)


def test_the_history_starts_untrained_and_has_one_row_an_epoch(mini):
    history = fa.fit(*job(), mini, epochs=2, batch_size=50)
    assert [row["epoch"] for row in history] == [0, 1, 2]
    assert history[0]["loss"] == pytest.approx(math.log(10), rel=0.2) and history[0]["train_error"] > 70
    assert set(history[0]) == {"epoch", "loss", "train_error", "test_error", "test_loss", "angle_1", "weight_angle_2"}


def test_the_recorded_errors_are_those_of_predict(mini):
    net, rule, loss, optimizer = job()
    history = fa.fit(net, rule, loss, optimizer, mini, epochs=1, batch_size=50)
    wrong = net.predict(mini.x_test).argmax(axis=1) != mini.y_test
    assert history[-1]["test_error"] == 100 * wrong.mean()


def test_every_example_is_seen_once_an_epoch_in_an_order_that_the_seed_and_epoch_fix(mini):
    seen = []

    class Spy(fa.SoftmaxCrossEntropy):
        def output(self, net, traces, target, batch_number=1):
            if len(target) in (300, 200):  # the batches; the alignment is measured on 1000
                seen.append(target.argmax(axis=1))
            return super().output(net, traces, target, batch_number)

    for seed in (0, 0, 1):
        net, rule, _, optimizer = job()
        fa.fit(net, rule, Spy(), optimizer, mini, epochs=2, batch_size=300, seed=seed)
    assert [len(batch) for batch in seen[:7]] == [300] * 6 + [200], "the last, smaller batch is kept"
    epochs = [np.concatenate(seen[i : i + 7]) for i in range(0, len(seen), 7)]
    for labels in epochs:
        np.testing.assert_array_equal(np.bincount(labels), np.bincount(mini.y_train))
    assert np.array_equal(epochs[0], epochs[2]) and np.array_equal(epochs[1], epochs[3])
    assert not np.array_equal(epochs[0], epochs[1]) and not np.array_equal(epochs[0], epochs[4])


PHASES = [("greedy", {"stage": 15}), ("wm", {"every": 5, "steps": 3, "control": "norm"}), ("sdtp", {})]


@pytest.mark.parametrize("rule, options", [(name, {}) for name in fa.RULES] + PHASES)
def test_a_resumed_run_equals_an_uninterrupted_one_bit_for_bit(tmp_path, mini, rule, options):
    """With momentum, batch norm and dropout, so that every kind of state has to come back."""
    data = mini.part(200, 100)

    def build():
        conv, dense = [fa.BatchNorm(), "relu", fa.MaxPool(4)], ["tanh", fa.Dropout(0.2)]
        if rule == "ifa":
            conv = conv[:2]
        if rule == "lra-e":
            conv, dense = ["relu"], ["tanh"]
        layers = [fa.Conv(3, 5, *conv, stride=2), fa.Dense(20, *dense), fa.Dense(10)]
        net = fa.Network((28, 28, 1), layers, seed=1)
        return (
            net,
            fa.make_rule(rule, net, 1, **options),
            fa.SoftmaxCrossEntropy(),
            fa.SGD(0.05, momentum=0.9, decay=1e-3),
        )

    whole = build()
    expected = fa.fit(*whole, data, epochs=4, batch_size=16)
    first = build()
    history = fa.fit(*first, data, epochs=2, batch_size=16)
    checkpoint.save(tmp_path / "c.npz", first[0], first[1], first[3], history)
    second = build()
    history, _ = checkpoint.load(tmp_path / "c.npz", second[0], second[1], second[3])
    assert second[3].step == first[3].step == 26
    assert str(fa.fit(*second, data, epochs=4, batch_size=16, history=history)) == str(expected)
    for name, p in (second[0].parameters() | second[0].running()).items():
        np.testing.assert_array_equal(p, (whole[0].parameters() | whole[0].running())[name])


LEARNING = [name for name, kind in fa.RULES.items() if kind.learned]


@pytest.mark.parametrize("rule", LEARNING)
def test_three_steps_of_two_equal_optimisers_are_those_of_one_bit_for_bit(rule, rng):
    def sgd():
        return fa.SGD(lambda step: 0.5 / (1 + step), momentum=0.9, decay=0.1)

    def trained(two):
        net = fa.mlp("6-5-4-3")
        bound, first, second = fa.make_rule(rule, net), sgd(), sgd() if two else None
        for x in batches:
            fa.train_step(net, bound, fa.SoftmaxCrossEntropy(), first, x, target, feedback_optimizer=second)
        assert not two or first.step == second.step == 3
        return net.parameters() | bound.parameters()

    batches, target = rng.standard_normal((3, 3, 6)).astype("float32"), np.eye(3, dtype="float32")
    one, two = trained(False), trained(True)
    assert any(name.startswith("feedback.") for name in one)
    for name, p in one.items():
        np.testing.assert_array_equal(p, two[name])


def test_with_adam_for_B_W_takes_SGDs_step_and_B_takes_Adams(rng):
    """Webster et al.'s DKP. Two steps of Adam by hand: m and s are unbiased by 1 - 0.9^step and 1 - 0.999^step."""
    net = fa.mlp("6-5-3", dtype="float64")
    rule, loss, sgd, adam = fa.DKP(net), fa.SoftmaxCrossEntropy(), fa.SGD(0.5, decay=0.1), fa.Adam(0.01, decay=0.2)
    m = s = 0.0
    for step in (1, 2):
        x, target = rng.standard_normal((3, 6)), np.eye(3)
        traces = net.forward(x, train=True)
        gradients = rule.gradients(traces, loss.output(net, traces, target))
        W, B = net[1].W.copy(), rule.feedback[1]["B"].copy()
        fa.train_step(net, rule, loss, sgd, x, target, feedback_optimizer=adam)
        np.testing.assert_allclose(net[1].W, W - 0.5 * (gradients["1.W"] + 0.1 * W), rtol=1e-14)
        g = gradients["feedback.1.B"] + 0.2 * B
        m, s = 0.9 * m + 0.1 * g, 0.999 * s + 0.001 * g**2
        expected = B - 0.01 * (m / (1 - 0.9**step)) / (np.sqrt(s / (1 - 0.999**step)) + 1e-8)
        np.testing.assert_allclose(rule.feedback[1]["B"], expected, rtol=1e-12)
    assert set(sgd.memory) == {"1.W", "1.b", "2.W", "2.b"} and set(adam.memory) == {"feedback.1.B"}


def test_the_schedule_of_the_second_optimiser_counts_its_own_3_steps_an_epoch(mini):
    steps = []
    net, _, loss, sgd = job()
    second = fa.SGD(lambda step: steps.append(step) or 0.01)
    steps.clear()  # the optimiser asks for its first rate when it is made
    fa.fit(net, fa.DKP(net), loss, sgd, mini.part(30, 10), epochs=2, batch_size=10, feedback_optimizer=second)
    assert steps == [0, 1, 2, 3, 4, 5] and sgd.step == second.step == 6


@pytest.mark.parametrize(
    "rule, second, message",
    [
        ("fa", fa.SGD(0.1), "which FA has not: leave it out, or choose from kp, pfa, .*dkp"),
        ("kp", 0.1, "feedback_optimizer must be an Optimizer, found 0.1"),
        ("kp", None, "W's own optimizer: leave it out"),
    ],
)
def test_a_second_optimiser_that_is_none_or_has_nothing_to_do_is_refused(mini, rule, second, message):
    net, bound, loss, sgd = job(rule)
    second = sgd if second is None else second
    with pytest.raises(fa.InputError, match=message):
        fa.fit(net, bound, loss, sgd, mini, epochs=1, batch_size=50, feedback_optimizer=second)
    with pytest.raises(fa.InputError, match=message):
        fa.train_step(net, bound, loss, sgd, np.ones((1, 784), "float32"), np.eye(10)[:1], feedback_optimizer=second)


def test_kp_and_product_feedback_warn_of_another_optimiser_and_dkp_does_not(mini, recwarn):
    def warned(rule, second):
        net, bound, loss, _ = job(rule)
        recwarn.clear()
        fa.fit(net, bound, loss, fa.SGD(0.1, decay=1e-4), mini.part(20, 10), epochs=1, batch_size=10,
               feedback_optimizer=second)  # fmt: skip
        return [str(each.message) for each in recwarn]

    for rule in ("kp", "pfa", "sparse-pfa"):
        found = warned(rule, fa.Adam(0.001))
        assert len(found) == 1 and found[0].startswith(
            f"{rule}: its law asks for feedback that takes the updates of W's"
        )
        assert not warned(rule, fa.SGD(0.1, decay=1e-4)), "two of the same keep the law"
    assert not warned("dkp", fa.Adam(0.001)) and not warned("sa", fa.Adam(0.001))


def with_two(lr=0.001, kind=fa.Adam, **options):
    net = fa.mlp("784-20-10", seed=3)
    return net, fa.DKP(net, seed=3), fa.SGD(0.05, momentum=0.9), kind(lr, **options)


def test_a_run_of_two_optimisers_resumes_bit_for_bit(tmp_path, mini):
    def go(job, epochs, history=()):
        net, rule, sgd, second = job
        return fa.fit(net, rule, fa.SoftmaxCrossEntropy(), sgd, mini.part(60, 20), epochs=epochs, batch_size=20,
                      history=history, feedback_optimizer=second)  # fmt: skip

    whole, first, again = with_two(), with_two(), with_two()
    expected, history = go(whole, 4), go(first, 2)
    checkpoint.save(tmp_path / "c.npz", *first[:3], history, feedback_optimizer=first[3])
    history, _ = checkpoint.load(tmp_path / "c.npz", *again)
    assert again[2].step == again[3].step == 6 and set(again[3].arrays()) == {"feedback.1.B.m", "feedback.1.B.s"}
    assert go(again, 4, history) == expected
    np.testing.assert_array_equal(again[1].feedback[1]["B"], whole[1].feedback[1]["B"])
    assert fa.load_net(tmp_path / "c.npz")[1].W.shape == (784, 20)


def test_a_checkpoint_keeps_the_second_optimisers_step_beside_that_of_the_first(tmp_path):
    """A second one may come later: then the two have taken 7 and 2 steps."""
    one, other = with_two(), with_two()
    one[2].step, one[3].step = 7, 2
    checkpoint.save(tmp_path / "c.npz", *one[:3], [], feedback_optimizer=one[3])
    checkpoint.load(tmp_path / "c.npz", *other)
    assert (other[2].step, other[3].step) == (7, 2)


@pytest.mark.parametrize(
    "second, message",
    [
        (None, r"made with feedback optimizer .*Adam.*, but this run uses None"),
        (fa.SGD(0.001), r"feedback optimizer .*Adam.*, but this run uses .*SGD"),
        (fa.Adam(0.002), r"feedback optimizer .*'lr': 0.001.*, but this run uses .*'lr': 0.002"),
        (fa.Adam(0.001, decay=0.1), r"feedback optimizer .*'decay': 0.0.*, but this run uses .*'decay': 0.1"),
        (fa.Adam(lambda step: 0.001), r"'lr': 0.001.*, but this run uses .*'lr': 'a schedule'"),
    ],
)
def test_a_checkpoint_with_another_second_optimiser_is_refused_and_nothing_is_changed(tmp_path, second, message):
    net, rule, sgd, adam = with_two()
    checkpoint.save(tmp_path / "c.npz", net, rule, sgd, [], feedback_optimizer=adam)
    net[1].W[...] = 7
    with pytest.raises(fa.InputError, match=message):
        checkpoint.load(tmp_path / "c.npz", net, rule, sgd, second)
    assert (net[1].W == 7).all()


def test_a_checkpoint_from_before_second_optimisers_goes_on_with_one_and_is_refused_with_two(tmp_path):
    net, rule, sgd, adam = with_two()
    path = tmp_path / "c.npz"
    checkpoint.save(path, net, rule, sgd, [])
    arrays = dict(np.load(path))
    meta = json.loads(arrays["meta"].tobytes())
    del meta["feedback optimizer"], meta["feedback step"]
    np.savez(path, **(arrays | {"meta": np.frombuffer(json.dumps(meta).encode(), np.uint8)}))
    assert checkpoint.load(path, net, rule, sgd) == ([], {})
    with pytest.raises(fa.InputError, match="made with feedback optimizer None, but this run uses .*Adam"):
        checkpoint.load(path, net, rule, sgd, adam)


def test_a_second_optimiser_whose_rate_is_too_large_is_named_with_its_rate(mini):
    net = fa.mlp("784-20-10", "relu")
    rule, sgd = fa.DKP(net), fa.SGD(0.05)
    with pytest.raises(fa.Diverged, match=r"now 0.05, and 1e\+30 for the feedback"):
        fa.fit(net, rule, fa.SoftmaxCrossEntropy(), sgd, mini, epochs=2, batch_size=100,
               feedback_optimizer=fa.SGD(1e30))  # fmt: skip


def test_a_diverging_run_stops_with_the_step_the_layer_and_the_cause(mini):
    net, rule, loss, _ = job("bp")
    loss, optimizer = fa.SquaredError(), fa.SGD(1e30)
    message = r"step \d+, first seen in the output of layer \d.*learning rate.*try 1e\+29"
    with np.errstate(all="ignore"), pytest.raises(fa.Diverged, match=message):
        fa.fit(net, rule, loss, optimizer, mini, epochs=3, batch_size=16)


def test_a_run_that_diverges_in_the_last_batch_of_an_epoch_stops_too(mini):
    net, rule, _, _ = job("bp")
    with np.errstate(all="ignore"), pytest.raises(fa.Diverged, match=r"at step 1"):
        fa.fit(net, rule, fa.SquaredError(), fa.SGD(1e38), mini, epochs=1, batch_size=2000)


def test_the_advice_names_the_learning_rate_that_did_it(mini):
    net, rule, _, _ = job("bp")
    optimizer = fa.SGD(lambda step: 1e38 if step == 0 else 1.0)
    with np.errstate(all="ignore"), pytest.raises(fa.Diverged, match=r"now 1e\+38"):
        fa.fit(net, rule, fa.SquaredError(), optimizer, mini, epochs=1, batch_size=2000)


def test_numbers_too_large_for_the_dtype_are_not_blamed_on_the_learning_rate(mini):
    big = fa.Dataset("big", np.full((20, 4), 1e300), np.arange(20) % 3, np.ones((5, 4)), np.arange(5) % 3, 3)
    net = fa.mlp("4-5-3")
    with np.errstate(all="ignore"), pytest.raises(fa.Diverged, match="numbers too large for float32"):
        fa.fit(net, fa.BP(net), fa.SoftmaxCrossEntropy(), fa.SGD(0.1), big, epochs=1, batch_size=5)


def test_a_rule_of_another_net_is_refused(mini):
    net, _, loss, optimizer = job()
    with pytest.raises(fa.InputError, match="bound to another net"):
        fa.fit(net, job()[1], loss, optimizer, mini, epochs=1, batch_size=50)


def test_train_and_test_error_are_of_the_training_and_the_test_set(mini):
    """The test labels are turned by one class, so a net that learns is right on one set and wrong on the other."""
    turned = fa.Dataset("turned", mini.x_train, mini.y_train, mini.x_test, (mini.y_test + 1) % 10, 10)
    last = fa.fit(*job(), turned, epochs=5, batch_size=20)[-1]
    assert last["train_error"] < 5 and last["test_error"] > 85 and last["loss"] < 0.2


def test_the_alignment_is_measured_on_1000_examples(mini):
    sizes = set()

    class Spy(fa.SoftmaxCrossEntropy):
        def __call__(self, h, target):
            sizes.add(len(h))
            return super().__call__(h, target)

    net, rule, _, optimizer = job()
    fa.fit(net, rule, Spy(), optimizer, fa.load("mnist").part(1100, 10), epochs=1, batch_size=300)
    assert sizes == {300, 200, 1000, 100, 10}


def test_data_that_does_not_fit_the_net_is_refused(mini):
    with pytest.raises(fa.InputError, match=r"examples of shape \(100,\), found 2000 of \(28, 28, 1\)"):
        fa.fit(*job(sizes="100-10"), mini, epochs=1, batch_size=16)
    with pytest.raises(fa.InputError, match="10 classes, but the net has 7 outputs"):
        fa.fit(*job(sizes="784-7"), mini, epochs=1, batch_size=16)
    with pytest.raises(fa.InputError, match="the batch size must be a whole number from 1, found 0"):
        fa.fit(*job(), mini, epochs=1, batch_size=0)


def test_batch_norm_learns_and_its_running_values_serve_evaluation(mini):
    net = fa.Network(784, [fa.Dense(30, fa.BatchNorm(), "relu"), fa.Dense(10)])
    history = fa.fit(net, fa.BP(net), fa.SoftmaxCrossEntropy(), fa.SGD(0.1), mini, epochs=5, batch_size=20)
    assert history[-1]["train_error"] < 3
    assert all(np.abs(value).max() > 0.01 for value in net.running().values())


def test_one_hot_rows():
    np.testing.assert_array_equal(one_hot(np.array([2, 0]), 3, "float32"), [[0, 0, 1], [1, 0, 0]])


@pytest.fixture
def saved(tmp_path):
    net, rule, _, optimizer = job()
    x = np.ones((3, 784), "float32")
    fa.train_step(net, rule, fa.SoftmaxCrossEntropy(), optimizer, x, np.eye(10, dtype="float32")[:3])
    path = tmp_path / "c.npz"
    checkpoint.save(path, net, rule, optimizer, [{"epoch": 0, "loss": 1.5, "angle_1": math.nan}], {"seed": 0})
    return path, net, rule, optimizer


def test_a_checkpoint_gives_back_everything(saved):
    path, net, rule, optimizer = saved
    other = (fa.mlp("784-20-10", seed=5), None, None, fa.SGD(0.1, momentum=0.9))
    other = (other[0], fa.FA(other[0]), None, other[3])
    history, about = checkpoint.load(path, other[0], other[1], other[3])
    assert str(history) == "[{'epoch': 0, 'loss': 1.5, 'angle_1': nan}]" and about == {"seed": 0}
    assert other[3].step == optimizer.step == 1
    for mine, theirs in ((net.parameters(), other[0].parameters()), (rule.arrays(), other[1].arrays()),
                         (optimizer.arrays(), other[3].arrays())):  # fmt: skip
        assert mine.keys() == theirs.keys() and len(mine)
        for name in mine:
            np.testing.assert_array_equal(mine[name], theirs[name])


@pytest.mark.parametrize(
    "other, message",
    [
        (
            lambda: job(sizes="784-30-10"),
            r"made with layer 1 .*'size': 20.*, but this run uses .*'size': 30",
        ),
        (lambda: job(sizes="784-20-20-10"), "made with a net of 2 layers, but this run uses 3"),
        (lambda: job(activation="relu"), "made with layer 1 .*Tanh.*, but this run uses .*ReLU"),
        (lambda: (job()[0], *job(seed=1)[1:]), "made with rule seed 0, but this run uses 1"),
        (lambda: job(dtype="float64"), "made with dtype float32, but this run uses float64"),
        (lambda: job("dfa"), "made with rule FA, but this run uses DFA"),
        (lambda: (*job()[:3], fa.Adam(0.1)), "made with optimizer SGD, but this run uses Adam"),
    ],
)
def test_a_checkpoint_of_another_run_is_refused_and_nothing_is_changed(saved, other, message):
    net, rule, _, optimizer = other()
    before = {name: p.copy() for name, p in net.parameters().items()}
    with pytest.raises(fa.InputError, match=message):
        checkpoint.load(saved[0], net, rule, optimizer)
    for name, p in net.parameters().items():
        np.testing.assert_array_equal(p, before[name])


def test_a_checkpoint_with_another_nets_optimiser_memory_is_refused(saved):
    path, net, rule, optimizer = saved
    arrays = dict(np.load(path))
    arrays["optimizer/1.W.v"] = np.zeros((3, 3), "float32")
    np.savez(path, **arrays)
    with pytest.raises(fa.InputError, match=r"another net: optimizer/1.W.v has the shape \(3, 3\)"):
        checkpoint.load(path, *job()[:2], job()[3])


@pytest.mark.parametrize("meta", [b"[1]", b"{}", b'{"format": 3}', b"null"])
def test_a_checkpoint_with_foreign_notes_is_refused(saved, meta):
    path = saved[0]
    np.savez(path, **(dict(np.load(path)) | {"meta": np.frombuffer(meta, np.uint8)}))
    with pytest.raises(fa.InputError, match="no numpyfa checkpoint"):
        checkpoint.read(path)


@pytest.mark.parametrize("keep", [0, 10, 0.3, 0.9, 0.999])
def test_a_truncated_checkpoint_is_refused_and_nothing_is_changed(saved, keep):
    path, net, rule, optimizer = saved
    raw = path.read_bytes()
    path.write_bytes(raw[: keep if isinstance(keep, int) else int(keep * len(raw))])
    other = job(seed=5)
    before = other[0].layers[0].W.copy()
    with pytest.raises(fa.InputError, match="truncated, damaged or no numpyfa checkpoint"):
        checkpoint.load(path, other[0], other[1], other[3])
    np.testing.assert_array_equal(other[0].layers[0].W, before)


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04 nonsense"])
def test_a_file_that_is_no_checkpoint_is_refused(tmp_path, content):
    (tmp_path / "c.npz").write_bytes(content)
    with pytest.raises(fa.InputError, match="truncated, damaged or no numpyfa checkpoint"):
        checkpoint.read(tmp_path / "c.npz")


def test_a_failing_write_leaves_the_old_checkpoint_and_no_litter(saved, monkeypatch):
    path, net, rule, optimizer = saved
    before = path.read_bytes()

    def fail(file, **arrays):
        file.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", fail)
    with pytest.raises(fa.InputError, match="No space left on device"):
        checkpoint.save(path, net, rule, optimizer, [])
    assert path.read_bytes() == before and [each.name for each in path.parent.iterdir()] == ["c.npz"]


@pytest.mark.parametrize("name", ["bp", "kp", "dkp", "ifa", "dtp", "greedy"])
def test_a_step_uses_exactly_the_gradients_of_the_whole_list_of_signals(name):
    """The gradients that the optimiser gets, layer by layer, are those of `rule.signals` bit for bit."""
    net, given = fa.mlp("6-5-4-3", dtype="float64"), {}

    class Spy(fa.SGD):
        def update(self, parameters, gradients):
            given.update(gradients)

    rule, rng = fa.make_rule(name, net), np.random.default_rng(0)
    rule.settle = lambda traces, output: None  # dtp's inverses would learn here
    x, target = rng.standard_normal((5, 6)), np.eye(3)[[0, 1, 2, 0, 1]]
    fa.train_step(net, rule, fa.SoftmaxCrossEntropy(), Spy(0.1), x, target)
    traces = net.forward(x, train=True)
    output = fa.SoftmaxCrossEntropy().output(net, traces, target)
    signals, expected = dict(rule.signals(traces, output)), {}
    for number, signal in signals.items():
        own = net[number].gradients(traces[number], signal)
        expected |= {f"{number}.{key}": gradient for key, gradient in own.items()}
        if number in rule.feedback:
            own = rule.feedback_gradients(net[number], rule.feedback[number], traces[number], signal, output)
            expected |= {f"feedback.{number}.{key}": gradient for key, gradient in own.items()}
    assert given.keys() == expected.keys()
    for key, gradient in expected.items():
        np.testing.assert_array_equal(given[key], gradient)


def test_a_step_never_holds_all_signals_at_once():
    """30 layers of 64 units, 1000 examples: besides traces and gradients at most 6 maps, where all signals are 60."""
    import tracemalloc

    net, rng = fa.mlp("-".join(["64"] * 31)), np.random.default_rng(0)
    x, target = rng.standard_normal((1000, 64), np.float32), np.eye(64, dtype=np.float32)[rng.integers(0, 64, 1000)]
    one = x.nbytes
    tracemalloc.start()
    fa.train_step(net, fa.BP(net), fa.SoftmaxCrossEntropy(), fa.SGD(0.1), x, target)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    weights = sum(each.nbytes for each in net.parameters().values())
    assert 30 * one < peak < 30 * one + 2 * weights + 6 * one


def test_a_transposed_data_set_is_trained_on_without_a_copy_of_it_for_each_batch():
    """4 MB of bytes, channels first: taking a batch out of such a view copies all of it."""
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (4000, 3, 18, 18), dtype=np.uint8).transpose(0, 2, 3, 1)
    y = fa.one_hot(rng.integers(0, 10, 4000), 10, np.float32)
    order = np.arange(400)
    weights, peaks = [], []
    for data in (x, x.copy()):
        net = fa.Network((18, 18, 3), [fa.Dense(10)])
        tracemalloc.start()
        run_epoch(net, fa.BP(net), fa.SoftmaxCrossEntropy(), fa.SGD(0.1), data, y, order, 4)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        weights.append(net[1].W)
    np.testing.assert_array_equal(*weights)
    assert peaks[0] < x.nbytes + peaks[1] + 1e6


@pytest.mark.parametrize("name", fa.RULES)
def test_what_a_rule_says_of_a_batch_leaves_nothing_behind_in_it(name):
    """Not even a signal to save work: a pickle of the rule would hold it."""
    net = law_nets.dense_net("tanh")
    rule, (x, target) = fa.make_rule(name, net), law_nets.batch(net, 2)
    before = pickle.dumps(rule)
    traces = net.forward(x, train=True)
    rule.gradients(traces, fa.SoftmaxCrossEntropy().output(net, traces, target))
    assert pickle.dumps(rule) == before
