"""Exercises of notebook 06: a convolution is a dense layer."""

import numpy as np

from ..exercise import Identity, exercise


def grid(size, k, stride):
    """How many patches of k fit along a side."""
    return (size - k) // stride + 1


# -- rows ------------------------------------------------------------------------------------------------------------


def images(rng, n, square):
    """Images (N, height, width, channels), a kernel and a stride; some strides leave pixels over."""
    height, width, channels = (6, 6, 6) if square else (7, 9, 2)
    k, stride = (2, 2) if square else (3, int(rng.integers(1, 3)))
    return rng.standard_normal((n, height, width, channels)), k, stride


@exercise(
    "conv.rows",
    draw=images,
    hints=(
        "There are (height - k) // stride + 1 patches along the height, and as many along the width for its size.",
        "Make an array cut of shape (N, size_y, size_x, k, k, channels), and fill cut[:, :, :, i, j] for each i and j.",
        "What all patches have at (i, j) is x[:, i : i + stride * size_y : stride, j : j + stride * size_x : stride].",
        "At the end cut.reshape(-1, k * k * channels): one row a patch.",
    ),
)
def rows(x, k, stride):
    n, height, width, channels = x.shape
    size_y, size_x = grid(height, k, stride), grid(width, k, stride)
    cut = np.empty((n, size_y, size_x, k, k, channels))
    for i in range(k):
        for j in range(k):
            cut[:, :, :, i, j] = x[:, i : i + stride * size_y : stride, j : j + stride * size_x : stride]
    return cut.reshape(-1, k * k * channels)


def cut_out(x, k, stride):
    """The rows as (N, size_y, size_x, k, k, channels)."""
    n, height, width, channels = x.shape
    return rows.solution(x, k, stride).reshape(n, grid(height, k, stride), grid(width, k, stride), k, k, channels)


@rows.wrong(
    "channels first",
    "within a row your order is (channel, y, x): it must be (y, x, channel), as in the images, the channel fastest",
)
def _(x, k, stride):
    return cut_out(x, k, stride).transpose(0, 1, 2, 5, 3, 4).reshape(-1, k * k * x.shape[3])


@rows.wrong("columns", "your patches stand in columns: each is a row here, as an example is in a dense layer")
def _(x, k, stride):
    return rows.solution(x, k, stride).T


@rows.wrong("places first", "your rows go through the examples first: all places of one example belong together")
def _(x, k, stride):
    return cut_out(x, k, stride).transpose(1, 2, 0, 3, 4, 5).reshape(-1, k * k * x.shape[3])


@rows.wrong("x before y", "y and x are exchanged within a patch: i counts down the image and comes first, j along it")
def _(x, k, stride):
    return cut_out(x, k, stride).swapaxes(3, 4).reshape(-1, k * k * x.shape[3])


@rows.wrong(
    "flipped",
    "your patches are turned around. That is the convolution of mathematics; in nets the kernel is not flipped",
)
def _(x, k, stride):
    return cut_out(x, k, stride)[:, :, :, ::-1, ::-1].reshape(-1, k * k * x.shape[3])


@rows.wrong("one patch short", "the last patch of each side is missing: (size - k) // stride + 1 of them fit")
def _(x, k, stride):
    return cut_out(x, k, stride)[:, :-1, :-1].reshape(-1, k * k * x.shape[3])


@rows.wrong("stride of 1", "your patches lie one pixel apart: neighbours are stride pixels apart")
def _(x, k, stride):
    cut = cut_out(x, k, 1)
    n, height, width, channels = x.shape
    return cut[:, : grid(height, k, stride), : grid(width, k, stride)].reshape(-1, k * k * channels)


# -- fold ------------------------------------------------------------------------------------------------------------


def patches(rng, n, square):
    """Rows y as `rows` would make of images of a shape, that shape, a kernel and a stride smaller than it."""
    x, _, _ = images(rng, n, square)
    k, stride = 3, int(rng.integers(1, 3))
    return rng.standard_normal(rows.solution(x, k, stride).shape), x.shape[1:], k, stride


def not_adjoint(answer, y, shape, k, stride):
    """How far <rows(x), y> is from <x, fold(y)>, for a random x."""
    n = len(y) // (grid(shape[0], k, stride) * grid(shape[1], k, stride))
    x = np.random.default_rng(0).standard_normal((n, *shape))
    return abs((rows.solution(x, k, stride) * y).sum() - (x * answer(y, shape, k, stride)).sum())


