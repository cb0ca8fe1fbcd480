"""The studies of the atlas: their quick forms run, their sizes are as planned, and kp's joint Jacobian is right."""

import json
from pathlib import Path

import numpy as np
import pytest

from numpyfa import cli
from numpyfa.lab import sweep
from numpyfa.lab.protocol import Protocol
from numpyfa.papers import EXPERIMENTS, atlas, atlas_controls
from numpyfa.theory import fixed_points as theory
from numpyfa.theory import joint_stability as joint

FIGURES = Path(__file__).resolve().parents[1] / "figures"


@pytest.fixture
def solution():
    """(W, B, X, Y) of a 4-6-5-2 net at a solution of 3 examples, and random feedback."""
    rng = np.random.default_rng(0)
    sizes = (4, 6, 5, 2)
    W = [rng.standard_normal((m, n)) / n**0.5 for n, m in zip(sizes, sizes[1:])]
    X, Y = rng.standard_normal((3, 4)), rng.standard_normal((3, 2))
    W = theory.polish(W, X, Y)
    assert theory.loss(W, X, Y) < 1e-20
    return W, {n: rng.standard_normal(W[n - 1].T.shape) for n in (2, 3)}, X, Y


def flat(W, B):
    return np.concatenate([*(each.reshape(-1) for each in W), *(B[n].reshape(-1) for n in sorted(B))])


@pytest.mark.parametrize("decay", [0.0, 0.3])
def test_kps_joint_jacobian_of_weights_and_feedback_is_its_finite_difference(solution, decay):
    """To 1e-7, in every direction of (w, b), at E = 0."""
    W, B, X, Y = solution
    whole, h = joint.joint_jacobian(W, B, X, decay), 1e-6
    at = flat(W, B)

    def moved(vector):
        parts = np.split(vector, np.cumsum([each.size for each in (*W, *B.values())])[:-1])
        nearby = [part.reshape(each.shape) for part, each in zip(parts, W)]
        feedback = {n: part.reshape(B[n].shape) for n, part in zip(sorted(B), parts[len(W) :])}
        return flat(*joint.flow(nearby, feedback, X, Y, decay))

    for direction in np.eye(len(at)):
        numeric = (moved(at + h * direction) - moved(at - h * direction)) / (2 * h)
        np.testing.assert_allclose(whole @ direction, numeric, rtol=1e-6, atol=1e-7)


def test_the_joint_spectrum_is_that_of_s_plus_the_decay_and_the_decay_once_an_entry_of_b(solution):
    W, B, X, _ = solution
    decay = 0.3
    values = np.linalg.eigvals(-joint.joint_jacobian(W, B, X, decay)).real
    S = theory.stability(W, X, "fa", B)
    assert np.isclose(values.min(), joint.least_joint(W, B, X, decay), rtol=0, atol=1e-8)
    for value in np.linalg.eigvals(S).real:
        assert np.abs(values - decay - value).min() < 1e-8
    assert np.sum(np.abs(values - decay) < 1e-6) >= sum(each.size for each in B.values())


def test_feedback_of_a_study_with_all_of_w_transposed_is_bp_and_fulfils_every_criterion():
    settings = atlas.STABILITY | {"small": 6, "steps": 300, "shares": [0.0, 1.0], "scales": [1.0], "draws": 1}
    rows = atlas.work(settings, 2, 15, 0)
    exact = next(row for row in rows if row["rule"] == "fa" and row["share"] == 1)
    assert exact["cosine"] == pytest.approx(1) and exact["least_symmetric"] > 0 and exact["least"] > 0
    assert exact["least"] == pytest.approx(exact["least_symmetric"])
    alone = next(row for row in rows if row["rule"] == "shallow")  # the last layer's block is symmetric, and >= 0
    assert alone["least"] == pytest.approx(alone["least_symmetric"], abs=1e-9) and alone["least"] > -1e-9
    assert [row["scale"] for row in rows if row["rule"] == "usf"] == [1.0]
    for row in rows:
        assert row["least"] >= row["least_symmetric"] - 1e-9
        assert row["cosine"] > 0 or row["least_symmetric"] <= 0


@pytest.fixture(scope="module")
def mnist(mnist):
    """A part of it: the time of a short run is that of its tests on 10,000 images."""
    return mnist.part(6000, 500)


