# %% [markdown]
# # 04 Straight from the output
#
# **You will be able to** write direct feedback alignment (DFA) and direct random target projection (DRTP), give the
# shape of every feedback matrix, say what a layer has to wait for under each rule, and update layers that do not wait:
# before the next one runs, or all at the same time.
#
# **You need** notebooks 01 and 02: $\delta$, the slope of an activation, $dW = x^\top \delta / N$, and feedback
# alignment (FA), $e_l = \delta_{l+1} B_{l+1}$.

# %%
from concurrent.futures import ThreadPoolExecutor

import matplotlib.pyplot as plt
import numpy as np

import numpyfa as fa
from numpyfa import show
from numpyfa.course import check
from numpyfa.laws.needs import needs
from numpyfa.metrics import cosine, delta_angle

# %% [markdown]
# ## 1. The error goes to every layer
#
# Feedback alignment still hands a signal down layer by layer: $\delta_{l+1}$ has to be there before $e_l$ can be made.
# Nøkland (2016) sends the output's error straight to each hidden layer, through a random matrix of that layer's own
# that never changes. For a softmax with cross-entropy that is $\mathrm{error} = p - y$: the net's answer less the
# one-hot target.
#
# $$e_l = \mathrm{error} \, B_l, \qquad \delta_l = e_l \odot f'(z_l), \qquad dW_l = x_l^\top \delta_l / N$$
#
# $\mathrm{error}$ is (N, outputs) and $e_l$ is (N, units of layer $l$), so $B_l$ is (outputs, units of layer $l$). Only
# the first of the three equations is new. Here it is for a hidden layer of five units, on three examples:

# %%
rng = np.random.default_rng(0)
error = np.array([[-0.9, 0.8, 0.1], [0.2, -0.4, 0.2], [0.0, 0.1, -0.1]])  # p - y: each row sums to 0
B_1 = rng.uniform(-1, 1, (3, 5))
show.matrices({"error": error, "B_1": B_1, "e_1 = error B_1": error @ B_1})
plt.show()

# %% [markdown]
# Each row of $B_l$ belongs to one output. The first example is taken for another class: $e_1$ is large, and is
# mostly the difference of two rows of $B_1$. The third is nearly right, and its $e$ is nearly 0.
#
# ### Exercise 1: the shapes of feedback
#
# A net is given as `sizes`, as in `[784, 200, 80, 10]`: `sizes[0]` inputs, then the units of layer 1, and so on. Write
# `shapes(sizes)`, which returns two lists: the shapes of FA's $B_2, \ldots, B_L$, and those of DFA's
# $B_1, \ldots, B_{L-1}$. FA's $B_l$ stands where $W_l^\top$ stands, and $W_l$ is (fan_in, fan_out). If you are
# stuck, `check.hint("direct.shapes")`.


# %%
def shapes(sizes):
    """([FA's (rows, columns), ...], [DFA's (rows, columns), ...]), each list from the lowest layer up."""
    # BEGIN SOLUTION
    L = len(sizes) - 1
    sequential = [(sizes[number], sizes[number - 1]) for number in range(2, L + 1)]
    direct = [(sizes[-1], sizes[number]) for number in range(1, L)]
    return sequential, direct
    # END SOLUTION


shapes = check("direct.shapes", shapes).working

# %%
for name, several in zip(("FA", "DFA"), shapes([784, 200, 80, 10])):
    print(f"{name:3} {several}: {sum(rows * columns for rows, columns in several)} numbers")

# %% [markdown]
# ### Exercise 2: delta under direct feedback alignment
#
# Write `deltas(error, B, z)` for all hidden layers of a net with $h_l = \tanh(z_l)$. `B` and `z` are lists, one entry
# for each hidden layer, the lowest first.


# %%
def deltas(error, B, z):
    """[delta_1, delta_2, ...], each (N, units), from error (N, outputs), B_l (outputs, units) and z_l (N, units)."""
    # BEGIN SOLUTION
    return [(error @ B_l) * (1 - np.tanh(z_l) ** 2) for B_l, z_l in zip(B, z)]
    # END SOLUTION


deltas = check("direct.delta", deltas).working

# %% [markdown]
# One batch by hand, with your function, beside what the library's `fa.DFA` makes of it. The output layer's own delta is
# the error: there is nothing to project.

