"""Exercises of notebook 10: five broken functions to repair. Each has the broken one among its wrong answers."""

import numpy as np

from ..exercise import Identity, exercise, sizes

# -- Softmax under the squared error ---------------------------------------------------------------------------------


def probabilities(rng, n, square):
    """e at p, and p = softmax(z)."""
    outputs = sizes(rng, 1, square)[0]
    p = np.exp(rng.standard_normal((n, outputs)))
    return rng.standard_normal((n, outputs)), p / p.sum(axis=1, keepdims=True)


def through_softmax(answer, e, p):
    """How far the answer is from the derivative of <e, softmax(z)> by z, at z = log p."""
    step, due = 1e-5, np.empty_like(p)
    for place in np.ndindex(*p.shape):
        moved = np.zeros_like(p)
        moved[place] = step
        above, below = p * np.exp(moved), p * np.exp(-moved)
        above, below = (each / each.sum(axis=1, keepdims=True) for each in (above, below))
        due[place] = (e * (above - below)).sum() / (2 * step)
    return np.abs(answer(e, p) - due).max()


@exercise(
    "bug.softmax",
    draw=probabilities,
    identity=Identity("it is the derivative by z by finite differences", through_softmax),
    hints=(
        "Each p_i depends on every z_j, since z_j is in the sum below: dp_i/dz_j = p_i (1[i = j] - p_j).",
        "delta_j = sum_i e_i dp_i/dz_j = p_j (e_j - sum_i e_i p_i): the second part is what is missing.",
        "The sum runs over the outputs of each example: (e * p).sum(axis=1, keepdims=True).",
    ),
)
def softmax_back(e, p):
    return p * (e - (e * p).sum(axis=1, keepdims=True))


@softmax_back.wrong(
    "as it was",
    "this is the broken one: p (1 - p) is only how p_i depends on its own z_i; it depends on every other z_j too, by "
    "-p_i p_j",
)
def _(e, p):
    return e * p * (1 - p)


@softmax_back.wrong(
    "for the cross-entropy",
    "you return e: p - y is delta where the loss is the cross-entropy; here e is at p, and has yet to go through "
    "softmax",
)
def _(e, p):
    return e


@softmax_back.wrong(
    "over the batch",
    "the sum runs over the whole batch: each example's outputs have a sum of their own, axis 1",
)
def _(e, p):
    return p * (e - (e * p).sum())


@softmax_back.wrong(
    "over examples",
    "the sum runs over the examples, axis 0: they know nothing of each other; the outputs of one example do, axis 1",
)
def _(e, p):
    return p * (e - (e * p).sum(axis=0))


@softmax_back.wrong("unweighted sum", "you take away the sum of e: each e_i counts by its p_i, sum_i e_i p_i")
def _(e, p):
    return p * (e - e.sum(axis=1, keepdims=True))


@softmax_back.wrong("unweighted mean", "you take away the plain mean of e: the mean is weighted by p, sum_i e_i p_i")
def _(e, p):
    return p * (e - e.mean(axis=1, keepdims=True))


@softmax_back.wrong(
    "plus",
    "off the diagonal the sign is the other way round: if another z_j grows, p_i falls, -p_i p_j",
)
def _(e, p):
    return e * p * (1 - p) + p * ((e * p).sum(axis=1, keepdims=True) - e * p)


@softmax_back.wrong(
    "diagonal twice",
    "the sum over all outputs holds i = j already; with 1 - p you take it away once more",
)
def _(e, p):
    return p * ((1 - p) * e - (e * p).sum(axis=1, keepdims=True))


@softmax_back.wrong("changes its arguments")
def _(e, p):
    e -= (e * p).sum(axis=1, keepdims=True)
    return p * e


# -- fold ------------------------------------------------------------------------------------------------------------


def cut(x, k):
    """Every k x k patch of each image, (N, places down, places across, k, k, channels)."""
    return np.lib.stride_tricks.sliding_window_view(x, (k, k), axis=(1, 2)).transpose(0, 1, 2, 4, 5, 3)


def cut_patches(rng, n, square):
    size_y, size_x, k = (4, 4, 3) if square else (5, 3, 2 + n % 2)
    return (rng.standard_normal((n, size_y, size_x, k, k, 2)),)


def adjoint(answer, patches):
    """|<cut(x), patches> - <x, fold(patches)>| for a random x."""
    n, size_y, size_x, k, _, channels = patches.shape
    x = np.random.default_rng(0).standard_normal((n, size_y + k - 1, size_x + k - 1, channels))
    return abs((cut(x, k) * patches).sum() - (x * answer(patches)).sum())


def folded(patches, put):
    """An image of zeros, into which `put(place, part, i, j)` gives what stands at a place after each offset."""
    n, size_y, size_x, k, _, channels = patches.shape
    x = np.zeros((n, size_y + k - 1, size_x + k - 1, channels))
    for i in range(k):
        for j in range(k):
            place = x[:, i : i + size_y, j : j + size_x]
            place[...] = put(place, i, j)
    return x


