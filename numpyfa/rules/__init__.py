"""The learning rules by name. Every one is a short file that reads as its equation."""

from ..errors import choose
from .aa import AA
from .base import DirectRule, Rule, SequentialRule
from .bdfa import BDFA
from .bp import BP
from .brsf import BRSF
from .dfa import DFA
from .dkp import DKP
from .drtp import DRTP
from .dtp import DTP
from .fa import FA
from .frsf import FRSF
from .greedy import Greedy
from .ia import IA
from .ifa import IFA
from .kdfa import KDFA
from .kp import KP
from .lra_e import LRAE
from .pfa import PFA
from .pseudo import PseudoBP
from .sa import SA
from .sdfa import SDFA
from .shallow import Shallow
from .sparse_dfa import SparseDFA
from .sparse_pfa import SparsePFA
from .usf import USF
from .wm import WM

RULES = {
    "bp": BP,
    "fa": FA,
    "usf": USF,
    "frsf": FRSF,
    "brsf": BRSF,
    "kp": KP,
    "wm": WM,
    "pfa": PFA,
    "sparse-pfa": SparsePFA,
    "sa": SA,
    "aa": AA,
    "ia": IA,
    "dtp": DTP,
    "lra-e": LRAE,
    "pseudo": PseudoBP,
    "dfa": DFA,
    "kdfa": KDFA,
    "sdfa": SDFA,
    "sparse-dfa": SparseDFA,
    "bdfa": BDFA,
    "ifa": IFA,
    "drtp": DRTP,
    "dkp": DKP,
    "greedy": Greedy,
    "shallow": Shallow,
}

# What papers call by a name of its own, but is a rule above with an option set.
VARIANTS = {
    "pfa-o": ("pfa", {"expansion": 1, "orthogonal": True}, "Li & Benna 2024"),
    "sdtp": ("dtp", {"simplified": True}, "Bartunov et al. 2018"),
    "cdfa": ("dfa", {"layers": "dense"}, "Han & Yoo 2019: backpropagation inside the convolutional part"),
    "cbdfa": ("bdfa", {"layers": "dense"}, "Han & Yoo 2019: backpropagation inside the convolutional part"),
}


def find(name):
    """(the class, the options that the name stands for) of a name in `RULES` or `VARIANTS`."""
    kind, options, _ = choose({name: (name, {}, "") for name in RULES} | VARIANTS, name, "rule")
    return RULES[kind], options


def rule(name, net, seed=0, **options):
    """A rule by its name in `RULES` or `VARIANTS`, bound to `net`."""
    kind, preset = find(name)
    return kind(net, seed=seed, **preset | options)
