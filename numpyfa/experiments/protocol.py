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
    """Everything that the numbers depend on, but the machine. `lr` is the step on the batch's mean gradient."""

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

    def adapt(self, **changes):
        """The protocol with the changes that are not None. The step on the batch's mean gradient follows the batch
        size unless it is given; the device auto becomes the one there is."""
        protocol = replace(self.protocol, **{key: value for key, value in changes.items() if value is not None})
        if changes.get("lr") is None and self.lr_per_example:
            protocol = replace(protocol, lr=self.lr_per_example * protocol.batch_size)
        if protocol.device == "auto":
            protocol = replace(protocol, device="gpu" if find_gpu()[0] else "cpu")
        return protocol


def build(protocol, rule_name, seed, dataset):
    """(net, rule, loss, optimizer) of one job. Raises InputError for anything in the protocol that cannot be."""
    net = model(
        protocol.net,
        protocol.activation,
        input_shape=dataset.x_train.shape[1:],
        outputs=dataset.classes,
        seed=seed,
        init=protocol.init,
        dtype=protocol.dtype,
        device=protocol.device,
    )
    kind, _ = find(rule_name)
    has_init = any(f.name == "init" for f in fields(kind))
    a_rule = rule(rule_name, net, seed, **({"init": protocol.feedback} if protocol.feedback and has_init else {}))
    loss = choose(LOSSES, protocol.loss, "loss")()
    check_loss(loss, net)
    options = {"decay": protocol.decay} | ({"momentum": protocol.momentum} if protocol.momentum else {})
    if protocol.momentum and protocol.optimizer not in ("sgd", "manhattan"):
        raise InputError(f"momentum is an option of sgd and manhattan, found with {protocol.optimizer}")
    return net, a_rule, loss, optim.optimizer(protocol.optimizer, protocol.lr, **options)


def validate(protocol):
    """Raise InputError before any work starts if the protocol cannot be run; return the data set."""
    if not protocol.rules or len(set(protocol.rules)) < len(protocol.rules):
        raise InputError(f"name each rule once, found {','.join(protocol.rules) or 'none'}")
    for what in ("seeds", "epochs", "batch_size"):
        if getattr(protocol, what) < 1:
            raise InputError(f"{what} must be from 1, found {getattr(protocol, what)}")
    if protocol.feedback:
        init.parse(protocol.feedback)
    dataset = data.load(protocol.data)
    for name in protocol.rules:
        net = build(protocol, name, 0, dataset)[0]
    net.as_input(dataset.x_train[:1])
    if dataset.classes != net.size_out:
        raise InputError(f"{dataset.name} has {dataset.classes} classes, but the net has {net.size_out} outputs")
    return dataset
