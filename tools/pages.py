"""Write the generated tables of README.md, docs/ and benchmarks/: the rules, the results in figures/, the benchmarks.

    python tools/pages.py            # write them
    python tools/pages.py --check    # change nothing; exit 1 and say which page differs

A table stands between two comments, and this command alone writes what is between them:

    <!-- table: fashion-lenet -->
    <!-- end -->

The name after "table:" is one of TABLES, a folder of figures/ or a table of the benchmarks (benchmark_tables.py).
"""

import argparse
import functools
import json
import math
import re
import sys
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tools")]  # the package beside this file, whatever else is installed

import benchmark_tables  # noqa: E402

from numpyfa.course import EXERCISES  # noqa: E402
from numpyfa.course.exercises import CHAPTERS, exercises_of  # noqa: E402
from numpyfa.lab import compare  # noqa: E402
from numpyfa.lab.experiment import Experiment  # noqa: E402
from numpyfa.lab.layer_names import layer_names  # noqa: E402
from numpyfa.lab.protocol import Protocol, own  # noqa: E402
from numpyfa.laws import needs as measured_needs  # noqa: E402
from numpyfa.papers import EXPERIMENTS  # noqa: E402
from numpyfa.rules import RULES, VARIANTS, DirectRule, Rule, SequentialRule  # noqa: E402

Row = dict[str, Any]
OPENING = re.compile(r"<!-- table: (.*?) -->\n")
END = "<!-- end -->"
MOST_COLUMNS = 5  # angles get a column a layer up to so many layers, and one for all of them beyond


class PageError(Exception):
    """A page asks for something that is not there."""


# -- The rules -------------------------------------------------------------------------------------------------------

# What the base class does not say.
KINDS = {"dtp": "sequential", "kdfa": "direct", "ifa": "indirect", "greedy": "local", "shallow": "control"}


def rules() -> list[str]:
    """Every rule: its name, equation, kind and source, as the class says them."""
    rows = [["name", "learning signal", "kind", "source"]]
    for name, rule in RULES.items():
        _, equation, source = first_line(rule)
        rows.append([f"`{name}`", f"`{equation}`", kind(name, rule), source])
    return table(rows)


def variants() -> list[str]:
    """The names that stand for a rule with an option set."""
    rows = [["name", "stands for", "source"]]
    for name, (of, options, source) in VARIANTS.items():
        chosen = ", ".join(f"{option}={value!r}" for option, value in options.items())
        rows.append([f"`{name}`", f"`{of}` with `{chosen}`", source])
    return table(rows)


def options() -> list[str]:
    """What each rule can be told when it is made, with its default, and which of its arrays learn by a gradient."""
    rows = [["name", "options and their defaults", "learns by a gradient"]]
    for name, rule in RULES.items():
        own = [f"{f.name}={f.default!r}" for f in fields(rule) if f.name not in ("net", "seed", "layers")]
        rows.append([f"`{name}`", f"`{', '.join(own)}`" if own else "", ", ".join(rule.learned)])
    return table(rows)


@functools.cache
def needs() -> list[str]:
    """What each rule reads to learn, and what it waits for, as measured now."""
    first, *rows = measured_needs.table()
    return table([first, *([f"`{name}`", *words] for name, *words in rows)])


def first_line(rule: type[Rule]) -> tuple[str, str, str]:
    """(words, equation, source) of a class whose docstring begins "Words: equation   [source]"."""
    line = (rule.__doc__ or "").splitlines()[0]
    found = re.fullmatch(r"([^:]+): (.+?) +\[(.+)\]", line)
    if not found:
        raise PageError(f"{rule.__name__}: its docstring must begin 'Name: equation   [source]', found {line!r}")
    words, equation, source = found.groups()
    return words, equation, source


def kind(name: str, rule: type[Rule]) -> str:
    """How the rule's signals travel."""
    if name in KINDS:
        return KINDS[name]
    if issubclass(rule, DirectRule):
        return "direct"
    return "sequential" if issubclass(rule, SequentialRule) else "of its own"


