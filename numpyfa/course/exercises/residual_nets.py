"""Exercises of notebook 07: residual nets and batch norm."""

import numpy as np

from ..exercise import Identity, exercise, sizes

# -- a junction ------------------------------------------------------------------------------------------------------


def block(rng, n, square):
    """delta at the junction, z of the branch's hidden layer, and what stands where the transposes of W_1 and W_2 do."""
    units, hidden = sizes(rng, 2, square)
    shapes = (n, units), (n, hidden), (hidden, units), (units, hidden)
    return tuple(rng.standard_normal(shape) / (4 if k > 1 else 1) for k, shape in enumerate(shapes))


def along_x(answer, delta, z, M1, M2):
    """How far <e, v> is from the change of <delta, x + tanh(x W_1) W_2> along a random direction v of x."""
    step, v = 1e-6, np.random.default_rng(0).standard_normal(delta.shape)

    def branch(t):
        return (delta * (np.tanh(z + t * v @ M1.T) @ M2.T)).sum()

    due = (delta * v).sum() + (branch(step) - branch(-step)) / (2 * step)
    return abs((answer(delta, z, M1, M2) * v).sum() - due)


@exercise(
    "res.junction",
    draw=block,
    identity=Identity("with the transposes for M1 and M2 it is the gradient by finite differences", along_x),
    hints=(
        "x feeds two: the junction itself, and the branch. Each sends something back, and what they send is added.",
        "What the skip sends is delta as it is: there are no weights on it.",
        "The branch is an ordinary net of two layers: (delta M2) times the slope of tanh at z, then times M1.",
    ),
)
def junction(delta, z, M1, M2):
    return delta + ((delta @ M2) * (1 - np.tanh(z) ** 2)) @ M1


@junction.wrong("the skip alone", "this is what comes by the skip: the branch sends something too, and they are added")
def _(delta, z, M1, M2):
    return delta.copy()


@junction.wrong("the branch alone", "this is what comes through the branch: the skip sends delta itself, add it")
def _(delta, z, M1, M2):
    return ((delta @ M2) * (1 - np.tanh(z) ** 2)) @ M1


@junction.wrong("averaged", "you take the mean of the two: y is a sum, so what its two terms send back is added")
def _(delta, z, M1, M2):
    return junction.solution(delta, z, M1, M2) / 2


@junction.wrong("multiplied", "you multiply what the skip and the branch send: they are added")
def _(delta, z, M1, M2):
    return delta * (((delta @ M2) * (1 - np.tanh(z) ** 2)) @ M1)


@junction.wrong("no slope", "the branch's tanh lacks its slope, 1 - tanh(z)^2, between M2 and M1")
def _(delta, z, M1, M2):
    return delta + delta @ M2 @ M1


@junction.wrong("z for h", "the slope is 1 - h^2 with h = tanh(z), and you have 1 - z^2")
def _(delta, z, M1, M2):
    return delta + ((delta @ M2) * (1 - z**2)) @ M1


@junction.wrong("M1 and M2 exchanged", "delta crosses the upper layer of the branch first: M2 before M1")
def _(delta, z, M1, M2):
    return delta + ((delta @ M1) * (1 - np.tanh(z) ** 2)) @ M2


@junction.wrong(
    "averaged over the batch", "divided by N here: e is each example's own; dW alone is a mean over the batch"
)
def _(delta, z, M1, M2):
    return junction.solution(delta, z, M1, M2) / len(delta)


@junction.wrong(
    "transposed", "your M1 and M2 are transposed: they stand where the transposes stand, so delta M2 as it is"
)
def _(delta, z, M1, M2):
    return delta + ((delta @ M2.T) * (1 - np.tanh(z) ** 2)) @ M1.T


# -- batch norm, forward ---------------------------------------------------------------------------------------------


def batch(rng, n, square):
    """z as rows, two rows and more, gamma and beta of both signs, and an eps that shows."""
    units = 6 if square else 5
    z = rng.normal(1.0, rng.uniform(0.5, 2, units), (6 if square else n + 3, units))
    return z, rng.normal(0, 1, units) + 0.2, rng.standard_normal(units), 0.1


def moments(answer, z, gamma, beta, eps):
    """How far the mean over rows is from beta, and the variance from gamma^2 var / (var + eps)."""
    h, var = answer(z, gamma, beta, eps), z.var(axis=0)
    return max(np.abs(h.mean(axis=0) - beta).max(), np.abs(h.var(axis=0) - gamma**2 * var / (var + eps)).max())


