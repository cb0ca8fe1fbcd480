"""What the engine promises whoever uses it from Python: clear words for bad input, copies, files, readable objects."""

import copy
import pickle

import numpy as np
import pytest
import standin

import numpyfa as fa
from numpyfa.backend import outer
from numpyfa.convolution import FAST_FORM
from numpyfa.laws import nets as law_nets
from numpyfa.layers import Weighted


def step(net, rule, x=None, target=None, loss=None):
    batch = law_nets.batch(net)
    x = batch[0].astype(net.dtype) if x is None else x
    target = batch[1].astype(net.dtype) if target is None else target
    return fa.train_step(net, rule, loss or fa.SoftmaxCrossEntropy(), fa.SGD(0.1), x, target)


# -- Bad input -------------------------------------------------------------------------------------------------------


def test_a_rule_of_another_net_does_not_train_in_a_step():
    net, other = fa.mlp("6-5-3"), fa.mlp("6-5-3")
    with pytest.raises(fa.InputError, match="bound to another net"):
        step(net, fa.FA(other))


@pytest.mark.parametrize(
    "x, message",
    [
        ([[0.0] * 6], "found a list"),
        (np.zeros((0, 6), "float32"), "N from 1, found float32 of shape .0, 6."),
        (np.zeros((2, 6), int), "found int64 of shape"),
        (np.zeros((2, 5), "float32"), r"shape \(N, 6\).*found float32 of shape \(2, 5\)"),
    ],
)
def test_a_batch_that_is_none_is_refused_with_what_it_should_be(x, message):
    net = fa.mlp("6-5-3")
    with pytest.raises(fa.InputError, match=message):
        step(net, fa.BP(net), x=x, target=np.zeros((len(x), 3), "float32"))


@pytest.mark.parametrize("number", [np.nan, np.inf])
def test_an_input_or_a_target_that_is_no_number_trains_nothing(number):
    """A tanh of infinity is 1, so the loss alone would not tell."""
    net = fa.mlp("6-5-3")
    x, target = (each.astype("float32") for each in law_nets.batch(net))
    before = {name: p.copy() for name, p in net.parameters().items()}
    bad_x, bad_target = x.copy(), target.copy()
    bad_x[2, 3] = bad_target[1, 1] = number
    with np.errstate(all="ignore"):
        with pytest.raises(fa.Diverged, match="the input holds NaN, infinity or numbers too large"):
            step(net, fa.BP(net), bad_x, target)
        with pytest.raises(fa.Diverged, match="the target holds NaN or infinity"):
            step(net, fa.BP(net), x, bad_target)
    for name, p in net.parameters().items():
        np.testing.assert_array_equal(p, before[name])


def test_a_large_input_whose_sum_overflows_still_trains():
    net = fa.mlp("6-5-3")
    x = np.full((2, 6), 3e38, "float32")
    with np.errstate(over="ignore"):
        assert np.isfinite(step(net, fa.BP(net), x, np.eye(3, dtype="float32")[:2]))


@pytest.mark.parametrize("dtype", ["int64", "bool", "complex64", "object"])
def test_examples_of_a_kind_that_nothing_scales_are_refused(dtype):
    net = fa.mlp("6-5-3")
    with pytest.raises(fa.InputError, match=f"bytes .uint8, 0 to 255. or floats, found {dtype}"):
        net.predict(np.zeros((2, 6), dtype))


def test_the_input_of_a_pass_cannot_be_changed_through_its_trace():
    net, x = fa.mlp("6-5-3"), np.ones((2, 6), "float32")
    with pytest.raises(ValueError, match="read-only"):
        net.forward(x)[1].x[...] = 0
    x[0, 0] = 2  # the caller's own array stays his


@pytest.mark.parametrize("labels", [[0, 3], [-1, 0], [0.0, 1.0], [True, False]])
def test_labels_that_are_no_classes_are_refused(labels):
    with pytest.raises(fa.InputError, match="labels must be whole numbers from 0 to 2"):
        fa.one_hot(labels, 3, "float32")


