"""A data set by its name: the first whole copy on this machine, or a download."""

from importlib import resources
from pathlib import Path

import numpy as np

from ..errors import InputError, choose
from ..files import read_npz
from . import sources
from .cifar import parse_cifar
from .dataset import Dataset
from .download import NotServed, alone_in, fetch_file
from .idx import parse_idx
from .images import folder_dataset
from .npz import npz_dataset
from .sources import NAMES, SOURCES


def load(name: str | Path, download: bool = True) -> Dataset:
    """The data set `name`: mnist, fashion-mnist, cifar-10, cifar-100, the path of an npz file with arrays
    x_train, y_train, x_test, y_test, or a folder of images, FOLDER or FOLDER@SIZE (see `images`).

    Images are (N, height, width, channels) uint8, labels (N,) int64. What is not on this machine, or is there only
    damaged, is downloaded into the cache, unless `download` is False.
    Raises InputError, saying which files to put where, if it cannot be had.
    """
    if str(name).endswith(".npz"):
        return npz_dataset(Path(name))
    of_images = folder_dataset(str(name))
    if of_images is not None:
        return of_images
    name = known(name)
    if name == "mnist":
        return bundled_mnist()
    damages: list[str] = []
    for paths in sources.find(name):
        try:
            return read(name, paths)
        except InputError as error:  # another folder may have good files; MNIST's own have the same names
            damages.append(str(error))
    if download:
        return read(name, fetch(name))
    raise InputError(damages[0] if damages else f"{name} is not on this machine: {advice(name)}")


def known(name: object) -> str:
    """`name`, if there is a data set of that name; else an InputError with the nearest one."""
    choose(dict.fromkeys(NAMES, True), name, "data set")
    return str(name)


def whole(name: str) -> tuple[list[Path] | None, list[str]]:
    """(the paths of the first whole copy of the files on this machine or None, what is wrong with those before it)."""
    damages: list[str] = []
    for paths in sources.find(name):
        wrong = damage(name, paths)
        if wrong is None:
            return paths, damages
        damages.append(wrong)
    return None, damages


def damage(name: str, paths: list[Path]) -> str | None:
    """What is wrong with the first damaged one of these files; None if all are whole."""
    for path in paths:
        try:
            sources.read_file(name, path)
        except InputError as error:
            return str(error)
    return None


def status(name: str) -> str:
    """Where a data set is, whether it is damaged, and what to do, in one line."""
    if known(name) == "mnist":
        return "bundled"
    paths, damages = whole(name)
    if paths is not None:
        return "; ".join([str(paths[0].parent), *(f"damaged: {wrong}" for wrong in damages)])
    return f"{f'damaged: {damages[0]}' if damages else 'not here'}: numpyfa data {name} fetches it"


def fetch(name: str) -> list[Path]:
    """Download those of the data set's files that are not whole in the cache; return the paths there.

    Damaged ones are replaced, in the cache only: other folders are the user's.
    Raises InputError, with each mirror's reason and what to do, if a file cannot be had.
    """
    source, folder = choose(SOURCES, name, "data set"), sources.cache() / name
    paths = []
    with alone_in(folder):
        for file, sha256 in source.files.items():
            path = sources.file_in(folder, file)
            if path is None or damage(name, [path]):
                path = folder / file
                try:
                    fetch_file([mirror + file for mirror in source.mirrors], path, sha256)
                except NotServed as error:
                    why = "; ".join([*whole(name)[1], str(error)])
                    raise InputError(f"{name}: {file} could not be downloaded ({why}). {advice(name)}") from None
            paths.append(path)
    return paths


def advice(name: str) -> str:
    """Which files to put where."""
    files = ", ".join(SOURCES[name].files)
    return f"Put {files} into {sources.cache() / name}, or into a folder named by NUMPYFA_DATA"


def read(name: str, paths: list[Path]) -> Dataset:
    """The data set in its files, in the order of `Source.files`."""
    contents = [sources.read_file(name, path) for path in paths]
    if name == "fashion-mnist":
        return idx_dataset(name, *map(parse_idx, contents, paths))
    arrays = parse_cifar(contents[0], labels=2 if name == "cifar-100" else 1)  # CIFAR-100: coarse label, fine label
    return Dataset(name, *arrays, SOURCES[name].classes)


def bundled_mnist() -> Dataset:
    """MNIST, from the package's own file."""
    with resources.as_file(resources.files("numpyfa").joinpath("bundled/mnist.npz")) as path:
        arrays = read_npz(path)
    return idx_dataset("mnist", *(arrays[key] for key in ("x_train", "y_train", "x_test", "y_test")))


def idx_dataset(name: str, x: np.ndarray, y: np.ndarray, x_test: np.ndarray, y_test: np.ndarray) -> Dataset:
    """Images (N, height, width) and labels, all bytes, as a data set of ten classes and one channel."""
    return Dataset(name, x[..., None], y.astype(np.int64), x_test[..., None], y_test.astype(np.int64), 10)
