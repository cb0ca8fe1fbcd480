"""What is done to a batch of training images before a network sees it."""

from typing import Any

import numpy as np

from ..backend import array_module, to_device
from ..errors import InputError, check_whole


def flip_and_crop(x: Any, rng: np.random.Generator, pad: int = 4) -> Any:
    """A batch of images (N, height, width, channels), each flipped and shifted by chances of its own.

    An image is flipped left to right with chance 1/2, and shifted by -pad to pad pixels down and to the right, every
    shift being equally likely. The edges that come in are 0. The images keep their dtype and device.
    Raises InputError where `x` is no batch of images, or `pad` no whole number from 0.
    """
    if x.ndim != 4:
        raise InputError(f"flips and crops need images of shape (N, height, width, channels), found {x.shape}")
    check_whole("pad", pad, 0)
    xp, (n, height, width, channels) = array_module(x), x.shape
    padded = xp.zeros((n, height + 2 * pad, width + 2 * pad, channels), dtype=x.dtype)
    padded[:, pad : pad + height, pad : pad + width] = x
    down, right = rng.integers(0, 2 * pad + 1, (2, n, 1))
    rows, columns = down + np.arange(height), right + np.arange(width)
    columns = np.where(rng.random((n, 1)) < 0.5, columns[:, ::-1], columns)
    image, rows, columns = np.arange(n)[:, None, None], rows[:, :, None], columns[:, None, :]
    return padded[tuple(to_device(index, xp) for index in (image, rows, columns))]
