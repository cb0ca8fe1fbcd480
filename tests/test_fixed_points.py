"""The stability matrix S of feedback alignment, against finite differences and against the library's own rules."""

import numpy as np
import pytest

import numpyfa as fa
from numpyfa.theory import fixed_points as fp

SIZES = (5, 7, 6, 3)


@pytest.fixture
def small():
    """(W, X, Y, {rule: B}) of a 5-7-6-3 net and 4 examples."""
    rng = np.random.default_rng(0)
    W = [rng.standard_normal((m, n)) / np.sqrt(n) for n, m in zip(SIZES, SIZES[1:])]
    X, Y = rng.standard_normal((4, 5)), rng.standard_normal((4, 3))
    B = {"bp": None,
         "fa": {n: rng.standard_normal((SIZES[n - 1], SIZES[n])) for n in (2, 3)},
         "dfa": {n: rng.standard_normal((SIZES[n], 3)) for n in (1, 2)}}  # fmt: skip
    return W, X, Y, B


def residual(W, X, Y):
    return (fp.forward(W, X)[-1] - Y).reshape(-1)


def moved(W, steps, size):
    return [w + size * step for w, step in zip(W, steps)]


def test_the_jacobian_is_its_finite_difference(small):
    W, X, Y, _ = small
    whole, h = np.concatenate(fp.jacobian(W, X), axis=1), 1e-6
    rng = np.random.default_rng(1)
    for _ in range(5):
        step = [rng.standard_normal(w.shape) for w in W]
        numeric = (residual(moved(W, step, h), X, Y) - residual(moved(W, step, -h), X, Y)) / (2 * h)
        np.testing.assert_allclose(whole @ np.concatenate(step, axis=None), numeric, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("rule", ["bp", "fa", "dfa"])
def test_the_update_is_the_feedback_jacobian_times_the_residual_and_the_librarys_rule(small, rule):
    """To 1e-12, against J^^T E and against numpyfa's own layers and rule, which know nothing of this module."""
    W, X, Y, B = small
    update = np.concatenate(fp.update(W, X, Y, rule, B[rule]), axis=None)
    whole = np.concatenate(fp.jacobian(W, X, rule, B[rule]), axis=1)
    np.testing.assert_allclose(update, whole.T @ residual(W, X, Y), rtol=1e-12, atol=1e-13)

    layers = [fa.Dense(n, "tanh", bias=False) for n in SIZES[1:3]] + [fa.Dense(3, bias=False)]
    net = fa.Network(5, layers, dtype="float64")
    for layer, w in zip(net.layers, W):
        layer.W[...] = w.T
    bound = fa.make_rule(rule, net)
    for number, b in (B[rule] or {}).items():
        bound.feedback[number]["B"] = b.T.copy()
    traces = net.forward(X)
    gradients = bound.gradients(traces, fa.SquaredError().output(net, traces, Y))
    library = np.concatenate([len(X) * gradients[f"{n}.W"].T for n in (1, 2, 3)], axis=None)
    np.testing.assert_allclose(update, library, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("rule", ["bp", "fa", "dfa"])
def test_a_whole_update_changes_the_residual_by_minus_S_E(small, rule):
    """The central difference of E along the rule's own update, all layers and hidden ones alone, to 1e-7."""
    W, X, Y, B = small
    step, h = fp.update(W, X, Y, rule, B[rule]), 1e-6
    for layers in (None, [1, 2], [3]):
        along = [each * (layers is None or number in layers) for number, each in enumerate(step, start=1)]
        numeric = (residual(moved(W, along, -h), X, Y) - residual(moved(W, along, h), X, Y)) / (2 * h)
        S = fp.stability(W, X, rule, B[rule], layers)
        np.testing.assert_allclose(-S @ residual(W, X, Y), numeric, rtol=1e-6, atol=1e-7 * np.abs(numeric).max())


@pytest.mark.parametrize("rule", ["bp", "fa", "dfa"])
def test_S_is_J_times_the_feedback_jacobian_transposed(small, rule):
    W, X, _, B = small
    J, other = fp.jacobian(W, X), fp.jacobian(W, X, rule, B[rule])
    expected = sum(a @ b.T for a, b in zip(J, other))
    np.testing.assert_allclose(fp.stability(W, X, rule, B[rule]), expected, rtol=1e-12, atol=1e-12)


def test_under_backpropagation_S_is_symmetric_and_never_negative(small):
    W, X, _, _ = small
    S = fp.stability(W, X, "bp", None)
    np.testing.assert_allclose(S, S.T, atol=1e-13)
    assert fp.spectrum(S).real.min() > -1e-12


def test_the_spectrum_on_the_range_of_J_leaves_out_what_no_weights_can_make():
    """6 examples but 2 inputs, no hidden layer: E moves in a space of 2 dimensions, with the eigenvalues of X^T X."""
    rng = np.random.default_rng(0)
    X, W = rng.standard_normal((6, 2)), [rng.standard_normal((1, 2))]
    S = fp.stability(W, X, "fa", {})
    values = fp.spectrum(S, fp.jacobian(W, X))
    np.testing.assert_allclose(np.sort(values.real), np.linalg.eigvalsh(X.T @ X), rtol=1e-12)
    assert len(fp.spectrum(S)) == 6
    for scale in (1e-14, 1e14):
        assert len(fp.spectrum(S, [scale * each for each in fp.jacobian(W, X)])) == 2
    assert len(fp.spectrum(np.eye(3), [np.outer([1, 2, 3], [1, 1, 2])])) == 1


def test_the_least_real_part_lies_above_the_symmetric_parts_least():
    """[[1, 6], [0, 1]]: eigenvalues 1, but -2 and 4 for the symmetric part; so E can grow before it dies away."""
    assert fp.least_parts(np.array([[1.0, 6.0], [0.0, 1.0]])) == pytest.approx((1, -2))
    for seed in range(5):
        S = np.random.default_rng(seed).standard_normal((6, 6))
        least, symmetric = fp.least_parts(S)
        assert symmetric < least


def test_the_loss_falls_at_the_rate_of_the_cosine(small):
    """d loss = -<gradient, update> = -E^T S E, to 1e-6."""
    W, X, Y, B = small
    step, true, h = fp.update(W, X, Y, "fa", B["fa"]), fp.update(W, X, Y), 1e-6
    numeric = (fp.loss(moved(W, step, -h), X, Y) - fp.loss(moved(W, step, h), X, Y)) / (2 * h)
    E = residual(W, X, Y)
    assert numeric == pytest.approx(-E @ fp.stability(W, X, "fa", B["fa"]) @ E, rel=1e-6)
    norms = [np.sqrt(sum((each**2).sum() for each in several)) for several in (step, true)]
    assert numeric == pytest.approx(-fp.cosine(W, X, Y, "fa", B["fa"]) * norms[0] * norms[1], rel=1e-6)


def test_at_a_solution_there_is_no_angle_and_no_loss(small):
    W, X, _, B = small
    Y = fp.forward(W, X)[-1]
    assert np.isnan(fp.cosine(W, X, Y, "fa", B["fa"])) and fp.loss(W, X, Y) == 0
    assert fp.loss(W, X, Y + 0.5) == pytest.approx(12 * 0.25 / 2)  # 4 examples of 3 outputs


def test_near_a_solution_the_residual_follows_the_matrix_exponential_of_S():
    """A 4-30-2 net at E = 0, pushed by 1e-6: after t the residual is exp(-S t) E to 1 %, growing or not."""
    from scipy.linalg import expm

    rng = np.random.default_rng(3)
    W = [rng.standard_normal((30, 4)) / 2, rng.standard_normal((2, 30)) / 5]
    X = rng.standard_normal((3, 4))
    Y, B = fp.forward(W, X)[-1], {2: rng.standard_normal((30, 2)) / 3}
    S = fp.stability(W, X, "fa", B)
    near = moved(W, [rng.standard_normal(w.shape) for w in W], 1e-6)
    after = fp.descend(near, X, Y, "fa", B, 1e-3, 200)
    expected = expm(-0.2 * S) @ residual(near, X, Y)
    assert np.abs(residual(after, X, Y) - expected).max() < 0.01 * np.abs(expected).max()


def test_a_polished_net_has_no_error_but_rounding_and_a_net_that_cannot_stays_or_falls(small):
    """A 5-7-6-3 net and 4 examples: from a loss of about 1 to below 1e-27, by the smallest change to first order."""
    W, X, Y, _ = small
    polished = fp.polish(W, X, Y)
    assert fp.loss(W, X, Y) > 1 and fp.loss(polished, X, Y) < 1e-27
    near = moved(polished, [np.random.default_rng(1).standard_normal(w.shape) for w in W], 1e-6)
    once = np.concatenate([after - before for after, before in zip(fp.polish(near, X, Y, 1), near)], axis=None)
    J = np.concatenate(fp.jacobian(near, X), axis=1)
    np.testing.assert_allclose(J @ once, -residual(near, X, Y), rtol=1e-6, atol=1e-12)
    assert np.abs(once - np.linalg.pinv(J) @ J @ once).max() < 1e-12  # nothing that J does not see
    X, Y = np.ones((2, 1)), np.array([[0.0], [1.0]])  # one input, two targets: 0.25 is the least
    assert fp.loss(fp.polish([np.array([[3.0]])], X, Y), X, Y) == pytest.approx(0.25)


def test_frozen_layers_stay_and_the_rest_descends(small):
    W, X, Y, B = small
    seen = []
    after = fp.descend(W, X, Y, "fa", B["fa"], 1e-3, 5, frozen=(3,), after=lambda step, now: seen.append(step))
    assert seen == [1, 2, 3, 4, 5]
    np.testing.assert_array_equal(after[2], W[2])
    assert np.abs(after[0] - W[0]).max() > 0 and W[0] is not after[0]


def test_bad_nets_feedback_and_steps_are_named(small):
    W, X, Y, B = small
    with pytest.raises(fa.InputError, match=r"weights: expected shapes .*\(6, 5\).*found"):
        fp.update([W[1], *W[1:]], X, Y)
    with pytest.raises(fa.InputError, match=r"fa: expected feedback of shapes \{2: \(7, 6\), 3: \(6, 3\)\}"):
        fp.update(W, X, Y, "fa", B["dfa"])
    with pytest.raises(fa.InputError, match=r"dfa: expected feedback of shapes \{1: \(7, 3\), 2: \(6, 3\)\}"):
        fp.update(W, X, Y, "dfa", {2: B["dfa"][2]})
    with pytest.raises(fa.InputError, match=r"layers are counted from 1 to 3, found \[4\]"):
        fp.cosine(W, X, Y, "fa", B["fa"], [4])
    with pytest.raises(fa.InputError, match="unknown rule 'kp'"):
        fp.update(W, X, Y, "kp")
    with pytest.raises(fa.InputError, match=r"targets \(as many, 3\), found \(4, 5\) and \(4, 1\)"):
        fp.update(W, X, Y[:, :1])
    with pytest.raises(fa.InputError, match=r"layers are counted from 1 to 3, found \[0\]"):
        fp.stability(W, X, "fa", B["fa"], [0])
    with pytest.raises(fa.InputError, match=r"layers are counted from 1 to 3, found \[9\]"):
        fp.descend(W, X, Y, "fa", B["fa"], 0.1, 1, frozen=(9,))
    for frozen in ((), (1,)):
        with pytest.raises(fa.Diverged, match=r"by fa diverges at step \d+ of 500: try"):
            fp.descend(W, X, Y, "fa", B["fa"], 1000, 500, frozen)
