"""The pages of the documentation site that follow from the code: rules, experiments, the course, the API.

`write(folder)` makes them anew in folders of their own; docs/conf.py calls it before the site is built. The repository
keeps none of them.
"""

import inspect
import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import equations
import pages

from numpyfa.lab.experiment import Experiment
from numpyfa.laws import needs as measured_needs
from numpyfa.laws import report
from numpyfa.papers import EXPERIMENTS
from numpyfa.rules import RULES, VARIANTS

ROOT = pages.ROOT
FOLDERS = ("rule", "experiment", "notebook", "api", "contribute")  # below docs/; git ignores them
BLANKS = ROOT / "numpyfa" / "course" / "notebooks"

# The modules by the room that a reader looks in: what each is for is its own first line. docs/releasing.md says what is
# public.
PUBLIC = {
    "Nets": ("layers", "convolution", "lines", "locally_connected", "local", "network", "models", "init", "netfile"),
    "Rules": ("rules.base",),
    "Training": ("losses", "optim", "learn", "checkpoint", "backend"),
    "Measuring": ("metrics", "gradcheck"),
    "Data": ("data", "data.dataset"),
    "Teaching": ("course", "course.exercise", "show"),
    "scikit-learn": ("sklearn",),
    "Errors": ("errors",),
}
TO_BE_READ = {
    "Proving": ("laws", "laws.needs"),
    "Theory": ("theory", "theory.student_teacher", "theory.integrals", "theory.deep_linear", "theory.linear_task",
               "theory.fixed_points", "theory.learned_feedback"),
    "Experiments": ("lab.experiment", "lab.protocol", "lab.training", "lab.sweep", "lab.run"),
}  # fmt: skip


# Methods that scikit-learn adds to a class, whose words refer to pages of its own site.
SKLEARNS_OWN = ("set_fit_request", "set_partial_fit_request", "set_score_request")


def write(folder: Path) -> None:
    """Write all pages into the folder. A page that is as it was keeps its time: Sphinx reads it no second time."""
    texts = dict(all_pages())
    for name, text in texts.items():
        path = folder / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    for path in [path for each in FOLDERS for path in (folder / each).rglob("*") if path.is_file()]:
        if path.relative_to(folder).as_posix() not in texts and path.suffix in (".md", ".ipynb"):
            path.unlink()


def all_pages() -> Iterator[tuple[str, str]]:
    """(path, text) of every page."""
    yield from rule_pages()
    yield from experiment_pages()
    yield from course_pages()
    yield from api_pages()
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    yield (
        "contribute/index.md",
        re.sub(r"\]\((?!https?:|#)(docs/)?", lambda found: "](../" if found[1] else "](../../", text),
    )


# -- Rules -----------------------------------------------------------------------------------------------------------

HEADINGS = ("Equation", "Shapes", "Source", "Differs from the paper", "Notes")


def rule_pages() -> Iterator[tuple[str, str]]:
    """A page for each rule, and one that lists them. Raises PageError if a check fails: no page prints that."""
    checks = report.run()
    if failed := report.failed(checks):
        raise pages.PageError(f"the rules' pages: a check fails: {', '.join(check.name for check in failed)}")
    first, *table = measured_needs.table()
    needed = {row[0]: row for row in table}
    for name, kind in RULES.items():
        yield f"rule/{name}.md", rule_page(name, kind, checks[name], first, needed)
    lines = ["# The rules", "", "A page for each, made from its file.", "", *pages.table(rule_rows()), ""]
    lines += ["## Variants", "", *pages.variants(), "", toctree([*RULES])]
    yield "rule/index.md", "\n".join(lines)


def rule_rows() -> list[list[str]]:
    rows = [["rule", "learning signal", "kind", "source"]]
    for name, kind in RULES.items():
        words, equation, source = pages.first_line(kind)
        rows.append([f"[`{name}`]({name}.md) {words}", equations.inline(equation), pages.kind(name, kind), source])
    return rows


