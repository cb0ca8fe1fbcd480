# %% [markdown]
# # 09 A rule of your own in ten lines
#
# **You will be able to** write a learning rule that nobody has written, sequential, direct or with feedback that
# learns; say which check proves which part of it; and show, against the right control, that its hidden layers learn.
#
# **You need** notebook 02 (feedback alignment), notebook 04 (direct rules), notebook 05 (Kolen-Pollack), and Python's
# classes.
#
# A rule answers one question: what is $e$, the learning signal at a layer's output? All the rest is the same for every
# rule, and so it is not the rule's business:
#
# $$\delta_l = e_l \odot f'(z_l), \qquad dW_l = x_l^\top \delta_l / N$$
#
# For most rules the question is smaller still. They send $e_l = \delta_{l+1} M$ to the layer below, and the rule says
# what matrix $M$ stands where $W_{l+1}^\top$ stands.

# %%
import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy: on small products threads only wait for each other

import time
from dataclasses import dataclass

import matplotlib.pyplot as plt
import numpy as np

import numpyfa as fa
from numpyfa import show
from numpyfa.course import check
from numpyfa.lab.looks import looks

# %% [markdown]
# ## 1. The rule
#
# Feedback alignment whose feedback is one bit a weight. `init_feedback` draws what the rule needs for one layer;
# `self.draw` takes an initialiser by name and a stream of random numbers that is the layer's own. `stand_in` says what
# stands where $W^\top$ stands, so it is (fan_out, fan_in). `own` holds the arrays that `init_feedback` made. An option,
# such as $c$, is a field of the dataclass.


# %%
@dataclass
class BinaryFA(fa.SequentialRule):
    """Binary feedback alignment: e_l = delta_{l+1} B_{l+1}, B = c or -c at random and fixed"""

    c: float = 0.1

    def init_feedback(self, layer):
        return {"B": self.c * np.sign(self.draw(layer, layer.W.T.shape, "normal"))}

    def stand_in(self, layer, own):
        return own["B"]


# %% [markdown]
# That is all. The engine does the rest, for any net.
#
# ### Exercise 1: W's own signs
#
# *Uniform sign feedback* (Liao et al. 2016) takes the signs of $W^\top$ and the same size for all entries:
# $e_l = \delta_{l+1}\, c\, \mathrm{sign}(W_{l+1})^\top$. It has no array of its own. Write its `stand_in`.


# %%
@dataclass
class UniformSign(fa.SequentialRule):
    """Uniform sign feedback: e_l = delta_{l+1} c sign(W_{l+1})^T"""

    c: float = 0.1

    def stand_in(self, layer, own):
        """What stands where W^T stands, (fan_out, fan_in), from layer.W, (fan_in, fan_out), and self.c."""
        # BEGIN SOLUTION
        return self.c * np.sign(layer.W).T
        # END SOLUTION


UniformSign = check("own.stand_in", UniformSign).working

# %%
small = fa.mlp("6-5-4-3", dtype="float64")  # three layers of weights; small enough to check every entry
binary, signs = BinaryFA(small), UniformSign(small)
show.matrices(
    {
        "W^T of layer 3": small[3].W.T,
        "BinaryFA": binary.stand_in(small[3], binary.feedback[3]),
        "UniformSign": signs.stand_in(small[3], signs.feedback[3]),
    }
)
plt.show()

# %% [markdown]
# ## 2. Is it right?
#
# No loss has this rule's update as its gradient, so the usual check of a gradient has nothing to compare with. But two
# things must hold. Whatever $e$ is, each update must be the gradient of $\langle e, h \rangle / N$ with $e$ held
# constant. Finite differences can tell, in float64 and on a small net:

# %%
x, target = np.random.default_rng(0).standard_normal((5, 6)), np.eye(3)[[0, 1, 2, 0, 1]]
loss = fa.SoftmaxCrossEntropy()
checks = fa.check_gradients(small, binary, loss, x, target)
print(f"{len(checks)} gradients checked, the largest error is {max(each.figure for each in checks):.0e}")

# %% [markdown]
# That says nothing of $e$ itself, which is the rule. For this one asks: *what would make the rule backpropagation?*
# With $W^\top$ in the place of $B$ it must give backpropagation's gradients, to the last digit.
#
# ### Exercise 2: how far from backpropagation
#
# Write `from_bp(rule, traces, output)`: the largest absolute difference, over all entries of all of the net's own
# parameters, of the rule's gradients from backpropagation's. `traces` and `output` are what a forward pass and the loss
# said of one batch; `rule.gradients(traces, output)` is a dictionary, such as `{"1.W": ..., "1.b": ...}`. `fa.BP(net)`
# is a rule too, and `rule.net` is the net.


