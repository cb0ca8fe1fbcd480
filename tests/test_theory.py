"""The student and the teacher against averages over nodes, updates by hand, simulation and finite differences."""

import itertools

import numpy as np
import pytest

import numpyfa as fa
from numpyfa.theory import Overlaps, generalisation_error, integrate, matching_weights, simulate, student_teacher
from numpyfa.theory.integrals import INTEGRALS
from numpyfa.theory.student_teacher import UNITS, rates


def overlaps(K=3, M=2, feedback=True, seed=0, scale=0.3):
    rng = np.random.default_rng(seed)
    w, w_star = scale * rng.standard_normal((K, 50)), rng.standard_normal((M, 50))
    v, F = scale * rng.standard_normal(K), rng.standard_normal(K)
    return Overlaps(w @ w.T / 50, w @ w_star.T / 50, w_star @ w_star.T / 50, v, np.ones(M), F if feedback else None)


def fields(C, nodes=20):
    """Gauss-Hermite nodes of fields with covariance C, one row a field, and their weights: averages without chance."""
    z, weight = np.polynomial.hermite_e.hermegauss(nodes)
    grid = np.stack([each.reshape(-1) for each in np.meshgrid(*[z] * len(C), indexing="ij")])
    weights = np.ones(grid.shape[1])
    for each in np.meshgrid(*[weight / weight.sum()] * len(C), indexing="ij"):
        weights *= each.reshape(-1)
    return np.linalg.cholesky(C) @ grid, weights


@pytest.mark.parametrize("unit", INTEGRALS)
def test_every_integral_is_its_average_over_160000_nodes_to_1e_7(unit):
    """For distinct and repeated indices in every order, so that no two of them can change places unseen."""
    root = np.random.default_rng(1).standard_normal((4, 4)) / 3
    C = root @ root.T + 0.2 * np.eye(4)
    u, weights = fields(C)
    g, slope = UNITS[unit]
    h, s = g(u), slope(u)
    I2, I3, I4, J2 = INTEGRALS[unit]
    orders = [*itertools.permutations(range(4)), (0, 0, 1, 2), (0, 1, 0, 2), (0, 1, 1, 1), (2, 3, 3, 2), (3, 3, 3, 3)]
    for a, b, c, d in orders:
        assert I2(C, a, b) == pytest.approx(weights @ (h[a] * h[b]), abs=1e-7)
        assert I3(C, a, b, c) == pytest.approx(weights @ (s[a] * u[b] * h[c]), abs=1e-7)
        assert I4(C, a, b, c, d) == pytest.approx(weights @ (s[a] * s[b] * h[c] * h[d]), abs=1e-7)
        assert J2(C, a, b) == pytest.approx(weights @ (s[a] * s[b]), abs=1e-7)


@pytest.mark.parametrize("unit", INTEGRALS)
def test_an_integral_of_arrays_of_indices_has_their_common_shape(unit):
    """Also where a covariance, or a field, is 0."""
    C = np.diag([0.0, 1.0, 1.0, 1.0])
    a, b, c, d = (np.arange(n).reshape(-1, *[1] * axes) for n, axes in ((2, 3), (4, 2), (3, 1), (4, 0)))
    for average, indices, shape in zip(
        INTEGRALS[unit],
        ((a, b), (a, b, c), (a, b, c, d), (a, b)),
        ((2, 4, 1, 1), (2, 4, 3, 1), (2, 4, 3, 4), (2, 4, 1, 1)),
    ):
        found = average(C, *indices)
        assert found.shape == shape and np.isfinite(found).all()


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("feedback", [True, False], ids=["fa", "bp"])
def test_the_rates_are_the_averages_they_stand_for_noise_included_to_1e_7(unit, feedback):
    """Two students and two teachers at lr 0.5 and sigma 0.7, each rate from its own definition; and the error."""
    start, lr, sigma = overlaps(K=2, M=2, feedback=feedback), 0.5, 0.7
    start.v_star[:] = 0.6, -1.3
    u, weights = fields(start.covariance())
    g, slope = UNITS[unit]
    h, s = g(u[:2]), slope(u[:2])
    clean = start.v @ h - start.v_star @ g(u[2:])
    assert generalisation_error(start, unit) == pytest.approx(weights @ (clean**2) / 2, abs=1e-7)
    f = start.F if feedback else start.v
    dQ, dR, dv = np.zeros((2, 2)), np.zeros((2, 2)), np.zeros(2)
    for xi, share in ((-np.sqrt(3), 1 / 6), (0, 2 / 3), (np.sqrt(3), 1 / 6)):  # exact for what is quadratic in xi
        e = clean - sigma * xi
        change = -lr * f[:, None] * s * e  # of w_i, in units of x / sqrt N
        dQ += share * ((weights * change) @ u[:2].T + ((weights * change) @ u[:2].T).T + (weights * change) @ change.T)
        dR += share * (weights * change) @ u[2:].T
        dv += share * -lr * (weights * e) @ h.T
    for found, expected in zip(rates(start, lr, sigma, unit), (dQ, dR, dv)):
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-7)


