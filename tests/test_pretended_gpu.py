"""The pretended GPU refuses what CuPy refuses and more, counts what is asked of it, and computes as NumPy does."""

import numpy as np
import pytest

import numpyfa as fa
from numpyfa.course import mark
from numpyfa.course import pretended_gpu as gpu


def step_on(xp, n=16):
    rng = np.random.default_rng(0)
    net = fa.mlp("20-10-5", device=xp)
    rule, loss, optimizer = fa.FA(net), fa.SoftmaxCrossEntropy(), fa.SGD(0.1)
    x, target = xp.asarray(rng.random((n, 20), "float32")), xp.asarray(np.eye(5, dtype="float32")[np.arange(n) % 5])
    return net, lambda: fa.train_step(net, rule, loss, optimizer, x, target)


@pytest.mark.parametrize(
    "mix",
    [
        lambda x: x + np.ones(3),
        lambda x: np.ones(3) + x,
        lambda x: x @ np.ones((3, 2)),
        lambda x: np.asarray(x),
        lambda x: np.exp(x),
        lambda x: gpu.exp(np.ones(3)),
        lambda x: x.__setitem__(0, np.ones(3)),
    ],
)
def test_an_array_of_the_gpu_cannot_be_mixed_with_one_of_the_host(mix):
    with pytest.raises(TypeError):
        mix(gpu.asarray(np.ones((2, 3))))


def test_array_module_finds_it_and_numbers_may_be_mixed_in():
    x = gpu.asarray(np.ones((2, 3), "float32"))
    assert fa.array_module(x) is gpu
    assert np.array_equal((np.float32(2) * x + 1).get(), np.full((2, 3), 3.0))


def test_three_steps_of_training_leave_the_same_weights_to_the_last_bit():
    (host, work), (there, same) = step_on(np), step_on(gpu)
    for _ in range(3):
        work()
        same()
    for name, p in host.parameters().items():
        assert np.array_equal(p, there.parameters()[name].get()), name


def test_an_operation_is_one_launch_a_view_none_and_a_copy_has_its_bytes():
    x = gpu.asarray(np.ones((2, 3), "float32"))
    nothing = {"launches": 0, "bytes in": 0, "bytes out": 0, "waits": 0}
    assert gpu.count(lambda: x + 1) == nothing | {"launches": 1}
    assert gpu.count(lambda: x.T[:1]) == nothing
    assert gpu.count(lambda: gpu.asarray(np.ones(5))) == nothing | {"bytes in": 40}
    assert gpu.count(x.get) == nothing | {"bytes out": 24, "waits": 1}
    assert gpu.count(lambda: float(x.sum())) == {"launches": 1, "bytes in": 0, "bytes out": 4, "waits": 1}


def test_a_batch_32_times_as_large_has_at_most_a_tenth_more_launches():
    few, many = (gpu.count(step_on(gpu, n)[1])["launches"] for n in (16, 512))
    assert 20 < few <= many <= 1.1 * few


def test_what_comes_back_is_waited_for_and_counted_by_each_way_out():
    x = gpu.asarray(np.arange(6, dtype="float32").reshape(2, 3))
    back = {"launches": 0, "bytes in": 0, "bytes out": 24, "waits": 1}
    assert gpu.count(x.tolist) == back and x.tolist() == [[0, 1, 2], [3, 4, 5]]
    assert gpu.count(lambda: x.sum().item()) == back | {"launches": 1, "bytes out": 4}
    assert x.sum().item() == 15 and x.item(1, 2) == 5


@pytest.mark.parametrize(
    "launches, work",
    [
        (1, lambda x: x.T.reshape(-1)),  # a copy: its entries are in another order
        (0, lambda x: x.reshape(-1)),
        (0, lambda x: x.astype("float32", copy=False)),
        (1, lambda x: x.astype("float32")),
        (0, lambda x: gpu.asarray(x)),
        (0, lambda x: gpu.asarray(x, dtype="float32")),
        (1, lambda x: gpu.asarray(x, dtype="float64")),
        (1, lambda x: gpu.array(x)),
        (1, lambda x: gpu.exp(x, out=x)),
        (0, lambda x: gpu.swapaxes(x, 0, 1)),
    ],
)
def test_a_launch_is_counted_where_entries_are_made_or_moved_and_nowhere_else(launches, work):
    x = gpu.asarray(np.ones((2, 3), "float32"))
    assert gpu.count(lambda: work(x)) == {"launches": launches, "bytes in": 0, "bytes out": 0, "waits": 0}


@pytest.mark.parametrize("make", [gpu.asarray, gpu.array])
def test_a_host_array_comes_in_by_asarray_and_array_in_the_dtype_that_is_asked_for(make):
    asked = gpu.count(lambda: make(np.ones(5), dtype="float32"))
    assert asked == {"launches": 0, "bytes in": 20, "bytes out": 0, "waits": 0}
    assert make([1, 2], "float64").get().dtype == np.float64


def test_only_a_refusal_of_the_gpu_is_told_as_one():
    def other_mistake(z, target):
        if isinstance(z, gpu.Array):
            raise TypeError("another one")
        return mark("gpu.error", None).working(z, target)

    def mixed(z, target):
        return mark("gpu.error", None).working(z, target * np.ones(1, "float32"))

    def another_dtype(z, target):
        xp = fa.array_module(z)
        return mark("gpu.error", None).working(z, xp.asarray(target, dtype=z.dtype))

    assert mark("gpu.error", other_mistake).mistake == "error"
    assert mark("gpu.error", mixed).mistake == "uses np"
    assert mark("gpu.error", another_dtype).right
    assert issubclass(gpu.Refused, TypeError)


def test_softmax_by_the_log_of_the_sum_is_right_in_float32_too():
    def by_logs(z, target):
        xp = fa.array_module(z)
        m = z.max(axis=1, keepdims=True)
        return xp.exp(z - (m + xp.log(xp.exp(z - m).sum(axis=1, keepdims=True)))) - target

    assert mark("gpu.error", by_logs).right
