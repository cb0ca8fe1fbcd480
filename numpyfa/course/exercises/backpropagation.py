"""Exercises of notebook 01: the error at the output, dW and db, finite differences, the slope, and delta."""

from collections.abc import Callable

import numpy as np

from ..exercise import Identity, exercise, sizes


def softmax(z):
    p = np.exp(z - z.max(axis=1, keepdims=True))
    return p / p.sum(axis=1, keepdims=True)


def differences(f, p, step=1e-5):
    """The central differences of f, a number, in each entry of p."""
    found = np.empty_like(p)
    for place in np.ndindex(*p.shape):
        moved = np.zeros_like(p)
        moved[place] = step
        found[place] = (f(p + moved) - f(p - moved)) / (2 * step)
    return found


# -- p - y -----------------------------------------------------------------------------------------------------------


def logits(rng, n, square):
    """z and one-hot y. Of several examples one has all its z near 1000, and one near -1000; alone, one is near 1000."""
    outputs = sizes(rng, 1, square)[0]
    z = 2 * rng.standard_normal((n, outputs))
    if n > 2:
        z[1] += 1000
        z[2] -= 1000
    elif square:
        z += 1000
    return z, np.eye(outputs)[rng.integers(outputs, size=n)]


def from_cross_entropy(answer, z, y):
    """How far the answer is from the derivative of the examples' cross-entropies by z."""

    def total(z):
        shifted = z - z.max(axis=1, keepdims=True)
        return (np.log(np.exp(shifted).sum(axis=1)) - (y * shifted).sum(axis=1)).sum()

    return np.abs(answer(z, y) - differences(total, z)).max()


@exercise(
    "backprop.output",
    draw=logits,
    identity=Identity("it is the derivative of the cross-entropy by finite differences", from_cross_entropy),
    hints=(
        "Each row of z becomes a row of probabilities p, and y is subtracted.",
        "p stays as it is if a number is taken from all z of a row: take the row's largest, and exp stays finite.",
        "z.max(axis=1, keepdims=True) is (N, 1), so that it can be taken from z; the sum below exp(z) is alike.",
    ),
)
def error(z, y):
    p = np.exp(z - z.max(axis=1, keepdims=True))
    return p / p.sum(axis=1, keepdims=True) - y


@error.wrong(
    "overflow",
    "right for small z, but exp(1000) is infinite, and you get NaN: take each row's largest z from the row before "
    "exp, which leaves p as it is",
)
def _(z, y):
    p = np.exp(z)
    return p / p.sum(axis=1, keepdims=True) - y


@error.wrong(
    "clipped",
    "you clip z, which makes all large z of a row equal, and their probabilities too: take each row's largest z from "
    "the row, which leaves p as it is",
)
def _(z, y):
    p = np.exp(np.clip(z, -500, 500))
    return p / p.sum(axis=1, keepdims=True) - y


@error.wrong(
    "largest of all",
    "you take away the largest z of the whole batch: a row that lies far below it becomes 0 / 0; each row has its "
    "own, z.max(axis=1, keepdims=True)",
)
def _(z, y):
    p = np.exp(z - z.max())
    return p / p.sum(axis=1, keepdims=True) - y


@error.wrong(
    "over examples",
    "the sum under exp(z) runs over the examples, axis 0: each example's probabilities add up to 1, so it runs along "
    "axis 1",
)
def _(z, y):
    p = np.exp(z - z.max(axis=1, keepdims=True))
    return p / p.sum(axis=0) - y


@error.wrong(
    "over the batch",
    "you divide by the sum of the whole batch: each example's probabilities add up to 1, so the sum runs along axis 1",
)
def _(z, y):
    p = np.exp(z - z.max(axis=1, keepdims=True))
    return p / p.sum() - y


@error.wrong(
    "keepdims",
    "right for one example, and it stops for more: sums and maxima along axis 1 need keepdims=True, so that they are "
    "(N, 1) beside z's (N, outputs)",
)
def _(z, y):
    p = np.exp(z - z.max(axis=1, keepdims=True))
    return p / p.sum(axis=1) - y


@error.wrong("no target", "this is p: y has yet to be subtracted")
def _(z, y):
    return softmax(z)


@error.wrong(
    "slope of logistic",
    "you multiply by p (1 - p), the slope of a logistic unit: with softmax and cross-entropy the derivative by z is p "
    "- y and no more",
)
def _(z, y):
    p = softmax(z)
    return (p - y) * p * (1 - p)


