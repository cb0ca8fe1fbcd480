"""What a rule answers: e, how a learning signal reaches each layer. Two ways to travel.

A `SequentialRule` goes down the network: each layer's delta crosses that layer to its sources, e = layer.carry(delta,
M). The rule says what M stands where W^T stands.
A `DirectRule` goes straight across: the error at the output is projected to each layer.

A rule is one short file: `init_feedback` draws its arrays for a layer, `stand_in` or `project` is its equation. The
engine writes nothing into a rule, and what it says of a batch changes nothing in it: a second rule can look at the
same forward pass. Only `settle`, after the batch, changes feedback that learns in a way of its own.
"""

from collections.abc import Collection, Iterable, Iterator, Set
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar

import numpy as np

from .. import init as initial
from ..backend import Array, Streams, array_module, on_device, on_host, to_device
from ..errors import InputError, is_number
from ..layers import Dense, Layer, Signal, Trace, Weighted
from ..losses import Loss, Output
from ..network import Network
from ..optim import Optimizer

Own = dict[str, Array]  # a rule's arrays for one layer, by name
Traces = dict[int, Trace]
Signals = Iterator[tuple[int, Signal]]  # (layer number, what that layer is told)


@dataclass
class Rule:
    """A rule bound to a network. `feedback[n]` holds its own arrays for layer n, by name.

    `seed` names the stream that the feedback is drawn from; it is independent of the weights' stream.
    Options of a rule are dataclass fields. What learns by a gradient is named in `learned`.
    """

    name: ClassVar[str] = ""  # as in `numpyfa.RULES`
    learned: ClassVar[tuple[str, ...]] = ()  # the names of the feedback arrays that learn by a gradient
    in_step: ClassVar[bool] = False  # whether its law asks for feedback that takes the updates of W's own optimiser

    net: Network = field(repr=False)
    seed: int = field(default=0, kw_only=True)

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if "__init__" in vars(cls):
            raise InputError(
                f"{cls.__name__} writes __init__: write its options as fields of a @dataclass, such as c: float = 0.1, "
                f"and draw its arrays in init_feedback"
            )

    def __post_init__(self) -> None:
        if not isinstance(self.net, Network):
            raise InputError(f"a rule is made for a network, {type(self).__name__}(net); found {self.net!r}")
        self.streams = Streams(self.seed)
        self.feedback: dict[int, Own] = {}
        for layer in self.receiving_layers():
            own = self.init_feedback(layer)
            if not isinstance(own, dict):
                raise InputError(
                    f"{type(self).__name__}: init_feedback must return a dictionary of arrays, such as {{'B': B}}; "
                    f"found {own!r}"
                )
            self.feedback[layer.number] = {name: self._ours(array) for name, array in own.items()}

    def _ours(self, array: Any) -> Array:
        """The array in the net's dtype and on its device: with another, every delta below would be in that."""
        if not hasattr(array, "dtype"):
            array = np.asarray(array)
        if isinstance(array, np.ndarray):
            array = to_device(array, self.net.module)
        return array.astype(self.net.dtype, copy=False)

    # -- What a rule writes ------------------------------------------------------------------------------------------

    def receiving_layers(self) -> Iterable[Weighted]:
        """The layers that have feedback."""
        raise NotImplementedError(f"{type(self).__name__} must say which layers have feedback")

    def init_feedback(self, layer: Weighted) -> Own:
        """The rule's arrays for one layer, by name. None, unless a rule says otherwise."""
        return {}

    def signals(self, traces: Traces, output: Output) -> Signals:
        """(number, signal) of each layer that is told something, one by one, for one batch."""
        raise NotImplementedError(f"{type(self).__name__} must say what each layer is told")

    def stand_in(self, layer: Weighted, own: Own) -> Array:
        """What stands where W^T stands, (fan_out, fan_in): W^T itself, unless a rule says otherwise."""
        return layer.W.T

    def across(self, layer: Any, trace: Trace, signal: Signal, output: Output) -> Array:
        """What the layer's delta becomes on its way to the layer's input: e = fold(delta M), whatever the layer."""
        M = self.stand_in(layer, self.feedback.get(layer.number, {}))
        shape = getattr(M, "shape", None)  # None too where a `return` was forgotten
        if shape != layer.W.shape[::-1]:
            raise InputError(
                f"{type(self).__name__}: what stands where W^T of layer {layer.number} stands must have its shape "
                f"{layer.W.shape[::-1]}, (fan_out, fan_in); found {shape or repr(M)}"
            )
        return layer.carry(signal.delta, M)

    def receive(self, layer: Layer, trace: Trace, e: Array) -> Signal:
        """What the layer makes of the e that it is told: delta = e times the Jacobian of its tail."""
        if e.shape != trace.h.shape:
            if e.shape != (len(trace.h), layer.size_out):
                raise InputError(
                    f"{type(self).__name__}: e for layer {layer.number} must have the shape {trace.h.shape} of its "
                    f"output h, one row an example; found {e.shape}"
                )
            e = e.reshape(trace.h.shape)
        return layer.backward(trace, e)

    def feedback_gradients(self, layer: Layer, own: Own, trace: Trace, signal: Signal, output: Output) -> Own:
        """The gradients of what the layer's feedback learns, by name, averaged over the batch."""
        return {}

    def settle(self, traces: Traces, output: Output) -> None:
        """What changes after a batch other than by an optimiser. Nothing, unless a rule says otherwise."""

    def check_optimizer(self, optimizer: Optimizer) -> None:
        """Warn if a law of the rule does not hold under this optimiser of W and feedback. Nothing to warn of, unless a
        rule says so."""

    def check_loss(self, loss: Loss) -> None:
        """Raise InputError for a loss that the rule cannot work with."""

    # -- What every rule shares --------------------------------------------------------------------------------------

    def gradients(self, traces: Traces, output: Output) -> dict[str, Array]:
        """Every gradient of a batch: {"3.W": array, "feedback.3.B": array, ...}, averaged over the batch.

        A layer that is told nothing has no entry. Each signal is forgotten when its gradients are taken: those of a
        deep net need not be in memory all at once.
        """
        found: dict[str, Array] = {}
        for number, signal in self.signals(traces, output):
            layer, trace = self.net[number], traces[number]
            for name, gradient in layer.gradients(trace, signal).items():
                found[f"{number}.{name}"] = gradient
            if self.learned and number in self.feedback:
                own = self.feedback_gradients(layer, self.feedback[number], trace, signal, output)
                for name, gradient in own.items():
                    found[f"feedback.{number}.{name}"] = gradient
            del signal
        return found

    def descend(self, traces: Traces, output: Output, below: Collection[int]) -> Signals:
        """(number, signal) from the last layer to the first; a layer that is told nothing is left out.

        A layer whose number is in `below` gets the sum of what the layers that it feeds send down (`send`). Another
        gets what is sent to it directly (`direct_e`), made when its turn comes. A signal that has been used makes room
        for the next one.
        """
        told: dict[int, Array] = {}
        for layer in reversed(self.net.layers):
            number, trace = layer.number, traces[layer.number]
            if layer is self.net.last:
                signal = output.signal
            else:
                e = told.pop(number) if number in told else self.direct_e(layer, trace, output)
                if e is None:
                    continue
                signal = self.receive(layer, trace, e)
                del e
            yield number, signal
            sources = [source for source in self.net.sources[number] if source in below]
            sent = self.send(layer, trace, signal, output) if sources else None
            del signal
            for source in sources:
                told[source] = told[source] + sent if source in told else sent
            del sent

    def direct_e(self, layer: Layer, trace: Trace, output: Output) -> Array | None:
        """The e that is sent to a layer straight from the output. None, unless a rule says otherwise."""
        return None

    def send(self, layer: Layer, trace: Trace, signal: Signal, output: Output) -> Array:
        """What a layer sends to its sources: across its weights as the rule says; a junction, which has none, delta."""
        if layer.W is None:
            return layer.carry(signal.delta, None)
        return self.across(layer, trace, signal, output)

    def draw(
        self,
        layer: Layer,
        shape: tuple[int, ...],
        init: str,
        fans: tuple[float, float] | None = None,
        batch_number: int | None = None,
        rng: np.random.Generator | None = None,
    ) -> Array:
        """A feedback array of `shape` for `layer`, by the initialiser `init`; another one for each `batch_number`.

        `rng` is the stream to draw from, if not the layer's own. What has W^T's shape is drawn block by block, as W is.
        """
        rng = rng or self.streams("feedback", layer.number, *([] if batch_number is None else [batch_number]))
        blocks = layer.blocks if isinstance(layer, Weighted) and shape == layer.W.shape[::-1] else 1
        drawn = initial.draw_blocks(init, rng, shape, fans, blocks, axis=1)
        return to_device(initial.rounded(drawn, self.net.dtype, init), self.net.module)

    def options(self) -> dict[str, Any]:
        """The rule's own options, by name, as JSON would give them back."""
        own = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in ("net", "seed")}
        return {name: _plain(value) for name, value in own.items()}

    def arrays(self) -> dict[str, Array]:
        """The feedback as {"3.B": array}, for a checkpoint."""
        return {f"{number}.{key}": value for number, own in self.feedback.items() for key, value in own.items()}

    def parameters(self) -> dict[str, Array]:
        """The feedback that learns, {"feedback.3.B": array}: the arrays themselves, for an optimiser to change."""
        return {f"feedback.{n}.{name}": own[name] for n, own in self.feedback.items() for name in self.learned}

    def crossed_layers(self) -> list[Weighted]:
        """The layers whose weights a signal crosses on its way down: not those fed by the network's input alone."""
        return [x for x in self.net.layers if isinstance(x, Weighted) and self.net.sources[x.number] != (0,)]

    def hidden(self) -> range:
        """The numbers of the hidden layers."""
        return range(1, len(self.net.layers))

    def __getstate__(self) -> dict[str, Any]:
        """For pickle and deepcopy: the arrays on the host."""
        return vars(self) | {"feedback": {number: on_host(own) for number, own in self.feedback.items()}}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self.feedback = {number: on_device(own, self.net.module) for number, own in self.feedback.items()}


