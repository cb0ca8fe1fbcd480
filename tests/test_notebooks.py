"""The notebooks of the course run from top to bottom, with blanks and solved, and print the numbers they speak of."""

import importlib.util
import itertools
import json
import re
from pathlib import Path

import pytest
from conftest import first_of, run_notebooks
from run_notebooks import COURSE, SECONDS

pytest.importorskip("nbclient", reason="pip install 'numpyfa[course]' brings what runs notebooks")
import nbformat  # noqa: E402

from numpyfa.course import EXERCISES  # noqa: E402

ROOT = Path(__file__).parents[1]
NAMES = sorted(path.stem for path in (COURSE / "notebooks").glob("*.ipynb"))
FORMS = ("notebooks", "solutions")


@pytest.fixture(scope="module")
def tool():
    spec = importlib.util.spec_from_file_location("notebooks", ROOT / "tools" / "notebooks.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def executed(notebooks):
    """{(form, name): (the executed notebook, seconds, the error or None)} of those whose tests were asked for."""
    folder, jobs, first = notebooks
    second = run_notebooks(folder, jobs[::-1])  # from the other end
    for runner in (first, second):
        assert runner.wait() == 0
    found = {}
    for form, name in itertools.product(FORMS, NAMES):
        job = first_of(form, name)
        if (folder / job).exists():
            result = json.loads((folder / job / "result.json").read_text(encoding="utf-8"))
            book = nbformat.read(folder / job / "executed.ipynb", as_version=4)
            found[form, name] = book, result["seconds"], result["error"]
    return found


def printed(book):
    """All that the cells of an executed notebook printed."""
    outputs = [each for cell in book.cells if cell.cell_type == "code" for each in cell.outputs]
    return "\n".join(each.get("text", "") or str(each.get("data", {}).get("text/plain", "")) for each in outputs)


both = pytest.mark.parametrize("form", FORMS)
each_notebook = pytest.mark.parametrize("name", NAMES)


def test_every_notebook_is_what_the_command_makes_of_its_script(tool, capsys):
    assert tool.main(["--check"]) == 0, capsys.readouterr().out


@both
@each_notebook
def test_a_notebook_runs_from_top_to_bottom_within_60_seconds(executed, form, name):
    book, seconds, error = executed[form, name]
    assert error is None, error
    assert seconds < SECONDS, f"{seconds:.0f} s"


@both
@each_notebook
def test_every_answer_of_the_solved_notebook_is_right_and_every_blank_is_told_to_be_one(executed, form, name):
    said = dict(
        re.findall(r"^([\w.-]+\.[\w.-]+): (right|nothing to mark yet|.*)", printed(executed[form, name][0]), re.M)
    )
    asked = re.findall(r'check\("([\w.-]+)"', "".join(cell.source for cell in executed[form, name][0].cells
                                                     if cell.cell_type == "code"))  # fmt: skip
    assert set(asked) <= said.keys() | set()
    due = "right" if form == "solutions" else "nothing to mark yet"
    assert all(said[each].startswith(due) for each in asked), said


def test_the_notebooks_ask_for_every_exercise_once():
    asked = [each for name in NAMES for cell in nbformat.read(COURSE / "notebooks" / f"{name}.ipynb", 4).cells
             if cell.cell_type == "code" for each in re.findall(r'check\("([\w.-]+)"', cell.source)]  # fmt: skip
    assert sorted(asked) == sorted(EXERCISES)


# -- The numbers of the prose ----------------------------------------------------------------------------------------

BLOCKS = [r"\$\$.*?\$\$", r"```.*?```"]  # equations and code of several lines
NO_RESULT = [
    *BLOCKS, r"\$[^$]+\$", r"`.*?`", r"\]\([^)]*\)",  # equations, code, links
    r"^#+ .*$", r"^\d+\. ",  # headings, and items of a list
    r"\b(19|20)\d\d\b", r"\b\d+(-\d+)+\b",  # years, sizes of a net
    r"(?i)\b(notebooks?|exercises?|layers?|sections?|page|steps?|row|column|python|theorem|resnet|fig\.)[ -]\d+\w?"
    r"(( to|,| and) \d+\w?)*",
    r"[A-Za-z_]\w*\d\w*",  # float32, h1
]  # fmt: skip


def results_in(prose):
    """The numbers of a text that are results: not those of equations, code, links, years or names."""
    for pattern in NO_RESULT:
        prose = re.sub(pattern, " ", prose, flags=re.S | re.M if pattern in BLOCKS else re.M)
    return re.findall(r"(?<![\w.])\d[\d,]*(?:\.\d+)?(?:e-?\d+)?(?![\w])", prose)


@pytest.mark.parametrize(
    "prose, due",
    [
        ("it falls to 12.5 % in 3 epochs", ["12.5", "3"]),
        ("as $x_1 = 7$ and `lr = 0.1` say, see layer 2 and Nokland (2016)", []),
        ("1,000 images of 784-200-80-10 in notebook 05", ["1,000"]),
        ("to 1e-9, not 3.", ["1e-9", "3"]),
    ],
)
def test_results_are_told_from_other_numbers(prose, due):
    assert results_in(prose) == due


def is_printed(number, text):
    """Whether a number of the text is this one, to one unit of its last digit."""
    value = float(number.replace(",", ""))
    mantissa, _, exponent = number.replace(",", "").partition("e")
    unit = 10.0 ** (int(exponent or 0) - len(mantissa.partition(".")[2]))
    found = re.findall(r"(?<![\w.])[-+]?\d[\d,]*\.?\d*(?:e[-+]?\d+)?", text)
    return any(abs(abs(float(each.replace(",", ""))) - value) <= unit * 1.0001 for each in found if each.strip("+-,."))


@each_notebook
@pytest.mark.parametrize("form", ["solutions"])
def test_every_number_of_the_prose_is_printed_by_a_cell_or_set_in_one(executed, form, name):
    book = executed[form, name][0]
    code = "\n".join(cell.source for cell in book.cells if cell.cell_type == "code")
    prose = "\n".join(cell.source for cell in book.cells if cell.cell_type == "markdown")
    text, code = printed(book), code.replace("_", "")
    set_there = {each for each in results_in(prose) if re.search(rf"(?<![\w.]){each.replace(',', '')}(?![\w.])", code)}
    missing = [each for each in results_in(prose) if each not in set_there and not is_printed(each, text)]
    assert not missing, f"{name} speaks of {', '.join(missing)}, which no cell prints"


@each_notebook
def test_a_notebook_says_what_for_what_before_and_where_from(name):
    if name in ("00_plain",):
        pytest.skip("the plain page is one page of code")
    book = nbformat.read(COURSE / "notebooks" / f"{name}.ipynb", as_version=4)
    prose = "\n".join(cell.source for cell in book.cells if cell.cell_type == "markdown")
    for part in ("**You will be able to**", "**You need**", "# Open question", "# Sources"):
        assert part in prose, f"{name} has no '{part}'"
    exercises = re.findall(r"^### Exercise (\d+)", prose, re.M)
    assert exercises == [str(number + 1) for number in range(len(exercises))]
    assert len(exercises) >= (4 if re.fullmatch(r"\d\d", name[:2]) and name[2] == "_" else 0)


@each_notebook
def test_the_blank_form_holds_no_solution(name):
    blank = nbformat.read(COURSE / "notebooks" / f"{name}.ipynb", as_version=4)
    solved = nbformat.read(COURSE / "solutions" / f"{name}.ipynb", as_version=4)
    assert len(blank.cells) == len(solved.cells)
    assert not any("SOLUTION" in cell.source for cell in blank.cells)
    dots = sum(cell.source.count("...  # your answer") for cell in blank.cells)
    asked = sum(len(re.findall(r'check\("', cell.source)) for cell in blank.cells if cell.cell_type == "code")
    assert dots >= asked


# -- What single notebooks show --------------------------------------------------------------------------------------


def solved(name):
    return pytest.mark.parametrize("form, name", [("solutions", name)])


def numbers(text, pattern):
    return [float(each) for each in re.findall(pattern, text)]


@solved("03a_student_and_teacher")
def test_the_page_on_student_and_teacher_shows_v_turning_to_F_under_fa_alone(executed, form, name):
    text = printed(executed[form, name][0])
    bp, fa_line = re.findall(r"cosine of v and F (.*)", text)
    assert numbers(fa_line, r"([\d.]+) at t = 5.7")[0] > 0.98 and numbers(bp, r"([\d.]+) at t = 5.7")[0] < 0.7
    found = re.search(r"FA: error (\S+) in .*, (\S+) sim.*most (\S+)", text).groups()
    theory, simulated, apart = map(float, found)
    assert abs(theory - simulated) < 0.01 and apart < 5 / 500**0.5


@solved("03b_align_then_memorise")
def test_the_page_on_align_then_memorise_shows_both_phases_the_signs_and_the_identity(executed, form, name):
    text = printed(executed[form, name][0])
    assert numbers(text, r"first, (\S+) at t = \d+, \S+ at the end\n")[0] > 0.99
    assert numbers(text, r"error: .* (\S+) at the end")[0] < 1e-4
    assert numbers(text, r"FA: sign of F (\d+)")[0] == 20 and numbers(text, r"BP: sign of F (\d+)")[0] < 15
    assert numbers(text, r"at most (\S+) apart")[0] < 1e-12
    weights = numbers(text, r"weights ([\d.]+)")
    assert weights[0] > 0.95 > weights[1] > 0.85 > weights[2]


@solved("03c_lillicraps_linear_task")
def test_the_page_on_the_linear_task_shows_the_invariant_lyapunov_and_the_pseudo_inverse(executed, form, name):
    text = printed(executed[form, name][0])
    drifts, V = numbers(text, r"drifts by (\S+)"), numbers(text, r"V = (\S+)")
    assert 1.9 < drifts[0] / drifts[1] < 2.2 and sorted(V, reverse=True) == V and V[-1] < 1e-6
    assert numbers(text, r"2000 examples: .* (\d+) from W_2\^\+")[0] < 6


@solved("08_fixed_points")
def test_the_page_on_fixed_points_shows_which_solution_feedback_alignment_leaves(executed, form, name):
    text = printed(executed[form, name][0])
    assert numbers(text, r"differ by (\S+)")[0] < 1e-6
    assert [each > 0 for each in numbers(text, r"Re < 0: (\d+)")] == [True, True, False, False]
    assert max(numbers(text, r"polished: loss (\S+),")) < 1e-27
    least = numbers(text, r"cosine \S+, least real part of S (\S+)")
    assert least[0] < -1 and least[-1] > 0 and sorted(least) == least
    assert numbers(text, r"other B: stable under (\d+)") == [0, 0]
    below, near, above = numbers(text, r"after 100 updates (\S+) times")
    assert below < 0.1 and near < 0.1 and above > 100
    (start, worst), (safe, highest) = re.findall(r"pushed to (\S+), at worst (\S+),", text)
    assert float(worst) > 10 * float(start) and float(highest) <= float(safe)


@solved("05_feedback_that_learns")
def test_the_page_on_feedback_that_learns_shows_the_law_and_the_angle(executed, form, name):
    text = printed(executed[form, name][0])
    gap, due, apart = (numbers(text, pattern)[0] for pattern in (r"gap is (\S+)", r"\^t = (\S+)", r"law by (\S+)"))
    assert abs(gap - due) < 1e-4 and apart < 1e-12
    pairs = re.findall(r"path is +(\S+) degrees from W\^T, theory +(\S+)", text)
    assert len(pairs) == 3 and all(abs(float(a) - float(b)) < 3 for a, b in pairs)
    assert numbers(text, r"orthogonal: (\S+)")[0] < 1


@solved("09_a_rule_of_your_own")
def test_the_page_on_a_rule_of_ones_own_runs_and_the_rule_beats_shallow_by_a_third(executed, form, name):
    text = printed(executed[form, name][0])
    error = {name: float(value) for name, value in re.findall(r"^(\w+) +test error +([\d.]+) %", text, re.M)}
    assert error["BinaryFA"] < error["Shallow"] * 2 / 3 and error["BP"] < error["Shallow"]
    steps = re.findall(r"^(\w+) +one step of LeNet on 64 images: (\d+) ms", text, re.M)
    assert [name for name, _ in steps] == ["BP", "BinaryFA"]
    assert float(re.search(r"backpropagation by (\S+)", text)[1]) < 1e-12
    found = re.findall(r"^(\w+) +(passes|found) +(passes|found) +(passes|found) *$", text, re.M)
    assert [each[0] for each in found if "found" not in each] == ["BinaryKP"]
    assert ["found" in column for column in list(zip(*found))[1:]] == [True, True, True]
    source = (ROOT / "tutorials" / "09_a_rule_of_your_own.py").read_text()
    start = source.index("class BinaryFA")
    body = source[start : source.index("# %%", start)].strip()
    assert len(body.splitlines()) <= 10
