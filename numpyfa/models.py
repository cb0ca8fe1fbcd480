"""Networks by name: functions that return a `Network`. Keyword arguments (seed, init, dtype, device) are passed on."""

import functools
import inspect
import re
from collections.abc import Callable
from typing import Any

import numpy as np

from .convolution import Conv
from .errors import InputError, choose, unknown_option
from .layers import Dense, Junction, Layer
from .local import ACTIVATIONS, AdaptiveAvgPool, AvgPool, BatchNorm, Dropout, GlobalAvgPool, Local, MaxPool, Subsample
from .locally_connected import LocallyConnected
from .network import Network

Shape = tuple[int, ...]


def mlp(sizes: str, activation: str = "tanh", **options: Any) -> Network:
    """A multi-layer perceptron: mlp("784-200-80-10"). Hidden layers take the activation, the output none."""
    numbers = [int(n) for n in sizes.split("-")] if re.fullmatch(r"\d{1,9}(-\d{1,9})+", str(sizes)) else [0]
    if min(numbers) < 1:
        raise InputError(f"a net is written as sizes, such as 784-200-80-10; found '{sizes}'")
    choose(dict.fromkeys(ACTIVATIONS, True), activation, "activation")
    hidden = [Dense(n, activation) for n in numbers[1:-1]]
    return Network(numbers[0], [*hidden, Dense(numbers[-1])], **options)


def lenet(activation: str = "relu", input_shape: Shape = (28, 28, 1), outputs: int = 10, **options: Any) -> Network:
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


def lillicrap_mnist(
    activation: str = "logistic", input_shape: Shape = (28, 28, 1), outputs: int = 10, **options: Any
) -> Network:
    """Lillicrap et al. 2016's net for MNIST: 1000 hidden units, and an activation on the outputs too."""
    return Network(input_shape, [Dense(1000, activation), Dense(outputs, activation)], **options)


def lenet_biotorch(
    activation: str = "relu", input_shape: Shape = (28, 28, 1), outputs: int = 10, **options: Any
) -> Network:
    """BioTorch's LeNet, as its file has it: as `lenet`, without an activation on the layer of 84 units."""
    pad = 2 if input_shape[0] < 32 else 0
    convs: list[Layer] = [Conv(6, 5, activation, MaxPool(2), padding=pad), Conv(16, 5, activation, MaxPool(2))]
    return Network(input_shape, [*convs, Conv(120, 5, activation), Dense(84), Dense(outputs)], **options)


def lenet_cifar(
    activation: str = "relu", input_shape: Shape = (32, 32, 3), outputs: int = 10, **options: Any
) -> Network:
    """BioTorch's LeNet for CIFAR-10: as `lenet`, with 32, 64 and 128 channels. 28 x 28 images are padded."""
    pad = 2 if input_shape[0] < 32 else 0
    layers: list[Layer] = [Conv(32, 5, activation, MaxPool(2), padding=pad), Conv(64, 5, activation, MaxPool(2))]
    layers += [Conv(128, 5, activation), Dense(84, activation), Dense(outputs)]
    return Network(input_shape, layers, **options)


def lenet_biotorch_cifar(
    activation: str = "relu", input_shape: Shape = (32, 32, 3), outputs: int = 10, **options: Any
) -> Network:
    """BioTorch's later LeNet for CIFAR-10: three 3x3 convolutions of 32, 64 and 128 channels, two of them max-pooled by
    2, the mean over the last one's map, then 256 and the outputs."""
    layers: list[Layer] = [Conv(32, 3, activation, MaxPool(2)), Conv(64, 3, activation, MaxPool(2))]
    layers += [Conv(128, 3, activation, GlobalAvgPool()), Dense(256, activation), Dense(outputs)]
    return Network(input_shape, layers, **options)


def dkp_cnn(
    activation: str = "relu", input_shape: Shape = (28, 28, 1), outputs: int = 10, norm: bool = True, **options: Any
) -> Network:
    """Webster et al. 2021's small net: two 3x3 convolutions of 32 channels with batch norm, a max pool, 128 units.

    Their error enters the second convolution before its pool, so the pool is a layer of its own. `norm=False` leaves
    batch norm out, to see what it does.
    """

    def norms() -> list[Local]:
        return [BatchNorm()] if norm else []

    layers: list[Layer] = [
        Conv(32, 3, *norms(), activation),
        Conv(32, 3, *norms(), activation),
        Junction(MaxPool(2), sources=(-1,)),
    ]
    return Network(input_shape, [*layers, Dense(128, activation), Dense(outputs)], **options)


