"""The documentation site says what the code says: pages from rules and experiments, typeset equations, living links."""

import importlib.util
import inspect
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from numpyfa.lab import compare
from numpyfa.papers import EXPERIMENTS
from numpyfa.rules import RULES

ROOT = Path(__file__).parents[1]
TOOLS = ROOT / "tools"


def tool(name, monkeypatch):
    monkeypatch.syspath_prepend(str(TOOLS))
    spec = importlib.util.spec_from_file_location(name, TOOLS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# -- Links -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def links(monkeypatch):
    return tool("site_links", monkeypatch)


def test_of_5_links_the_2_that_lead_nowhere_are_named(links, tmp_path, capsys):
    (tmp_path / "a").mkdir()
    (tmp_path / "index.html").write_text('<a href="a/">1</a><a href="a/#here">2</a><a href="https://x.org/y">no</a>')
    (tmp_path / "a" / "index.html").write_text(
        '<p id="here"><a href="../b.html">3</a><a href="#no">4</a><a href="..">5</a>'
    )
    assert links.dead_links(tmp_path) == (2, 5, ["a/index.html: ../b.html", "a/index.html: #no"])
    assert links.main([str(tmp_path)]) == 1
    assert capsys.readouterr().out.endswith("2 pages, 5 links inside the site, 2 dead\n")


def test_a_site_without_a_page_is_no_success_and_a_missing_folder_is_status_2(links, tmp_path, capsys):
    assert links.main([str(tmp_path)]) == 1
    assert links.main([str(tmp_path / "not")]) == 2 and links.main([]) == 2
    assert capsys.readouterr().err.count("\n") == 2


# -- Pages -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def site(monkeypatch):
    pytest.importorskip("latex2mathml", reason="pip install 'numpyfa[docs]'")
    pytest.importorskip("jupytext", reason="pip install 'numpyfa[docs]'")
    monkeypatch.setitem(sys.modules, "equations", tool("equations", monkeypatch))
    monkeypatch.setitem(sys.modules, "pages", tool("pages", monkeypatch))
    return tool("site_pages", monkeypatch)


@pytest.mark.docs
@pytest.mark.parametrize(
    "plain, latex",
    [
        ("e_l = delta_{l+1} W_{l+1}^T", r"e_l = \delta _{l+1} W_{l+1}^\top"),
        ("e_l = error B_l", r"e_l = \mathrm{error} \, B_l"),
        ("B <- B + rate x", r"B \leftarrow B + \mathrm{rate} \, x"),
        ("e = delta c sign(W)^T", r"e = \delta c \, \mathrm{sign} (W)^\top"),
        ("e = f(error B), the same error at all", r"e = f(\mathrm{error} \, B), \text{ the same error at all }"),
        ("g_l(h) = f(h) a learned inverse", r"g_l(h) = f(h) \text{ a learned inverse }"),
        ("the Moore-Penrose inverse", r"\text{ the Moore-Penrose inverse }"),
        ("a net of the layer's own `heads`", r"\text{ a net of the layer's own heads }"),
        ("M * sign(W)^T", r"M \odot \mathrm{sign} (W)^\top"),
    ],
)  # fmt: skip
def test_an_equation_of_a_docstring_is_set_in_latex(site, plain, latex):
    assert re.sub(r" +", "", sys.modules["equations"].latex(plain)) == re.sub(r" +", "", latex)


def equation_of(kind):
    return re.search(r"\nEquation\n(.*?)\n\n", inspect.getdoc(sys.modules[kind.__module__]), re.S)[1]


@pytest.mark.docs
@pytest.mark.parametrize(
    "name, due",
    [
        ("fa", [r"$$e_l = \delta _{l+1} B_{l+1}$$", "$B$ random and fixed."]),
        ("frsf", [r"$$e_l = \delta _{l+1} (M \odot \mathrm{sign} (W_{l+1})^\top)$$", r"$M \ge 0$ random and fixed."]),
        ("pseudo", [r"$$e_l = \delta _{l+1} W_{l+1}^{+}$$", "The Moore-Penrose inverse in place of the transpose."]),
        ("dtp", [
            "$$e_{l-1} = g_l(h_l) - g_l(h_l - e_l)$$", r"$$g_l(h) = f(h V_l + c_l) \text{ a learned inverse }$$",
            r"$$e_{L-1} = \mathrm{lr}_{\mathrm{target}} \delta _L W_L^\top$$", "Or simplified:",
            r"$$e_{L-1} = g_L(p) - g_L(\mathrm{target} )$$", r"$$p = \mathrm{softmax} (h_L)$$",
        ]),
        ("greedy", [
            r"$$e_l = (\mathrm{softmax} (h_l A_l + c_l) - \mathrm{target} ) A_l^\top$$",
            "The gradient of a classifier of the layer's own.",
            r"$$dA_l = h_l^\top (p - \mathrm{target} ) / N$$", r"$$dc_l = \text{ the mean of } p - \mathrm{target}$$",
            r"$$p = \mathrm{softmax} (h_l A_l + c_l)$$",
            "With other `heads`: $e_l$ is what a small net on $h_l$, "
            "which learns by backpropagation, sends down to $h_l$.",
        ]),
    ],
)  # fmt: skip
def test_what_is_said_of_an_equation_stands_under_it_as_text(site, name, due):
    assert sys.modules["equations"].section(equation_of(RULES[name])) == due


@pytest.mark.docs
@pytest.mark.parametrize("name", RULES)
def test_in_a_rules_mathematics_no_word_is_taken_for_letters_and_no_sign_of_latex_is_left(site, name):
    equations = sys.modules["equations"]
    words = sys.modules["pages"].first_line(RULES[name])[1]
    shown = "\n".join([*equations.section(equation_of(RULES[name])), equations.inline(words)])
    found = re.findall(r"(\$\$?)([^$]+)\1", shown)
    assert found, shown
    for made in (equations.mathml(source) for _, source in found):
        assert made.startswith("<math")
        assert not [each for each in ("`", "\\", "<mi>a</mi>", "<mi>s</mi>") if each in made], made


@pytest.mark.docs
def test_no_page_of_a_rule_is_made_while_a_check_fails(site, monkeypatch):
    class Failed:
        name, figure, tolerance, passed = "a law of fa", 1.0, 0.0, False

    monkeypatch.setattr(site.report, "run", lambda: {"fa": [Failed]})
    with pytest.raises(site.pages.PageError, match="a check fails: a law of fa"):
        next(site.rule_pages())


@pytest.mark.docs
def test_each_rule_names_a_source_of_the_bibliography_but_bp_and_those_whose_source_was_not_at_hand(site):
    found = {
        name
        for name, kind in RULES.items()
        if site.sources(site.sections(inspect.getdoc(sys.modules[kind.__module__]))[1]["Source"])
    }
    assert RULES.keys() - found == {"bp", "usf", "frsf", "brsf", "kdfa"}


@pytest.mark.docs
def test_no_two_results_of_a_rule_have_the_same_label(site):
    rows = [row for folder in site.pages.folders() for row in site.pages.read(folder)["rows"]]
    names = {row["rule"].partition(":")[0] for row in rows if "rule" in row}
    assert {"bp", "fa", "dfa"} < names
    for name in names:
        labels = [line.split(" | ")[:2] for line in site.results_of([name])[2:-2]]
        assert len(labels) == len({tuple(each) for each in labels}), name
    rows = [{"rule": "bp", "density": 0.1, "test_error": 1.0, "test_error_sd": 0.1}] * 2
    with pytest.raises(site.pages.PageError, match="cannot be told apart"):
        site.cases("x", rows)


@pytest.mark.docs
def test_the_command_of_a_folder_has_the_options_that_its_summary_says_it_was_run_with(site):
    page = (ROOT / "figures" / "README.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `([^`]+)` \| `", page, re.M)) <= set(site.pages.folders())
    for folder in site.pages.folders():
        summary = site.pages.read(folder)
        each, settings = EXPERIMENTS[summary["experiment"]], site.pages.settings_of(summary)
        program, reproduce, name, *words = site.command(folder).split()
        options = dict(zip(words[::2], words[1::2]))
        assert (program, reproduce, name) == ("numpyfa", "reproduce", each.name), folder
        due = {f"--{key}": str(value) for key, value in compare.changes(each, settings).items()}
        if settings["seeds"] != each.settings["seeds"]:
            due["--seeds"] = str(settings["seeds"])
        assert options == due, folder


