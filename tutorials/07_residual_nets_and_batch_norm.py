# %% [markdown]
# # 07 Residual nets and batch norm
#
# **You will be able to** carry a learning signal through a junction and through batch norm, whatever rule sends it; say
# what batch norm takes out of it, and why a net answers otherwise in evaluation than in training; and see how a skip
# hands down a signal that random feedback would lose.
#
# **You need** notebook 06 ($e = \mathrm{fold}(\delta M)$, and that $M$ stands where $W^\top$ stands), and with it
# feedback alignment (FA, notebook 02) and direct feedback alignment (DFA, notebook 04).

# %%
import matplotlib.pyplot as plt
import numpy as np

import numpyfa as fa
from numpyfa import metrics, show
from numpyfa.course import check
from numpyfa.lab.looks import BLUE, VERMILION

# %% [markdown]
# ## 1. A junction
#
# A residual block adds a branch to what came in (He et al. 2016):
#
# $$z = x W_1, \qquad y = x + \tanh(z)\, W_2$$
#
# $x$ feeds two: the sum, and the branch. Whoever feeds several is told by all of them, and what they say is added. At
# the sum itself, the *junction*, there are no weights: what it is told, each of its sources is told. So with $\delta$
# at $y$, and $M_1$ and $M_2$ where $W_1^\top$ and $W_2^\top$ stand,
#
# $$e = \delta + \big((\delta M_2) \odot f'(z)\big) M_1$$
#
# The first term comes by the skip. It is exact under every rule that goes layer by layer, for there is nothing to
# replace.
#
# ### Exercise 1: the junction
#
# Write `junction(delta, z, M1, M2)`: $e$ at $x$. Hints: `check.hint("res.junction")`.


# %%
def junction(delta, z, M1, M2):
    """e (N, units) at x, from delta (N, units) at y; z (N, hidden), M1 (hidden, units), M2 (units, hidden)."""
    # BEGIN SOLUTION
    return delta + ((delta @ M2) * (1 - np.tanh(z) ** 2)) @ M1
    # END SOLUTION


junction = check("res.junction", junction).working  # yours if it is right, and ours until then

# %% [markdown]
# How far does one block turn the signal under feedback alignment? Say that $\delta$ is backpropagation's, and that the
# branch sends $b$ under backpropagation and $b'$ under FA. As long as nothing has aligned, $b$ and $b'$ are *nearly* at
# right angles to each other and to $\delta$, as random vectors of many numbers are. If they are $r$ and $r'$ times as
# long as $\delta$,
#
# $$\cos\theta = \frac{\langle \delta + b,\ \delta + b' \rangle}{|\delta + b|\,|\delta + b'|}
#   \approx \frac{1}{\sqrt{(1 + r^2)(1 + r'^2)}}$$
#
# which is $1/(1 + r^2)$ if both are $r$. Without the skip it is the angle of $b$ to $b'$: 90 degrees, whatever their
# lengths. Measured with random matrices, where both are drawn alike:


# %%
def angle(a, b):
    """The mean over rows of the angle between a's row and b's, in degrees."""
    cosine = (a * b).sum(axis=1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)
    return np.degrees(np.arccos(cosine)).mean()


rng = np.random.default_rng(0)
delta_y, z = rng.standard_normal((2, 200, 300))
W1, W2, B1, B2 = rng.standard_normal((4, 300, 300)) / 300**0.5
sizes, skip, plain = [], [], []
for scale in (0.1, 0.5, 1, 1.5, 2, 3, 4):
    true, mine = junction(delta_y, z, W1.T, scale * W2.T), junction(delta_y, z, B1, scale * B2)
    sizes.append(np.linalg.norm(true - delta_y) / np.linalg.norm(delta_y))
    skip.append(angle(mine, true))
    plain.append(angle(mine - delta_y, true - delta_y))
