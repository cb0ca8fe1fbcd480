"""Checkpoints: one npz file without pickle, enough to go on bit for bit.

It holds the whole net (`numpyfa.load_net` opens it), the rule's feedback, the memory and step of its optimiser and of a
second one for the feedback, the history, and `about`, which says what run it belongs to. Random streams need no
storing: they are named by seed and epoch (see `numpyfa.backend.Streams`).
"""

from pathlib import Path
from typing import Any

from .backend import array_module, on_device, to_device
from .describe import describe
from .errors import InputError
from .netfile import FORMAT, Arrays, compare, describe_net, net_places, read_file, shapes, write_file
from .network import Network
from .optim import Optimizer
from .rules import Rule


def save(
    path: str | Path,
    net: Network,
    rule: Rule,
    optimizer: Optimizer,
    history: list[dict[str, Any]],
    about: dict[str, Any] | None = None,
    feedback_optimizer: Optimizer | None = None,
) -> None:
    """Write a checkpoint of a run."""
    arrays = _places(net, rule) | {f"optimizer/{name}": array for name, array in optimizer.arrays().items()}
    if feedback_optimizer is not None:
        arrays |= {f"feedback_optimizer/{name}": array for name, array in feedback_optimizer.arrays().items()}
    meta = {
        "format": FORMAT,
        **_identity(net, rule, optimizer, feedback_optimizer),
        "step": optimizer.step,
        "feedback step": feedback_optimizer.step if feedback_optimizer is not None else None,
        "history": history,
        "about": about or {},
    }
    write_file(path, arrays, meta)


def load(
    path: str | Path,
    net: Network,
    rule: Rule,
    optimizer: Optimizer,
    feedback_optimizer: Optimizer | None = None,
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Put a checkpoint back into `net`, `rule` and the optimisers; return (history, about).

    Everything is read and compared before anything is changed. Raises InputError for a file that is missing,
    damaged or no checkpoint, or that belongs to another network, rule or optimiser. That of W may go on with other
    settings, such as a lower learning rate; that of the feedback must have the same.
    """
    arrays, meta = read(path)
    before, now = _flat(meta), _flat(_identity(net, rule, optimizer, feedback_optimizer))
    for what, mine in now.items():
        if before.get(what) != mine:
            raise InputError(f"{path} was made with {what} {before.get(what)}, but this run uses {mine}")
    places = _places(net, rule)
    memory = _pop(arrays, "optimizer/")
    feedback_memory = _pop(arrays, "feedback_optimizer/")
    compare(path, shapes(arrays), shapes(places))
    parameters = net.parameters() | rule.parameters()
    for name, array in [*memory.items(), *feedback_memory.items()]:
        owner = name.rpartition(".")[0]
        if owner not in parameters or parameters[owner].shape != array.shape:
            raise InputError(f"{path} belongs to another net: optimizer/{name} has the shape {array.shape}")
    for name, place in places.items():
        place[...] = to_device(arrays[name], array_module(place))
    optimizer.restore(on_device(memory, net.module), meta["step"])
    if feedback_optimizer is not None:
        feedback_optimizer.restore(on_device(feedback_memory, net.module), meta["feedback step"])
    return meta["history"], meta["about"]


def read(path: str | Path) -> tuple[Arrays, dict[str, Any]]:
    """(arrays by name, meta) of a checkpoint. Raises InputError if it is missing, damaged or something else."""
    wanted = ("format", "net", "rule", "rule seed", "options", "optimizer", "step", "history", "about")
    return read_file(path, wanted)


def _identity(net: Network, rule: Rule, optimizer: Optimizer, feedback_optimizer: Optimizer | None) -> dict[str, Any]:
    """What two runs must share for one to go on with the other's checkpoint."""
    return {
        "net": describe_net(net),
        "rule": type(rule).__name__,
        "rule seed": rule.seed,
        "options": rule.options(),
        "optimizer": type(optimizer).__name__,
        "feedback optimizer": None if feedback_optimizer is None else _settings(feedback_optimizer),
    }


def _settings(optimizer: Optimizer) -> str:
    """The settings of an optimiser in words. Of a schedule they only say that it is one."""
    return str({name: "a schedule" if callable(value) else value for name, value in describe(optimizer).items()})


def _pop(arrays: Arrays, prefix: str) -> Arrays:
    """Take the arrays out whose names begin so; what stands behind that are their names."""
    return {name.removeprefix(prefix): arrays.pop(name) for name in list(arrays) if name.startswith(prefix)}


def _places(net: Network, rule: Rule) -> Arrays:
    """Every array of a run that a checkpoint fills, by name."""
    return net_places(net) | {f"feedback/{name}": array for name, array in rule.arrays().items()}


def _flat(identity: dict[str, Any]) -> dict[str, Any]:
    """The same with each layer under a name of its own, to say which one differs."""
    net = dict(identity["net"])
    layers = net.pop("layers")
    by_number = {f"layer {number}": each for number, each in enumerate(layers, start=1)}
    return {"a net of": f"{len(layers)} layers"} | net | by_number | {k: v for k, v in identity.items() if k != "net"}