# %%
def from_bp(rule, traces, output):
    """The largest |difference| of the rule's gradients from backpropagation's: one number, 0 or more."""
    # BEGIN SOLUTION
    mine, true = rule.gradients(traces, output), fa.BP(rule.net).gradients(traces, output)
    return max(abs(mine[name] - true[name]).max() for name in true)
    # END SOLUTION


from_bp = check("own.check", from_bp).working

# %%
traces = small.forward(x)
output = loss.output(small, traces, target)
print(f"as drawn: the largest difference is {from_bp(binary, traces, output):.2g}")
for number, own in binary.feedback.items():
    own["B"] = small[number].W.T
print(f"with B = W^T it differs from backpropagation by {from_bp(binary, traces, output):.0e}")

# %% [markdown]
# ## 3. Does it learn?
#
# A falling loss shows nothing: an output layer on random features gets far above chance by itself. The control is
# `fa.Shallow`, which trains the output layer alone. A rule whose hidden layers learn must beat it clearly, and with
# each at *its own* learning rate. So choose these on held-out images first, the same few for all, then train from three
# fresh seeds and look at the test set.

# %%
data = fa.load("mnist").part(3000, 1000)
held_out = data.validation(1000)  # 1000 of the 3000 training images in the place of the test set


def train(kind, lr, data, seed=0, decay=0.0):
    net = fa.mlp("784-50-30-10", seed=seed)
    how = {"epochs": 4, "batch_size": 16, "measured": 500}
    return fa.fit(net, kind(net, seed=seed), loss, fa.SGD(lr, decay=decay), data, **how)


for kind in (fa.Shallow, BinaryFA, fa.FA, fa.BP):
    wrong = {lr: train(kind, lr, held_out)[-1]["test_error"] for lr in (0.1, 0.3, 1.0)}
    best = min(wrong, key=wrong.get)
    found = [train(kind, best, data, seed=seed)[-1]["test_error"] for seed in (1, 2, 3)]
    print(f"{kind.__name__:9} test error {np.mean(found):5.1f} %, {min(found):.1f} to {max(found):.1f}, at lr {best}")
edge, larger = (train(fa.Shallow, lr, held_out)[-1]["test_error"] for lr in (1.0, 3.0))
print(f"Shallow chose the largest of the three: its held-out error is {edge:.1f} % there, and {larger:.1f} % at lr 3.0")

# %% [markdown]
# The hidden layers of `BinaryFA` learn: nothing else can explain the distance to `Shallow`, whose best learning rate is
# at the edge of what was tried: a still larger one hardly helps. What the table does *not* say is which of the other
# three is best. Three learning rates, three seeds and few images do not settle a difference of a point or two (notebook
# 11 is about that).

# %% [markdown]
# ## 4. Straight from the output
#
# A direct rule sends the error to each hidden layer at once. Its class is `fa.DirectRule`, and it writes `project`
# instead of `stand_in`: $e_l$ for one layer, from `output.error`, which is (N, outputs).
#
# ### Exercise 3: binary and direct
#
# $e_l = \mathrm{error}\, B_l$, where each entry of $B_l$ is $c$ or $-c$ at random and fixed, and $B_l$ is (outputs,
# units of layer $l$). The sizes are `self.net.size_out` and `layer.size_out`. Write both methods, with the name `"B"`.


# %%
@dataclass
class BinaryDFA(fa.DirectRule):
    """Binary direct feedback alignment: e_l = error B_l, B = c or -c at random and fixed"""

    c: float = 0.1

    def init_feedback(self, layer):
        """{"B": (outputs, units)}, drawn once."""
        # BEGIN SOLUTION
        return {"B": self.c * np.sign(self.draw(layer, (self.net.size_out, layer.size_out), "normal"))}
        # END SOLUTION

    def project(self, layer, own, trace, output):
        """e of the layer, (N, units), each example's own."""
        # BEGIN SOLUTION
        return output.error @ own["B"]
        # END SOLUTION


BinaryDFA = check("own.project", BinaryDFA).working

