"""Exercises of notebook 02: B in W^T's place, and the angle."""

import numpy as np

from ..exercise import Identity, exercise, sizes


def layer(rng, n, square):
    """delta of the layer above, B, and z of the layer that is told."""
    units, above = sizes(rng, 2, square)
    return rng.standard_normal((n, above)), rng.standard_normal((above, units)), rng.standard_normal((n, units))


def against_differences(answer, delta_above, B, z):
    """How far the answer is from the derivative of <delta_above, tanh(z) B^T> with respect to z."""
    step = 1e-6
    found, due = answer(delta_above, B, z), np.empty_like(z)
    for place in np.ndindex(*z.shape):
        moved = step * np.eye(1, z.size, np.ravel_multi_index(place, z.shape)).reshape(z.shape)
        due[place] = (delta_above * ((np.tanh(z + moved) - np.tanh(z - moved)) @ B.T)).sum() / (2 * step)
    return np.abs(found - due).max()


@exercise(
    "fa.delta",
    draw=layer,
    identity=Identity("with W^T for B it is the gradient by finite differences", against_differences),
    hints=(
        "Two steps: e carries the delta of the layer above down to h, then e becomes delta at z.",
        "e = delta_above B: rows are examples, so B stands on the right.",
        "h = tanh(z) has the slope 1 - tanh(z)^2, and delta is e times the slope, entry by entry.",
    ),
)
def delta(delta_above, B, z):
    return (delta_above @ B) * (1 - np.tanh(z) ** 2)


@delta.wrong("no slope", "your delta lacks the slope f'(z): what you return is e, at h and not yet at z")
def _(delta_above, B, z):
    return delta_above @ B


@delta.wrong("transposed", "B is transposed: B stands where W^T stands, so it is (units above, units)")
def _(delta_above, B, z):
    return (delta_above @ B.T) * (1 - np.tanh(z) ** 2)


@delta.wrong("slope of h", "the slope is taken at h: you applied tanh twice; z is given, h = tanh(z)")
def _(delta_above, B, z):
    return (delta_above @ B) * (1 - np.tanh(np.tanh(z)) ** 2)


@delta.wrong("z for h", "the slope is 1 - h^2 with h = tanh(z), and you have 1 - z^2")
def _(delta_above, B, z):
    return (delta_above @ B) * (1 - z**2)


@delta.wrong("times h", "you multiply by h = tanh(z) where its slope is due")
def _(delta_above, B, z):
    return (delta_above @ B) * np.tanh(z)


@delta.wrong(
    "a bracket", "brackets are missing: a * 1 - b is (a * 1) - b, so write a * (1 - b) with b = np.tanh(z) ** 2"
)
def _(delta_above, B, z):
    return delta_above @ B * 1 - np.tanh(z) ** 2


@delta.wrong(
    "no slope, averaged",
    "two things: your delta lacks the slope f'(z), and it is divided by N, where delta is each example's own",
)
def _(delta_above, B, z):
    return delta_above @ B / len(z)


@delta.wrong("averaged", "divided by N here: delta is each example's own; dW alone is a mean over the batch")
def _(delta_above, B, z):
    return (delta_above @ B) * (1 - np.tanh(z) ** 2) / len(z)


delta.wrong("sign", None, lambda delta_above, B, z: -(delta_above @ B) * (1 - np.tanh(z) ** 2))


@delta.wrong("changes its arguments")
def _(delta_above, B, z):
    B *= 1.0 + 1e-9
    return (delta_above @ B) * (1 - np.tanh(z) ** 2)


def rows(rng, n, square):
    """Two rows an example, some of them more than 90 degrees apart."""
    a = rng.standard_normal((n, 12))
    b = a + rng.standard_normal((n, 12)) * rng.uniform(0.5, 2, (n, 1))
    return a, b * np.where(np.arange(n) % 3, 1, -1)[:, None]


@exercise(
    "fa.angle",
    draw=rows,
    hints=(
        "Each example has an angle of its own, and the mean is over examples.",
        "cos = <a, b> / (|a| |b|), with the sums along axis 1.",
        "np.degrees(np.arccos(cos)) is in degrees; take the mean last.",
    ),
)
def angle(a, b):
    cosine = (a * b).sum(axis=1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)
    return np.degrees(np.arccos(cosine)).mean()


@angle.wrong("radians", "this is in radians: degrees are due")
def _(a, b):
    return np.radians(angle.solution(a, b))


