"""The settings of trained nets, and the data, net, rule, loss and optimiser that they stand for."""

from dataclasses import dataclass, fields
from typing import Any

from .. import data, init, optim
from ..data import Dataset
from ..errors import InputError, check_number, check_whole, choose
from ..losses import LOSSES, check_loss
from ..models import make_net
from ..optim import Schedule
from ..rules import find, make_rule
from . import spelling

MOST = 10**9  # epochs, or examples in a batch: more are a slip of the finger


@dataclass(frozen=True)
class Protocol:
    """Everything that the numbers depend on, but the machine. `lr` is the learning rate on the batch's mean gradient.

    A rule may bring options of its own, pfa:expansion=5 (see `lab.spelling`).

    `lr_of` gives some rules a learning rate of their own, ((rule, lr), ...). It falls to a tenth at each of `drops`,
    which are shares of all epochs. `burst` is the decay in the first epoch for rules whose feedback learns by a
    gradient. `examples` cuts the training set; `validation` holds so many of it out, in the test set's place.
    """

    net: str
    rules: tuple = ("bp",)
    data: str = "mnist"
    activation: str | None = None
    loss: str = "softmax"
    optimizer: str = "sgd"
    lr: float = 0.1
    momentum: float = 0.0
    decay: float = 0.0
    batch_size: int = 16
    epochs: int = 20
    seeds: int = 3
    init: str = "fan_in"
    feedback: str | None = None
    dtype: str = "float32"
    device: str = "cpu"
    lr_of: tuple = ()
    drops: tuple = ()
    decoupled: bool = False
    burst: float | None = None
    examples: int | None = None
    validation: int = 0
    standardise: bool = False
    augment: bool = False

    def learning_rates(self) -> str:
        """The learning rate in words, with those that rules have of their own: 0.01 (dkp 0.0001)."""
        names = set(map(spelling.base, self.rules))
        own = ", ".join(f"{name} {lr:g}" for name, lr in self.lr_of if name in names)
        return f"{self.lr:g}" + (f" ({own})" if own else "")


def takes_init(rule_name: str) -> bool:
    """Whether the rule's feedback can be drawn by another initialiser."""
    return any(f.name == "init" for f in fields(find(spelling.base(rule_name))[0]))


def build(protocol: Protocol, rule_name: str, seed: int, examples: Dataset) -> tuple[Any, Any, Any, Any]:
    """(net, rule, loss, optimizer) of one job. Raises InputError for anything in the protocol that cannot be."""
    net = make_net(
        protocol.net,
        protocol.activation,
        input_shape=examples.x_train.shape[1:],
        outputs=examples.classes,
        seed=seed,
        init=protocol.init,
        dtype=protocol.dtype,
        device=protocol.device,
    )
    own = {"init": protocol.feedback} if protocol.feedback and takes_init(rule_name) else {}
    name, options = spelling.read(rule_name)
    bound = make_rule(name, net, seed, **own | options)
    loss = choose(LOSSES, protocol.loss, "loss")()
    check_loss(loss, net)
    batches = -(-len(examples.x_train) // protocol.batch_size)
    at_first = dict(protocol.lr_of).get(name, protocol.lr)
    lr: float | Schedule = at_first
    if protocol.drops:
        lr = optim.step_schedule(at_first, [round(share * protocol.epochs) * batches for share in protocol.drops])
    decay: float | Schedule = protocol.decay
    if protocol.burst and bound.learned:
        decay = optim.step_schedule(protocol.burst, [batches], protocol.decay / protocol.burst)
    if protocol.standardise:
        net.standardise(*examples.statistics())
    settings: dict[str, Any] = {"decay": decay, "decoupled": protocol.decoupled}
    if protocol.momentum:
        if protocol.optimizer not in ("sgd", "manhattan"):
            raise InputError(f"momentum is an option of sgd and manhattan, found with {protocol.optimizer}")
        settings["momentum"] = protocol.momentum
    return net, bound, loss, optim.make_optimizer(protocol.optimizer, lr, **settings)


def dataset(protocol: Protocol, download: bool = True) -> Dataset:
    """The data set of a protocol, cut and split as it says."""
    whole = data.load(protocol.data, download=download)
    if protocol.validation:
        whole = whole.validation(protocol.validation)
    if protocol.examples is not None and not 0 < protocol.examples <= len(whole.x_train):
        raise InputError(f"examples must be from 1 to {len(whole.x_train)}, found {protocol.examples}")
    return whole.part(protocol.examples, None)


def validate(protocol: Protocol) -> Dataset:
    """Raise InputError before any work starts if the protocol cannot be run; return the data set."""
    if not protocol.rules or len(set(protocol.rules)) < len(protocol.rules):
        raise InputError(f"name each rule once, found {','.join(protocol.rules) or 'none'}")
    check_whole("epochs", protocol.epochs, 1, MOST)
    check_whole("batch_size", protocol.batch_size, 1, MOST)
    check_number("burst", protocol.burst or 0, 0)
    if protocol.feedback:
        init.parse(protocol.feedback)
    found = dataset(protocol)
    if protocol.augment and found.x_train.ndim != 4:
        raise InputError(f"flips and crops need images of shape (height, width, channels), found {found.name}")
    for name in protocol.rules:
        net, rule, loss, optimizer = build(protocol, name, 0, found)
        rule.check_optimizer(optimizer)
        rule.check_loss(loss)
    net.as_input(found.x_train[:1])
    if found.classes != net.size_out:
        raise InputError(f"{found.name} has {found.classes} classes, but the net has {net.size_out} outputs")
    return found
