# %% [markdown]
# # 02 Replace W^T by B, and the angle falls below 90 degrees
#
# **You will be able to** say in one line what feedback alignment changes in backpropagation, write it, measure the
# angle between its deltas and backpropagation's, and see that learning makes this angle small.
#
# **You need** notebook 01: $\delta$, the slope of an activation, $dW = x^\top \delta / N$.

# %%
import matplotlib.pyplot as plt
import numpy as np

import numpyfa as fa
from numpyfa import show
from numpyfa.course import check

# %% [markdown]
# ## 1. The one line
#
# A hidden layer's units cannot see the loss. In backpropagation the layer above tells them, through the transpose of
# its own weights:
#
# $$e_l = \delta_{l+1} W_{l+1}^\top, \qquad \delta_l = e_l \odot f'(z_l), \qquad dW_l = x_l^\top \delta_l / N$$
#
# Rows are examples: $\delta_{l+1}$ is (N, units above), $W_{l+1}$ is (units, units above). A neuron that sends
# $\delta$ back through $W^\top$ would have to know the strengths of other neurons' synapses. This is the *weight
# transport problem*. Lillicrap et al. (2016) put a random matrix $B$ in its place, drawn once and never changed:
#
# $$e_l = \delta_{l+1} B_{l+1}$$
#
# All else stays as it was. Here are the three matrices of a small layer, side by side:

# %%
rng = np.random.default_rng(0)
W = rng.standard_normal((6, 4)) / 6**0.5
B = rng.standard_normal((4, 6)) / 6**0.5
delta_above = rng.standard_normal((3, 4))
show.matrices(
    {"W^T": W.T, "B": B, "delta above": delta_above, "delta W^T": delta_above @ W.T, "delta B": delta_above @ B}
)
plt.show()

# %% [markdown]
# ### Exercise 1: delta under feedback alignment
#
# Write `delta(delta_above, B, z)`: what a layer with $h = \tanh(z)$ is told at $z$. `B` stands where $W^\top$ stands.
# If you are stuck, `check.hint("fa.delta")`.


# %%
def delta(delta_above, B, z):
    """delta of a layer, (N, units), from that of the layer above, (N, units above), and B, (units above, units)."""
    # BEGIN SOLUTION
    return (delta_above @ B) * (1 - np.tanh(z) ** 2)
    # END SOLUTION


delta = check("fa.delta", delta).working  # yours if it is right, and ours until then

# %% [markdown]
# ### Exercise 2: the angle
#
# How far is $\delta$ from backpropagation's? Each example has two vectors, and so an angle,
# $\cos\theta_n = \langle a_n, b_n \rangle / (|a_n|\,|b_n|)$. Write `angle(a, b)`: the mean of these angles over the
# examples, in degrees. The order matters: the angle of each, then the mean.


# %%
def angle(a, b):
    """The mean over rows of the angle between a's row and b's, in degrees."""
    # BEGIN SOLUTION
    cosine = (a * b).sum(axis=1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)
    return np.degrees(np.arccos(cosine)).mean()
    # END SOLUTION


angle = check("fa.angle", angle).working

# %% [markdown]
# Two random vectors in many dimensions are nearly at right angles, so at the start $\delta_{l+1} B$ says nothing of
# what $\delta_{l+1} W^\top$ would have said:

# %%
a, b = rng.standard_normal((2, 1000, 200))
print(f"two random vectors of 200 numbers: {angle(a, b):.0f} degrees")

# %% [markdown]
# If that stayed so, hidden layers would wander without aim. Does it?
#
# ## 2. A net by hand
#
# The net is 784-60-30-10 without biases on 2000 digits of MNIST, with $h = \tanh(z)$ in the hidden layers and softmax
# with cross-entropy at the output, so $\delta_3 = p - y$. There is a $W$ for each layer. There is a $B$ wherever
# backpropagation would use a $W^\top$, and nowhere else.
#
# ### Exercise 3: which B are there?
#
# Write `feedback_shapes(sizes)`: the shapes of all matrices $B$ of a net with these sizes, from the lowest layer that
# has one to the output layer. For (784, 60, 30, 10), what comes first?


# %%
def feedback_shapes(sizes):
    """[(rows, columns), ...] of every B of a net with layers of these sizes, input first."""
    # BEGIN SOLUTION
    return [(above, below) for below, above in zip(sizes[1:], sizes[2:])]
    # END SOLUTION


feedback_shapes = check("fa.shapes", feedback_shapes).working

# %% [markdown]
# Now the data, the weights and the feedback. $B$ is drawn as $W$ is, so that both send signals of about the same size.

