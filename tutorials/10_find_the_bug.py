# %% [markdown]
# # 10 Find the bug
#
# **You will be able to** say which check can see which kind of mistake, choose the check before you look, and repair
# five functions, of layers, rules and a measure, that are wrong in nets that learn all the same.
#
# **You need** notebooks 01 and 02. What is needed of convolutions and of Kolen-Pollack is said where it is used;
# notebooks 05 and 06 have more.

# %%
import matplotlib.pyplot as plt
import numpy as np

import numpyfa as fa
from numpyfa import show
from numpyfa.course import check
from numpyfa.gradcheck import gradient_checks
from numpyfa.lab.looks import BLUE, VERMILION
from numpyfa.losses import softmax

# %% [markdown]
# ## 1. What a curve does not say
#
# A net learns if its updates point roughly downhill. So a wrong update often learns too, and its curve looks like any
# other. What tells that it is wrong is a *check*: a statement that must hold to rounding if the code is what it is
# called, whatever the data are. Five kinds of check find most mistakes in learning rules:
#
# 1. **Finite differences.** Is this the derivative of that number?
# 2. **The adjoint identity.** Two linear maps that belong together, up and down:
#    $\langle A x, r \rangle = \langle x, A^\top r \rangle$ for any $x$ and $r$.
# 3. **Set $B = W^\top$.** What differs from backpropagation by $B$ alone must now be backpropagation.
# 4. **The second batch.** Call it twice: what has the first call left behind?
# 5. **A law.** Something that must add up, stay, or shrink by a known factor.
#
# Every broken function below is a mistake that implementations have made, written afresh, or a close relative of one.
# Each section shows it, trains with it, and then makes two checks, of which one sees nothing. **Before you run that
# cell, say which of the two will see it.** Then repair the function. The broken one stays where it is.
#
# One small training loop serves all of them:

# %%
digits = fa.load("mnist").part(1000, 1000)
labels = digits.y_train
curves = {}  # what each section leaves for the figure at the end


def percent_wrong(net, images, labels):
    return 100 * (net.forward(images)[net.last.number].h.argmax(axis=1) != labels).mean()


def learn(net, rule, loss, lr, numbers=range(1000), epochs=6):
    """Train on the examples of these numbers; return the test error in percent at first and after each epoch."""
    x, x_test = (net.to_float(net.as_input(images)) for images in (digits.x_train, digits.x_test))
    y, sgd = np.eye(10, dtype=net.dtype)[labels], fa.SGD(lr)
    curve = [percent_wrong(net, x_test, digits.y_test)]
    for epoch in range(epochs):
        for batch in np.random.default_rng(epoch).permutation(numbers).reshape(-1, 20):
            fa.train_step(net, rule, loss, sgd, x[batch], y[batch])
        curve.append(percent_wrong(net, x_test, digits.y_test))
    return curve


def listed(curve):
    return " ".join(f"{each:.0f}" for each in curve)


# %% [markdown]
# ## 2. One to warm up: nothing to choose by
#
# A learning rate is chosen by the error on examples that were held out. This function cuts the numbers of the examples
# into those to train on and those to choose by:


# %%
def broken_split(n, part, rng):
    """n - part numbers to train on, and `part` other ones to choose by, from 0 to n - 1 in random order."""
    order = rng.permutation(n - part)
    return order[: n - part], order[n - part :]


def choose(split):
    train, held_out = split(1000, 200, np.random.default_rng(0))
    errors = {}
    for lr in (0.001, 0.01, 0.1):
        net = fa.mlp("784-10")
        learn(net, fa.BP(net), fa.SoftmaxCrossEntropy(), lr, train, epochs=2)
        x = net.to_float(net.as_input(digits.x_train))
        wrong = (net.forward(x)[1].h.argmax(axis=1) != labels)[held_out]
        errors[lr] = 100 * float(wrong.sum() / np.float64(len(held_out)))
    said = ", ".join(f"{error:.0f} % with lr {lr}" for lr, error in errors.items())
    print(f"held-out error: {said}; {min(errors, key=errors.get)} is chosen")


with np.errstate(invalid="ignore"):  # NumPy would warn once; in the log of a long run nobody sees it
    choose(broken_split)