@exercise(
    "bug.fold",
    draw=cut_patches,
    identity=Identity("it is the adjoint: <cut(x), r> = <x, fold(r)>", adjoint),
    hints=(
        "How many patches does a pixel in the middle lie in? What becomes of what the others say of it?",
        "A pixel takes part in the loss through every patch that it lies in, and the chain rule adds.",
        "One character: += where there is =.",
    ),
)
def fold(patches):
    n, size_y, size_x, k, _, channels = patches.shape
    x = np.zeros((n, size_y + k - 1, size_x + k - 1, channels))
    for i in range(k):
        for j in range(k):
            x[:, i : i + size_y, j : j + size_x] += patches[:, :, :, i, j]
    return x


@fold.wrong(
    "as it was",
    "this is the broken one: each patch overwrites what the patches before it have put there, and a pixel keeps the "
    "last one's share alone",
)
def _(patches):
    return folded(patches, lambda place, i, j: patches[:, :, :, i, j])


@fold.wrong(
    "overwritten by places",
    "now whole patches are written one after the other, but still over each other: where they overlap, a pixel keeps "
    "the last one's share alone",
)
def _(patches):
    n, size_y, size_x, k, _, channels = patches.shape
    x = np.zeros((n, size_y + k - 1, size_x + k - 1, channels))
    for down in range(size_y):
        for across in range(size_x):
            x[:, down : down + k, across : across + k] = patches[:, down, across]
    return x


@fold.wrong(
    "mean",
    "you divide by the number of patches that a pixel lies in. That takes cut(x) back to x; but the chain rule adds "
    "up the shares, and so does the adjoint",
)
def _(patches):
    return fold.solution(patches) / fold.solution(np.ones_like(patches))


@fold.wrong("largest", "you keep the largest of a pixel's shares: the chain rule adds them up")
def _(patches):
    return folded(patches, lambda place, i, j: np.maximum(place, patches[:, :, :, i, j]))


@fold.wrong(
    "offsets swapped",
    "down and across are swapped: x moves by i down and j across, so the part is patches[:, :, :, i, j]",
)
def _(patches):
    return folded(patches, lambda place, i, j: place + patches[:, :, :, j, i])


@fold.wrong(
    "flipped",
    "each patch is put back upside down: the entry that was cut out i rows down goes back there; only a convolution "
    "with a flipped kernel would flip it",
)
def _(patches):
    return folded(patches, lambda place, i, j: place + patches[:, :, :, -1 - i, -1 - j])


@fold.wrong(
    "one offset",
    "every part of the patches is added at the same place: part (i, j) belongs i rows down and j columns across",
)
def _(patches):
    n, size_y, size_x, k, _, channels = patches.shape
    x = np.zeros((n, size_y + k - 1, size_x + k - 1, channels))
    x[:, :size_y, :size_x] = patches.sum(axis=(3, 4))
    return x


@fold.wrong("begins at one", "x begins as ones, so that every pixel has 1 too much: begin with zeros")
def _(patches):
    return fold.solution(patches) + 1


# -- Feedback of fixed magnitude and W's signs -----------------------------------------------------------------------


def two_batches(rng, n, square):
    """M >= 0, W at one batch, and W at the next, some of whose signs are others."""
    fan_in, fan_out = sizes(rng, 2, square)
    W = rng.standard_normal((fan_in, fan_out))
    return rng.uniform(0.1, 1, (fan_out, fan_in)), W, W * rng.choice([1, 1, -1], W.shape)


def at_two_batches(answer, M, W, W_later):
    """What stands in for W^T at two batches, one after the other, with the same M."""
    M = M.copy()
    return answer(M, W), answer(M, W_later)


def wrong_signs(answer, M, W, W_later):
    """The share of entries whose sign is not W's, at the second batch."""
    return float((np.sign(at_two_batches(answer, M, W, W_later)[1]) != np.sign(W_later).T).mean())


@exercise(
    "bug.frsf",
    draw=two_batches,
    run=at_two_batches,
    batch=False,
    identity=Identity("no sign is wrong at the second batch", wrong_signs),
    hints=(
        "M is drawn once and kept by the rule. What is in it after the first call?",
        "a *= b writes into the array a, and everyone who holds that array has the new one; a * b makes a new array.",
        "M * np.sign(W).T leaves M as it is.",
    ),
)
def stand_in(M, W):
    return M * np.sign(W).T


@stand_in.wrong(
    "as it was",
    "this is the broken one: M *= writes the signs into M, so that the second call multiplies by a sign again, and "
    "where W kept its sign the product is positive",
)
def _(M, W):
    M *= np.sign(W).T
    return M