@pytest.mark.parametrize("feedback", [True, False], ids=["fa", "bp"])
@pytest.mark.parametrize("unit", UNITS)
def test_the_simulation_is_three_updates_by_hand_noise_included(unit, feedback):
    """Two seeds of N = 9 at sigma 0.7: the overlaps after 3 examples, from the same draws, to 1e-12."""
    start, N, lr, sigma = overlaps(K=3, M=2, feedback=feedback), 9, 0.4, 0.7
    start.v_star[:] = 0.6, -1.3
    found = simulate(start, N, [0, 3 / N], lr, sigma, unit, seeds=(5, 2))[3 / N]
    g, slope = UNITS[unit]
    for seed, now in zip((5, 2), found):
        w, w_star = matching_weights(start, N, np.random.default_rng([seed, 0]))
        v, rng = start.v.copy(), np.random.default_rng([seed, 1])
        examples = rng.standard_normal((3, N))
        for x, xi in zip(examples, rng.standard_normal(3)):
            field = w @ x / np.sqrt(N)
            y = start.v_star @ g(w_star @ x / np.sqrt(N)) + sigma * xi
            e = v @ g(field) - y
            f = start.F if feedback else v
            w, v = w - lr / np.sqrt(N) * e * np.outer(f * slope(field), x), v - lr / N * e * g(field)
        for name, expected in (("Q", w @ w.T), ("R", w @ w_star.T), ("T", w_star @ w_star.T), ("v", N * v)):
            np.testing.assert_allclose(getattr(now, name), expected / N, rtol=0, atol=1e-12)


def test_a_simulation_drawn_in_blocks_is_the_same_as_long_as_its_first_block(monkeypatch):
    """Blocks of 2 examples: the first 2 are those of the whole, and later ones are fresh."""
    start = overlaps()
    whole = simulate(start, 10, [0.2, 0.6], 0.2)
    monkeypatch.setattr(student_teacher, "BLOCK", 20)
    blocks = simulate(start, 10, [0.2, 0.6], 0.2)
    np.testing.assert_array_equal(whole[0.2][0].Q, blocks[0.2][0].Q)
    x = [each for each, _ in student_teacher.examples(np.ones(2), np.ones((1, 2, 10)), 5, 0.0, np.copy, [0])]
    assert len(x) == 5 and len({each[0, 0] for each in x}) == 5


@pytest.mark.parametrize("feedback", [True, False], ids=["fa", "bp"])
def test_the_integration_follows_the_rates(feedback):
    """Central differences of the solution at t = 1, lr 0.7 and sigma 0.3, against `rates` there, to 1e-5."""
    start, h = overlaps(feedback=feedback), 1e-3
    before, now, after = integrate(start, [1 - h, 1, 1 + h], 0.7, 0.3, rtol=1e-11)
    for name, rate in zip(("Q", "R", "v"), rates(now, 0.7, 0.3)):
        slope = (getattr(after, name) - getattr(before, name)) / (2 * h)
        np.testing.assert_allclose(slope, rate, rtol=0, atol=1e-5)
        assert np.abs(rate).max() > 1e-3


@pytest.mark.parametrize("feedback", [True, False], ids=["fa", "bp"])
def test_theory_and_simulation_agree_within_5_over_root_N_in_every_overlap(feedback):
    start, N, times = overlaps(feedback=feedback), 1000, [0, 1, 5]
    theory = integrate(start, times, 0.2, 0.3)
    found = simulate(start, N, times, 0.2, 0.3, seeds=(0, 1))
    for time, expected in zip(times, theory):
        for each in found[time]:
            for name in ("Q", "R", "v", "T"):
                assert np.abs(getattr(each, name) - getattr(expected, name)).max() < 5 / np.sqrt(N)


def test_a_student_that_is_the_teacher_has_no_error_and_stays():
    T = np.array([[1.0, 0.2], [0.2, 0.7]])
    start = Overlaps(T, T, T, [1.0, 2.0], [1.0, 2.0], [0.3, -1.0])
    assert abs(generalisation_error(start)) < 1e-15
    assert max(np.abs(rate).max() for rate in rates(start, 0.5)) < 1e-14


def test_the_second_layer_aligns_with_the_feedback():
    """The poster's case in theory: cos(v, F) goes to 0.98 by t = 10 under feedback alignment, and stays under BP."""
    rng = np.random.default_rng(0)
    v, F = 0.1 * rng.standard_normal(5), rng.standard_normal(5)
    cosines = {}
    for name, feedback in (("fa", F), ("bp", None)):
        start = Overlaps(0.2 * np.eye(5), np.zeros((5, 5)), np.eye(5), v, np.ones(5), feedback)
        end = integrate(start, [10], 0.2)[0].v
        cosines[name] = end @ F / np.linalg.norm(end) / np.linalg.norm(F)
    assert cosines["fa"] > 0.97 and abs(cosines["bp"] - v @ F / np.linalg.norm(v) / np.linalg.norm(F)) < 0.3