def rule_page(name: str, kind: Any, checks: list[Any], head: list[str], needed: dict[str, list[str]]) -> str:
    module = inspect.getmodule(kind)
    title, parts = sections(inspect.getdoc(module) or "")
    lines = [f"# `{name}` {title}", ""]
    for paragraph in equations.section(parts.pop("Equation", "")):
        lines += [paragraph, ""]
    lines += ["The letters are in [Notation](../notation.md).", ""]
    for heading, text in parts.items():
        lines += [f"## {heading}", "", linked(text), ""]
        if heading == "Source":
            lines += [*(f"- {entry}" for entry in sources(text)), "", "All papers: [Sources](../sources.md).", ""]
    lines += ["## Code", "", f"`{kind.__module__.replace('.', '/')}.py`:", "", "```python",
              inspect.getsource(kind).rstrip(), "```", ""]  # fmt: skip
    variants = [(each, preset, source) for each, (of, preset, source) in VARIANTS.items() if of == name]
    for each, preset, source in variants:
        chosen = ", ".join(f"{option}={value!r}" for option, value in preset.items())
        lines += [f"`{each}` is this rule with `{chosen}` ({source}).", ""]
    rows = [needed[each] for each in [name, *(each for each, _, _ in variants)] if each in needed]
    if rows:
        words = "Measured by changing one thing at a time, as in [What each rule needs](../needs.md)."
        cells = [["", *head[1:]], *([f"`{row[0]}`", *row[1:]] for row in rows)]
        lines += ["## What it needs", "", words, "", *pages.table(cells), ""]
    lines += ["## Its laws", "", f"What `numpyfa check {name}` measured when this page was made. A law holds if the "
              "figure is at most the tolerance.", "", *pages.table(law_rows(checks)), ""]  # fmt: skip
    lines += ["## Its results", "", *results_of([name, *(each for each, _, _ in variants)]), ""]
    return "\n".join(lines)


def sections(doc: str) -> tuple[str, dict[str, str]]:
    """(title, {heading: text}) of a rule's docstring. Text is indented there; what is indented further, or in columns,
    is set as it is."""
    title, _, rest = doc.partition("\n")
    found: dict[str, list[str]] = {}
    heading = ""
    for line in rest.splitlines():
        if line and not line.startswith(" "):
            heading = line.strip()
            found[heading] = []
        elif heading:
            found[heading].append(line.removeprefix("    "))
    return title, {name: as_markdown(several) if name != "Equation" else "\n".join(several).strip()
                   for name, several in found.items()}  # fmt: skip


def as_markdown(lines: list[str]) -> str:
    """Text as it is, with a paragraph in columns as a block of code."""
    paragraphs = re.split(r"\n\s*\n", "\n".join(lines).strip())
    done = []
    for each in paragraphs:
        columns = sum(bool(re.search(r"\S {2,}\S", line)) for line in each.splitlines())
        if columns > 1 or each.startswith("    "):
            done.append(f"```text\n{inspect.cleandoc(each)}\n```")
        else:
            done.append(escaped(each))
    return "\n\n".join(done)


def escaped(text: str) -> str:
    """Plain text for Markdown: no sign outside of `code` is markup."""
    parts = text.split("`")
    return "`".join(
        re.sub(r"([*_|<>$#\[\]])", r"\\\1", part) if not place % 2 else part for place, part in enumerate(parts)
    )


def sources(text: str) -> list[str]:
    """The entries of docs/sources.md on what a text names by author and year."""
    page = (ROOT / "docs" / "sources.md").read_text(encoding="utf-8")
    found = re.findall(r"^- \*\*(\w+) (\d{4})\*\*: (.*?)(?=\n- |\n\n|\Z)", page, re.M | re.S)
    return [re.sub(r"\s+", " ", entry) for name, year, entry in found if re.search(rf"\b{name}\b[^;]*\b{year}\b", text)]


def linked(text: str) -> str:
    """A text with a link at each number of arXiv."""
    return re.sub(r"arXiv (\d{4}\.\d{5})", r"[arXiv \1](https://arxiv.org/abs/\1)", text)


