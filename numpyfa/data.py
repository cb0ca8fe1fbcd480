"""Data sets. MNIST ships inside the package; the others are found on the machine or downloaded and checked.

A data set that is not bundled is looked for in $NUMPYFA_DATA (the folder itself, or one in it with the data set's
name), then in the cache, then where Debian's package puts it, and is downloaded only if it is in none of these.
Images stay bytes, (N, height, width, channels), until a batch is made of them.
"""

import gzip
import hashlib
import io
import os
import sys
import tarfile
import zlib
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import numpy as np

from .dataset import Dataset
from .errors import InputError, choose
from .files import UNREADABLE


@dataclass(frozen=True)
class Source:
    """Where a data set's files come from. `files` is {name: SHA-256 of the download}; `contents` those of the
    unpacked files, since the same data is gzipped differently by different mirrors."""

    files: dict
    mirrors: tuple
    contents: dict
    folders: tuple = ()
    classes: int = 10


KRIZ = ("https://www.cs.toronto.edu/~kriz/", "https://cave.cs.toronto.edu/kriz/")
SOURCES = {
    "fashion-mnist": Source(
        files={
            "train-images-idx3-ubyte.gz": "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
            "train-labels-idx1-ubyte.gz": "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
            "t10k-images-idx3-ubyte.gz": "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
            "t10k-labels-idx1-ubyte.gz": "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
        },
        mirrors=(
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
            "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
        ),
        contents={
            "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
            "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
            "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
            "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
        },
        folders=("/usr/share/datasets/fashion-mnist",),
    ),
    "cifar-10": Source(
        files={"cifar-10-binary.tar.gz": "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"},
        mirrors=(*KRIZ, "https://storage.googleapis.com/s4tf-hosted-binaries/datasets/CIFAR10/"),
        contents={},
    ),
    "cifar-100": Source(
        files={"cifar-100-binary.tar.gz": "58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec"},
        mirrors=KRIZ,
        contents={},
        classes=100,
    ),
}
NAMES = ("mnist", *SOURCES)


def load(name, download=True):
    """The data set `name`: mnist, fashion-mnist, cifar-10, cifar-100, or the path of an npz file with arrays
    x_train, y_train, x_test, y_test. Raises InputError, saying which files to put where, if it cannot be had."""
    if str(name).endswith(".npz"):
        return _read_npz(Path(name))
    choose(dict.fromkeys(NAMES, True), name, "data set")
    if name == "mnist":
        return _bundled_mnist()
    damaged = []
    for paths in find(name):
        try:
            return _read(name, paths)
        except InputError as error:  # another folder may have good files; MNIST's own have the same names
            damaged.append(error)
    if damaged:
        raise damaged[0]
    if not download:
        raise InputError(f"{name} is not on this machine: {_advice(name)}")
    return _read(name, fetch(name))


def _read(name, paths):
    source = SOURCES[name]
    if name == "fashion-mnist":
        arrays = [_read_idx(path, source.contents[path.name.removesuffix(".gz")]) for path in paths]
        x, y, x_test, y_test = arrays
        return Dataset(name, x[..., None], y.astype(np.int64), x_test[..., None], y_test.astype(np.int64), 10)
    return _read_cifar(name, paths[0], source)


def folders(name):
    """The folders that may hold a data set's files, in the order they are looked in."""
    own = os.environ.get("NUMPYFA_DATA")
    if own and not Path(own).is_dir():
        raise InputError(f"NUMPYFA_DATA says {own}, which is no folder: correct it or unset it")
    mine = [Path(own) / name, Path(own)] if own else []
    return [*mine, cache() / name, *map(Path, SOURCES[name].folders)]


def find(name):
    """The paths of the data set's files in each folder that has them all (a .gz may be unpacked)."""
    found = []
    for folder in folders(name):
        paths = []
        for file in SOURCES[name].files:
            here = [folder / file, folder / file.removesuffix(".gz")]
            paths += [path for path in here if path.is_file()][:1]
        if len(paths) == len(SOURCES[name].files):
            found.append(paths)
    return found


def cache():
    """Where downloads are kept."""
    import pooch

    return Path(pooch.os_cache("numpyfa"))


