"""The command line: what each command says, and what it refuses."""

import re
import subprocess
import sys

import pytest

import numpyfa as fa
from numpyfa import cli, data


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["reproduce", "mnist-200-8-10"], "unknown experiment 'mnist-200-8-10': did you mean 'mnist-200-80-10'"),
        (["reproduce", "mnist-1000-10", "--rules", "bp,fb"], "unknown rule 'fb': did you mean 'fa'|'bp'"),
        (["reproduce", "mnist-1000-10", "--rules", "bp,bp"], "name each rule once"),
        (["reproduce", "mnist-1000-10", "--epochs", "0"], "epochs must be a whole number from 1, found 0"),
        (["reproduce", "mnist-1000-10", "--seeds", "0"], "seeds must be a whole number from 1 to 100000, found 0"),
        (["train", "--seeds", "1000000000"], "seeds must be a whole number from 1 to 100000, found 1000000000"),
        (["reproduce", "mnist-1000-10", "--batch-size", "0"], "batch_size must be a whole number from 1"),
        (["reproduce", "mnist-1000-10", "--lr", "nan"], "learning rate must be a number above 0"),
        (["reproduce", "mnist-1000-10", "--lr", "fast"], "invalid float value: 'fast'"),
        (["reproduce", "mnist-1000-10", "--resume", "--force"], "not allowed with"),
        (["reproduce"], "the following arguments are required: experiment"),
        (["train", "--net", "783-10"], r"examples of shape \(783,\)"),
        (["train", "--net", "784-9"], "10 classes, but the net has 9 outputs"),
        (["train", "--net", "lenett"], "unknown net 'lenett': did you mean 'lenet'"),
        (["train", "--data", "mnits"], "did you mean 'mnist'"),
        (["train", "--data", "missing.npz"], "there is no file missing.npz"),
        (["train", "--activation", "tahn"], "did you mean 'tanh'"),
        (["train", "--loss", "softmx"], "did you mean 'softmax'"),
        (["train", "--optimizer", "adm"], "did you mean 'adam'"),
        (["train", "--optimizer", "adam", "--momentum", "0.9"], "momentum is an option of sgd"),
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
