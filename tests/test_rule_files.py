"""Every rule's file opens with the same headings in the same order, and is a page."""

import inspect
import re

import pytest

import numpyfa as fa

HEADINGS = ["Equation", "Shapes", "Source", "Differs from the paper"]


def sections(text):
    """(the first line, {heading: its lines as one string}) of a rule file's docstring."""
    first, *rest = text.splitlines()
    found, heading = {}, None
    for line in rest:
        if line and not line.startswith(" "):
            heading = line
            found[heading] = ""
        elif heading:
            found[heading] += line.strip() + "\n"
    return first, {heading: body.strip() for heading, body in found.items()}


@pytest.mark.parametrize("name", fa.RULES)
def test_a_rule_file_has_four_headings_in_order_and_at_most_notes_after_them(name):
    first, found = sections(inspect.getdoc(inspect.getmodule(fa.RULES[name])))
    assert re.fullmatch(r"[A-Z][^:=]+[^.]", first), "the first line is the rule's name in words"
    assert list(found) in (HEADINGS, [*HEADINGS, "Notes"])
    assert all(found.values()), "no heading is empty"


@pytest.mark.parametrize("name", fa.RULES)
def test_the_equation_of_e_stands_in_the_file_and_in_the_class(name):
    kind = fa.RULES[name]
    equation = sections(inspect.getdoc(inspect.getmodule(kind)))[1]["Equation"]
    first = re.split(r"[,:\n]", equation)[0]
    assert first in inspect.getdoc(kind).splitlines()[0]


@pytest.mark.parametrize("name", fa.RULES)
def test_the_class_says_name_equation_and_source_in_its_first_line(name):
    assert re.fullmatch(r"[\w -]+: .+   \[[^]]+\]", inspect.getdoc(fa.RULES[name]).splitlines()[0])


@pytest.mark.parametrize("name", fa.RULES)
def test_a_rule_file_is_a_page_of_at_most_105_lines(name):
    assert len(inspect.getsource(inspect.getmodule(fa.RULES[name])).splitlines()) <= 105


@pytest.mark.parametrize("name", fa.RULES)
def test_no_rule_file_calls_a_learning_rate_a_step(name):
    text = inspect.getdoc(inspect.getmodule(fa.RULES[name]))
    assert not re.search(r"\b(own|same|W's|the) (linear )?steps?\b", text)
