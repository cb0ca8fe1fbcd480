"""The command line: what each command says, and what it refuses."""

import json
import os
import re
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

import numpyfa as fa
from numpyfa import cli, data, errors
from numpyfa.gradcheck import Check
from numpyfa.lab.protocol import Protocol, build
from numpyfa.lab.spelling import spell_all


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["reproduce", "mnist-200-8-10"], "unknown experiment 'mnist-200-8-10': did you mean 'mnist-200-80-10'"),
        (["reproduce", "mnist-1000-10", "--rules", "bp,fb"], "unknown rule 'fb': did you mean 'fa'|'bp'"),
        (["reproduce", "mnist-1000-10", "--rules", "bp,bp"], "name each rule once"),
        (
            ["reproduce", "mnist-1000-10", "--epochs", "0"],
            "epochs must be a whole number from 1 to 1000000000, found 0",
        ),
        (["reproduce", "mnist-1000-10", "--seeds", "0"], "seeds must be a whole number from 1 to 100000, found 0"),
        (["train", "--seeds", "1000000000"], "seeds must be a whole number from 1 to 100000, found 1000000000"),
        (["reproduce", "mnist-1000-10", "--batch-size", "0"], "batch_size must be a whole number from 1"),
        (["reproduce", "mnist-1000-10", "--lr", "nan"], "learning rate must be a number above 0"),
        (["reproduce", "mnist-1000-10", "--lr", "fast"], "invalid float value: 'fast'"),
        (["reproduce", "mnist-1000-10", "--resume", "--force"], "not allowed with"),
        (["experiments", "mnist-1000"], "did you mean 'mnist-1000-10'"),
        (["runs", "nowhere"], "nowhere is no folder that can be read"),
        (["explain"], "the following arguments are required: RULE"),
        (["train", "--lr=--"], "--lr=--: give a value after the ="),
        (["train", "--out=--"], "--out=--: give a value after the ="),
        (["train", "--out", " "], "--out is empty: choose a folder"),
        (["train", "--out", "x" * 300], "File name too long; choose another folder"),
        (["train", "--out", "/dev/null"], "cannot write into /dev/null"),
        (["train", "--epochs", "1" + "0" * 400], "epochs must be a whole number from 1 to 1000000000"),
        (["train", "--rule", "kp", "--burst", "nan"], "burst must be a number from 0, found nan"),
        (["train", "--rule", ""], "name each rule once, found none"),
        (["train", "--rule", "pfa:k=5"], "rule 'pfa' has no option 'k': it takes expansion, orthogonal"),
        (["train", "--rule", "bp:k=5"], "rule 'bp' has no option 'k': it takes none"),
        (["train", "--rule", "pfa:expansion=2.5"], "expansion must be a whole number below 10.9, found '2.5'"),
        (["train", "--rule", "pfa:orthogonal=1"], "orthogonal must be true or false, found '1'"),
        (["train", "--rule", "sa:alpha=nan"], "alpha must be a finite number, found 'nan'"),
        (["train", "--rule", "fa:init=../x"], "init must be a word, found '../x'"),
        (["train", "--rule", "pfa:expansion"], "is written pfa:option=value, found 'expansion'"),
        (["train", "--rule", "pfa:expansion=1,expansion=2"], "give the option expansion once"),
        (["train", "--rule", "dfa:layers=9"], r"hidden layers that learn, \[1, 2\], or to 'dense' ones; found \(9,\)"),
        (["train", "--rule", "pfa:expansion=5", "--rule", "pfa:expansion=05"], "name each rule once"),
        (["train", "--net", "783-10"], r"examples of shape \(783,\)"),
        (["train", "--net", "784-9"], "10 classes, but the net has 9 outputs"),
        (["train", "--net", "lenett"], "unknown net 'lenett': did you mean 'lenet'"),
        (["train", "--data", "mnits"], "did you mean 'mnist'"),
        (["train", "--data", "missing.npz"], "there is no file missing.npz"),
        (["train", "--activation", "tahn"], "did you mean 'tanh'"),
        (["train", "--loss", "softmx"], "did you mean 'softmax'"),
        (["train", "--optimizer", "adm"], "did you mean 'adam'"),
        (["train", "--optimizer", "adam", "--momentum", "0.9"], "momentum is an option of sgd"),
        (
            ["train", "--feedback-optimizer", "adam", "--feedback-lr", "1e-3"],
            "feedback of bp does not learn by a gradient; that of kp, pfa, .*dkp",
        ),
        (["train", "--rule", "dkp", "--feedback-optimizer", "adm", "--feedback-lr", "1"], "did you mean 'adam'"),
        (["train", "--rule", "dkp", "--feedback-optimizer", "adam"], "adam needs a learning rate .*: --feedback-lr"),
        (
            ["train", "--rule", "dkp", "--feedback-optimizer", "adam", "--feedback-lr", "-1"],
            "the feedback optimiser: the learning rate must be a number above 0",
        ),
        (
            [
                "train",
                "--rule",
                "dkp",
                "--feedback-optimizer",
                "adam",
                "--feedback-lr",
                "1",
                "--feedback-momentum",
                "0.5",
            ],
            "the feedback optimiser: momentum is an option of sgd and manhattan, found with adam",
        ),
        (
            ["train", "--rule", "dkp", "--feedback-optimizer", "sgd", "--feedback-lr", "1", "--feedback-decay", "-1"],
            "the feedback optimiser: the decay must be a number from 0",
        ),
        (["train", "--rule", "dkp", "--feedback-lr", "0.1"], "--feedback-lr is of a second optimiser: name one"),
        (["train", "--rule", "dkp", "--feedback-momentum", "0"], "--feedback-momentum is of a second optimiser"),
        (["train", "--rule", "dkp", "--feedback-decay", "0"], "--feedback-decay is of a second optimiser"),
        (["train", "--init", "glorto"], "did you mean 'glorot'"),
        (["train", "--feedback", "normal:big"], "must be a number from 0"),
        (["train", "--device", "tpu"], "invalid choice: 'tpu'"),
        (["explain", "dfaa"], "did you mean 'dfa'"),
        (["data", "cifar10"], "did you mean 'cifar-10'"),
        (["trian"], "invalid choice: 'trian'"),
        ([], "required: COMMAND"),
    ],
)
def test_bad_input_is_one_line_and_status_2(tmp_path, monkeypatch, refused, arguments, message):
    monkeypatch.chdir(tmp_path)
    assert re.search(message, refused(*arguments))
    assert not list(tmp_path.iterdir()), "nothing is written"


