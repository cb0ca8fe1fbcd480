"""The learning rules by name. Every one is a short file that reads as its equation."""

from ..errors import choose
from .base import DirectRule, Rule, SequentialRule
from .bp import BP
from .brsf import BRSF
from .dfa import DFA
from .dkp import DKP
from .drtp import DRTP
from .fa import FA
from .frsf import FRSF
from .kp import KP
from .pfa import PFA
from .pseudo import PseudoBP
from .shallow import Shallow
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
    "pseudo": PseudoBP,
    "dfa": DFA,
    "drtp": DRTP,
    "dkp": DKP,
    "shallow": Shallow,
}


def rule(name, net, seed=0, **options):
    """A rule by its name in `RULES`, bound to `net`."""
    return choose(RULES, name, "rule")(net, seed=seed, **options)
