"""The papers' experiments: what they write and say, and whether their verdicts follow from their rows."""

import csv
import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from numpyfa import cli
from numpyfa.errors import InputError
from numpyfa.lab.tables import pick, plain_json, read_rows
from numpyfa.papers import EXPERIMENTS
from numpyfa.papers.fixed_points import verdict as fixed_points
from numpyfa.papers.learned_feedback import verdict as learned_feedback
from numpyfa.papers.lillicrap_linear import verdict as lillicrap_linear
from numpyfa.papers.student_teacher import verdict as student_teacher
from numpyfa.theory import student_teacher as theory

FIGURES = Path(__file__).parents[1] / "figures"
TINY = {
    "student-teacher": {"N": 50, "K": 2, "t": 5, "marks": 5, "seeds": 2},
    "align-then-memorise": {"students": [2], "t": 5, "linear_steps": 50, "identity_steps": 100, "shared": [0.0, 0.8],
                            "width": 30, "linear_seeds": 1, "grid": [0.4, 1.0], "heat_steps": [20, 40], "seeds": 2},
    "lillicrap-linear": {"examples": 40, "scales": [0.01, 0.25], "scale_examples": 20, "flow_time": 1.0,
                         "flow_steps": [0.01, 0.005], "seeds": 2},
    "fixed-points": {"seeds": 1, "examples": [60, 20], "epochs": 2, "scale_epochs": 2, "small": 5, "small_steps": 40,
                     "scales": [["fa", 1, 1, 0.1], ["fa", 1, 0.01, 0.1], ["bp", 1, 1, 0.1]], "push_steps": 20,
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
    def case(cosine, least, solution="bp", kind="random"):
        return {"cosine": cosine, "least": least, "solution": solution, "kind": kind}

    own = case(0.6, 0.1, "fa", "own")
    _, found, verdict = fixed_points.stability([own, case(0.1, -1), case(0.3, -2), case(0.5, 1, kind="mixed")])
    assert verdict == "yes" and "2 random B: cosine 0.1 to 0.3, 2 unstable" in found and "from 0.50" in found
    assert fixed_points.stability([own, case(0.1, 1), case(0.3, -2)])[2] == "in part: the two overlap"


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


def test_verdicts_on_scales_name_the_nets_that_decide_them():
    def net(sB, cosine, error):
        return {"rule": "fa", "sW": 1, "sB": sB, "lr": 0.1, "cosine": cosine, "test_error": error}

    necessary, enough = fixed_points.scale_claims([net(1, 0.7, 10), net(2, 0.1, 11), net(3, 0.9, 30)])
    assert necessary[2] == "no" and "sB 2" in necessary[1]
    assert enough[2] == "yes" and "sB 3" in enough[1]
    necessary, enough = fixed_points.scale_claims([net(1, 0.7, 10), net(2, 0.1, 30)])
    assert necessary[2] == "not refuted" and enough[2] == "no"


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
    rows = EXPERIMENTS["student-teacher"].work(EXPERIMENTS["student-teacher"].settings, "fa", 0)
    simulated = pick(rows, part="simulation")
    assert max(row["deviation"] for row in simulated if row["t"] == 0) < 1e-12
    assert 0.001 < max(row["deviation"] for row in simulated) < 5 / 50**0.5
    assert {row["seed"] for row in simulated} == {0, 1}


def test_a_verdict_on_the_linear_task_asks_both_the_angle_and_the_proofs():
    def say(pseudo, order, rise):
        found = {"FA's angle to BP at the end": 26.0, "FA's angle to pseudo-BP at the end": pseudo,
                 "order in dt of the invariant's drift": order, "largest rise of V between": rise}  # fmt: skip
        return lillicrap_linear.verdict({}, [{"what": what, "found": each} for what, each in found.items()])

    assert say(3.0, 1.02, -1e-8)[0].endswith("as the paper says") and "behave as the proofs" in say(3.0, 1.02, -1e-8)[1]
    assert "not nearer" in say(40.0, 1, 0)[0]
    assert all("do not behave" in say(3.0, order, rise)[1] for order, rise in ((2.0, 0), (1.0, 1e-3)))


def test_a_verdict_on_learned_feedback_names_the_cases_that_break_the_law():
    def case(name, apart):
        return {"case": name, "B from the law, worst": apart}

    (found,) = learned_feedback.of_gap({}, [case("SGD", 1e-15), case("Adam, coupled", 0.3)])
    assert found == "the law holds to rounding under SGD, and not under Adam, coupled"
    path = {"path from the law, worst": 1e-15, "angles, layers 2 and 3 (deg)": "43.9, 47.5", "arctan(1/sqrt k)": 45.0}
    assert "at most 2.5 degrees" in learned_feedback.of_path({}, [path])[0]


def test_a_verdict_on_student_and_teacher_needs_alignment_under_fa_alone():
    def say(fa, bp):
        ends = [{"rule": rule, "highest in theory": highest, "at 5: theory": 0.5, "deviation to t = 10": "0.1"}
                for rule, highest in (("fa", fa), ("bp", bp))]  # fmt: skip
        return student_teacher.verdict({"t": 5.0}, ends)[0]

    assert say(0.99, 0.3).endswith("v aligns with F under FA alone")
    assert say(0.99, 0.95).endswith("does not align under FA alone") and say(0.5, 0.3).endswith(
        "not align under FA alone"
    )