@error.wrong(
    "logistic",
    "this is 1 / (1 + exp(-z)) - y, where each output is on its own: softmax divides by the sum over the outputs",
)
def _(z, y):
    return 1 / (1 + np.exp(-z)) - y


@error.wrong(
    "averaged",
    "divided by N here: the error is each example's own; dW and db alone are means over the batch",
)
def _(z, y):
    return (softmax(z) - y) / len(z)


@error.wrong("sign", "this is y - p, the way down: p - y is the derivative, and the step subtracts it")
def _(z, y):
    return y - softmax(z)


@error.wrong("changes its arguments")
def _(z, y):
    z -= z.max(axis=1, keepdims=True)
    return softmax(z) - y


# -- dW and db -------------------------------------------------------------------------------------------------------


def layer(rng, n, square):
    """x and delta of a layer."""
    fan_in, fan_out = sizes(rng, 2, square)
    return rng.standard_normal((n, fan_in)) + 0.5, rng.standard_normal((n, fan_out)) + 0.3


def along_a_direction(answer, x, delta):
    """<dW, U> + <db, u> is how the mean of <delta, z> grows along (U, u): z is linear in W and b, so it is exact."""
    rng = np.random.default_rng(0)
    dW, db = answer(x, delta)
    U, u = rng.standard_normal((x.shape[1], delta.shape[1])), rng.standard_normal(delta.shape[1])
    return abs((dW * U).sum() + (db * u).sum() - (delta * (x @ U + u)).sum() / len(x))


@exercise(
    "backprop.gradients",
    draw=layer,
    identity=Identity("along a random direction the loss grows by <dW, U> + <db, u>", along_a_direction),
    hints=(
        "dW has the shape of W, (fan_in, fan_out): which product of x and delta has it, and sums over the examples?",
        "x.T @ delta sums over the N examples; both gradients are means, so divide by N = len(x), each once.",
        "b adds to every example alike: db is the mean of delta over the examples, axis 0.",
    ),
)
def gradients(x, delta):
    return x.T @ delta / len(x), delta.mean(axis=0)


@gradients.wrong(
    "dW transposed",
    "dW is transposed: W is (fan_in, fan_out), so dW = x^T delta / N; you have delta^T x / N",
)
def _(x, delta):
    return delta.T @ x / len(x), delta.mean(axis=0)


@gradients.wrong("dW summed", "db is a mean over the batch and dW a sum: divide dW by N too")
def _(x, delta):
    return x.T @ delta, delta.mean(axis=0)


@gradients.wrong("db summed", "dW is a mean over the batch and db a sum: divide db by N too")
def _(x, delta):
    return x.T @ delta / len(x), delta.sum(axis=0)


@gradients.wrong(
    "db averaged twice",
    "db is divided by N twice: .mean(axis=0) has divided already. The biases would learn N times too slowly, and the "
    "net would hide it",
)
def _(x, delta):
    return x.T @ delta / len(x), delta.mean(axis=0) / len(x)


@gradients.wrong(
    "dW averaged twice",
    "dW is divided by N twice, and db once: x^T delta is a sum over the examples, and dividing once makes it a mean",
)
def _(x, delta):
    return x.T @ delta / len(x) ** 2, delta.mean(axis=0)


@gradients.wrong(
    "over units",
    "db is the mean over a row, the units: it has an entry for each unit, so take the mean over the examples, axis 0",
)
def _(x, delta):
    return x.T @ delta / len(x), delta.mean(axis=1)


@gradients.wrong("one db", "db is one number for the layer: without an axis, mean runs over the units too")
def _(x, delta):
    return x.T @ delta / len(x), np.full(delta.shape[1], delta.mean())


@gradients.wrong("db of x", "db has an x in it: z = x W + b, so b gets delta itself, and only W gets x")
def _(x, delta):
    return x.T @ delta / len(x), delta.mean(axis=0) * x.mean()


@gradients.wrong(
    "means multiplied",
    "you take the means over the batch first and then the product: each example's own x belongs to its own delta, and "
    "the mean comes last",
)
def _(x, delta):
    return np.outer(x.mean(axis=0), delta.mean(axis=0)), delta.mean(axis=0)


@gradients.wrong(
    "over outputs too",
    "divided by N times the number of units, as a mean over every entry of delta is: divide by N alone",
)
def _(x, delta):
    return x.T @ delta / delta.size, delta.sum(axis=0) / delta.size


@gradients.wrong("order", "they come in the other order: dW first, then db")
def _(x, delta):
    return delta.mean(axis=0), x.T @ delta / len(x)