def course() -> list[str]:
    """The notebooks: what each is about, its exercises, and the script it is made from."""
    rows = [["notebook", "you will be able to", "exercises", "script"]]
    for script in sorted((ROOT / "tutorials").glob("[0-9][0-9]*.py")):
        text = script.read_text(encoding="utf-8")
        title = re.search(r"^# # (\d\d\w?) (.*)$", text, re.M)
        able = re.search(r"\*\*You will be able to\*\* (.*?)\.?\n#?\n", text, re.S)
        number, words = title.groups() if title else (script.stem[:2], "One plain page")
        goal = re.sub(r"\s*\n# ", " ", able[1]) if able else "read all of it, BP and FA, on one page of NumPy"
        chapter = CHAPTERS.get(script.stem)
        asked = len(exercises_of(chapter)) if chapter else 0
        made = f"[{number} {words}](../numpyfa/course/notebooks/{script.stem}.ipynb)"
        rows.append([made, goal, str(asked or ""), f"[{script.stem}](../tutorials/{script.name})"])
    wrong = sum(len(each.wrongs) for each in EXERCISES.values())
    return [f"{len(EXERCISES)} exercises, {wrong} wrong answers known by name.", "", *table(rows)]


# -- The results -----------------------------------------------------------------------------------------------------


def results(folder: str) -> list[str]:
    """What one experiment found."""
    summary = read(folder)
    settings, found = settings_of(summary), summary["rows"]
    if "net" in settings:
        return of_nets(settings, found, EXPERIMENTS[summary["experiment"]].published)
    return of_comparison(settings, found, summary.get("times", [])) if "tries" in settings else of_study(found)


def of_study(found: list[Row]) -> list[str]:
    """The table of a study of the theory, as its command prints it; what a row lacks stays empty."""
    names = list(dict.fromkeys(name for row in found for name in row))
    return table([names, *([word(row.get(name, "")) for name in names] for row in found)])


def of_comparison(settings: Row, found: list[Row], times: list[Row]) -> list[str]:
    """The grid, and for each case and rule what was chosen from it and what came of that."""
    grid = values_of(settings["points"])
    words = "; ".join(f"{name} {', '.join(f'{each:g}' for each in values)}" for name, values in grid.items())
    halved = f", halving by {settings['halving']}" if settings.get("halving") else ""
    budget = f"Tried for every rule in every case: {words}, {count(settings['tries'], 'seed')} each{halved}"
    tested = f"tested: {count(settings['seeds'], 'fresh seed')}. * at the edge of the grid."
    names = ("held_out_error", "train_error", "test_error", "test_loss")
    rows = [["case", "rule", *grid, "held-out error", "train error", "test error", "test loss"]]
    for row in found:
        chosen = [f"{row[name]:g}" + "*" * (name in row["at the edge"].split(" and ")) for name in grid]
        rows.append([row["case"], row["rule"], *chosen, *(mean_and_sd(row, name) for name in names)])
    if times:
        titles, angles = in_one(found, "angle", "angle", 0)
        seconds = [[f"{row['seconds_per_epoch']:.2g}" if row["seconds_per_epoch"] else ""] for row in times]
        rows = [line + more for line, more in zip(rows, [[*titles, "s an epoch"], *map(list.__add__, angles, seconds)])]
    return [f"{budget}; {tested}", "", *table(rows)]


def values_of(points: list[Row]) -> dict[str, list]:
    """The grid that the points of a sweep are the product of."""
    return {name: list(dict.fromkeys(point[name] for point in points)) for name in points[0]}