def alexnet(
    activation: str = "relu", input_shape: Shape = (32, 32, 3), outputs: int = 10, units: int = 4096, **options: Any
) -> Network:
    """AlexNet with batch norm, in Webster et al. 2021's order (channels 64, 192, 384, 256, 256; pools after the first,
    second and fifth; dropout on the dense part), with 3x3 kernels and pools of 2 for images of 32 x 32: our choice,
    theirs are 224 x 224."""
    layers: list[Layer] = []
    for channels, pool in ((64, [MaxPool(2)]), (192, [MaxPool(2)]), (384, []), (256, []), (256, [MaxPool(2)])):
        layers.append(Conv(channels, 3, BatchNorm(), activation, *pool, padding=1))
    layers += [Dense(units, activation, Dropout(0.5)), Dense(units, activation), Dense(outputs)]
    return Network(input_shape, layers, **options)


def nokland_conv(
    activation: str = "tanh", input_shape: Shape = (32, 32, 3), outputs: int = 10, **options: Any
) -> Network:
    """Nokland 2016's CONV: 5x5 convolutions of 96, 128 and 256 channels, each max-pooled 3 x 3 by 2, two of 2048."""
    convs = [Conv(channels, 5, activation, MaxPool(3, 2), padding=2) for channels in (96, 128, 256)]
    dense = [Dense(2048, activation), Dense(2048, activation)]
    return Network(input_shape, [*convs, *dense, Dense(outputs)], **options)