@pytest.mark.parametrize("name", [each.name for each in (*atlas.EXPERIMENTS, *atlas_controls.EXPERIMENTS)])
def test_the_quick_form_of_each_study_runs_from_its_command_to_its_verdict(name, tmp_path, in_this_process, capsys):
    out = tmp_path / "run"
    assert cli.main(["reproduce", name, "--quick", "--out", str(out)]) == 0
    summary = json.loads((out / "summary.json").read_text())
    assert summary["rows"] and summary["verdict"]
    assert (out / "figure.png").read_bytes().startswith(b"\x89PNG")
    assert cli.main(["runs", str(tmp_path)]) == 0
    assert "finished" in capsys.readouterr().out


def test_the_sweeps_have_the_jobs_that_were_planned():
    which, depth = EXPERIMENTS["which-rule-when"].settings, EXPERIMENTS["depth"].settings
    assert len(which["rules"]) == 23 and len(which["cases"]) == 4 and len(which["points"]) == 20
    assert sweep.rounds(which, "MNIST 60000") == [(1, 20), (4, 5)]
    assert sweep.rounds(which, "MNIST 1000") == [(3, 20), (12, 5), (48, 2)]
    assert sweep.rounds(depth, "2 hidden") == [(2, 8), (6, 3)]
    assert sweep.count(which) == 23 * 2 * (20 + 5 + 5) + 23 * 2 * (20 + 5 + 2 + 5)
    fine = EXPERIMENTS["which-rule-when-fine"].settings
    assert sweep.rounds(fine, "MNIST 60000") == [(1, 42), (4, 11)]
    assert sweep.count(depth) == 7 * 6 * (8 + 3 + 5)


def test_every_rule_of_the_table_fits_its_net(in_this_process):
    which = EXPERIMENTS["which-rule-when"].settings
    fit = sweep.fitting([Protocol(net="784-16-16-10", examples=100, decay=1e-3)])[0]
    assert set(which["rules"]) <= set(fit)


def test_a_rule_is_better_than_bp_only_by_welchs_test_at_5_percent_over_all_rules():
    """5 seeds and 6 others: 0.3 apart with a spread of 0.1 has p = 0.0015, 0.2 has 0.013; the limit is 0.05 / 6."""

    def row(rule, error, sd=0.1):
        return {"case": "x", "rule": rule, "test_error": error, "test_error_sd": sd}

    table = [row("bp", 2.0), row("fa", 1.7), row("dfa", 1.8), row("kp", np.nan), row("usf", 9.0), row("shallow", 9.0),
             row("drtp", 90.2)]  # fmt: skip
    settings = {"cases": {"x": {}}, "seeds": 5, "rules": [row["rule"] for row in table]}
    assert atlas.judge(settings, table) == [
        "x, does not train: kp, drtp",
        "x, better than bp: fa",
        "x, not to be told from bp: dfa",
        "x, not shown to be better than shallow: usf",
    ]


@pytest.mark.parametrize("freedom", [1.0, 2.5, 4.0, 8.0, 30.0])
def test_the_chance_of_t_is_that_of_students_distribution(freedom):
    stats = pytest.importorskip("scipy.stats")
    for t in (0.0, 0.5, 2.0, 4.0, 8.0):
        assert atlas.chance(-t, freedom) == pytest.approx(2 * stats.t.sf(t, freedom), rel=0.01, abs=1e-4)


def few_images(rule, borrowed=None):
    """(what is measured, the lengths) of a small net at kp's settings, in float64."""
    settings = EXPERIMENTS["borrowed-lengths"].adapt(quick=True)
    small = {"net": "784-20-20-10", "examples": 200, "measured": 200, "dtype": "float64"}
    settings["protocol"] = settings["protocol"] | small
    return atlas_controls.train(settings, "kp", rule, 0, borrowed)


def test_the_settings_of_borrowed_lengths_are_those_that_the_finer_grid_chose():
    summary = json.loads((FIGURES / "which-rule-when-fine" / "summary.json").read_text())
    chosen = {row["rule"]: [row["lr"], row["hidden_lr"]] for row in summary["rows"]}
    assert chosen == atlas_controls.LENGTHS["chosen"]