@pytest.mark.docs
def test_each_experiment_that_was_run_has_a_verdict_on_its_page_or_says_why_not(site):
    found = dict(site.experiment_pages())
    for folder in site.pages.folders():
        text = found[f"experiment/{site.pages.read(folder)['experiment']}.md"]
        assert re.search(r"\*\*Verdict\*\*\n\n- \w|\*\*No verdict\*\*: no printed .*\. \w", text), folder
    assert (
        "- Beside the paper's 14 numbers: 11 inside our spread, 1 apart, 2 close ("
        in found["experiment/li-benna-mnist.md"]
    )


@pytest.mark.docs
def test_the_index_of_modules_parts_what_is_public_from_what_is_to_be_read_as_the_promise_does(site):
    promise = (ROOT / "docs" / "releasing.md").read_text(encoding="utf-8")
    named = re.search(r"every name of `numpyfa` and, within it, of (.*?) \|", promise)[1]
    public = {name for names in site.PUBLIC.values() for name in names}
    assert set(re.findall(r"`(\w+)`", named)) <= public
    private = set(re.findall(r"`(\w+)`", re.search(r"Not public: (.*?), which", promise)[1]))
    assert {name.partition(".")[0] for names in site.TO_BE_READ.values() for name in names} <= private
    assert not private & {name.partition(".")[0] for name in public}