def test_matching_weights_have_exactly_the_overlaps():
    start = overlaps(4, 3)
    for N in (7, 20):  # 7 vectors just fit into 7 dimensions
        w, w_star = matching_weights(start, N, np.random.default_rng(0))
        for name, found in (("Q", w @ w.T), ("R", w @ w_star.T), ("T", w_star @ w_star.T)):
            np.testing.assert_allclose(found / N, getattr(start, name), atol=1e-13)


def test_impossible_overlaps_are_refused():
    with pytest.raises(fa.InputError, match="must be a covariance, .* the lowest is -0.1"):
        Overlaps([[1.0]], [[1.1]], [[1.0]], [1.0], [1.0])
    for Q, T in (([[1.0, 0.3], [0.2, 1.0]], np.eye(2)), (np.eye(2), [[1.0, 0.3], [0.2, 1.0]])):
        with pytest.raises(fa.InputError, match="must be a covariance, symmetric"):
            Overlaps(Q, np.zeros((2, 2)), T, [1.0, 1.0], [1.0, 1.0])
    with pytest.raises(fa.InputError, match="for R of shape .2, 1. expected"):
        Overlaps(np.eye(3), np.zeros((2, 1)), np.eye(1), [1.0, 1.0], [1.0])
    for R in (np.zeros(2), np.zeros((0, 2)), np.zeros((2, 0))):
        with pytest.raises(fa.InputError, match="for R of shape .* expected"):
            Overlaps(np.eye(len(R)), R, np.eye(R.shape[-1]), np.ones(len(R)), np.ones(R.shape[-1]))
    with pytest.raises(fa.InputError, match="need N of at least 5, found 4"):
        matching_weights(overlaps(), 4, np.random.default_rng(0))
    for times in ([2, 1], [1, 1], [], [-1, 1], [0.0], [float("nan")]):
        for run in (integrate, lambda start, times, lr: simulate(start, 50, times, lr)):
            with pytest.raises(fa.InputError, match="the times must rise"):
                run(overlaps(), times, 0.1)
    for run in (integrate, lambda start, *rest: simulate(start, 50, *rest)):
        with pytest.raises(fa.InputError, match="the learning rate must be a number from 0, found -1"):
            run(overlaps(), [1], -1, 0.1)
        with pytest.raises(fa.InputError, match="the noise must be a number from 0, found -1"):
            run(overlaps(), [1], 0.1, -1)
        with pytest.raises(fa.InputError, match="unknown unit 'tanh'"):
            run(overlaps(), [1], 0.1, 0.1, "tanh")
    with pytest.raises(fa.InputError, match="one seed or more"):
        simulate(overlaps(), 50, [1], 0.1, seeds=())
    with pytest.raises(fa.InputError, match="F must be finite"):
        Overlaps(np.eye(1), [[0.0]], np.eye(1), [1.0], [1.0], [np.nan])


def test_times_that_fall_on_one_step_of_the_simulation_are_all_there():
    assert list(simulate(overlaps(), 50, [0, 0.001, 1], 0.2)) == [0, 0.001, 1]


def test_a_learning_rate_that_is_too_large_diverges_with_the_time_reached(monkeypatch):
    with np.errstate(all="ignore"), pytest.raises(fa.Diverged, match=r"diverges at t = 0\.\d+; try .* below 30"):
        simulate(overlaps(), 100, [0, 50], 30.0, unit="linear")
    monkeypatch.setattr(student_teacher, "EVALUATIONS", 300)
    with pytest.raises(fa.Diverged, match=r"the integration reached t = 0\.\d+ of 100; try a learning rate below 30"):
        integrate(overlaps(), [100], 30.0, unit="linear")
    monkeypatch.setattr(student_teacher, "EVALUATIONS", 100_000)
    one = np.eye(1)
    for sign in (1, -1):  # v goes beyond 2 or -2, all other overlaps stay below 2
        start = Overlaps(0.1 * one, 0.1 * one, one, [sign * 0.5], [sign * 3.0])
        assert integrate(start, [100], 0.2)[0].v[0] * sign > 2.5
        with monkeypatch.context() as smaller:
            smaller.setattr(student_teacher, "LARGEST", 2)
            with pytest.raises(fa.Diverged, match=r"reached t = [\d.]+ of 100; try a learning rate below 0.2"):
                integrate(start, [100], 0.2)


def test_the_theory_imports_nothing_of_the_network_code():
    import subprocess
    import sys

    code = "import sys, numpyfa.theory.student_teacher as s; print([m for m in vars(s) if m in ('Network', 'Rule')])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"
    from pathlib import Path

    for path in Path(fa.theory.__file__).parent.glob("*.py"):
        assert not any(
            f"from ..{name}" in path.read_text() for name in ("layers", "network", "rules", "learn", "optim")
        )