def fetch(name):
    """Download the data set into the cache, trying each mirror in turn; return the paths."""
    import pooch

    source, paths = choose(SOURCES, name, "data set"), []
    pooch.get_logger().setLevel("ERROR")
    show = sys.stderr.isatty()
    for file, sha256 in source.files.items():
        reasons = []
        for mirror in source.mirrors:
            downloader = pooch.HTTPDownloader(progressbar=show, timeout=30)
            try:
                path = pooch.retrieve(
                    mirror + file, f"sha256:{sha256}", fname=file, path=cache() / name, downloader=downloader
                )
                paths.append(Path(path))
                break
            except Exception as error:  # whatever went wrong with this mirror, the next may serve
                reasons.append(f"{mirror}: {_reason(error)}")
        else:
            raise InputError(f"{name}: {file} could not be downloaded ({'; '.join(reasons)}). {_advice(name)}")
    return paths


def _reason(error):
    if "hash" in str(error).lower():
        return "the file has the wrong checksum"
    return f"{type(error).__name__} ({str(error).splitlines()[0][:120]})" if str(error) else type(error).__name__


def _advice(name):
    return f"Put {', '.join(SOURCES[name].files)} into {cache() / name}, or into a folder named by NUMPYFA_DATA"


def _bundled_mnist():
    with resources.files("numpyfa").joinpath("bundled/mnist.npz").open("rb") as file, np.load(file) as arrays:
        x, y, x_test, y_test = (arrays[key] for key in ("x_train", "y_train", "x_test", "y_test"))
    return Dataset("mnist", x[..., None], y.astype(np.int64), x_test[..., None], y_test.astype(np.int64), 10)


def _read_npz(path):
    try:
        with open(path, "rb") as raw, np.load(raw, allow_pickle=False) as file:
            x, y, x_test, y_test = (file[key] for key in ("x_train", "y_train", "x_test", "y_test"))
    except FileNotFoundError:
        raise InputError(f"there is no file {path}") from None
    except KeyError as error:
        raise InputError(f"{path} must hold x_train, y_train, x_test and y_test: {error.args[0]}") from None
    except UNREADABLE as error:
        raise InputError(f"{path} is truncated or is no npz file: {error}") from None
    whole = all(each.size and np.issubdtype(each.dtype, np.integer) for each in (y, y_test))
    return Dataset(path.stem, x, y, x_test, y_test, int(max(y.max(), y_test.max())) + 1 if whole else 0)


def parse_idx(raw, path):
    """The array in the bytes of an IDX file. Raises InputError if it is truncated or no such file."""
    dimensions = raw[3] if len(raw) > 4 and raw[:3] == b"\0\0\x08" else 0
    shape = tuple(np.frombuffer(raw, ">u4", dimensions, 4)) if 0 < 4 * dimensions <= len(raw) - 4 else None
    if shape is None:
        raise InputError(f"{path} is no IDX file of bytes: replace it")
    pixels = raw[4 + 4 * dimensions :]
    if len(pixels) != int(np.prod(shape)):
        raise InputError(f"{path} is truncated: {len(pixels)} bytes of {int(np.prod(shape))}; replace it")
    return np.frombuffer(pixels, np.uint8).reshape(shape)


def _read_idx(path, sha256):
    try:
        raw = path.read_bytes()
        raw = gzip.decompress(raw) if path.suffix == ".gz" else raw
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path} is truncated or cannot be read ({error}): replace it") from None
    array = parse_idx(raw, path)
    if hashlib.sha256(raw).hexdigest() != sha256:
        raise InputError(f"{path} has the wrong checksum: replace it")
    return array


def _read_cifar(name, path, source):
    raw = path.read_bytes()
    if hashlib.sha256(raw).hexdigest() != source.files["".join(source.files)]:
        raise InputError(f"{path} has the wrong checksum: replace it")
    labels = 2 if name == "cifar-100" else 1  # CIFAR-100 has a coarse label before the fine one
    parts = {"train": [], "test": []}
    with tarfile.open(fileobj=io.BytesIO(raw)) as archive:
        for member in sorted(archive.getnames()):
            if member.endswith(".bin"):
                part = "test" if "test" in member else "train"
                records = np.frombuffer(archive.extractfile(member).read(), np.uint8).reshape(-1, labels + 3072)
                parts[part].append(records)
    arrays = []
    for part in ("train", "test"):
        records = np.concatenate(parts[part])
        images = records[:, labels:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
        arrays += [np.ascontiguousarray(images), records[:, labels - 1].astype(np.int64)]
    return Dataset(name, *arrays, source.classes)