def test_a_net_that_borrows_its_own_lengths_trains_as_without_and_one_that_borrows_anothers_does_not(mnist):
    """The losses of both sets to 1e-12. 2 epochs of 2 batches."""
    own, lengths = few_images("bp")
    assert set(lengths) == {f"{n}.{name}" for n in (1, 2, 3) for name in "Wb"}
    assert {len(each) for each in lengths.values()} == {2 * 2}
    of_kp, lengths_of_kp = few_images("kp")
    for rule, alone, its, anothers in (("bp", own, lengths, lengths_of_kp), ("kp", of_kp, lengths_of_kp, lengths)):
        again, other = few_images(rule, its)[0], few_images(rule, anothers)[0]
        for name in ("loss", "test_loss"):
            assert again[name] == pytest.approx(alone[name], rel=1e-12)
            assert abs(other[name] / alone[name] - 1) > 1e-4


def test_a_step_of_a_borrowed_length_has_that_length_and_its_own_direction_and_b_the_factor_of_its_w():
    """To 1e-12, with decay and with a learning rate of its own for one layer; without a gradient there is none."""
    rng = np.random.default_rng(0)
    names = ("feedback.2.B", "1.W", "2.W", "3.W")
    start = {name: rng.standard_normal((3, 4)) for name in names}
    gradients = {name: rng.standard_normal((3, 4)) for name in names} | {"3.W": -0.1 * start["3.W"]}
    borrowed = {"1.W": [0.5], "2.W": [7.0], "3.W": [1.0]}
    plain, borrowing = (atlas_controls.MeasuredSGD(0.2, 0.1, {"1.W": 10.0}, each) for each in (None, borrowed))
    end, far = ({name: p.copy() for name, p in start.items()} for _ in range(2))
    plain.update(end, gradients)
    borrowing.update(far, gradients)
    assert plain.lengths == borrowing.lengths and plain.lengths["3.W"] == [0.0]
    steps = {name: -lr * (gradients[name] + 0.1 * start[name]) for name, lr in zip(names, (0.2, 2.0, 0.2, 0.2))}
    for name in ("1.W", "2.W"):
        assert plain.lengths[name] == [pytest.approx(np.linalg.norm(steps[name]), rel=1e-12)]
        wanted = borrowed[name][0] / np.linalg.norm(steps[name]) * steps[name]
        np.testing.assert_allclose(far[name] - start[name], wanted, rtol=0, atol=1e-12)
    of_b = 7.0 / np.linalg.norm(steps["2.W"]) * steps["feedback.2.B"]
    np.testing.assert_allclose(far["feedback.2.B"] - start["feedback.2.B"], of_b, rtol=0, atol=1e-12)
    for name in names:
        np.testing.assert_allclose(end[name] - start[name], steps[name], rtol=0, atol=1e-14)
    np.testing.assert_array_equal(far["3.W"], start["3.W"])


def test_nets_that_began_alike_are_told_apart_by_their_differences_at_5_percent_over_all_tests():
    """Differences of -1.0 +- 0.1 over 5 seeds have t = -22 and p = 2e-5; the limit of 5 tests is 0.01, of 5000 1e-5."""
    spread = 0.1 * np.array([-1.0, -1.0, 0.0, 1.0, 1.0])
    bp = np.array([4.0, 6.0, 5.0, 9.0, 7.0])
    settings = {"chosen": {"bp": [], "kp": []}, "seeds": 5}
    nets = {("bp", "bp", "bp"): bp, ("bp", "bp", "bp, another seed"): bp, ("kp", "kp", "kp"): bp - 1 + spread,
            ("kp", "bp", "kp"): bp + 1 + spread, ("kp", "kp", "bp"): bp + 50 * spread}  # fmt: skip
    rows = [{"rule": rule, "seed": 6 + k, "directions": a, "lengths": b, "test_error": float(error)}
            for (rule, a, b), errors in nets.items() for k, error in reversed(list(enumerate(errors)))]  # fmt: skip
    assert atlas_controls.verdict(settings, atlas_controls.table(settings, rows)) == [
        "bp with the lengths of bp: 6.20 (1.92) %",
        "bp with the lengths of bp, another seed: 6.20 (1.92) %, beside bp not told apart",
        "kp with the lengths of kp: 5.20 (2.00) %, beside bp better",
        "bp with the lengths of kp: 7.20 (2.00) %, beside bp worse, beside kp worse",
        "kp with the lengths of bp: 6.20 (6.61) %, beside bp not told apart, beside kp not told apart",
    ]
    better, worse = bp - 1 + spread, bp + 1 + spread
    assert atlas_controls.versus(better, bp, 5000) == "not told apart"
    assert atlas_controls.versus(worse, np.full(5, np.nan), 5) == "diverged"