gradients.wrong(
    "not divided",
    "both are sums over the batch: a mean is due, so divide by N, or a batch twice as large would take steps twice as "
    "long",
    lambda x, delta: (x.T @ delta, delta.sum(axis=0)),
)
gradients.wrong(
    "divided twice",
    "both are divided by N twice: once makes the sum over the examples a mean",
    lambda x, delta: (x.T @ delta / len(x) ** 2, delta.mean(axis=0) / len(x)),
)


# -- Central differences ---------------------------------------------------------------------------------------------


def scalar(rng, n, square):
    """A quadratic f, for which central differences are exact; theta has one to three axes; a step that is not small.

    theta and the step are multiples of 1 / 8, so that an answer which moves an entry there and back puts it back
    exactly.
    """
    shape = {1: (5,), 3: (2, 2, 3)}.get(n, (3, 4))
    size = int(np.prod(shape))
    A, c = rng.standard_normal((size, size)), rng.standard_normal(shape)
    theta = rng.integers(4, 20, shape) / 8
    return lambda theta: theta.ravel() @ A @ theta.ravel() + (c * theta).sum() + 3.0, theta, 0.125


def of_a_quadratic(answer, f, theta, step):
    """Central differences of a quadratic are its derivative, whatever the step."""
    return np.abs(answer(f, theta, step) - differences(f, theta, 0.5)).max() / np.abs(answer(f, theta, step)).max()


@exercise(
    "backprop.difference",
    draw=scalar,
    batch=False,
    identity=Identity("for a quadratic it is the derivative whatever the step", of_a_quadratic),
    hints=(
        "The result has theta's shape. `for place in np.ndindex(*theta.shape):` visits each entry, whatever its axes.",
        "Move one entry: above = theta.copy(); above[place] += step. Move the same entry down in another copy.",
        "found[place] = (f(above) - f(below)) / (2 * step): from below to above it is two steps.",
    ),
)
def difference(f, theta, step):
    found = np.zeros(theta.shape)
    for place in np.ndindex(*theta.shape):
        above, below = theta.copy(), theta.copy()
        above[place] += step
        below[place] -= step
        found[place] = (f(above) - f(below)) / (2 * step)
    return found


def each_entry(quotient):
    """An answer that fills an array by `quotient(f, theta, moved, step)`; moved is step at the entry, else 0."""

    def answer(f, theta, step):
        found = np.zeros(theta.shape)
        for place in np.ndindex(*theta.shape):
            moved = np.zeros(theta.shape)
            moved[place] = step
            found[place] = quotient(f, theta, moved, step)
        return found

    return answer


difference.wrong(
    "divided by one step",
    "twice what is due: from theta - step to theta + step it is two steps, so divide by 2 step",
    each_entry(lambda f, theta, moved, step: (f(theta + moved) - f(theta - moved)) / step),
)
difference.wrong(
    "one-sided",
    "this is (f(theta + step) - f(theta)) / step, a one-sided difference, whose error shrinks with the step; that of "
    "the central one shrinks with its square",
    each_entry(lambda f, theta, moved, step: (f(theta + moved) - f(theta)) / step),
)
difference.wrong(
    "one-sided, two steps",
    "you go up by one step, from f(theta), and divide by two: go down by one as well",
    each_entry(lambda f, theta, moved, step: (f(theta + moved) - f(theta)) / (2 * step)),
)
difference.wrong(
    "not divided by the step",
    "you divide by 2 and not by 2 step: this is a difference, not yet a slope",
    each_entry(lambda f, theta, moved, step: (f(theta + moved) - f(theta - moved)) / 2),
)
difference.wrong(
    "2 step without brackets",
    "a / 2 * step is (a / 2) times step: write a / (2 * step)",
    each_entry(lambda f, theta, moved, step: (f(theta + moved) - f(theta - moved)) / 2 * step),
)
difference.wrong(
    "all at once",
    "every entry of theta moves at once, so each gets the sum of all slopes: move one entry, and leave the others",
    each_entry(lambda f, theta, moved, step: (f(theta + step) - f(theta - step)) / (2 * step)),
)
difference.wrong(
    "relative step",
    "the entry is multiplied by 1 + step and 1 - step, so it moves by step times itself; you divide as if by step",
    each_entry(lambda f, theta, moved, step: (f(theta + theta * moved) - f(theta - theta * moved)) / (2 * step)),
)


