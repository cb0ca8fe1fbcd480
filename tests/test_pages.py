"""The pages say what the code does: tables are generated, links lead somewhere, examples run."""

import importlib.util
import re
from pathlib import Path

import pytest

import numpyfa as fa

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
GENERATED = "(?:rule|experiment|notebook|api|contribute)/"  # in docs/: checked as a site
NAMES = [page.relative_to(ROOT).as_posix() for page in PAGES]


@pytest.fixture(scope="module")
def pages():
    spec = importlib.util.spec_from_file_location("pages", ROOT / "tools" / "pages.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_table_is_what_the_command_writes(pages, capsys):
    assert pages.main(["--check"]) == 0, capsys.readouterr().out


def test_a_changed_number_is_found_and_the_page_is_named(pages, capsys, monkeypatch, tmp_path):
    (tmp_path / "docs").mkdir()
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    (tmp_path / "README.md").write_text(text.replace("| `fa` |", "| `fb` |"), encoding="utf-8")
    monkeypatch.setattr(pages, "ROOT", tmp_path)
    assert pages.main(["--check"]) == 1 and "README.md differs" in capsys.readouterr().out
    assert pages.main([]) == 0 and (tmp_path / "README.md").read_text(encoding="utf-8") == text


@pytest.mark.parametrize(
    "text, words",
    [
        ("<!-- table: rulez -->\n<!-- end -->", "docs/x.md: unknown table 'rulez'; there are rules, variants"),
        ("<!-- table: rules -->\n", "docs/x.md: the table 'rules' has no <!-- end --> after it"),
        ("<!-- table: rules -->\n<!-- table: rules -->\n<!-- end -->", "the table 'rules' has no"),
    ],
)
def test_an_unknown_or_endless_table_is_an_error_that_names_page_and_table(pages, text, words):
    with pytest.raises(pages.PageError, match=re.escape(words)):
        pages.fill(text, "docs/x.md")


def test_a_table_names_each_layer_and_leaves_out_what_was_not_measured(pages):
    head, _, *rows = pages.make("dkp-cnn", "x")[2:]
    assert "| angle, conv 2 | angle, max pool 3 | angle, dense 4 |" in head
    assert re.match(r"\| dfa \| 0.01 \| 11.84 \(0.32\) \| 14.21 \(0.30\) \| 87 \| 101 \|  \| 66 \|", rows[2])
    assert rows[0].count("|  ") == 6, "BP's angles to itself are not shown"


def test_every_result_of_trained_nets_stands_on_a_page(pages):
    shown = set(re.findall(r"<!-- table: (.*?) -->", "".join(page.read_text(encoding="utf-8") for page in PAGES)))
    trained = {folder for folder in pages.folders() if "net" in pages.settings_of(pages.read(folder))}
    assert len(trained) >= 8 and trained | {"rules", "variants", "experiments"} <= shown


# -- Links -----------------------------------------------------------------------------------------------------------


def anchors(page):
    """What a heading of the page can be linked to by, as GitHub makes it."""
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.S)
    headings = re.findall(r"^#+ +(.*)$", text, re.M)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("name", NAMES)
def test_every_link_leads_to_a_file_and_a_heading_that_exist(name):
    page = ROOT / name
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.S)
    for target in re.findall(rf"\]\((?!http|{GENERATED})([^)]+)\)", text):
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), f"{name} links to {target}"
        assert not anchor or anchor in anchors(file), f"{name} links to {target}"


@pytest.mark.parametrize("name", NAMES)
def test_no_page_names_a_folder_of_one_machine(name):
    assert not re.search(r"(?<![\w.])/(home|root|tmp|work|Users)/", (ROOT / name).read_text(encoding="utf-8"))


# -- Examples --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("docs/")])
def test_the_python_of_a_page_runs_from_top_to_bottom_and_fails_where_it_says_so(name, in_a_folder_with_a_run):
    space = {}
    for block in re.findall(r"```python\n(.*?)```", (ROOT / name).read_text(encoding="utf-8"), re.S):
        promised = re.search(r"^# (\w+): (.*?) \.\.\.$", block, re.M)
        if promised:
            with pytest.raises(getattr(fa, promised[1]), match=re.escape(promised[2])):
                exec(block, space)
        else:
            exec(block, space)


@pytest.fixture
def in_a_folder_with_a_run(tmp_path, monkeypatch):
    """An empty folder with a checkpoint where `numpyfa reproduce mnist-200-80-10` leaves one; no plot is shown."""
    import matplotlib

    matplotlib.use("Agg")
    monkeypatch.chdir(tmp_path)
    net = fa.mlp("784-200-80-10", seed=0)
    path = tmp_path / "runs" / "mnist-200-80-10" / "checkpoints" / "fa-seed0.npz"
    path.parent.mkdir(parents=True)
    fa.checkpoint.save(path, net, fa.FA(net), fa.SGD(0.1), [{"epoch": 0}])
