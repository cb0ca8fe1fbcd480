# %% [markdown]
# # 11 A fair comparison
#
# **You will be able to** hold out examples to choose by, tune two rules with the same budget, measure a difference over
# seeds with its standard error, and say what a figure may claim and what it may not.
#
# **You need** notebook 02: feedback alignment (FA), and $e = \delta M$ with $M = W^\top$ or $M = B$.
#
# The story is this project's own. A poster said that FA over-fits less than backpropagation (BP). On small training
# sets our first runs seemed to agree: with one learning rate for both rules, FA had fewer errors on test images. Then a
# review asked for the control, and the conclusion changed. Here is the same story with a smaller net.

# %%
import functools
import itertools

import matplotlib.pyplot as plt
import numpy as np

import numpyfa as fa
from numpyfa.course import check
from numpyfa.lab.looks import looks

# %% [markdown]
# ## 1. Two rules, and all else the same
#
# One hidden layer. The two rules differ in one matrix, $M$ in $e = \mathrm{error}\, M$. For the same seed they get the
# same first weights, the same images and the same order of images. Each layer can have a learning rate of its own: `lr`
# is (that of the hidden layer, that of the output layer).


# %%
UNITS, EPOCHS, BATCH, IMAGES = 50, 10, 30, 300


def softmax(z):
    p = np.exp(z - z.max(axis=1, keepdims=True))
    return p / p.sum(axis=1, keepdims=True)


@functools.cache  # a run is a pure function of these three, so none is made twice
def train(rule, lr, seed):
    """The weights W_1, W_2 after training by "bp" or "fa" on the seed's own images."""
    rng = np.random.default_rng(seed)
    W_1 = rng.standard_normal((784, UNITS), "float32") / 784**0.5
    W_2 = rng.standard_normal((UNITS, 10), "float32") / UNITS**0.5
    B = rng.standard_normal((10, UNITS), "float32")
    lr_1, lr_2 = np.float32(lr)
    for _ in range(EPOCHS):
        for some in rng.permutation(images_of(seed)).reshape(-1, BATCH):
            x, target = images[some], np.eye(10, dtype="float32")[digits[some]]
            h = np.tanh(x @ W_1)
            error = softmax(h @ W_2) - target
            M = W_2.T if rule == "bp" else B  # all that is different
            delta = (error @ M) * (1 - h**2)
            W_1 -= lr_1 * (x.T @ delta) / BATCH
            W_2 -= lr_2 * (h.T @ error) / BATCH
    return W_1, W_2


def error_of(weights, x, digit):
    """The share of wrong answers, in %; NaN if training diverged."""
    W_1, W_2 = weights
    if not (np.isfinite(W_1).all() and np.isfinite(W_2).all()):
        return np.nan
    return 100 * ((np.tanh(x @ W_1) @ W_2).argmax(axis=1) != digit).mean()


# %% [markdown]
# ## 2. Hold out what chooses
#
# Three sets of images, each with one use. On the first a net is **trained**. The second is **held out**: by it we
# choose learning rates, and whatever else can be chosen. The **test** set chooses nothing. It is used once, for what
# has been chosen.
#
# Why not choose by the test set? Here are many settings that are all *equally good*. The best of them looks better than
# it is, since we took the luckiest:

# %%
luck = np.random.default_rng(0)
true_error, settings, test_images = 16.0, 24, 200
measured = 100 * luck.binomial(test_images, true_error / 100, (1000, settings)) / test_images
print(f"{settings} settings, each with a true error of {true_error} %, measured on {test_images} images:")
print(f"the best of them shows {measured.min(axis=1).mean():.1f} % (the mean over 1000 repetitions)")

# %% [markdown]
# What we choose by is no longer a fair measure of what we chose. So first a part of the training images is put aside.
#
# ### Exercise 1: a split
#
# Write `split(n, held_out, seed)`: two arrays of places from 0 to n - 1, those that are kept and those that are held
# out, drawn at random. Who holds out nothing by mistake will not see it: the plots look as usual.


# %%
def split(n, held_out, seed):
    """(kept, held): places of n examples, (n - held_out,) and (held_out,) whole numbers, nothing in both."""
    # BEGIN SOLUTION
    order = np.random.default_rng(seed).permutation(n)
    return order[held_out:], order[:held_out]
    # END SOLUTION


