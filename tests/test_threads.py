"""Convolutions on several threads: the same numbers, and BLAS as it was before."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import numpyfa as fa
from numpyfa import patches, threads


@settings(max_examples=25, deadline=None)
@given(
    st.integers(1, 7),
    st.integers(2, 5),
    st.sampled_from([1, 3]),
    st.integers(1, 2),
    st.integers(0, 2),
    st.integers(0, 99),
)
def test_a_convolutions_products_are_the_same_by_any_number_of_threads(n, hands, kernel, stride, padding, seed):
    """All three, to rounding: also where there are fewer images than threads."""
    rng = np.random.default_rng(seed)
    x, W = rng.standard_normal((n, 6, 5, 2)), rng.standard_normal((kernel * kernel * 2, 3))
    found = []
    for threads._threads in (1, hands):
        try:
            z = patches.correlate(x, W, kernel, stride, padding)
            found.append((z, patches.product(x, z, kernel, stride, padding),
                          patches.carry(z, W.T, kernel, stride, padding, (6, 5, 2))))  # fmt: skip
        finally:
            threads._threads = 1
    for one, many in zip(*found):
        np.testing.assert_allclose(many, one, rtol=1e-12, atol=1e-12)


@pytest.fixture
def blas():
    """The number of threads of each BLAS library, set to 2 for the test."""
    pytest.importorskip("threadpoolctl")
    libraries = threads._blas()
    before = [library.num_threads for library in libraries]
    for library in libraries:
        library.set_num_threads(2)
    yield lambda: [library.num_threads for library in libraries]
    for library, count in zip(libraries, before):
        library.set_num_threads(count)


def test_blas_is_held_to_one_thread_inside_and_set_free_after_an_error_too(blas):
    with threads.shared_out():
        assert set(blas()) == {1} and threads._threads == 2
        with threads.shared_out():
            pass
        assert set(blas()) == {1} and threads._threads == 2, "the inner one does not end the outer one"
    assert set(blas()) == {2} and threads._threads == 1
    with pytest.raises(ZeroDivisionError), threads.shared_out():
        raise ZeroDivisionError
    assert set(blas()) == {2} and threads._threads == 1
    with threads.shared_out(False):
        assert set(blas()) == {2}


def test_an_error_in_any_share_reaches_the_caller_after_all_have_ended(blas):
    done = []

    def work(share):
        done.append(share)
        if share.start:
            raise ValueError("in the second share")

    with threads.shared_out(), pytest.raises(ValueError, match="second share"):
        threads.shares(work, 4)
    assert sorted((share.start, share.stop) for share in done) == [(0, 2), (2, 4)]


def test_a_step_of_a_convolutional_net_is_the_same_on_two_threads_and_leaves_blas_alone(blas, monkeypatch):
    rng, losses = np.random.default_rng(0), []
    x, target = rng.standard_normal((5, 9, 9, 2)), np.eye(3)[[0, 1, 2, 0, 1]]
    for wanted in (True, False):
        if not wanted:
            monkeypatch.setattr(threads, "_blas", list)
        layers = [fa.Conv(4, 3, "tanh", padding=1), fa.Conv(3, 3, "tanh", stride=2), fa.Dense(3)]
        net = fa.Network((9, 9, 2), layers, dtype="float64")
        rule, sgd = fa.KP(net), fa.SGD(0.1, decay=0.1)
        losses.append([fa.train_step(net, rule, fa.SoftmaxCrossEntropy(), sgd, x, target)[0] for _ in range(5)])
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-12)
    assert set(blas()) == {2}


def test_only_convolutional_nets_on_the_cpu_share_out():
    assert fa.Network((5, 5, 1), [fa.Conv(2, 3), fa.Dense(3)]).convolves
    assert not fa.mlp("4-3-2").convolves
