"""Examples with labels, and what is done to whole batches of images before a network sees them."""

import zlib
from dataclasses import dataclass

import numpy as np

from .backend import Streams, array_module, to_device
from .errors import InputError


@dataclass
class Dataset:
    """Examples and labels 0..classes-1. Raises InputError for lengths, labels or numbers that cannot be."""

    name: str
    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    classes: int

    def __post_init__(self):
        for part in ("train", "test"):
            x, y = getattr(self, f"x_{part}"), getattr(self, f"y_{part}")
            if x.ndim < 2 or x.dtype.kind not in "uif":
                raise InputError(
                    f"{self.name}: {part} examples must be numbers, one row an example, found {x.dtype} {x.shape}"
                )
            if y.ndim != 1 or y.dtype.kind not in "ui":
                raise InputError(
                    f"{self.name}: {part} labels must be whole numbers in one column, found {y.dtype} {y.shape}"
                )
            if len(x) != len(y) or not len(x):
                raise InputError(
                    f"{self.name}: {part} must have as many labels as examples, found {len(y)} and {len(x)}"
                )
            if y.min() < 0 or y.max() >= self.classes:
                wrong = int(y.min()) if y.min() < 0 else int(y.max())
                raise InputError(f"{self.name}: {part} labels must lie in 0..{self.classes - 1}, found {wrong}")
            if np.issubdtype(x.dtype, np.floating) and not np.isfinite(x).all():
                place = int(np.argwhere(~np.isfinite(x))[0, 0])
                raise InputError(f"{self.name}: {part} example {place} holds NaN or infinity: clean the data first")

    def fingerprint(self):
        """A checksum of every example and label, to tell one data set from another."""
        checksum = 0
        for array in (self.x_train, self.y_train, self.x_test, self.y_test):
            checksum = zlib.crc32(np.ascontiguousarray(array), checksum)
        return f"{checksum:08x}"

    def part(self, train, test):
        """The first `train` and `test` examples, as a data set of their own."""
        return Dataset(self.name, self.x_train[:train], self.y_train[:train], self.x_test[:test], self.y_test[:test],
                       self.classes)  # fmt: skip

    def validation(self, n, seed=0):
        """This data set with n training examples, drawn at random, held out in the place of the test set.

        To choose by: the test set stays unseen.
        """
        if not 0 < n < len(self.x_train):
            raise InputError(f"a validation set takes 1 to {len(self.x_train) - 1} training examples, found {n}")
        order = Streams(seed)("validation").permutation(len(self.x_train))
        kept, held = np.sort(order[n:]), np.sort(order[:n])
        x, y = self.x_train, self.y_train
        return Dataset(self.name, x[kept], y[kept], x[held], y[held], self.classes)

    def statistics(self):
        """(mean, standard deviation) of each channel of the training images, as the network sees them: bytes as 0..1.

        For examples that are rows of numbers, those of all entries together.
        """
        channels = self.x_train.shape[-1] if self.x_train.ndim == 4 else 1
        columns = self.x_train.reshape(-1, channels)
        if columns.dtype == np.uint8:
            counts = np.stack([np.bincount(columns[:, c], minlength=256) for c in range(channels)], axis=1)
            levels, counts = np.arange(256)[:, None] / 255, counts / len(columns)
            mean = (levels * counts).sum(axis=0)
            return mean, np.sqrt(((levels - mean) ** 2 * counts).sum(axis=0))
        return columns.mean(axis=0, dtype=np.float64), columns.std(axis=0, dtype=np.float64)


def flip_and_crop(x, rng, pad=4):
    """A batch of images, each flipped left to right with chance 1/2 and shifted by up to `pad` pixels either way.

    The edges that come in are 0. `rng` is a numpy Generator; the images keep their dtype and device.
    """
    xp, (n, height, width, channels) = array_module(x), x.shape
    padded = xp.zeros((n, height + 2 * pad, width + 2 * pad, channels), dtype=x.dtype)
    padded[:, pad : pad + height, pad : pad + width] = x
    down, right = rng.integers(0, 2 * pad + 1, (2, n, 1))
    rows, columns = down + np.arange(height), right + np.arange(width)
    columns = np.where(rng.random((n, 1)) < 0.5, columns[:, ::-1], columns)
    image, rows, columns = np.arange(n)[:, None, None], rows[:, :, None], columns[:, None, :]
    return padded[tuple(to_device(index, xp) for index in (image, rows, columns))]