split = check("fair.split", split).working

# %%
mnist = fa.load("mnist").part(12_000, 10_000)
images, x_test = ((x.reshape(-1, 784) / 255).astype("float32") for x in (mnist.x_train, mnist.x_test))
digits, y_test = mnist.y_train, mnist.y_test

kept, held = split(len(images), 2_000, seed=0)
x_held, y_held = images[held], digits[held]


def images_of(seed):
    """The seed's own images, that no other seed trains on."""
    return kept[IMAGES * seed : IMAGES * (seed + 1)]


print(f"{len(kept)} kept to train on, {IMAGES} for each seed; {len(held)} held out; {len(x_test)} to test")

# %% [markdown]
# ## 3. Seeds
#
# A seed decides the weights, the feedback, the images and their order. So one run is one draw, and a claim about the
# rule needs several. Two seeds are for choosing, eight others for testing: those that chose would be too kind.
#
# ### Exercise 2: mean and deviation
#
# Write `spread(errors)`: the mean over the seeds, and their standard deviation. With the mean from the same $n$
# numbers, divide the squares by $n - 1$. Of a single seed nothing is known of the deviation: give NaN, as NumPy's `std`
# does then.


# %%
CHOOSING, TESTING = range(2), range(2, 10)


def spread(errors):
    """(mean, standard deviation) over seeds of errors, (seeds,), in %."""
    # BEGIN SOLUTION
    return errors.mean(), errors.std(ddof=1)
    # END SOLUTION


spread = check("fair.spread", spread).working


# %% [markdown]
# Now the first comparison, with one common rate for both rules and both layers. (To show what goes wrong, this notebook
# looks at the test set many times. A study would look once, at the end.)


# %%
def test(rule, lr):
    """The test errors over the testing seeds, (seeds,), in %."""
    return np.array([error_of(train(rule, lr, seed), x_test, y_test) for seed in TESTING])


common = 0.1, 0.1
for rule in ("bp", "fa"):
    mean, deviation = spread(test(rule, common))
    print(f"{rule}  test error {mean:.1f} % ({deviation:.1f})")

# %% [markdown]
# FA has fewer test errors. So does it over-fit less? To over-fit is to do worse on new images than on one's own, and
# for that the training error has to stand beside the test error:


# %%
def fitted(rule, lr):
    """The mean error in % on each seed's own training images."""
    errors = [error_of(train(rule, lr, seed), images[images_of(seed)], digits[images_of(seed)]) for seed in TESTING]
    return np.mean(errors)


for rule in ("bp", "fa"):
    own, new = fitted(rule, common), test(rule, common).mean()
    print(f"{rule}  training error {own:.1f} %, test error {new:.1f} %, the gap between them {new - own:.1f} points")

# %% [markdown]
# (Points are differences of percentages.) BP has not yet fitted its 300 images. FA's gap is the larger one, so even
# this table does not say that FA over-fits less. It says that FA learned faster.
#
# And is it a difference at all? The seeds deviate by more than the rules differ in test error. Look at the seeds one by
# one:

# %%
look = looks(["bp", "fa"])
figure, ax = plt.subplots(figsize=(4, 3.2), layout="constrained")
both = np.array([test("bp", common), test("fa", common)])
ax.plot([0, 1], both, color="grey", lw=1)
for place, rule in enumerate(("bp", "fa")):
    ax.plot([place] * len(TESTING), both[place], look[rule].marker, color=look[rule].colour)
ax.set(xticks=[0, 1], xticklabels=["BP", "FA"], xlim=(-0.4, 1.4), ylabel="test error, %", title="one line a seed")
plt.show()

# %% [markdown]
# The lines run side by side. Some seeds have easier images than others, for both rules alike. That is probably most of
# the deviation (to know, vary the images alone), and it says nothing of the rules. So subtract seed by seed.
#
# ### Exercise 3: a paired difference
#
# Write `paired(a, b)`: the mean of the differences $a_s - b_s$, and its standard error, which is the deviation of the
# differences divided by $\sqrt{n}$.


