"""KDFA is BP where B = W_L^T .. W_{l+1}^T of a linear dense net; below a global pool B = W_L^T W_{l+1}^T / places.

Direct feedback of a convolution has two names: `dfa` has a full map a class, `kdfa` a kernel with one channel a class.
Inner places of a map, which all taps of the kernel above reach, are all sent the same.
"""

from collections.abc import Iterator

from ..convolution import Conv
from ..gradcheck import Check
from ..layers import Dense
from ..network import Network
from ..rules import DFA, KDFA
from .nets import ROUNDING, dense_net, equals_bp, largest, outcome, unit_errors, unlike


def make_bp(rule: KDFA) -> KDFA:
    """B = delta of unit errors, the same at each place, times W^T"""
    n = rule.net.size_out
    signals = unit_errors(rule.net)
    for number, own in rule.feedback.items():
        delta = signals[number].delta
        own["B"] = delta[:: len(delta) // n] @ rule.net[number].W.T
    return rule


def laws() -> Iterator[Check]:
    yield equals_bp("with B = product of the W^T, linear, it is BP, dense net", make_bp(KDFA(dense_net("identity"))))
    net = Network((6, 7, 2), [Conv(3, 3, padding=1), Conv(4, 2, "globalavgpool"), Dense(3)], dtype="float64")
    yield equals_bp("below a global pool, with B = W_3^T W_2^T / places, linear, it is BP", make_bp(KDFA(unlike(net))))

    net = Network((8, 8, 2), [Conv(3, 3, "tanh", padding=1), Conv(5, 3, "tanh"), Dense(4)], dtype="float64")
    full, kernel = DFA(net).feedback[1]["B"].shape, KDFA(net).feedback[2]["B"].shape
    yield Check("dfa: B has the shape (4, 192) of a full map", float(full != (4, 8 * 8 * 3)), 0.0)
    yield Check("B has the shape (4, 27) of a kernel", float(kernel != (4, 3 * 3 * 3)), 0.0)
    inner = outcome(net, KDFA(net))[0][1].e[:, 2:-2, 2:-2]
    yield Check(
        "spread of e over the inner places of a map", largest(inner - inner[:, :1, :1]) / largest(inner), ROUNDING
    )