@angle.wrong(
    "radians for degrees",
    "np.radians makes radians of degrees: arccos gives radians, and np.degrees makes them degrees",
)
def _(a, b):
    return np.radians(np.radians(angle.solution(a, b)))


@angle.wrong(
    "radians of the cosine",
    "you convert the cosine, which is no angle: arccos first, and then np.degrees of what it gives",
)
def _(a, b):
    return np.arccos(np.radians((a * b).sum(axis=1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1))).mean()


@angle.wrong(
    "angle of the mean, in radians",
    "two things: you average the cosines and then take the angle, where the angle of each example comes first; and "
    "this is in radians, where degrees are due",
)
def _(a, b):
    return np.arccos(((a * b).sum(axis=1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)).mean())


@angle.wrong(
    "one angle", "this is one angle of the whole batch as a single vector, not the mean of the examples' angles"
)
def _(a, b):
    return np.degrees(np.arccos((a * b).sum() / np.linalg.norm(a) / np.linalg.norm(b)))


@angle.wrong(
    "angle of the mean", "you average the cosines and then take the angle: the angle of each example comes first"
)
def _(a, b):
    cosine = (a * b).sum(axis=1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)
    return np.degrees(np.arccos(cosine.mean()))


@angle.wrong("columns", "the sums run over the examples, axis 0: an angle is that of one example's row, axis 1")
def _(a, b):
    cosine = (a * b).sum(axis=0) / np.linalg.norm(a, axis=0) / np.linalg.norm(b, axis=0)
    return np.degrees(np.arccos(np.clip(cosine, -1, 1))).mean()


@angle.wrong(
    "folded", "you fold angles above 90 degrees back by taking |cos|: a delta that points the other way must show"
)
def _(a, b):
    cosine = np.abs((a * b).sum(axis=1)) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)
    return np.degrees(np.arccos(cosine)).mean()


@angle.wrong("cosine", "this is the mean cosine: np.degrees(np.arccos(...)) of each is due")
def _(a, b):
    return ((a * b).sum(axis=1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)).mean()


def net_sizes(rng, n, square):
    return (tuple(int(size) for size in rng.permutation(90)[: 3 + n % 4] + 10),)


@exercise(
    "fa.shapes",
    draw=net_sizes,
    batch=False,
    hints=(
        "B_l stands where W_l^T stands, so it has the shape of W_l^T: (fan_out, fan_in).",
        "W_1^T would carry delta_1 down to the pixels. Nobody asks for that, so there is no B_1.",
        "Pair sizes[1:] with sizes[2:]: each pair is (units below, units above).",
    ),
)
def feedback_shapes(sizes):
    return [(above, below) for below, above in zip(sizes[1:], sizes[2:])]


feedback_shapes.wrong(
    "first layer too",
    "there is no B for layer 1: below it are the pixels, and they learn nothing",
    lambda sizes: [(above, below) for below, above in zip(sizes, sizes[1:])],
)
feedback_shapes.wrong(
    "shape of W",
    "these are the shapes of W; B stands where W^T stands, (fan_out, fan_in)",
    lambda sizes: [(below, above) for below, above in zip(sizes[1:], sizes[2:])],
)
feedback_shapes.wrong(
    "output layer left out",
    "the output layer's B is missing: delta of the output goes down through it",
    lambda sizes: [(above, below) for below, above in zip(sizes[1:-1], sizes[2:-1])],
)
feedback_shapes.wrong(
    "top down",
    "these are in the order from the output down: the lowest layer comes first",
    lambda sizes: feedback_shapes.solution(sizes)[::-1],
)
feedback_shapes.wrong(
    "from the output",
    "each of these joins the output to a layer, as direct feedback does (notebook 04); here B_l joins two neighbours",
    lambda sizes: [(sizes[-1], below) for below in sizes[1:-1]],
)


def layers(rng, n, square):
    """Three layers: their W, deltas and inputs, and a learning rate."""
    width = sizes(rng, 4, square)
    W = [rng.standard_normal((a, b)) for a, b in zip(width, width[1:])]
    deltas = [rng.standard_normal((n, size)) for size in width[1:]]
    return W, deltas, [rng.standard_normal((n, size)) for size in width[:-1]], float(rng.uniform(0.1, 0.5))