def of_nets(settings: Row, found: list[Row], published: Row) -> list[str]:
    """The settings of an experiment that trains nets, and what it found, a row for each rule."""
    names = layer_names(Protocol(settings["net"], data=settings["data"], activation=settings["activation"]))
    header = ["rule", "learning rate", "train error", "test error"]
    cells = [
        [row["rule"], rate(settings, row["rule"]), *(mean_and_sd(row, name) for name in ("train_error", "test_error"))]
        for row in found
    ]
    if any(row["rule"] in published for row in found):
        header.append("published")
        for line, row in zip(cells, found):
            line.append(compare.paper_in_words(published[row["rule"]]) if row["rule"] in published else "")
    for measure in (angles(found, names), in_one(found, "logit_cosine", "cosine", 2),
                    in_one(found, "weight_angle", "W^T and feedback", 0)):  # fmt: skip
        titles, more = measure
        header += titles
        cells = [line + own for line, own in zip(cells, more)]
    return [protocol(settings), "", *table([header, *cells])]


Columns = tuple[list[str], list[list[str]]]  # headings, and the cells of each row


def angles(found: list[Row], names: dict[int, str]) -> Columns:
    """The angle of each layer's delta to BP's, a column a layer if they are few."""
    values, numbers = by_layer(found, "angle")
    if len(numbers) > MOST_COLUMNS:
        return in_one(found, "angle", "angle", 0)
    titles = [f"angle, {names[number]}" for number in numbers]
    return titles, [[f"{own[n]:.0f}" if n in own else "" for n in numbers] for own in values]


def in_one(found: list[Row], column: str, title: str, digits: int) -> Columns:
    """What is measured in each layer, in one column: the values if they are few, or the lowest and the highest."""
    values, numbers = by_layer(found, column)
    if not numbers:
        return [], [[] for _ in found]
    if len(numbers) > MOST_COLUMNS:
        ranges = [f"{min(own.values()):.{digits}f} to {max(own.values()):.{digits}f}" if own else "" for own in values]
        return [f"{title}, {len(numbers)} layers"], [[each] for each in ranges]
    cells = [", ".join(f"{own[n]:.{digits}f}" if n in own else "-" for n in numbers) if own else "" for own in values]
    where = ("layer " if len(numbers) == 1 else "layers ") + ", ".join(map(str, numbers))
    return [f"{title}, {where}"], [[each] for each in cells]


def by_layer(found: list[Row], column: str) -> tuple[list[dict[int, float]], list[int]]:
    """({layer number: value} of each row, the layers that have one), such as angle_1, angle_2 .. BP is left out: its
    angle to itself is 0."""
    values = [
        {
            int(key.rpartition("_")[2]): value
            for key, value in row.items()
            if re.fullmatch(rf"{column}_\d+", key) and value is not None
        }
        for row in found
    ]
    values = [{} if row["rule"] == "bp" else own for row, own in zip(found, values)]
    return values, sorted({number for own in values for number in own})


def protocol(settings: Row) -> str:
    """The settings that the numbers depend on most, in a sentence."""
    words = [settings["net"], settings["data"]]
    words.append(f"{settings['examples']:,} training images" if settings.get("examples") else "all training images")
    words.append(count(settings["epochs"], "epoch"))
    words.append(f"batch {settings['batch_size']}")
    words.append(f"momentum {settings['momentum']:g}, decay {settings['decay']:g}")
    if settings.get("burst"):
        words.append(f"decay {settings['burst']:g} in the first epoch for rules whose feedback learns")
    if settings.get("optimizer", "sgd") != "sgd":
        words.append(settings["optimizer"])
    if settings.get("hidden_lr", 1) != 1 or settings.get("hidden_lr_of"):
        factors = [f"{rule} {factor:g}" for rule, factor in settings["hidden_lr_of"]]
        all_of_them = ", ".join([f"{settings['hidden_lr']:g}", *factors])
        words.append(f"hidden layers learn at {all_of_them} times the rate")
    if settings.get("schedule"):
        changes = ", ".join(f"{factor:g} after epoch {epoch}" for epoch, factor in settings["schedule"])
        words.append(f"the learning rate is multiplied by {changes}")
    if settings.get("feedback_optimizer"):
        words.append(f"feedback that learns by {settings['feedback_optimizer']} at {settings['feedback_lr']:g}")
    if settings.get("drops"):
        shares = ", ".join(f"{100 * at:g}" for at in settings["drops"])
        words.append(f"the learning rate falls to a tenth at {shares} % of the epochs")
    inits = [f"{rule} `{init}`" for rule, init in settings.get("init_of") or []]
    words.append(", ".join([f"weights `{settings['init']}`", *inits]))
    words.append(f"feedback `{settings['feedback']}`" if settings.get("feedback") else "feedback as each rule's own")
    words.append("standardised" if settings.get("standardise") else "pixels 0 to 1")
    words.append("augmented" if settings.get("augment") else "no augmentation")
    words.append(count(settings["seeds"], "seed"))
    return "; ".join(words) + "."


