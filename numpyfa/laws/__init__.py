"""The laws that the engine and each rule must obey. `numpyfa check` and the tests run the same ones.

A rule's law has a file of the rule's own name: numpyfa/rules/fa.py and numpyfa/laws/fa.py. It writes

    make_bp(rule)       what makes the rule BP: set its feedback so, and return the rule
    surrogate(...)      what the rule's feedback descends, if it learns by a gradient
    laws()              its checks, one by one: where it is BP, and its own law

What every rule must obey is in `every_rule`, the engine's own laws are in the files named in `ENGINE`, and the small
nets and comparisons that all share are in `nets`. `needs` is no law: it measures what a rule reads and waits for.
"""

import importlib
from collections.abc import Iterator
from typing import Any

from ..errors import InputError, choose
from ..gradcheck import Check
from ..rules import RULES, VARIANTS, Rule, find

ENGINE = ("local", "losses", "layers", "convolution", "locally_connected", "learning")


def law_of(kind: type[Rule]) -> Any:
    """The law of a rule's class: the module in numpyfa/laws of the same name as the rule's own file.

    Raises InputError if it is missing, or says nothing of what makes the rule BP.
    """
    kinds = [each for each in kind.__mro__ if each in RULES.values()]  # a subclass obeys the law of its rule
    file = (kinds or [kind])[0].__module__.rpartition(".")[2]
    try:
        law = importlib.import_module(f"{__name__}.{file}")
    except ModuleNotFoundError as error:
        if error.name != f"{__name__}.{file}":
            raise
        raise InputError(f"numpyfa/laws/{file}.py is missing: say there what makes the rule BP") from None
    if not hasattr(law, "make_bp") or not hasattr(law, "laws"):
        raise InputError(f"numpyfa/laws/{file}.py must write make_bp(rule), what makes the rule BP, and laws()")
    if kind.learned and not hasattr(law, "surrogate"):
        raise InputError(f"numpyfa/laws/{file}.py must write surrogate(...): what the rule's feedback descends")
    return law


def checks_of(group: str) -> Iterator[Check]:
    """The checks of one group: a rule by its name in `RULES`, or a part of the engine by its name in `ENGINE`."""
    if group in RULES:
        law = law_of(RULES[group])
        yield from importlib.import_module(f"{__name__}.every_rule").laws(group, law)
        yield from law.laws()
    else:
        yield from importlib.import_module(f"{__name__}.{group}").laws()


def groups(names: tuple[str, ...] | list[str] = ()) -> list[str]:
    """The groups of these names, in the order of the table; all of them where none is named. A variant is its rule.

    Raises InputError for an unknown name.
    """
    everything = [*ENGINE, *RULES]
    known = {name: name for name in everything} | {name: find(name)[0].name for name in VARIANTS}
    wanted = {choose(known, name, "rule or part of the engine") for name in names}
    return [group for group in everything if not names or group in wanted]