def test_a_target_that_is_a_list_is_refused():
    net = fa.mlp("6-5-3")
    with pytest.raises(fa.InputError, match="target must be an array of the output's shape .2, 3.*found a list"):
        step(net, fa.BP(net), np.zeros((2, 6), "float32"), [0, 1])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_gradient_of_one_example_is_its_outer_product_to_the_last_bit(dtype):
    rng = np.random.default_rng(0)
    x, delta = rng.standard_normal((1, 50)).astype(dtype), rng.standard_normal((1, 7)).astype(dtype)
    found = outer(x, delta)
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, x.T * delta)


def test_images_with_the_channels_first_are_refused_where_they_would_be_scrambled():
    net = fa.Network((4, 5, 3), [fa.Conv(2, 3), fa.Dense(2)])
    with pytest.raises(fa.InputError, match=r"channels last: x.transpose\(0, 2, 3, 1\), found 7 of \(3, 4, 5\)"):
        net.predict(np.zeros((7, 3, 4, 5)))
    with pytest.raises(fa.InputError, match=r"channels last"):
        fa.mlp("3072-10").predict(np.zeros((2, 3, 32, 32)))
    images = np.arange(7 * 60, dtype=np.uint8).reshape(7, 4, 5, 3)
    np.testing.assert_array_equal(net.predict(images), net.predict(images.reshape(7, 60)))


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: fa.Dense(2.7), "size must be a whole number"),
        (lambda: fa.Conv(2, 3.5), "kernel must be a whole number"),
        (lambda: fa.Conv(2, 3, stride=1.5), "stride must be a whole number"),
        (lambda: fa.Conv(2, 3, padding=0.5), "padding must be a whole number"),
        (lambda: fa.MaxPool(2.5), "window must be a whole number"),
        (lambda: fa.MaxPool(2, 0), "stride must be a whole number from 1"),
        (lambda: fa.Subsample(1.5), "distance must be a whole number"),
        (lambda: fa.mlp("6-5-3", seed=2.7), "seed must be a whole number"),
        (lambda: fa.FA(fa.mlp("6-5-3"), seed=2.7), "seed must be a whole number"),
        (lambda: fa.Network((4, 4, 0), [fa.Dense(3)]), "each size of the input must be a whole number from 1"),
        (lambda: fa.Network(4, [fa.Dense(3), "tanh"]), "made of layers, .* found 'tanh'"),
        (lambda: fa.Dense(3, 7), "local operations or their names, found 7"),
        (lambda: fa.FA("784-10"), "a rule is made for a network"),
        (lambda: fa.SGD("0.1"), "learning rate must be a number above 0"),
        (lambda: fa.Dense(3, bias="no"), "bias must be True or False, found 'no'"),
        (lambda: fa.mlp("6-5-3", init="normal:1e39"), "draws numbers too large for float32"),
        (lambda: fa.FA(fa.mlp("6-5-3"), init="normal:1e39"), "draws numbers too large for float32"),
    ],
)
def test_a_number_that_cannot_be_is_refused_and_not_rounded(make, message):
    with pytest.raises(fa.InputError, match=message):
        make()


def test_a_batch_size_of_2_5_is_refused(mini):
    net = fa.mlp("784-10")
    with pytest.raises(fa.InputError, match="batch size must be a whole number from 1, found 2.5"):
        fa.fit(net, fa.BP(net), fa.SoftmaxCrossEntropy(), fa.SGD(0.1), mini, epochs=1, batch_size=2.5)


def test_a_warning_names_the_users_line(mini):
    net = fa.mlp("784-10")
    with pytest.warns(UserWarning, match="kp: without a decay") as found:
        fa.fit(net, fa.KP(net), fa.SoftmaxCrossEntropy(), fa.SGD(0.1), mini.part(20, 10), epochs=0, batch_size=10)
    assert found[0].filename == __file__


def test_a_stream_of_random_numbers_is_known_by_its_name_its_numbers_and_its_seed():
    def first(seed, *name):
        return fa.Streams(seed)(*name).random()

    one = first(0, "weights", 2)
    assert one == first(0, "weights", 2)
    assert len({one, first(0, "feedback", 2), first(0, "weights", 3), first(1, "weights", 2)}) == 4


