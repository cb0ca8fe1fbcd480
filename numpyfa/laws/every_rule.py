"""What every rule must obey, whatever it sends.

dW = dW of BP                    at the output layer, to the last bit
(dW, db, ...) = d<e, h> / N      at each layer that is told e, e held constant
dB = d surrogate                 where feedback learns, what comes in held constant
fold(delta M) = carry(delta, M)  a whole training step is the same with and without a convolution's fast form
"""

import copy
from collections.abc import Iterator
from typing import Any

from ..gradcheck import TOLERANCE, Check, compare
from ..network import Network
from ..optim import SGD
from ..rules import BP, Rule, make_rule
from .nets import ROUNDING, Arrays, by_definition, by_differences, fitting, largest_difference, outcome, passed, train
from .nets import worst as worst_of


def laws(name: str, law: Any) -> Iterator[Check]:
    for kind, net, rule in fitting(name):
        yield by_differences(f"local updates by finite differences, {kind} net", net, rule)
        yield output_layer(f"output layer = BP's, {kind} net", net, rule)
        if rule.learned:
            checks = list(feedback_checks(rule, law.surrogate))
            yield worst_of(f"feedback by finite differences, {kind} net", checks)
        if kind != "dense":
            yield fast_form(f"two steps with the fast form = without it, {kind} net", name, net)


def output_layer(name: str, net: Network, rule: Rule) -> Check:
    last = f"{net.last.number}."
    mine, true = (outcome(net, each)[1] for each in (rule, BP(net)))
    mine, true = ({k: v for k, v in g.items() if k.startswith(last)} for g in (mine, true))
    return Check(name, largest_difference(mine, true), 0.0)


def feedback_checks(rule: Rule, surrogate: Any) -> Iterator[Check]:
    """The gradients of all that `rule` learns against those of `surrogate(layer, own, trace, signal, output)`."""
    traces, output = passed(rule.net)
    signals, gradients = dict(rule.signals(traces, output)), rule.gradients(traces, output)
    for name, p in rule.parameters().items():
        number = int(name.split(".")[1])
        seen = rule.net[number], rule.feedback[number], traces[number], signals[number], output

        def value(seen: Any = seen) -> tuple[float, list[Any]]:
            return float(surrogate(*seen)), []

        yield compare(name, gradients.get(name), p, value, TOLERANCE)


def fast_form(name: str, rule_name: str, net: Network) -> Check:
    """How far two training steps move all that they move: parameters, running values and feedback."""
    found = []
    for each in (copy.deepcopy(net), by_definition(copy.deepcopy(net))):
        rule = make_rule(rule_name, each)
        start = {key: array.copy() for key, array in everything(rule).items()}
        train(rule, SGD(0.1, decay=0.1), steps=2)
        found.append({key: array - start[key] for key, array in everything(rule).items()})
    return Check(name, largest_difference(*found), ROUNDING)


def everything(rule: Rule) -> Arrays:
    """All the arrays of a rule and its net."""
    return rule.net.parameters() | rule.net.running() | rule.arrays()
