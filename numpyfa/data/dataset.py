"""What a data set is: examples with labels, all of one kind, and how it is cut, split and standardised."""

import zlib
from dataclasses import dataclass

import numpy as np

from ..backend import Streams
from ..errors import InputError, check_whole

BYTES = 1 << 20  # that are counted at a time: the set may be larger than memory


@dataclass(eq=False, repr=False)
class Dataset:
    """Examples to train on and to test on, with their labels.

    x_train, x_test: (N, features) or (N, height, width, channels), each either bytes (uint8, 0 to 255, which the
    network sees as 0 to 1) or floats, taken as they are. Both of one kind, with examples of one shape.
    y_train, y_test: (N,), whole numbers from 0 to classes - 1.
    mark: what tells these examples from all others, where reading them all takes too long; empty: a checksum of them.

    Raises InputError, with the place, for arrays that cannot be this.
    """

    name: str
    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    classes: int
    mark: str = ""

    def __post_init__(self) -> None:
        check_whole(f"{self.name}: classes", self.classes, 1)
        for part in ("train", "test"):
            x, y = getattr(self, f"x_{part}"), getattr(self, f"y_{part}")
            self._check_arrays(part, x, y)
            self._check_examples(part, x)
            self._check_labels(part, x, y)
        self._check_one_kind()

    def __repr__(self) -> str:
        kind = f"{self.x_train.shape[1:]} {self.x_train.dtype}"
        return f"Dataset({self.name}: {len(self.x_train)} + {len(self.x_test)} of {kind}, {self.classes} classes)"

    def _check_arrays(self, part: str, x: object, y: object) -> None:
        for what, array in ((f"x_{part}", x), (f"y_{part}", y)):
            if not isinstance(array, (np.ndarray, np.generic)):
                kind = type(array).__name__
                raise InputError(f"{self.name}: {what} must be a NumPy array, found a {kind}: take np.asarray({what})")

    def _check_examples(self, part: str, x: np.ndarray) -> None:
        what = f"{self.name}: {part} examples"
        if x.ndim < 2 or x.dtype.kind not in "buif":
            raise InputError(f"{what} must be numbers, one row an example, found {x.dtype} {x.shape}")
        if x.dtype != np.uint8 and x.dtype.kind != "f":
            raise InputError(
                f"{what} must be bytes (uint8, 0 to 255) or floats, found {x.dtype}: take x.astype(np.uint8) of pixels "
                "of 0 to 255, x.astype(np.float32) of other numbers"
            )
        if 0 in x.shape[1:]:
            raise InputError(f"{what} must have at least one number each, found shape {x.shape}")
        if x.ndim == 4 and x.shape[1] in (1, 3) and x.shape[2] == x.shape[3] > 4:
            raise InputError(
                f"{what} must be (N, height, width, channels), found {x.shape}, which has the channels first: "
                "take x.transpose(0, 2, 3, 1)"
            )
        if x.dtype.kind == "f" and not np.isfinite(x).all():
            place = int(np.argwhere(~np.isfinite(x))[0, 0])
            raise InputError(f"{self.name}: {part} example {place} holds NaN or infinity: clean the data first")

    def _check_labels(self, part: str, x: np.ndarray, y: np.ndarray) -> None:
        what = f"{self.name}: {part} labels"
        if y.ndim != 1 or y.dtype.kind not in "ui":
            raise InputError(f"{what} must be whole numbers in one column, found {y.dtype} {y.shape}")
        if len(x) != len(y) or not len(x):
            raise InputError(f"{self.name}: {part} must have as many labels as examples, found {len(y)} and {len(x)}")
        if y.min() < 0 or y.max() >= self.classes:
            wrong = int(y.min()) if y.min() < 0 else int(y.max())
            raise InputError(f"{what} must lie in 0..{self.classes - 1}, found {wrong}")

    def _check_one_kind(self) -> None:
        """What the network learns to read in training it must find again in the test set."""
        x, x_test = self.x_train, self.x_test
        if (x.dtype == np.uint8) != (x_test.dtype == np.uint8):
            raise InputError(
                f"{self.name}: training and test examples must be of one kind, found {x.dtype} and {x_test.dtype}: "
                "bytes are seen as 0 to 1 and floats as they are, so make both uint8 or both floats on one scale"
            )
        if x.shape[1:] != x_test.shape[1:]:
            raise InputError(
                f"{self.name}: training and test examples must have one shape, found {x.shape[1:]} and "
                f"{x_test.shape[1:]}: reshape one of them"
            )

    def fingerprint(self) -> str:
        """A checksum of every example and label, or of the mark, to tell one data set from another: 8 hexadecimal
        digits."""
        if self.mark:  # `part` keeps the first so many
            return f"{zlib.crc32(f'{self.mark} {len(self.x_train)} {len(self.x_test)}'.encode()):08x}"
        checksum = 0
        for array in (self.x_train, self.y_train, self.x_test, self.y_test):
            checksum = zlib.crc32(np.ascontiguousarray(array).data, checksum)
        return f"{checksum:08x}"

    def part(self, train: int | None = None, test: int | None = None) -> "Dataset":
        """The first `train` and `test` examples, as a data set of their own; None takes all.

        Raises InputError for a number that is not whole, below 1, or above what there is.
        """
        for what, number, x in (("training", train, self.x_train), ("test", test, self.x_test)):
            if number is not None:
                check_whole(f"{self.name}: the part's number of {what} examples", number, 1, len(x))
        return Dataset(self.name, self.x_train[:train], self.y_train[:train], self.x_test[:test], self.y_test[:test],
                       self.classes, self.mark)  # fmt: skip

    def validation(self, n: int, seed: int = 0) -> "Dataset":
        """This data set with n training examples, drawn at random, held out in the place of the test set.

        To choose by: the test set stays unseen. One seed always draws the same examples; those kept stay in order.
        Raises InputError unless n is a whole number that leaves an example to train on.
        """
        n = check_whole("a validation set's number of training examples", n, 1, len(self.x_train) - 1)
        check_whole("seed", seed, 0)
        order = Streams(seed)("validation").permutation(len(self.x_train))
        kept, held = np.sort(order[n:]), np.sort(order[:n])
        x, y = self.x_train, self.y_train
        mark = self.mark and f"{self.mark} validation by seed {seed}"
        return Dataset(self.name, x[kept], y[kept], x[held], y[held], self.classes, mark)

    def statistics(self) -> tuple[np.ndarray, np.ndarray]:
        """(mean, standard deviation) of each channel of the training images, as the network sees them: bytes as 0..1.

        Each is (channels,). For examples that are rows of numbers, (1,): those of all entries together.
        """
        x = self.x_train
        channels = x.shape[-1] if x.ndim == 4 else 1
        columns = x.reshape(-1, channels)
        if x.dtype == np.uint8:
            at_once = max(1, BYTES // x[0].nbytes)
            counts = sum(count_levels(x[i : i + at_once], channels) for i in range(0, len(x), at_once))
            levels, shares = np.arange(256)[:, None] / 255, counts / len(columns)
            mean = (levels * shares).sum(axis=0)
            return mean, np.sqrt(((levels - mean) ** 2 * shares).sum(axis=0))
        return columns.mean(axis=0, dtype=np.float64), columns.std(axis=0, dtype=np.float64)


def count_levels(x: np.ndarray, channels: int) -> np.ndarray:
    """How often each byte occurs in each channel, (256, channels)."""
    columns = x.reshape(-1, channels)
    return np.stack([np.bincount(columns[:, c], minlength=256) for c in range(channels)], axis=1)
