"""The theory against Monte Carlo, simulation and finite differences."""

import numpy as np
import pytest

import numpyfa as fa
from numpyfa.theory import Overlaps, generalisation_error, integrate, matching_weights, simulate
from numpyfa.theory.integrals import INTEGRALS
from numpyfa.theory.student_teacher import UNITS, rates


def overlaps(K=3, M=2, feedback=True, seed=0, scale=0.3):
    rng = np.random.default_rng(seed)
    w, w_star = scale * rng.standard_normal((K, 50)), rng.standard_normal((M, 50))
    v, F = scale * rng.standard_normal(K), rng.standard_normal(K)
    return Overlaps(w @ w.T / 50, w @ w_star.T / 50, w_star @ w_star.T / 50, v, np.ones(M), F if feedback else None)


@pytest.mark.parametrize("unit", INTEGRALS)
@pytest.mark.parametrize("indices", [(0, 1, 2, 3), (0, 0, 1, 1), (2, 1, 1, 2), (3, 3, 3, 3)])
def test_every_integral_is_its_average_within_4_standard_errors(unit, indices):
    rng = np.random.default_rng(1)
    root = rng.standard_normal((4, 4)) / 2
    C = root @ root.T
    a, b, c, d = root[list(indices)] @ rng.standard_normal((4, 400_000))
    g, slope = UNITS[unit]
    i, j, k, m = indices
    I2, I3, I4, J2 = INTEGRALS[unit]
    pairs = [
        (I2(C, i, j), g(a) * g(b)),
        (I3(C, i, j, k), slope(a) * b * g(c)),
        (I4(C, i, j, k, m), slope(a) * slope(b) * g(c) * g(d)),
        (J2(C, i, j), slope(a) * slope(b)),
    ]
    for value, samples in pairs:
        error = samples.std() / np.sqrt(len(samples))
        assert abs(value - samples.mean()) < 4 * error + 1e-12


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("feedback", [True, False], ids=["fa", "bp"])
@pytest.mark.parametrize("sigma", [0.0, 0.3])
def test_theory_and_simulation_agree_within_5_over_root_N_in_every_overlap(unit, feedback, sigma):
    start, N, times = overlaps(feedback=feedback), 1000, [0, 1, 3, 10]
    theory = integrate(start, times, 0.2, sigma, unit)
    found = simulate(start, N, times, 0.2, sigma, unit, seeds=(0, 1))
    for time, expected in zip(times, theory):
        for each in found[time]:
            for name in ("Q", "R", "v", "T"):
                assert np.abs(getattr(each, name) - getattr(expected, name)).max() < 5 / np.sqrt(N)


@pytest.mark.parametrize("feedback", [True, False], ids=["fa", "bp"])
def test_the_rates_are_the_mean_change_of_the_overlaps_in_one_step(feedback):
    """Over 200,000 examples of one net, within 5 standard errors; the terms of order 1/N are below them."""
    start, N, lr = overlaps(K=2, M=2, feedback=feedback), 400, 0.5
    rng = np.random.default_rng(0)
    w, w_star = matching_weights(start, N, rng)
    f = start.F if feedback else start.v
    changes = []
    for _ in range(20):
        x = rng.standard_normal((10_000, N))
        field, rho = x @ w.T / np.sqrt(N), x @ w_star.T / np.sqrt(N)
        g, slope = UNITS["erf"]
        e = g(field) @ start.v - g(rho) @ start.v_star
        step = -lr * e[:, None] * f * slope(field)  # of w, in units of x / sqrt N
        cross = step[:, :, None] * field[:, None, :]
        dQ = (
            cross + cross.transpose(0, 2, 1) + step[:, :, None] * step[:, None, :] * (x * x).mean(axis=1)[:, None, None]
        )
        dR = step[:, :, None] * rho[:, None, :]
        changes.append(
            np.concatenate([each.reshape(10_000, -1) for each in (dQ, dR, -lr * e[:, None] * g(field))], axis=1)
        )
    changes = np.concatenate(changes)
    expected = np.concatenate([rate.reshape(-1) for rate in rates(start, lr)])
    error = changes.std(axis=0) / np.sqrt(len(changes))
    assert (np.abs(changes.mean(axis=0) - expected) < 5 * error).all()


def test_the_generalisation_error_is_half_the_mean_squared_difference():
    start, rng = overlaps(), np.random.default_rng(0)
    w, w_star = matching_weights(start, 60, rng)
    x = rng.standard_normal((400_000, 60))
    g = UNITS["erf"][0]
    half = 0.5 * (g(x @ w_star.T / np.sqrt(60)) @ start.v_star - g(x @ w.T / np.sqrt(60)) @ start.v) ** 2
    assert abs(generalisation_error(start) - half.mean()) < 4 * half.std() / np.sqrt(len(half))


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
    w, w_star = matching_weights(start, 20, np.random.default_rng(0))
    for name, found in (("Q", w @ w.T), ("R", w @ w_star.T), ("T", w_star @ w_star.T)):
        np.testing.assert_allclose(found / 20, getattr(start, name), atol=1e-13)


def test_impossible_overlaps_are_refused():
    with pytest.raises(fa.InputError, match="must be a covariance, .* the lowest is -0.1"):
        Overlaps([[1.0]], [[1.1]], [[1.0]], [1.0], [1.0])
    with pytest.raises(fa.InputError, match="for R of shape .2, 1. expected"):
        Overlaps(np.eye(3), np.zeros((2, 1)), np.eye(1), [1.0, 1.0], [1.0])
    with pytest.raises(fa.InputError, match="need N of at least 5, found 4"):
        matching_weights(overlaps(), 4, np.random.default_rng(0))
    for times in ([2, 1], [], [-1, 1], [0.0], [float("nan")]):
        for run in (integrate, lambda start, times, lr: simulate(start, 50, times, lr)):
            with pytest.raises(fa.InputError, match="the times must rise"):
                run(overlaps(), times, 0.1)
    with pytest.raises(fa.InputError, match="one seed or more"):
        simulate(overlaps(), 50, [1], 0.1, seeds=())
    with pytest.raises(fa.InputError, match="F must be finite"):
        Overlaps(np.eye(1), [[0.0]], np.eye(1), [1.0], [1.0], [np.nan])


def test_times_that_fall_on_one_step_of_the_simulation_are_all_there():
    assert list(simulate(overlaps(), 50, [0, 0.001, 1], 0.2)) == [0, 0.001, 1]


def test_a_learning_rate_that_is_too_large_diverges_with_the_time_reached():
    with pytest.raises(fa.Diverged, match=r"the integration reached t = [\d.]+ of 100; try a learning rate below 30"):
        integrate(overlaps(), np.linspace(0, 100, 1001), 30.0, unit="linear")
    with np.errstate(all="ignore"), pytest.raises(fa.Diverged, match=r"diverges at t = [\d.]+; try .* below 30"):
        simulate(overlaps(), 100, [0, 50], 30.0, unit="linear")


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