@exercise(
    "res.norm",
    draw=batch,
    batch=False,
    identity=Identity("each unit has the mean beta and the variance gamma^2 var / (var + eps)", moments),
    hints=(
        "mean and var are one number a unit: over the rows, axis 0.",
        "s = sqrt(var + eps), u = (z - mean) / s, and then gamma u + beta.",
        "np.var(z, axis=0) divides by the number of rows, as it should here.",
    ),
)
def norm(z, gamma, beta, eps):
    u = (z - z.mean(axis=0)) / np.sqrt(z.var(axis=0) + eps)
    return gamma * u + beta


@norm.wrong(
    "over units",
    "your mean and variance are those of each row, axis 1. That is layer norm: batch norm takes a unit over all rows",
)
def _(z, gamma, beta, eps):
    u = (z - z.mean(axis=1, keepdims=True)) / np.sqrt(z.var(axis=1, keepdims=True) + eps)
    return gamma * u + beta


@norm.wrong("one mean for all", "you take one mean and variance for the whole matrix: each unit has its own, axis=0")
def _(z, gamma, beta, eps):
    return gamma * (z - z.mean()) / np.sqrt(z.var() + eps) + beta


@norm.wrong(
    "unbiased", "you divide the squares by n - 1: the batch is normalised with n; n - 1 is for the running variance"
)
def _(z, gamma, beta, eps):
    return gamma * (z - z.mean(axis=0)) / np.sqrt(z.var(axis=0, ddof=1) + eps) + beta


@norm.wrong("no root", "you divide by the variance: the root is missing, s = sqrt(var + eps)")
def _(z, gamma, beta, eps):
    return gamma * (z - z.mean(axis=0)) / (z.var(axis=0) + eps) + beta


@norm.wrong("eps outside the root", "eps belongs under the root: s = sqrt(var + eps), not sqrt(var) + eps")
def _(z, gamma, beta, eps):
    return gamma * (z - z.mean(axis=0)) / (z.std(axis=0) + eps) + beta


@norm.wrong("no eps", "eps is missing: without it a unit that is the same in all rows divides by 0")
def _(z, gamma, beta, eps):
    return gamma * (z - z.mean(axis=0)) / z.std(axis=0) + beta


@norm.wrong("no gamma and beta", "this is u: it is scaled by gamma and shifted by beta, both of which learn")
def _(z, gamma, beta, eps):
    return (z - z.mean(axis=0)) / np.sqrt(z.var(axis=0) + eps)


@norm.wrong("gamma and beta exchanged", "gamma scales and beta shifts: you have them the other way round")
def _(z, gamma, beta, eps):
    return beta * (z - z.mean(axis=0)) / np.sqrt(z.var(axis=0) + eps) + gamma


@norm.wrong("not centred", "the mean is not subtracted")
def _(z, gamma, beta, eps):
    return gamma * z / np.sqrt(z.var(axis=0) + eps) + beta


# -- batch norm, backward --------------------------------------------------------------------------------------------


def told(rng, n, square):
    """e and z as rows, gamma and an eps that shows. e has a mean, and a part along z."""
    z, gamma, _, eps = batch(rng, n, square)
    return rng.standard_normal(z.shape) + 0.5 + 0.5 * z, z, gamma, eps


def against_differences(answer, e, z, gamma, eps):
    """How far it is from the derivative of <e, norm(z)> with respect to z."""
    step, found, due = 1e-5, answer(e, z, gamma, eps), np.empty_like(z)
    for place in np.ndindex(*z.shape):
        moved = step * np.eye(1, z.size, np.ravel_multi_index(place, z.shape)).reshape(z.shape)
        above, below = (norm.solution(z + sign * moved, gamma, 0 * gamma, eps) for sign in (1, -1))
        due[place] = (e * (above - below)).sum() / (2 * step)
    return np.abs(found - due).max()


@exercise(
    "res.delta",
    draw=told,
    batch=False,
    identity=Identity("it is the derivative of <e, norm(z)> by finite differences", against_differences),
    hints=(
        "z moves h in three ways: itself, through the mean, and through the variance. So delta has three terms.",
        "Make u and s as in norm. Means are over the rows, axis 0: mean(e), and mean(e u).",
        "delta = gamma / s (e - mean(e) - u mean(e u)).",
    ),
)
def delta(e, z, gamma, eps):
    s = np.sqrt(z.var(axis=0) + eps)
    u = (z - z.mean(axis=0)) / s
    return gamma / s * (e - e.mean(axis=0) - u * (e * u).mean(axis=0))


