"""The papers' experiments: what they write and say, and whether their verdicts follow from their rows."""

import csv
import json
import math
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from numpyfa import cli
from numpyfa.errors import InputError
from numpyfa.lab.tables import pick, plain_json, read_rows
from numpyfa.papers import EXPERIMENTS
from numpyfa.papers.align_then_memorise import verdict as align_then_memorise
from numpyfa.papers.fixed_points import verdict as fixed_points
from numpyfa.papers.learned_feedback import verdict as learned_feedback
from numpyfa.papers.lillicrap_linear import verdict as lillicrap_linear
from numpyfa.papers.student_teacher import verdict as student_teacher
from numpyfa.theory import student_teacher as theory

FIGURES = Path(__file__).parents[1] / "figures"
TINY = {
    "student-teacher": {"N": 50, "K": 2, "t": 5, "marks": 5, "seeds": 2, "draws": 2},
    "align-then-memorise": {"students": [2], "t": 5, "linear_steps": 50, "identity_steps": 100, "shared": [0.0, 0.8],
                            "width": 30, "linear_seeds": 1, "grid": [0.4, 1.0], "heat_steps": [20, 40], "seeds": 2},
    "lillicrap-linear": {"examples": 40, "scales": [0.01, 0.25], "scale_examples": 20, "flow_time": 1.0,
                         "flow_steps": [0.01, 0.005], "seeds": 2},
    "fixed-points": {"seeds": 1, "examples": [60, 20], "epochs": 2, "scale_epochs": 2, "small": 5, "small_steps": 40,
                     "scales": [["fa", 1, 1, 0.1, 1], ["fa", 1, 0.01, 0.1, 1], ["bp", 1, 1, 0.1, 3]], "push_steps": 20,
                     "draws": 2, "walk_steps": 100},
    "kolen-pollack": {"seeds": 1, "examples": 60, "epochs": 2},
    "pfa-angle": {"seeds": 1, "examples": 60, "epochs": 2, "expansions": [1, 10, 100]},
    "lillicrap-task3": {"examples": 60, "test": 20, "marks": 3, "rates": [0.01, 0.02], "tells": [1.0], "held_out": 1,
                        "seeds": 2},
    "refinetti-label-noise": {"activations": ["tanh"], "noises": [0.0, 0.9], "examples": 60, "test": 50, "epochs": 2,
                              "marks": 2, "seeds": 2},
    "launay-bottleneck": {"sizes": "784-30-30-30-10", "units": [1, 30], "examples": 60, "test": 50, "epochs": 2,
                          "seeds": 2},
    "li-benna-sparse": {"sizes": "784-20-20-10", "densities": [1.0, 0.05], "examples": 128, "test": 50, "epochs": 2,
                        "burst_epochs": 1, "seeds": 1},
    "nokland-frozen": {"sizes": "784-9-9-9-10", "examples": 64, "measured": 50, "epochs": 2, "alone_epochs": 1,
                       "seeds": 2},
    "frenkel-synthetic": {"sizes": "256-9-9-10", "regression": [60, 20, 2], "classification": [60, 20, 2], "marks": 2,
                          "seeds": 2},
}  # fmt: skip


@pytest.fixture
def tiny(monkeypatch, in_this_process):
    """Each study with settings that take a moment."""
    for name, settings in TINY.items():
        each = EXPERIMENTS[name]
        monkeypatch.setitem(EXPERIMENTS, name, replace(each, settings=each.settings | settings))


@pytest.mark.usefixtures("unrendered")
@pytest.mark.parametrize("name", [name for name, settings in TINY.items() if settings["seeds"] > 1])
def test_of_one_seed_no_study_says_anything_about_a_spread(name, tiny, tmp_path):
    assert cli.main(["reproduce", name, "--seeds", "1", "--out", str(tmp_path / "run")]) == 0
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert "nan" not in " ".join(summary["verdict"]).lower()
    for row in summary["rows"]:
        assert all(value in (None, "") for key, value in row.items() if key.endswith("_sd"))
        assert not any("nan" in value for value in row.values() if isinstance(value, str))


