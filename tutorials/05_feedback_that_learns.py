# %% [markdown]
# # 05 Feedback that learns
#
# **You will be able to** let feedback weights learn without ever seeing the forward weights, in four ways:
# Kolen-Pollack (KP), weight mirrors (WM), direct Kolen-Pollack (DKP) and product feedback (PFA); derive where such
# feedback ends; and check a law of learning to the last digit.
#
# **You need** notebooks 01, 02 and 04: $\delta$, $dW = h^\top \delta / N$, $e_l = \delta_{l+1} B_{l+1}$ and
# $e_l = \mathrm{error} \, B_l$.

# %%
import matplotlib.pyplot as plt
import numpy as np

import numpyfa as fa
from numpyfa import show
from numpyfa.course import check
from numpyfa.laws.needs import needs
from numpyfa.theory.learned_feedback import angle, path_angle

# %% [markdown]
# A random $B$ that never changes sends a signal that is only roughly backpropagation's. Copying $W^\top$ is not
# allowed: that is the weight transport of notebook 02. But $B$ may *learn*, from what the two units that it joins know.
#
# All of this notebook is about one pair of matrices at a time: $W$ (fan_in, fan_out), which takes $h$ up, and $B$
# (fan_out, fan_in), which takes $\delta$ down between the same two layers.
#
# ## 1. Two synapses that are told the same
#
# The weight from unit $j$ below to unit $i$ above moves by the product of what its two ends know, $h_j \delta_i$. The
# feedback weight from $i$ to $j$ joins the same two units, so it can move by the same product. Let both decay a little
# at each step, too (Kolen & Pollack 1994):
#
# $$W \leftarrow W - \mathrm{lr}\,(dW + \mathrm{decay}\, W), \qquad
# B \leftarrow B - \mathrm{lr}\,(dB + \mathrm{decay}\, B)$$
#
# ### Exercise 1: a step of W and of B
#
# Write `kp(W, B, h, delta, lr, decay)`, which returns the new $W$ and the new $B$. What is $dB$? If you are stuck,
# `check.hint("learn.kp")`.


# %%
def kp(W, B, h, delta, lr, decay):
    """(W, B) after one step: W (fan_in, fan_out), B (fan_out, fan_in), h (N, fan_in), delta (N, fan_out)."""
    # BEGIN SOLUTION
    dW = h.T @ delta / len(h)
    return W - lr * (dW + decay * W), B - lr * (dW.T + decay * B)
    # END SOLUTION


kp = check("learn.kp", kp).working

# %% [markdown]
# ### Exercise 2: the law of the gap
#
# Subtract the two updates. What was learned cancels, whatever the data, the net or the error are, and a law for the gap
# $B - W^\top$ is left. Write `law(W0, B0, W, lr, decay, steps)`: the $B$ that is due after so many steps, from $W$ and
# $B$ at the start and the $W$ of now.


# %%
def law(W0, B0, W, lr, decay, steps):
    """B after so many steps, (fan_out, fan_in), from W0, B0 at the start and W, (fan_in, fan_out), now."""
    # BEGIN SOLUTION
    return W.T + (1 - lr * decay) ** steps * (B0 - W0.T)
    # END SOLUTION


law = check("learn.gap", law).working

# %% [markdown]
# ## 2. The law, to the last digit
#
# A net of three layers, by hand and without biases, on every second pixel of 1000 images, trained by your `kp`. The two
# feedback matrices are those of layers 2 and 3: layer 1 has nothing below that is told anything.

# %%
images = fa.load("mnist").part(1000, 500)
x, x_test = (each[:, ::2, ::2, 0].reshape(len(each), -1) / 255.0 for each in (images.x_train, images.x_test))
y = np.eye(10)[images.y_train]
sizes = [196, 100, 100, 10]


def forward(W, x):
    """[x, h_1, h_2] and the answer p, by tanh and softmax."""
    h = [x]
    for W_l in W[:-1]:
        h.append(np.tanh(h[-1] @ W_l))
    z = h[-1] @ W[-1]
    p = np.exp(z - z.max(axis=1, keepdims=True))
    return h, p / p.sum(axis=1, keepdims=True)


