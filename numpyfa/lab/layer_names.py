"""What the numbers of a net's layers stand for, in tables and figures: conv 1, max pool 3, dense 4."""

import re
from contextlib import suppress

from .. import data
from ..errors import InputError
from ..layers import Junction, Layer
from ..models import MODELS, make_net
from .protocol import Protocol


def layer_names(protocol: Protocol) -> dict[int, str]:
    """{number: name} of a protocol's net. A junction has an angle under rules that send signals from layer to layer,
    and none under those that send them directly to layers with weights."""
    net = make_net(protocol.net, protocol.activation, shape_of_images(protocol))
    return {layer.number: f"{kind(layer)} {layer.number}" for layer in net.layers}


def shape_of_images(protocol: Protocol) -> tuple[int, ...]:
    """Of the data set, where it is at hand. Old results are drawn anew where it is not, and their layers hardly depend
    on it."""
    if protocol.net in MODELS:  # an MLP does not ask
        with suppress(InputError):
            return data.load(protocol.data, download=False).x_train.shape[1:]
    return (28, 28, 1)


def kind(layer: Layer) -> str:
    """What a layer is, in a word or two."""
    if isinstance(layer, Junction):
        return in_words(layer.tail[0]) if len(layer.sources) == 1 and layer.tail else "sum"
    return in_words(layer)


def in_words(thing: object) -> str:
    """MaxPool is a max pool."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(thing).__name__).lower()
