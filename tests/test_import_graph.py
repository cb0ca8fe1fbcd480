"""No import runs in a circle, and none runs up: a file imports files of the rooms below its own, and of its own."""

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import numpyfa

PACKAGE = Path(numpyfa.__file__).parent

# The rooms from the ground up: files and folders of numpyfa/. Those that stand side by side do not know each other.
# "numpyfa" is the front door, numpyfa/__init__.py.
FLOORS = [
    ["errors"],
    ["backend", "describe", "files", "theory"],
    ["data", "doctor", "init", "lines", "local", "optim"],
    ["layers"],
    ["convolution", "losses", "network"],
    ["locally_connected"],
    ["models", "netfile", "rules"],
    ["checkpoint", "gradcheck", "metrics"],
    ["learn"],
    ["numpyfa"],
    ["lab", "laws"],
    ["papers", "show", "sklearn"],
    ["course"],
    ["watch"],
    ["cli"],
    ["__main__"],
]


def module_of(path):
    """numpyfa/lab/run.py is numpyfa.lab.run, and numpyfa/lab/__init__.py is numpyfa.lab."""
    parts = ("numpyfa", *path.relative_to(PACKAGE).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {module_of(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def imports(text, module, is_package=False):
    """The modules of numpyfa that a file names in its imports, at the top or inside a function."""
    own = module.split(".") if is_package else module.split(".")[:-1]
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names if each.name.split(".")[0] == "numpyfa")
        elif isinstance(node, ast.ImportFrom):
            base = ".".join([*own[: len(own) + 1 - node.level], *([node.module] if node.module else [])])
            base = base if node.level else node.module
            if base.split(".")[0] == "numpyfa":
                inside = (f"{base}.{each.name}" for each in node.names)
                yield from (name if name in FILES else base for name in inside)


ARROWS = {
    (module, target)
    for module, path in FILES.items()
    for target in imports(path.read_text(encoding="utf-8"), module, path.name == "__init__.py")
}


def room(module):
    return module.split(".")[1] if "." in module else module


@pytest.mark.parametrize(
    "text, expected",
    [
        ("from ..errors import InputError", ["numpyfa.errors"]),
        ("from .. import data, init", ["numpyfa.data", "numpyfa.init"]),
        ("from . import plots", ["numpyfa.lab.plots"]),
        ("import numpyfa.cli as c", ["numpyfa.cli"]),
        ("def f():\n    from numpyfa.cli import main", ["numpyfa.cli"]),
        ("from .. import __version__", ["numpyfa"]),
        ("import numpy", []),
    ],
)
def test_an_import_in_any_form_is_seen(text, expected):
    assert list(imports(text, "numpyfa.lab.run")) == expected


def test_the_imports_of_more_than_100_files_run_in_no_circle():
    graph = {module: {b for a, b in ARROWS if a == module and b != module} for module in FILES}
    assert len(graph) > 100 and len(ARROWS) > 400
    assert len(list(TopologicalSorter(graph).static_order())) == len(graph)


def test_no_import_runs_up_or_to_a_room_of_the_same_floor():
    floor = {name: number for number, names in enumerate(FLOORS) for name in names}
    assert {room(module) for module in FILES} == set(floor), "every room has its place in FLOORS"
    wrong = [(a, b) for a, b in ARROWS if room(a) != room(b) and floor[room(a)] <= floor[room(b)]]
    assert not wrong, f"upward arrows: {sorted(wrong)}"


@pytest.mark.parametrize(
    "name, those_it_may",
    [("theory", {"errors"}), ("laws", {room for rooms in FLOORS[:9] for room in rooms} - {"theory", "doctor", "data"})],
)
def test_theory_knows_only_the_errors_and_the_laws_only_the_engine(name, those_it_may):
    found = {room(b) for a, b in ARROWS if room(a) == name} - {name}
    assert found and found <= those_it_may


def test_only_the_command_line_and_the_course_ask_for_the_laws_and_only_papers_and_the_course_for_the_theory():
    assert {room(a) for a, b in ARROWS if room(b) == "laws"} - {"laws", "course"} == {"cli"}
    assert {room(a) for a, b in ARROWS if room(b) == "theory"} - {"theory", "course"} == {"papers"}
