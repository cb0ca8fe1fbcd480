"""Exercises of notebook 09: a rule of your own.

An answer is a class, mostly. It is judged by the gradients that it gives in a small float64 net, for two batches, with
the weights moved in between: so that a rule that does not follow W, or writes into it, is seen.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ...learn import train_step
from ...losses import SoftmaxCrossEntropy
from ...models import mlp
from ...optim import SGD
from ...rules import BP, DFA, FA, KP, DirectRule, SequentialRule
from ..exercise import Identity, exercise, sizes

C = 0.3  # not the default of the classes: an answer must read its option

# -- Small nets ------------------------------------------------------------------------------------------------------


def a_net(rng, n, square, count=4, activation="tanh"):
    """A net of so many sizes, with biases that are not 0, and two batches for it."""
    several = sizes(rng, count, square)
    net = mlp("-".join(map(str, several)), activation, dtype="float64", seed=int(rng.integers(100)))
    for layer in net.layers:
        layer.b[...] = rng.uniform(-0.3, 0.3, layer.b.shape)
    outputs = several[-1]
    return net, [(rng.standard_normal((n, several[0])), np.eye(outputs)[rng.integers(outputs, size=n)])
                 for _ in range(2)]  # fmt: skip


def passed(net, batch):
    """(traces, output) of one batch."""
    x, target = batch
    traces = net.forward(x)
    return traces, SoftmaxCrossEntropy().output(net, traces, target)


def gradients_of(rule, batches):
    """The gradients of each batch; W moves after each, in the same way for every answer."""
    found, rng = {}, np.random.default_rng(0)
    for number, batch in enumerate(batches, start=1):
        found[f"batch {number}"] = rule.gradients(*passed(rule.net, batch))
        for layer in rule.net.layers:
            layer.W += 0.3 * rng.standard_normal(layer.W.shape)
    return found


def from_bp_by(rule, batch):
    """The largest difference of a rule's gradients from backpropagation's."""
    traces, output = passed(rule.net, batch)
    mine, true = rule.gradients(traces, output), BP(rule.net).gradients(traces, output)
    return max(float(np.abs(mine[name] - true[name]).max()) for name in true)


@dataclass
class BinaryFA(SequentialRule):
    """Binary feedback alignment: e_l = delta_{l+1} B_{l+1}, B = c or -c at random and fixed"""

    c: float = 0.1

    def init_feedback(self, layer):
        return {"B": self.c * np.sign(self.draw(layer, layer.W.T.shape, "normal"))}

    def stand_in(self, layer, own):
        return own["B"]


# -- What stands where W^T stands ------------------------------------------------------------------------------------


def run_sequential(answer, net, batches):
    rule = answer(net, c=C)
    if rule.stand_in(net[2], rule.feedback[2]) is None:
        return None
    return gradients_of(rule, batches)


def where_all_are_c(answer, net, batches):
    """How far the rule is from backpropagation where every |W| is c already."""
    for layer in net.layers:
        layer.W[...] = C * np.sign(layer.W)
    return from_bp_by(answer(net, c=C), batches[0])


@dataclass
class UniformSign(SequentialRule):
    c: float = 0.1

    def stand_in(self, layer, own):
        return self.c * np.sign(layer.W).T


stand_in = exercise(
    "own.stand_in",
    draw=a_net,
    run=run_sequential,
    identity=Identity("where every |W| is c it is backpropagation", where_all_are_c),
    hints=(
        "The rule has no array of its own, so it needs no init_feedback: M is made of layer.W, which is of now.",
        "np.sign(layer.W) has the shape of W, (fan_in, fan_out). M has that of W^T.",
        "return self.c * np.sign(layer.W).T",
    ),
)(UniformSign)


@dataclass
class WithC(SequentialRule):
    """What the wrong answers share: the option."""

    c: float = 0.1


@stand_in.wrong("not transposed", "this is sign(W), (fan_in, fan_out): M stands where W^T stands, so transpose it")
class NotTransposed(WithC):
    def stand_in(self, layer, own):
        return self.c * np.sign(layer.W)


@stand_in.wrong(
    "signs of the start", "these are W's signs at the start, kept in init_feedback: W changes, its signs too"
)
class SignsOfTheStart(WithC):
    def init_feedback(self, layer):
        return {"B": self.c * np.sign(layer.W).T}

    def stand_in(self, layer, own):
        return own["B"]


@stand_in.wrong("sizes too", "this is c W^T, with W's sizes: only the signs of W are to be known below")
class SizesToo(WithC):
    def stand_in(self, layer, own):
        return self.c * layer.W.T


@stand_in.wrong("no c", "c is missing: each entry is to be c or -c, not 1 or -1")
class NoC(WithC):
    def stand_in(self, layer, own):
        return np.sign(layer.W).T


@stand_in.wrong("c of the class", "0.1 is the default of c, and c is an option: write self.c")
class COfTheClass(WithC):
    def stand_in(self, layer, own):
        return 0.1 * np.sign(layer.W).T


stand_in.wrong("random signs", "these signs are drawn at random, as BinaryFA's: here they are those of W", BinaryFA)


@stand_in.wrong("the other sign", "the signs are turned: M must agree with W^T in sign, or the rule climbs")
class TheOtherSign(WithC):
    def stand_in(self, layer, own):
        return -self.c * np.sign(layer.W).T


@stand_in.wrong(
    "writes into W", "this writes the signs into W itself: W.T is a view of W, so make a new array, not M[...] = ..."
)
class WritesIntoW(WithC):
    def stand_in(self, layer, own):
        M = layer.W.T
        M[...] = self.c * np.sign(M)
        return M


# -- The identity ----------------------------------------------------------------------------------------------------


def a_rule(rng, n, square):
    """A rule and a batch; every other rule has feedback that learns, and so gradients that backpropagation has not."""
    net, batches = a_net(rng, n, square)
    net[1].W *= 0.3
    rule = KP(net) if n % 2 else FA(net)
    batches[0][0][...] *= 0.3 if square else 1  # small inputs: b's gradients are larger than W's
    return rule, *passed(net, batches[0])


@exercise(
    "own.check",
    draw=a_rule,
    batch=False,
    hints=(
        "rule.gradients(traces, output) is a dictionary of arrays; BP(rule.net).gradients(traces, output) is another.",
        "Take every name that backpropagation has, and the largest |difference| of each; then the largest of these.",
        "max(abs(mine[name] - true[name]).max() for name in true)",
    ),
)
def from_bp(rule, traces, output):
    mine, true = rule.gradients(traces, output), BP(rule.net).gradients(traces, output)
    return max(abs(mine[name] - true[name]).max() for name in true)


@from_bp.wrong(
    "last layer", "this looks at the last layer alone, which is exact under every rule: look at the hidden ones"
)
def _(rule, traces, output):
    number = rule.net.last.number
    mine, true = rule.gradients(traces, output), BP(rule.net).gradients(traces, output)
    return max(abs(mine[f"{number}.{name}"] - true[f"{number}.{name}"]).max() for name in "Wb")


@from_bp.wrong("no absolute value", "the absolute value is missing: a difference of -3 is larger than one of 1")
def _(rule, traces, output):
    mine, true = rule.gradients(traces, output), BP(rule.net).gradients(traces, output)
    return max((mine[name] - true[name]).max() for name in true)


@from_bp.wrong(
    "no absolute value, other order",
    "the absolute value is missing: true - mine may be negative where the two differ most, and max passes over it",
)
def _(rule, traces, output):
    mine, true = rule.gradients(traces, output), BP(rule.net).gradients(traces, output)
    return max((true[name] - mine[name]).max() for name in true)


@from_bp.wrong("mean", "this is a mean: one wrong entry of many hides in it. Take the largest")
def _(rule, traces, output):
    mine, true = rule.gradients(traces, output), BP(rule.net).gradients(traces, output)
    return np.mean([abs(mine[name] - true[name]).mean() for name in true])


@from_bp.wrong(
    "difference of the largest",
    "you compare the largest entries: two gradients may have these in common and differ in all else. Subtract first",
)
def _(rule, traces, output):
    mine, true = rule.gradients(traces, output), BP(rule.net).gradients(traces, output)
    return max(abs(abs(mine[name]).max() - abs(true[name]).max()) for name in true)


@from_bp.wrong("weights alone", "the biases are left out: '1.b' is a gradient too")
def _(rule, traces, output):
    mine, true = rule.gradients(traces, output), BP(rule.net).gradients(traces, output)
    return max(abs(mine[name] - true[name]).max() for name in true if name.endswith("W"))


@from_bp.wrong(
    "all of its own",
    "a rule whose feedback learns has gradients that backpropagation has not ('feedback.2.B'): go by backpropagation's "
    "names",
)
def _(rule, traces, output):
    mine, true = rule.gradients(traces, output), BP(rule.net).gradients(traces, output)
    return max(abs(mine[name] - true[name]).max() for name in mine)


# -- A direct rule ---------------------------------------------------------------------------------------------------


def run_direct(answer, net, batches):
    """What is to be seen of each B as drawn, then the gradients with a B of ours, since each may draw its own."""
    arrays = []

    class Answer(answer):
        def init_feedback(self, layer):
            found = super().init_feedback(layer)
            if isinstance(found, np.ndarray):
                arrays.append(found)
            return {} if found is None or isinstance(found, np.ndarray) else found  # a blank returns None

    Answer.__name__ = answer.__name__  # for the words of an error
    rule = Answer(net, c=C)
    if arrays:
        return "init_feedback returns an array"
    if not rule.feedback[1] or rule.project(net[1], rule.feedback[1], *_first(net, batches)) is None:
        return None
    found = {f"|B| of layer {number}": np.abs(own["B"]) for number, own in rule.feedback.items()}
    for number, own in rule.feedback.items():
        signs = "both signs occur" if (own["B"] > 0).any() and (own["B"] < 0).any() else "one sign alone"
        found[f"signs of B of layer {number}"] = signs
    rng = np.random.default_rng(1)
    for number, own in rule.feedback.items():
        own["B"] = C * np.sign(rng.standard_normal((net.size_out, net[number].size_out)))
    return found | gradients_of(rule, batches)


def _first(net, batches):
    traces, output = passed(net, batches[0])
    return traces[1], output


def one_hidden_layer(answer, net, batches):
    """How far the rule is from backpropagation in a net with one hidden layer, with W_2^T for B."""
    shallow = mlp(f"{net.input_shape[0]}-9-{net.size_out}", dtype="float64")
    rule = answer(shallow, c=C)
    rule.feedback[1]["B"] = shallow[2].W.T.copy()
    return from_bp_by(rule, batches[0])


@dataclass
class BinaryDFA(DirectRule):
    c: float = 0.1

    def init_feedback(self, layer):
        return {"B": self.c * np.sign(self.draw(layer, (self.net.size_out, layer.size_out), "normal"))}

    def project(self, layer, own, trace, output):
        return output.error @ own["B"]


project = exercise(
    "own.project",
    draw=a_net,
    run=run_direct,
    identity=Identity("with one hidden layer and W_2^T for B it is backpropagation", one_hidden_layer),
    hints=(
        "B maps the error at the outputs to the units of the layer: (self.net.size_out, layer.size_out).",
        "Draw B once, in init_feedback: the signs of self.draw(layer, shape, 'normal'). project only uses own['B'].",
        "e = output.error @ own['B']: each example's own, before the slope. The base class makes delta of it.",
    ),
)(BinaryDFA)


@dataclass
class DirectWithB(DirectRule):
    """What the wrong answers share: the option and a right B."""

    c: float = 0.1

    def init_feedback(self, layer):
        return {"B": self.c * np.sign(self.draw(layer, (self.net.size_out, layer.size_out), "normal"))}

    def project(self, layer, own, trace, output):
        return output.error @ own["B"]


@project.wrong(
    "slope twice", "you multiply by the slope: e is at h. The base class takes the slope, so yours is squared"
)
class SlopeTwice(DirectWithB):
    def project(self, layer, own, trace, output):
        return output.error @ own["B"] * (1 - trace.h**2)


@project.wrong("minus e", "e has the other sign: output.error is p - y, and error B passes it on as it is")
class MinusE(DirectWithB):
    def project(self, layer, own, trace, output):
        return -output.error @ own["B"]


@project.wrong("averaged", "divided by N here: e is each example's own, and dW alone is a mean over the batch")
class Averaged(DirectWithB):
    def project(self, layer, own, trace, output):
        return output.error @ own["B"] / len(output.error)


@project.wrong(
    "target", "you project the target: that is DRTP, which does not look at the error. Here it is output.error"
)
class Target(DirectWithB):
    def project(self, layer, own, trace, output):
        return output.target @ own["B"]


@project.wrong("sign of the error", "you project the signs of the error: here B has one bit an entry, not the error")
class SignOfTheError(DirectWithB):
    def project(self, layer, own, trace, output):
        return np.sign(output.error) @ own["B"]


@project.wrong(
    "B transposed", "your B is (units, outputs): e = error B, so it is (outputs, units), as notation.md has it"
)
class BTransposed(DirectWithB):
    def init_feedback(self, layer):
        return {"B": self.c * np.sign(self.draw(layer, (layer.size_out, self.net.size_out), "normal"))}

    def project(self, layer, own, trace, output):
        return output.error @ own["B"].T


@project.wrong(
    "shape of W^T", "this B has the shape of W^T, as a sequential rule's: a direct B is (outputs, units of the layer)"
)
class ShapeOfWT(DirectWithB):
    def init_feedback(self, layer):
        return {"B": self.c * np.sign(self.draw(layer, layer.W.T.shape, "normal"))}


@project.wrong("drawn in project", "you draw B in project: draw it once, in init_feedback, and take own['B'] here")
class DrawnInProject(DirectWithB):
    def project(self, layer, own, trace, output):
        return output.error @ (self.c * np.sign(self.draw(layer, (self.net.size_out, layer.size_out), "normal")))


@project.wrong("not random", "every entry of B is c: draw the signs at random, so that each is c or -c")
class NotRandom(DirectWithB):
    def init_feedback(self, layer):
        return {"B": np.full((self.net.size_out, layer.size_out), self.c)}


@project.wrong(
    "not a dictionary", 'init_feedback returns the array itself: return a dictionary with its name, {"B": array}'
)
class NotADictionary(DirectWithB):
    def init_feedback(self, layer):
        return super().init_feedback(layer)["B"]


@project.wrong("not binary", "the entries of B have many sizes: take their signs, so that each is c or -c")
class NotBinary(DirectWithB):
    def init_feedback(self, layer):
        return {"B": self.c * self.draw(layer, (self.net.size_out, layer.size_out), "normal")}


@project.wrong("no c", "c is missing: the entries of B are 1 and -1, and should be c and -c")
class NoCInB(DirectWithB):
    def init_feedback(self, layer):
        return {"B": np.sign(self.draw(layer, (self.net.size_out, layer.size_out), "normal"))}


# -- What makes it backpropagation -----------------------------------------------------------------------------------


def a_linear_rule(rng, n, square):
    """A direct rule in a linear net of three hidden layers."""
    return (DFA(a_net(rng, n, square, count=5, activation="identity")[0]),)


def run_make_bp(answer, rule):
    before = {number: own["B"].copy() for number, own in rule.feedback.items()}
    found = answer(rule)
    after = {number: own["B"] for number, own in rule.feedback.items()}
    if all(np.array_equal(before[number], after[number]) for number in before):
        return None if found is None or found is ... else "rule.feedback is as it was"
    return after


def is_bp(answer, rule):
    """How far the rule is from backpropagation, on a batch of its net."""
    answer(rule)
    rng = np.random.default_rng(0)
    x = rng.standard_normal((4, rule.net.input_shape[0]))
    return from_bp_by(rule, (x, np.eye(rule.net.size_out)[[0, 1, 2, 1]]))


@exercise(
    "own.make_bp",
    draw=a_linear_rule,
    batch=False,
    run=run_make_bp,
    identity=Identity("with this B the rule is backpropagation", is_bp),
    hints=(
        "Write what backpropagation tells the last hidden layer of a linear net, then the one below: error W_4^T, then "
        "error W_4^T W_3^T.",
        "So B_l is the product of all W^T above layer l, the last layer's first. Layer l's own W is not in it.",
        "Go down from the top: product = net.last.W.T; at layer l set B to it, then product = product @ net[l].W.T.",
    ),
)
def make_bp(rule):
    product = rule.net.last.W.T
    for number in sorted(rule.feedback, reverse=True):
        rule.feedback[number]["B"] = product
        product = product @ rule.net[number].W.T


def set_products(rule, factors):
    """B of each layer: the product of what `factors` gives for it."""
    for number, own in rule.feedback.items():
        product, *others = factors(number, rule.net)
        for each in others:
            product = product @ each
        own["B"] = product


make_bp.wrong(
    "returned",
    'rule.feedback is as it was: put each matrix into rule.feedback[l]["B"], since what make_bp returns is not used',
    lambda rule: {number: own["B"] for number, own in rule.feedback.items()},
)


@make_bp.wrong(
    "order", "the factors are in the order of the way up: error comes first from the left, so W_L^T does too"
)
def _(rule):
    set_products(rule, lambda number, net: [each.W.T for each in net.layers[number:]])


@make_bp.wrong("next layer alone", "this is the W^T of the next layer alone: the error has all layers above to cross")
def _(rule):
    set_products(rule, lambda number, net: [net[number + 1].W.T])


@make_bp.wrong(
    "last layer alone", "this is W_L^T for every layer: between the last layer and this one there are others"
)
def _(rule):
    set_products(rule, lambda number, net: [net.last.W.T])


@make_bp.wrong("own W too", "the layer's own W is in the product: e_l is at its output h_l, above its W")
def _(rule):
    set_products(rule, lambda number, net: [each.W.T for each in reversed(net.layers[number - 1 :])])


@make_bp.wrong("without the last", "W_L^T is missing: the error is at the output layer's z, and has W_L to cross first")
def _(rule):
    set_products(
        rule,
        lambda number, net: [each.W.T for each in reversed(net.layers[number:-1])] or [np.eye(net[number].size_out)],
    )


@make_bp.wrong("not transposed", "this is W_{l+1} .. W_L, the way up: the way down is its transpose, (outputs, units)")
def _(rule):
    set_products(rule, lambda number, net: [each.W for each in net.layers[number:]])


# -- Feedback that learns --------------------------------------------------------------------------------------------


def run_learned(answer, net, batches):
    rule = answer(net, c=C)
    traces, output = passed(net, batches[0])
    for number, signal in rule.signals(traces, output):
        if number > 1 and rule.feedback_gradients(
            net[number], rule.feedback[number], traces[number], signal, output
        ) is None:  # fmt: skip
            return None
    return gradients_of(answer(net, c=C), batches)


def law_of_the_gap(answer, net, batches):
    """How far the gap B - W^T is from (1 - lr decay)^3 of what it was, after three steps."""
    rule, (lr, decay) = answer(net, c=C), (0.1, 0.5)
    before = {number: own["B"] - net[number].W.T for number, own in rule.feedback.items()}
    optimizer = SGD(lr, decay=decay)
    for _ in range(3):
        train_step(net, rule, SoftmaxCrossEntropy(), optimizer, *batches[0])
    return max(
        np.abs(rule.feedback[number]["B"] - net[number].W.T - (1 - lr * decay) ** 3 * gap).max()
        for number, gap in before.items()
    )


@dataclass
class BinaryKP(BinaryFA):
    learned: ClassVar[tuple[str, ...]] = ("B",)

    def feedback_gradients(self, layer, own, trace, signal, output):
        return {"B": signal.delta.T @ trace.x / len(trace.x)}


learned = exercise(
    "own.learned",
    draw=a_net,
    run=run_learned,
    identity=Identity("the gap B - W^T shrinks by (1 - lr decay) a step", law_of_the_gap),
    hints=(
        "Return a dictionary with one gradient, {'B': ...}, of the shape of B, (fan_out, fan_in).",
        "W's gradient is x^T delta / N, with trace.x and signal.delta. B's is the same product, from the other side.",
        "return {'B': signal.delta.T @ trace.x / len(trace.x)}",
    ),
)(BinaryKP)


@learned.wrong(
    "gradient of W", "this is x^T delta, W's gradient, of W's shape: B stands where W^T stands, so delta^T x"
)
class GradientOfW(BinaryKP):
    def feedback_gradients(self, layer, own, trace, signal, output):
        return {"B": trace.x.T @ signal.delta / len(trace.x)}


@learned.wrong("summed", "not divided by N: B must take the same steps as W, and W's gradient is a mean over the batch")
class Summed(BinaryKP):
    def feedback_gradients(self, layer, own, trace, signal, output):
        return {"B": signal.delta.T @ trace.x}


@learned.wrong("uphill", "the sign is turned: the optimiser goes down what you return, for B as for W")
class Uphill(BinaryKP):
    def feedback_gradients(self, layer, own, trace, signal, output):
        return {"B": -signal.delta.T @ trace.x / len(trace.x)}


@learned.wrong("h for x", "you take trace.h, this layer's output: the two ends of W are its input x and its delta")
class HForX(BinaryKP):
    def feedback_gradients(self, layer, own, trace, signal, output):
        return {"B": signal.delta.T @ trace.h / len(trace.h)}


@learned.wrong(
    "e for delta", "you take e, which is at h: W's gradient has delta, after the slope, and B's must be alike"
)
class EForDelta(BinaryKP):
    def feedback_gradients(self, layer, own, trace, signal, output):
        return {"B": signal.e.T @ trace.x / len(trace.x)}


@learned.wrong("reads W", "B - W^T as a gradient reads W, which is weight transport: use what both ends of W know")
class ReadsW(BinaryKP):
    def feedback_gradients(self, layer, own, trace, signal, output):
        return {"B": own["B"] - layer.W.T}


@learned.wrong("not learned", "'B' is not named in `learned`: the engine then asks for no gradient of it, and B stays")
class NotLearned(BinaryKP):
    learned = ()


@learned.wrong(
    "writes into B",
    "you change B yourself and return no gradient: return it, so that B takes the steps and the decay of W's optimiser",
)
class WritesIntoB(BinaryKP):
    def feedback_gradients(self, layer, own, trace, signal, output):
        own["B"] -= 0.1 * signal.delta.T @ trace.x / len(trace.x)
        return {}


@learned.wrong(
    "decay twice", "you add a pull of B towards 0: the optimiser's decay does that already, to W and B alike"
)
class DecayTwice(BinaryKP):
    def feedback_gradients(self, layer, own, trace, signal, output):
        return {"B": signal.delta.T @ trace.x / len(trace.x) + 1e-3 * own["B"]}