def test_check_prints_a_table_and_json_and_fails_with_status_1(capsys, monkeypatch):
    good, bad = Check("one", 1e-12, 1e-9), Check("two", 1.0, 1e-9, 3, "worst entry [0]")
    found = {"fa": [good]}
    monkeypatch.setattr(cli.report, "groups", lambda names: list(found))
    monkeypatch.setattr(cli.report, "checks_of", lambda name: found[name])
    assert cli.main(["check"]) == 0 and "1 checks, 0 failed" in capsys.readouterr().out
    found["bp"] = [good, bad]
    assert cli.main(["check"]) == 1
    assert re.search(r"two +1.0e\+00 +1.0e-09 +3  FAILED worst entry", capsys.readouterr().out)
    assert cli.main(["check", "--json"]) == 1
    rows = json.loads(capsys.readouterr().out)
    assert [row["passed"] for row in rows] == [True, True, False] and rows[2]["group"] == "bp"


def test_rules_and_explain_show_the_equation_the_source_and_the_code(capsys):
    assert cli.main(["rules"]) == 0
    listed = capsys.readouterr().out
    for name, kind in fa.RULES.items():
        assert cli.main(["explain", name]) == 0
        printed = capsys.readouterr().out
        assert re.search(rf"^{name} +{re.escape(kind.__doc__.splitlines()[0])}", listed, re.M)
        assert all(f"\n{heading}\n" in printed for heading in ("Equation", "Shapes", "Source"))
        assert f"class {kind.__name__}" in printed
    assert 'return own["B"]' in (cli.main(["explain", "fa"]), capsys.readouterr().out)[1]