def pieces(z, eps):
    """(u, s)"""
    s = np.sqrt(z.var(axis=0) + eps)
    return (z - z.mean(axis=0)) / s, s


@delta.wrong(
    "statistics held fixed",
    "you take mean and variance for constants. That is right in evaluation; in training they depend on every row of z",
)
def _(e, z, gamma, eps):
    return gamma / pieces(z, eps)[1] * e


@delta.wrong("no mean of e", "the term of the mean is missing: z also moves the mean, so mean(e) is subtracted")
def _(e, z, gamma, eps):
    u, s = pieces(z, eps)
    return gamma / s * (e - u * (e * u).mean(axis=0))


@delta.wrong("no term of the variance", "the term of the variance is missing: subtract u mean(e u)")
def _(e, z, gamma, eps):
    return gamma / pieces(z, eps)[1] * (e - e.mean(axis=0))


@delta.wrong("no mean of e u", "you subtract u (e u) row by row: mean(e u) is one number a unit, over all rows")
def _(e, z, gamma, eps):
    u, s = pieces(z, eps)
    return gamma / s * (e - e.mean(axis=0) - u * (e * u))


@delta.wrong("sums for means", "you subtract sums over the rows where means are due")
def _(e, z, gamma, eps):
    u, s = pieces(z, eps)
    return gamma / s * (e - e.sum(axis=0) - u * (e * u).sum(axis=0))


@delta.wrong("no gamma", "gamma is missing: h = gamma u + beta, so e is multiplied by gamma on its way to u")
def _(e, z, gamma, eps):
    u, s = pieces(z, eps)
    return (e - e.mean(axis=0) - u * (e * u).mean(axis=0)) / s


@delta.wrong("not divided by s", "the division by s is missing: u = (z - mean) / s")
def _(e, z, gamma, eps):
    u, s = pieces(z, eps)
    return gamma * (e - e.mean(axis=0) - u * (e * u).mean(axis=0))


@delta.wrong("divided by the variance", "you divide by var + eps where its root s is due")
def _(e, z, gamma, eps):
    u, s = pieces(z, eps)
    return gamma / s**2 * (e - e.mean(axis=0) - u * (e * u).mean(axis=0))


@delta.wrong("z for u", "you have z in the last term where u = (z - mean) / s is due")
def _(e, z, gamma, eps):
    return gamma / pieces(z, eps)[1] * (e - e.mean(axis=0) - z * (e * z).mean(axis=0))


# -- running values --------------------------------------------------------------------------------------------------


def remembered(rng, n, square):
    """Running mean and variance, a batch of rows, and the weight of the newest batch."""
    z, _, _, _ = batch(rng, n, square)
    units = z.shape[1]
    return rng.standard_normal(units), rng.uniform(0.5, 2, units), z, float(rng.choice([0.1, 0.2, 0.3]))


@exercise(
    "res.running",
    draw=remembered,
    batch=False,
    hints=(
        "An exponential average: the old value moves a share of momentum of the way to the batch's.",
        "mean + momentum * (z.mean(axis=0) - mean), as a new array, and the same for the variance.",
        "The batch's variance is the unbiased one here, an estimate of that of all data: z.var(axis=0, ddof=1).",
    ),
)
def running(mean, var, z, momentum):
    mean = mean + momentum * (z.mean(axis=0) - mean)
    return mean, var + momentum * (z.var(axis=0, ddof=1) - var)


@running.wrong(
    "momentum of the old",
    "your momentum weighs the old value: here, as in most libraries' batch norm, it is the weight of the newest batch",
)
def _(mean, var, z, momentum):
    mean = momentum * mean + (1 - momentum) * z.mean(axis=0)
    return mean, momentum * var + (1 - momentum) * z.var(axis=0, ddof=1)


@running.wrong("biased", "the mean is right, but the running variance takes the unbiased one, with n - 1: ddof=1")
def _(mean, var, z, momentum):
    mean = mean + momentum * (z.mean(axis=0) - mean)
    return mean, var + momentum * (z.var(axis=0) - var)


@running.wrong("deviation", "you average the standard deviation: it is the variance that runs")
def _(mean, var, z, momentum):
    mean = mean + momentum * (z.mean(axis=0) - mean)
    return mean, var + momentum * (z.std(axis=0, ddof=1) - var)