def law_rows(checks: list[Any]) -> list[list[str]]:
    rows = [["law", "figure", "at most"]]
    for check in checks:
        rows.append([escaped(check.name), f"{check.figure:.1e}", f"{check.tolerance:.1e}"])
    return rows


def results_of(names: list[str]) -> list[str]:
    """Every committed result of these names of a rule, with the options they had there."""
    rows = [["experiment", "rule", "test error, % (s.d.)", "seeds"]]
    for folder in pages.folders():
        summary = pages.read(folder)
        settings = pages.settings_of(summary)
        found = [row for row in summary["rows"] if str(row.get("rule", "")).partition(":")[0] in names]
        found = [row for row in found if row.get("test_error") is not None]
        for row, case in zip(found, cases(folder, found)):
            rows.append([f"[{folder}](../experiment/{summary['experiment']}.md){case and ', ' + case}",
                         f"`{row['rule']}`", pages.mean_and_sd(row, "test_error"), str(settings["seeds"])])  # fmt: skip
    if len(rows) == 1:
        return ["It trains no net in a committed table of its own; the [theory](../theory.md) has what is known of it."]
    words = "Rows of one experiment may be compared; those of two have other settings. What may be concluded is in "
    return [*pages.table(rows), "", f"{words}[Results](../results.md)."]


def cases(folder: str, rows: list[pages.Row]) -> list[str]:
    """What tells each of a table's rows from the others of its rule: its case, and else the settings that differ, which
    stand before what was measured. Raises PageError for two that nothing tells apart."""
    found = []
    for row in rows:
        rivals = [each for each in rows if (each["rule"], each.get("case")) == (row["rule"], row.get("case"))]
        words = [str(row["case"])] if "case" in row else []
        for key, value in row.items():
            if f"{key}_sd" in row:
                break
            if any(each[key] != value for each in rivals):
                words.append(f"{key} {pages.word(value)}")
        found.append(", ".join(words))
    labels = Counter((row["rule"], case) for row, case in zip(rows, found))
    if twice := [label for label, times in labels.items() if times > 1]:
        raise pages.PageError(f"{folder}: rows that cannot be told apart: {twice}")
    return found


# -- Experiments -----------------------------------------------------------------------------------------------------


def experiment_pages() -> Iterator[tuple[str, str]]:
    """A page for each experiment, and one that lists them."""
    done: dict[str, list[str]] = {}
    for folder in pages.folders():
        done.setdefault(pages.read(folder)["experiment"], []).append(folder)
    rows = [["experiment", "question", "source", "result"]]
    for name, each in EXPERIMENTS.items():
        yield f"experiment/{name}.md", experiment_page(each, done.get(name, []))
        state = "committed" if name in done else "not run"
        rows.append([f"[{name}]({name}.md)", escaped(each.question), escaped(each.source), state])
    words = "A page for each: its settings, the paper beside ours, the figure and the verdict."
    lines = ["# The experiments", "", words, "", *pages.table(rows), "", toctree([*EXPERIMENTS])]
    yield "experiment/index.md", "\n".join(lines)


def experiment_page(each: Experiment, folders: list[str]) -> str:
    source = ", ".join(filter(None, (each.source, each.place)))
    lines = [f"# {each.name}", "", escaped(each.question), "", f"Source: {linked(escaped(source))}.", ""]
    if each.shortened:
        lines += [f"Shortened: {escaped(each.shortened)}.", ""]
    if not folders:
        lines += ["## Not run", "", f"No result is committed: {escaped(each.not_run or 'not yet run')}.", "",
                  *in_a_shell(f"numpyfa reproduce {each.name}  # --quick: the short form")]  # fmt: skip
    for folder in folders:
        summary = pages.read(folder)
        machine = summary["machine"]
        where = f"{machine['processor']}, NumPy {machine['numpy']}"
        title = "Result" if len(folders) == 1 else f"Result in {folder}"
        lines += [f"## {title}", "", f"![{folder}](../../figures/{folder}/figure.png)", "",
                  f"Made by this command; `numpyfa reproduce {each.name} --quick` is a short form.", "",
                  *in_a_shell(command(folder)),
                  f"Every row is in [history.csv](../../figures/{folder}/history.csv), the settings and the machine "
                  f"({where}) in [summary.json](../../figures/{folder}/summary.json).", ""]  # fmt: skip
        beside = pages.beside(folder)
        lines += [*verdict(each, summary, beside), "", "### What was found", "", *pages.results(folder), ""]
        if beside:
            lines += ["### The paper beside ours", "",
                      *pages.table([["row", *pages.PAPER_COLUMNS, "what was cut or changed, and why apart"],
                                    *([row[2], *row[3:]] for row in beside)]), ""]  # fmt: skip
        if "net" in pages.settings_of(summary):
            lines += [f"The net's protocol in full: `numpyfa experiments {each.name}`.", ""]
    return "\n".join(lines)