def drawn(rng):
    """W of layers 1 to 3, and for each a B of W^T's shape, all with entries of variance 1 / fan_in."""
    pairs = list(zip(sizes, sizes[1:]))
    W = [rng.standard_normal((fan_in, fan_out)) / fan_in**0.5 for fan_in, fan_out in pairs]
    return W, [rng.standard_normal((fan_out, fan_in)) / fan_in**0.5 for fan_in, fan_out in pairs]


def batches(rng, epochs):
    return [batch for _ in range(epochs) for batch in np.split(rng.permutation(len(x)), 50)]


def train_by_kp(decay, lr=0.2, epochs=10):
    """[(step, W_2, B_2)] at the start and after every epoch of 50 steps, and the test error in %."""
    rng = np.random.default_rng(0)
    W, B = drawn(rng)
    course = [(0, W[1], B[1])]
    for step, batch in enumerate(batches(rng, epochs), 1):
        h, p = forward(W, x[batch])
        delta = p - y[batch]
        for place in (2, 1):  # W[2] is that of layer 3
            below = (delta @ B[place]) * (1 - h[place] ** 2)
            W[place], B[place] = kp(W[place], B[place], h[place], delta, lr, decay)
            delta = below
        W[0] = W[0] - lr * (h[0].T @ delta / len(batch) + decay * W[0])
        if step % 50 == 0:
            course.append((step, W[1], B[1]))
    return course, 100 * (forward(W, x_test)[1].argmax(axis=1) != images.y_test).mean()


runs = {decay: train_by_kp(decay) for decay in (0.0, 0.01, 0.03)}
course, _ = runs[0.03]
(_, W0, B0), (steps, W, B) = course[0], course[-1]
gap = np.linalg.norm(B - W.T) / np.linalg.norm(B0 - W0.T)
print(f"after {steps} steps the gap is {gap:.5f} of the start's, (1 - lr decay)^t = {(1 - 0.2 * 0.03) ** steps:.5f}")
print(f"B differs from the law by {np.abs(B - law(W0, B0, W, 0.2, 0.03, steps)).max():.0e}")

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3), layout="constrained")
for (decay, (course, test_error)), style in zip(runs.items(), (":", "--", "-")):
    steps = np.array([step for step, _, _ in course])
    gaps = np.array([np.linalg.norm(B - W.T) for _, W, B in course])
    angles = [angle(W.T, B) for _, W, B in course]
    left.plot(steps, (1 - 0.2 * decay) ** steps, color="#D55E00", ls=style, lw=1)
    left.plot(steps, gaps / gaps[0], "o", color="black", ms=3)
    right.plot(steps, angles, color="black", ls=style, label=f"decay {decay:g}")
    print(f"decay {decay:4}: the gap ends at {gaps[-1] / gaps[0]:.2f} of the start's, the angle of B to W^T goes from "
          f"{angles[0]:.0f} to {angles[-1]:.0f} degrees, test error {test_error:.0f} %")  # fmt: skip
left.set(xlabel="step", ylabel="gap, of the start's", yscale="log", title="points: measured; lines: the law")
right.set(xlabel="step", ylabel="angle of B to W^T (degrees)", ylim=(0, 95))
right.legend()
plt.show()

# %% [markdown]
# Look at the run without a decay. The gap stays what it was, and the angle falls all the same: what both have
# learned is alike, and outgrows the start. So an angle that falls is no proof that $B$ comes to $W^\top$. The
# gap is.
#
# A strong decay closes the gap fast, but keeps the weights small. The test errors are printed so that you see the
# price; one seed and few images rank nothing.
#
# The law needs both to take the same steps, entry by entry. Momentum keeps it in a form of its own; so does Adam if the
# decay is decoupled, since $dB$ is $dW^\top$ exactly. A decay that passes through Adam breaks it
# (`figures/kolen-pollack`).

