"""What a rule answers: e, how a learning signal reaches each layer. Two ways to travel.

A `SequentialRule` goes down the network: each layer's delta crosses that layer's weights to its sources.
A `DirectRule` goes straight across: the error at the output is projected to each layer.

A rule is one short file: `init_feedback` draws its arrays for a layer, `transport` or `project` is its equation.
Both traversals are pure, so a second rule can look at the same forward pass.
"""

from dataclasses import dataclass, field, replace

import numpy as np

from .. import init as initial
from ..backend import Streams, to_device
from ..errors import InputError
from ..layers import Signal, Weighted
from ..network import Network


@dataclass
class Rule:
    """A rule bound to a network. `feedback[n]` holds its own arrays for layer n, by name.

    `seed` names the stream that the feedback is drawn from; it is independent of the weights' stream.
    """

    learned = ()  # the names of the feedback arrays that learn by a gradient

    net: Network
    seed: int = field(default=0, kw_only=True)

    def __post_init__(self):
        self.streams = Streams(self.seed)
        self.feedback = {layer.number: self.init_feedback(layer) for layer in self.receiving_layers()}

    def init_feedback(self, layer):
        """The rule's arrays for one layer, by name. None, unless a rule says otherwise."""
        return {}

    def draw(self, layer, shape, spec, fans=None, step=None, rng=None):
        """A feedback array of `shape` for `layer`, as the initialiser `spec` says; another one for each `step`.

        `rng` is the stream to draw from, if not the layer's own.
        """
        rng = rng or self.streams("feedback", layer.number, *([] if step is None else [step]))
        array = initial.draw(spec, rng, shape, fans)
        return to_device(array.astype(self.net.dtype), self.net.module)

    def arrays(self):
        """The feedback as {"3.B": array}, for a checkpoint."""
        return {f"{number}.{key}": value for number, own in self.feedback.items() for key, value in own.items()}

    def parameters(self):
        """The feedback that learns, {"feedback.3.B": array}: the arrays themselves, for the optimiser to change."""
        return {f"feedback.{n}.{name}": own[name] for n, own in self.feedback.items() for name in self.learned}

    def feedback_gradients(self, layer, feedback, trace, signal, output):
        """The gradients of a layer's feedback, by name, summed over the batch."""
        return {}

    def gradients(self, traces, signals, output):
        """{"feedback.3.B": array, ...} averaged over the batch, for W's own optimiser: the same step and decay."""
        flat = {}
        if self.learned:
            output = replace(output, error=signals[-1].delta)
            for layer in self.receiving_layers():
                trace, signal, own = traces[layer.number - 1], signals[layer.number - 1], self.feedback[layer.number]
                for name, gradient in self.feedback_gradients(layer, own, trace, signal, output).items():
                    flat[f"feedback.{layer.number}.{name}"] = gradient / len(trace.h)
        return flat

    def check_optimizer(self, optimizer):
        """Warn if a law of the rule does not hold under this optimiser. Nothing to warn of, unless a rule says so."""

    def settle(self, step):
        """What changes between batches other than by a gradient, after batch number `step`. Nothing, unless a rule
        says otherwise. Its random numbers are named by `step`, so that a resumed run draws the same."""


class SequentialRule(Rule):
    """Down the network. A subclass writes `transport(layer, feedback, trace, signal)`: the rows that the layer's
    delta becomes on its way to the layer's input. Where a layer feeds several, what they send is added."""

    def receiving_layers(self):
        """The layers whose weights a signal crosses: not those fed by the network's input alone."""
        return [x for x in self.net.layers if isinstance(x, Weighted) and self.net.sources[x.number] != (0,)]

    def signals(self, traces, output):
        """The signals of layers 1..L for one batch."""
        net = self.net
        told = [None] * len(net.layers) + [output.e]
        signals = [None] * len(net.layers)
        for layer in reversed(net.layers):
            number = layer.number
            trace = traces[number - 1]
            signal = signals[number - 1] = layer.backward(trace, told[number])
            sources = [source for source in net.sources[number] if source > 0]
            if sources:
                sent = layer.fold(self.across(layer, trace, signal))
                for source in sources:
                    told[source] = sent if told[source] is None else told[source] + sent
        return signals

    def stand_in(self, layer):
        """What stands where W^T stands, (fan_out, fan_in): the rows that unit deltas become."""
        eye = to_device(np.eye(layer.size, dtype=self.net.dtype), self.net.module)
        return self.transport(layer, self.feedback[layer.number], None, Signal(None, eye, {}))

    def across(self, layer, trace, signal):
        """The layer's delta, carried to its input: by the rule through weights, as it is through a junction."""
        if isinstance(layer, Weighted):
            return self.transport(layer, self.feedback[layer.number], trace, signal)
        return signal.delta


class DirectRule(Rule):
    """Straight across. A subclass writes `project(layer, feedback, trace, output)`: e for the layer, (N, size_out),
    from `output.error` (dL/dz of the output layer, N x outputs) or `output.target`; None tells it nothing."""

    def __post_init__(self):
        if len(self.net.layers[-1].shape_z) != 1:
            raise InputError(
                f"a direct rule needs a dense output layer, found one of shape {self.net.layers[-1].shape_z}"
            )
        super().__post_init__()

    def receiving_layers(self):
        """The hidden layers with something to learn."""
        return [layer for layer in self.net.layers[:-1] if layer.parameters()]

    def signals(self, traces, output):
        """The signals of layers 1..L for one batch; the output layer's is exact."""
        signals = [None] * len(self.net.layers)
        signals[-1] = self.net.layers[-1].backward(traces[-1], output.e)
        output = replace(output, error=signals[-1].delta)
        for layer in self.receiving_layers():
            trace = traces[layer.number - 1]
            e = self.project(layer, self.feedback[layer.number], trace, output)
            if e is not None:
                signals[layer.number - 1] = layer.backward(trace, e.reshape(trace.h.shape))
        return signals
