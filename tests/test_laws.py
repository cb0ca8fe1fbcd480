"""Every law of `numpyfa check`, that none can be left out, and that a convolution runs as it is defined."""

import json
import math

import numpy as np
import pytest

import numpyfa as fa
from numpyfa import cli, convolution, laws, lines
from numpyfa.gradcheck import Check
from numpyfa.laws import report
from numpyfa.laws.every_rule import everything
from numpyfa.laws.nets import batch, dense_net, largest, largest_difference, use_bp_feedback


@pytest.mark.parametrize("group", laws.groups())
def test_every_law_holds_and_each_check_has_a_name_of_its_own(group):
    checks = list(laws.checks_of(group))
    assert [check for check in checks if not report.passed(check)] == []
    assert len({check.name for check in checks}) == len(checks)


@pytest.mark.parametrize("name, kind", fa.RULES.items())
def test_every_rule_has_a_law_that_says_where_it_is_bp(name, kind):
    law = laws.law_of(kind)
    assert any("it is BP" in check.name for check in law.laws()), f"{law.__name__} never shows where {name} is BP"
    assert law.make_bp.__doc__, f"{law.__name__}.make_bp must say in its docstring what makes {name} BP"


def test_a_missing_law_is_named_with_what_to_write():
    class Mine(fa.SequentialRule):
        """A rule of one's own, in a file that has no law."""

    with pytest.raises(fa.InputError, match=r"numpyfa/laws/test_laws.py is missing: say there what makes the rule BP"):
        laws.law_of(Mine)


def test_a_law_without_its_parts_is_refused_by_their_names(monkeypatch):
    from numpyfa.laws import kp

    monkeypatch.delattr(kp, "surrogate")
    with pytest.raises(fa.InputError, match=r"numpyfa/laws/kp.py must write surrogate"):
        laws.law_of(fa.KP)
    monkeypatch.delattr(kp, "make_bp")
    with pytest.raises(fa.InputError, match=r"numpyfa/laws/kp.py must write make_bp\(rule\)"):
        laws.law_of(fa.KP)


def test_groups_are_the_engine_and_the_rules_and_a_variant_is_its_rule():
    assert laws.groups() == [*laws.ENGINE, *fa.RULES]
    assert laws.groups(["sdtp", "losses", "dtp"]) == ["losses", "dtp"]
    with pytest.raises(
        fa.InputError, match="unknown rule or part of the engine 'sparse-pf': did you mean 'sparse-pfa'"
    ):
        laws.groups(["sparse-pf"])


