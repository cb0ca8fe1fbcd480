"""col2im puts each patch back with = where it needs +=.

Patches overlap, so a pixel belongs to several. Overwriting keeps only the last one's share. The forward pass is right
and the layer's own dW is right; only the layers below hear nonsense. `fold` has to be the adjoint of `rows`.
"""

import numpy as np

import numpyfa as fa
from numpyfa.gradcheck import Check

Right = fa.Conv


class Broken(fa.Conv):
    def fold(self, rows):
        height, width, channels = self.shape_in
        size_y, size_x, _ = self.shape_z
        patches = rows.reshape(-1, size_y, size_x, self.kernel, self.kernel, channels)
        x = np.zeros((len(patches), height, width, channels))
        for i in range(self.kernel):
            for j in range(self.kernel):
                x[:, i : i + size_y, j : j + size_x] = patches[:, :, :, i, j]
        return x


def check(conv):
    rng, layer = np.random.default_rng(0), conv(3, 3)
    net = fa.Network((6, 5, 2), [layer], dtype="float64")
    x = rng.standard_normal((4, *net.input_shape))
    rows = layer.rows(x)
    r = rng.standard_normal(rows.shape)
    gap = abs((rows * r).sum() - (x * layer.fold(r)).sum()) / (np.linalg.norm(x) * np.linalg.norm(r))
    return Check("<rows(x), r> = <x, fold(r)>", float(gap), 1e-12)
