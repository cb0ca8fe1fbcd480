"""What a rule answers: e, how a learning signal reaches each layer. Two ways to travel.

A `SequentialRule` goes down the network: each layer's delta crosses that layer's weights to its sources.
A `DirectRule` goes straight across: the error at the output is projected to each layer.

A rule is one short file: `init_feedback` draws its arrays for a layer, `transport` or `project` is its equation.
`sweep` is pure in both, so a second rule can look at the same forward pass.
"""

from dataclasses import dataclass, field, fields, replace

import numpy as np

from .. import init as initial
from ..backend import Streams, to_device
from ..errors import InputError
from ..layers import Conv, Dense, Signal, Weighted
from ..network import Network


def exact(layer, trace, e):
    """The signal of a layer that is told e: delta = e times the Jacobian of its tail."""
    return layer.backward(trace, e.reshape(trace.h.shape))


@dataclass
class Rule:
    """A rule bound to a network. `feedback[n]` holds its own arrays for layer n, by name.

    `seed` names the stream that the feedback is drawn from; it is independent of the weights' stream. `step` is the
    number of the batch at hand, from 1; what is drawn at random is named by it, so that a resumed run draws the same.
    """

    learned = ()  # the names of the feedback arrays that learn by a gradient

    net: Network
    seed: int = field(default=0, kw_only=True)

    def __post_init__(self):
        if type(self).signals is not Rule.signals:
            raise InputError(f"{type(self).__name__} writes signals, which training does not use: write sweep instead")
        self.step, self.streams = 0, Streams(self.seed)
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

    def options(self):
        """The rule's own options, by name, as JSON would give them back."""
        own = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in ("net", "seed")}
        return {name: list(value) if isinstance(value, (tuple, range)) else value for name, value in own.items()}

    def arrays(self):
        """The feedback as {"3.B": array}, for a checkpoint."""
        return {f"{number}.{key}": value for number, own in self.feedback.items() for key, value in own.items()}

    def parameters(self):
        """The feedback that learns, {"feedback.3.B": array}: the arrays themselves, for the optimiser to change."""
        return {f"feedback.{n}.{name}": own[name] for n, own in self.feedback.items() for name in self.learned}

    def feedback_gradients(self, layer, feedback, trace, signal, output):
        """The gradients of a layer's feedback, by name, averaged over the batch."""
        return {}

    def gradients(self, traces, signals, output):
        """{"feedback.3.B": array, ...} for W's own optimiser: the same step and decay."""
        flat, output = {}, replace(output, error=signals[-1].delta)
        for layer, trace, signal in zip(self.net.layers, traces, signals):
            flat |= self.gradients_of(layer, trace, signal, output)
        return flat

    def gradients_of(self, layer, trace, signal, output):
        """The same for one layer; `output.error` is the output layer's delta."""
        if not self.learned or layer.number not in self.feedback or signal is None:
            return {}
        found = self.feedback_gradients(layer, self.feedback[layer.number], trace, signal, output)
        return {f"feedback.{layer.number}.{name}": gradient for name, gradient in found.items()}

    def signals(self, traces, output):
        """The signals of layers 1..L for one batch; None for a layer that is told nothing."""
        found = [None] * len(traces)
        for layer, signal in self.sweep(traces, output):
            found[layer.number - 1] = signal
        return found

    def sweep(self, traces, output):
        """(layer, its signal) one by one, for one batch; the output layer first if the rule's feedback learns, since
        its delta is the error that the feedback learns from."""
        raise NotImplementedError(f"{type(self).__name__} must write sweep: (layer, signal) of each layer, one by one")

    def check_optimizer(self, optimizer):
        """Warn if a law of the rule does not hold under this optimiser. Nothing to warn of, unless a rule says so."""

    def check_loss(self, loss):
        """Raise InputError for a loss that the rule cannot work with."""

    def settle(self, traces):
        """What changes after a batch other than by W's optimiser. Nothing, unless a rule says otherwise."""

    def descend(self, traces, told, across, below, receive=exact):
        """(layer, its signal) from the last layer to the first; a layer that is told nothing is left out.

        `told` holds the e that is given, by layer number. A layer whose number is in `below` gets the sum of what the
        layers that it feeds send down, across(layer, trace, signal), of the shape of their input. `receive(layer,
        trace, e)` makes a signal of what a layer is told.
        """
        for layer in reversed(self.net.layers):
            if layer.number not in told:
                continue
            trace = traces[layer.number - 1]
            signal = receive(layer, trace, told.pop(layer.number))
            yield layer, signal
            sources = [source for source in self.net.sources[layer.number] if source in below]
            if sources:
                sent = across(layer, trace, signal)
                for source in sources:
                    told[source] = told[source] + sent if source in told else sent

    def crossed_layers(self):
        """The layers whose weights a signal crosses on its way down: not those fed by the network's input alone."""
        return [x for x in self.net.layers if isinstance(x, Weighted) and self.net.sources[x.number] != (0,)]

    def hidden(self):
        """The numbers of the hidden layers."""
        return range(1, len(self.net.layers))


