"""The settings of trained nets, and the data, net, rule, loss and optimisers that they stand for."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

from .. import data, init, optim
from ..data import Dataset
from ..errors import InputError, check_number, check_whole, choose
from ..learn import check_optimizers, learning_rules
from ..losses import LOSSES, check_loss
from ..models import make_net
from ..optim import Optimizer, Schedule
from ..rules import find, make_rule
from . import spelling
from .experiment import option

MOST = 10**9  # epochs, or examples in a batch: more are a slip of the finger


@dataclass(frozen=True)
class Protocol:
    """Everything that the numbers depend on, but the machine. `lr` is the learning rate on the batch's mean gradient.

    A rule may bring options of its own, pfa:expansion=5 (see `lab.spelling`).

    An optimiser may bring options too, adam:eps=1.

    `lr_of` gives some rules a learning rate of their own, ((rule, lr), ...), `init_of` an initialiser. Hidden layers
    learn at `hidden_lr` times that rate, in which `hidden_lr_of` gives some rules a factor of their own. It falls to a
    tenth at each of `drops`, which are shares of all epochs, and is multiplied as `schedule` says, ((epochs done,
    factor), ...). `burst` is the decay in the first epoch for rules whose feedback learns by a gradient.
    `feedback_optimizer` is a second optimiser for what learns there, with a learning rate and, if given, a schedule of
    its own, no momentum and W's decay unless they are given; the drops, the burst and `decoupled` are for both.
    `examples` cuts the training set; `validation` holds so many of it out, in the test set's place; the training error
    is measured on the first `measured` that are left.
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
    feedback_optimizer: str | None = None
    feedback_lr: float | None = None
    feedback_momentum: float | None = None
    feedback_decay: float | None = None
    feedback_schedule: tuple | None = None
    schedule: tuple = ()
    hidden_lr: float = 1.0
    hidden_lr_of: tuple = ()
    init_of: tuple = ()
    measured: int | None = None

    def learning_rates(self) -> str:
        """The learning rate in words, with those that rules have of their own: 0.01 (dkp 0.0001)."""
        names = set(self.rules) | set(map(spelling.base, self.rules))
        own = ", ".join(f"{name} {lr:g}" for name, lr in self.lr_of if name in names)
        words = f"{self.lr:g}" + (f" ({own})" if own else "")
        hidden = [f"{name} {factor:g}" for name, factor in self.hidden_lr_of if name in names]
        if self.hidden_lr != 1 or hidden:
            words += f", times {', '.join([f'{self.hidden_lr:g}', *hidden])} in hidden layers"
        if self.feedback_optimizer is None:
            return words
        return f"{words}, of the feedback {self.feedback_lr:g} by {self.feedback_optimizer}"


def takes_init(rule_name: str) -> bool:
    """Whether the rule's feedback can be drawn by another initialiser."""
    return any(f.name == "init" for f in fields(find(spelling.base(rule_name))[0]))


def learns_feedback(rule_name: str) -> bool:
    """Whether the rule's feedback learns by a gradient."""
    return bool(find(spelling.base(rule_name))[0].learned)


def own(pairs: Any, rule_name: str, otherwise: Any) -> Any:
    """What ((rule, value), ...) says of a rule, with its options or by its name alone; else what holds otherwise."""
    found = dict(pairs)
    return found.get(rule_name, found.get(spelling.base(rule_name), otherwise))