# %% [markdown]
# ### Exercise 4: what makes it backpropagation
#
# For this rule $W^\top$ alone will not do: the error has to cross all layers above. In a net whose hidden units are
# *linear*, $h = z$, there is a $B_l$ for each layer that makes the rule backpropagation. Write `make_bp(rule)`, which
# puts it into `rule.feedback[l]["B"]` for each hidden layer `l`. `rule.net[l].W` is layer $l$'s $W$, (fan_in, fan_out),
# and `rule.net.last` the output layer.


# %%
def make_bp(rule):
    """Set every rule.feedback[l]["B"], (outputs, units of l), to what makes the rule BP in a linear net."""
    # BEGIN SOLUTION
    product = rule.net.last.W.T
    for number in sorted(rule.feedback, reverse=True):
        rule.feedback[number]["B"] = product
        product = product @ rule.net[number].W.T
    # END SOLUTION


make_bp = check("own.make_bp", make_bp).working

# %%
for activation in ("identity", "tanh"):
    net = fa.mlp("6-5-4-3", activation, dtype="float64")
    rule = BinaryDFA(net)
    make_bp(rule)
    traces = net.forward(x)
    print(f"{activation:8}  from backpropagation by {from_bp(rule, traces, loss.output(net, traces, target)):.0e}")

# %% [markdown]
# With tanh it is no longer so: backpropagation's delta passes a slope at each layer on the way, and that differs from
# example to example, while $B$ is one matrix for all. So the linear net is where this rule is *checked*, and the class
# is the same in both.

# %% [markdown]
# ## 5. Feedback that learns
#
# Feedback that learns by a gradient names its arrays in `learned` and writes `feedback_gradients`. The optimiser then
# treats them as it treats $W$: the same learning rate, the same decay.
#
# ### Exercise 5: let B learn
#
# Let `BinaryFA`'s $B$ start at $c$ or $-c$ and then learn as Kolen & Pollack (1994) say:
#
# $$dB_{l} = \delta_{l}^\top x_{l} / N$$
#
# where $x_l$ is layer $l$'s input, (N, fan_in), and $\delta_l$ its delta, (N, fan_out). They are `trace.x` and
# `signal.delta`. (For dense layers. On a convolution, whose rows are patches, write
# `layer.outer_T(trace.x, signal.delta)` for the product.)


# %%
@dataclass
class BinaryKP(BinaryFA):
    """Binary at first, then Kolen-Pollack: e_l = delta_{l+1} B_{l+1}, dB_{l+1} = delta_{l+1}^T h_l / N"""

    learned = ("B",)

    def feedback_gradients(self, layer, own, trace, signal, output):
        """{"B": its gradient, (fan_out, fan_in), a mean over the batch}."""
        # BEGIN SOLUTION
        return {"B": signal.delta.T @ trace.x / len(trace.x)}
        # END SOLUTION


BinaryKP = check("own.learned", BinaryKP).working

# %% [markdown]
# What proves it? With $B = W^\top$ it is backpropagation, as before. But this looks at one moment, and the rule is
# about how $B$ moves. $B$'s gradient is $W$'s, transposed, so the difference $B - W^\top$ has no gradient at all but
# its decay. Each step of SGD makes it $(1 - \mathrm{lr} \cdot \mathrm{decay})$ times what it was, whatever the data
# are:


# %%
def gap_error(kind, lr=0.1, decay=0.1, steps=50):
    """How far |B - W^T| of layer 3 is from its law, relative to its start."""
    net = fa.mlp("6-5-4-3", dtype="float64")
    rule, optimizer = kind(net), fa.SGD(lr, decay=decay)
    start = rule.feedback[3]["B"] - net[3].W.T
    for _ in range(steps):
        fa.train_step(net, rule, loss, optimizer, x, target)
    due = (1 - lr * decay) ** steps * start
    return np.abs(rule.feedback[3]["B"] - net[3].W.T - due).max() / np.abs(start).max()


print(f"BinaryKP: the gap B - W^T keeps its law to {gap_error(BinaryKP):.0e}")

# %% [markdown]
# Now all of them on one net, and the angle of the first layer's delta to backpropagation's, epoch by epoch:

# %%
figure, ax = plt.subplots(figsize=(6, 3.6), layout="constrained")
kin = {BinaryFA: "fa", UniformSign: "usf", BinaryDFA: "dfa", BinaryKP: "kp"}  # drawn as the rule that each is kin to
for kind, name in kin.items():
    history = train(kind, 0.1, data, decay=0.01 if kind is BinaryKP else 0.0)
    style = looks([name])[name]
    angles = [row["angle_1"] for row in history]
    ax.plot([row["epoch"] for row in history], angles, marker=style.marker, label=kind.__name__, **style.line())
    print(f"{kind.__name__:11} angle by epoch: {', '.join(f'{angle:.0f}' for angle in angles)}")