# -- The fast form and the definition --------------------------------------------------------------------------------


def test_a_convolution_with_a_fold_of_its_own_runs_by_it():
    class Halved(fa.Conv):
        def fold(self, rows):
            return super().fold(rows) / 2

    class Mixed(type("Mixin", (), {"fold": Halved.fold}), fa.Conv):
        pass

    for kind in (Halved, Mixed):
        assert all(getattr(kind, name) is vars(Weighted)[name] for name in FAST_FORM)
    plain, halved = (
        fa.Network((5, 5, 1), [fa.Conv(2, 3), kind(3, 2), fa.Dense(2)], dtype="float64") for kind in (fa.Conv, Halved)
    )
    gradients = [law_nets.outcome(net, fa.BP(net))[1]["1.W"] for net in (plain, halved)]
    np.testing.assert_allclose(gradients[1], gradients[0] / 2, rtol=1e-12)


# -- Copies and files ------------------------------------------------------------------------------------------------


def trained(device="cpu", name="kp"):
    net = fa.Network((6, 6, 2), [fa.Conv(3, 3, fa.BatchNorm(), "relu", "maxpool"), fa.Dense(5, fa.LeakyReLU(0.2)),
                                 fa.Dense(3)], device=device)  # fmt: skip
    net.standardise(np.array([0.5, 0.2]), np.array([2.0, 3.0]))
    rule = fa.make_rule(name, net)
    x, target = (net.module.asarray(each.astype("float32")) for each in law_nets.batch(net))
    fa.train_step(net, rule, fa.SoftmaxCrossEntropy(), fa.SGD(0.1, decay=0.1), x, target)
    return net, rule


@pytest.mark.parametrize("device", ["cpu", standin])
@pytest.mark.parametrize("copied", [copy.deepcopy, lambda both: pickle.loads(pickle.dumps(both))])
@pytest.mark.parametrize("name", ["bp", "kp", "dkp", "sdtp"])
def test_a_copied_net_and_rule_go_on_as_the_first_ones_would_and_leave_them_alone(device, copied, name):
    net, rule = trained(device, name)
    again, rule_again = copied((net, rule))
    assert rule_again.net is again and again.module is net.module
    before = fa.backend.to_host(net[1].W).copy()
    x, target = (net.module.asarray(each.astype("float32")) for each in law_nets.batch(net, seed=1))
    values = []
    for _ in range(2):
        values.append(fa.train_step(again, rule_again, fa.SoftmaxCrossEntropy(), fa.SGD(0.1), x, target))
    np.testing.assert_array_equal(fa.backend.to_host(net[1].W), before)
    assert values == [fa.train_step(net, rule, fa.SoftmaxCrossEntropy(), fa.SGD(0.1), x, target) for _ in range(2)]
    arrays = [n.parameters() | n.running() | r.arrays() for n, r in ((net, rule), (again, rule_again))]
    for key, array in arrays[0].items():
        np.testing.assert_array_equal(fa.backend.to_host(array), fa.backend.to_host(arrays[1][key]), err_msg=key)


def test_a_pickle_holds_its_arrays_on_the_host():
    raw = pickle.dumps(trained(standin))
    assert b"Array" not in raw and b"ndarray" in raw


def test_every_rule_can_be_copied():
    for name in fa.RULES:
        net = fa.mlp("6-5-4-3")
        rule = pickle.loads(pickle.dumps(fa.make_rule(name, net, seed=3)))
        for key, array in fa.make_rule(name, net, seed=3).arrays().items():
            np.testing.assert_array_equal(rule.arrays()[key], array)