# %%
images = fa.load("mnist").part(2000, 500)
net = fa.mlp("784-100-50-10", dtype="float64")
rule, loss = fa.DFA(net), fa.SoftmaxCrossEntropy()
x, y = net.to_float(net.as_input(images.x_train[:20])), np.eye(10)[images.y_train[:20]]

z_1 = x @ net[1].W + net[1].b
z_2 = np.tanh(z_1) @ net[2].W + net[2].b
z_3 = np.tanh(z_2) @ net[3].W + net[3].b
p = np.exp(z_3) / np.exp(z_3).sum(axis=1, keepdims=True)
error = p - y
B = [rule.feedback[number]["B"] for number in (1, 2)]
delta_1, delta_2 = deltas(error, B, [z_1, z_2])
by_hand = [x.T @ delta_1 / 20, np.tanh(z_1).T @ delta_2 / 20, np.tanh(z_2).T @ error / 20]

traces = net.forward(x, train=True)
output = loss.output(net, traces, y)
gradients = rule.gradients(traces, output)
for number, dW in enumerate(by_hand, 1):
    print(f"dW_{number} by hand differs from the library's by {np.abs(dW - gradients[f'{number}.W']).max():.0e}")

# %% [markdown]
# ## 2. The angle falls here too, and why
#
# Is such a signal of any use? Train for a few epochs, and measure the angle of $\delta_l$ to backpropagation's, layer
# by layer, before and after. There are two runs: in the first all layers learn, in the second layer 1 alone.


