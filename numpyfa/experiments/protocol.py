"""What an experiment is: the protocol that its numbers depend on, and the paper it comes from."""

from dataclasses import dataclass, field, fields, replace

from .. import data, init, optim
from ..backend import find_gpu
from ..errors import InputError, choose
from ..losses import LOSSES, check_loss
from ..models import model
from ..rules import find, rule


@dataclass(frozen=True)
class Protocol:
    """Everything that the numbers depend on, but the machine. `lr` is the step on the batch's mean gradient.

    `lr_of` gives some rules a step of their own, ((rule, lr), ...). The step falls to a tenth at each of `drops`, which
    are shares of all epochs. `burst` is the decay in the first epoch for rules whose feedback learns by a gradient.
    `examples` cuts the training set; `validation` holds so many of it out, in the test set's place.
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

    def steps(self):
        """The step in words, with those that rules have of their own: 0.01 (dkp 0.0001)."""
        own = ", ".join(f"{name} {lr:g}" for name, lr in self.lr_of if name in self.rules)
        return f"{self.lr:g}" + (f" ({own})" if own else "")

    def jobs(self):
        """Every (rule, seed)."""
        return [(name, seed) for seed in range(self.seeds) for name in self.rules]


@dataclass(frozen=True)
class Experiment:
    """A published experiment: its protocol, where it comes from, and the test errors (in %) printed there."""

    name: str
    protocol: Protocol
    source: str = ""
    question: str = ""
    lr_per_example: float | None = None
    published: dict = field(default_factory=dict)
    quick: dict = field(default_factory=dict)

    def adapt(self, quick=False, **changes):
        """The protocol with the changes that are not None, on top of those of its quick form if that is wanted. The
        step on the batch's mean gradient follows the batch size unless it is given, and is then every rule's; the
        device auto becomes the one there is."""
        changes = {key: value for key, value in changes.items() if value is not None}
        if "lr" in changes:
            changes["lr_of"] = ()
        protocol = replace(self.protocol, **(self.quick if quick else {}) | changes)
        if changes.get("lr") is None and self.lr_per_example:
            protocol = replace(protocol, lr=self.lr_per_example * protocol.batch_size)
        if protocol.device == "auto":
            protocol = replace(protocol, device="gpu" if find_gpu()[0] else "cpu")
        return protocol


def takes_init(rule_name):
    """Whether the rule's feedback can be drawn by another initialiser."""
    return any(f.name == "init" for f in fields(find(rule_name)[0]))


def build(protocol, rule_name, seed, examples):
    """(net, rule, loss, optimizer) of one job. Raises InputError for anything in the protocol that cannot be."""
    net = model(
        protocol.net,
        protocol.activation,
        input_shape=examples.x_train.shape[1:],
        outputs=examples.classes,
        seed=seed,
        init=protocol.init,
        dtype=protocol.dtype,
        device=protocol.device,
    )
    a_rule = rule(
        rule_name, net, seed, **({"init": protocol.feedback} if protocol.feedback and takes_init(rule_name) else {})
    )
    loss = choose(LOSSES, protocol.loss, "loss")()
    check_loss(loss, net)
    epoch = -(-len(examples.x_train) // protocol.batch_size)  # batches
    lr, decay = dict(protocol.lr_of).get(rule_name, protocol.lr), protocol.decay
    if protocol.drops:
        lr = optim.step_schedule(lr, [round(share * protocol.epochs) * epoch for share in protocol.drops])
    if protocol.burst and a_rule.learned:
        decay = optim.step_schedule(protocol.burst, [epoch], decay / protocol.burst)
    if protocol.standardise:
        net.standardise(*examples.statistics())
    options = {"decay": decay, "decoupled": protocol.decoupled} | (
        {"momentum": protocol.momentum} if protocol.momentum else {}
    )
    if protocol.momentum and protocol.optimizer not in ("sgd", "manhattan"):
        raise InputError(f"momentum is an option of sgd and manhattan, found with {protocol.optimizer}")
    return net, a_rule, loss, optim.optimizer(protocol.optimizer, lr, **options)


def dataset(protocol, download=True):
    """The data set of a protocol, cut and split as it says."""
    whole = data.load(protocol.data, download=download)
    if protocol.validation:
        whole = whole.validation(protocol.validation)
    if protocol.examples is not None and not 0 < protocol.examples <= len(whole.x_train):
        raise InputError(f"examples must be from 1 to {len(whole.x_train)}, found {protocol.examples}")
    return whole.part(protocol.examples, None)


def validate(protocol):
    """Raise InputError before any work starts if the protocol cannot be run; return the data set."""
    if not protocol.rules or len(set(protocol.rules)) < len(protocol.rules):
        raise InputError(f"name each rule once, found {','.join(protocol.rules) or 'none'}")
    for what in ("seeds", "epochs", "batch_size"):
        if getattr(protocol, what) < 1:
            raise InputError(f"{what} must be from 1, found {getattr(protocol, what)}")
    if protocol.feedback:
        init.parse(protocol.feedback)
    found = dataset(protocol)
    if protocol.augment and found.x_train.ndim != 4:
        raise InputError(f"flips and crops need images of shape (height, width, channels), found {found.name}")
    for name in protocol.rules:
        net = build(protocol, name, 0, found)[0]
    net.as_input(found.x_train[:1])
    if found.classes != net.size_out:
        raise InputError(f"{found.name} has {found.classes} classes, but the net has {net.size_out} outputs")
    return found