def _plain(value: Any) -> Any:
    """An option as JSON has it: several numbers as a list, a number of NumPy's as Python's."""
    if isinstance(value, (tuple, list, range, set, frozenset)):
        several = [_plain(each) for each in value]
        return sorted(several) if isinstance(value, (set, frozenset)) else several
    return value.item() if isinstance(value, np.generic) else value


def beside_W(M: Array) -> Array:
    """M, of the shape of W^T, in W^T's order in memory: entry by entry the two meet faster."""
    return array_module(M).asfortranarray(M)


class SequentialRule(Rule):
    """Down the network. A subclass writes `stand_in(layer, own)`: the matrix M that stands where W^T stands,
    (fan_out, fan_in). Where a layer feeds several, what they send is added.

    A rule whose way down is no single matrix writes `across` instead. Junctions have no weights and ask no rule.
    """

    def receiving_layers(self) -> Iterable[Weighted]:
        """The layers with feedback: those whose weights a signal crosses."""
        return self.crossed_layers()

    def stand_in(self, layer: Weighted, own: Own) -> Array:
        raise NotImplementedError(
            f"{type(self).__name__} must write stand_in(layer, own): what stands where W^T stands"
        )

    def signals(self, traces: Traces, output: Output) -> Signals:
        return self.descend(traces, output, self.hidden())


