"""Exercises of notebook 04: DFA, DRTP, and who waits for whom."""

import numpy as np

from ..exercise import Identity, exercise, sizes

# -- The shapes of feedback ------------------------------------------------------------------------------------------


def net_of_sizes(rng, n, square):
    """Sizes of a net with two to four hidden layers, as in [784, 200, 80, 10]."""
    return (sizes(rng, int(rng.integers(4, 7)), square),)


@exercise(
    "direct.shapes",
    draw=net_of_sizes,
    batch=False,
    hints=(
        "A net of L + 1 sizes has L layers with weights, W_l is (sizes[l-1], sizes[l]), and L - 1 hidden layers.",
        "FA has a B wherever a delta is sent down through a layer: for W_2 to W_L. DFA has one for each hidden layer.",
        "FA: B_l is W_l^T's shape, (sizes[l], sizes[l-1]), l = 2 .. L.  DFA: (sizes[-1], sizes[l]), l = 1 .. L-1.",
    ),
)
def shapes(sizes):
    L = len(sizes) - 1
    sequential = [(sizes[number], sizes[number - 1]) for number in range(2, L + 1)]
    direct = [(sizes[-1], sizes[number]) for number in range(1, L)]
    return sequential, direct


@shapes.wrong("transposed", "every shape is turned round: rows are examples, so B has the sender's size first")
def _(sizes):
    return tuple([(b, a) for a, b in each] for each in shapes.solution(sizes))


@shapes.wrong(
    "as W",
    "your shapes of FA's B are those of W: B stands where W^T stands, so it is (sizes[l], sizes[l-1])",
)
def _(sizes):
    sequential, direct = shapes.solution(sizes)
    return [(b, a) for a, b in sequential], direct


@shapes.wrong(
    "first layer too",
    "your FA has a B for layer 1 too: below layer 1 is the input, which is told nothing, so W_1 needs no B",
)
def _(sizes):
    sequential, direct = shapes.solution(sizes)
    return [(sizes[1], sizes[0]), *sequential], direct


@shapes.wrong(
    "output layer too",
    "your DFA has a B for the output layer too: that one has the error itself, and only hidden layers have a B_l",
)
def _(sizes):
    sequential, direct = shapes.solution(sizes)
    return sequential, [*direct, (sizes[-1], sizes[-1])]


@shapes.wrong(
    "into the layer",
    "your DFA sends the error to the input x of layer l: e_l is a signal at the layer's output h_l, so B_l has as many "
    "columns as layer l has units, sizes[l]",
)
def _(sizes):
    sequential, _ = shapes.solution(sizes)
    return sequential, [(sizes[-1], sizes[number - 1]) for number in range(1, len(sizes) - 1)]


@shapes.wrong(
    "dfa as fa", "your DFA has FA's shapes: there the sender is the output for every layer, and not the layer above"
)
def _(sizes):
    sequential, _ = shapes.solution(sizes)
    return sequential, sequential


@shapes.wrong("other order", "the two lists are the other way round: FA's first, DFA's second")
def _(sizes):
    return shapes.solution(sizes)[::-1]


# -- Direct feedback alignment ---------------------------------------------------------------------------------------


def hidden_layers(rng, n, square):
    """The error, and B and z of two or three hidden layers."""
    outputs, *units = sizes(rng, int(rng.integers(3, 5)), square)
    error = rng.standard_normal((n, outputs))
    return error, [rng.standard_normal((outputs, u)) for u in units], [rng.standard_normal((n, u)) for u in units]


def surrogate(answer, error, B, z):
    """How far the answer is from the derivative of sum_l <error, tanh(z_l) B_l^T> with respect to every z_l."""
    step, worst = 1e-6, 0.0
    for B_l, z_l, found in zip(B, z, answer(error, B, z)):
        e = error @ B_l
        due = e * (np.tanh(z_l + step) - np.tanh(z_l - step)) / (2 * step)
        worst = max(worst, float(np.abs(found - due).max()))
    return worst


@exercise(
    "direct.delta",
    draw=hidden_layers,
    identity=Identity("it is the gradient of <error, h_l B_l^T> by finite differences", surrogate),
    hints=(
        "Each layer for itself: what it is told does not depend on any other layer.",
        "e_l = error B_l, and then the slope of tanh at z_l, entry by entry.",
        "return [(error @ B_l) * (1 - np.tanh(z_l) ** 2) for B_l, z_l in zip(B, z)]",
    ),
)
def delta(error, B, z):
    return [(error @ B_l) * (1 - np.tanh(z_l) ** 2) for B_l, z_l in zip(B, z)]


