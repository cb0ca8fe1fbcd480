"""col2im puts each patch back with = where it needs +=.

Patches overlap, so a pixel belongs to several. Overwriting keeps only the last one's share. The forward pass is right
and the layer's own dW is right; only the layers below hear nonsense. Finite differences on a net of two convolutions
catch it in the lower one: `fold` has to be the adjoint of `rows`.
"""

import numpy as np

import numpyfa as fa
from numpyfa.laws.nets import by_differences

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
    net = fa.Network((7, 6, 2), [conv(3, 3, "tanh"), conv(2, 3, "tanh"), fa.Dense(3)], dtype="float64")
    return by_differences("two convolutions against finite differences", net)