# %%
SIZES, LR = (784, 60, 30, 10), 0.1
data = fa.load("mnist").part(2000, 1000)
x, x_test = (images.reshape(-1, 784) / 255 for images in (data.x_train, data.x_test))
y = np.eye(10)[data.y_train]


def start(seed):
    """(W, B): a W for each layer, and {layer: B} for layers 2 and 3."""
    rng = np.random.default_rng(seed)
    W = [rng.standard_normal((n, m)) / n**0.5 for n, m in zip(SIZES, SIZES[1:])]
    B = {layer: rng.standard_normal(shape) / shape[1] ** 0.5 for layer, shape in enumerate(feedback_shapes(SIZES), 2)}
    return W, B


def forward(x, W):
    """z of the hidden layers, and the probabilities p."""
    z1 = x @ W[0]
    z2 = np.tanh(z1) @ W[1]
    z3 = np.tanh(z2) @ W[2]
    p = np.exp(z3 - z3.max(axis=1, keepdims=True))
    return z1, z2, p / p.sum(axis=1, keepdims=True)


# %% [markdown]
# ### Exercise 4: one step
#
# Write `step(W, deltas, inputs, lr)` for one batch: each $W_l$ in the list takes
# $W_l \leftarrow W_l - \mathrm{lr}\; x_l^\top \delta_l / N$, and the list of new matrices is returned. The old ones
# stay as they are. Note what is not in it: $B$. Feedback is never changed.


# %%
def step(W, deltas, inputs, lr):
    """New weights, a list. W (fan_in, fan_out), deltas (N, fan_out), inputs (N, fan_in): lists, layer by layer."""
    # BEGIN SOLUTION
    return [w - lr * x.T @ delta / len(x) for w, delta, x in zip(W, deltas, inputs)]
    # END SOLUTION


step = check("fa.step", step).working

# %% [markdown]
# With these, training is a loop. The same loop is backpropagation if `back` holds $W^\top$. And it is *shallow*
# learning if the hidden layers are left alone: that is the control, since an output layer on random features already
# reads many digits.


# %%
def deltas_of(p, y, z1, z2, back):
    """delta of layers 1, 2 and 3, where back holds what stands in W^T's place in layers 2 and 3."""
    delta3 = p - y
    delta2 = delta(delta3, back[3], z2)
    delta1 = delta(delta2, back[2], z1)
    return [delta1, delta2, delta3]


def train(rule, lr=LR, epochs=15, batch=20, seed=0):
    """(rows by epoch, weights by epoch, B): the error on the test images, and the angle of delta in layers 1 and 2."""
    W, B = start(seed)
    rows, course = [], [W]
    for epoch in range(epochs + 1):
        z1, z2, p = forward(x[:500], W)
        true = deltas_of(p, y[:500], z1, z2, {2: W[1].T, 3: W[2].T})
        mine = deltas_of(p, y[:500], z1, z2, B)
        wrong = forward(x_test, W)[2].argmax(axis=1) != data.y_test
        rows.append((100 * wrong.mean(), angle(mine[0], true[0]), angle(mine[1], true[1])))
        if epoch == epochs:
            break
        for at in np.random.default_rng(epoch).permutation(len(x)).reshape(-1, batch):
            z1, z2, p = forward(x[at], W)
            deltas = deltas_of(p, y[at], z1, z2, B if rule == "fa" else {2: W[1].T, 3: W[2].T})
            if rule == "shallow":
                deltas[:2] = [0 * deltas[0], 0 * deltas[1]]
            W = step(W, deltas, [x[at], np.tanh(z1), np.tanh(z2)], lr)
        course.append(W)
    return np.array(rows), course, B


runs = {rule: train(rule) for rule in ("bp", "fa", "shallow")}
for rule, (rows, _, _) in runs.items():
    print(f"{rule:7} test error {rows[0, 0]:.0f} % at first, {rows[-1, 0]:.1f} % at the end")
for lr in (1, 3, 10):
    print(f"shallow at lr {lr:2}: {train('shallow', lr)[0][-1, 0]:.1f} % at the end")

# %% [markdown]
# Feedback alignment learns far more than the output layer alone does, also where that has a larger learning rate: the
# hidden layers are taught something. Which of backpropagation and feedback alignment is better is not for this run to
# say: it is one seed, and one learning rate for both. Notebook 11 is about that.
#
# ## 3. The angle falls
#
# Now look at the angle between $\delta$ of feedback alignment and $\delta$ of backpropagation, taken for the same
# weights and the same images, as training by feedback alignment goes on:

# %%
rows, course, B = runs["fa"]
figure, axes = plt.subplots(figsize=(6, 3.2), layout="constrained")
axes.plot(rows[:, 2], "s--", color="#D55E00", ms=4, label="layer 2, one B away from the output")
axes.plot(rows[:, 1], "o-", color="#0072B2", ms=4, label="layer 1, two B away")
axes.axhline(90, color="0.5", lw=1, ls=":")
axes.set(xlabel="epoch of feedback alignment", ylabel="angle to BP's delta (degrees)", ylim=(0, 100))
axes.legend()
plt.show()
for epoch in (0, 1, len(rows) - 1):
    print(f"epoch {epoch:2}: layer 1 {rows[epoch, 1]:.0f} degrees, layer 2 {rows[epoch, 2]:.0f} degrees")

# %% [markdown]
# It begins near 90 degrees and falls below it within the first epoch. It does not fall to 0, and need not. For one
# example, a $\delta$ within 90 degrees of backpropagation's makes its small step go downhill. For a batch it is the
# angle of $dW$ to the gradient that counts: a small mean angle of $\delta$ makes it likely that the step goes downhill,
# not certain.
#
# $B$ did not move. So $W$ must have moved, and towards what?
#
# ### Exercise 5: the angle of two matrices
#
# Write `weight_angle(W, B)`: the angle in degrees between $W^\top$ and $B$, each taken as one long vector.


# %%
def weight_angle(W, B):
    """The angle in degrees between W^T and B; W (fan_in, fan_out), B (fan_out, fan_in)."""
    # BEGIN SOLUTION
    cosine = (W.T * B).sum() / np.linalg.norm(W) / np.linalg.norm(B)
    return np.degrees(np.arccos(cosine))
    # END SOLUTION


weight_angle = check("fa.weight_angle", weight_angle).working

# %%
for name, (_, weights, feedback) in runs.items():
    first, last = (weight_angle(each[2], feedback[3]) for each in (weights[0], weights[-1]))
    print(f"{name:7} angle of W_3^T to B_3: {first:.0f} degrees at first, {last:.0f} at the end")

# %% [markdown]
# Under feedback alignment the forward weights have turned towards the transpose of the feedback that taught them.
# Under backpropagation, which does not know this $B$, they have not. In pictures, each on its own scale, with $B_3$
# last:

# %%
times = [0, 1, 3, 7, len(course) - 1]
show.frames(
    [course[t][2].T for t in times] + [B[3]], [f"$W_3^T$, epoch {t}" for t in times] + ["$B_3$"], same_scale=False
)
plt.show()

# %% [markdown]
# Why does $W$ turn? In short: as long as $W_2$ and $W_3$ are small, what layer 2 learns is written by $\delta_3 B_3$,
# so $h_2$ comes to carry the directions of $B_3$; and $dW_3 = h_2^\top \delta_3$ is made of $h_2$. Notebook 03 makes an
# argument of this.
#
# ## 4. The library's own
#
# `fa.FA` has the one line in numpyfa/rules/fa.py, and `fa.fit` measures the angles by epoch. Here is the same rule,
# with the angle on a dial for each layer. The net now has biases, the library draws $W$ and $B$ in its own way, and
# there are 8 epochs instead of 15, so the numbers differ from those above:

# %%
net = fa.mlp("784-60-30-10", seed=0)
rule, loss = fa.FA(net), fa.SoftmaxCrossEntropy()
history = fa.fit(net, rule, loss, fa.SGD(lr=LR), data, epochs=8, batch_size=20)
traces = net.forward(net.to_float(net.as_input(data.x_train[:500])))
output = loss.output(net, traces, fa.one_hot(data.y_train[:500], 10, "float32"))
show.angles(net, fa.metrics.delta_angle(rule, traces, output))
plt.show()
print(f"test error {history[-1]['test_error']:.1f} %")

# %% [markdown]
# ## Open question
#
# $B$ could be drawn so that the angle is below 90 degrees from the start, say $B = W^\top + $ noise. Would that help?
# What would have to be known, and where, to do so in a brain or on a chip? And does it stay so?
#
# ## Sources
#
# - Lillicrap, Cownden, Tweed and Akerman (2016), *Random synaptic feedback weights support error backpropagation for
#   deep learning*, Nature Communications: feedback alignment, and the angle that falls.
# - Grossberg (1987) and Crick (1989) on why weight transport is not plausible in a brain.
# - In the library: `numpyfa/rules/fa.py` is the rule, `numpyfa/laws/fa.py` what proves it, `numpyfa/metrics.py` has the
#   published meanings of alignment, each under its own name.

# %%
check.progress()
