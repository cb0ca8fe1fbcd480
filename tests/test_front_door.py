"""What a newcomer sees first runs, and says what the code says."""

import importlib.util
import re
import runpy
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
    assert re.findall(r"^(?:import|from) (\w+)", source, re.M) == ["os", "pathlib", "numpy"]


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
        (ROOT / "docs" / name).read_text(encoding="utf-8") for name in ("results.md", "theory.md", "papers.md")
    )
    assert all(f"`{name}`" in pages for name in EXPERIMENTS)


def test_each_published_figure_has_its_history_and_summary():
    folders = [folder for folder in (ROOT / "figures").iterdir() if folder.is_dir()]
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


@pytest.fixture
def run_page(monkeypatch, capsys):
    """Run a tutorial page as a script, and return what it printed; its figures are drawn but not shown."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    monkeypatch.setattr(plt, "show", lambda: plt.close("all"))

    def run(name):
        runpy.run_path(str(ROOT / "tutorials" / name))
        return capsys.readouterr().out

    return run


def numbers(printed, pattern):
    return [float(each) for each in re.findall(pattern, printed)]


def test_the_page_on_student_and_teacher_shows_v_turning_to_F_under_fa_alone(run_page):
    printed = run_page("02_student_and_teacher.py")
    bp, fa_line = re.findall(r"cosine of v and F (.*)", printed)
    assert numbers(fa_line, r"([\d.]+) at t = 5.7")[0] > 0.98 and numbers(bp, r"([\d.]+) at t = 5.7")[0] < 0.7
    found = re.search(r"FA: error (\S+) in .*, (\S+) sim.*most (\S+)", printed).groups()
    theory, simulated, apart = map(float, found)
    assert abs(theory - simulated) < 0.01 and apart < 5 / 500**0.5


def test_the_page_on_align_then_memorise_shows_both_phases_the_signs_and_the_identity(run_page):
    printed = run_page("03_align_then_memorise.py")
    assert numbers(printed, r"first, (\S+) at t = \d+, \S+ at the end\n")[0] > 0.99
    assert numbers(printed, r"error: .* (\S+) at the end")[0] < 1e-4
    assert numbers(printed, r"FA: sign of F (\d+)")[0] == 20 and numbers(printed, r"BP: sign of F (\d+)")[0] < 15
    assert numbers(printed, r"at most (\S+) apart")[0] < 1e-12
    weights = numbers(printed, r"weights ([\d.]+)")
    assert weights[0] > 0.95 > weights[1] > 0.85 > weights[2]


def test_the_page_on_the_linear_task_shows_the_invariant_lyapunov_and_the_pseudo_inverse(run_page):
    printed = run_page("04_lillicraps_linear_task.py")
    drifts, V = numbers(printed, r"drifts by (\S+)"), numbers(printed, r"V = (\S+)")
    assert 1.9 < drifts[0] / drifts[1] < 2.2 and sorted(V, reverse=True) == V and V[-1] < 1e-6
    assert numbers(printed, r"2000 examples: .* (\d+) from W_2\^\+")[0] < 6


def test_the_page_on_fixed_points_shows_which_solution_feedback_alignment_leaves(run_page):
    printed = run_page("05_fixed_points.py")
    assert numbers(printed, r"differ by (\S+)")[0] < 1e-6
    assert [each > 0 for each in numbers(printed, r"Re < 0: (\d+)")] == [True, True, False, False]
    assert max(numbers(printed, r"polished: loss (\S+),")) < 1e-27
    least = numbers(printed, r"cosine \S+, least real part of S (\S+)")
    assert least[0] < -1 and least[-1] > 0 and sorted(least) == least
    (start, worst), (safe, highest) = re.findall(r"pushed to (\S+), at worst (\S+),", printed)
    assert float(worst) > 10 * float(start) and float(highest) <= float(safe)


def test_the_page_on_feedback_that_learns_shows_the_law_and_the_angle(run_page):
    printed = run_page("06_feedback_that_learns.py")
    gap, due, apart = (numbers(printed, pattern)[0] for pattern in (r"gap is (\S+)", r"\^t = (\S+)", r"law by (\S+)"))
    assert abs(gap - due) < 1e-4 and apart < 1e-12
    pairs = re.findall(r"path is +(\S+) degrees from W\^T, theory +(\S+)", printed)
    assert len(pairs) == 3 and all(abs(float(a) - float(b)) < 3 for a, b in pairs)
    assert numbers(printed, r"orthogonal: (\S+)")[0] < 1


def test_the_page_on_a_rule_of_ones_own_runs_and_the_rule_beats_shallow_by_a_third(capsys):
    runpy.run_path(str(ROOT / "tutorials" / "01_a_rule_of_your_own.py"))
    printed = capsys.readouterr().out
    error = {name: float(value) for name, value in re.findall(r"^(\w+) +test error +([\d.]+) %", printed, re.M)}
    assert error["BinaryFA"] < error["Shallow"] * 2 / 3 and error["BP"] < error["Shallow"]
    steps = re.findall(r"^(\w+) +one step of LeNet on 64 images: (\d+) ms", printed, re.M)
    assert [name for name, _ in steps] == ["BP", "BinaryFA"]
    assert float(re.search(r"backpropagation by (\S+)", printed)[1]) < 1e-12
    source = (ROOT / "tutorials" / "01_a_rule_of_your_own.py").read_text()
    body = source[source.index("class BinaryFA") : source.index("# %% 2.")].strip()
    assert len(body.splitlines()) <= 10
