"""The learning rules by name. Every one is a short file that reads as its equation."""

from ..errors import choose
from .base import DirectRule, Rule, SequentialRule
from .bp import BP
from .dfa import DFA
from .fa import FA
from .shallow import Shallow

RULES = {"bp": BP, "fa": FA, "dfa": DFA, "shallow": Shallow}


def rule(name, net, seed=0, **options):
    """A rule by its name in `RULES`, bound to `net`."""
    return choose(RULES, name, "rule")(net, seed=seed, **options)


__all__ = ["BP", "DFA", "FA", "RULES", "DirectRule", "Rule", "SequentialRule", "Shallow", "rule"]