@exercise(
    "fa.step",
    draw=layers,
    hints=(
        "dW = x^T delta / N has W's shape, (fan_in, fan_out): x is the layer's input.",
        "N is the number of rows, len(x). The step goes against the gradient: minus.",
        "[w - lr * x.T @ delta / len(x) for w, delta, x in zip(W, deltas, inputs)]",
    ),
)
def step(W, deltas, inputs, lr):
    return [w - lr * x.T @ delta / len(x) for w, delta, x in zip(W, deltas, inputs)]


@step.wrong("uphill", "the step goes up: W - lr dW goes down the loss, and you have W + lr dW")
def _(W, deltas, inputs, lr):
    return [w + lr * x.T @ delta / len(x) for w, delta, x in zip(W, deltas, inputs)]


@step.wrong("summed", "dW is summed over the batch and not divided by N: a larger batch would take a larger step")
def _(W, deltas, inputs, lr):
    return [w - lr * x.T @ delta for w, delta, x in zip(W, deltas, inputs)]


@step.wrong("divided twice", "divided by N twice: the batch's mean is taken once")
def _(W, deltas, inputs, lr):
    return [w - lr * x.T @ delta / len(x) ** 2 for w, delta, x in zip(W, deltas, inputs)]


@step.wrong("transposed", "this is dW's transpose: x^T delta is (fan_in, fan_out), as W is")
def _(W, deltas, inputs, lr):
    return [w - lr * delta.T @ x / len(x) for w, delta, x in zip(W, deltas, inputs)]


@step.wrong("divided by units", "you divide by the number of units, x.shape[1]; N is the number of examples, len(x)")
def _(W, deltas, inputs, lr):
    return [w - lr * x.T @ delta / x.shape[1] for w, delta, x in zip(W, deltas, inputs)]


@step.wrong("last layer alone", "only the last layer takes its step: each layer does")
def _(W, deltas, inputs, lr):
    return [*W[:-1], step.solution(W, deltas, inputs, lr)[-1]]


@step.wrong("changes its arguments")
def _(W, deltas, inputs, lr):
    for w, delta, x in zip(W, deltas, inputs):
        w -= lr * x.T @ delta / len(x)
    return W


def pair(rng, n, square):
    """W and a B that is near to W^T on even draws, and points the other way on odd ones."""
    fan_in, fan_out = sizes(rng, 2, square)
    W = rng.standard_normal((fan_in, fan_out))
    return W, (1 if n % 2 else -1) * (W.T + rng.standard_normal((fan_out, fan_in)) * rng.uniform(0.5, 3, (1, fan_in)))


@exercise(
    "fa.weight_angle",
    draw=pair,
    batch=False,
    hints=(
        "W.T and B have the same shape: multiply entry by entry, and sum all.",
        "np.linalg.norm of a matrix is the root of the sum of the squares of its entries.",
        "Divide the sum by both norms, then np.degrees(np.arccos(...)).",
    ),
)
def weight_angle(W, B):
    return np.degrees(np.arccos((W.T * B).sum() / np.linalg.norm(W) / np.linalg.norm(B)))


@weight_angle.wrong("not transposed", "you compare B with W, flattened as it is: compare it with W^T, entry by entry")
def _(W, B):
    return np.degrees(np.arccos(W.reshape(-1) @ B.reshape(-1) / np.linalg.norm(W) / np.linalg.norm(B)))


@weight_angle.wrong("row by row", "this is the mean of the rows' angles: take each matrix as one long vector")
def _(W, B):
    return angle.solution(W.T, B)


@weight_angle.wrong("norm of the product", "you divide by |W B|: the norms of W and of B, multiplied, are due")
def _(W, B):
    return np.degrees(np.arccos(np.clip(np.trace(W @ B) / np.linalg.norm(W @ B), -1, 1)))


@weight_angle.wrong("radians", "this is in radians: degrees are due")
def _(W, B):
    return np.radians(weight_angle.solution(W, B))


@weight_angle.wrong(
    "spectral norm", "np.linalg.norm(W, 2) is the largest singular value: the root of the sum of squares is due"
)
def _(W, B):
    return np.degrees(np.arccos((W.T * B).sum() / np.linalg.norm(W, 2) / np.linalg.norm(B, 2)))


@weight_angle.wrong(
    "folded", "you fold angles above 90 degrees back by taking |cos|: weights that point the other way must show"
)
def _(W, B):
    return np.degrees(np.arccos(abs((W.T * B).sum()) / np.linalg.norm(W) / np.linalg.norm(B)))
