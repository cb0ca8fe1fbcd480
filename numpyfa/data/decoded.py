"""The pixels of image files in one file of bytes, made once and then read as they are needed.

The file lies in the cache, in a folder of its own for each folder of images and size. It is named after a mark of all
images' paths, sizes and times, so that it is made anew if one of them changes. While it is made it is called .part, and
a next call goes on from there, if the system can tell that no other process writes it; elsewhere each process writes
its own. It is mapped into memory, not read: what a batch asks for is loaded then, and the system lets go of it when it
needs the memory.
"""

import hashlib
import json
import os
import shutil
import warnings
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError
from ..files import UNREADABLE, whole_file
from . import sources
from .download import alone_in

CHUNK = 1000  # images between two times that the file is surely on the disk


def pixels(paths: Sequence[Path], folder: Path, size: int | None) -> tuple[np.memmap, str]:
    """(the images as bytes (N, height, width, 3), mapped into memory and read-only; their checksum).

    With a size, the shorter side of each is brought to that, and the middle of the longer is kept; grey becomes colour.
    Raises InputError for a file that is no image, images of several sizes where no size is said, a disk that is too
    small, or if Pillow is missing.
    """
    where = hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()[:8]
    home = sources.cache() / "images" / f"{folder.name}@{size or 'own'}-{where}"
    mark = mark_of(paths)
    with alone_in(home) as alone:
        found = read(home, mark)
        if found is None:
            make(home, mark, paths, folder, size, alone)
            found = read(home, mark)
    if found is None:
        raise InputError(f"{home} could not be read after it was written: remove it, and try again")
    return found


def mark_of(paths: Sequence[Path]) -> str:
    """What changes if an image is added, removed, renamed or written."""
    digest = hashlib.sha256()
    for path in paths:
        try:
            found = path.stat()
        except OSError as error:
            raise InputError(f"{path} cannot be read: {error.strerror}") from None
        digest.update(os.fsencode(f"{path}\0{found.st_size}\0{found.st_mtime_ns}\0"))
    return digest.hexdigest()[:16]


def read(home: Path, mark: str) -> tuple[np.memmap, str] | None:
    """The images and their checksum, or None if they are not there whole."""
    path = home / f"{mark}.pixels"
    try:
        about = json.loads((home / f"{mark}.json").read_text(encoding="utf-8"))
        shape, checksum = tuple(map(int, about["shape"])), str(about["crc32"])
        if path.stat().st_size != int(np.prod(shape, dtype=np.int64)):
            return None
        return np.memmap(path, np.uint8, "r", shape=shape), checksum
    except UNREADABLE:
        return None


def make(home: Path, mark: str, paths: Sequence[Path], folder: Path, size: int | None, alone: bool) -> None:
    """Write the pixels, their checksum and shape; what was there of the same folder before goes. Where it is not sure
    that we are alone the unfinished file is this process's own: two that append to one would spoil it."""
    check_pillow()
    shape = decode(paths[0], size).shape
    part = home / (f"{mark}.part" if alone else f"{mark}.{os.getpid()}.part")
    done = whole_chunks(part, int(np.prod(shape)))
    check_space(home, (len(paths) - done) * int(np.prod(shape)), folder, shape)
    try:
        with open(part, "a+b") as file:
            file.truncate(done * int(np.prod(shape)))
            checksum = checksum_of(file)
            for images in in_chunks(paths, done, shape, folder, size):
                checksum = zlib.crc32(images, checksum)
                file.write(images)
                file.flush()
                os.fsync(file.fileno())
        os.replace(part, home / f"{mark}.pixels")
    except OSError as error:
        raise InputError(f"cannot write {part}: {error.strerror}") from None
    with whole_file(home / f"{mark}.json") as text:
        json.dump({"shape": [len(paths), *shape], "crc32": f"{checksum:08x}"}, text)
    remove_others(home, mark)


def remove_others(home: Path, mark: str) -> None:
    """Remove the files of other marks. What is no file is not ours; what cannot be removed takes room, and is told."""
    for path in home.iterdir():
        if path.name.startswith(mark):
            continue
        try:
            if path.is_file():
                path.unlink()
        except OSError as error:
            warnings.warn(f"{path} is of no use any more and cannot be removed: {error.strerror}", stacklevel=2)


def whole_chunks(part: Path, image_bytes: int) -> int:
    """How many images of an unfinished file are kept. A crash may have left its last chunk as holes: it is made
    again."""
    chunks = part.stat().st_size // (image_bytes * CHUNK) if part.exists() else 0
    return max(0, chunks - 1) * CHUNK


def checksum_of(file: Any) -> int:
    """The CRC-32 of an open file; its place is then the end."""
    file.seek(0)
    checksum = 0
    while piece := file.read(1 << 20):
        checksum = zlib.crc32(piece, checksum)
    return checksum


def in_chunks(
    paths: Sequence[Path], done: int, shape: tuple[int, ...], folder: Path, size: int | None
) -> Iterator[bytes]:
    """The pixels of up to CHUNK images at a time, from image `done` on."""
    from tqdm import tqdm

    with tqdm(total=len(paths), initial=done, unit="image", disable=None, desc=folder.name) as bar:
        for start in range(done, len(paths), CHUNK):
            images = []
            for path in paths[start : start + CHUNK]:
                image = decode(path, size)
                if image.shape != shape:
                    raise InputError(
                        f"{path} is {width_and_height(image.shape)}, but {paths[0]} is {width_and_height(shape)}: "
                        f"say to which size all are to be brought, such as {folder}@64"
                    )
                images.append(image.tobytes())
                bar.update()
            yield b"".join(images)


def width_and_height(shape: tuple[int, ...]) -> str:
    return f"{shape[1]} x {shape[0]}"


def decode(path: Path, size: int | None) -> np.ndarray:
    """An image file as bytes (height, width, 3)."""
    from PIL import Image, ImageOps

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a strange tag is no reason to leave an image out
            with Image.open(path) as image:
                if image.mode[0] in "IF":  # Pillow would cut them off at 255
                    raise ValueError("more than 8 bits a channel")
                picture = image.convert("RGB")
        if size is not None:
            picture = ImageOps.fit(picture, (size, size), Image.Resampling.BILINEAR)
        return np.asarray(picture)
    except MemoryError:
        raise
    except Exception as error:  # what a damaged image may raise is open
        raise InputError(f"{path} is damaged or no image ({' '.join(str(error).split())[:120]}): replace it") from None


def check_pillow() -> None:
    try:
        import PIL.Image  # noqa: F401
    except ImportError:
        raise InputError("images are read by Pillow, which is not installed: pip install 'numpyfa[images]'") from None


def check_space(home: Path, wanted: int, folder: Path, shape: tuple[int, ...]) -> None:
    """Raise InputError if the disk is too small."""
    free = shutil.disk_usage(home).free
    if wanted > free:
        raise InputError(
            f"the images of {folder} take {wanted / 1e9:.1f} GB at {width_and_height(shape)}, and {home} has "
            f"{free / 1e9:.1f} GB left: take a smaller size, or name another cache by XDG_CACHE_HOME"
        )
