"""A permutation of 50,000 examples is cut at 50,000, so the validation set is empty.

The code that chooses by validation error then chooses by the mean of nothing, which is NaN, and every comparison with
NaN is false: the first model wins. The parts of a split must be what was asked for, and add up.
"""

import numpy as np

from numpyfa.gradcheck import Check


def Right(n, part):
    order = np.random.default_rng(0).permutation(n)
    return order[: n - part], order[n - part :]


def Broken(n, part):
    order = np.random.default_rng(0).permutation(n - part)
    return order[: n - part], order[n - part :]


def check(split):
    train, validation = split(600, 100)
    missing = 600 - len(set(train) | set(validation)) + abs(len(validation) - 100)
    return Check("examples missing from a split of 500 and 100", float(missing), 0.0)