@delta.wrong("no slope", "your deltas lack the slope f'(z): what you return is e, at h and not yet at z")
def _(error, B, z):
    return [error @ B_l for B_l in B]


@delta.wrong(
    "chained",
    "you send each layer's delta on to the layer below, as feedback alignment does: under DFA every layer is sent the "
    "output's error itself",
)
def _(error, B, z):
    found = []
    for B_l, z_l in zip(B[::-1], z[::-1]):
        error = (error @ B_l) * (1 - np.tanh(z_l) ** 2)
        found.insert(0, error)
    return found


@delta.wrong("transposed", "B is transposed: rows are examples, so e_l = error B_l with B_l (outputs, units)")
def _(error, B, z):
    return [(error @ B_l.T) * (1 - np.tanh(z_l) ** 2) for B_l, z_l in zip(B, z)]


@delta.wrong("one B", "you use the first layer's B for every layer: each hidden layer has a B_l of its own")
def _(error, B, z):
    return [(error @ B[0]) * (1 - np.tanh(z_l) ** 2) for z_l in z]


@delta.wrong(
    "a bracket", "brackets are missing: a * 1 - b is (a * 1) - b, so write a * (1 - b) with b = np.tanh(z_l) ** 2"
)
def _(error, B, z):
    return [error @ B_l * 1 - np.tanh(z_l) ** 2 for B_l, z_l in zip(B, z)]


@delta.wrong("averaged", "divided by N here: delta is each example's own; dW alone is a mean over the batch")
def _(error, B, z):
    return [each / len(error) for each in delta.solution(error, B, z)]


@delta.wrong("slope of h", "the slope is taken at h: you applied tanh twice; z is given, h = tanh(z)")
def _(error, B, z):
    return [(error @ B_l) * (1 - np.tanh(np.tanh(z_l)) ** 2) for B_l, z_l in zip(B, z)]


@delta.wrong("top first", "the order is wrong: the first delta is that of the lowest layer, as in B and z")
def _(error, B, z):
    return delta.solution(error, B, z)[::-1]


delta.wrong("sign", None, lambda error, B, z: [-each for each in delta.solution(error, B, z)])


# -- Direct random target projection ---------------------------------------------------------------------------------


def told_the_target(rng, n, square):
    """One layer's input, z and B, and one-hot targets."""
    fan_in, units, outputs = sizes(rng, 3, square)
    target = np.eye(outputs)[rng.permutation(outputs)[:n]]
    return rng.standard_normal((n, fan_in)), rng.standard_normal((n, units)), target, rng.standard_normal(
        (outputs, units)
    )  # fmt: skip


def surrogate_of_target(answer, x, z, target, B):
    """How far dW is from the derivative of <target, tanh(z) B^T> / N as W, and so z = x W, is moved."""
    step, found = 1e-6, answer(x, z, target, B)
    due = np.empty((x.shape[1], z.shape[1]))
    for i, j in np.ndindex(*due.shape):
        moved = np.zeros_like(z)
        moved[:, j] = step * x[:, i]
        up, down = ((target * (np.tanh(z + sign * moved) @ B.T)).sum() / len(x) for sign in (1, -1))
        due[i, j] = (up - down) / (2 * step)
    return float(np.abs(found - due).max())


@exercise(
    "direct.drtp",
    draw=told_the_target,
    identity=Identity("it is the gradient of <target, h B^T> / N by finite differences", surrogate_of_target),
    hints=(
        "Three steps: e at h, delta at z, and dW.",
        "e = target B: since target is one-hot, each example gets the row of B that belongs to its class.",
        "delta = e (1 - tanh(z)^2), and dW = x^T delta / N: here alone one divides by N.",
    ),
)
def drtp(x, z, target, B):
    delta = (target @ B) * (1 - np.tanh(z) ** 2)
    return x.T @ delta / len(x)


@drtp.wrong("no slope", "your delta lacks the slope f'(z): what you multiply by x^T is e, at h and not yet at z")
def _(x, z, target, B):
    return x.T @ (target @ B) / len(x)


