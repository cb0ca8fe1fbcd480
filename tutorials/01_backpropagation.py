# %% [markdown]
# # 01 Backpropagation by hand, checked by finite differences
#
# **You will be able to** write the backward pass of a net with a hidden layer in plain NumPy, say what each letter in
# it means and which shape it has, and show by finite differences that it is right.
#
# **You need** matrix products, the chain rule, and NumPy. Notebook 00 is the same on one page, with a layer more.

# %%
import matplotlib.pyplot as plt
import numpy as np

import numpyfa as fa
from numpyfa import show
from numpyfa.course import check
from numpyfa.lab.looks import BLUE, VERMILION

# %% [markdown]
# ## 1. One layer
#
# Rows are examples: $x$ is (N, 784), an image in each row. A layer has weights $W$ (fan_in, fan_out) and a bias $b$.
# Its output $z$ becomes probabilities $p$ by the softmax, and the loss $L$ is the mean over the examples of the
# cross-entropy with the target $y$, which is 1 at the right digit and 0 elsewhere:
#
# $$z = x W + b, \qquad p_k = e^{z_k} \Big/ \sum_j e^{z_j}, \qquad L = -\frac{1}{N} \sum_n \sum_k y_{nk} \log p_{nk}$$

# %%
digits = fa.load("mnist").part(3000, 1000)
x, x_test = (images.reshape(-1, 784) / 255 for images in (digits.x_train, digits.x_test))
y, y_test = np.eye(10)[digits.y_train], np.eye(10)[digits.y_test]


def loss(z, y):
    """The mean cross-entropy. To take away a row's largest z changes no p, and keeps exp from overflowing."""
    z = z - z.max(axis=1, keepdims=True)
    return (np.log(np.exp(z).sum(axis=1)) - (y * z).sum(axis=1)).mean()


def percent_wrong(z, y):
    return 100 * (z.argmax(axis=1) != y.argmax(axis=1)).mean()


W, b = np.zeros((784, 10)), np.zeros(10)
before = percent_wrong(x_test @ W + b, y_test)
print(f"before learning: loss {loss(x @ W + b, y):.2f}, {before:.0f} % of the test set wrong")

# %% [markdown]
# To learn is to move $W$ and $b$ a little against the derivative of $L$. The derivative is found from the output
# backwards, and the first stop is $z$. We write $\delta$ for the derivative of *one example's* loss by its own $z$, so
# $\delta$ has the shape of $z$ and no $1/N$ in it. For softmax with cross-entropy
#
# $$L_n = \log \sum_j e^{z_j} - \sum_k y_k z_k, \qquad \delta_k = \frac{\partial L_n}{\partial z_k} = p_k - y_k$$
#
# Too much of a wrong digit: $\delta > 0$. Too little of the right one: $\delta < 0$. At the output, $\delta$ is called
# the *error*.
#
# ### Exercise 1: the error at the output
#
# Write `error(z, y)`, which is $p - y$. It must hold for any $z$, also where $e^z$ would overflow.


# %%
def error(z, y):
    """delta of the output layer, (N, outputs), from z, (N, outputs), and the one-hot target y, (N, outputs)."""
    # BEGIN SOLUTION
    p = np.exp(z - z.max(axis=1, keepdims=True))
    return p / p.sum(axis=1, keepdims=True) - y
    # END SOLUTION


error = check("backprop.output", error).working  # yours if it is right, and ours until then

# %% [markdown]
# ## 2. From delta to W and b
#
# $W_{ij}$ takes part in $z_{nj} = \sum_i x_{ni} W_{ij} + b_j$ of every example $n$. By the chain rule, with the mean
# over the examples:
#
# $$\partial L / \partial W_{ij} = \sum_n x_{ni} \, \delta_{nj} / N$$
#
# $$\partial L / \partial b_j = \sum_n \delta_{nj} / N$$
#
# A weight moves by the product of what comes in at one end, $x$, and what its other end is told, $\delta$. As matrices,
# with $dW$ short for $\partial L / \partial W$:
#
# $$dW = x^\top \delta / N, \qquad db = \text{mean of } \delta \text{ over the examples}$$
#
# This is the only place where one divides by $N$.
#
# ### Exercise 2: the gradients of a layer
#
# Write `gradients(x, delta)`, which returns $dW$ and $db$.