@dataclass
class DirectRule(Rule):
    """Straight across. A subclass writes `project(layer, own, trace, output)`: e for the layer, (N, units),
    from `output.error` (dL/dz of the output layer, N x outputs) or `output.target`; None tells it nothing.

    `layers` chooses the hidden layers that are sent a signal directly: their numbers, or "dense" for all dense ones.
    The other hidden layers then get theirs by backpropagation from the layers above them.
    """

    layers: tuple[int, ...] | int | str | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        last = self.net.last
        if len(last.shape_z) != 1:
            raise InputError(f"a direct rule needs a dense output layer, found one of shape {last.shape_z}")
        able = [layer for layer in self.net.layers[:-1] if layer.parameters()]
        numbers = {layer.number for layer in able}
        chosen: Set[int | str] = numbers
        if self.layers == "dense":
            chosen = {layer.number for layer in able if isinstance(layer, Dense)}
        elif self.layers is not None:
            several = self.layers if isinstance(self.layers, (tuple, list, set, range)) else (self.layers,)
            chosen = {each if is_number(each) else str(each) for each in several}
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
        self.below = () if self.layers is None else tuple(n for n in self.hidden() if n not in chosen)
        super().__post_init__()

    def project(self, layer: Layer, own: Own, trace: Trace, output: Output) -> Array | None:
        """e for the layer, (N, units); None tells it nothing."""
        raise NotImplementedError(f"{type(self).__name__} must write project(layer, own, trace, output)")

    def receiving_layers(self) -> Iterable[Any]:
        """The hidden layers that are sent a signal directly: those with something to learn, or the chosen ones."""
        return self.direct

    def signals(self, traces: Traces, output: Output) -> Signals:
        return self.descend(traces, output, self.below)

    def direct_e(self, layer: Layer, trace: Trace, output: Output) -> Array | None:
        own = self.feedback.get(layer.number)
        return None if own is None else self.project(layer, own, trace, output)