@drtp.wrong(
    "minus the target",
    "the sign is the other way round: the target stands where the error stands, with a plus, e = target B",
)
def _(x, z, target, B):
    return -drtp.solution(x, z, target, B)


@drtp.wrong(
    "sign of the error",
    "this is sDFA: sign(p - y) = 1 - 2 target goes to every row of B; DRTP sends target B, the row of the class alone",
)
def _(x, z, target, B):
    return drtp.solution(x, z, 1 - 2 * target, B)


@drtp.wrong("transposed", "B is transposed: it is (outputs, units), and e = target B is (N, units)")
def _(x, z, target, B):
    return drtp.solution(x, z, target, B.T)


@drtp.wrong("as W transposed", "this is dW^T: W is (fan_in, units), so dW = x^T delta / N, with x^T on the left")
def _(x, z, target, B):
    return drtp.solution(x, z, target, B).T


@drtp.wrong(
    "every class", "each example is told the sum of all rows of B: target picks the one row of its class, target @ B"
)
def _(x, z, target, B):
    return drtp.solution(x, z, np.ones_like(target), B)


@drtp.wrong("not divided", "not divided by N, the number of examples: dW is a mean over the batch")
def _(x, z, target, B):
    return drtp.solution(x, z, target, B) * len(x)


@drtp.wrong("divided twice", "divided by N twice: delta is each example's own, and x^T delta / N divides once")
def _(x, z, target, B):
    return drtp.solution(x, z, target, B) / len(x)


# -- Who waits for whom ----------------------------------------------------------------------------------------------


def place_in_a_net(rng, n, square):
    """A hidden layer l of a net of L layers; not the last hidden layer, where some of the answers meet."""
    L = int(rng.integers(6, 12))
    return int(rng.integers(2, L - 2)), L


@exercise(
    "direct.waits",
    draw=place_in_a_net,
    batch=False,
    hints=(
        "DRTP: the layer's own h is there after l products. What else does it need that is not there yet?",
        "DFA: the error is there after all L layers have run, and error B is one product more.",
        "BP: after L products the error is there, and delta goes down through W_L, W_{L-1}, .. W_{l+1}: L - l more.",
    ),
)
def waits(layer, L):
    return L + (L - layer), L + 1, layer


@waits.wrong(
    "no way down",
    "your BP has e as soon as the error is there: delta still has to go down through W_L .. W_{l+1}, L - l products",
)
def _(layer, L):
    return L, L + 1, layer


@waits.wrong(
    "own W too",
    "your BP sends delta through W_l too: that product is for the layer below; e_l has come through W_L .. W_{l+1}",
)
def _(layer, L):
    return L + (L - layer) + 1, L + 1, layer


@waits.wrong(
    "from the bottom", "your BP counts the layers below l on the way down: delta comes from above, through L - l layers"
)
def _(layer, L):
    return L + layer, L + 1, layer


@waits.wrong("no forward pass", "you count the backward pass alone: the error is there only after L layers have run")
def _(layer, L):
    return L - layer, 1, layer


@waits.wrong(
    "dfa goes down", "your DFA goes down layer by layer as BP does: its error goes to layer l in one product, error B_l"
)
def _(layer, L):
    return L + (L - layer), L + (L - layer), layer


@waits.wrong("free projection", "your DFA does not count the product error B_l")
def _(layer, L):
    return L + (L - layer), L, layer


@waits.wrong(
    "dfa at once",
    "your DFA does not wait for the output: it needs the error, and that is there only after all L layers have run",
)
def _(layer, L):
    return L + (L - layer), layer + 1, layer


@waits.wrong(
    "drtp waits",
    "your DRTP waits for the output: it needs the target alone, which is there from the start, and its own h",
)
def _(layer, L):
    return L + (L - layer), L + 1, L + 1


@waits.wrong(
    "target counted",
    "your DRTP counts target B_l after the forward pass of its layer: the target is known from the start, so that "
    "product can be made meanwhile and nothing waits for it",
)
def _(layer, L):
    return L + (L - layer), L + 1, layer + 1


# -- At once ---------------------------------------------------------------------------------------------------------