@pytest.mark.docs
def test_each_experiment_has_a_page_with_its_question_and_its_figure_or_why_there_is_none(site):
    found = dict(site.experiment_pages())
    assert found.keys() == {f"experiment/{name}.md" for name in [*EXPERIMENTS, "index"]}
    for name, each in EXPERIMENTS.items():
        text = found[f"experiment/{name}.md"]
        assert f"# {name}" in text and site.escaped(each.question) in text
        assert ("figure.png" in text) != ("## Not run" in text)


@pytest.mark.docs
@pytest.mark.parametrize(
    "link, due",
    [
        ("[x](../figures/li-benna-mnist)", "[x](experiment/li-benna-mnist.md)"),
        ("[x](../figures/mnist-200-80-10-lr0.01)", "[x](experiment/mnist-200-80-10.md)"),
        ("[x](../tutorials/02_feedback_alignment.py)", "[x](notebook/02_feedback_alignment.ipynb)"),
        ("[x](../numpyfa/rules/fa.py)", "[x](R/blob/main/numpyfa/rules/fa.py)"),
        ("[x](../numpyfa)", "[x](R/tree/main/numpyfa)"),
        ("[x](results.md#over-fitting)", "[x](results.md#over-fitting)"),
        ("![x](../figures/a/figure.png)", "![x](../figures/a/figure.png)"),
        ("[x](https://a.org/../b)", "[x](https://a.org/../b)"),
    ],
)
def test_a_link_of_the_repository_leads_to_the_sites_page_or_to_the_repository(site, link, due):
    assert site.relinked(link, "results.md", "R", "main") == due


@pytest.mark.docs
def test_a_docstring_of_plain_text_keeps_code_equations_and_signs(site):
    lines = ["A `layer` has |W| * 2 and W_ alone:", "", "    z = x W + b   forward", "    h = f(z)", "", "So it is."]
    assert site.plain_docstring(lines) == [
        r"A ``layer`` has \|W\| \* 2 and W\_ alone:", "", ".. code-block:: text", "", "    z = x W + b   forward",
        "    h = f(z)", "", "So it is.", "",
    ]  # fmt: skip


@pytest.mark.docs
def test_the_site_is_built_without_a_warning_and_without_a_dead_link(tmp_path, links):
    """Without the outputs of the notebooks, which their own tests execute."""
    pytest.importorskip("sphinx", reason="pip install 'numpyfa[docs]'")
    trees, to = str(tmp_path / "trees"), str(tmp_path / "site")
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html", "-d", trees, "docs", to]
    environment = {**os.environ, "NUMPYFA_DOCS_EXECUTE": "off"}
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=environment)
    assert told.returncode == 0, told.stderr
    pages, inside, dead = links.dead_links(tmp_path / "site")
    assert not dead and pages > len(RULES) + len(EXPERIMENTS) + 50 and inside > 10_000
    text = "".join(path.read_text(encoding="utf-8") for path in (tmp_path / "site").rglob("*.html"))
    assert not fetched(text), "nothing is fetched when a page is read"
    for path in (ROOT / "docs" / "_static").rglob("*.css"):
        assert not fetched(path.read_text(encoding="utf-8")), path


def fetched(text):
    """What of HTML or CSS a browser fetches from elsewhere; the address that a page calls its own is only named."""
    tags = re.findall(r'<(?:script|link|img|iframe)\b[^>]*\b(?:src|href)="(?:https?:)?//[^>]*>', text)
    tags = [tag for tag in tags if 'rel="canonical"' not in tag]
    return tags + re.findall(r"""url\(\s*["']?(?:https?:)?//[^)]*\)|@import[^;]*//[^;]*;""", text)


@pytest.mark.parametrize(
    "text, count",
    [
        ('<link rel="canonical" href="https://a.org/x.html" />', 0),
        ('<link href="https://a.org/x.html" rel="canonical">', 0),
        ('<link rel="stylesheet" href="https://a.org/x.css">', 1),
        ('<script src="//a.org/x.js"></script><script src="x.js"></script>', 1),
        ("a { background: url(https://a.org/x.png) } b { background: url(x.png) }", 1),
        ('@import "https://a.org/x.css"; @import "x.css";', 1),
    ],
)
def test_what_a_browser_would_fetch_from_elsewhere_is_found(text, count):
    assert len(fetched(text)) == count