@difference.wrong(
    "not put back",
    "an entry that was moved stays moved while the next ones are looked at: begin each entry from theta as it was",
)
def _(f, theta, step):
    theta, found = theta.copy(), np.zeros(theta.shape)
    for place in np.ndindex(*theta.shape):
        theta[place] += step
        above = f(theta)
        theta[place] -= 2 * step
        found[place] = (above - f(theta)) / (2 * step)
    return found


@difference.wrong(
    "two axes",
    "right for a matrix alone: theta may have one axis, as a bias has, or three; np.ndindex(*theta.shape) visits every "
    "entry of any",
)
def _(f, theta, step):
    found = np.zeros(theta.shape)
    for i in range(theta.shape[0]):
        for j in range(theta.shape[1]):
            above, below = theta.copy(), theta.copy()
            above[i, j] += step
            below[i, j] -= step
            found[i, j] = (f(above) - f(below)) / (2 * step)
    return found


@difference.wrong("changes its arguments")
def _(f, theta, step):
    found = np.zeros(theta.shape)
    for place in np.ndindex(*theta.shape):
        theta[place] += step
        above = f(theta)
        theta[place] -= 2 * step
        found[place] = (above - f(theta)) / (2 * step)
    return found


# -- The slope -------------------------------------------------------------------------------------------------------

ACTIVATIONS: dict[str, Callable] = {"tanh": np.tanh, "relu": lambda z: np.maximum(z, 0), "identity": lambda z: z}


def inputs(rng, n, square):
    """z of both signs, below and above 1, and none within 0.05 of the kink of ReLU."""
    z = rng.uniform(0.05, 2.5, (n, sizes(rng, 1, square)[0])) * rng.choice([-1, 1], (n, 1))
    z[:, ::2] *= -1
    return (z,)


def of_each_activation(answer, z):
    return tuple(answer(z, activation) for activation in ACTIVATIONS)


def from_activations(answer, z):
    """How far the answer is from (f(z + s) - f(z - s)) / 2s."""
    due = [(f(z + 1e-5) - f(z - 1e-5)) / 2e-5 for f in ACTIVATIONS.values()]
    return max(np.abs(a - b).max() for a, b in zip(of_each_activation(answer, z), due))


@exercise(
    "backprop.slope",
    draw=inputs,
    run=of_each_activation,
    identity=Identity("each is the slope by finite differences", from_activations),
    hints=(
        "The slope is taken at z, entry by entry, and has z's shape.",
        "tanh'(z) = 1 - tanh(z)^2. ReLU is 0 below 0 and z above. The identity's slope is the same everywhere.",
        "ReLU: 1.0 * (z > 0). The identity: np.ones_like(z), and not z.",
    ),
)
def slope(z, activation):
    if activation == "tanh":
        return 1 - np.tanh(z) ** 2
    if activation == "relu":
        return 1.0 * (z > 0)
    return np.ones_like(z)


def instead(of, function):
    """The solution but for one activation."""
    return lambda z, activation: function(z) if activation == of else slope.solution(z, activation)


slope.wrong(
    "slope of h",
    "tanh's slope is taken at h: you applied tanh twice; z is given, h = tanh(z), and it is 1 - h^2",
    instead("tanh", lambda z: 1 - np.tanh(np.tanh(z)) ** 2),
)
slope.wrong(
    "z for h",
    "tanh's slope is 1 - h^2 with h = tanh(z), and you have 1 - z^2",
    instead("tanh", lambda z: 1 - z**2),
)
slope.wrong(
    "square forgotten",
    "tanh's slope is 1 - tanh(z)^2: the square is missing",
    instead("tanh", lambda z: 1 - np.tanh(z)),
)
slope.wrong(
    "logistic",
    "tanh's slope is 1 - h^2; h (1 - h) is that of the logistic function 1 / (1 + exp(-z))",
    instead("tanh", lambda z: np.tanh(z) * (1 - np.tanh(z))),
)
slope.wrong(
    "ReLU above 1",
    "ReLU's slope is 1 where z > 0, and you have it where z > 1: units with a small positive z would go on firing but "
    "never learn",
    instead("relu", lambda z: 1.0 * (z > 1)),
)
slope.wrong(
    "ReLU itself",
    "this is ReLU's output, z where z > 0: its slope there is 1",
    instead("relu", lambda z: np.maximum(z, 0)),
)
slope.wrong(
    "sign",
    "ReLU's slope is 0 where z < 0, and you have -1: np.sign(z) is the slope of |z|",
    instead("relu", np.sign),
)
slope.wrong(
    "ReLU upside down",
    "ReLU's slope is 1 where z > 0 and 0 where z < 0: yours is the other way round",
    instead("relu", lambda z: 1.0 * (z < 0)),
)
slope.wrong(
    "identity's output",
    "the identity's slope is 1, and you have its output z: a layer without an activation would multiply its delta by z",
    instead("identity", lambda z: z),
)
slope.wrong(
    "one number",
    "the identity's slope is 1 for every unit of every example: np.ones_like(z) has z's shape",
    instead("identity", lambda z: 1.0),
)
slope.wrong(
    "tanh for all",
    "this is tanh's slope whatever `activation` says: ReLU and the identity have slopes of their own",
    lambda z, activation: 1 - np.tanh(z) ** 2,
)
slope.wrong(
    "outputs",
    "these are the activations themselves, h = f(z): their slopes f'(z) are due",
    lambda z, activation: ACTIVATIONS[activation](z),
)


