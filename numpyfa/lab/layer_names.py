"""What the numbers of a net's layers stand for, in tables and figures: conv 1, max pool 3, dense 4."""

import re

from .. import data
from ..errors import InputError
from ..layers import Junction, Layer
from ..models import make_net
from .protocol import Protocol


def layer_names(protocol: Protocol) -> dict[int, str]:
    """{number: name} of a protocol's net. A junction has an angle under rules that send signals from layer to layer,
    and none under those that send them directly to layers with weights."""
    try:
        shape = data.load(protocol.data, download=False).x_train.shape[1:]
    except InputError:  # old results are drawn anew where their data is not: it hardly changes which layers there are
        shape = (28, 28, 1)
    return {layer.number: f"{kind(layer)} {layer.number}" for layer in
            make_net(protocol.net, protocol.activation, shape).layers}  # fmt: skip


def kind(layer: Layer) -> str:
    """What a layer is, in a word or two."""
    if isinstance(layer, Junction):
        return in_words(layer.tail[0]) if len(layer.sources) == 1 and layer.tail else "sum"
    return in_words(layer)


def in_words(thing: object) -> str:
    """MaxPool is a max pool."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(thing).__name__).lower()
