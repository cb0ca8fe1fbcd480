"""A network: layers, who feeds whom, and flat dictionaries {"3.W": array} of what they learn."""

import numpy as np

from .backend import Streams, to_device, to_host
from .backend import device as choose_device
from .errors import InputError, choose

DTYPES = {"float32": np.dtype("float32"), "float64": np.dtype("float64")}


class Network:
    """Layers 1..L over an input of `input_shape`: an int, or (height, width, channels).

    Network(784, [Dense(200, "tanh"), Dense(80, "tanh"), Dense(10)], seed=0)

    Layers are numbered from 1, as in the papers; "3.W" is the W of layer 3. Each takes its input from the one
    before it unless it names other sources. `init` is the initialiser of every W that brings none of its own
    (see `numpyfa.init`); biases start at 0. `dtype` is float32 to train and float64 to check.
    `device` is cpu, gpu or auto; everything follows the arrays from there.

    Raises InputError where shapes do not fit, a source does not exist, or a layer feeds nobody.
    """

    def __init__(self, input_shape, layers, *, seed=0, init="fan_in", dtype="float32", device="cpu"):
        self.input_shape = (input_shape,) if isinstance(input_shape, (int, np.integer)) else tuple(input_shape)
        self.layers = list(layers)
        self.dtype = choose(DTYPES, str(np.dtype(dtype)) if not isinstance(dtype, str) else dtype, "dtype")
        self.module = choose_device(device)
        self.mean = self.deviation = None
        self.sources = self._wire()
        streams, shapes = Streams(seed), [self.input_shape]
        for number, layer in enumerate(self.layers, start=1):
            incoming = [shapes[source] for source in self.sources[number]]
            layer.build(number, incoming, self.dtype, self.module, streams, init)
            shapes.append(layer.shape_out)
        self.size_out = self.layers[-1].size_out

    def _wire(self):
        """{number: the numbers of its sources}, where 0 is the network's input."""
        if not self.layers:
            raise InputError("a network needs at least one layer, found none")
        sources = {}
        for number, layer in enumerate(self.layers, start=1):
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

    def forward(self, x, train=False, noise=None):
        """The traces of layers 1..L for the batch x (N, *input_shape). `noise` is a Generator, for dropout."""
        if x.shape[1:] != self.input_shape:
            raise InputError(f"the network expects a batch of shape (N, *{self.input_shape}), found {x.shape}")
        outputs, traces = [x], []
        for number, layer in enumerate(self.layers, start=1):
            inputs = [outputs[source] for source in self.sources[number]]
            traces.append(layer.forward(*inputs, train=train, noise=noise))
            outputs.append(traces[-1].h)
        return traces

    def predict(self, x, batch_size=1000):
        """The network's output for many examples, on the host, in evaluation mode."""
        x = self.as_input(x)
        pieces = [x[i : i + batch_size] for i in range(0, len(x), batch_size)]
        return np.concatenate([to_host(self.forward(self.to_float(piece))[-1].h) for piece in pieces])

    def as_input(self, x):
        """Examples x, reshaped to (N, *input_shape) if they have the right number of entries, on the device."""
        if not len(x) or int(np.prod(x.shape[1:])) != int(np.prod(self.input_shape)):
            raise InputError(
                f"the network expects examples of shape {self.input_shape}, found {len(x)} of {x.shape[1:]}"
            )
        return to_device(x.reshape(len(x), *self.input_shape), self.module)

    def standardise(self, mean, deviation):
        """Let `to_float` subtract each channel's mean and divide by its standard deviation (`Dataset.statistics`)."""
        deviation = np.where(np.asarray(deviation) > 1e-7, deviation, 1)  # a constant channel becomes 0
        self.mean, self.deviation = (to_device(np.asarray(v, self.dtype), self.module) for v in (mean, deviation))

    def to_float(self, x):
        """The batch as the first layer gets it: bytes 0..255 become numbers from 0 to 1; see `standardise`."""
        if x.dtype == np.uint8:
            x = self.module.multiply(x, 1 / 255, dtype=self.dtype)
        x = x.astype(self.dtype, copy=False)
        return x if self.mean is None else (x - self.mean) / self.deviation

    def parameters(self):
        """{"1.W": array, "1.b": array, ...}: the arrays themselves, which the optimiser changes in place."""
        return self._flat(layer.parameters() for layer in self.layers)

    def running(self):
        """Batch norm's running values, {"2.mean0": array, ...}."""
        return self._flat(layer.running() for layer in self.layers)

    def gradients(self, traces, signals):
        """{"1.W": array, ...} averaged over the batch; a layer that was told nothing (None) has no entry."""
        flat = {}
        for layer, trace, signal in zip(self.layers, traces, signals):
            if signal is None:
                continue
            for name, gradient in layer.gradients(trace, signal).items():
                flat[f"{layer.number}.{name}"] = gradient
        return flat

    def settle(self, traces):
        """Take a training batch into the running values of batch norm."""
        for layer, trace in zip(self.layers, traces):
            layer.settle(trace)

    @staticmethod
    def _flat(dictionaries):
        return {f"{n}.{k}": v for n, several in enumerate(dictionaries, start=1) for k, v in several.items()}
