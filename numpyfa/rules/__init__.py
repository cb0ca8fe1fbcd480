"""The learning rules. Every one is a short file that reads as its equation, and one line here."""

# ruff: noqa: I001

from collections.abc import Iterable
from dataclasses import fields
from typing import Any

from ..errors import choose, unknown_option
from ..network import Network
from .base import DirectRule as DirectRule
from .base import Rule as Rule
from .base import SequentialRule as SequentialRule

# The order of `numpyfa rules`. A rule's own name is in its file; its law is in numpyfa/laws, under the same file name.
from .bp import BP as BP
from .fa import FA as FA
from .usf import USF as USF
from .frsf import FRSF as FRSF
from .brsf import BRSF as BRSF
from .kp import KP as KP
from .wm import WM as WM
from .pfa import PFA as PFA
from .sparse_pfa import SparsePFA as SparsePFA
from .sa import SA as SA
from .aa import AA as AA
from .ia import IA as IA
from .dtp import DTP as DTP
from .lra_e import LRAE as LRAE
from .pseudo import PseudoBP as PseudoBP
from .dfa import DFA as DFA
from .kdfa import KDFA as KDFA
from .sdfa import SDFA as SDFA
from .sparse_dfa import SparseDFA as SparseDFA
from .bdfa import BDFA as BDFA
from .ifa import IFA as IFA
from .drtp import DRTP as DRTP
from .dkp import DKP as DKP
from .greedy import Greedy as Greedy
from .shallow import Shallow as Shallow

RULES: dict[str, type[Rule]] = {
    kind.name: kind
    for kind in list(globals().values())
    if isinstance(kind, type) and issubclass(kind, Rule) and kind.name
}

# What papers call by a name of its own, but is a rule above with an option set.
VARIANTS: dict[str, tuple[str, dict[str, Any], str]] = {
    "pfa-o": ("pfa", {"expansion": 1, "orthogonal": True}, "Li & Benna 2024"),
    "sdtp": ("dtp", {"simplified": True}, "Bartunov et al. 2018"),
    "cdfa": ("dfa", {"layers": "dense"}, "Han & Yoo 2019: backpropagation inside the convolutional part"),
    "cbdfa": ("bdfa", {"layers": "dense"}, "Han & Yoo 2019: backpropagation inside the convolutional part"),
}


def find(name: str) -> tuple[type[Rule], dict[str, Any]]:
    """(the class, the options that the name stands for) of a name in `RULES` or `VARIANTS`."""
    kind, options, _ = choose({name: (name, {}, "") for name in RULES} | VARIANTS, name, "rule")
    return RULES[kind], options


def make_rule(name: str, net: Network, seed: int = 0, **options: Any) -> Rule:
    """A rule by its name in `RULES` or `VARIANTS`, bound to `net`.

    Raises InputError for an unknown name or option, and where the rule refuses the net.
    """
    kind, preset = find(name)
    known = {f.name for f in fields(kind)} - {"net", "seed"}
    check_options(name, options, known)
    return kind(net, seed=seed, **preset | options)


def check_options(name: str, options: Iterable[str], known: set[str]) -> None:
    """Raise InputError for an option that the rule does not have."""
    for option in options:
        if option not in known:
            raise unknown_option(f"rule '{name}'", option, known)