# %% [markdown]
# ## 3. Weight mirrors
#
# Another way to learn $W^\top$ asks for no error at all (Akrout et al. 2019). Send noise into the layer and look at
# what comes out. Let $x$ be noise whose entries are independent, of mean 0 and variance 1, and $z = x W$ the answer.
# For output $i$ and input $j$
#
# $$E[z_i x_j] = \sum_k W_{ki} \, E[x_k x_j] = W_{ji}, \qquad E[z^\top x] = W^\top$$
#
# for $E[x_k x_j]$ is 1 where $k = j$ and 0 elsewhere: what goes up and down together tells how strong the weight
# between is. $B$ follows the mean over $n$ examples of noise, a little at each step:
#
# $$B \leftarrow B + \mathrm{rate} \, (z^\top x / n - B)$$
#
# ### Exercise 3: a step of the mirror
#
# Write `mirror(B, W, x, rate)`, which returns the new $B$.


# %%
def mirror(B, W, x, rate):
    """B after one step, (fan_out, fan_in), on noise x (n, fan_in). W may be used to answer to the noise, not else."""
    # BEGIN SOLUTION
    z = x @ W
    return B + rate * (z.T @ x / len(x) - B)
    # END SOLUTION


mirror = check("learn.mirror", mirror).working

# %%
rng, n = np.random.default_rng(0), 128
W = rng.standard_normal((12, 8)) / 12**0.5
B = rng.standard_normal((8, 12)) / 12**0.5
strip, titles = [W.T, B], ["W^T", "B at first"]
for step in range(1, 101):
    B = mirror(B, W, rng.standard_normal((n, 12)), 0.05)
    if step in (10, 30, 100):
        strip, titles = [*strip, B], [*titles, f"B after {step} steps"]
show.frames(strip, titles)
plt.show()

# %% [markdown]
# ### How near does a mirror come?
#
# Each step sees fresh noise, so $B$ never comes to rest: it fluctuates about $W^\top$. By how much? For normal noise an
# entry of $z^\top x / n$ has the variance $(|w_i|^2 + W_{ji}^2) / n$, with $w_i$ the column of $W$ of unit $i$. Over
# the fan_in entries of a row of $B$ that adds up to $|w_i|^2 (\mathrm{fan\_in} + 1) / n$. Following such a mean at a
# rate keeps the share $\mathrm{rate} / (2 - \mathrm{rate})$ of the variance. So the angle settles where
#
# $$\tan^2 \theta = \frac{\mathrm{rate}}{2 - \mathrm{rate}} \cdot \frac{\mathrm{fan\_in} + 1}{n}$$

# %%
W = rng.standard_normal((100, 50)) / 10
for rate in (0.1, 0.02):
    B, found = rng.standard_normal((50, 100)) / 10, []
    for _ in range(round(8 / rate)):
        B = mirror(B, W, rng.standard_normal((n, 100)), rate)
        found.append(angle(W.T, B))
    due = np.degrees(np.arctan((rate / (2 - rate) * 101 / n) ** 0.5))
    print(f"rate {rate:4}: after {len(found):3} steps {found[-1]:4.1f} degrees from W^T, theory {due:4.1f}")

# %% [markdown]
# With a small rate $B$ fluctuates less and follows later: $W$ moves while the net trains, and the mirror lags behind.
# That is a setting to tune that KP does not have. And the noise needs a time of its own, when the layer is not at work.
#
# ## 4. Direct Kolen-Pollack
#
# Direct feedback can learn in the same way (Webster, Choi & Ahn 2021). $B_l$ joins the outputs, which know the error,
# to the units of layer $l$, which know $h_l$:
#
# $$e_l = \mathrm{error} \, B_l, \qquad dB_l = \mathrm{error}^\top h_l / N, \qquad
# B_l \leftarrow B_l - \mathrm{lr}\,(dB_l + \mathrm{decay}\, B_l)$$
#
# ### Exercise 4: direct feedback that learns
#
# Write `dkp(B, error, h, lr, decay)` for one hidden layer: $e$, made with the $B$ of before, and the new $B$.


# %%
def dkp(B, error, h, lr, decay):
    """(e (N, units), the new B (outputs, units)), from error (N, outputs) and the layer's output h (N, units)."""
    # BEGIN SOLUTION
    return error @ B, B - lr * (error.T @ h / len(h) + decay * B)
    # END SOLUTION


dkp = check("learn.dkp", dkp).working