@running.wrong("nothing forgotten", "you add a share of the batch's values, but the old ones do not lose theirs")
def _(mean, var, z, momentum):
    return mean + momentum * z.mean(axis=0), var + momentum * z.var(axis=0, ddof=1)


@running.wrong("the last batch's", "these are the newest batch's values: the older ones count too")
def _(mean, var, z, momentum):
    return z.mean(axis=0), z.var(axis=0, ddof=1)


@running.wrong(
    "around the running mean", "your variance is taken around the running mean: it is around the batch's own"
)
def _(mean, var, z, momentum):
    new = mean + momentum * (z.mean(axis=0) - mean)
    return new, var + momentum * (((z - new) ** 2).sum(axis=0) / (len(z) - 1) - var)


@running.wrong("changes its arguments")
def _(mean, var, z, momentum):
    mean += momentum * (z.mean(axis=0) - mean)
    var += momentum * (z.var(axis=0, ddof=1) - var)
    return mean, var


# -- merged -----------------------------------------------------------------------------------------------------------


def trained(rng, n, square):
    """W, b, gamma, beta, the running mean and variance, and an eps that shows."""
    fan_in, units = sizes(rng, 2, square)
    gamma, beta, b, mean = (rng.standard_normal(units) for _ in range(4))
    return rng.standard_normal((fan_in, units)), b, gamma, beta, mean, rng.uniform(0.3, 3, units), 0.1


def not_merged(answer, W, b, gamma, beta, mean, var, eps):
    """How far x W' + b' is from batch norm in evaluation of x W + b, for a random x."""
    x = np.random.default_rng(0).standard_normal((5, len(W)))
    W_new, b_new = answer(W, b, gamma, beta, mean, var, eps)
    due = gamma * (x @ W + b - mean) / np.sqrt(var + eps) + beta
    return np.abs(x @ W_new + b_new - due).max()


@exercise(
    "res.merged",
    draw=trained,
    batch=False,
    identity=Identity("x W' + b' is batch norm of x W + b, for a random x", not_merged),
    hints=(
        "Write h = gamma (x W + b - mean) / s + beta, and sort it: what multiplies x, and what does not?",
        "Each unit, a column of W, is multiplied by gamma / s, with s = sqrt(var + eps).",
        "W' = W gamma / s and b' = beta + (b - mean) gamma / s.",
    ),
)
def merged(W, b, gamma, beta, mean, var, eps):
    scale = gamma / np.sqrt(var + eps)
    return W * scale, beta + (b - mean) * scale


@merged.wrong("mean left out", "the running mean is missing from b': z - mean is what is scaled")
def _(W, b, gamma, beta, mean, var, eps):
    scale = gamma / np.sqrt(var + eps)
    return W * scale, beta + b * scale


@merged.wrong("b left out", "b is missing from b': z = x W + b is what batch norm gets")
def _(W, b, gamma, beta, mean, var, eps):
    scale = gamma / np.sqrt(var + eps)
    return W * scale, beta - mean * scale


@merged.wrong("mean not scaled", "the mean is subtracted before the scaling, so it is scaled too: (b - mean) gamma / s")
def _(W, b, gamma, beta, mean, var, eps):
    scale = gamma / np.sqrt(var + eps)
    return W * scale, beta + b * scale - mean


@merged.wrong("b not scaled", "b is part of z, so it is scaled as W is: (b - mean) gamma / s")
def _(W, b, gamma, beta, mean, var, eps):
    scale = gamma / np.sqrt(var + eps)
    return W * scale, beta + b - mean * scale


@merged.wrong("beta scaled", "beta is added after the scaling: it stays as it is")
def _(W, b, gamma, beta, mean, var, eps):
    scale = gamma / np.sqrt(var + eps)
    return W * scale, (beta + b - mean) * scale


@merged.wrong("no root", "you divide by the variance: s = sqrt(var + eps)")
def _(W, b, gamma, beta, mean, var, eps):
    scale = gamma / (var + eps)
    return W * scale, beta + (b - mean) * scale


@merged.wrong("no gamma", "gamma is missing: the scale is gamma / s")
def _(W, b, gamma, beta, mean, var, eps):
    scale = 1 / np.sqrt(var + eps)
    return W * scale, beta + (b - mean) * scale


@merged.wrong("rows scaled", "you scale the rows of W: a unit is a column, W is (fan_in, units)")
def _(W, b, gamma, beta, mean, var, eps):
    scale = gamma / np.sqrt(var + eps)
    return W * scale[:, None], beta + (b - mean) * scale