r = np.linspace(0, max(sizes), 100)
figure, axes = plt.subplots(figsize=(6, 3.2), layout="constrained")
axes.plot(r, np.degrees(np.arccos(1 / (1 + r**2))), color="0.5", lw=1, label="arccos(1 / (1 + r²))")
axes.plot(sizes, skip, "o", color=BLUE, label="with the skip")
axes.plot(sizes, plain, "s", color=VERMILION, mfc="none", label="without: the branch alone")
axes.set(xlabel="r: size of what the branch sends, relative to delta", ylabel="angle of FA's e to BP's (degrees)")
axes.set(ylim=(0, 100))
axes.legend(loc="lower right")
plt.show()

# %% [markdown]
# ## 2. Batch norm, forward
#
# Batch norm (Ioffe and Szegedy 2015) takes each unit over the rows of a batch, and gives it a mean and a scale that
# learn:
#
# $$u = \frac{z - \mathrm{mean}(z)}{s}, \quad s = \sqrt{\mathrm{var}(z) + \epsilon}, \qquad h = \gamma\, u + \beta$$
#
# mean and var are one number a unit, over the rows. In a convolution rows are patches, so they are taken over the
# examples and the places: one number a channel. Nothing new is needed.
#
# ### Exercise 2: norm
#
# Write `norm(z, gamma, beta, eps)`.


# %%
def norm(z, gamma, beta, eps):
    """h (rows, units) from z (rows, units), with gamma and beta (units)."""
    # BEGIN SOLUTION
    u = (z - z.mean(axis=0)) / np.sqrt(z.var(axis=0) + eps)
    return gamma * u + beta
    # END SOLUTION


norm = check("res.norm", norm).working

# %% [markdown]
# ## 3. Batch norm, backward
#
# Batch norm is the one local operation of a net in which the examples of a batch meet: each row of $z$ moves mean and
# variance, and so every row of $h$. Hence $\delta$ has three terms. Write $L = \langle e, h \rangle$, with $n$ rows:
#
# - straight through $u$: $\gamma\, e / s$
# - through the mean: $\partial u / \partial\,\mathrm{mean} = -1/s$ for all rows, and a row is $1/n$ of the mean. It
#   gives $-\gamma\, \mathrm{mean}(e) / s$.
# - through the variance: $\partial u / \partial\,\mathrm{var} = -u / (2 s^2)$, and
#   $\partial\,\mathrm{var} / \partial z = 2 s u / n$. It gives $-\gamma\, u\, \mathrm{mean}(e u) / s$.
#
# $$\delta = \frac{\gamma}{s}\big(e - \mathrm{mean}(e) - u\, \mathrm{mean}(e u)\big)$$
#
# ### Exercise 3: delta
#
# Write `delta(e, z, gamma, eps)`. `check` proves it by finite differences.


# %%
def delta(e, z, gamma, eps):
    """delta at z (rows, units), from e at h (rows, units)."""
    # BEGIN SOLUTION
    s = np.sqrt(z.var(axis=0) + eps)
    u = (z - z.mean(axis=0)) / s
    return gamma / s * (e - e.mean(axis=0) - u * (e * u).mean(axis=0))
    # END SOLUTION


delta = check("res.delta", delta).working

# %% [markdown]
# Look at the formula again. To predict $e$ from $u$ by a straight line, the best line has the height $\mathrm{mean}(e)$
# and the slope $\mathrm{mean}(e u)$ (as $u$ has mean 0 and variance 1, but for $\epsilon$). So $\delta$ **is what is
# left of $e$ when that line is taken away**, times $\gamma / s$:

# %%
z = rng.normal(3, 2, (60, 1))
e = 0.8 + 0.7 * (z - 3) / 2 + 0.5 * rng.standard_normal((60, 1))
u, found = norm(z, 1, 0, 1e-5), delta(e, z, 1, 1e-5)
figure, (left, right) = plt.subplots(1, 2, figsize=(8, 3), layout="constrained", sharey=True)
left.plot(u, e, "o", ms=4, mfc="none", color=BLUE)
left.plot([-3, 3], e.mean() + (e * u).mean() * np.array([-3, 3]), color=VERMILION, label="mean(e) + u mean(e u)")
right.plot(u, found * np.sqrt(z.var() + 1e-5), "o", ms=4, mfc="none", color=BLUE)
right.plot([-3, 3], [0, 0], color=VERMILION)
left.set(xlabel="u, one unit, one dot a row", ylabel="e")
right.set(xlabel="u", ylabel="delta s / gamma", title="what batch norm lets through")
left.legend()
plt.show()