@exercise(
    "conv.fold",
    draw=patches,
    identity=Identity("<rows(x), y> = <x, fold(y)> for a random x", not_adjoint),
    hints=(
        "Go through `rows` backwards: what it read from a place in the image, fold adds there.",
        "y.reshape(-1, size_y, size_x, k, k, channels) is what `rows` called cut; start from zeros.",
        "For each i and j: x[:, i : i + stride * size_y : stride, ...] += cut[:, :, :, i, j]. Patches overlap.",
    ),
)
def fold(y, shape, k, stride):
    height, width, channels = shape
    size_y, size_x = grid(height, k, stride), grid(width, k, stride)
    cut = y.reshape(-1, size_y, size_x, k, k, channels)
    x = np.zeros((len(cut), height, width, channels))
    for i in range(k):
        for j in range(k):
            x[:, i : i + stride * size_y : stride, j : j + stride * size_x : stride] += cut[:, :, :, i, j]
    return x


def put_back(y, shape, k, stride, place, inside, add=True):
    """fold with what is done at each (i, j) left open: the patches' entry `inside`, at the image's `place`."""
    height, width, channels = shape
    size_y, size_x = grid(height, k, stride), grid(width, k, stride)
    cut = y.reshape(-1, size_y, size_x, k, k, channels)
    x = np.zeros((len(cut), height, width, channels))
    for i in range(k):
        for j in range(k):
            a, b = place(i, j)
            at = np.s_[:, a : a + stride * size_y : stride, b : b + stride * size_x : stride]
            x[at] = x[at] * add + cut[(slice(None), slice(None), slice(None), *inside(i, j))]
    return x


@fold.wrong(
    "overwrites",
    "where patches overlap you keep only the last one's share: a pixel belongs to several, so it is +=, not =",
)
def _(y, shape, k, stride):
    return put_back(y, shape, k, stride, lambda i, j: (i, j), lambda i, j: (i, j), add=False)


@fold.wrong(
    "averaged",
    "you divide by the number of patches that a pixel belongs to. That undoes `rows`; the adjoint adds, as z adds",
)
def _(y, shape, k, stride):
    return fold.solution(y, shape, k, stride) / np.maximum(fold.solution(np.ones_like(y), shape, k, stride), 1)


@fold.wrong("x before y", "y and x are exchanged within a patch: the row's order is (y, x, channel)")
def _(y, shape, k, stride):
    return put_back(y, shape, k, stride, lambda i, j: (i, j), lambda i, j: (j, i))


@fold.wrong("flipped", "you put each patch back turned around: what was cut out at (i, j) goes back to (i, j)")
def _(y, shape, k, stride):
    return put_back(y, shape, k, stride, lambda i, j: (i, j), lambda i, j: (k - 1 - i, k - 1 - j))


@fold.wrong("channels first", "you read a row as (channel, y, x): its order is (y, x, channel)")
def _(y, shape, k, stride):
    turned = y.reshape(-1, shape[2], k, k).transpose(0, 2, 3, 1).reshape(y.shape)
    return fold.solution(turned, shape, k, stride)


@fold.wrong("places first", "you read the rows place by place: all places of one example belong together")
def _(y, shape, k, stride):
    n = len(y) // (grid(shape[0], k, stride) * grid(shape[1], k, stride))
    return fold.solution(y.reshape(-1, n, y.shape[1]).swapaxes(0, 1).reshape(y.shape), shape, k, stride)