def rate(settings: Row, rule: str) -> str:
    """The learning rate of one rule: its own, or the common one."""
    return f"{own(settings.get('lr_of') or [], rule, settings['lr']):g}"


def experiments() -> list[str]:
    """Every folder of figures/: the experiment, what is run, and whose it is."""
    rows = [["results in", "experiment", "what is run", "source"]]
    for folder in folders():
        summary = read(folder)
        settings, name = settings_of(summary), summary["experiment"]
        what = f"{'tuned nets' if 'tries' in settings else 'theory'}, {count(settings['seeds'], 'seed')}"
        if "net" in settings:
            who = ", ".join(settings["rules"])
            what = f"{settings['net']} on {settings['data']}, {who}, {count(settings['epochs'], 'epoch')}"
        rows.append([f"[{folder}](../figures/{folder})", f"`{name}`", what, summary["source"]])
    return table(rows)


# -- The papers ------------------------------------------------------------------------------------------------------


def papers() -> list[str]:
    """A row for each number that a paper prints and a committed result has. Raises PageError for a number that is
    apart without a line on why, and for one whose row the result lacks."""
    head = ["results", "place in the paper", "row", *PAPER_COLUMNS, "what was cut or changed, and why apart"]
    return table([head, *(line for folder in in_order() for line in beside(folder))])


PAPER_COLUMNS = ("what", "paper", "ours, mean (s.d.)", "seeds", "ours - paper", "verdict")


def in_order() -> list[str]:
    """The folders of figures/ in the order of the experiments."""
    order = list(EXPERIMENTS)
    return sorted(folders(), key=lambda folder: order.index(read(folder)["experiment"]))


def beside(folder: str) -> list[list[str]]:
    """The rows of one folder of figures/."""
    summary = read(folder)
    each, settings, found = EXPERIMENTS[summary["experiment"]], settings_of(summary), summary["rows"]
    for key in each.published:
        if compare.find(found, key) is None:
            raise PageError(f"{folder}: its table has no row and column for '{key}', which {each.name} has published")
    lines = []
    for row in compare.compare(each, settings, found):
        words = compare.in_words(row)
        if row["verdict"] == compare.APART and not row["why"]:
            raise PageError(
                f"{folder}: {row['name']} {row['column']} is apart, and `why` of {each.name} has no line on it"
            )
        if each.shortened:
            words["verdict"] += ", shortened"
        lines.append([f"[{folder}](../figures/{folder})", each.place, row["name"], *words.values(),
                      remark(each, settings, row)])  # fmt: skip
    return lines


def remark(each: Experiment, settings: Row, row: Row) -> str:
    """What was cut, what was changed from the experiment's own settings, and why the row is apart if it is."""
    given = ", ".join(f"{key} {value}" for key, value in compare.changes(each, settings).items())
    words = [f"Shortened: {each.shortened}." if each.shortened else "", f"Run with {given}." if given else ""]
    return " ".join(filter(None, [*words, row["why"] if row["verdict"] == compare.APART else ""]))