def test_data_lists_where_each_set_is(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(data.sources, "cache", lambda: tmp_path)
    monkeypatch.delenv("NUMPYFA_DATA", raising=False)
    assert cli.main(["data"]) == 0
    printed = capsys.readouterr().out
    assert re.search(r"^mnist +bundled", printed, re.M)
    assert re.search(r"^cifar-10 +not here: numpyfa data cifar-10 fetches it", printed, re.M)


def test_doctor_reports_versions_blas_and_the_reason_for_no_gpu(capsys):
    assert cli.main(["doctor"]) == 0
    printed = capsys.readouterr().out
    for what in ("numpyfa", "numpy", "blas", "cores", "BLAS threads", "cupy distributions", "GPU"):
        assert re.search(rf"^{what} +\S", printed, re.M), what
    assert re.search(r"^GPU +(yes: |no: \S)", printed, re.M)


def test_the_command_line_imports_neither_cupy_nor_matplotlib_before_it_needs_them():
    code = "import sys, numpyfa.cli; print([m for m in ('cupy', 'matplotlib', 'pooch') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_version_is_the_packages_and_numpys(capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main(["--version"])
    assert ended.value.code == 0 and capsys.readouterr().out == f"numpyfa {fa.__version__} (NumPy {np.__version__})\n"


def help_of(command, capsys):
    with pytest.raises(SystemExit):
        cli.main([command, "--help"])
    return " ".join(capsys.readouterr().out.split()).replace("- ", "-")


def test_the_help_of_train_shows_the_default_of_each_of_its_31_options(capsys):
    words = help_of("train", capsys)
    for name in ("net", "data", "loss", "optimizer", "momentum", "decay", "init", "epochs", "seeds", "batch_size", "lr",
                 "validation", "hidden_lr", "device", "dtype"):  # fmt: skip
        default = re.escape(str(getattr(cli.TRAIN, name)))
        assert re.search(rf"--{name.replace('_', '-')} [^()]*\(default: {default}\)", words), name
    assert words.count("(default: ") == 31 + 1  # and what becomes of a run that is there already
    assert "(default: bp)" in words and "(default: runs/NET-DATA-RULES)" in words
    assert "(default: runs/sweep-NET-DATA)" in help_of("sweep", capsys)


def test_the_help_of_reproduce_says_that_the_experiments_settings_are_the_defaults(capsys):
    words = help_of("reproduce", capsys)
    assert "as the experiment's own settings say, which `numpyfa experiments NAME` shows" in words
    assert words.count("(default: ") == 3 and "mnist" not in words, "no list of names inside a help text"


def test_each_experiment_has_a_line_with_its_time_and_one_with_its_paper(capsys):
    assert cli.main(["experiments"]) == 0
    listed = capsys.readouterr().out
    for words in (["reproduce"], ["reproduce", "--list"]):
        assert cli.main(words) == 0 and capsys.readouterr().out == listed
    lines = listed.splitlines()
    for name, each in cli.EXPERIMENTS.items():
        assert each.minutes > 0
        place = next(n for n, line in enumerate(lines) if line.startswith(f"{name} "))
        assert re.search(r"  [\w@.-][\w @.-]*(, not here)?  +[\d.]+ (s|min|h)\b", lines[place]), name
        assert lines[place + 1].strip() == ", ".join(filter(None, (each.source, each.place)))


def test_the_list_of_experiments_looks_at_each_data_set_once(capsys, monkeypatch):
    asked = []
    monkeypatch.setattr(data, "whole", lambda name: asked.append(name) or (None, []))
    assert cli.main(["experiments"]) == 0
    assert "fashion-mnist" in asked and len(set(asked)) == len(asked)


def test_an_experiment_shows_its_settings_and_what_quick_changes(capsys):
    assert cli.main(["experiments", "mnist-1000-10"]) == 0
    printed = capsys.readouterr().out
    assert re.search(r"settings\n.*lr +0.16\n.*--quick changes\n.*examples +10000\n", printed, re.S)


def test_each_net_has_a_line_with_its_parameters(capsys):
    assert cli.main(["nets"]) == 0
    printed = capsys.readouterr().out
    assert re.search(
        r"^resnet20 +269,722 for 32 x 32 x 3 +He et al. 2016's residual net for CIFAR with 20", printed, re.M
    )
    assert all(re.search(rf"^{name} +[\d,]+ for .*[a-zA-Z]{{4}}", printed, re.M) for name in fa.MODELS)


@pytest.mark.parametrize(
    "given, spelled",
    [
        (["bp,fa", "pfa"], ("bp", "fa", "pfa")),
        (["fa, pfa:orthogonal=TRUE,expansion=05,dfa:layers=1+2"],
         ("fa", "pfa:expansion=5,orthogonal=true", "dfa:layers=1+2")),
        (["dfa:layers=dense,init=normal:1"], ("dfa:init=normal:1,layers=dense",)),
        (["sa:alpha=1e-3"], ("sa:alpha=0.001",)),
    ],
)  # fmt: skip
def test_a_rule_with_options_is_spelled_in_one_way(given, spelled):
    assert spell_all(given) == spelled and spell_all(spelled) == spelled


def test_the_options_of_a_rule_reach_it_in_their_own_kind(mini):
    protocol = Protocol(net="784-20-10-10", feedback="normal:3")
    rules = [
        build(protocol, word, 0, mini)[1] for word in ("pfa:expansion=5,orthogonal=true", "dfa:layers=2", "fa:init=he")
    ]
    assert rules[0].options() == {"expansion": 5, "orthogonal": True}
    assert list(rules[1].feedback) == [2] and rules[1].init == "normal:3" and rules[2].init == "he"


def test_a_rule_with_options_keeps_the_learning_rate_of_its_own(mini):
    protocol = Protocol(net="784-10", rules=("dkp:init=he",), lr=0.1, lr_of=(("dkp", 0.002),))
    assert build(protocol, "dkp:init=he", 0, mini)[3].lr == 0.002
    assert protocol.learning_rates() == "0.1 (dkp 0.002)"


def test_a_second_optimiser_has_the_drops_the_burst_and_a_decay_of_its_own_or_Ws(mini):
    """2000 examples in batches of 100 are 20 batches an epoch: the burst ends at step 20, the rate drops at step 40."""
    protocol = Protocol(net="784-20-10", rules=("bp", "dkp"), lr=0.1, momentum=0.9, decay=0.01, burst=0.5, epochs=4,
                        batch_size=100, drops=(0.5,), decoupled=True, feedback_optimizer="adam",
                        feedback_lr=0.001)  # fmt: skip
    *_, first, second = build(protocol, "dkp", 0, mini)
    assert type(first) is fa.SGD and type(second) is fa.Adam and first.decoupled and second.decoupled
    assert [second.lr(step) for step in (0, 39, 40)] == pytest.approx([0.001, 0.001, 0.0001])
    assert [second.decay(step) for step in (0, 19, 20)] == pytest.approx([0.5, 0.5, 0.01])
    *_, second = build(replace(protocol, feedback_decay=0.002), "dkp", 0, mini)
    assert [second.decay(step) for step in (0, 19, 20)] == pytest.approx([0.5, 0.5, 0.002])
    own = replace(protocol, feedback_optimizer="sgd", feedback_momentum=0.7, burst=None, feedback_decay=0.0)
    *_, second = build(own, "dkp", 0, mini)
    assert (second.momentum, second.decay) == (0.7, 0.0)
    *_, first, second = build(protocol, "bp", 0, mini)
    assert second is None and first.decay == 0.01
    assert protocol.learning_rates() == "0.1, of the feedback 0.001 by adam"


@pytest.mark.parametrize("words", [["rules"], ["explain", "fa"], ["data"], ["doctor"]])
def test_a_list_needs_neither_a_reader_nor_an_encoding_that_has_its_letters(words):
    command = [sys.executable, "-m", "numpyfa", *words]
    environment = os.environ | {"PYTHONIOENCODING": "ascii"}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.close()  # before it has said anything
    assert (process.stderr.read(), process.wait()) == (b"", 0)
    process.stderr.close()
    done = subprocess.run(command, env=environment, capture_output=True, check=True)
    assert done.stdout.isascii() and len(done.stdout) > 100 and not done.stderr


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no full device")
def test_a_full_disk_is_one_line_and_status_2():
    with open("/dev/full", "w") as full:
        command = [sys.executable, "-m", "numpyfa", "rules"]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, check=False)
    assert (done.returncode, done.stderr.count(b"\n")) == (2, 1) and b"No space left" in done.stderr


