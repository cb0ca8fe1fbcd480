"""BP is the gradient of the loss: dW = dL/dW, by finite differences in every kind of net.

And so its loss on 20 random examples goes to 0, and it is what the other rules are compared with.
"""

from collections.abc import Iterator

from ..backend import Streams
from ..gradcheck import Check, directional_check
from ..local import BatchNorm
from ..losses import SoftmaxCrossEntropy
from ..models import mlp
from ..optim import Adam
from ..rules import BP, make_rule
from .nets import NETS, batch, by_differences, dense_net, train


def make_bp(rule: BP) -> BP:
    """It is."""
    return rule


def laws() -> Iterator[Check]:
    for kind, build in NETS.items():
        yield by_differences(f"it is BP: the loss by finite differences, {kind} net", build("tanh"))
    yield by_differences("a batch of one, dense net", dense_net("tanh"), n=1)
    yield by_differences("batch norm in a dense net", dense_net(BatchNorm, "tanh"))
    net = mlp("784-200-80-10", dtype="float64")
    x, target = batch(net, 16)
    check = directional_check(net, SoftmaxCrossEntropy(), x, target, Streams(0)("direction"))
    yield Check(f"784-200-80-10, {check.name}", check.figure, check.tolerance, note=check.note)
    yield overfits("bp")


def overfits(rule_name: str) -> Check:
    """20-12-10 learns 20 random examples with random labels by heart."""
    net = mlp("20-12-10", dtype="float64")
    train(make_rule(rule_name, net), Adam(0.02), steps=2000, n=20)
    x, target = batch(net, 20)
    value = SoftmaxCrossEntropy()(net.forward(x)[net.last.number].h, target)[0]
    return Check("loss on 20 overfitted examples", float(value), 1e-3)