def not_run() -> list[str]:
    """The experiments without a committed result, and why."""
    done = {read(folder)["experiment"] for folder in folders()}
    rows = [["experiment", "paper", "place in the paper", "why there is no result"]]
    for name, each in EXPERIMENTS.items():
        if name not in done:
            rows.append([f"`{name}`", each.source, each.place, each.not_run or "no result is committed yet"])
    return table(rows) if len(rows) > 1 else ["None: every experiment has a committed result."]


def without_number() -> list[str]:
    """The committed results that have no printed number to stand beside, and why. Raises PageError where `why` is not
    said."""
    rows = [["results", "paper", "place in the paper", "why no number stands beside it"]]
    for folder in in_order():
        each = EXPERIMENTS[read(folder)["experiment"]]
        if each.published:
            continue
        if not each.why.get(""):
            raise PageError(f"{folder}: no number stands beside it, and `why` of {each.name} has no line on it")
        rows.append([f"[{folder}](../figures/{folder})", each.source, each.place, each.why[""]])
    return table(rows)


def folders() -> list[str]:
    return sorted(path.parent.name for path in (ROOT / "figures").glob("*/summary.json"))


def read(folder: str) -> Row:
    """The summary in a folder of figures/."""
    found: Row = json.loads((ROOT / "figures" / folder / "summary.json").read_text(encoding="utf-8"))
    return found


def settings_of(summary: Row) -> Row:
    found: Row = summary.get("protocol") or summary["settings"]
    return found


# -- Words and tables ------------------------------------------------------------------------------------------------


def count(number: int, word: str) -> str:
    return f"{number} {word}" + ("" if number == 1 else "s")


def mean_and_sd(row: Row, column: str) -> str:
    """The mean, and in brackets the standard deviation over seeds if there are several."""
    value, sd = row[column], row.get(f"{column}_sd")
    return f"{value:.2f}" + ("" if sd is None or math.isnan(sd) else f" ({sd:.2f})")


def word(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def table(rows: list[list[str]]) -> list[str]:
    """Rows of words as a Markdown table; the first row is its head."""
    rows = [[cell.replace("|", "\\|") for cell in row] for row in rows]
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return [lines[0], "|---" * len(rows[0]) + "|", *lines[1:]]


# -- The pages -------------------------------------------------------------------------------------------------------

TABLES: dict[str, Callable[[], list[str]]] = {
    "rules": rules,
    "variants": variants,
    "options": options,
    "needs": needs,
    "course": course,
    "experiments": experiments,
    "papers": papers,
    "not-run": not_run,
    "without-number": without_number,
}


def pages() -> list[Path]:
    found = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), ROOT / "benchmarks" / "README.md"]
    return [page for page in found if page.exists()]


def fill(text: str, page: str) -> str:
    """The page with every table made anew. Raises PageError for a table that is not known or does not end."""
    done, place = "", 0
    while opening := OPENING.search(text, place):
        end = text.find(END, opening.end())
        following = OPENING.search(text, opening.end())
        if end < 0 or (following and following.start() < end):
            raise PageError(f"{page}: the table '{opening[1]}' has no {END} after it")
        done += text[place : opening.end()] + "\n" + "\n".join(make(opening[1], page)) + "\n\n"
        place = end
    return done + text[place:]


def make(name: str, page: str) -> list[str]:
    """The lines of the table that a comment names."""
    if name in TABLES:
        return TABLES[name]()
    if name in folders():
        return results(name)
    if lines := benchmark_tables.make(name):
        return lines
    raise PageError(f"{page}: unknown table '{name}'; there are {', '.join([*TABLES, *folders()])}")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Write the generated tables of README.md, docs/ and benchmarks/.")
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 if a page differs")
    options = parser.parse_args(arguments)
    stale = 0
    for path in pages():
        page, old = path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")
        try:
            new = fill(old, page)
        except PageError as error:
            print(f"pages: {error}", file=sys.stderr)
            return 2
        if new != old:
            stale += 1
            print(f"{page} differs from what python tools/pages.py writes" if options.check else f"wrote {page}")
            if not options.check:
                path.write_text(new, encoding="utf-8")
    return 1 if options.check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