def test_our_own_warnings_are_one_line_once_and_numpys_are_not_told(capsys, monkeypatch):
    def examine(options):
        for _ in range(2):
            np.float64(1e308) * 10
            errors.warn("mind\nthis")
        return 0

    monkeypatch.setattr(cli, "examine", examine)
    assert cli.main(["doctor"]) == 0
    assert capsys.readouterr().err == "numpyfa: warning: mind this\n"


# What a user of the library hears instead of a traceback


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda net: fa.make_net(None), "unknown net 'None'"),
        (lambda net: fa.make_net("784-"), "a net is written as sizes"),
        (lambda net: fa.make_net("784-" + "9" * 5000), "a net is written as sizes"),
        (lambda net: fa.make_net("lenet", input_shape=(28, 28)), r"\(height, width, channels\), found \(28, 28\)"),
        (lambda net: fa.make_net("drtp-conv", input_shape=784), "found 784"),
        (lambda net: fa.make_net("lenet", outputs=0), "from 1, found 0"),
        (lambda net: fa.make_net("784-10", k=3), "net '784-10' has no option 'k': it takes device, dtype, init, seed"),
        (lambda net: fa.make_net("alexnet", unit=3), "has no option 'unit': it takes device, dtype, init, seed, units"),
        (lambda net: fa.make_rule("fa", net, k=3), "rule 'fa' has no option 'k': it takes init"),
        (lambda net: fa.make_rule("dfa", net, layers=[[9]]), "direct feedback goes to hidden layers that learn"),
        (lambda net: fa.optim.make_optimizer("sgd", 0.1, beta=1), "optimiser 'sgd' has no option 'beta': it takes"),
    ],
)  # fmt: skip
def test_what_cannot_be_made_is_refused_with_what_can(make, message):
    with pytest.raises(fa.InputError, match=message):
        make(fa.mlp("784-10-10"))


@pytest.mark.parametrize(
    "wrong, message",
    [
        ({"data": (1, 2)}, r"fit: data must be a Dataset, found \(1, 2\)"),
        ({"loss": "softmax"}, "fit: loss must be a Loss, found 'softmax'"),
        ({"optimizer": fa.SGD}, "fit: optimizer must be an Optimizer"),
        ({"rule": "fa"}, "fit: rule must be a Rule, found 'fa'"),
        ({"augment": True}, "fit: augment must be a function, found True"),
        ({"history": [{"loss": 1}]}, "fit: history must be what an earlier fit gave back"),
    ],
)
def test_fit_refuses_what_is_no_part_of_a_training(mini, wrong, message):
    net = fa.mlp("784-10")
    parts = {"rule": fa.BP(net), "loss": fa.SoftmaxCrossEntropy(), "optimizer": fa.SGD(0.1), "data": mini} | wrong
    with pytest.raises(fa.InputError, match=message):
        fa.fit(net, epochs=1, batch_size=10, **parts)