# %% [markdown]
# For the last hidden layer this *is* Kolen-Pollack: the output layer's $dW_3 = h_2^\top \mathrm{error} / N$ is
# $dB_2^\top$, so the gap $B_2 - W_3^\top$ obeys your law. For a layer further down there is no such partner. What
# backpropagation would use there, in a linear net, is the product $(W_2 W_3)^\top$. Does $B_1$ come near that? With
# $\mathrm{lr} = 0$ for $B$ the same function is DFA: the control, since under DFA the weights turn towards $B$.


# %%
def train_by_dkp(lr_B, seed, lr=0.2, decay=0.03):
    """[the angle of B_2 to W_3^T, that of B_1 to (W_2 W_3)^T] at the start, after 10 epochs, and after 40."""
    rng = np.random.default_rng(seed)
    W, _ = drawn(rng)
    B = [rng.standard_normal((10, units)) / units**0.5 for units in sizes[1:-1]]  # B[0] is that of layer 1
    angles = []
    for step, batch in enumerate(batches(rng, epochs=40)):
        if step in (0, 500):
            angles.append((angle(B[1], W[2].T), angle(B[0], (W[1] @ W[2]).T)))
        h, p = forward(W, x[batch])
        error = p - y[batch]
        deltas = [None, None, error]
        for place in (0, 1):
            e, B[place] = dkp(B[place], error, h[place + 1], lr_B, decay)
            deltas[place] = e * (1 - h[place + 1] ** 2)
        W = [W_l - lr * (h_l.T @ delta / len(batch) + decay * W_l) for W_l, h_l, delta in zip(W, h, deltas)]
    return np.transpose([*angles, (angle(B[1], W[2].T), angle(B[0], (W[1] @ W[2]).T))])


for name, lr_B in (("dkp", 0.2), ("dfa", 0.0)):
    for seed in range(3):
        upper, lower = (" -> ".join(f"{each:4.1f}" for each in angles) for angles in train_by_dkp(lr_B, seed))
        print(f"{name}, seed {seed}: B_2 to W_3^T {upper} degrees, B_1 to (W_2 W_3)^T {lower}")

# %% [markdown]
# The three angles are those at the start, after 10 epochs and after 40. $B_2$ goes to $W_3^\top$, by the law. $B_1$
# stops well before the product: no law takes it there. Early it is nearer to it than under DFA, later hardly so.
# Nothing is said about which rule errs less; for that see the tables in `docs/results.md`.
#
# ## 5. One matrix fixed, one learned: product feedback
#
# Kolen-Pollack needs a feedback synapse beside every forward one, and ends with a copy of it. Product feedback (Li &
# Benna 2024) does without such pairs. $\delta$ goes through a random fixed $B$, (fan_out, k fan_out), onto $k$ times as
# many neurons, and from there through $R$, (k fan_out, fan_in), which learns by the product of its own two ends:
#
# $$e_l = \delta_{l+1} B R, \qquad dR = (\delta_{l+1} B)^\top h_l / N$$
#
# ### Exercise 5: e and dR
#
# Write `pfa(delta, B, R, h)`, which returns $e$ and $dR$: the gradient, not the new $R$, and without a decay.


# %%
def pfa(delta, B, R, h):
    """(e (N, fan_in), dR, of R's shape), from delta (N, fan_out), B, R and the h below, (N, fan_in)."""
    # BEGIN SOLUTION
    between = delta @ B
    return between @ R, between.T @ h / len(h)
    # END SOLUTION


pfa = check("learn.pfa", pfa).working

# %% [markdown]
# Where does that end? $dR = B^\top (h^\top \delta / N)^\top = B^\top dW^\top$: a fixed map of what $W$ learns. With the
# same decay $R$ forgets its start and becomes $B^\top W^\top$, so the path from above to below is
#
# $$P = B R \;\to\; B B^\top W^\top = G W^\top, \qquad G = B B^\top$$
#
# For entries of variance $1 / (k\,\mathrm{fan\_out})$ in $B$, $G$ is 1 on the diagonal up to chance, and random, of
# variance $1 / (k\,\mathrm{fan\_out})$, off it. For an orthogonal $B$ it is 1.