ax.axhline(90, color="black", lw=0.8)
ax.set(xlabel="epoch", ylabel="angle of layer 1's delta to BP's, degrees", ylim=(0, 100), xticks=range(5))
ax.legend()
plt.show()

# %% [markdown]
# Random feedback starts at a right angle, signs of $W$ start well below it. The angle of `BinaryKP` goes on falling, as
# its gap does. The figure is of one seed and one learning rate, and shows angles. It does not say who has the least
# error.

# %% [markdown]
# ## 6. Which check finds which mistake?
#
# Three mistakes, each in one line. Before you run the cell, say which of three checks will find each: the finite
# differences, the comparison with backpropagation where $B = W^\top$, or the law of the gap.


# %%
class NoSlope(BinaryKP):
    """delta = e: the slope of the activation is forgotten."""

    def receive(self, layer, trace, e):
        return super().receive(layer, trace, e)._replace(delta=e)


class Minus(BinaryKP):
    """The signal is sent down with the wrong sign."""

    def stand_in(self, layer, own):
        return -own["B"]


class Uphill(BinaryKP):
    """B climbs where it should descend."""

    def feedback_gradients(self, layer, own, trace, signal, output):
        return {"B": -signal.delta.T @ trace.x / len(trace.x)}


def differences(kind):
    try:
        fa.check_gradients(small, kind(small), loss, x, target)
    except fa.GradientMismatch:
        return "found"
    return "passes"


def identity(kind):
    rule, traces = kind(small), small.forward(x)
    for number, own in rule.feedback.items():
        own["B"] = small[number].W.T
    return "found" if from_bp(rule, traces, loss.output(small, traces, target)) > 1e-9 else "passes"


print(f"{'':9} {'differences':12} {'BP':12} {'law of the gap':12}")
for kind in (BinaryKP, NoSlope, Minus, Uphill):
    law = "found" if gap_error(kind) > 1e-9 else "passes"
    print(f"{kind.__name__:9} {differences(kind):12} {identity(kind):12} {law:12}")

# %% [markdown]
# Each mistake is found by some check, and no check finds all. Finite differences know nothing of $e$, so a wrong
# `stand_in` passes them. The identity knows nothing of how feedback moves. And the law of the gap holds for any delta
# at all, as long as $W$ and $B$ share it. All three mistakes may still learn something, through the output layer. More
# such mistakes, from real code, are in `tutorials/bugs`, and in notebook 10.

# %% [markdown]
# ## 7. On a convolution
#
# The rule knows nothing of images. What carries delta down is the layer, and it takes any matrix in $W^\top$'s place:
# so the rule runs on a LeNet as it is, on the same fast path as backpropagation, and takes about as long.

# %%
pixels, labels = data.x_train[:64], fa.one_hot(data.y_train[:64], 10, "float32")
for kind in (fa.BP, BinaryFA):
    net = fa.lenet()
    rule, optimizer, batch, seconds = kind(net), fa.SGD(0.01), net.to_float(net.as_input(pixels)), []
    for _ in range(12):
        start = time.perf_counter()
        fa.train_step(net, rule, loss, optimizer, batch, labels)
        seconds.append(time.perf_counter() - start)
    print(f"{kind.__name__:9} one step of LeNet on 64 images: {1000 * min(seconds):.0f} ms")

# %% [markdown]
# ## Open question
#
# `BinaryFA` sends real numbers $\delta$ through one bit a weight. One can also send the sign of the error alone, keep
# few entries of $B$, or share one $B$ among layers. How little may feedback carry, and how would you find out? Say what
# you would hold fixed, what you would tune, and what control tells whether the hidden layers still learn.

# %% [markdown]
# ## Sources
#
# - Lillicrap, Cownden, Tweed & Akerman (2016): feedback alignment. Liao, Leibo & Poggio (2016): signs of $W$. Han & Yoo
#   (2019): binary direct feedback. Kolen & Pollack (1994), and Akrout et al. (2019): feedback that learns.
# - `numpyfa/rules/fa.py`, `dfa.py` and `kp.py`: rules of the library, each a page like yours; `numpyfa/laws/` has what
#   proves each, in a file of the same name.
# - `docs/checking.md`: the same for a layer or an activation of your own. `CONTRIBUTING.md`: how a rule joins the
#   others.

# %%
check.progress()