def test_the_command_checks_what_is_named_and_prints_a_table_and_json(capsys):
    assert cli.main(["check", "fa", "convolution"]) == 0
    table = capsys.readouterr().out
    assert "checks, 0 failed" in table and [line.split()[0] for line in table.splitlines() if "verdict" in line] == [
        "convolution",
        "fa",
    ]
    assert cli.main(["check", "fa", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert {row["group"] for row in rows} == {"fa"} and all(row["passed"] is True for row in rows)
    assert cli.main(["check", "dfaa"]) == 2 and "did you mean 'dfa'" in capsys.readouterr().err


def test_a_failing_check_gives_status_1_and_what_is_no_number_is_null(monkeypatch, capsys):
    bad = [Check("nan", math.nan, 1.0), Check("low", -math.inf, 1.0), Check("numpy", np.float32(2), np.float64(1))]
    good = Check("good", np.float64(0.5), 1.0, skipped=np.int64(3))
    monkeypatch.setattr(report, "checks_of", lambda group: [*bad, good])
    assert cli.main(["check", "fa"]) == 1
    table = capsys.readouterr().out
    assert table.count("FAILED") == 3 and table.endswith("4 checks, 3 failed\n")
    assert cli.main(["check", "fa", "--json"]) == 1
    rows = json.loads(capsys.readouterr().out)
    assert [(row["figure"], row["passed"]) for row in rows] == [(None, False), (None, False), (2.0, False), (0.5, True)]
    monkeypatch.setattr(report, "checks_of", lambda group: [])
    assert cli.main(["check", "fa"]) == 1, "a group that checks nothing must not pass"


def test_progress_is_one_line_on_a_terminal_and_nothing_elsewhere(monkeypatch, capsys):
    monkeypatch.setattr(report, "checks_of", lambda group: [Check("good", 0.0, 1.0)])
    report.run(["fa", "bp"])
    assert capsys.readouterr().err == ""
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    report.run(["fa", "bp"])
    assert "check 1 of 2: bp" in capsys.readouterr().err


def test_a_comparison_with_nan_is_nan():
    nan, one = {"a": np.array([1.0, np.nan])}, {"a": np.array([1.0, 2.0])}
    assert math.isnan(largest(0.0, nan["a"])) and math.isnan(largest(nan["a"], 0.0))
    assert math.isnan(largest_difference(nan, one)) and math.isnan(largest_difference(one, nan))
    assert largest_difference(one, {"b": one["a"]}) == math.inf


# -- One path: what the definition says is what runs ---------------------------------------------------------------

ROUNDING = 1e-12  # relative to the largest move; they measure 1e-13 and less


def accepted(name):
    """The rule's LeNet and ResNet-8 in float64, without pools and batch norm where it refuses them."""
    for build in (lenet, resnet8):
        for plain in (False, True):
            net = build(plain)
            try:
                yield net, fa.make_rule(name, net)
                break
            except fa.InputError:
                pass


def lenet(plain):
    if not plain:
        return fa.lenet("tanh", dtype="float64")
    convs = [fa.Conv(6, 5, "tanh", stride=2, padding=2), fa.Conv(16, 5, "tanh", stride=2), fa.Conv(120, 5, "tanh")]
    return fa.Network((28, 28, 1), [*convs, fa.Dense(84, "tanh"), fa.Dense(10)], dtype="float64")


def resnet8(plain):
    net = fa.resnet8("tanh", (12, 12, 1), dtype="float64")
    if not plain:
        return net
    layers = []
    for layer in net.layers[:-1]:
        tail = ["tanh"] if any(isinstance(item, fa.Tanh) for item in layer.tail) else []
        if isinstance(layer, fa.Junction):
            layers.append(fa.Junction(*tail, sources=layer.sources))
        else:
            shape = {"stride": layer.stride, "padding": layer.padding, "source": layer.source}
            layers.append(fa.Conv(layer.channels, layer.kernel, *tail, **shape))
    return fa.Network((12, 12, 1), [*layers, fa.Dense(10)], dtype="float64")


def two_steps(net, rule):
    """How far two training steps move every parameter, running value and feedback array."""
    x, target = batch(net, 3)
    start = {name: array.copy() for name, array in everything(rule).items()}
    optimizer = fa.SGD(0.1, momentum=0.9, decay=0.01)
    for _ in range(2):
        fa.train_step(net, rule, fa.SoftmaxCrossEntropy(), optimizer, x, target)
    return {name: array - start[name] for name, array in everything(rule).items()}


@pytest.mark.parametrize("name", fa.RULES)
def test_a_training_step_is_the_same_with_the_fast_form_and_without_it(name, monkeypatch):
    """LeNet and ResNet-8, two whole steps in float64, each move equal to 1e-12 of the largest."""
    monkeypatch.setattr(lines, "BYTES", 1 << 17)  # an image or two at a time, so that pieces are put together
    fast = [two_steps(net, rule) for net, rule in accepted(name)]
    for method in convolution.FAST_FORM:
        monkeypatch.delattr(fa.Conv, method)
    defined = [two_steps(net, rule) for net, rule in accepted(name)]
    assert len(fast) == (1 if name == "dtp" else 2)  # a sum has no inverse
    assert max(largest_difference(a, b) for a, b in zip(fast, defined)) < ROUNDING


def test_a_students_own_rule_runs_the_fast_form_of_a_convolution(monkeypatch):
    """As in tutorials/09: it says what stands where W^T stands, and knows of no fast form."""

    class BinaryFA(fa.SequentialRule):
        def init_feedback(self, layer):
            return {"B": 0.1 * np.sign(self.draw(layer, layer.W.T.shape, "normal"))}

        def stand_in(self, layer, own):
            return own["B"]

    seen, carry = [], lines.carry
    monkeypatch.setattr(lines, "carry", lambda delta, M, *rest: seen.append(M) or carry(delta, M, *rest))
    net = fa.Network((8, 8, 1), [fa.Conv(2, 3, "tanh"), fa.Conv(3, 3, "tanh"), fa.Dense(3)], dtype="float64")
    rule = BinaryFA(net)
    fa.train_step(net, rule, fa.SoftmaxCrossEntropy(), fa.SGD(0.1), *batch(net))
    assert len(seen) == 1 and seen[0] is rule.feedback[2]["B"]


def test_use_bp_feedback_asks_the_rules_own_law_also_for_a_subclass():
    class Mine(fa.FA):
        pass

    rule = use_bp_feedback(Mine(dense_net("tanh")))
    np.testing.assert_array_equal(rule.feedback[3]["B"], rule.net[3].W.T)