class SequentialRule(Rule):
    """Down the network. A subclass writes `transport(layer, feedback, trace, signal)`: the rows that the layer's
    delta becomes on its way to the layer's input. Where a layer feeds several, what they send is added.

    `linear = True` says that `transport` multiplies delta by a matrix and looks at nothing else. A convolution then
    carries delta by that matrix, patch by patch, which is faster and takes less memory.
    """

    linear = False

    def receiving_layers(self):
        """The layers with feedback: those whose weights a signal crosses."""
        return self.crossed_layers()

    def sweep(self, traces, output):
        return self.descend(traces, {len(self.net.layers): output.e}, self.across, self.hidden())

    def stand_in(self, layer):
        """What stands where W^T stands, (fan_out, fan_in): the rows that unit deltas become."""
        eye = to_device(np.eye(layer.size, dtype=self.net.dtype), self.net.module)
        return self.transport(layer, self.feedback[layer.number], None, Signal(None, eye, {}))

    def across(self, layer, trace, signal):
        """The layer's delta, carried to its input: by the rule through weights, as it is through a junction."""
        if self.linear and isinstance(layer, Conv):
            return layer.carry(signal.delta, self.stand_in(layer))
        if isinstance(layer, Weighted):
            return layer.fold(self.transport(layer, self.feedback[layer.number], trace, signal))
        return layer.fold(signal.delta)


@dataclass
class DirectRule(Rule):
    """Straight across. A subclass writes `project(layer, feedback, trace, output)`: e for the layer, (N, size_out),
    from `output.error` (dL/dz of the output layer, N x outputs) or `output.target`; None tells it nothing.

    `layers` chooses the hidden layers that are sent a signal directly: their numbers, or "dense" for all dense ones.
    The other hidden layers then get theirs by backpropagation from the layers above them.
    """

    layers: tuple | str | None = field(default=None, kw_only=True)

    def __post_init__(self):
        last = self.net.layers[-1]
        if len(last.shape_z) != 1:
            raise InputError(f"a direct rule needs a dense output layer, found one of shape {last.shape_z}")
        able = [layer for layer in self.net.layers[:-1] if layer.parameters()]
        numbers = {layer.number for layer in able}
        if self.layers is None:
            chosen = numbers
        elif self.layers == "dense":
            chosen = {layer.number for layer in able if isinstance(layer, Dense)}
        else:
            chosen = set(self.layers if isinstance(self.layers, (tuple, list, set, range)) else [self.layers])
        if not chosen <= numbers:
            raise InputError(
                f"direct feedback goes to hidden layers that learn, {sorted(numbers)}, or to 'dense' ones; "
                f"found {self.layers!r}"
            )
        if not chosen and self.layers is not None:
            raise InputError(
                f"direct feedback to no layer is backpropagation: {self.layers!r} chooses none of this net's"
            )
        self.direct = [layer for layer in able if layer.number in chosen]
        self.below = () if self.layers is None else [number for number in self.hidden() if number not in chosen]
        super().__post_init__()

    def receiving_layers(self):
        """The hidden layers that are sent a signal directly: those with something to learn, or the chosen ones."""
        return self.direct

    def sweep(self, traces, output):
        last, told = self.net.layers[-1], {len(self.net.layers): output.e}
        output = replace(output, error=last.backward(traces[-1], output.e).delta)
        for layer in self.direct:
            e = self.project(layer, self.feedback[layer.number], traces[layer.number - 1], output)
            if e is not None:
                told[layer.number] = e
        return self.descend(traces, told, self.across, self.below)

    def across(self, layer, trace, signal):
        """The layer's delta, carried to its input as by backpropagation."""
        return layer.carry(signal.delta, layer.W.T) if isinstance(layer, Weighted) else layer.fold(signal.delta)
