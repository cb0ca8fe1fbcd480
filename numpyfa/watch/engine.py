"""The engine behind the page: it takes messages, trains, and says what is to be seen.

    engine = Engine()
    engine.receive({"do": "start", "settings": {"rule": "fa"}, "play": True})
    update = engine.advance()      # trains for a moment; a message as JSON, or None where none is due

One or two lanes, each a net with its rule, start from the same weights and learn from the same batches, in step. All
that trains is `numpyfa.train_step`, in the order of examples that `numpyfa.fit` takes. The curve is measured after
batches whose numbers depend on the settings alone, so the same start gives the same curve to the last bit, on however
fast a machine. What is drawn beside it is made when the page wants it, and as often as a fifteenth of the time allows.
"""

import threading
import time
import warnings
from functools import lru_cache
from typing import Any

import numpy as np

from .. import data, metrics
from ..backend import Streams, keep_freed_memory
from ..data import Dataset
from ..errors import Diverged, InputError
from ..layers import Layer
from ..learn import train_step
from ..local import ACTIVATIONS
from ..losses import SoftmaxCrossEntropy
from ..models import make_net
from ..network import Network
from ..optim import SGD
from ..rules import BRSF, RULES, VARIANTS, Rule, make_rule
from . import picture
from .messages import (
    Message,
    Refused,
    Settings,
    finite,
    in_letters,
    plain,
    read_message,
    read_settings,
    shortened,
    written,
)

UPDATES = 30  # a second, at most
SHARE = 1 / 15  # of the time, for what is drawn
SLICE = 1 / 60  # seconds of training between two looks at the messages
TESTED, PROBED = 500, 64  # images on which the curve's error and its angles are measured
EVERY = 6400  # training examples between two points of the curve: to measure one takes the time of 200 to 250
POINTS = 2000  # of the curve; then every second one is dropped
WRONG = 12  # digits read wrongly that are shown
SCALED = {"B": 1, "M": 1, "E": 1, "P": 1, "G": 2}  # arrays of feedback, and the power of the scale: P = B R, G = B B^T
ONE_AT_A_TIME = threading.Lock()  # catches warnings: how they are shown is set for the whole process
TOO_LARGE = "this net does not fit into memory: take a smaller one"
UNSCALED = "it has no feedback, drawn once, that could be scaled"


@lru_cache(maxsize=1)
def mnist() -> Dataset:
    """The set is unpacked once, and every page looks at it."""
    return data.load("mnist")


def scale_feedback(rule: Rule, scale: float) -> bool:
    """Multiply what the rule drew, in place; whether there was anything. What is drawn anew at each batch is not
    scaled: the next draw would undo it."""
    if isinstance(rule, BRSF):
        return False
    found = [(own[name], power) for own in rule.feedback.values() for name, power in SCALED.items() if name in own]
    for array, power in found:
        array *= array.dtype.type(scale**power)
    return bool(found)


class Lane:
    """One net, its rule and its optimiser."""

    def __init__(self, settings: Settings, rule: str, lr: float) -> None:
        classes = len(settings.digits)
        if settings.net == "lenet":
            self.net: Network = make_net("lenet", settings.activation, outputs=classes, seed=settings.seed)
        else:
            self.net = make_net(f"784-{settings.net}-{classes}", settings.activation, seed=settings.seed)
        self.name, self.lr = rule, lr
        self.rule = make_rule(rule, self.net, settings.seed)
        self.optimizer = SGD(lr, decay=settings.decay)
        self.loss = SoftmaxCrossEntropy()
        self.rule.check_loss(self.loss)
        self.scaled = scale_feedback(self.rule, settings.scale)
        with ONE_AT_A_TIME, warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            self.rule.check_optimizer(self.optimizer)
        self.warnings = [str(each.message) for each in caught]
        if settings.scale != 1 and not self.scaled:
            self.warnings.append(f"{rule}: {UNSCALED}, so the feedback scale leaves it as it is")
        self.total, self.count = 0.0, 0  # of the losses since the last point of the curve

    def learn(self, x: Any, target: Any) -> None:
        self.total += train_step(self.net, self.rule, self.loss, self.optimizer, x, target)
        self.count += 1