# %%
def gradients(x, delta):
    """(dW, db), of the shapes of W and b, from a layer's input x, (N, fan_in), and its delta, (N, fan_out)."""
    # BEGIN SOLUTION
    return x.T @ delta / len(x), delta.mean(axis=0)
    # END SOLUTION


gradients = check("backprop.gradients", gradients).working

# %% [markdown]
# Each column of $dW$ belongs to one output and has an entry for each pixel, so it can be shown as an image. Here is
# what the first step adds, $-dW$. Orange pixels will speak for the digit, purple ones against it:

# %%
dW, db = gradients(x, error(x @ W + b, y))
show.frames(-dW.T, [f"output {digit}" for digit in range(10)], columns=5)
plt.show()

# %% [markdown]
# Every column is a mean of images, each weighted by its $-\delta$. With $W = 0$ every $p$ is a tenth, and about a tenth
# of the images are of each digit; so a column is the mean image of its digit, less that of all images, times a tenth.
# Now many steps, each on a batch of 20 images:


# %%
def batches(epoch, size=20):
    """The numbers of the training examples in a new order, batch by batch."""
    return np.random.default_rng(epoch).permutation(len(x)).reshape(-1, size)


for epoch in range(5):
    for batch in batches(epoch):
        dW, db = gradients(x[batch], error(x[batch] @ W + b, y[batch]))
        W -= 0.1 * dW
        b -= 0.1 * db
print(f"one layer: {percent_wrong(x_test @ W + b, y_test):.0f} % of the test set wrong")

# %% [markdown]
# ## 3. Is it right?
#
# It learns. That proves little: nets learn with many mistakes in them, as section 6 shows. What proves a derivative is
# its definition. Move one entry of a parameter $\theta$ up and down by a small step $s$, and look at the loss:
#
# $$\frac{\partial L}{\partial \theta} = \frac{L(\theta + s) - L(\theta - s)}{2 s} + O(s^2)$$
#
# This is the *central difference*. The one-sided one, $(L(\theta + s) - L(\theta)) / s$, has an error of order $s$.
#
# ### Exercise 3: central differences
#
# Write `difference(f, theta, step)`: the central difference of `f`, a function of the array `theta` that returns a
# number, in each entry of `theta`. Leave `theta` as it was.


# %%
def difference(f, theta, step):
    """(f(theta + step) - f(theta - step)) / (2 step), one entry at a time; of theta's shape, which may be any."""
    # BEGIN SOLUTION
    found = np.zeros(theta.shape)
    for place in np.ndindex(*theta.shape):
        above, below = theta.copy(), theta.copy()
        above[place] += step
        below[place] -= step
        found[place] = (f(above) - f(below)) / (2 * step)
    return found
    # END SOLUTION


difference = check("backprop.difference", difference).working

# %% [markdown]
# Which step is small enough? An equation that is right for a small net of random numbers is right for a large one, so
# take a layer of 6 inputs and 3 outputs, and try steps of every size:

# %%
rng = np.random.default_rng(0)
x_small, y_small = rng.standard_normal((4, 6)), np.eye(3)[[0, 1, 2, 0]]
W, b = rng.standard_normal((6, 3)), rng.standard_normal(3)
dW, db = gradients(x_small, error(x_small @ W + b, y_small))


def loss_of_W(W):
    return loss(x_small @ W + b, y_small)


def one_sided(f, theta, step):
    units = np.eye(theta.size).reshape(-1, *theta.shape)  # each moves one entry
    return np.reshape([(f(theta + step * unit) - f(theta)) / step for unit in units], theta.shape)


steps = np.logspace(0, -12, 37)
figure, ax = plt.subplots(figsize=(6, 3.6), layout="constrained")
for name, form, colour, style in (("one-sided", one_sided, VERMILION, "--"), ("central", difference, BLUE, "-")):
    apart = [np.abs(form(loss_of_W, W, s) - dW).max() / np.abs(dW).max() for s in steps]
    ax.loglog(steps, apart, color=colour, ls=style, label=f"{name} difference")
    print(f"{name}: nearest to dW, {min(apart):.0e} of its largest entry, with a step of {steps[np.argmin(apart)]:.0e}")
ax.set(xlabel="step", ylabel="largest difference to dW, relative")
ax.legend()
plt.show()