def build(protocol: Protocol, rule_name: str, seed: int, examples: Dataset) -> tuple[Any, Any, Any, Any, Any]:
    """(net, rule, loss, optimizer, feedback_optimizer) of one job. Raises InputError for anything in the protocol that
    cannot be."""
    net = make_net(
        protocol.net,
        protocol.activation,
        input_shape=examples.x_train.shape[1:],
        outputs=examples.classes,
        seed=seed,
        init=own(protocol.init_of, rule_name, protocol.init),
        dtype=protocol.dtype,
        device=protocol.device,
    )
    init_of_feedback = {"init": protocol.feedback} if protocol.feedback and takes_init(rule_name) else {}
    name, options = spelling.read(rule_name)
    bound = make_rule(name, net, seed, **init_of_feedback | options)
    loss = choose(LOSSES, protocol.loss, "loss")()
    check_loss(loss, net)
    batches = -(-len(examples.x_train) // protocol.batch_size)
    if protocol.standardise:
        net.standardise(*examples.statistics())
    lr, burst = own(protocol.lr_of, rule_name, protocol.lr), protocol.burst if bound.learned else None
    optimizer = make_optimizer(protocol, batches, protocol.optimizer, lr, protocol.momentum, protocol.decay, burst,
                               protocol.schedule)  # fmt: skip
    hidden = own(protocol.hidden_lr_of, rule_name, protocol.hidden_lr)
    if hidden != 1:
        optimizer.multiples = optim.hidden_multiples(net, hidden, bound.parameters())
    feedback_optimizer = make_feedback_optimizer(protocol, batches) if bound.learned else None
    return net, bound, loss, optimizer, feedback_optimizer


def make_optimizer(
    protocol: Protocol,
    batches: int,
    word: str,
    lr: float,
    momentum: float,
    decay: float,
    burst: float | None,
    schedule: Sequence[tuple[int, float]],
) -> Optimizer:
    """An optimiser whose learning rate falls and whose decay bursts as the protocol says."""
    kind, settings = spelling.read_optimizer(word)
    settings |= {"decay": decay, "decoupled": protocol.decoupled}
    if burst:
        settings["decay"] = optim.step_schedule(burst, [batches], decay / burst)
    if momentum:
        if kind not in ("sgd", "manhattan"):
            raise InputError(f"momentum is an option of sgd and manhattan, found with {kind}")
        settings["momentum"] = momentum
    falling: float | Schedule = lr
    changes = [(round(share * protocol.epochs), 0.1) for share in protocol.drops] + [tuple(each) for each in schedule]
    if changes:
        epochs, factors = zip(*changes)
        falling = optim.step_schedule(lr, [epoch * batches for epoch in epochs], factors)
    return optim.make_optimizer(kind, falling, **settings)


def make_feedback_optimizer(protocol: Protocol, batches: int) -> Optimizer | None:
    """The second optimiser, if the protocol names one. Its decay is W's, unless it has its own."""
    kind, lr = protocol.feedback_optimizer, protocol.feedback_lr
    if kind is None:
        return None
    if lr is None:
        raise InputError(f"the feedback optimiser {kind} needs a learning rate of its own: --feedback-lr")
    decay = protocol.decay if protocol.feedback_decay is None else protocol.feedback_decay
    schedule = protocol.schedule if protocol.feedback_schedule is None else protocol.feedback_schedule
    momentum = protocol.feedback_momentum or 0.0
    try:
        return make_optimizer(protocol, batches, kind, lr, momentum, decay, protocol.burst, schedule)
    except InputError as error:
        raise InputError(f"the feedback optimiser: {error}") from None


def check_feedback(protocol: Protocol) -> None:
    """Raise InputError for a second optimiser without anything to learn, or for settings of one that is not named."""
    if protocol.feedback_optimizer is None:
        for setting in ("feedback_lr", "feedback_momentum", "feedback_decay", "feedback_schedule"):
            if getattr(protocol, setting) is not None:
                raise InputError(f"{option(setting)} is of a second optimiser: name one with --feedback-optimizer")
    elif not any(map(learns_feedback, protocol.rules)):
        raise InputError(
            f"--feedback-optimizer: the feedback of {','.join(protocol.rules)} does not learn by a gradient; "
            f"that of {', '.join(learning_rules())} does"
        )


def dataset(protocol: Protocol, download: bool = True) -> Dataset:
    """The data set of a protocol, cut and split as it says."""
    whole = data.load(protocol.data, download=download)
    if protocol.validation:
        whole = whole.validation(protocol.validation)
    if protocol.examples is not None and not 0 < protocol.examples <= len(whole.x_train):
        raise InputError(f"examples must be from 1 to {len(whole.x_train)}, found {protocol.examples}")
    return whole.part(protocol.examples, None)


def validate(protocol: Protocol, found: Dataset | None = None) -> Dataset:
    """Raise InputError before any work starts if the protocol cannot be run; return the data set, which is loaded
    unless it is given."""
    if not protocol.rules or len(set(protocol.rules)) < len(protocol.rules):
        raise InputError(f"name each rule once, found {','.join(protocol.rules) or 'none'}")
    check_whole("epochs", protocol.epochs, 1, MOST)
    check_whole("batch_size", protocol.batch_size, 1, MOST)
    check_number("burst", protocol.burst or 0, 0)
    for epoch, factor in (*protocol.schedule, *(protocol.feedback_schedule or ())):
        check_whole("an epoch of the schedule", epoch, 1, MOST)
        check_number("a factor of the schedule", factor, 0)
    if protocol.feedback:
        init.parse(protocol.feedback)
    check_feedback(protocol)
    found = dataset(protocol) if found is None else found
    if protocol.measured is not None:
        check_whole("measured", protocol.measured, 1, len(found.x_train))
    if protocol.augment and found.x_train.ndim != 4:
        raise InputError(f"flips and crops need images of shape (height, width, channels), found {found.name}")
    for name in protocol.rules:
        net, rule, loss, optimizer, feedback_optimizer = build(protocol, name, 0, found)
        check_optimizers(rule, optimizer, feedback_optimizer)
        rule.check_loss(loss)
    net.as_input(found.x_train[:1])
    if found.classes != net.size_out:
        raise InputError(f"{found.name} has {found.classes} classes, but the net has {net.size_out} outputs")
    return found