def in_a_shell(line: str) -> list[str]:
    return ["```sh", line, "```", ""]


def command(folder: str) -> str:
    """The command that made a folder of figures/, as the table in its README has it, or by the folder's name."""
    page = (ROOT / "figures" / "README.md").read_text(encoding="utf-8")
    own = re.search(rf"^\| `{re.escape(folder)}` \| `(.*)` \|$", page, re.M)
    return own[1] if own else f"numpyfa reproduce {folder}"


def verdict(each: Experiment, summary: pages.Row, beside: list[list[str]]) -> list[str]:
    """What the command concluded, how many of the paper's numbers ours come to, or why neither is there."""
    found = [f"- {escaped(line)}" for line in summary["verdict"] if not line.startswith("(")]  # in brackets: a question
    if beside:
        times = Counter(row[-2].removesuffix(", shortened") for row in beside)
        counted = ", ".join(f"{number} {words}" for words, number in times.items())
        short = "; our run is shortened" if each.shortened else ""
        found.append(f"- Beside the paper's {pages.count(len(beside), 'number')}: {counted}{short} "
                     "([what these words mean](../papers.md)).")  # fmt: skip
    if not found:
        return [f"**No verdict**: no printed number stands beside it. {escaped(each.why[''])}"]
    why = ["", f"No printed number stands beside it. {escaped(each.why[''])}"] if not beside else []
    return ["**Verdict**", "", *found, *why]


# -- The course ------------------------------------------------------------------------------------------------------


def course_pages() -> Iterator[tuple[str, str]]:
    """The notebooks with their blanks open, as students get them."""
    for path in sorted(BLANKS.glob("*.ipynb")):
        book = json.loads(path.read_text(encoding="utf-8"))
        book["cells"] = book["cells"][2:]  # without the badge, which is fetched, and the installation
        yield f"notebook/{path.name}", json.dumps(book, indent=1)


def below_the_course() -> str:
    """What the site adds to the page of the course: its notebooks come below it."""
    return "\n\n" + toctree([f"notebook/{path.stem}" for path in sorted(BLANKS.glob("*.ipynb"))], hidden=True)


# -- API -------------------------------------------------------------------------------------------------------------


def api_pages() -> Iterator[tuple[str, str]]:
    """A page for each module that is public or to be read, and one that lists them."""
    words = "What `import numpyfa as fa` gives is in the modules below; `fa.Dense` is `numpyfa.layers.Dense`."
    lines = ["# API", "", words, "The rules have [pages of their own](../rule/index.md).", ""]
    promised = "What is promised of these names is in [Releasing](../releasing.md#what-is-public)."
    read = "These modules are there to be read and run by name; their names and arguments may change in any version."
    names = []
    for title, text, rooms in (("Public", promised, PUBLIC), ("To be read", read, TO_BE_READ)):
        lines += [f"## {title}", "", text, ""]
        for room, modules in rooms.items():
            lines += [f"**{room}**", "", *(f"- [`numpyfa.{each}`]({each}.md) {escaped(first_words(each))}"
                                           for each in modules), ""]  # fmt: skip
            names += modules
    for name in names:
        more = f"   :exclude-members: {', '.join(SKLEARNS_OWN)}\n" if name == "sklearn" else ""
        yield f"api/{name}.md", f"# numpyfa.{name}\n\n```{{eval-rst}}\n.. automodule:: numpyfa.{name}\n{more}```\n"
    yield "api/index.md", "\n".join([*lines, toctree(names, hidden=True)])