# %%
def train_by_dfa(learning, lr=0.1, epochs=5, batch_size=20):
    """(the net, its angles before and after) when only the layers whose numbers are in `learning` learn."""
    net = fa.mlp("784-100-50-10")
    rule, sgd, rng = fa.DFA(net), fa.SGD(lr), np.random.default_rng(0)
    x, y = net.to_float(net.as_input(images.x_train)), fa.one_hot(images.y_train, 10, "float32")

    def measured():
        traces = net.forward(x[:500], train=True)
        return delta_angle(rule, traces, loss.output(net, traces, y[:500]))

    before = measured()
    for _ in range(epochs):
        for batch in np.split(rng.permutation(len(x)), len(x) // batch_size):
            traces = net.forward(x[batch], train=True)
            gradients = rule.gradients(traces, loss.output(net, traces, y[batch]))
            sgd.update(net.parameters(), {key: g for key, g in gradients.items() if int(key[0]) in learning})
    return net, before, measured()


net, before, after = train_by_dfa(learning={1, 2, 3})
for angles, title in ((before, "DFA, before: angle of delta to backpropagation's"), (after, "DFA, after five epochs")):
    print(title, {number: f"{angle:.0f} degrees" for number, angle in angles.items()})
    show.angles(net, angles, title)
plt.show()

# %%
_, before, after = train_by_dfa(learning={1})
print(f"layer 1 alone learns: {before[1]:.0f} degrees before, {after[1]:.0f} after")

# %% [markdown]
# $B_1$ never changes. What changes is what backpropagation *would* send, for that goes through the weights above. They
# learn to hand $h_1$ on in such a way that $B_1$ is a good guess of the way back: hold them fixed, and the angle of
# layer 1 stays where it was. (One seed and one learning rate: enough to see what moves the angle, not enough to compare
# rules.)

# %% [markdown]
# ## 3. The target in the place of the error
#
# DFA needs the error, and the error needs the whole forward pass. What part of it is known before? $p$ is between 0 and
# 1 and $y$ is one-hot, so in $p - y$ the entry of the right class is negative and all others are positive, whatever the
# net answers. Sign-DFA (sDFA) sends only that sign: $e_l = \mathrm{sign}(\mathrm{error})\,B_l$, and here
# $\mathrm{sign}(\mathrm{error}) = 1 - 2 y$, known without the net (not so under the squared error). Frenkel, Lefebvre &
# Bol (2021) go one step further and send the target itself, direct random target projection:
#
# $$e_l = \mathrm{target} \, B_l$$
#
# $\mathrm{target}$ is one-hot, so each example is sent the row of $B_l$ that belongs to its class, right or wrong, at
# first and at the end.
#
# ### Exercise 3: dW under direct random target projection
#
# Write `drtp(x, z, target, B)` for one hidden layer with $h = \tanh(z)$, all the way to $dW$.


# %%
def drtp(x, z, target, B):
    """dW, (fan_in, units), from x (N, fan_in), z (N, units), one-hot target (N, outputs) and B (outputs, units)."""
    # BEGIN SOLUTION
    delta = (target @ B) * (1 - np.tanh(z) ** 2)
    return x.T @ delta / len(x)
    # END SOLUTION


drtp = check("direct.drtp", drtp).working

# %%
rule = fa.DRTP(fa.mlp("784-100-50-10", dtype="float64"))
gradients = rule.gradients(traces, output)
for number, x_l, z_l in ((1, x, z_1), (2, np.tanh(z_1), z_2)):
    apart = np.abs(drtp(x_l, z_l, y, rule.feedback[number]["B"]) - gradients[f"{number}.W"]).max()
    print(f"dW_{number} differs from the library's by {apart:.0e}")

# %% [markdown]
# ### The sign of B
#
# Backpropagation sends the last hidden layer $e = (p - y) W^\top$, where $W$ is the output layer's. DRTP sends $+ y B$.
# Suppose that you may choose $B$: should it be $W^\top$ or $-W^\top$? Decide before you run the next cell.

# %%
net = fa.mlp("784-100-10", dtype="float64")
rule, traces = fa.DRTP(net), net.forward(x, train=True)
output = loss.output(net, traces, y)
for sign in (1, -1):
    rule.feedback[1]["B"][...] = sign * net[2].W.T
    angle = delta_angle(rule, traces, output)[1]
    print(f"DRTP with B = {sign:+} W^T: delta is {angle:.0f} degrees from backpropagation's")

# %% [markdown]
# The target has the sign of *minus* the error: in $p - y$ it comes with a minus. A $B$ that is drawn symmetrically
# about 0 is as likely as $-B$, so for random feedback either sign will do. But learning has to make up for it: by $W$,
# which is free to turn. So under DFA $W^\top$ comes to point with $B$, and under DRTP against it.


# %%
def train(name, sizes, step, sgd, epochs=3, batch_size=20, part=1000):
    """(net, rule) after training by `step(net, rule, loss, sgd, x, target)`."""
    net = fa.mlp(sizes)
    rule, rng = fa.make_rule(name, net), np.random.default_rng(0)
    x, y = net.to_float(net.as_input(images.x_train[:part])), fa.one_hot(images.y_train[:part], 10, "float32")
    for _ in range(epochs):
        for batch in np.split(rng.permutation(len(x)), len(x) // batch_size):
            step(net, rule, loss, sgd, x[batch], y[batch])
    return net, rule


for name in ("dfa", "drtp"):
    net, rule = train(name, "784-100-50-10", fa.train_step, fa.SGD(0.1), epochs=5, part=2000)
    start = fa.mlp("784-100-50-10")[3].W.T
    found = [cosine(W.ravel(), rule.feedback[2]["B"].ravel()) for W in (start, net[3].W.T)]
    print(f"{name:4} cosine of W_3^T and B_2: {found[0]:+.2f} at first, {found[1]:+.2f} after five epochs")

# %% [markdown]
# ## 4. What a layer waits for
#
# Three things can hold a layer up (Jaderberg et al. 2017):
#
# - *forward locking*: it cannot run before the layers below have run. So it is under every rule of this course.
# - *update locking*: it cannot learn before the forward pass has gone through the layers above.
# - *backward locking*: it cannot learn before the layers above have sent their deltas down.
#
# ### Exercise 4: how long a layer waits
#
# Count the products with a matrix that have to be done *one after the other* before hidden layer $l$ of $L$ has both
# its $h_l$ and its $e_l$. Each $x W$, each $\delta W^\top$ and each $\mathrm{error}\,B$ counts 1. The slope and the
# loss, which work entry by entry, count 0, and so does $\mathrm{target}\,B_l$: it can be made before the batch comes
# in. Layers can work at the same time. Write `waits(layer, L)` for `layer` from 1 to $L - 1$.


# %%
def waits(layer, L):
    """(products under backpropagation, under DFA, under DRTP), three whole numbers."""
    # BEGIN SOLUTION
    return L + (L - layer), L + 1, layer
    # END SOLUTION


waits = check("direct.waits", waits).working

# %% [markdown]
# As a picture, for a net of six layers. A bar is a layer that runs; the line is the time it waits; at the diamond it
# can learn. FA has no $W^\top$, but it waits as backpropagation does.

# %%
L = 6
figure, axes = plt.subplots(1, 3, figsize=(9, 2.6), layout="constrained", sharex=True, sharey=True)
for place, (ax, title) in enumerate(zip(axes, ("BP and FA", "DFA", "DRTP"))):
    for layer in range(1, L + 1):
        ready = waits(layer, L)[place] if layer < L else L  # the output layer has the error itself
        ax.barh(layer, 1, left=layer - 1, height=0.5, color="#56B4E9", label="runs" * (layer == 1))
        ax.plot([layer, ready], [layer, layer], color="black", lw=1, label="waits" * (layer == 1))
        ax.plot(ready, layer, "D", color="#D55E00", ms=6, label="can learn" * (layer == 1))
    ax.set(title=title, xlabel="products, one after the other")
axes[0].set(ylabel="layer", yticks=range(1, L + 1))
axes[2].legend(*axes[0].get_legend_handles_labels(), loc="lower right", fontsize=8)
plt.show()

# %% [markdown]
# These are counts of products, not seconds: how long a product takes depends on its size and on the machine.
#
# Does the library's code keep to this? `numpyfa.laws.needs` does not look at it but measures: what a layer must not
# wait for is changed by hand, and the layer's gradients have to stay as they were. (`numpyfa needs` prints the whole
# table.)

# %%
for name in ("bp", "fa", "dfa", "sdfa", "drtp", "greedy"):
    print(f"{name:6} hidden layers update {needs(name)['updates']}")

# %% [markdown]
# *All together* is update locking without backward locking; *at once* is neither. `greedy` comes to that in another
# way: each layer has a small classifier of its own, and learns from that one's error (Belilovsky et al. 2019).
#
# ## 5. At once: each layer learns before the next one runs
#
# ### Exercise 5: one batch, upwards
#
# Write one batch of DRTP for the hidden layers, without biases, as a single loop upwards: a layer runs, learns, and
# hands its $h$ on. The $h$ that it hands on is the one it has already computed, with its weights of *before* the
# update. Here $h_l = \tanh(z_l)$, and $dW_l = x_l^\top \delta_l / N$, a mean over the batch. `W` and `B` are lists, one
# entry for each hidden layer; return new arrays and leave the given ones as they are.


# %%
def at_once(W, B, x, target, lr):
    """([the new W_l], the h that the output layer gets), from W_l (fan_in, units), B_l (outputs, units), a batch."""
    # BEGIN SOLUTION
    h, learned = x, []
    for W_l, B_l in zip(W, B):
        z = h @ W_l
        delta = (target @ B_l) * (1 - np.tanh(z) ** 2)
        learned.append(W_l - lr * h.T @ delta / len(x))
        h = np.tanh(z)
    return learned, h
    # END SOLUTION


at_once = check("direct.at_once", at_once).working

# %% [markdown]
# Train the hidden layers by your function, and the same net by the library, which runs all layers first and then
# updates them. Yours has not even got an output layer: nothing that happens there reaches the layers below.

# %%
layers = [fa.Dense(100, "tanh", bias=False), fa.Dense(50, "tanh", bias=False), fa.Dense(10, bias=False)]
net = fa.Network(784, layers, dtype="float64")
rule = fa.DRTP(net)
W, B = ([net[1].W.copy(), net[2].W.copy()], [rule.feedback[1]["B"], rule.feedback[2]["B"]])
x, y = net.to_float(net.as_input(images.x_train)), np.eye(10)[images.y_train]
for batch in np.split(np.arange(1000), 50):
    W, _ = at_once(W, B, x[batch], y[batch], 0.1)
    fa.train_step(net, rule, loss, fa.SGD(0.1), x[batch], y[batch])
for number, W_l in enumerate(W, 1):
    print(f"after 50 batches W_{number} differs from the library's by {np.abs(W_l - net[number].W).max():.0e}")

# %% [markdown]
# ## 6. The same for any rule that does not wait, to the last bit
#
# With the library's layers, rules and optimisers the two ways of updating are a few lines each. First what both share:
# all that one layer learns, its own weights, and its feedback if that learns by a gradient. Each layer has an optimiser
# to itself, so that nothing is shared.


# %%
def update(rule, optimizers, layer, trace, signal, output):
    own, gradients = rule.feedback.get(layer.number, {}), layer.gradients(trace, signal)
    if own:
        gradients |= rule.feedback_gradients(layer, own, trace, signal, output)
    optimizers[layer.number].update(layer.parameters() | own, gradients)


# %% [markdown]
# **At once.** A rule that asks for nothing but the target has all that it needs when the layer has its h. So the layer
# is updated then, before the next layer runs. That layer gets the h of before the update: computed once, as in the
# authors' code (Frenkel et al. 2021), and the same h that the library's step would have given it.


# %%
def learn_at_once(net, rule, loss, optimizers, x, target):
    """One batch: each hidden layer runs, and learns before the next one runs."""
    known, h = fa.Output(None, target, None), x  # no loss and no error: nobody knows them yet
    for layer in net.layers[:-1]:
        trace = layer.forward(h, train=True)
        e = rule.project(layer, rule.feedback[layer.number], trace, known)
        update(rule, optimizers, layer, trace, rule.receive(layer, trace, e), known)
        h = trace.h
    trace = net.last.forward(h, train=True)
    output = loss.output(net, {net.last.number: trace}, target)
    update(rule, optimizers, net.last, trace, output.signal, output)


# %% [markdown]
# **All together.** DFA needs the error, and so the whole forward pass. From there on no layer needs to hear of another:
# each can be updated in a thread of its own, in any order.

# %%
pool = ThreadPoolExecutor(4)


def learn_together(net, rule, loss, optimizers, x, target):
    """One batch: a forward pass, and then every layer at the same time."""
    traces = net.forward(x, train=True)
    output = loss.output(net, traces, target)

    def learn(layer):
        trace, signal = traces[layer.number], output.signal
        if layer is not net.last:
            e = rule.project(layer, rule.feedback[layer.number], trace, output)
            signal = rule.receive(layer, trace, e)
        update(rule, optimizers, layer, trace, signal, output)

    list(pool.map(learn, net.layers))  # a list: so that an error in a thread is raised here


# %% [markdown]
# Both against the library's own step, over three epochs, with momentum:

# %%
for name, step in (("drtp", learn_at_once), ("greedy", learn_at_once), ("dfa", learn_together)):
    optimizers = {number: fa.SGD(0.02, momentum=0.9) for number in (1, 2, 3)}
    net, _ = train(name, "784-100-50-10", step, optimizers)
    same, _ = train(name, "784-100-50-10", fa.train_step, fa.SGD(0.02, momentum=0.9))
    apart = max(np.abs(p - same.parameters()[key]).max() for key, p in net.parameters().items())
    wrong = 100 * (net.predict(images.x_test).argmax(axis=1) != images.y_test).mean()
    print(f"{name:6} by {step.__name__:14} {wrong:4.1f} % test error, weights {apart} from the library's")

# %% [markdown]
# What is shown is who waits for whom, not speed: products as small as these are over before a thread has started. Nor
# do the test errors compare the rules: one seed, one learning rate for all, and few images.
#
# ## Open question
#
# DRTP tells a hidden layer the class of each example and never whether the net got it right. What can a layer learn
# from that, and what can it not? A start: take the tanh away, so that the hidden layer is linear, and write down how
# $W_1$ changes over many steps. Which numbers of the data does it depend on? What does the slope of tanh add?
#
# ## Sources
#
# - A. Nøkland, *Direct feedback alignment provides learning in deep neural networks*, 2016.
# - C. Frenkel, M. Lefebvre & D. Bol, *Learning without feedback: fixed random learning signals allow for feedforward
#   training of deep neural networks*, 2021: DRTP, and sDFA beside it.
# - M. Jaderberg et al., *Decoupled neural interfaces using synthetic gradients*, 2017: the three kinds of locking.
# - E. Belilovsky, M. Eickenberg & E. Oyallon, *Greedy layerwise learning can scale to ImageNet*, 2019.
# - In the library: `numpyfa/rules/dfa.py`, `numpyfa/rules/sdfa.py` and `numpyfa/rules/drtp.py`, a page each; their laws
#   in `numpyfa/laws`; what every rule reads and waits for in `docs/needs.md`; trained nets in `docs/results.md`.

# %%
check.progress()
