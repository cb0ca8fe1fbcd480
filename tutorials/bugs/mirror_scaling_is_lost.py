"""The weight mirror's growth control scales a matrix and puts it nowhere.

The loop `for B in matrices: B = 0.5 * B / spread` gives the loop's own name a new matrix and leaves the rule's alone.
B then grows for as long as the mirror runs, and so does the signal it carries. Look at the state: run the mirror
twice as long, and B must stay as it is.
"""

import numpy as np

import numpyfa as fa
from numpyfa.gradcheck import Check

Right = fa.WM


class Broken(fa.WM):
    def mirror(self, layer, rng):
        before = self.feedback[layer.number]["B"]
        x = rng.standard_normal((self.examples, *layer.shape_in))
        before += self.rate * (x @ layer.W).T @ x / self.examples
        for B in (before,):
            B = 0.5 * B / (x @ B.T).std(axis=0)[:, None]  # noqa: F841, PLW2901


def check(rule):
    mirror, norms = rule(fa.mlp("20-30-10", dtype="float64"), rate=0.1, control="norm"), []
    for _ in range(2):
        mirror.phase(300)
        norms.append(np.linalg.norm(mirror.feedback[2]["B"]))
    return Check("growth of |B| as the mirror runs twice as long", float(norms[1] / norms[0] - 1), 0.1)