# %% [markdown]
# Every net was trained, a learning rate was chosen, and no line failed. But the errors are NaN, the mean of nothing;
# every comparison with NaN is false, so the first candidate wins. The check is a law: the parts add up to the whole,
# and each is as large as was asked for.


# %%
def split(n, part, rng):
    order = rng.permutation(n)
    return order[: n - part], order[n - part :]


for each in (broken_split, split):
    train, held_out = each(1000, 200, np.random.default_rng(0))
    both = len(set(train) | set(held_out))
    print(
        f"{each.__name__}: {len(train)} + {len(held_out)} examples, {both} different ones; 800 + 200 and 1000 are due"
    )
choose(split)

# %% [markdown]
# ## 3. Through softmax
#
# Take $h = p = \mathrm{softmax}(z)$ as the output and the squared error $\frac12 |p - y|^2$ as the loss. Then
# $e = p - y$ is the derivative by $p$, and it has yet to go through softmax to become $\delta$, the derivative by $z$.
# Somebody knew that the slope is $p (1 - p)$:


# %%
def broken_softmax_back(e, p):
    """delta, (N, outputs), from e at p = softmax(z), (N, outputs), and p."""
    return e * p * (1 - p)


def output_of(back):
    """A softmax as a part of a layer, whose way back is `back`."""

    class Softmax(fa.Local):
        def forward(self, z, train=False, noise=None):
            p = softmax(z)
            return p, p  # what comes out, and what is kept for the way back

        def backward(self, e, p):
            return back(e, p), {}

    return Softmax()


def train_softmax(back):
    net = fa.Network(784, [fa.Dense(50, "tanh"), fa.Dense(10, output_of(back))])
    return learn(net, fa.BP(net), fa.SquaredError(), 0.5)


curves["softmax", "broken"] = train_softmax(broken_softmax_back)
print("test error (%) by epoch:", listed(curves["softmax", "broken"]))

# %% [markdown]
# It learns. Two checks: does one step of training lower the loss of its batch? And is `dW` the derivative of the loss,
# by finite differences? **Which of the two sees the bug?**


# %%
def descent(back):
    net = fa.Network(6, [fa.Dense(5, "tanh"), fa.Dense(3, output_of(back))], dtype="float64")
    x, y = np.random.default_rng(0).standard_normal((4, 6)), np.eye(3)[[0, 1, 2, 0]]
    before, after = (fa.train_step(net, fa.BP(net), fa.SquaredError(), fa.SGD(0.1), x, y) for _ in range(2))
    print(f"loss before a step {before:.4f}, after it {after:.4f}")


def differences(back):
    net = fa.Network(6, [fa.Dense(5, "tanh"), fa.Dense(3, output_of(back))], dtype="float64")
    x, y = np.random.default_rng(0).standard_normal((4, 6)), np.eye(3)[[0, 1, 2, 0]]
    for each in gradient_checks(net, fa.BP(net), fa.SquaredError(), x, y):
        if each.name.endswith("by the loss"):
            print(f"{each.name}: differs by {each.figure:.0e} of the largest entry")


descent(broken_softmax_back)
differences(broken_softmax_back)

# %% [markdown]
# A step that points roughly downhill lowers the loss. Only the finite differences ask for the derivative itself, and
# they say that every layer is wrong, since all of them hear of the loss through the output's $\delta$.
#
# ### Exercise 1: all of softmax's Jacobian
#
# $p_i$ depends on *every* $z_j$, which is in the sum below the fraction. Write $\partial p_i / \partial z_j$, for
# $i = j$ and for $i \ne j$, and repair the function: $\delta_j = \sum_i e_i \, \partial p_i / \partial z_j$.


# %%
def softmax_back(e, p):
    """delta, (N, outputs), from e at p = softmax(z), (N, outputs), and p."""
    # BEGIN SOLUTION
    return p * (e - (e * p).sum(axis=1, keepdims=True))
    # END SOLUTION


softmax_back = check("bug.softmax", softmax_back).working  # yours if it is right, and ours until then
differences(softmax_back)
curves["softmax", "repaired"] = train_softmax(softmax_back)

# %% [markdown]
# ## 4. Patches back into an image
#
# A convolution is a dense layer over patches: `cut` makes a row of each $k \times k$ patch, and
# $z = \mathrm{cut}(x) W$. On the way down, $e$ for the image is `fold` of $\delta W^\top$: each patch is put back where
# it was cut out. Here `fold` goes through the $k \times k$ places within a patch, and for each writes what all the
# patches have there:


# %%
def cut(x, k):
    """Every k x k patch of each image, (N, places down, places across, k, k, channels)."""
    return np.lib.stride_tricks.sliding_window_view(x, (k, k), axis=(1, 2)).transpose(0, 1, 2, 4, 5, 3)


def broken_fold(patches):
    """Images, (N, height, width, channels), from patches, (N, places down, places across, k, k, channels)."""
    n, size_y, size_x, k, _, channels = patches.shape
    x = np.zeros((n, size_y + k - 1, size_x + k - 1, channels))
    for i in range(k):
        for j in range(k):
            x[:, i : i + size_y, j : j + size_x] = patches[:, :, :, i, j]
    return x


def convolution(fold, *shape):
    """A convolution of the library with another fold."""

    class Conv(fa.Conv):
        def fold(self, rows):
            return fold(rows.reshape(-1, *self.shape_z[:2], self.kernel, self.kernel, self.shape_in[2]))

    return Conv(*shape, "tanh")


def train_convolutions(fold):
    net = fa.Network((28, 28, 1), [fa.Conv(8, 5, "tanh", stride=3), convolution(fold, 16, 3), fa.Dense(10)])
    return learn(net, fa.BP(net), fa.SoftmaxCrossEntropy(), 0.1)


curves["fold", "broken"] = train_convolutions(broken_fold)
print("test error (%) by epoch:", listed(curves["fold", "broken"]))

# %% [markdown]
# Two checks. Finite differences of the $W$ of *this* convolution, the layer whose `fold` it is. Or the adjoint
# identity: `fold` must be for `cut` what $A^\top$ is for $A$. **Which sees the bug?**


# %%
def differences(fold):
    net = fa.Network((7, 6, 1), [fa.Conv(2, 3, "tanh"), convolution(fold, 2, 3), fa.Dense(3)], dtype="float64")
    x, y = np.random.default_rng(0).standard_normal((4, 7, 6, 1)), np.eye(3)[[0, 1, 2, 0]]
    return {each.name: each.figure for each in gradient_checks(net, fa.BP(net), fa.SoftmaxCrossEntropy(), x, y)}


def adjoint(fold):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((4, 7, 6, 2))
    r = rng.standard_normal(cut(x, 3).shape)
    up, down = (cut(x, 3) * r).sum(), (x * fold(r)).sum()
    print(f"<cut(x), r> = {up:.6f}, <x, fold(r)> = {down:.6f}")


print(f"2.W, of this convolution: differs by {differences(broken_fold)['2.W by the loss']:.0e}")
adjoint(broken_fold)

# %% [markdown]
# The layer's own $dW$ is right: it needs $x$ and $\delta$, and `fold` comes after. The nonsense is heard one layer
# below, and there finite differences do see it:

# %%
print(f"1.W, of the convolution below: differs by {differences(broken_fold)['1.W by the loss']:.0e}")

# %% [markdown]
# So ask a check what its number passes through on the way. The adjoint identity asks `fold` alone, needs no net and no
# training, and one random $x$ and $r$ are enough.
#
# ### Exercise 2: a pixel is in many patches
#
# Repair `fold`. If you wonder what it should make of a pixel that lies in several patches: it took part in the loss
# through each of them.


# %%
def fold(patches):
    """Images, (N, height, width, channels), from patches, (N, places down, places across, k, k, channels)."""
    # BEGIN SOLUTION
    n, size_y, size_x, k, _, channels = patches.shape
    x = np.zeros((n, size_y + k - 1, size_x + k - 1, channels))
    for i in range(k):
        for j in range(k):
            x[:, i : i + size_y, j : j + size_x] += patches[:, :, :, i, j]
    return x
    # END SOLUTION


fold = check("bug.fold", fold).working
adjoint(fold)
curves["fold", "repaired"] = train_convolutions(fold)

# %% [markdown]
# With patches of ones, `fold` counts in how many patches each pixel lies:

# %%
ones = np.ones((1, 5, 4, 3, 3, 1))
show.matrices({"broken": broken_fold(ones)[0, :, :, 0], "repaired": fold(ones)[0, :, :, 0]}, same_scale=True)
plt.show()