# %%
def paired(a, b):
    """(difference, standard error) of a minus b, both (seeds,) in %, place by place of the same seed."""
    # BEGIN SOLUTION
    d = a - b
    return d.mean(), d.std(ddof=1) / len(d) ** 0.5
    # END SOLUTION


paired = check("fair.paired", paired).working

# %% [markdown]
# How many standard errors make a difference? With many seeds about 2. With few the standard error itself is not well
# known, and more are needed. How many more says *Student's t*, the distribution of a mean divided by its estimated
# standard error. It has one parameter, the *degrees of freedom*: of 8 differences 7 are free once their mean is known.
# The difference give or take 2.36 standard errors is the *95 % interval*: made so from many such experiments, about 95
# in 100 of them hold the true difference. Where it holds 0, we say that no difference counts.

# %%
ENOUGH = 2.36  # standard errors: Student's t at 95 %, for 8 seeds and so 7 degrees of freedom
found = {}


def compare(words, lr_bp, lr_fa):
    """Test both rules with these rates, and say what may be said."""
    difference, standard_error = found[words] = paired(test("fa", lr_fa), test("bp", lr_bp))
    verdict = "FA is better" if difference < 0 else "BP is better"
    if abs(difference) < ENOUGH * standard_error:
        verdict = "no difference that counts"
    print(f"{words:28} FA minus BP {difference:+.2f} points, standard error {standard_error:.2f}: {verdict}")


compare("one common rate, 0.1", common, common)

# %% [markdown]
# Nearly all seeds say the same, and FA is better. **With this rate.** It is tempting to stop here: there are seeds, a
# standard error, a clear result. But who chose the rate? Take another one:

# %%
compare("one common rate, 1.0", (1.0, 1.0), (1.0, 1.0))

# %% [markdown]
# The sign is the other way round. Seeds and standard errors say how well we know the answer. They do not say that it
# was the right question. Who chooses the common rate chooses the winner.
#
# ## 4. The trivial explanation
#
# Before you explain a difference by something deep, look for something dull. Here: how large is what the hidden layer
# is told?

# %%
rng = np.random.default_rng(0)
W_2, B = rng.standard_normal((UNITS, 10)) / UNITS**0.5, rng.standard_normal((10, UNITS))
error = softmax(rng.standard_normal((IMAGES, 10))) - np.eye(10)[rng.integers(10, size=IMAGES)]
ratio = np.linalg.norm(error @ B) / np.linalg.norm(error @ W_2.T)
print(f"at the start |e| of FA is {ratio:.1f} times that of BP")

# %% [markdown]
# $B$ has entries from N(0, 1), $W_2$ from N(0, 1/50). So FA's hidden layer takes steps that are larger by about the
# root of 50, under the same `lr`. The control is BP whose hidden layer gets this factor, and nothing else:

# %%
compare("control: BP's hidden rate x 7", (7 * common[0], common[1]), common)

# %% [markdown]
# FA's lead is gone: larger steps are enough to explain it.
#
# ## 5. Tune both, with one budget
#
# The factor was a guess from the first batch. The fair question is: how good is each rule *at its best*? So each gets
# its own rates, from the same grid, with the same seeds, by the images held out. To have tried a rule more often than
# the other would be an advantage as well.
#
# ### Exercise 4: choose
#
# Write `choose(errors)`: the place of the setting to take, by the mean over the seeds. `errors["held out"]` and its
# like are (settings, seeds). A run that diverged has the error NaN. A setting that may diverge is not a good one.


# %%
def choose(errors):
    """The place of the best setting. errors: {"train", "held out", "test"}, each (settings, seeds), in %."""
    # BEGIN SOLUTION
    return int(np.nanargmin(errors["held out"].mean(axis=1)))  # NaN stays in the mean, and is then passed over
    # END SOLUTION


choose = check("fair.choose", choose).working


# %%
NAMES = "hidden", "output"


def tune(rule, grid, seeds=CHOOSING):
    """(the chosen rates, the mean held-out error of every setting), by the choosing seeds."""
    settings = list(itertools.product(grid["hidden"], grid["output"]))
    runs = [[train(rule, lr, seed) for seed in seeds] for lr in settings]
    errors = np.array([[error_of(run, x_held, y_held) for run in several] for several in runs])
    return settings[choose({"held out": errors})], dict(zip(settings, errors.mean(axis=1)))