def drtp_conv(activation: str = "tanh", input_shape: Shape = (28, 28, 1), outputs: int = 10, **options: Any) -> Network:
    """Frenkel et al. 2021's nets: for one channel a 5x5 convolution of 32 and 1000 units; for three 3x3 convolutions of
    64 and 256 and twice 1000 units. Each convolution is max-pooled by 2, after the place where their error enters."""
    shapes, dense = (((32, 5),), 1) if input_shape[2] == 1 else (((64, 3), (256, 3)), 2)
    layers: list[Layer] = []
    for channels, kernel in shapes:
        layers.append(Conv(channels, kernel, activation, padding=kernel // 2))
        layers.append(Junction(MaxPool(2), sources=(-1,)))
    layers += [Dense(1000, activation) for _ in range(dense)]
    return Network(input_shape, [*layers, Dense(outputs)], **options)


def vgg16(
    activation: str = "relu", input_shape: Shape = (32, 32, 3), outputs: int = 10, units: int = 512, **options: Any
) -> Network:
    """Han & Yoo 2019's VGG-16 with one dense layer more: 13 convolutions of 3x3 with batch norm, in five stages that
    each end in a max pool by 2, then three dense layers without batch norm and the output.

    The `units` of the dense layers are our choice: VGG's own 4096 are for maps of 7 x 7, ours are 1 x 1.
    """
    layers: list[Layer] = []
    for convolutions, channels in ((2, 64), (2, 128), (3, 256), (3, 512), (3, 512)):
        for number in range(1, convolutions + 1):
            pool = [MaxPool(2)] if number == convolutions else []
            layers.append(Conv(channels, 3, BatchNorm(), activation, *pool, padding=1))
    layers += [Dense(units, activation) for _ in range(3)]
    return Network(input_shape, [*layers, Dense(outputs)], **options)


def belilovsky(
    activation: str = "relu",
    input_shape: Shape = (32, 32, 3),
    outputs: int = 10,
    depth: int = 6,
    channels: int = 128,
    **options: Any,
) -> Network:
    """Belilovsky et al. 2020's net for greedy learning: `depth` 3x3 convolutions with batch norm, the channels doubled
    and the image halved by a max pool before the second and the fourth. The last is averaged down to 2 x 2 and goes
    through two dense layers with batch norm.

    Each convolution but the last has a head of its own in their work; what follows the last is the last one's head.
    """
    layers: list[Layer] = []
    for number in range(1, depth + 1):
        if number in (2, 4):
            layers.append(Junction(MaxPool(2), sources=(-1,)))  # heads see the image before it
            channels *= 2
        pool = [AdaptiveAvgPool(2)] if number == depth else []
        layers.append(Conv(channels, 3, BatchNorm(), activation, *pool, padding=1))
    layers += [Dense(4 * channels, BatchNorm(), activation) for _ in range(2)]
    return Network(input_shape, [*layers, Dense(outputs)], **options)


def bartunov_lc(
    activation: str = "tanh", input_shape: Shape = (28, 28, 1), outputs: int = 10, **options: Any
) -> Network:
    """Bartunov et al. 2018's locally connected nets: for one channel 3x3 layers of 32 and 64 channels, each with a
    stride of 2; for three 5x5 layers of 64 and 128 with a stride of 2 and a 3x3 layer of 256. Then 1024 units. All are
    padded so that a stride of 1 would keep the size."""
    small = ((32, 3, 2), (64, 3, 2))
    large = ((64, 5, 2), (128, 5, 2), (256, 3, 1))
    layers: list[Layer] = [
        LocallyConnected(channels, kernel, activation, stride=stride, padding=kernel // 2)
        for channels, kernel, stride in (small if input_shape[2] == 1 else large)
    ]
    return Network(input_shape, [*layers, Dense(1024, activation), Dense(outputs)], **options)


def clark(kind: type[Conv], small: Shape, large: Shape) -> Callable[..., Network]:
    """A builder of Clark, Abbott & Chung 2021's nets with layers of that kind. The numbers are those of channels and,
    last, of units: for one channel two 3x3 layers; for three two 5x5 layers and one of 2x2 with a stride of 2."""

    def build(activation: str = "relu", input_shape: Shape = (28, 28, 1), outputs: int = 10, **options: Any) -> Network:
        *channels, units = small if input_shape[2] == 1 else large
        kernel = 3 if input_shape[2] == 1 else 5
        layers: list[Layer] = []
        for number in channels[:2]:
            layers.append(kind(number, kernel, activation, padding=kernel // 2))
            layers.append(Junction(AvgPool(2), sources=(-1,)))  # their error enters before the pool
        layers += [kind(number, 2, activation, stride=2) for number in channels[2:]]
        return Network(input_shape, [*layers, Dense(units, activation), Dense(outputs)], **options)

    layers = "convolutions" if kind is Conv else "locally connected layers"
    build.__doc__ = f"Clark, Abbott & Chung 2021's net with {layers}"
    return build


def resnet(
    blocks: int,
    channels: Shape,
    activation: str = "relu",
    input_shape: Shape = (32, 32, 3),
    outputs: int = 10,
    shortcut: str = "conv",
    large: bool = False,
    **options: Any,
) -> Network:
    """A residual net: a 3x3 stem, then for each number of `channels` so many `blocks` of two 3x3 convolutions.

    Each convolution has batch norm and no bias; each stage but the first halves the image. There the shortcut is a 1x1
    convolution ("conv", He et al. 2016's B) or has nothing to learn ("pad", their A). blocks=3 with channels
    (16, 32, 64) and "pad" is their ResNet-20 for CIFAR; blocks=2 with (64, 128, 256, 512) is ResNet-18's structure.
    `large` is for large images: a 7x7 stem of stride 2, max-pooled 3 x 3 by 2.
    """
    choose({"conv": True, "pad": True}, shortcut, "shortcut")

    def conv(channels: int, kernel: int, *tail: Any, stride: int = 1, source: int = -1) -> Conv:
        return Conv(channels, kernel, BatchNorm(), *tail, stride=stride, padding=kernel // 2, bias=False, source=source)

    stem = conv(channels[0], 7, activation, MaxPool(3, 2), stride=2) if large else conv(channels[0], 3, activation)
    layers: list[Layer] = [stem]
    for stage, size in enumerate(channels):
        for block in range(blocks):
            halve = stage > 0 and block == 0
            layers += [conv(size, 3, activation, stride=1 + halve), conv(size, 3)]
            if halve and shortcut == "conv":
                layers.append(conv(size, 1, stride=2, source=-3))
            elif halve:
                layers.append(Junction(Subsample(2, size), sources=(-3,)))
            last = stage == len(channels) - 1 and block == blocks - 1
            pool = [GlobalAvgPool()] if last else []
            layers.append(Junction(activation, *pool, sources=(-1, -2 if halve else -3)))
    return Network(input_shape, [*layers, Dense(outputs)], **options)


def resnet8(activation: str = "relu", input_shape: Shape = (28, 28, 1), outputs: int = 10, **options: Any) -> Network:
    """A residual net small enough for a laptop: three blocks of 8, 16 and 32 channels, 1x1 shortcuts."""
    return resnet(1, (8, 16, 32), activation, input_shape, outputs, **options)


def cifar_resnet(blocks: int) -> Callable[..., Network]:
    """He et al. 2016's residual net for CIFAR with 6 blocks + 2 layers, whose shortcuts have nothing to learn."""

    def build(activation: str = "relu", input_shape: Shape = (32, 32, 3), outputs: int = 10, **options: Any) -> Network:
        return resnet(blocks, (16, 32, 64), activation, input_shape, outputs, shortcut="pad", **options)

    build.__doc__ = f"He et al. 2016's residual net for CIFAR with {6 * blocks + 2} layers"
    return build


def resnet18(activation: str = "relu", input_shape: Shape = (32, 32, 3), outputs: int = 10, **options: Any) -> Network:
    """ResNet-18's blocks behind a 3x3 stem, for small images."""
    return resnet(2, (64, 128, 256, 512), activation, input_shape, outputs, **options)


def resnet18_imagenet(
    activation: str = "relu", input_shape: Shape = (224, 224, 3), outputs: int = 1000, **options: Any
) -> Network:
    """He et al. 2016's ResNet-18 for ImageNet: a 7x7 stem of stride 2, max-pooled without padding, and 8 blocks."""
    return resnet(2, (64, 128, 256, 512), activation, input_shape, outputs, large=True, **options)


MODELS: dict[str, Callable[..., Network]] = {
    "lenet": lenet,
    "lenet-biotorch": lenet_biotorch,
    "lenet-cifar": lenet_cifar,
    "lenet-biotorch-cifar": lenet_biotorch_cifar,
    "dkp-cnn": dkp_cnn,
    "dkp-cnn-no-norm": functools.partial(dkp_cnn, norm=False),
    "alexnet": alexnet,
    "nokland-conv": nokland_conv,
    "drtp-conv": drtp_conv,
    "vgg16": vgg16,
    "belilovsky": belilovsky,
    "belilovsky-small": functools.partial(belilovsky, depth=4, channels=16),
    "bartunov-lc": bartunov_lc,
    "clark-conv": clark(Conv, (64, 32, 1024), (128, 64, 64, 1024)),
    "clark-lc": clark(LocallyConnected, (32, 32, 1024), (64, 32, 32, 512)),
    "resnet8": resnet8,
    "resnet20": cifar_resnet(3),
    "resnet56": cifar_resnet(9),
    "resnet18": resnet18,
    "resnet18-imagenet": resnet18_imagenet,
    "lillicrap-mnist": lillicrap_mnist,
}
# Nets whose authors took another activation than ReLU.
ACTIVATION_OF = {"nokland-conv": "tanh", "drtp-conv": "tanh", "bartunov-lc": "tanh", "lillicrap-mnist": "logistic"}


def make_net(
    name: str, activation: str | None = None, input_shape: Shape = (28, 28, 1), outputs: int = 10, **options: Any
) -> Network:
    """`name` in `MODELS`, or an MLP written as 784-200-80-10 (tanh unless another activation is given).

    Raises InputError for an unknown name or option, and for a shape that the net cannot take.
    """
    is_mlp = re.match(r"\d", str(name))
    build: Callable[..., Network] = mlp if is_mlp else choose(MODELS | {"784-200-80-10": mlp}, name, "net")
    check_options(name, build, options)
    if is_mlp:
        return mlp(name, activation or "tanh", **options)
    if np.ndim(input_shape) != 1 or len(input_shape) != 3:
        raise InputError(f"'{name}' takes images of shape (height, width, channels), found {input_shape!r}")
    return build(activation or ACTIVATION_OF.get(name, "relu"), input_shape, outputs, **options)


def check_options(name: str, build: Callable[..., Network], options: dict[str, Any]) -> None:
    """Raise InputError for an option that neither the net nor `Network` has."""
    own, network = (inspect.signature(each).parameters.values() for each in (build, Network))
    known = [p.name for p in own if p.name not in ("sizes", "activation", "input_shape", "outputs", "options")]
    known += [p.name for p in network if p.kind is p.KEYWORD_ONLY]
    for option in options:
        if option not in known:
            raise unknown_option(f"net '{name}'", option, known)