# %% [markdown]
# ## 5. Signs of W, magnitudes of its own
#
# Sign feedback of fixed magnitude (Liao, Leibo & Poggio 2016) puts $M \odot \mathrm{sign}(W)^\top$ in the place of
# $W^\top$: the magnitudes $M \ge 0$ are random and fixed, the signs are $W$'s of the moment.


# %%
def broken_stand_in(M, W):
    """What stands where W^T stands, (fan_out, fan_in), from M, (fan_out, fan_in), and W, (fan_in, fan_out)."""
    M *= np.sign(W).T
    return M


def train_signs(stand_in):
    class Rule(fa.FRSF):
        def stand_in(self, layer, own):
            return stand_in(own["M"], layer.W)

    net = fa.mlp("784-50-30-10", activation="tanh")
    return learn(net, Rule(net), fa.SoftmaxCrossEntropy(), 0.1)


curves["signs", "broken"] = train_signs(broken_stand_in)
print("test error (%) by epoch:", listed(curves["signs", "broken"]))

# %% [markdown]
# Two checks. With $M = |W|^\top$ what stands in is $W^\top$ itself, so the rule must be backpropagation. Or: the share
# of entries whose sign is $W$'s, at four batches in a row. **Which sees the bug?**


# %%
def with_magnitudes_of_W(stand_in):
    W = np.random.default_rng(0).standard_normal((50, 30))
    print(f"with M = |W|^T it differs from W^T by {np.abs(stand_in(np.abs(W.T), W) - W.T).max():.0e}")


def signs_of_W(stand_in):
    rng = np.random.default_rng(0)
    W, M = rng.standard_normal((50, 30)), rng.uniform(0, 1, (30, 50))
    shares = [f"{100 * (np.sign(stand_in(M, W)) == np.sign(W).T).mean():.0f} %" for _ in range(4)]
    print("entries with the sign of W at four batches:", ", ".join(shares))


with_magnitudes_of_W(broken_stand_in)
signs_of_W(broken_stand_in)

# %% [markdown]
# The first batch is right, and a check that looks at one batch is content. Every other batch is as it should be, and
# the net learns.
#
# ### Exercise 3: the second batch
#
# Find out what the first call leaves behind, and repair the function. It may be called as often as one likes, and what
# it has returned must stay what it was.


# %%
def stand_in(M, W):
    """What stands where W^T stands, (fan_out, fan_in), from M, (fan_out, fan_in), and W, (fan_in, fan_out)."""
    # BEGIN SOLUTION
    return M * np.sign(W).T
    # END SOLUTION


stand_in = check("bug.frsf", stand_in).working
signs_of_W(stand_in)
curves["signs", "repaired"] = train_signs(stand_in)

# %% [markdown]
# `M *= ...` writes into the array that the rule keeps. At the second batch $M$ has signs in it already, and minus times
# minus is plus; at the third they are back.
#
# ## 6. Feedback that learns
#
# Under Kolen-Pollack $B$ learns by the product that $W$ learns by, and both decay:
#
# $$W \leftarrow W - \mathrm{lr} \, (dW + \mathrm{decay} \, W), \qquad
# B \leftarrow B - \mathrm{lr} \, (dW^\top + \mathrm{decay} \, B)$$
#
# Subtract: $dW$ cancels, and the gap $B - W^\top$ shrinks by $1 - \mathrm{lr} \cdot \mathrm{decay}$ in each step,
# whatever the data are. In this implementation the optimiser takes care of $W$ and its decay, and $B$ is updated by
# hand:


# %%
def broken_kp_step(W, B, dW, lr, decay):
    """W and B after a step. W and dW are (fan_in, fan_out), B is (fan_out, fan_in)."""
    return W - lr * (dW + decay * W), B - lr * dW.T