@pytest.mark.filterwarnings("ignore:kp.*:UserWarning")
@pytest.mark.parametrize("name", TINY)
def test_each_study_writes_its_tables_and_figure_and_says_what_it_found(name, tiny, tmp_path, capsys):
    assert cli.main(["reproduce", name, "--out", str(tmp_path / "run")]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith(f"{name}: ") and "parts are in" in printed
    folder = tmp_path / "run"
    assert (folder / "figure.png").read_bytes().startswith(b"\x89PNG")
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["experiment"] == name and summary["settings"] == EXPERIMENTS[name].settings and summary["machine"]
    rows = list(csv.DictReader((folder / "history.csv").read_text().splitlines()))
    assert len(rows) > 5 and len(summary["rows"]) > 1 and summary["verdict"]
    assert all(sentence in printed for sentence in summary["verdict"])
    assert not list(folder.rglob("*.part"))


@pytest.mark.parametrize("folder", sorted(path.parent for path in FIGURES.glob("*/summary.json")), ids=lambda p: p.name)
def test_the_committed_table_and_verdict_follow_from_the_committed_rows(folder):
    """So that an experiment's formulas cannot move away from what is printed."""
    summary = json.loads((folder / "summary.json").read_text())
    each = EXPERIMENTS[summary["experiment"]]
    settings = each.settings | summary["settings"]
    rows = read_rows(folder / "history.csv")
    with open(folder / "history.csv") as file:
        header, *table = csv.reader(file)
    assert header == each.columns([dict(zip(header, row)) for row in table])
    found = each.table(settings, rows)
    for row, committed in zip(plain_json(found), summary["rows"], strict=True):
        assert row.keys() == committed.keys()
        for name, due in committed.items():  # but for the last digit, which depends on the BLAS
            assert row[name] == (pytest.approx(due, rel=1e-12) if isinstance(due, float) else due), name
    assert each.verdict(settings, found) == summary["verdict"]


def test_without_scipy_the_student_and_teacher_say_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy.special", None)
    with pytest.raises(InputError, match=r"need SciPy: pip install 'numpyfa\[theory\]'"):
        theory.UNITS["erf"][0](0.5)


def test_a_verdict_on_stability_depends_on_where_the_stable_cases_lie():
    def case(cosine, least, symmetric, solution="bp", kind="random"):
        return {"cosine": cosine, "cosine_all": cosine, "least": least, "least_symmetric": symmetric,
                "solution": solution, "kind": kind, "loss": 1e-29}  # fmt: skip

    own, bad = case(0.6, 0.1, -0.1, "fa", "own"), case(0.3, -2, -5)
    angle, every = fixed_points.stability([own, case(-0.1, -1, -3), bad, case(0.5, 1, 0.5, kind="mixed")], "polished")
    assert angle[2] == "yes" and "2 random B: cosine -0.1 to 0.3, 2 unstable" in angle[1] and "from 0.50" in angle[1]
    assert "acute in 2 of 2 stable and 1 of 2 unstable cases" in angle[1] and "1e-29" in angle[1]
    assert every[1].startswith("in 1 of 2 stable and 0 of 2 unstable") and every[2] == "sufficient, not necessary"
    angle, every = fixed_points.stability([own | {"least_symmetric": 1}, case(0.1, 1, 0.1), bad], "polished")
    assert angle[2] == "in part: the two overlap" and every[2] == "sufficient, and necessary here"
    assert [claim[2] for claim in fixed_points.stability([own, own], "polished")] == ["not decided"] * 2


def test_a_verdict_on_pushes_asks_both_solutions():
    def rows(bp, fa):
        pairs = [(solution, learn) for solution in ("bp", "fa") for learn in ("both", "hidden")]
        losses = {"bp": bp, "fa": fa}
        return [{"solution": a, "learn": b, "seed": 0, "loss": loss} for a, b in pairs for loss in losses[a]]

    assert fixed_points.pushes(rows([1, 5, 2], [1, 0.5]))[2] == "yes"
    assert fixed_points.pushes(rows([1, 0.9], [1, 0.5]))[2] == "no"
    assert fixed_points.pushes(rows([1, 5, 2], [1, 1.5]))[2] == "no"


def test_a_verdict_on_extrema_compares_the_gradient_with_the_update():
    def rows(gradient):
        return [{"hidden": hidden, "step": step, "update": 1e-3, "gradient": gradient, "loss": 1.0}
                for hidden in (40, 5) for step in (1, 2)]  # fmt: skip

    both = [fixed_points.extrema({"hidden": 40, "narrow": 5}, rows(gradient)) for gradient in (2e-3, 0.5)]
    assert [[verdict for *_, verdict in claims] for claims in both] == [["yes", "yes"], ["no", "no"]]


def course(rule="fa", sB=1, hidden_lr=1, errors=(80, 10), cosines=(0, 0.8), train_error=0.0):
    """The rows of one net of E5."""
    about = {"rule": rule, "sW": 1, "sB": sB, "lr": 0.1, "hidden_lr": hidden_lr, "seed": 0, "train_error": train_error}
    return [about | {"epoch": n, "test_error": e, "cosine": c} for n, (e, c) in enumerate(zip(errors, cosines))]


def test_the_cosine_while_the_error_falls_weighs_each_halving_alike():
    """80 to 40 % at a cosine of 0.1, 40 to 20 at 0.3; what happens while the error does not fall counts nothing."""
    run = course(errors=(80, 40, 60, 40, 20), cosines=(0.0, 0.2, 0.9, 0.2, 0.4))
    assert fixed_points.while_falling(run) == pytest.approx((0.1 + 0.3) / 2)
    assert fixed_points.while_falling(run, below=40) == pytest.approx(0.3)
    assert math.isnan(fixed_points.while_falling(run, below=20))


def test_alignment_while_the_error_falls_is_not_refuted_by_a_start_or_an_end_without():
    """The output layer alone comes to 40 %: what is above that is not the hidden layers' doing."""
    alone = course("shallow", errors=(80, 40))
    early = course(sB=2, errors=(80, 40, 11, 11), cosines=(-0.5, 0.5, 0.5, 0.0))
    poor = course(sB=3, errors=(80, 30), cosines=(0, 1))
    necessary, enough, _ = fixed_points.scale_claims([*course(), *early, *poor, *alone])
    assert necessary[2].startswith("not refuted: 0.40 or more")
    assert "FA sB 2: 0.50, 0.33 and 0.00, 11.0 %" in necessary[1]
    assert enough[2] == "yes" and "FA sB 3: cosine 1.00, test error 30.0 %" in enough[1]
    never = course(sB=2, errors=(80, 11), cosines=(-0.1, -0.1))
    necessary, enough, _ = fixed_points.scale_claims([*course(), *never, *alone])
    assert necessary[2] == "no" and enough[2] == "no"


def test_fa_generalises_better_only_if_bp_does_not_with_larger_hidden_steps():
    fa, bp = course(errors=(80, 10.7)), course("bp", errors=(80, 12.6))
    faster, unfit = course("bp", hidden_lr=10, errors=(80, 10.6)), course("fa", sB=9, errors=(80, 5), train_error=1.0)
    *_, claim = fixed_points.scale_claims([*fa, *bp, *unfit])
    assert claim[2] == "yes" and "sB 9" not in claim[1]
    *_, claim = fixed_points.scale_claims([*fa, *bp, *faster])
    assert claim[2].startswith("no: not than BP") and "BP hidden step times 10: 10.6 %" in claim[1]


def test_a_switch_breaks_what_was_learned_if_the_loss_rises_whatever_it_comes_to_in_the_end():
    def rows(**courses):
        return [{"first": pair[:2], "then": pair[3:], "epoch": epoch, "loss": loss, "cosine": -0.1}
                for pair, course in courses.items() for epoch, loss in enumerate(course)]  # fmt: skip

    others = {"bp_bp": [3, 2, 1, 0.6, 0.5], "bp_shallow": [3, 2, 1, 0.9, 0.8]}
    drives, breaks = fixed_points.switches(2, rows(bp_fa=[3, 2, 1, 4, 0.5], fa_bp=[3, 2, 1, 0.9, 0.5], **others))
    assert drives[2] == "yes" and breaks[2] == "yes" and "0.50 under fa" in drives[1] and "4.00" in breaks[1]
    drives, breaks = fixed_points.switches(2, rows(bp_fa=[3, 2, 1, 1, 1.2], fa_bp=[3, 2, 1, 2, 0.1], **others))
    assert drives[2] == "no" and breaks[2] == "no"


def test_a_random_walk_has_a_power_of_one_half_and_is_told_from_bp():
    def rows(fa_power, bp_power):
        steps, powers = (2, 10, 50, 100, 300, 500, 4000), {"fa": fa_power, "bp": bp_power}
        pairs = [(rule, step) for rule in powers for step in steps]
        return [{"rule": r, "step": step, "distance": step ** powers[r], "to_last_update": 0.0} for r, step in pairs]

    assert "FA 0.50 (0.00), 0.50" in fixed_points.random_walk(rows(0.5, 0.9))[1]
    assert fixed_points.random_walk(rows(0.5, 0.9))[2] == "not decided"
    assert fixed_points.random_walk(rows(0.5, 0.55))[2].startswith("not shown")


def test_the_deviation_in_the_table_is_of_simulation_from_theory(tiny):
    """At t = 0 both are the same to rounding, and later a finite N is off by something of order 1 / sqrt N."""
    rows = EXPERIMENTS["student-teacher"].work(EXPERIMENTS["student-teacher"].settings, "seeds", "fa", 0)
    simulated = pick(rows, part="simulation")
    assert max(row["deviation"] for row in simulated if row["t"] == 0) < 1e-12
    assert 0.001 < max(row["deviation"] for row in simulated) < 5 / 50**0.5
    assert {row["seed"] for row in simulated} == {0, 1}


def test_each_draw_has_a_v_and_an_F_of_its_own_and_v_turns_to_F(tiny):
    """Two draws: under FA cos(v, F) rises in each, in theory and in simulation, from another start to another F."""
    study = EXPERIMENTS["student-teacher"]
    draws = [study.work(study.settings, "draw", "fa", draw) for draw in (0, 1)]
    for part in ("draw, theory", "draw, simulation"):
        courses = [pick(rows, part=part) for rows in draws]
        assert all(own[-1]["cosine"] > own[0]["cosine"] + 0.3 for own in courses)
        assert courses[0][0]["F_1"] != courses[1][0]["F_1"] and len({row["F_2"] for row in courses[0]}) == 1


def test_a_verdict_on_the_linear_task_asks_both_the_angle_and_the_proofs():
    def say(left, alike, order, rise):
        e = lillicrap_linear.LEFT, lillicrap_linear.ANY
        found = {f"FA's angle to BP at the end, {each}": 26.0 for each in e}
        found |= {f"FA's angle to pseudo-BP at the end, {each}": angle for each, angle in zip(e, (left, alike))}
        found |= {"share of |E|^2 in one singular mode then": 0.97, "order in dt of the invariant's drift": order,
                  "largest rise of V between": rise}  # fmt: skip
        return lillicrap_linear.verdict({}, [{"what": what, "found": each} for what, each in found.items()])

    angles, proofs = say(3.0, 14.0, 1.02, -1e-8)
    assert angles.endswith("as the paper says") and "97% of which" in angles and "behave as the proofs" in proofs
    assert all("not nearer" in say(left, alike, 1, 0)[0] for left, alike in ((40.0, 14.0), (3.0, 40.0)))
    assert all("do not behave" in say(3.0, 14.0, order, rise)[1] for order, rise in ((2.0, 0), (1.0, 1e-3)))


def test_the_medians_are_of_the_runs_that_arrive():
    """Three starts, of which two come to an error below 0.01, at 5 and 15; all align at 1 and 3."""

    def run(seed, arrives):
        courses = ((0, 0.1, 1), (1 + 2 * seed, 0.95, 1), (arrives, 0.97, 0.001 if arrives < 20 else 0.5))
        return [{"part": "shallow", "rule": rule, "K": 2, "seed": seed, "t": t, "cosine": c, "error": e,
                 "signs_of_F": 1, "signs_of_v0": 1} for rule in ("bp", "fa") for t, c, e in courses]  # fmt: skip

    rows = [*run(0, 5), *run(1, 15), *run(2, 20)]
    counted = align_then_memorise.arrivals({"students": [2], "seeds": 3}, rows)
    found = {row["what"]: row["found"] for row in counted}
    assert found["fa, K = 2: times of the two, medians of those 2"] == "2, 10"
    assert found[align_then_memorise.ARRIVE] == "2 of 3"


def test_a_verdict_on_learned_feedback_names_the_cases_that_break_the_law():
    def case(name, apart):
        return {"case": name, "B from the law, worst": apart}

    (found,) = learned_feedback.of_gap({}, [case("SGD", 1e-15), case("Adam, coupled", 0.3)])
    assert found == "the law holds to rounding under SGD, and not under Adam, coupled"
    path = {"path from the law, worst": 1e-15, "angles, layers 2 and 3 (deg)": "43.9, 47.5", "arctan(1/sqrt k)": 45.0}
    assert "at most 2.5 degrees" in learned_feedback.of_path({}, [path])[0]


def test_a_verdict_on_student_and_teacher_needs_alignment_under_fa_alone():
    def say(fa, bp):
        ends = [{"rule": rule, "highest in theory": highest, "at 5: theory": 0.5, "deviation to t = 10": "0.1",
                 "above 0.9 in: theory, simulation": "6, 5"} for rule, highest in (("fa", fa), ("bp", bp))]  # fmt: skip
        assert "of 6 draws" in student_teacher.verdict({"t": 5.0, "draws": 6}, ends)[1]
        return student_teacher.verdict({"t": 5.0, "draws": 6}, ends)[0]

    assert say(0.99, 0.3).endswith("v aligns with F under FA alone")
    assert say(0.99, 0.95).endswith("does not align under FA alone") and say(0.5, 0.3).endswith(
        "not align under FA alone"
    )