# %% [markdown]
# ### What this does to the signals of feedback alignment
#
# Nothing in the derivation asked where $e$ comes from. So under FA, DFA or any other rule $\delta$ below a batch norm
# has no part along 1 and none along $u$: $\sum \delta = 0$ and $\langle \delta, u \rangle = 0$ for each unit. Two
# things follow, under every rule that uses this $\delta$ (and without weight decay):
#
# - $db = \sum \delta / N = 0$: a bias in front of batch norm never learns. So these convolutions have none.
# - $\langle dW, W \rangle = \langle \delta, x W \rangle / N = 0$ for each unit: an update is at right angles to the
#   weights (but for $\epsilon$). By Pythagoras $|W|^2$ grows by $\mathrm{lr}^2 |dW|^2$ at each step of plain gradient
#   descent, and never shrinks. Since $h$ does not depend on the length of $W$, longer weights only mean that later
#   steps turn it less: large signals slow themselves down.
#
# Here is a small residual net on MNIST: a convolution that makes 7 x 7 maps, two blocks, a mean over the places and the
# output layer. `padding` puts a rim of zeros around an image, so that a block's maps keep their size. `skip=False`
# leaves the skips out, as a control; the weights are the same. Its layer 3 ends in batch norm:


# %%
def conv(kernel, *tail, stride=1):
    """A convolution of 16 channels with batch norm and no bias."""
    return fa.Conv(16, kernel, fa.BatchNorm(), *tail, stride=stride, padding=kernel // 2, bias=False)


def residual(seed=0, skip=True, dtype="float32"):
    """Layer 1, the blocks 2 to 4 and 5 to 7, each two convolutions and their junction, and the output layer 8."""
    layers = [conv(5, "relu", stride=4)]
    for pool in ([], [fa.GlobalAvgPool()]):
        layers += [conv(3, "relu"), conv(3), fa.Junction("relu", *pool, sources=(-1, -3) if skip else (-1,))]
    net = fa.Network((28, 28, 1), [*layers, fa.Dense(10)], seed=seed, init="he", dtype=dtype)
    net.standardise(*data.statistics())
    return net


data, loss = fa.load("mnist").part(1000, 500), fa.SoftmaxCrossEntropy()
labels = fa.one_hot(data.y_train, 10, "float64")
net = residual(dtype="float64")
rule = fa.FA(net)
x = net.to_float(net.as_input(data.x_train))
traces = net.forward(x[:50], train=True)
signals = dict(rule.signals(traces, loss.output(net, traces, labels[:50])))
layer, e = net[3], signals[3].e.reshape(-1, 16)
z = layer.weigh(traces[3].x, layer.W)
mine, u = delta(e, z, layer.tail[0].gamma, layer.tail[0].eps), norm(z, 1, 0, layer.tail[0].eps)
dW = layer.gradients(traces[3], signals[3])["W"]
size = np.abs(mine).sum(axis=0)
print(f"your delta and the library's differ by {abs(mine - signals[3].delta).max():.0e}")
print(f"under FA, each relative to its own size: sum of e {abs(e.sum(axis=0) / np.abs(e).sum(axis=0)).max():.2f}, "
      f"sum of delta {abs(mine.sum(axis=0) / size).max():.0e}, "
      f"<delta, u> {abs((mine * u).sum(axis=0) / size).max():.0e}")  # fmt: skip
cosine = (dW * layer.W).sum(axis=0) / np.linalg.norm(dW, axis=0) / np.linalg.norm(layer.W, axis=0)
off = np.abs(np.degrees(np.arccos(cosine)) - 90).max()
print(f"angle of dW to W, unit by unit: it differs from 90 degrees by at most {off:.3f}")

# %% [markdown]
# $\langle \delta, u \rangle$ is not quite 0: $\epsilon$ makes the variance of $u$ a little less than 1. Now twenty
# steps by FA, without momentum, and Pythagoras:

# %%
optimizer, length, grown = fa.SGD(lr=0.5), np.linalg.norm(layer.W), 0.0
for step in range(20):
    before = layer.W.copy()
    fa.train_step(net, rule, loss, optimizer, x[50 * step :][:50], labels[50 * step :][:50])
    grown += np.linalg.norm(layer.W - before) ** 2
print(
    f"|W|^2 has grown by {np.linalg.norm(layer.W) ** 2 - length**2:.4f}; the squares of the updates sum to {grown:.4f}"
)

# %% [markdown]
# ## 4. Running values, and evaluation
#
# A single image has no batch. So for evaluation batch norm keeps *running values*: after each training batch the
# running mean and variance move a share `momentum` of the way to the batch's. (This is not the optimiser's momentum.)
# They estimate what holds for all data, so the variance that goes in is the unbiased one, with $n - 1$. Normalising the
# batch itself takes $n$, as in Exercise 2.
#
# ### Exercise 4: running values
#
# Write `running(mean, var, z, momentum)`: the new pair. Leave the arrays that you are given as they are.


# %%
def running(mean, var, z, momentum):
    """The new (mean, var), both (units), after a batch z (rows, units)."""
    # BEGIN SOLUTION
    mean = mean + momentum * (z.mean(axis=0) - mean)
    return mean, var + momentum * (z.var(axis=0, ddof=1) - var)
    # END SOLUTION


running = check("res.running", running).working

# %% [markdown]
# The running values begin at 0 and 1 and need some batches to arrive. Until then a net can answer better by the batch's
# own values than in evaluation, and so it may whenever the data change. The first steps of the residual net, by
# backpropagation:

# %%
mean, var = np.zeros(1), np.ones(1)
for batches in range(1, 41):
    mean, var = running(mean, var, rng.normal(3, 2, (50, 1)), 0.1)
    if batches in (1, 5, 10, 40):
        print(
            f"after {batches:2} batches with mean 3 and variance 4: running mean {mean[0]:.2f}, variance {var[0]:.2f}"
        )


def errors(net):
    """The error in percent on 200 test images by the running values, and by the statistics of these images."""
    x = net.to_float(net.as_input(data.x_test[:200]))
    return [
        100 * (net.forward(x, train=mode)[8].h.argmax(axis=1) != data.y_test[:200]).mean() for mode in (False, True)
    ]


net = residual(seed=1)
rule, optimizer, x = fa.BP(net), fa.SGD(lr=0.1), net.to_float(net.as_input(data.x_train))
for step in range(1, 41):
    at = slice(50 * step % 1000, 50 * step % 1000 + 50)
    fa.train_step(net, rule, loss, optimizer, x[at], labels[at].astype("float32"))
    if step in (1, 5, 10, 40):
        print(
            "after {:2} steps: error {:.0f} % in evaluation, {:.0f} % by the batch's own values".format(
                step, *errors(net)
            )
        )

# %% [markdown]
# In evaluation mean and variance are constants. Then $\delta = \gamma e / s$, which is what you would get in training
# if you forgot two of the three terms. And $h$ is affine in $x$, so batch norm can be merged into the weights before
# it:
#
# $$h = \gamma\,\frac{x W + b - \mathrm{mean}}{s} + \beta = x W' + b'$$
#
# ### Exercise 5: merged
#
# Write `merged(W, b, gamma, beta, mean, var, eps)`: the pair $(W', b')$. People do this to nets that are only used.


# %%
def merged(W, b, gamma, beta, mean, var, eps):
    """(W', b') that do what W, b and batch norm in evaluation do; W (fan_in, units), all others (units)."""
    # BEGIN SOLUTION
    scale = gamma / np.sqrt(var + eps)
    return W * scale, beta + (b - mean) * scale
    # END SOLUTION


merged = check("res.merged", merged).working

# %% [markdown]
# On layer 3 of the net that has just been trained:

# %%
layer, traces = net[3], net.forward(x[:50])
tail = layer.tail[0]
W_new, b_new = merged(layer.W, 0, tail.gamma, tail.beta, tail.mean, tail.var, tail.eps)
h = (layer.weigh(traces[3].x, W_new) + b_new).reshape(traces[3].h.shape)
print(f"largest difference to convolution and batch norm: {abs(h - traces[3].h).max():.0e}")

# %% [markdown]
# ## 5. A residual net under feedback alignment
#
# Section 1 says what to expect: a block with a skip turns the signal by less than 90 degrees even before anything has
# aligned. So measure that at the first step. Take FA's own $\delta$ at the upper end of a block, and carry it down to
# the lower end twice: by FA, and by backpropagation. The angle between the two is what this block adds. The control is
# the same pair without what came by the skip, $e - \delta$: the branch alone, in the same net, on the same images.


# %%
def look(rule):
    """What the angles need: traces and the loss's output for 200 images."""
    net = rule.net
    traces = net.forward(net.to_float(net.as_input(data.x_train[:200])), train=True)
    return traces, loss.output(net, traces, labels[:200].astype("float32"))


def carried(rule, signal, traces, output, upper, lower):
    """e at layer `lower` that a rule makes of a signal at layer `upper`, by all ways down, (200, units)."""
    told = {}
    for number in range(upper, lower, -1):
        layer = rule.net[number]
        here = signal if number == upper else layer.backward(traces[number], told[number])
        for source in rule.net.sources[number]:
            told[source] = told.get(source, 0) + rule.send(layer, traces[number], here, output)
    return told[lower].reshape(200, -1)


def blocks(seed, skip):
    """(angle of e, angle of the branch alone, r, r', the angle that r and r' give) of the upper block and the lower."""
    rule = fa.FA(residual(seed, skip), seed=seed)
    traces, output = look(rule)
    signals, found = dict(rule.signals(traces, output)), []
    for upper, lower in ((7, 4), (4, 1)):
        above = signals[upper].delta.reshape(200, -1)
        true, mine = (carried(each, signals[upper], traces, output, upper, lower) for each in (fa.BP(rule.net), rule))
        branches = true - skip * above, mine - skip * above
        r, r_fa = (np.linalg.norm(branch) / np.linalg.norm(above) for branch in branches)
        due = np.degrees(np.arccos(((1 + r**2) * (1 + r_fa**2)) ** -0.5)) if skip else 90
        found.append((angle(mine, true), angle(*branches), r, r_fa, due))
    return found


for skip in (True, False):
    print("with skips" if skip else "without skips")
    for block, found in zip(("upper", "lower"), np.mean([blocks(seed, skip) for seed in (0, 1, 2)], axis=0)):
        words = "    {} block: {:.0f} degrees, its branch alone {:.0f}; r = {:.1f} and r' = {:.1f}, which give {:.0f}"
        print(words.format(block, *found))

# %% [markdown]
# The formula fits. The skip's way *down* alone makes the difference, since the branch alone, after the same way up, is
# at 90 degrees. Note the sizes: FA's branch sends less than backpropagation's here, as its $B$ is drawn smaller than
# $W$. So what FA hands down is mostly what came by the skip, and most of the angle is what backpropagation's branch
# adds and FA's does not.
#
# Then train, by FA and by backpropagation, with and without the skips: 1000 images, three seeds, the same weights,
# feedback, order and learning rate in both nets.


# %%
def train(kind, skip, seed, epochs=5):
    """The trained rule, and the test error of its net in percent."""
    net = residual(seed, skip)
    rule, optimizer = kind(net, seed=seed), fa.SGD(lr=0.1, momentum=0.9)
    x, y = net.to_float(net.as_input(data.x_train)), labels.astype("float32")
    for epoch in range(epochs):
        for at in np.random.default_rng([seed, epoch]).permutation(1000).reshape(-1, 50):
            fa.train_step(net, rule, loss, optimizer, x[at], y[at])
    return rule, fa.evaluate(net, loss, net.as_input(data.x_test), data.y_test)[1]


angles = {}
for skip in (True, False):
    runs = [train(fa.FA, skip, seed) for seed in (0, 1, 2)]
    angles[skip] = [metrics.delta_angle(rule, *look(rule)) for rule, _ in runs]
    print(f"FA, {'with skips' if skip else 'without'}: test errors {', '.join(f'{error:.0f}' for _, error in runs)} %")
    show.angles(runs[0][0].net, angles[skip][0], title=f"FA {'with' if skip else 'without'} skips, seed 0")
    plt.show()
print(f"BP, with skips: test error {train(fa.BP, True, 0)[1]:.0f} %")

# %%
figure, axes = plt.subplots(figsize=(7, 3.2), layout="constrained")
for skip, marker, style, label in ((True, "o", "-", "with skips"), (False, "s", "--", "without")):
    numbers = np.array(list(angles[skip][0]))
    values = np.array([list(each.values()) for each in angles[skip]])
    axes.plot(numbers, values.mean(axis=0), marker + style, color=BLUE if skip else VERMILION, label=label)
    axes.plot(numbers, values.T, marker, ms=3, mfc="none", color=BLUE if skip else VERMILION, alpha=0.6)
names = {1: "conv 1", 2: "conv 2", 3: "conv 3", 4: "sum 4", 5: "conv 5", 6: "conv 6", 7: "sum 7"}
axes.axhline(90, color="0.6", lw=1, ls=":")
axes.set(xticks=list(names), xticklabels=names.values(), ylim=(0, 100), ylabel="angle to BP's delta (degrees)")
axes.set(title="FA after five epochs: three seeds, and their mean", xlabel="layer; the output is to the right")
axes.legend(loc="lower left")
plt.show()

# %% [markdown]
# The output layer has aligned with its $B$, so the last junction hears something useful in both nets. Without skips
# that gets lost on the way: the lower block is at 90 degrees. With skips the lower junction and what lies right below
# it keep most of it. *Within* a block the convolution that sits under a random kernel (2 and 5) has a worse angle than
# its neighbours: skips help those who are on them.
#
# The figure may claim this much. Only the skips differ, on the way up and on the way down. The first step's angles,
# before any training, show that the way down alone is enough for it. The figure does not say that FA trains residual
# nets well. The errors are of one learning rate for all, which nobody tuned, so compare none of them. `docs/results.md`
# has ResNet-20 on Fashion-MNIST from one seed: FA is well behind backpropagation there, and feedback that learns comes
# near.
#
# And batch norm? Section "Batch norm, on equal terms" of the same page has every rule with and without it, each with a
# learning rate of its own, in another net: without batch norm backpropagation loses nothing, FA and DFA lose several
# points of test error or more.
#
# ## Open question
#
# The skip's way back has the weights of its way there, all of them 1. Is that weight transport? And if FA does better
# with skips: do the branches learn anything, or does the net learn in spite of them? Which control would tell?
#
# ## Sources
#
# - He, Zhang, Ren and Sun (2016), *Deep residual learning for image recognition*.
# - Ioffe and Szegedy (2015), *Batch normalization: accelerating deep network training by reducing internal covariate
#   shift*.
# - Webster, Choi and Ahn (2021, submitted to ICLR), *Learning the connections in direct feedback alignment*: about
#   feedback that learns; their nets have batch norm.
# - Li and Benna (2024), *Deep learning without weight symmetry*: product feedback, in residual nets up to ResNet-18.
# - In the library: `numpyfa/layers.py` has the junction, `numpyfa/local/batchnorm.py` batch norm, `numpyfa/models.py`
#   the residual nets (`fa.resnet8` is small), and `numpyfa/laws/local.py` what proves batch norm.

# %%
check.progress()