grid = {"hidden": [0.1, 0.3, 1.0], "output": [0.1, 0.3, 1.0]}
chosen = {rule: tune(rule, grid)[0] for rule in ("bp", "fa")}
for rule, (hidden, output) in chosen.items():
    print(f"{rule}  hidden rate {hidden}, output rate {output}")

# %% [markdown]
# Look at these before you go on. A value at the end of its list was not chosen: it was the last one on offer.
#
# ### Exercise 5: at the edge of the grid
#
# Write `edge(grid, chosen)`: the names of those settings whose chosen value is the smallest or the largest of its list.
# Of a list of two values each lies at an edge, so leave out lists that have fewer than three.


# %%
def edge(grid, chosen):
    """A list of names. grid: {name: list of values}, in any order; chosen: {name: value}."""
    # BEGIN SOLUTION
    return [name for name, values in grid.items() if len(values) > 2 and chosen[name] in (min(values), max(values))]
    # END SOLUTION


edge = check("fair.edge", edge).working

# %%
for rule, rates in chosen.items():
    print(f"{rule}  at the edge: {' and '.join(edge(grid, dict(zip(NAMES, rates)))) or 'nothing'}")

# %% [markdown]
# Where a choice lies at the edge, the rule has not had its best. Widen the grid, for *both* rules, since the budget is
# to be one.

# %%
grid = {"hidden": [0.03, 0.1, 0.3, 1.0, 3.0, 10.0], "output": [0.03, 0.1, 0.3, 1.0]}
tuned, held_out = {}, {}
for rule in ("bp", "fa"):
    tuned[rule], held_out[rule] = tune(rule, grid)
    print("{}  hidden rate {}, output rate {}".format(rule, *tuned[rule]), end="; at the edge: ")
    print(" and ".join(edge(grid, dict(zip(NAMES, tuned[rule])))) or "nothing")

# %% [markdown]
# ## 6. The test, of what was chosen
#
# Two more comparisons on the test set: each rule with the best *single* rate for both layers, and each with its own
# two.

# %%
single = {rule: min((lr for lr in held_out[rule] if lr[0] == lr[1]), key=held_out[rule].get) for rule in ("bp", "fa")}
compare("each rule its own one rate", single["bp"], single["fa"])
compare("each rule its own two rates", tuned["bp"], tuned["fa"])
for rule in ("bp", "fa"):
    words = "{}  test error {:.1f} % ({:.1f}), training error {:.1f} %"
    print(words.format(rule, *spread(test(rule, tuned[rule])), fitted(rule, tuned[rule])))

# %% [markdown]
# The standard error is that of the testing seeds, *for these rates*. But the rates were chosen by two seeds. What would
# others have chosen? Two fresh pairs, from the same grid:

# %%
for pair in ((10, 11), (12, 13)):
    again = {rule: tune(rule, grid, pair)[0] for rule in ("bp", "fa")}
    for rule, rates in again.items():
        print("{}  hidden rate {}, output rate {}".format(rule, *rates), end="; at the edge: ")
        print(" and ".join(edge(grid, dict(zip(NAMES, rates)))) or "nothing")
    compare(f"two rates, by seeds {pair}", again["bp"], again["fa"])

# %% [markdown]
# Other seeds may choose other rates, and with them the verdict may be another, from the same grid and the same test.
# Who has one pair does not see that. So between the rules at their best there is half a point or so, and BP is ahead if
# anyone is. In a figure:

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(9.5, 3.8), layout="constrained", width_ratios=[1, 1.2])
for rule in ("bp", "fa"):
    best = [min(held_out[rule][hidden, output] for output in grid["output"]) for hidden in grid["hidden"]]
    left.plot(grid["hidden"], best, look[rule].marker, **look[rule].line(), label=rule.upper())