class Engine:
    """One page's training. `receive` takes a message and answers it; `advance` goes on and may have an update."""

    def __init__(self) -> None:
        self.settings = Settings()
        self.lanes: list[Lane] = []
        self.playing = False
        self.wanted = False
        self.words: list[str] = []
        self.run = 0  # counts starts: the page leaves an update of an earlier one
        self.layer, self.digit = 2, 0  # shown: a layer, and a digit of the test set by its place there
        self.next_look = 0.0
        self.done = 0

    def hear(self, text: str | bytes) -> str:
        """A message and its answer, as JSON. Raises InputError for text that is none."""
        return written(self.receive(read_message(text)))

    # -- Messages ----------------------------------------------------------------------------------------------------

    def receive(self, message: Any) -> Message:
        """Do what a message asks; the answer says whether it could be done."""
        try:
            if not isinstance(message, dict) or not isinstance(message.get("do"), str):
                raise Refused({"": f"a message is an object with a word under 'do', found {shortened(message)}"})
            do = {"start": self.start, "play": self.play, "pause": self.pause, "one": self.one, "rewind": self.rewind,
                  "look": self.look, "drawn": self.drawn, "again": self.again}.get(message["do"])  # fmt: skip
            if do is None:
                raise Refused({"": f"there is no message '{shortened(message['do'])}'"})
            if not self.lanes and do != self.start:
                raise Refused({"": "nothing has been started yet"})
            return do(message)
        except Refused as error:
            return {"kind": "refused", "problems": error.problems, "names": error.names}
        except (InputError, Diverged) as error:
            return {"kind": "refused", "problems": {"": str(error)}}
        except MemoryError:
            return {"kind": "refused", "problems": {"": TOO_LARGE}}

    def start(self, message: Message) -> Message:
        """A new run. Settings that cannot be leave the run that is there as it was."""
        settings = read_settings(message.get("settings", {}))
        lanes = [Lane(settings, rule, lr) for rule, lr in settings.rules]
        if settings.scale != 1 and not any(lane.scaled for lane in lanes):
            names = " and ".join(rule for rule, _ in settings.rules)
            raise Refused({"scale": f"{names}: {UNSCALED}; leave the scale at 1"})
        self.settings = settings
        self.begin(lanes)
        self.playing = message.get("play") is True
        last = len(lanes[0].net.layers)
        self.layer, self.digit = min(self.layer, last), min(self.digit, len(self.test) - 1)
        return self.about()

    def about(self) -> Message:
        """What runs, and what could."""
        lanes = self.lanes
        return {
            "kind": "started",
            "run": self.run,
            "settings": plain(self.settings),
            "choices": choices(),
            "layers": [describe(layer) for layer in lanes[0].net.layers],
            "layer": self.layer,
            "digit": self.digit,
            "lanes": [{"rule": lane.name, "lr": lane.lr, "equation": picture.equation(lane.rule),
                       "code": picture.code(lane.rule), "words": lane.warnings} for lane in lanes],
            "test": len(self.test),
        }  # fmt: skip

    def rewind(self, message: Message) -> Message:
        """To the same start."""
        self.begin([Lane(self.settings, rule, lr) for rule, lr in self.settings.rules])
        self.playing = False
        return {"kind": "done", "run": self.run}

    def begin(self, lanes: list[Lane]) -> None:
        keep_freed_memory()
        self.lanes, self.words, self.done = lanes, [], 0
        self.run += 1
        self.choose_data()
        self.curve = Curve(lanes)
        self.every = max(1, EVERY // self.settings.batch_size)
        self.add_point()
        self.clock: list[tuple[float, int]] = []
        self.next_look = 0.0

    def choose_data(self) -> None:
        """Which images are learnt and tested, and the labels, some of them wrong if that is asked for."""
        whole, settings = mnist(), self.settings
        net, digits = self.lanes[0].net, np.array([int(digit) for digit in settings.digits])
        self.train = np.flatnonzero(np.isin(whole.y_train, digits))
        self.test = np.flatnonzero(np.isin(whole.y_test, digits))
        self.x_train, self.x_test = net.as_input(whole.x_train), net.as_input(whole.x_test)
        place = np.searchsorted(digits, np.arange(10))
        labels = place[whole.y_train[self.train]]
        if settings.noise:
            labels = with_noise(labels, settings.noise, len(digits), settings.seed)
        self.labels = labels
        self.test_labels = place[whole.y_test[self.test]]
        self.one_hot = np.eye(len(digits), dtype=net.dtype)
        self.batches = -(-len(self.train) // settings.batch_size)
        self.epoch_in_order, self.order = 0, self.train

    def play(self, message: Message) -> Message:
        if self.words:
            raise Refused({"": f"{self.words[-1]} (rewind, or change a setting)"})
        if not self.playing:
            self.clock = []  # the speed is that of training, without the pauses
        self.playing = True
        return {"kind": "done"}

    def pause(self, message: Message) -> Message:
        self.stop()
        return {"kind": "done"}

    def stop(self) -> None:
        """What stands still is measured as it is. A point of the curve is so already, and its mean loss is that of the
        batches before it, which are no longer in the sum."""
        self.playing, self.next_look = False, 0.0
        if self.measured != self.done:
            self.measure()

    def one(self, message: Message) -> Message:
        """One batch, and stop."""
        self.play(message)
        self.learn_a_batch()
        self.stop()
        return {"kind": "done"}

    def look(self, message: Message) -> Message:
        """Which layer is shown, and the place of the test digit that is."""
        layer, digit = message.get("layer", self.layer), message.get("digit", self.digit)
        problems = {}
        for name, value, low, high in (("layer", layer, 1, len(self.lanes[0].net.layers)),
                                       ("digit", digit, 0, len(self.test) - 1)):  # fmt: skip
            if type(value) is not int or not low <= value <= high:
                problems[name] = f"the {name} must be a whole number from {low} to {high}, found {shortened(value)}"
        if problems:
            raise Refused(problems)
        self.layer, self.digit, self.next_look = layer, digit, 0.0
        return {"kind": "done"}

    def drawn(self, message: Message) -> Message:
        self.wanted = True
        return {"kind": "done"}

    def again(self, message: Message) -> Message:
        """The page has nothing yet: the next update has the whole curve."""
        self.curve.sent = 0
        self.wanted, self.next_look = True, 0.0
        return self.about()

    # -- Training ----------------------------------------------------------------------------------------------------

    def advance(self) -> str | None:
        """Train for a moment, if it is played; then an update as JSON, if one is due and the page wants it."""
        if not self.lanes:
            return None
        until = time.perf_counter() + SLICE
        while self.playing:
            self.learn_a_batch()
            if time.perf_counter() > until:
                break
        began = time.perf_counter()
        if not self.wanted or began < self.next_look or (not self.playing and self.next_look):
            return None
        self.wanted = False
        update = written(self.update())
        cost = time.perf_counter() - began
        self.next_look = began + max(1 / UPDATES, cost / SHARE)
        return update

    def learn_a_batch(self) -> None:
        """The same batch for each lane, and a point of the curve where one is due. What goes wrong stops the run."""
        learnt = 0
        try:
            x, target = self.batch(self.done)
            with np.errstate(all="ignore"):  # what goes wrong with numbers is told by Diverged
                for lane in self.lanes:
                    lane.learn(x, target)
                    learnt += 1
        except (InputError, Diverged, MemoryError) as error:
            words = TOO_LARGE if isinstance(error, MemoryError) else error
            self.words.append(f"{self.lanes[learnt].name}: {words}")
            self.done += learnt > 0  # the first rule has learnt the batch at which the second stopped
            self.stop()
            return
        self.done += 1
        early = self.done < self.every and self.done & (self.done - 1) == 0  # 1, 2, 4, 8, ...
        if early or self.done % self.every == 0:
            self.add_point()
            self.clock = [*self.clock[-20:], (time.perf_counter(), self.done)]

    def batch(self, number: int) -> tuple[Any, Any]:
        """Images and targets of the batch after so many. The order is that of `numpyfa.fit`."""
        epoch, place = divmod(number, self.batches)
        if self.epoch_in_order != epoch + 1:
            self.order = Streams(self.settings.seed)("order", epoch + 1).permutation(len(self.train))
            self.epoch_in_order = epoch + 1
        some = self.order[place * self.settings.batch_size : (place + 1) * self.settings.batch_size]
        images = self.x_train.take(self.train[some], axis=0)
        return self.lanes[0].net.to_float(images), self.one_hot[self.labels[some]]

    # -- What is seen ------------------------------------------------------------------------------------------------

    def add_point(self) -> None:
        """A point of the curve."""
        self.measure()
        self.curve.add(self.done, [each["figures"] for each in self.latest])
        for lane in self.lanes:
            lane.total, lane.count = 0.0, 0

    def measure(self) -> None:
        """For each lane the figures of the curve, and which digits it reads wrongly. Figures: the mean loss of the
        training batches since the last point (at batch 0: of the probed images), the test error in %, and the angles by
        layer."""
        self.latest, self.measured = [self.measure_one(lane) for lane in self.lanes], self.done

    @np.errstate(all="ignore")
    def measure_one(self, lane: Lane) -> Message:
        net, rule = lane.net, lane.rule
        tested, labels = self.test[:TESTED], self.test_labels[:TESTED]
        read = np.concatenate([net.answer(net.to_float(self.x_test.take(tested[i : i + net.at_once], axis=0)))
                               for i in range(0, len(tested), net.at_once)]).argmax(axis=1)  # fmt: skip
        missed = np.flatnonzero(read != labels)
        probe = slice(0, PROBED)
        traces = net.forward(net.to_float(self.x_train.take(self.train[probe], axis=0)), train=True)
        output = lane.loss.output(net, traces, self.one_hot[self.labels[probe]], lane.optimizer.step + 1)
        loss = lane.total / lane.count if lane.count else float(output.value)
        figures = {"loss": finite(loss), "error": 100 * len(missed) / len(tested)}
        figures |= {f"angle_{n}": finite(value) for n, value in metrics.delta_angle(rule, traces, output).items()}
        figures |= {f"weight_angle_{n}": finite(value) for n, value in metrics.weight_angle(rule).items()}
        digits = self.settings.digits
        wrong = [(int(i), int(digits[labels[i]]), int(digits[read[i]])) for i in missed[:WRONG]]
        return {"figures": figures, "wrong": wrong}

    @np.errstate(all="ignore")
    def update(self) -> Message:
        """All that the page draws."""
        x, target = self.batch(self.done)
        place = self.test[self.digit : self.digit + 1]
        one = self.lanes[0].net.to_float(self.x_test.take(place, axis=0))
        label = self.test_labels[self.digit : self.digit + 1]
        lanes = []
        for lane, measured in zip(self.lanes, self.latest):
            number = lane.optimizer.step + 1
            lanes.append({
                "rule": lane.name,
                "lr": lane.lr,
                "figures": measured["figures"],
                "wrong": picture.wrong_digits(self.x_test, self.test, measured["wrong"]),
                "matrices": picture.matrices(lane.rule, self.layer),
                "first": picture.first_weights(lane.net),
                "told": picture.signals_of_one(lane.rule, lane.loss, one, self.one_hot[label], self.layer, number),
                "step": picture.step(lane.rule, lane.loss, lane.optimizer, x, target, self.layer),
            })  # fmt: skip
        first, last = self.curve.new()
        return {
            "kind": "update",
            "run": self.run,
            "batch": self.done,
            "epoch": self.done / self.batches,
            "playing": self.playing,
            "speed": self.speed(),
            "words": self.words,
            "layer": self.layer,
            "digit": {"place": self.digit, "label": int(self.settings.digits[label[0]]), "digits": self.settings.digits,
                      "image": in_letters(self.x_test[place[0]].reshape(28, 28))},
            "measured": self.measured,
            "curve": {"from": first, "columns": self.curve.columns, "rows": self.curve.rows[first:last]},
            "lanes": lanes,
        }  # fmt: skip

    def speed(self) -> float | None:
        """Batches a second, over the last points of the curve."""
        if len(self.clock) < 2 or not self.playing:
            return None
        (began, before), (now, done) = self.clock[0], self.clock[-1]
        return finite((done - before) / (now - began)) if now > began else None


class Curve:
    """Figures by batch, a row a point. When there are too many, every second one goes, and later ones are added half as
    often: which stay depends on their number alone."""

    def __init__(self, lanes: list[Lane]) -> None:
        self.columns = ["batch"]
        for place, lane in enumerate(lanes):
            names = ["loss", "error"]
            names += [f"{kind}_{n}" for kind in ("angle", "weight_angle") for n in range(1, len(lane.net.layers) + 1)]
            self.columns += [f"{place}.{name}" for name in names]
        self.rows: list[list[float | None]] = []
        self.seen = 0
        self.keep_each = 1
        self.sent = 0  # rows that the page has

    def add(self, batch: int, figures: list[dict[str, float | None]]) -> None:
        self.seen += 1
        if (self.seen - 1) % self.keep_each:
            return
        row: list[float | None] = [batch]
        row += [figures[int(place)].get(name) for place, _, name in (c.partition(".") for c in self.columns[1:])]
        self.rows.append(row)
        if len(self.rows) > POINTS:
            self.rows = self.rows[::2]
            self.keep_each *= 2
            self.sent = 0

    def new(self) -> tuple[int, int]:
        """The rows that the page has not got, from and to; from 0 replaces all that it has."""
        first, self.sent = self.sent, len(self.rows)
        return first, self.sent


def with_noise(labels: np.ndarray, share: float, classes: int, seed: int) -> np.ndarray:
    """The labels with so large a share of them, drawn at random, turned into another digit's."""
    rng = Streams(seed)("label noise")
    labels = labels.copy()
    chosen = rng.permutation(len(labels))[: round(share * len(labels))]
    labels[chosen] = (labels[chosen] + rng.integers(1, classes, len(chosen))) % classes
    return labels


def describe(layer: Layer) -> Message:
    """A layer as the page names it."""
    shape = " x ".join(map(str, layer.shape_out))
    return {"number": layer.number, "words": f"{type(layer).__name__.lower()}, {shape}"}


def choices() -> Message:
    """What the page's lists offer: names, with a word on each rule."""
    words = {name: (kind.__doc__ or "").partition("\n")[0] for name, kind in RULES.items()}
    words |= {name: f"{own} with {', '.join(f'{k}={v}' for k, v in options.items())}"
              for name, (own, options, _) in VARIANTS.items()}  # fmt: skip
    return {"rules": words, "activations": list(ACTIVATIONS)}