# %%
rng, size = np.random.default_rng(0), 12
wide = {f"k = {k}": rng.standard_normal((size, k * size)) / (k * size) ** 0.5 for k in (1, 4, 16)}
wide["orthogonal"] = np.linalg.qr(rng.standard_normal((size, size)))[0]
show.matrices({f"G, {name}": B @ B.T for name, B in wide.items()}, same_scale=True)
plt.show()

# %% [markdown]
# Against a $W$ without preferred directions $\cos \theta = \mathrm{tr}\, G / \sqrt{n \, \mathrm{tr}\, G^2}$, with $n$
# for fan_out. Here $\mathrm{tr}\, G = n$ and $\mathrm{tr}\, G^2 = n (1 + 1/k)$, each for large $n$, and so
#
# $$\theta = \arctan(1 / \sqrt{k})$$
#
# More neurons between, a better mirror. The library's `fa.PFA` trains the net of section 2, now with biases, and we
# look at layer 2. It keeps $P$ and $G$ in the place of $B$ and $R$, for $dP = B\, dR$ is all that is ever seen of $R$;
# your function agrees:

# %%
net = fa.mlp("196-100-100-10", dtype="float64")
rule, loss = fa.PFA(net, expansion=4), fa.SoftmaxCrossEntropy()
traces = net.forward(x[:20], train=True)
output = loss.output(net, traces, y[:20])
B, R = rule.factors(net[2])
delta = dict(rule.signals(traces, output))[2].delta
_, dR = pfa(delta, B, R, traces[2].x)
dP = rule.gradients(traces, output)["feedback.2.P"]
print(f"B dR differs from the library's dP by {np.abs(B @ dR - dP).max():.0e}")


# %%
def train_by_pfa(**options):
    """W^T of layer 2, and the path that stands for it."""
    net = fa.mlp("196-100-100-10")
    rule, sgd, rng = fa.PFA(net, **options), fa.SGD(0.3, decay=0.03), np.random.default_rng(0)
    images, target = x.astype("float32"), y.astype("float32")
    for batch in batches(rng, epochs=15):
        fa.train_step(net, rule, loss, sgd, images[batch], target[batch])
    return net[2].W.T, rule.stand_in(net[2], rule.feedback[2])


for k in (1, 4, 16):
    found = angle(*train_by_pfa(expansion=k))
    print(f"k = {k:2}: the path is {found:4.1f} degrees from W^T, theory {path_angle(k):4.1f}")
print(f"orthogonal: {angle(*train_by_pfa(expansion=1, orthogonal=True)):.1f} degrees")

# %% [markdown]
# ## 6. What each of them asks for
#
# None of the four reads $W$. What they do need is measured by `numpyfa.laws.needs` (notebook 04), which also says what
# an $e$ waits for:

# %%
for name in ("fa", "kp", "wm", "dkp", "pfa"):
    found = needs(name)
    print(f"{name:4} a pass of its own: {found['own pass']:8} it learns from: {found['it learns from']:19} "
          f"hidden layers update {found['updates']}")  # fmt: skip

# %% [markdown]
# ## Open question
#
# Kolen-Pollack asks that two synapses, in two neurons, see the same product and decay at the same rate, for ever. How
# exact must that be? Let $B$ decay a little faster than $W$, or let each get its own small noise at every step. Which
# of the two does more harm to the *direction* of $B$, and which of them could a second rule of this notebook repair?
#
# ## Sources
#
# - J. Kolen & J. Pollack, *Backpropagation without weight transport*, 1994.
# - M. Akrout et al., *Deep learning without weight transport*, 2019: weight mirrors, and Kolen-Pollack in deep nets.
# - M. Webster, J. Choi & C. Ahn, *Learning the connections in direct feedback alignment*, 2021.
# - Li Ji-An & M. Benna, *Deep learning without weight symmetry*, 2024: product feedback.
# - In the library: `numpyfa/rules/kp.py`, `numpyfa/rules/wm.py`, `numpyfa/rules/dkp.py`, `numpyfa/rules/pfa.py`, and
#   the law of each in `numpyfa/laws`; closed forms in `numpyfa/theory/learned_feedback.py`; trained nets in
#   `docs/results.md`.
# - `tutorials/bugs/kp_without_decay.py`, `tutorials/bugs/mirror_scaling_is_lost.py`: two mistakes of published code.

# %%
check.progress()
