"""brSF is BP where M = |W^T|, in any net. M is drawn anew after each batch, and is never negative."""

from collections.abc import Iterator

from ..gradcheck import Check
from ..rules import BRSF
from .nets import dense_net, equals_bp_in, give, passed, tanh_nets


def make_bp(rule: BRSF) -> BRSF:
    """M = |W^T|"""
    return give(rule, M=lambda layer: abs(layer.W.T))


def laws() -> Iterator[Check]:
    yield from equals_bp_in(tanh_nets(), "with M = |W^T| it is BP", lambda net: make_bp(BRSF(net)))
    net = dense_net("tanh")
    rule, seen = BRSF(net), []
    for batch_number in (1, 2):
        seen.append({number: own["M"].copy() for number, own in rule.feedback.items()})
        rule.settle(*passed(net, batch_number=batch_number))
    for before, after in zip(seen, [*seen[1:], {number: own["M"] for number, own in rule.feedback.items()}]):
        bad = sum(int(((before[number] == M) | (M < 0)).sum()) for number, M in after.items())
        which = "first" if before is seen[0] else "second"
        yield Check(f"magnitudes that outlive the {which} batch or are negative", float(bad), 0.0)