@fold.wrong("the middle alone", "you put back one pixel a patch, its middle: all k x k of them go back")
def _(y, shape, k, stride):
    middle = np.zeros((k, k, 1))
    middle[k // 2, k // 2] = 1
    return fold.solution((y.reshape(-1, k, k, shape[2]) * middle).reshape(y.shape), shape, k, stride)


# -- gradient --------------------------------------------------------------------------------------------------------


def told(rng, n, square):
    """Patches and delta as rows, `places` of them an example, and the number of examples."""
    places, fan_in, channels = 6, 8, 8 if square else 5
    return rng.standard_normal((n * places, fan_in)), rng.standard_normal((n * places, channels)), n


def not_a_gradient(answer, patches, delta, n):
    """How far <dW, U> + <db, u> is from the change of <delta, patches W + b> / N along (U, u), which is linear."""
    rng = np.random.default_rng(0)
    U, u = rng.standard_normal((patches.shape[1], delta.shape[1])), rng.standard_normal(delta.shape[1])
    dW, db = answer(patches, delta, n)
    return abs((dW * U).sum() + (db * u).sum() - (delta * (patches @ U + u)).sum() / n)


@exercise(
    "conv.gradient",
    draw=told,
    identity=Identity("it is the gradient of <delta, rows(x) W + b> / N", not_a_gradient),
    hints=(
        "It is the line of a dense layer, with patches for examples: x^T delta.",
        "The kernel is the same at every place, so what the places say is added. Only examples are averaged over.",
        "dW = patches.T @ delta / n, and db = delta.sum(axis=0) / n.",
    ),
)
def gradient(patches, delta, n):
    return patches.T @ delta / n, delta.sum(axis=0) / n


@gradient.wrong(
    "mean over places",
    "divided by the number of rows: places are added, since one kernel serves them all; only N examples are averaged",
)
def _(patches, delta, n):
    return patches.T @ delta / len(delta), delta.mean(axis=0)


@gradient.wrong(
    "db is a mean over places", "dW is right, but db is a mean over all rows: places are added, examples averaged"
)
def _(patches, delta, n):
    return patches.T @ delta / n, delta.mean(axis=0)


@gradient.wrong("db divided twice", "dW is right, but db is divided by N twice: biases would hardly learn")
def _(patches, delta, n):
    return patches.T @ delta / n, delta.sum(axis=0) / n / n


@gradient.wrong("db not divided", "dW is right, but db is a sum over the examples: divide it by N as well")
def _(patches, delta, n):
    return patches.T @ delta / n, delta.sum(axis=0)


@gradient.wrong("transposed", "dW is transposed: it has W's shape, (k k channels in, channels out), so x^T delta")
def _(patches, delta, n):
    return delta.T @ patches / n, delta.sum(axis=0) / n


@gradient.wrong(
    "one place", "you take the first place of each example alone: the kernel is used at every place, and hears all"
)
def _(patches, delta, n):
    first = np.s_[:: len(delta) // n]
    return patches[first].T @ delta[first] / n, delta[first].sum(axis=0) / n


@gradient.wrong("summed over the batch", "nothing is divided by N: dW and db are means over the examples")
def _(patches, delta, n):
    return patches.T @ delta, delta.sum(axis=0)


@gradient.wrong("all divided twice", "you divide by N twice: delta is each example's own, and only dW and db are means")
def _(patches, delta, n):
    return patches.T @ delta / n**2, delta.sum(axis=0) / n**2


# -- carry -----------------------------------------------------------------------------------------------------------


def above(rng, n, square):
    """delta at z as rows, M in W^T's place, the shape of the layer's input, a kernel and a stride."""
    k, stride, (height, width, channels) = (2, 1, (5, 5, 2)) if square else (3, int(rng.integers(1, 3)), (7, 8, 2))
    out = k * k * channels if square else 5
    count = n * grid(height, k, stride) * grid(width, k, stride)
    M = rng.standard_normal((out, k * k * channels))
    return rng.standard_normal((count, out)), M, (height, width, channels), k, stride


def not_carried(answer, delta, M, shape, k, stride):
    """How far <e, x> is from <delta, rows(x) M^T>, for a random x."""
    n = len(delta) // (grid(shape[0], k, stride) * grid(shape[1], k, stride))
    x = np.random.default_rng(0).standard_normal((n, *shape))
    return abs((answer(delta, M, shape, k, stride) * x).sum() - (delta * (rows.solution(x, k, stride) @ M.T)).sum())


@exercise(
    "conv.carry",
    draw=above,
    identity=Identity("with W^T for M it is the gradient of <delta, rows(x) W> in x", not_carried),
    hints=(
        "In a dense layer e = delta M. Here delta M is a patch at every place: of which array?",
        "The patches are put back where they were cut out, and you have a function for that.",
        "fold(delta @ M, shape, k, stride).",
    ),
)
def carry(delta, M, shape, k, stride):
    return fold.solution(delta @ M, shape, k, stride)


@carry.wrong("no fold", "delta M are patches still, one row a place: put them back into an image with fold")
def _(delta, M, shape, k, stride):
    return delta @ M


@carry.wrong("transposed", "M is transposed: it stands where W^T stands, (channels out, k k channels in), so delta M")
def _(delta, M, shape, k, stride):
    return fold.solution(delta @ M.T, shape, k, stride)


@carry.wrong(
    "flipped",
    "you turn the kernels of M around. The way down does use them turned around, but fold has done that already",
)
def _(delta, M, shape, k, stride):
    turned = M.reshape(-1, k, k, shape[2])[:, ::-1, ::-1].reshape(M.shape)
    return fold.solution(delta @ turned, shape, k, stride)


@carry.wrong(
    "overwrites",
    "where patches overlap you keep only the last one's share: what they say to a pixel is added, +=, so use fold",
)
def _(delta, M, shape, k, stride):
    return fold.wrongs["overwrites"].answer(delta @ M, shape, k, stride)


@carry.wrong("averaged", "you divide by the number of patches that a pixel belongs to: what they say is added")
def _(delta, M, shape, k, stride):
    counts = fold.solution(np.ones((len(delta), M.shape[1])), shape, k, stride)
    return carry.solution(delta, M, shape, k, stride) / np.maximum(counts, 1)


@carry.wrong(
    "divided by places",
    "divided by the number of places: nothing is averaged on the way down, and dW alone is divided, by N",
)
def _(delta, M, shape, k, stride):
    e = carry.solution(delta, M, shape, k, stride)
    return e * len(e) / len(delta)


@carry.wrong("averaged over the batch", "divided by N here: e is each example's own; dW alone is a mean over the batch")
def _(delta, M, shape, k, stride):
    e = carry.solution(delta, M, shape, k, stride)
    return e / len(e)


carry.wrong("sign", None, lambda delta, M, shape, k, stride: -carry.solution(delta, M, shape, k, stride))


# -- the angle that no M can go below ---------------------------------------------------------------------------------


def blocks(rng, n, square):
    """B (outputs, places, channels), with a mean over places that is not 0."""
    outputs, places, channels = (6, 6, 6) if square else (n + 3, int(rng.integers(4, 9)), 2)
    return (rng.standard_normal((outputs, places, channels)) + rng.standard_normal((outputs, 1, channels)),)


def not_least(answer, B):
    """How far its sine is from what least squares leave of B, when one block is fitted to all places."""
    ones, wide = np.ones((B.shape[1], 1)), B.transpose(1, 0, 2).reshape(B.shape[1], -1)
    fitted = ones @ np.linalg.lstsq(ones, wide, rcond=None)[0]
    return abs(np.sin(np.radians(answer(B))) - np.linalg.norm(wide - fitted) / np.linalg.norm(B))


@exercise(
    "conv.least_angle",
    draw=blocks,
    batch=False,
    identity=Identity("its sine is what a least-squares fit of one block leaves of B", not_least),
    hints=(
        "Which M comes nearest to all the blocks at once? The length of M does not matter, only its direction.",
        "The mean of the blocks over the places. P copies of it are the projection of B onto all that copies can be.",
        "The cosine to a projection is its length over B's: np.linalg.norm(P copies of the mean) / np.linalg.norm(B).",
        "P copies of a matrix are P ** 0.5 times as long as one. Then np.degrees(np.arccos(...)).",
    ),
)
def least_angle(B):
    cosine = B.shape[1] ** 0.5 * np.linalg.norm(B.mean(axis=1)) / np.linalg.norm(B)
    return np.degrees(np.arccos(cosine))


@least_angle.wrong("radians", "this is in radians: degrees are due")
def _(B):
    return np.radians(least_angle.solution(B))


@least_angle.wrong("cosine", "this is the cosine: np.degrees(np.arccos(...)) of it is due")
def _(B):
    return np.cos(np.radians(least_angle.solution(B)))


@least_angle.wrong(
    "one copy", "you compare one block with all of B: M stands at every place, and P copies are sqrt(P) times as long"
)
def _(B):
    return np.degrees(np.arccos(np.linalg.norm(B.mean(axis=1)) / np.linalg.norm(B)))


@least_angle.wrong("P times", "P copies of a matrix are sqrt(P) times as long as one, not P times: squares are added")
def _(B):
    cosine = B.shape[1] * np.linalg.norm(B.mean(axis=1)) / np.linalg.norm(B)
    return np.degrees(np.arccos(cosine))


@least_angle.wrong(
    "of any random B",
    "arccos(1 / sqrt(P)) is what to expect of a large random B: the angle of this very B is asked for",
)
def _(B):
    return np.degrees(np.arccos(B.shape[1] ** -0.5))


@least_angle.wrong("over channels", "your mean is over the channels: the places are axis 1 of (outputs, P, channels)")
def _(B):
    cosine = B.shape[2] ** 0.5 * np.linalg.norm(B.mean(axis=2)) / np.linalg.norm(B)
    return np.degrees(np.arccos(cosine))


@least_angle.wrong(
    "mean of angles",
    "this is the mean of the blocks' angles to M: B and the copies are one long vector each",
)
def _(B):
    M = B.mean(axis=1, keepdims=True)
    cosine = (B * M).sum(axis=(0, 2)) / np.linalg.norm(B, axis=(0, 2)) / np.linalg.norm(M)
    return np.degrees(np.arccos(cosine)).mean()


@least_angle.wrong("the first block", "you take the first place's block for M: the mean over the places is nearer")
def _(B):
    M = np.broadcast_to(B[:, :1], B.shape)
    return np.degrees(np.arccos((B * M).sum() / np.linalg.norm(B) / np.linalg.norm(M)))
