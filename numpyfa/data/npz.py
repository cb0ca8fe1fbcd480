"""A data set in a file of the user's: x_train, y_train, x_test and y_test in one npz."""

from pathlib import Path

import numpy as np

from ..errors import InputError
from ..files import read_npz
from .dataset import Dataset

ARRAYS = ("x_train", "y_train", "x_test", "y_test")


def npz_dataset(path: Path) -> Dataset:
    """The data set in an npz file, named after the file. Its classes are 0 up to the largest label.

    Raises InputError if the file cannot be read whole, lacks an array, or holds no data set (see `Dataset`).
    """
    arrays = read_npz(path)
    missing = [name for name in ARRAYS if name not in arrays]
    if missing:
        there = ", ".join(arrays) or "nothing"
        raise InputError(f"{path} must hold x_train, y_train, x_test and y_test, found {there}: add {missing[0]}")
    x, y, x_test, y_test = (arrays[name] for name in ARRAYS)
    return Dataset(path.stem, x, y, x_test, y_test, 1 + max(largest(y), largest(y_test), 0))


def largest(labels: np.ndarray) -> int:
    """The largest of whole numbers, or 0 for anything else, which `Dataset` refuses."""
    return int(labels.max()) if labels.size and labels.dtype.kind in "ui" else 0