def a_batch(rng, n, square):
    """W and B of three hidden layers, a batch of inputs and one-hot targets, and a learning rate."""
    outputs, *units = sizes(rng, 5, square)
    W = [rng.standard_normal((a, b)) / a**0.5 for a, b in zip(units, units[1:])]
    B = [rng.standard_normal((outputs, b)) for b in units[1:]]
    target = np.eye(outputs)[rng.permutation(outputs)[:n]]
    return W, B, rng.standard_normal((n, units[0])), target, float(rng.uniform(0.1, 0.5))


def by_hand(W, B, x, target, lr, send=None, feed=lambda old, new, x: np.tanh(x @ old), take=None,
            slope=lambda z: 1 - np.tanh(z) ** 2, sign=1):  # fmt: skip
    """The solution with one part of it replaced."""
    h, learned = x, []
    for W_l, B_l in zip(W, B):
        x_l, z = h, h @ W_l
        e = target @ B_l if send is None else send(B_l)
        delta = e * slope(z)
        dW = (x_l if take is None else take(x_l, z)).T @ delta / len(x)
        learned.append(W_l - sign * lr * dW)
        h = feed(W_l, learned[-1], x_l)
    return learned, h


@exercise(
    "direct.at_once",
    draw=a_batch,
    hints=(
        "One loop, upwards. In it: z = h W_l, delta of the target, the new W_l, and the layer's h for the next one.",
        "dW_l = x_l^T delta_l / N, where x_l is what came in: x for the first layer, the h below for the others.",
        "The next layer's input is tanh(z), made with the old W_l: each layer runs once. W_l - lr * dW is a new array.",
    ),
)
def at_once(W, B, x, target, lr):
    h, learned = x, []
    for W_l, B_l in zip(W, B):
        z = h @ W_l
        delta = (target @ B_l) * (1 - np.tanh(z) ** 2)
        learned.append(W_l - lr * h.T @ delta / len(x))
        h = np.tanh(z)
    return learned, h


@at_once.wrong(
    "runs again",
    "the next layer gets the h of the new W_l: you ran the layer a second time; it gets the h of before the update",
)
def _(W, B, x, target, lr):
    return by_hand(W, B, x, target, lr, feed=lambda old, new, x: np.tanh(x @ new))


@at_once.wrong("sends z on", "the next layer gets z: what a layer hands on is h = tanh(z)")
def _(W, B, x, target, lr):
    return by_hand(W, B, x, target, lr, feed=lambda old, new, x: x @ old)


@at_once.wrong("no slope", "your delta lacks the slope 1 - tanh(z)^2")
def _(W, B, x, target, lr):
    return by_hand(W, B, x, target, lr, slope=np.ones_like)


@at_once.wrong("ReLU", "your layers have ReLU, h = max(z, 0): here h = tanh(z), with the slope 1 - tanh(z)^2")
def _(W, B, x, target, lr):
    return by_hand(W, B, x, target, lr, feed=lambda old, new, x: np.maximum(x @ old, 0), slope=lambda z: 1.0 * (z > 0))


@at_once.wrong("linear", "your layers are linear, h = z: here h = tanh(z), with the slope 1 - tanh(z)^2")
def _(W, B, x, target, lr):
    return by_hand(W, B, x, target, lr, feed=lambda old, new, x: x @ old, slope=np.ones_like)


@at_once.wrong("uphill", "the step goes the wrong way: W_l - lr dW_l; what stands for the gradient is taken away")
def _(W, B, x, target, lr):
    return by_hand(W, B, x, target, lr, sign=-1)


@at_once.wrong(
    "own output", "dW_l is made of the layer's output h_l: what a weight joins is the layer's input x_l and its delta"
)
def _(W, B, x, target, lr):
    return by_hand(W, B, x, target, lr, take=lambda x, z: np.tanh(z))


@at_once.wrong("not divided by N", "dW is not divided by N, the number of examples")
def _(W, B, x, target, lr):
    return by_hand(W, B, x, target, lr * len(x))


@at_once.wrong("no learning rate", "the learning rate is missing: W_l - lr dW_l")
def _(W, B, x, target, lr):
    return by_hand(W, B, x, target, 1.0)


@at_once.wrong("x everywhere", "every layer is fed x: from the second layer on it is the h of the layer below")
def _(W, B, x, target, lr):
    return by_hand(W, B, x, target, lr, feed=lambda old, new, below: x)


@at_once.wrong("changes its arguments")
def _(W, B, x, target, lr):
    for W_l in W:
        W_l *= 1.0 + 1e-9
    return at_once.solution(W, B, x, target, lr)
