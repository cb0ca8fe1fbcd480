"""Where the published sets come from, their checksums, and the folders that may hold them.

A data set that is not bundled is looked for in $NUMPYFA_DATA (a folder in it with the data set's name, or the folder
itself), then in the cache of downloads, then where Debian's package puts it.
"""

import gzip
import hashlib
import os
import zlib
from dataclasses import dataclass
from pathlib import Path

from ..errors import InputError, choose


@dataclass(frozen=True)
class Source:
    """Where a data set's files come from.

    files: {name: SHA-256 of the download}. mirrors: addresses that hold all of them. contents: {name without .gz:
    SHA-256 of the unpacked file}, since one content is gzipped differently in different places. folders: where a
    system's package may put them. classes: how many labels there are.
    """

    files: dict[str, str]
    mirrors: tuple[str, ...]
    contents: dict[str, str]
    folders: tuple[str, ...] = ()
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


def cache() -> Path:
    """The folder in which downloads are kept, one in it for each data set."""
    import pooch

    return Path(pooch.os_cache("numpyfa"))


def folders(name: str) -> list[Path]:
    """The folders that may hold a data set's files, in the order they are looked in.

    Raises InputError for an unknown name, or if NUMPYFA_DATA is set and names no folder.
    """
    source = choose(SOURCES, name, "data set")
    own = os.environ.get("NUMPYFA_DATA")
    if own and not Path(own).is_dir():
        raise InputError(f"NUMPYFA_DATA says {own}, which is no folder: correct it or unset it")
    mine = [Path(own) / name, Path(own)] if own else []
    return [*mine, cache() / name, *map(Path, source.folders)]


def find(name: str) -> list[list[Path]]:
    """The paths of the data set's files in each folder that has them all (a .gz may be unpacked), unread."""
    found = []
    for folder in folders(name):
        paths = [path for file in SOURCES[name].files if (path := file_in(folder, file))]
        if len(paths) == len(SOURCES[name].files):
            found.append(paths)
    return found


def file_in(folder: Path, file: str) -> Path | None:
    """The path of a file in a folder, as it is or unpacked."""
    for path in (folder / file, folder / file.removesuffix(".gz")):
        if os.path.isfile(path):  # False, where Path.is_file may raise, for a folder that must not be read
            return path
    return None


def read_file(name: str, path: Path) -> bytes:
    """The content of one of a data set's files, unpacked if it is a gzip, when its checksum is right.

    Raises InputError if it cannot be read, is truncated, or is another file.
    """
    source = SOURCES[name]
    try:
        raw = path.read_bytes()
        if source.contents and path.suffix == ".gz":
            raw = gzip.decompress(raw)
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path} is truncated or cannot be read ({error}): replace it") from None
    sha256 = source.contents[path.name.removesuffix(".gz")] if source.contents else source.files[path.name]
    if hashlib.sha256(raw).hexdigest() != sha256:
        raise InputError(f"{path} has the wrong checksum, so it is damaged or another file: replace it")
    return raw
