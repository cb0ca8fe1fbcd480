"""A network: layers, who feeds whom, and flat dictionaries {"3.W": array} of what they learn."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from .backend import Array, Streams, calm_blas, module_named, on_device, on_host, read_only, to_device, to_host
from .backend import device as choose_device
from .errors import InputError, check_whole, choose
from .layers import Layer, Trace

MAP_BYTES = 1 << 23  # of one layer's map: more at once is slower, and takes memory
DTYPES: dict[str, np.dtype[Any]] = {"float32": np.dtype("float32"), "float64": np.dtype("float64")}


class Network:
    """Layers 1..L over an input of `input_shape`: an int, or (height, width, channels).

    Network(784, [Dense(200, "tanh"), Dense(80, "tanh"), Dense(10)], seed=0)

    Layers are numbered from 1, as in the papers: net[3] is layer 3, and "3.W" its W. Each takes its input from the one
    before it unless it names other sources. `init` is the initialiser of every W that brings none of its own
    (see `numpyfa.init`); biases start at 0. `dtype` is float32 to train and float64 to check.
    `device` is cpu, gpu or auto; everything follows the arrays from there.

    It can be copied and pickled; a pickle holds its arrays on the host, and `numpyfa.save` makes a file without pickle.

    Raises InputError where shapes do not fit, a source does not exist, or a layer feeds nobody.
    """

    def __init__(
        self,
        input_shape: int | Sequence[int],
        layers: Iterable[Layer],
        *,
        seed: int = 0,
        init: str = "fan_in",
        dtype: Any = "float32",
        device: Any = "cpu",
    ) -> None:
        sizes = (input_shape,) if np.ndim(input_shape) == 0 else tuple(input_shape)  # type: ignore[arg-type]
        self.input_shape = tuple(check_whole("each size of the input", size, 1) for size in sizes)
        if not isinstance(layers, Iterable):
            raise InputError(
                f"a network takes a list of layers, such as [Dense(200, 'tanh'), Dense(10)]; found {layers!r}"
            )
        self.layers = list(layers)
        self.dtype: np.dtype[Any] = choose(
            DTYPES, str(np.dtype(dtype)) if not isinstance(dtype, str) else dtype, "dtype"
        )
        self.module = choose_device(device)
        self.mean: Array = None
        self.deviation: Array = None
        self.sources = self._wire()
        self.last_use = {source: number for number, several in self.sources.items() for source in several}
        streams, shapes = Streams(seed), [self.input_shape]
        for number, layer in enumerate(self.layers, start=1):
            incoming = [shapes[source] for source in self.sources[number]]
            layer.build(number, incoming, self.dtype, self.module, streams, init)
            shapes.append(layer.shape_out)
        self.by_number = {layer.number: layer for layer in self.layers}
        self.last = self.layers[-1]
        self.size_out = self.last.size_out
        self.largest = max(0 if layer.W is None else layer.W.size for layer in self.layers)
        map_bytes = self.dtype.itemsize * max(int(np.prod(layer.shape_z)) for layer in self.layers)
        few = max(1, min(1000, MAP_BYTES // map_bytes))
        self.at_once = few if self.module is np else 1000  # examples in a batch that only asks for answers

    def _wire(self) -> dict[int, tuple[int, ...]]:
        """{number: the numbers of its sources}, where 0 is the network's input."""
        if not self.layers:
            raise InputError("a network needs at least one layer, found none")
        sources = {}
        for number, layer in enumerate(self.layers, start=1):
            if not isinstance(layer, Layer):
                raise InputError(f"a network is made of layers, such as Dense(200, 'tanh'); found {layer!r}")
            sources[number] = tuple(number + offset for offset in layer.sources)
            if not all(0 <= source < number for source in sources[number]):
                raise InputError(
                    f"layer {number}: sources are counted back, from -1 to {-number} (the input), found {layer.sources}"
                )
        feeding = {source for several in sources.values() for source in several}
        idle = [number for number in range(1, len(self.layers)) if number not in feeding]
        if idle:
            raise InputError(f"layer {idle[0]} feeds no other layer: drop it or name it as a source")
        return sources

    def __getitem__(self, number: int) -> Any:
        """Layer `number`, counted from 1: a Dense, a Conv, a Junction, or one of the user's."""
        layer = self.by_number.get(number)
        if layer is None:
            raise IndexError(f"layers are numbered from 1 to {len(self.layers)}, found {number}")
        return layer

    def forward(self, x: Array, train: bool = False, noise: np.random.Generator | None = None) -> dict[int, Trace]:
        """{number: the trace of that layer} for the batch x (N, *input_shape). `noise` is a Generator, for dropout.

        Raises InputError for anything but an array of floats of that shape with one example or more.
        """
        return dict(self._through(x, train, noise))

    def answer(self, x: Array) -> Array:
        """The output layer's h for the batch x, in evaluation mode; what no later layer asks for is forgotten."""
        for _, trace in self._through(x):
            h = trace.h
        return h

    def _through(
        self, x: Array, train: bool = False, noise: np.random.Generator | None = None
    ) -> Iterator[tuple[int, Trace]]:
        """(number, trace) of each layer in turn."""
        shape = getattr(x, "shape", None)
        if shape is None or shape[1:] != self.input_shape or not shape[0] or x.dtype.kind != "f":
            found = f"a {type(x).__name__}" if shape is None else f"{x.dtype} of shape {shape}"
            raise InputError(
                f"the network expects a batch of floats of shape (N, {', '.join(map(str, self.input_shape))}) with N "
                f"from 1, found {found}; net.to_float(net.as_input(x)) makes one of bytes or of flat rows"
            )
        calm_blas(self.largest)
        outputs = {0: read_only(x)}
        for number, layer in enumerate(self.layers, start=1):
            inputs = [outputs[source] for source in self.sources[number]]
            trace = layer.forward(*inputs, train=train, noise=noise)
            outputs = {n: h for n, h in outputs.items() if self.last_use[n] > number} | {number: trace.h}
            yield number, trace

    def predict(self, x: Array, batch_size: int | None = None) -> np.ndarray:
        """The network's output for many examples, on the host, in evaluation mode, so many at a time (`at_once`)."""
        x = self.as_input(x)
        batch_size = self.at_once if batch_size is None else check_whole("the batch size", batch_size, 1)
        starts = range(0, len(x), batch_size)
        return np.concatenate([to_host(self.answer(self.to_float(x[i : i + batch_size]))) for i in starts])

    def as_input(self, x: Array) -> Array:
        """Examples x as (N, *input_shape), on the device. Flat rows become images (height, width, channels), and
        images flat rows. Raises InputError for any other shape: images with channels first would be scrambled."""
        if not hasattr(x, "reshape") or x.ndim < 2:
            raise InputError(f"the network expects an array of examples, one row an example, found {_kind(x)}")
        shape, wanted = x.shape[1:], self.input_shape
        flat = (int(np.prod(wanted)),)
        images = len(wanted) == 3 and wanted[2] == 1 and shape == wanted[:2]  # one channel may go unsaid
        channels_first = len(shape) == 3 and shape[0] == 3 and shape[1] == shape[2] > 4
        flattened = wanted == flat and int(np.prod(shape)) == flat[0] and not channels_first
        fits = shape in (wanted, flat) or images or flattened
        if not len(x) or not fits:
            turned = channels_first or sorted(shape) == sorted(wanted)
            last = " with the channels last: x.transpose(0, 2, 3, 1)" if turned else ""
            raise InputError(f"the network expects examples of shape {wanted}{last}, found {len(x)} of {shape}")
        return to_device(x.reshape(len(x), *wanted), self.module)

    def standardise(self, mean: Any, deviation: Any) -> None:
        """Let `to_float` subtract each channel's mean and divide by its standard deviation (`Dataset.statistics`)."""
        deviation = np.where(np.asarray(deviation) > 1e-7, deviation, 1)  # a constant channel becomes 0
        if len(self.input_shape) == 1 and np.size(mean) > 1:  # of an image in a row, a pixel's channels lie together
            mean, deviation = (np.tile(each, self.input_shape[0] // np.size(each)) for each in (mean, deviation))
        self.mean, self.deviation = (to_device(np.asarray(v, self.dtype), self.module) for v in (mean, deviation))

    def to_float(self, x: Array) -> Array:
        """The batch as the first layer gets it: bytes 0..255 become numbers from 0 to 1; see `standardise`.

        Raises InputError for any other whole numbers, since nothing tells how they are to be scaled.
        """
        if x.dtype != np.uint8 and x.dtype.kind != "f":
            raise InputError(f"examples must be bytes (uint8, 0 to 255) or floats, found {x.dtype}: convert them first")
        if x.dtype == np.uint8:
            x = x.astype(self.dtype)
            x *= 1 / 255
        x = x.astype(self.dtype, copy=False)
        return x if self.mean is None else (x - self.mean) / self.deviation

    def parameters(self) -> dict[str, Array]:
        """{"1.W": array, "1.b": array, ...}: the arrays themselves, which the optimiser changes in place."""
        return _flat(layer.parameters() for layer in self.layers)

    def running(self) -> dict[str, Array]:
        """Batch norm's running values, {"2.mean0": array, ...}."""
        return _flat(layer.running() for layer in self.layers)

    def settle(self, traces: dict[int, Trace]) -> None:
        """Take a training batch into the running values of batch norm."""
        for layer in self.layers:
            layer.settle(traces[layer.number])

    def __repr__(self) -> str:
        count = sum(p.size for p in self.parameters().values())
        lines = [
            f"Network of {len(self.layers)} layers, {count:,} parameters, {self.dtype}",
            f"  0  {self.input_shape}",
        ]
        for layer in self.layers:
            lines.append(f"{layer.number:3}  {layer.shape_out}  {layer!r}")
        return "\n".join(lines)

    def __getstate__(self) -> dict[str, Any]:
        """For pickle and deepcopy: the arrays on the host, and the name of the device's module."""
        return on_host(vars(self) | {"module": self.module.__name__})

    def __setstate__(self, state: dict[str, Any]) -> None:
        """The arrays go back to the device they came from, or stay on the host where there is none."""
        module = module_named(state["module"])
        vars(self).update(on_device(state | {"module": module}, module))
        for layer in self.layers:
            for item in layer.tail:
                vars(item).update(on_device(vars(item), module))
            layer.__setstate__(on_device(vars(layer), module))


def _flat(dictionaries: Iterable[dict[str, Array]]) -> dict[str, Array]:
    return {f"{n}.{k}": v for n, several in enumerate(dictionaries, start=1) for k, v in several.items()}


def _kind(x: Any) -> str:
    return f"an array of shape {x.shape}" if hasattr(x, "shape") else f"a {type(x).__name__}: use np.asarray"