left.axvline(common[0], color="grey", lw=1, ls=":")
left.set(xscale="log", ylim=(14, 30), xlabel="learning rate of the hidden layer", ylabel="held-out error, %")
left.set_title("at the output layer's best rate", fontsize=10)
left.legend(loc="upper center")
for place, (difference, standard_error) in enumerate(reversed(found.values())):
    right.errorbar(difference, place, xerr=ENOUGH * standard_error, fmt="ko", capsize=3)
right.axvline(0, color="grey", lw=1)
right.set(yticks=range(len(found)), yticklabels=reversed(found), xlabel="test error, FA minus BP, points (95 %)")
right.set_title("FA is better to the left of 0", fontsize=10)
plt.show()

# %% [markdown]
# Left is the reason: two valleys of about the same depth, at different places. A common rate (dotted) cuts them at
# different heights. Right are comparisons of the same two rules, each with its seeds and its interval. They do not
# agree, because they answer different questions. Only the last three, each rule with two rates of its own, are about
# the rules at their best *in this grid*.
#
# ## 7. What may be claimed
#
# - *May:* with one common rate of 0.1 FA has fewer errors than BP. It is true, and it says how large $B$ was drawn.
# - *May:* with both rules tuned, FA's lead does not survive.
# - *May not:* "FA over-fits less". Fewer test errors are not a smaller gap, and the control took even these away.
# - *May not:* "BP is better". It depends on which seeds chose the rates. And "no difference that counts" is not "they
#   are equal": the interval tells which differences are left open.
# - *For what:* this net, so many images and epochs, this grid, MNIST. The seeds vary weights, feedback, order and
#   training images, so the interval covers these, *for the rates chosen here*. Other choosing seeds would choose other
#   rates; that is not in the standard error. Nor is another test set or held-out set: there is one of each.
# - *Many comparisons:* at 95 % one in twenty counts by chance where there is nothing. Who makes many and shows the one
#   that counts has chosen by the test set.
#
# The project's own experiment is larger: two hidden layers, two sizes of the training set, and a grid of twenty
# settings. With both rules tuned:

# %%
COMMITTED = {  # docs/results.md, Over-fitting: 784-200-80-10, 5 seeds; (mean, deviation) of test error and test loss
    "300 images": {"bp": ((18.88, 0.67), (0.80, 0.03)), "fa": ((19.35, 0.67), (0.78, 0.03))},
    "1000 images": {"bp": ((10.99, 0.21), (0.52, 0.02)), "fa": ((11.04, 0.12), (0.45, 0.01))},
}
for case, rules in COMMITTED.items():
    for place, what in enumerate(("test error", "test loss")):
        (a, a_deviation), (b, b_deviation) = rules["fa"][place], rules["bp"][place]
        standard_error = ((a_deviation**2 + b_deviation**2) / 5) ** 0.5  # not paired
        print(f"{case:11} {what:10} FA {a:.2f} ({a_deviation}), BP {b:.2f} ({b_deviation}): "
              f"FA minus BP {a - b:+.2f}, standard error {standard_error:.2f}")  # fmt: skip

# %% [markdown]
# In test error no difference that counts. In *test loss* FA is better for 1000 images, but the rates were chosen by
# error and not by loss: another figure, another question. For 300 images it is not. And there the images are one draw
# for all seeds, so these standard errors hold for one set of images of each size.
#
# ## Open question
#
# We gave both rules the same number of runs. But FA has one more thing to choose: how large $B$ is drawn. Is "the same
# budget" the same number of runs, the same number of values for each thing that can be chosen, or the same hours? What
# would you do with a rule that has five such things, and what would you print?
#
# ## Sources
#
# - Bouthillier et al. 2021, *Accounting for variance in machine learning benchmarks*: what seeds should vary.
# - Dodge et al. 2019, *Show your work*: the best result found as a function of the budget.
# - Nadeau & Bengio 2003, *Inference for the generalization error*: why training sets that overlap make the standard
#   error too small. Ours do not overlap.
# - Bartunov et al. 2018, *Assessing the scalability of biologically-motivated deep learning algorithms*: each rule with
#   its own search for settings.
# - Here: `numpyfa/lab/sweep.py` is this notebook as a tool, `docs/results.md` has what it found (Over-fitting), and
#   `CHANGELOG.md` lists the conclusions that a control changed.

# %%
check.progress()