def first_words(module: str) -> str:
    """The first line of a module's docstring."""
    path = ROOT / "numpyfa" / Path(*module.split("."))
    path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    found = re.match(r'"""(.*)', path.read_text(encoding="utf-8"))
    return found[1].rstrip('"') if found else ""


def plain_docstring(lines: list[str]) -> list[str]:
    """A docstring of plain text as reStructuredText: `code` is code, an indented block is set as it is, and no other
    sign is markup."""
    done: list[str] = []
    inside = False
    if re.match("Alias for field number", " ".join(lines)):  # what Python says of a named tuple's field
        return done
    for place, line in enumerate(lines):
        indented = line.startswith("    ")
        if indented and not inside and (place == 0 or not lines[place - 1].strip()):
            done += [".. code-block:: text", ""]
            inside = True
        elif line.strip() and not indented:
            inside = False
        if inside:
            done.append(line)
        else:  # a line that is indented without a blank line before it goes on with the paragraph
            done.append(in_rst(line.strip() if indented else line))
    return [*done, ""]


def in_rst(line: str) -> str:
    parts = line.split("`")
    if len(parts) % 2 == 0:  # a lone backtick
        return re.sub(r"([*|`\\])", r"\\\1", line)
    words = []
    for place, part in enumerate(parts):
        words.append(f"``{part}``" if place % 2 and part else re.sub(r"([*|\\]|_(?!\w))", r"\\\1", part))
    return "".join(words)


# -- Links -----------------------------------------------------------------------------------------------------------


def toctree(names: list[str], depth: int = 1, hidden: bool = False) -> str:
    options = [f":maxdepth: {depth}", *([":hidden:"] if hidden else [])]
    return "\n".join(["```{toctree}", *options, "", *names, "```", ""])


def relinked(text: str, path: str, repository: str, branch: str) -> str:
    """The text of a page in docs/ with links that lead to the site's pages, or to the repository for what has none."""
    depth = len(Path(path).parts) - 1  # folders below docs/
    up = "../" * depth

    def link(found: "re.Match[str]") -> str:
        image, words, target = found[1], found[2], found[3]
        where, _, anchor = target.partition("#")
        folder = Path(path).parent
        inside = normal((folder / where).as_posix()) if where else ""
        if image or not inside.startswith("../"):
            return found[0]
        file = inside.removeprefix("../")
        results = re.fullmatch(r"figures/([\w.-]+)(?:/)?", file)
        if results and (ROOT / "figures" / results[1] / "summary.json").exists():
            name = pages.read(results[1])["experiment"]
            return f"[{words}]({up}experiment/{name}.md)"
        notebook = re.fullmatch(r"numpyfa/course/notebooks/(\w+)\.ipynb", file)
        if notebook:
            return f"[{words}]({up}notebook/{notebook[1]}.ipynb)"
        script = re.fullmatch(r"tutorials/(\d\d\w+)\.py", file)
        if script and (BLANKS / f"{script[1]}.ipynb").exists():
            return f"[{words}]({up}notebook/{script[1]}.ipynb)"
        kind = "tree" if (ROOT / file).is_dir() else "blob"
        return f"[{words}]({repository}/{kind}/{branch}/{file}{'#' + anchor if anchor else ''})"

    return re.sub(r"(!?)\[((?:[^\[\]]|\\\[|\\\])*)\]\(((?!https?:)[^)\s]+)\)", link, text)


def normal(path: str) -> str:
    """The path without a/../ in it."""
    parts: list[str] = []
    for part in path.split("/"):
        if part == ".." and parts and parts[-1] != "..":
            parts.pop()
        elif part not in (".", ""):
            parts.append(part)
    return "/".join(parts)