# %% [markdown]
# Read the figure from the right. A smaller step brings the quotient nearer to the derivative: with a tenth of the step
# the one-sided error is a tenth, the central one a hundredth. Then rounding takes over: $L$ is known to about sixteen
# digits, the difference of two nearly equal values of $L$ to fewer, and it is divided by the small step. So take
# central differences, `float64`, and a step near the lowest point; `1e-5` will do.
#
# ## 4. A hidden layer
#
# Put a layer with an activation $f$ below, here tanh:
#
# $$z_1 = x W_1 + b_1, \qquad h_1 = f(z_1), \qquad z_2 = h_1 W_2 + b_2$$
#
# For the upper layer nothing is new: its input is $h_1$ in the place of $x$, and $\delta_2 = p - y$. The lower layer
# needs a $\delta_1$, the derivative of the example's loss by $z_1$. Its last stop is $f$, which takes each entry by
# itself, so there the chain rule multiplies entry by entry by the slope $f'(z_1)$.
#
# ### Exercise 4: the slope
#
# Write `slope(z, activation)` for three of them: `"tanh"`; `"relu"`, which is $z$ where $z > 0$ and 0 elsewhere; and
# `"identity"`, a layer without an activation.


# %%
def slope(z, activation):
    """f'(z), entry by entry and of the shape of z, for the activation "tanh", "relu" or "identity"."""
    # BEGIN SOLUTION
    if activation == "tanh":
        return 1 - np.tanh(z) ** 2
    if activation == "relu":
        return 1.0 * (z > 0)
    return np.ones_like(z)
    # END SOLUTION


slope = check("backprop.slope", slope).working

# %% [markdown]
# Before that comes the way down from $z_2$ to $h_1$. Hidden unit $i$ takes part in every $z_{2j}$, through $W_{2,ij}$,
# so what it is told is a sum over the units above. We call it $e$, the learning signal at $h$:
#
# $$e_{1,ni} = \sum_j \delta_{2,nj} W_{2,ij}, \qquad \text{as matrices:} \quad e_1 = \delta_2 W_2^\top$$
#
# $$\delta_1 = e_1 \odot f'(z_1)$$
#
# The same weights that carry signals up carry $\delta$ down, transposed. $\odot$ is the product entry by entry.
#
# ### Exercise 5: delta of the layer below
#
# Write `delta(delta_above, W, z)` for a layer with tanh. `W` is the weights of the layer *above*, `z` is that of the
# layer itself.


# %%
def delta(delta_above, W, z):
    """delta, (N, units), from delta and W of the layer above, (N, units above) and (units, units above), and z."""
    # BEGIN SOLUTION
    return (delta_above @ W.T) * slope(z, "tanh")
    # END SOLUTION


delta = check("backprop.delta", delta).working

# %% [markdown]
# The parts of it, for 4 examples, 5 hidden units and 3 outputs. Two units with the same $e$ need not have the same
# $\delta$: where tanh is flat, little arrives.

# %%
W1, b1 = rng.standard_normal((6, 5)), rng.standard_normal(5)
W2, b2 = rng.standard_normal((5, 3)), rng.standard_normal(3)
z1 = x_small @ W1 + b1
delta2 = error(np.tanh(z1) @ W2 + b2, y_small)
show.matrices({"delta2": delta2, "W2^T": W2.T, "e1 = delta2 W2^T": delta2 @ W2.T, "slope at z1": slope(z1, "tanh"),
               "delta1": delta(delta2, W2, z1)})  # fmt: skip
plt.show()

# %% [markdown]
# ## 5. The whole step
#
# Forward, keeping what each layer computed; then $\delta$ from the top down; then each layer's own $dW$ and $db$.


# %%
def forward(x, W1, b1, W2, b2):
    z1 = x @ W1 + b1
    h1 = np.tanh(z1)
    return z1, h1, h1 @ W2 + b2


def backward(x, y, W1, b1, W2, b2, delta=delta):
    """(dW1, db1, dW2, db2) of a batch."""
    z1, h1, z2 = forward(x, W1, b1, W2, b2)
    delta2 = error(z2, y)
    delta1 = delta(delta2, W2, z1)
    return *gradients(x, delta1), *gradients(h1, delta2)


# %% [markdown]
# First the check, of every parameter, on the small net. One parameter moves, the others stay:


# %%
def check_gradients(delta):
    """Print by how much each gradient differs from its finite difference, relative to its largest entry."""
    small = [W1, b1, W2, b2]
    found = backward(x_small, y_small, *small, delta)
    for place, name in enumerate(("dW1", "db1", "dW2", "db2")):

        def loss_of(p, place=place):
            return loss(forward(x_small, *small[:place], p, *small[place + 1 :])[2], y_small)

        due = difference(loss_of, small[place], 1e-5)
        print(f"{name} {found[place].shape}: differs by {np.abs(found[place] - due).max() / np.abs(due).max():.0e}")


check_gradients(delta)

# %% [markdown]
# All four hold. Now the real digits, with 50 hidden units:


# %%
def train(delta, epochs=8, lr=0.1):
    """Train 784-50-10. Return what is wrong of training and test set, in percent, at the start and after each epoch."""
    rng = np.random.default_rng(0)
    W1, W2 = rng.standard_normal((784, 50)) / 784**0.5, rng.standard_normal((50, 10)) / 50**0.5
    net = [W1, np.zeros(50), W2, np.zeros(10)]

    def wrong():
        return [percent_wrong(forward(images, *net)[2], targets) for images, targets in ((x, y), (x_test, y_test))]

    curve = [wrong()]
    for epoch in range(epochs):
        for batch in batches(epoch):
            for p, dp in zip(net, backward(x[batch], y[batch], *net, delta)):
                p -= lr * dp
        curve.append(wrong())
    return np.array(curve)


right = train(delta)
print(f"784-50-10: {right[-1, 0]:.1f} % of the training set wrong, {right[-1, 1]:.0f} % of the test set")

# %% [markdown]
# Your own functions have trained a net. Beside the library, which does the same for any net, from the same weights:

# %%
net = fa.mlp("784-50-10", activation="tanh", dtype="float64")
traces = net.forward(x[:100])
output = fa.SoftmaxCrossEntropy().output(net, traces, y[:100])
theirs = fa.BP(net).gradients(traces, output)
ours = backward(x[:100], y[:100], net[1].W, net[1].b, net[2].W, net[2].b)
for name, mine in zip(("1.W", "1.b", "2.W", "2.b"), ours):
    print(f"{name}: differs by {np.abs(theirs[name] - mine).max():.0e}")

# %% [markdown]
# ## 6. A mistake that learns
#
# Leave the slope out, as is easily done, and train again:


# %%
def no_slope(delta_above, W, z):
    return delta_above @ W.T


slopeless = train(no_slope)
figure, ax = plt.subplots(figsize=(6, 3.4), layout="constrained")
ax.plot(right[:, 1], color=BLUE, label="as derived")
ax.plot(slopeless[:, 1], color=VERMILION, ls="--", label="without the slope")
ax.set(xlabel="epoch", ylabel="test error (%)", ylim=(0, 100))
ax.legend()
plt.show()
print(f"test error: {right[-1, 1]:.0f} % as derived, {slopeless[-1, 1]:.0f} % without the slope")
check_gradients(no_slope)

# %% [markdown]
# The curve does not tell that anything is wrong; the finite differences do, and name the layer. (One seed and one
# learning rate: the figure may not say which of the two is better.) This is why every gradient here is checked before
# it is trained with. Notebook 10 has more mistakes that learn.
#
# **To try.** Change tanh to ReLU in `forward` and in `delta`, and check again before you train. Which entries of $z_1$
# could a finite difference be wrong for, though the gradient is right?
#
# ## Open question
#
# Go through `backward` line by line and suppose that each weight is a synapse and each unit a neuron. What would each
# line have to know, where, and when? Which of these could a brain do, and which line is the hardest? Notebook 02 takes
# one answer and asks what happens without it.
#
# ## Sources
#
# - Rumelhart, Hinton & Williams (1986), *Learning representations by back-propagating errors*, Nature.
# - Baydin, Pearlmutter, Radul & Siskind (2018), *Automatic differentiation in machine learning: a survey*, JMLR: how it
#   is done for any program, and why finite differences check gradients but do not train nets.
# - Crick (1989), *The recent excitement about neural networks*, Nature: for the open question.
# - In the library: `numpyfa/rules/bp.py` is the rule on a page, `numpyfa/gradcheck.py` the finite differences, with
#   ReLU's kink; `docs/notation.md` has the letters, `docs/checking.md` says how to check a part of your own.

# %%
check.progress()
