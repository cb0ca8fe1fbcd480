"""A whole net as one npz file without pickle: architecture, parameters, running values and standardisation.

`load_net` opens what `save` wrote, and the checkpoints of runs too (see `numpyfa.checkpoint`): train today, plot W
tomorrow.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np

from .backend import array_module, to_device, to_host
from .convolution import Conv
from .describe import describe, rebuild
from .errors import InputError
from .files import read_npz, whole_file
from .layers import Dense, Junction
from .local import LOCALS
from .locally_connected import LocallyConnected
from .network import Network

FORMAT = 3
LAYERS = (Dense, Conv, LocallyConnected, Junction)
KINDS: dict[str, Any] = {kind.__name__: kind for kind in (*LAYERS, *LOCALS.values())}  # type: ignore[attr-defined]
Arrays = dict[str, Any]


def save(path: str | Path, net: Network) -> None:
    """Write the whole net into one npz file: what `load_net` gives back. Raises InputError where that cannot be."""
    for layer in net.layers:
        for part in (layer, *layer.tail):
            if KINDS.get(type(part).__name__) is not type(part):
                raise InputError(
                    f"{type(part).__name__} is a class of your own, which a file cannot hold: pickle the net, or keep "
                    f"net.parameters() with np.savez"
                )
    write_file(path, net_places(net), {"format": FORMAT, "net": describe_net(net)})


def load_net(path: str | Path, device: Any = "cpu") -> Network:
    """The net in a file of `save` or in a checkpoint of a run. Raises InputError if the file is damaged or neither."""
    arrays, meta = read_file(path, ("format", "net"))
    description = meta["net"]
    try:
        layers = [rebuild(each, KINDS) for each in description["layers"]]
        net = Network(description["input"], layers, init="zeros", dtype=description["dtype"], device=device)
    except KeyError as error:
        raise InputError(f"{path} holds a net with a part that this version does not know: {error}") from None
    if description["standardised"]:
        net.standardise(arrays["net/mean"], arrays["net/deviation"])
    places = net_places(net)
    compare(path, shapes({name: array for name, array in arrays.items() if name.startswith("net/")}), shapes(places))
    for name, place in places.items():
        place[...] = to_device(arrays[name], array_module(place))
    return net


def describe_net(net: Network) -> dict[str, Any]:
    """The architecture as plain data."""
    return {
        "input": list(net.input_shape),
        "layers": [describe(layer) for layer in net.layers],
        "dtype": str(net.dtype),
        "standardised": net.mean is not None,
    }


def net_places(net: Network) -> Arrays:
    """Every array of a net that a file fills, by name."""
    scale: Arrays = {} if net.mean is None else {"net/mean": net.mean, "net/deviation": net.deviation}
    parameters = {f"net/{name}": array for name, array in net.parameters().items()}
    return parameters | {f"net/running/{name}": array for name, array in net.running().items()} | scale


def write_file(path: str | Path, arrays: Arrays, meta: dict[str, Any]) -> None:
    """Write the arrays, and `meta` as JSON beside them, whole or not at all."""
    on_host = {name: to_host(array) for name, array in arrays.items()}
    on_host["meta"] = np.frombuffer(json.dumps(meta).encode(), np.uint8)
    with whole_file(path, "wb") as file:
        np.savez(file, **on_host)


def read_file(path: str | Path, wanted: tuple[str, ...]) -> tuple[Arrays, dict[str, Any]]:
    """(arrays by name, meta) of a file of `write_file`. Raises InputError if it is missing, damaged or another's, or if
    meta lacks any of `wanted`."""
    arrays = read_npz(path, "numpyfa checkpoint", "replace it, or delete it to do that part of a run again")
    try:
        meta = dict(json.loads(arrays.pop("meta").tobytes()))
    except (KeyError, ValueError, TypeError, AttributeError, RecursionError):
        meta = {}
    if meta.get("format", FORMAT) != FORMAT:
        raise InputError(f"{path} has format {meta['format']}, but this version reads format {FORMAT}")
    missing = [name for name in wanted if name not in meta]
    if missing:
        raise InputError(
            f"{path} is no numpyfa checkpoint (it does not say {', '.join(missing)}): give another file, or delete it "
            f"to do that part of a run again"
        )
    return arrays, meta


def shapes(arrays: Arrays) -> dict[str, tuple[Any, str]]:
    """{name: (shape, dtype)}"""
    return {name: (array.shape, str(array.dtype)) for name, array in arrays.items()}


def compare(path: str | Path, found: dict[str, Any], expected: dict[str, Any]) -> None:
    """Raise InputError at the first array whose shape or dtype is not the expected one."""
    for name in sorted(expected.keys() | found.keys()):
        if found.get(name) != expected.get(name):
            words = [f"{spec[1]} {spec[0]}" if spec else "nothing" for spec in (expected.get(name), found.get(name))]
            raise InputError(f"{path} belongs to another net: {name} should be {words[0]}, the file has {words[1]}")
