"""What a newcomer sees first runs, and says what the code says."""

import importlib.util
import re
from pathlib import Path

import numpy as np
import pytest

import numpyfa as fa
from numpyfa.papers import EXPERIMENTS

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def plain():
    spec = importlib.util.spec_from_file_location("plain", ROOT / "tutorials" / "00_plain.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_plain_page_is_at_most_62_lines_and_imports_only_numpy():
    source = (ROOT / "tutorials" / "00_plain.py").read_text()
    assert len(source.splitlines()) <= 62
    assert re.findall(r"^(?:import|from) (\w+)", source, re.M) == ["os", "importlib", "pathlib", "numpy"]


@pytest.mark.parametrize("name", ["bp", "fa"])
def test_after_20_batches_the_plain_pages_weights_equal_the_librarys(plain, mnist, name):
    W, b, B = plain.start(seed=0)
    net = fa.mlp("784-200-80-10", dtype="float64")
    rule = fa.make_rule(name, net)
    for layer, weights, feedback in zip(net.layers, W, B):
        layer.W[...] = weights
        if name == "fa" and layer.number > 1:
            rule.feedback[layer.number]["B"] = feedback.copy()
    x, y = mnist.x_train.reshape(-1, 784) / 255, np.eye(10)[mnist.y_train]
    loss, optimizer = fa.SoftmaxCrossEntropy(), fa.SGD(plain.LR)
    for i in range(20):
        batch = slice(i * plain.BATCH, (i + 1) * plain.BATCH)
        plain.step(x[batch], y[batch], W, b, B, name)
        fa.train_step(net, rule, loss, optimizer, x[batch], y[batch])
    for layer, weights, bias in zip(net.layers, W, b):
        np.testing.assert_allclose(layer.W, weights, rtol=0, atol=1e-13)
        np.testing.assert_allclose(layer.b, bias, rtol=0, atol=1e-13)


def test_the_readmes_example_runs(capsys):
    example = re.search(r"```python\n(.*?)```", README, re.S)[1]
    assert len(example.strip().splitlines()) <= 10
    exec(example, {})
    assert float(re.search(r"(\d+\.\d+) %", capsys.readouterr().out)[1]) < 10


@pytest.mark.parametrize("name", ["kp", "wm"])
def test_the_readmes_lines_are_one_step_of_training_to_the_last_bit(mnist, name):
    """In a net with batch norm, and by a rule whose feedback learns in a way of its own."""
    lines = re.search(r"```py\n(.*?)```", README, re.S)[1]
    assert len(lines.strip().splitlines()) == 6
    layers = [[fa.Dense(20, fa.BatchNorm(), "tanh"), fa.Dense(10)] for _ in range(2)]
    nets = [fa.Network(784, each) for each in layers]
    x, target = nets[0].to_float(nets[0].as_input(mnist.x_train[:16])), fa.one_hot(mnist.y_train[:16], 10, "float32")
    loss, rules = fa.SoftmaxCrossEntropy(), [fa.make_rule(name, net) for net in nets]
    names = {"net": nets[0], "rule": rules[0], "loss": loss, "optimizer": fa.SGD(0.1), "x": x, "target": target}
    exec(lines, names)
    fa.train_step(nets[1], rules[1], loss, fa.SGD(0.1), x, target)
    mine, its = (net.parameters() | net.running() | rule.arrays() for net, rule in zip(nets, rules))
    for key in its:
        np.testing.assert_array_equal(mine[key], its[key], err_msg=key)


def test_the_readme_is_at_most_140_lines_and_has_both_commands():
    assert len(README.splitlines()) <= 140
    assert re.search(r"^python3 -m venv .venv && .*pytest$", README, re.M)
    assert re.search(r"^python3 -m venv .venv && .*reproduce mnist-200-80-10$", README, re.M)


def test_the_pages_name_every_experiment_with_its_result():
    pages = "".join(
        (ROOT / "docs" / name).read_text(encoding="utf-8")
        for name in ("results.md", "theory.md", "papers.md", "atlas.md")
    )
    assert all(f"`{name}`" in pages for name in EXPERIMENTS)


def test_each_published_figure_has_its_history_and_summary():
    folders = [folder for folder in (ROOT / "figures").iterdir() if folder.is_dir() and folder.name != "watch"]
    assert {folder.name for folder in folders} >= {name for name, each in EXPERIMENTS.items() if not each.not_run}
    for folder in folders:
        assert {"figure.png", "figure.svg", "history.csv", "summary.json"} <= {path.name for path in folder.iterdir()}


BUGS = ROOT / "tutorials" / "bugs"


@pytest.mark.parametrize("name", sorted(path.stem for path in BUGS.glob("[a-z]*.py")))
def test_the_bug_gallery_catches_each_mistake_and_passes_what_is_right(name, monkeypatch):
    monkeypatch.syspath_prepend(BUGS)
    bug = importlib.import_module(name)
    broken, right = bug.check(bug.Broken), bug.check(bug.Right)
    assert right.passed and not broken.passed, (right, broken)