# -- delta -----------------------------------------------------------------------------------------------------------


def two_layers(rng, n, square):
    """delta of the layer above, its W, and z of the layer below it."""
    units, above = sizes(rng, 2, square)
    return rng.standard_normal((n, above)), rng.standard_normal((units, above)), rng.standard_normal((n, units))


def from_the_layer_above(answer, delta_above, W, z):
    """How far the answer is from the derivative of <delta_above, tanh(z) W> by z."""
    due = differences(lambda z: (delta_above * (np.tanh(z) @ W)).sum(), z)
    return np.abs(answer(delta_above, W, z) - due).max()


@exercise(
    "backprop.delta",
    draw=two_layers,
    identity=Identity("it is the derivative by z by finite differences", from_the_layer_above),
    hints=(
        "Two steps: e carries the delta of the layer above down to h, then e becomes delta at z.",
        "h enters the layer above as h W, so e = delta_above W^T: rows are examples, and W^T stands on the right.",
        "delta is e times the slope of tanh at z, entry by entry: 1 - np.tanh(z) ** 2.",
    ),
)
def delta(delta_above, W, z):
    return (delta_above @ W.T) * (1 - np.tanh(z) ** 2)


@delta.wrong("no slope", "your delta lacks the slope f'(z): what you return is e, at h and not yet at z")
def _(delta_above, W, z):
    return delta_above @ W.T


@delta.wrong("not transposed", "W itself carries signals up, (units, units above); down it is W^T")
def _(delta_above, W, z):
    return (delta_above @ W) * (1 - np.tanh(z) ** 2)


@delta.wrong(
    "inverse",
    "you undo W by its inverse: delta says by how much the loss changes, and the chain rule multiplies by W's "
    "entries, so it is W^T",
)
def _(delta_above, W, z):
    return (delta_above @ np.linalg.pinv(W)) * (1 - np.tanh(z) ** 2)


@delta.wrong("slope of h", "the slope is taken at h: you applied tanh twice; z is given, h = tanh(z)")
def _(delta_above, W, z):
    return (delta_above @ W.T) * (1 - np.tanh(np.tanh(z)) ** 2)


@delta.wrong("z for h", "the slope is 1 - h^2 with h = tanh(z), and you have 1 - z^2")
def _(delta_above, W, z):
    return (delta_above @ W.T) * (1 - z**2)


@delta.wrong("times h", "you multiply by h = tanh(z) where its slope is due; h is for dW of the layer above")
def _(delta_above, W, z):
    return (delta_above @ W.T) * np.tanh(z)


@delta.wrong("ReLU", "this is the slope of ReLU, 1 where z > 0: the layer has tanh")
def _(delta_above, W, z):
    return (delta_above @ W.T) * (z > 0)


@delta.wrong(
    "a bracket", "brackets are missing: a * 1 - b is (a * 1) - b, so write a * (1 - b) with b = np.tanh(z) ** 2"
)
def _(delta_above, W, z):
    return delta_above @ W.T * 1 - np.tanh(z) ** 2


@delta.wrong(
    "no slope, averaged",
    "two things: your delta lacks the slope f'(z), and it is divided by N, where delta is each example's own",
)
def _(delta_above, W, z):
    return delta_above @ W.T / len(z)


@delta.wrong("averaged", "divided by N here: delta is each example's own; dW and db alone are means over the batch")
def _(delta_above, W, z):
    return (delta_above @ W.T) * (1 - np.tanh(z) ** 2) / len(z)


@delta.wrong("changes its arguments")
def _(delta_above, W, z):
    z **= 2
    return delta_above @ W.T