@stand_in.wrong(
    "one array",
    "the signs are right at each call, but you return M itself with the signs written into it: the second call "
    "changes what the first gave back. Return a new array",
)
def _(M, W):
    M[...] = np.abs(M) * np.sign(W).T
    return M


@stand_in.wrong(
    "written, returned new",
    "you return a new array but write the signs into M too: the second call finds signs in it",
)
def _(M, W):
    M *= np.sign(W).T
    return M.copy()


@stand_in.wrong("no sign", "this is M alone: the feedback has lost the signs that it is named after")
def _(M, W):
    return M.copy()


@stand_in.wrong("no magnitude", "this is sign(W)^T, the uniform form: the magnitudes are to be M's")
def _(M, W):
    return np.sign(W).T


@stand_in.wrong(
    "times W",
    "you multiply by W^T: of W only the sign may be known, or its magnitudes are transported too",
)
def _(M, W):
    return M * W.T


@stand_in.wrong("not transposed", "W is (fan_in, fan_out) and M stands where W^T stands: np.sign(W).T")
def _(M, W):
    return M * np.sign(W)


# -- Kolen-Pollack ---------------------------------------------------------------------------------------------------


def two_synapses(rng, n, square):
    fan_in, fan_out = sizes(rng, 2, square)
    W, dW = rng.standard_normal((2, fan_in, fan_out))
    return W, rng.standard_normal((fan_out, fan_in)), dW, 0.1, float(rng.uniform(0.2, 0.8))


def law_of_the_gap(answer, W, B, dW, lr, decay):
    """How far B - W^T after the step is from (1 - lr decay) times that before it."""
    W_next, B_next = answer(W, B, dW, lr, decay)
    return np.abs(B_next - W_next.T - (1 - lr * decay) * (B - W.T)).max()


@exercise(
    "bug.kp",
    draw=two_synapses,
    batch=False,
    identity=Identity("the gap B - W^T shrinks by 1 - lr decay", law_of_the_gap),
    hints=(
        "Subtract the two lines: what becomes of B - W^T in a step? It should be (1 - lr decay) of what it was.",
        "dW cancels. What is left must be decay B - decay W^T: each of the two decays by its own value.",
        "B - lr * (dW.T + decay * B)",
    ),
)
def kp_step(W, B, dW, lr, decay):
    return W - lr * (dW + decay * W), B - lr * (dW.T + decay * B)


@kp_step.wrong("as it was", "this is the broken one: W decays and B does not, so the start of B is never forgotten")
def _(W, B, dW, lr, decay):
    return W - lr * (dW + decay * W), B - lr * dW.T


@kp_step.wrong("no decay", "now neither decays: both take the same steps, so B - W^T stays what it was for ever")
def _(W, B, dW, lr, decay):
    return W - lr * dW, B - lr * dW.T


@kp_step.wrong("B alone", "now B decays and W does not: the law asks for both")
def _(W, B, dW, lr, decay):
    return W - lr * dW, B - lr * (dW.T + decay * B)


@kp_step.wrong(
    "decay of W",
    "B decays by W's value: then B - W^T never shrinks, and B's synapse reads W; each decays by its own",
)
def _(W, B, dW, lr, decay):
    return W - lr * (dW + decay * W), B - lr * (dW.T + decay * W.T)


@kp_step.wrong(
    "decay without lr",
    "both keep 1 - decay of themselves: the decay is multiplied by lr like all that a step does, 1 - lr decay",
)
def _(W, B, dW, lr, decay):
    return (1 - decay) * W - lr * dW, (1 - decay) * B - lr * dW.T


@kp_step.wrong("growth", "the sign of the decay is wrong: both grow, and so does the gap")
def _(W, B, dW, lr, decay):
    return W - lr * (dW - decay * W), B - lr * (dW.T - decay * B)


@kp_step.wrong(
    "B grows", "the sign of B's decay is wrong: W shrinks by lr decay W, and B grows where it should shrink alike"
)
def _(W, B, dW, lr, decay):
    return W - lr * (dW + decay * W), B - lr * (dW.T - decay * B)


@kp_step.wrong(
    "decay after the step",
    "you decay what the step has made, so that dW shrinks too: the law holds, but W's own line was right and is to "
    "stay; decay the old B",
)
def _(W, B, dW, lr, decay):
    return (1 - lr * decay) * (W - lr * dW), (1 - lr * decay) * (B - lr * dW.T)


@kp_step.wrong(
    "copied",
    "you copy W into B: the gap is gone at once, but copying weights is what the method is there to avoid",
)
def _(W, B, dW, lr, decay):
    W = W - lr * (dW + decay * W)
    return W, W.T


@kp_step.wrong("dW not transposed", "B is (fan_out, fan_in), so its step is dW^T")
def _(W, B, dW, lr, decay):
    return W - lr * (dW + decay * W), B - lr * (dW + decay * B)