def train_kp(kp_step, lr=0.1, decay=0.03, epochs=6):
    """784-50-10 in plain NumPy, its W2 and B by kp_step. At first and after each epoch: the test error, the angle of
    B to W2^T, the gap |B - W2^T| relative to the first, and what the law has for it."""
    x, x_test = (images.reshape(-1, 784) / 255 for images in (digits.x_train, digits.x_test))
    y, rng = np.eye(10)[labels], np.random.default_rng(0)
    W1, W2 = rng.standard_normal((784, 50)) / 784**0.5, rng.standard_normal((50, 10)) / 50**0.5
    b1, b2, B = np.zeros(50), np.zeros(10), rng.standard_normal((10, 50)) / 50**0.5
    kept = []

    def keep():
        wrong = (np.tanh(x_test @ W1 + b1) @ W2 + b2).argmax(axis=1) != digits.y_test
        kept.append((100 * wrong.mean(), fa.metrics.angle(B.ravel(), W2.T.ravel()), np.linalg.norm(B - W2.T)))

    keep()
    for epoch in range(epochs):
        for batch in np.random.default_rng(epoch).permutation(1000).reshape(-1, 20):
            h1 = np.tanh(x[batch] @ W1 + b1)
            delta2 = softmax(h1 @ W2 + b2) - y[batch]
            delta1 = (delta2 @ B) * (1 - h1**2)
            W2, B = kp_step(W2, B, h1.T @ delta2 / 20, lr, decay)
            b2 -= lr * delta2.mean(axis=0)
            W1 -= lr * x[batch].T @ delta1 / 20
            b1 -= lr * delta1.mean(axis=0)
        keep()
    errors, angles, gaps = np.transpose(kept)
    steps = 50 * np.arange(epochs + 1)
    return errors, angles, gaps / gaps[0], (1 - lr * decay) ** steps


curves["Kolen-Pollack", "broken"], angles, gaps, due = train_kp(broken_kp_step)
print("test error (%) by epoch:", listed(curves["Kolen-Pollack", "broken"]))

# %% [markdown]
# Two checks. The method is there to bring $B$ to $W^\top$: does the angle between them fall? Or the law: is the gap
# $(1 - \mathrm{lr} \cdot \mathrm{decay})^t$ of what it was, after $t$ steps? **Which sees the bug?**

# %%
print("angle of B to W^T (degrees) by epoch:", listed(angles))
print("gap, relative to the start:", " ".join(f"{each:.2f}" for each in gaps))
print("as the law has it:         ", " ".join(f"{each:.2f}" for each in due))

# %% [markdown]
# The angle falls, epoch by epoch, and passes for the method at work: $W$ and $B$ take the same steps $dW$, and what
# they have in common outgrows the start, whatever the decay does. The gap does not follow the law: at first the decay
# of $W$ alone makes it a little smaller, then it grows beyond where it began.
#
# ### Exercise 4: the law of the gap
#
# Repair the step.


# %%
def kp_step(W, B, dW, lr, decay):
    """W and B after a step. W and dW are (fan_in, fan_out), B is (fan_out, fan_in)."""
    # BEGIN SOLUTION
    return W - lr * (dW + decay * W), B - lr * (dW.T + decay * B)
    # END SOLUTION


kp_step = check("bug.kp", kp_step).working
curves["Kolen-Pollack", "repaired"], angles, gaps, due = train_kp(kp_step)
print("gap, relative to the start:", " ".join(f"{each:.2f}" for each in gaps))
print("as the law has it:         ", " ".join(f"{each:.2f}" for each in due))

# %% [markdown]
# ## 7. The angle of two different things
#
# A measure can be broken too, and then no training shows it. This one is to say how far the $\delta$ of feedback
# alignment is from that of backpropagation:


# %%
def broken_alignment(delta_above, B, W, z):
    """The mean over examples of the angle between FA's delta and BP's in a layer with tanh, in degrees."""
    mine = delta_above @ B
    true = (delta_above @ W.T) * (1 - np.tanh(z) ** 2)
    return fa.metrics.angle(mine, true).mean()


def train_and_measure(*measures):
    """Feedback alignment; by each measure the angle of layer 1 at first and after each epoch."""
    net = fa.mlp("784-50-10", activation="tanh")
    rule, loss = fa.FA(net), fa.SoftmaxCrossEntropy()
    x, y = net.to_float(net.as_input(digits.x_train)), np.eye(10, dtype=net.dtype)[labels]
    found = []
    for epoch in range(7):
        traces = net.forward(x)
        delta2 = loss.output(net, traces, y).error
        z1 = x @ net[1].W + net[1].b
        found.append([measure(delta2, rule.feedback[2]["B"], net[2].W, z1) for measure in measures])
        if epoch < 6:
            learn(net, rule, loss, 0.1, epochs=1)
    return np.transpose(found)


print("angle (degrees) by epoch:", listed(train_and_measure(broken_alignment)[0]))