def every_kind_of_net():
    convs = [fa.Conv(3, 3, fa.BatchNorm(0.2), "relu", fa.MaxPool(2, 1), padding=1, bias=False)]
    mixed = [
        *convs,
        fa.Conv(3, 3, "softplus", fa.AvgPool(2), stride=2, padding=1, init="he"),
        fa.Dense(5, "tanh", fa.Dropout(0.3)),
        fa.Dense(4, fa.LeakyReLU(0.2)),
        fa.Dense(3, bias=False),
    ]
    return {
        "mixed": fa.Network((7, 8, 2), mixed, dtype="float64"),
        "mlp": fa.mlp("6-5-3"),
        "lenet": fa.lenet(),
        "resnet8": fa.resnet8(),
        "resnet20": fa.make_net("resnet20", input_shape=(8, 8, 3)),
    }


@pytest.mark.parametrize("kind, net", every_kind_of_net().items())
def test_a_saved_net_comes_back_whole(tmp_path, kind, net):
    if kind != "mlp":
        net.standardise(np.array([0.5] * net.input_shape[2]), np.array([2.0] * net.input_shape[2]))
    for index, array in enumerate((net.parameters() | net.running()).values()):
        array += 0.01 * (index + 1)
    fa.save(tmp_path / "net.npz", net)
    again = fa.load_net(tmp_path / "net.npz")
    assert repr(again) == repr(net) and again.sources == net.sources
    x = np.random.default_rng(0).integers(0, 256, (4, *net.input_shape)).astype(np.uint8)
    np.testing.assert_array_equal(again.predict(x), net.predict(x))
    arrays = net.parameters() | net.running()
    assert arrays.keys() == (again.parameters() | again.running()).keys()


def test_a_net_in_a_checkpoint_is_opened_the_same_way(tmp_path):
    net, rule = trained()
    fa.checkpoint.save(tmp_path / "c.npz", net, rule, fa.SGD(0.1), [])
    x = np.random.default_rng(0).integers(0, 256, (4, *net.input_shape)).astype(np.uint8)
    np.testing.assert_array_equal(fa.load_net(tmp_path / "c.npz").predict(x), net.predict(x))
    with pytest.raises(fa.InputError, match="no numpyfa checkpoint .it does not say rule"):
        fa.save(tmp_path / "n.npz", net)
        fa.checkpoint.read(tmp_path / "n.npz")


def test_a_layer_of_ones_own_is_not_saved_into_a_file_that_could_not_be_opened(tmp_path):
    class Mine(fa.Dense):
        pass

    with pytest.raises(fa.InputError, match="Mine is a class of your own.* pickle the net"):
        fa.save(tmp_path / "n.npz", fa.Network(4, [Mine(3)]))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"hello"])
def test_a_file_that_is_no_net_is_refused(tmp_path, content):
    (tmp_path / "n.npz").write_bytes(content)
    with pytest.raises(fa.InputError, match="n.npz"):
        fa.load_net(tmp_path / "n.npz")


def test_objects_say_what_they_are():
    net = fa.Network((6, 6, 2), [fa.Conv(3, 3, "relu", fa.MaxPool(3, 2), padding=1), fa.Dense(3)])
    assert repr(net[1]) == "Conv(3, kernel=3, ReLU(), MaxPool(3, stride=2), padding=1)"
    assert repr(net).splitlines() == [
        "Network of 2 layers, 96 parameters, float32",
        "  0  (6, 6, 2)",
        "  1  (2, 2, 3)  Conv(3, kernel=3, ReLU(), MaxPool(3, stride=2), padding=1)",
        "  2  (3,)  Dense(3)",
    ]
    assert repr(fa.KP(net)) == "KP(seed=0, init='akrout')"
    assert repr(fa.SGD(0.1, momentum=0.9)) == "SGD(0.1, momentum=0.9)"


# -- Progress --------------------------------------------------------------------------------------------------------


def test_fit_tells_each_batch_and_shows_no_bar_then(mini, capsys):
    net, told = fa.mlp("784-10"), []
    fa.fit(net, fa.BP(net), fa.SoftmaxCrossEntropy(), fa.SGD(0.1), mini.part(50, 10), epochs=2, batch_size=20,
           after_batch=lambda *where: told.append(where))  # fmt: skip
    assert told == [(1, 1, 3), (1, 2, 3), (1, 3, 3), (2, 1, 3), (2, 2, 3), (2, 3, 3)]
    assert capsys.readouterr().err == ""
