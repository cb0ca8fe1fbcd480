"""Checkpoints: one npz file without pickle, enough to go on bit for bit.

It holds the network's parameters and running values, the rule's feedback, the optimiser's memory and step,
the history, and `about`, which says what run it belongs to. Random streams need no storing: they are named
by seed and epoch (see `numpyfa.backend.Streams`).
"""

import json

import numpy as np

from .backend import array_module, to_device, to_host
from .errors import InputError
from .files import UNREADABLE, whole_file

FORMAT = 2


def save(path, net, rule, optimizer, history, about=None):
    """Write the checkpoint, whole or not at all."""
    arrays = {name: to_host(array) for name, array in _places(net, rule).items()}
    arrays |= {f"optimizer/{name}": to_host(array) for name, array in optimizer.arrays().items()}
    meta = {
        "format": FORMAT,
        "rule": type(rule).__name__,
        "options": rule.options(),
        "optimizer": type(optimizer).__name__,
        "step": optimizer.step,
        "history": history,
        "about": about or {},
    }
    arrays["meta"] = np.frombuffer(json.dumps(meta).encode(), np.uint8)
    with whole_file(path, "wb") as file:
        np.savez(file, **arrays)


def load(path, net, rule, optimizer):
    """Put a checkpoint back into `net`, `rule` and `optimizer`; return (history, about).

    Everything is read and compared before anything is changed. Raises InputError for a file that is missing,
    truncated or no checkpoint, or that belongs to another network, rule or optimiser.
    """
    arrays, meta = read(path)
    own = {"rule": type(rule).__name__, "options": rule.options(), "optimizer": type(optimizer).__name__}
    for what, found in own.items():
        if meta[what] != found:
            raise InputError(f"{path} was made with {what} {meta[what]}, but this run uses {found}")
    places = _places(net, rule)
    memory = {name: arrays.pop(name) for name in list(arrays) if name.startswith("optimizer/")}
    _compare(path, {n: (a.shape, str(a.dtype)) for n, a in arrays.items()},
             {n: (a.shape, str(a.dtype)) for n, a in places.items()})  # fmt: skip
    parameters = net.parameters() | rule.parameters()
    for path_in_file, array in memory.items():
        name = path_in_file.removeprefix("optimizer/").rpartition(".")[0]
        if name not in parameters or parameters[name].shape != array.shape:
            raise InputError(f"{path} belongs to another net: {path_in_file} has the shape {array.shape}")
    for name, place in places.items():
        place[...] = to_device(arrays[name], array_module(place))
    module = net.module
    optimizer.restore(
        {name.removeprefix("optimizer/"): to_device(array, module) for name, array in memory.items()}, meta["step"]
    )
    rule.step = meta["step"]
    return meta["history"], meta["about"]


def read(path):
    """(arrays by name, meta) of a checkpoint. Raises InputError if it is missing, truncated or something else."""
    try:
        with open(path, "rb") as raw, np.load(raw, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        meta = dict(json.loads(arrays.pop("meta").tobytes()))
        missing = {"format", "rule", "options", "optimizer", "step", "history", "about"} - meta.keys()
        if missing:
            raise ValueError(f"no {', '.join(sorted(missing))}")
    except FileNotFoundError:
        raise InputError(f"there is no checkpoint {path}") from None
    except UNREADABLE as error:
        raise InputError(
            f"{path} is truncated or is no numpyfa checkpoint ({error}): delete it to do that part of the run again"
        ) from None
    if meta["format"] != FORMAT:
        raise InputError(f"{path} has format {meta['format']}, but this version reads format {FORMAT}")
    return arrays, meta


def _places(net, rule):
    """Every array that a checkpoint fills, by name."""
    return (
        {f"net/{name}": array for name, array in net.parameters().items()}
        | {f"running/{name}": array for name, array in net.running().items()}
        | {f"feedback/{name}": array for name, array in rule.arrays().items()}
    )


def _compare(path, found, expected):
    for name in sorted(expected.keys() | found.keys()):
        if found.get(name) != expected.get(name):
            words = [f"{spec[1]} {spec[0]}" if spec else "nothing" for spec in (expected.get(name), found.get(name))]
            raise InputError(f"{path} belongs to another net: {name} should be {words[0]}, the file has {words[1]}")