@kp_step.wrong("changes its arguments")
def _(W, B, dW, lr, decay):
    W -= lr * (dW + decay * W)
    B -= lr * (dW.T + decay * B)
    return W, B


# -- The angle of two quantities -------------------------------------------------------------------------------------


def feedback_beside_weights(rng, n, square):
    """delta of the layer above, B, the W that it stands for, and z of the layer that is told."""
    units, above = sizes(rng, 2, square)
    W = rng.standard_normal((units, above))
    B = 0.3 * W.T + rng.standard_normal((above, units))
    return rng.standard_normal((n, above)), B, W, rng.standard_normal((n, units))


def with_W_for_B(answer, delta_above, B, W, z):
    """The angle to backpropagation when B is W^T, in degrees."""
    return float(answer(delta_above, W.T.copy(), W, z))


def angle(a, b):
    cosine = (a * b).sum(axis=-1) / np.linalg.norm(a, axis=-1) / np.linalg.norm(b, axis=-1)
    return np.degrees(np.arccos(np.clip(cosine, -1, 1)))


@exercise(
    "bug.angle",
    draw=feedback_beside_weights,
    identity=Identity("with W^T for B the angle is 0 degrees", with_W_for_B),
    hints=(
        "If B were W^T the two rules would be one, and the angle 0. Which of the two vectors is not what it is called?",
        "One of them is at h, before the slope, and the other at z, after it.",
        "delta is (delta_above @ B) * (1 - np.tanh(z) ** 2) under feedback alignment too.",
    ),
)
def alignment(delta_above, B, W, z):
    slope = 1 - np.tanh(z) ** 2
    return angle((delta_above @ B) * slope, (delta_above @ W.T) * slope).mean()


@alignment.wrong(
    "as it was",
    "this is the broken one: e of feedback alignment, at h, against delta of backpropagation, at z; set B = W^T and "
    "it is not 0",
)
def _(delta_above, B, W, z):
    return angle(delta_above @ B, (delta_above @ W.T) * (1 - np.tanh(z) ** 2)).mean()


@alignment.wrong(
    "other way round",
    "now feedback alignment's has the slope and backpropagation's has none: both need it",
)
def _(delta_above, B, W, z):
    return angle((delta_above @ B) * (1 - np.tanh(z) ** 2), delta_above @ W.T).mean()


@alignment.wrong(
    "both at h",
    "this is the angle of the two e, at h: 0 when B = W^T, so it is a measure, but not that of delta, which is asked "
    "for",
)
def _(delta_above, B, W, z):
    return angle(delta_above @ B, delta_above @ W.T).mean()


@alignment.wrong("slope of h", "the slope is taken at h: you applied tanh twice; z is given")
def _(delta_above, B, W, z):
    slope = 1 - np.tanh(np.tanh(z)) ** 2
    return angle((delta_above @ B) * slope, (delta_above @ W.T) * slope).mean()


@alignment.wrong(
    "the weights",
    "this is the angle of B to W^T, that of the weights: the angle of the deltas is another measure",
)
def _(delta_above, B, W, z):
    return angle(B.ravel(), W.T.ravel())


@alignment.wrong(
    "of the means",
    "you take the mean of the batch first: each example has an angle of its own, and the mean comes last",
)
def _(delta_above, B, W, z):
    slope = 1 - np.tanh(z) ** 2
    return angle(((delta_above @ B) * slope).mean(axis=0), ((delta_above @ W.T) * slope).mean(axis=0))


@alignment.wrong(
    "one angle",
    "this is one angle of the whole batch as a single vector, not the mean of the examples' angles",
)
def _(delta_above, B, W, z):
    slope = 1 - np.tanh(z) ** 2
    return angle(((delta_above @ B) * slope).ravel(), ((delta_above @ W.T) * slope).ravel())


@alignment.wrong("itself", "both vectors are backpropagation's: B is used nowhere, and the angle is 0 whatever it is")
def _(delta_above, B, W, z):
    true = (delta_above @ W.T) * (1 - np.tanh(z) ** 2)
    return angle(true, true).mean()


@alignment.wrong(
    "angle of the mean cosine",
    "you average the cosines and then take the angle: the angle of each example comes first, and the mean last",
)
def _(delta_above, B, W, z):
    slope = 1 - np.tanh(z) ** 2
    cosine = np.cos(np.radians(angle((delta_above @ B) * slope, (delta_above @ W.T) * slope)))
    return np.degrees(np.arccos(cosine.mean()))


@alignment.wrong("each example", "these are the angles of the examples, one each: their mean is due")
def _(delta_above, B, W, z):
    slope = 1 - np.tanh(z) ** 2
    return angle((delta_above @ B) * slope, (delta_above @ W.T) * slope)
