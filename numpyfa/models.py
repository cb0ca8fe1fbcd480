"""Networks by name: functions that return a `Network`. Keyword arguments (seed, init, dtype, device) are passed on."""

import re

from .errors import InputError, choose
from .layers import Conv, Dense, Junction
from .local import ACTIVATIONS, BatchNorm, GlobalAvgPool, MaxPool
from .network import Network


def mlp(sizes, activation="tanh", input_shape=None, **options):
    """A multi-layer perceptron: mlp("784-200-80-10"). Hidden layers take the activation, the output none."""
    numbers = [int(n) for n in sizes.split("-")] if re.fullmatch(r"\d+(-\d+)+", sizes) else [0]
    if min(numbers) < 1:
        raise InputError(f"a net is written as sizes, such as 784-200-80-10; found '{sizes}'")
    choose(dict.fromkeys(ACTIVATIONS, True), activation, "activation")
    hidden = [Dense(n, activation) for n in numbers[1:-1]]
    return Network(numbers[0], [*hidden, Dense(numbers[-1])], **options)


def lenet(activation="relu", input_shape=(28, 28, 1), outputs=10, **options):
    """LeNet: two 5x5 convolutions (6 and 16 channels), each max-pooled by 2, a third (120), then 84 and the outputs.

    28 x 28 images are padded to LeCun's 32 x 32; there the third convolution sees its whole input.
    """
    pad = 2 if input_shape[0] < 32 else 0
    return Network(
        input_shape,
        [
            Conv(6, 5, activation, MaxPool(2), padding=pad),
            Conv(16, 5, activation, MaxPool(2)),
            Conv(120, 5, activation),
            Dense(84, activation),
            Dense(outputs),
        ],
        **options,
    )


def resnet8(activation="relu", input_shape=(28, 28, 1), outputs=10, **options):
    """A small residual net: a stem of 8 channels and three blocks of two 3x3 convolutions (8, 16, 32 channels).

    Each convolution has batch norm and no bias. Where a block halves the image, its shortcut is a 1x1 convolution.
    """

    def conv(channels, kernel, *tail, stride=1, source=-1):
        return Conv(channels, kernel, BatchNorm(), *tail, stride=stride, padding=kernel // 2, bias=False, source=source)

    layers = [conv(8, 3, activation)]
    layers += [conv(8, 3, activation), conv(8, 3), Junction(activation, sources=(-1, -3))]
    for channels, pool in ((16, ()), (32, (GlobalAvgPool(),))):
        layers += [conv(channels, 3, activation, stride=2), conv(channels, 3), conv(channels, 1, stride=2, source=-3)]
        layers += [Junction(activation, *pool, sources=(-1, -2))]
    return Network(input_shape, [*layers, Dense(outputs)], **options)


MODELS = {"lenet": lenet, "resnet8": resnet8}


def model(name, activation=None, input_shape=(28, 28, 1), outputs=10, **options):
    """`name` in `MODELS`, or an MLP written as 784-200-80-10 (tanh unless another activation is given)."""
    if re.match(r"\d", name):
        return mlp(name, activation or "tanh", **options)
    build = choose(MODELS | {"784-200-80-10": mlp}, name, "net")
    return build(activation or "relu", input_shape, outputs, **options)