# %% [markdown]
# It begins near a right angle and falls, as the paper says. Two checks. For a $B$ that has nothing to do with $W$ the
# angle must be a right one. Or: with $B = W^\top$ feedback alignment is backpropagation, so the angle must be 0.
# **Which sees the bug?**


# %%
def with_B(measure):
    rng = np.random.default_rng(0)
    delta_above, z = rng.standard_normal((1000, 10)), 1.5 * rng.standard_normal((1000, 50))
    W, B = rng.standard_normal((50, 10)), rng.standard_normal((10, 50))
    random, own = (measure(delta_above, feedback, W, z) for feedback in (B, W.T))
    print(f"a random B: {random:.0f} degrees; B = W^T: {own:.0f} degrees")


with_B(broken_alignment)

# %% [markdown]
# Two vectors that have nothing to do with each other are at right angles, whichever they are; so that check is content
# with any two. Backpropagation, however, is not at an angle to itself.
#
# ### Exercise 5: no angle to itself
#
# Find out which of the two vectors is not what it is called, and repair the measure. `fa.metrics.angle(a, b)` gives the
# angle between each row of `a` and that of `b`, in degrees.


# %%
def alignment(delta_above, B, W, z):
    """The mean over examples of the angle between FA's delta and BP's in a layer with tanh, in degrees."""
    # BEGIN SOLUTION
    slope = 1 - np.tanh(z) ** 2
    return fa.metrics.angle((delta_above @ B) * slope, (delta_above @ W.T) * slope).mean()
    # END SOLUTION


alignment = check("bug.angle", alignment).working
with_B(alignment)
curves["angle", "broken"], curves["angle", "repaired"] = train_and_measure(broken_alignment, alignment)

# %% [markdown]
# Each of the two vectors was a sensible one, but they were not the same quantity: one was $e$, at $h$, and the other
# $\delta$, at $z$.
#
# ## 8. All five
#
# Cover the legend with your hand: in which panels would you have known which of the two curves is the broken one?

# %%
panels = ("softmax", "fold", "signs", "Kolen-Pollack", "angle")
figure, axes = plt.subplots(1, 5, figsize=(12, 2.8), layout="constrained")
for ax, name in zip(axes, panels):
    ax.plot(curves[name, "broken"], color=VERMILION, ls="--", label="broken")
    ax.plot(curves[name, "repaired"], color=BLUE, label="repaired")
    ax.set(title=name, xlabel="epoch", ylabel="angle (degrees)" if name == "angle" else "test error (%)", ylim=(0, 100))
axes[0].legend()
plt.show()

# %% [markdown]
# This is one seed and one learning rate each, so the figure may not say which of two curves is the better one, and a
# broken rule may well end below the repaired one. It says that a curve alone would not have told.
#
# | the mistake | what looked fine | what told it |
# |---|---|---|
# | an empty set to choose by | every net learned | a law: the parts add up |
# | softmax by its diagonal | the loss fell in a step | finite differences |
# | patches that overwrite | dW of the layer itself | the adjoint identity; dW of the layer below |
# | signs written into M | B = W^T, at the first batch | the second batch |
# | decay of W alone | the angle of B to W^T | the law of the gap |
# | e against delta | a right angle for a random B | B = W^T |
#
# `python tutorials/bugs` has all of them and others: each is a short file with the mistake, its repair and the check.
# (Its Kolen-Pollack has no decay at all. Then the gap stays what it was, and the angle falls just as well.)
# `numpyfa check` makes such checks of every rule of the library.
#
# ## Open question
#
# Invent a mistake in an experiment that would pass all five kinds of check, and change what you conclude. What would
# tell it?
#
# ## Sources
#
# - Liao, Leibo & Poggio (2016), *How important is weight symmetry in backpropagation?*, AAAI: sign feedback.
# - Kolen & Pollack (1994), *Backpropagation without weight transport*; Akrout et al. (2019), *Deep learning without
#   weight transport*, NeurIPS: the law of the gap.
# - Claerbout & Fomel (2014), *Geophysical image estimation by example*: the adjoint identity as a test of code, called
#   the dot-product test there.
# - In the library: `tutorials/bugs/`, `docs/checking.md`, `numpyfa/laws/` with the laws of each rule, and
#   `numpyfa/gradcheck.py`.

# %%
check.progress()
