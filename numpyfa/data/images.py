"""A data set in a folder of images, in one of two layouts.

    train/CLASS/*.jpg          val/CLASS/*.jpg                              ImageNet, and a folder of one's own
    train/CLASS/images/*.JPEG  val/images/*.JPEG, val/val_annotations.txt   Tiny ImageNet

The classes are the folders in train/, by name. FOLDER@64 brings every image to 64 x 64; without a size all must be of
one. Images come one of each class in turn, so that the first so many are of all classes.
"""

import os
import re
import zlib
from pathlib import Path

import numpy as np

from ..errors import InputError
from .dataset import Dataset
from .decoded import pixels
from .sources import NAMES

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".gif", ".tif", ".tiff")
ANNOTATIONS = "val_annotations.txt"
LAYOUT = "a folder of images holds train/CLASS/*.jpg and val/CLASS/*.jpg"

ByClass = dict[str, list[Path]]


def folder_dataset(name: str) -> Dataset | None:
    """The data set FOLDER or FOLDER@SIZE; None for a name that says no folder.

    A folder is looked for where its path says, then in $NUMPYFA_DATA. Raises InputError if it is not there, is in no
    layout that we know, or holds a file that is no image.
    """
    found = re.fullmatch(r"(.+)@([1-9]\d{0,3})", name, re.DOTALL)
    path, size = (found[1], int(found[2])) if found else (name, None)
    folder = None if path in NAMES else find_folder(path)
    if folder is None and (found or os.sep in path):
        raise InputError(f"there is no folder {path}, here or in NUMPYFA_DATA: {LAYOUT}")
    return None if folder is None else read_folder(folder, size)


def find_folder(path: str) -> Path | None:
    """The folder, where its path says or in $NUMPYFA_DATA."""
    places = [Path(path), Path(os.environ.get("NUMPYFA_DATA") or ".") / path]
    return next((place for place in places if path and os.path.isdir(place)), None)


def read_folder(folder: Path, size: int | None) -> Dataset:
    """The data set in a folder; its pixels lie in a file and are read as they are needed (see `decoded`)."""
    train = by_class(folder / "train")
    classes = sorted(train)
    annotated = (folder / "val" / ANNOTATIONS).is_file()
    val = by_annotation(folder / "val", classes) if annotated else by_class(folder / "val")
    check_same(folder, set(train), set(val))
    (paths, labels), (val_paths, val_labels) = mixed(train, classes), mixed(val, classes)
    x, mark = pixels([*paths, *val_paths], folder, size)
    name = folder.name + (f"@{size}" if size else "")
    n = len(paths)
    mark = f"{mark} {zlib.crc32(val_labels.tobytes(), zlib.crc32(labels.tobytes())):08x}"
    return Dataset(name, x[:n], labels, x[n:], val_labels, len(classes), mark)


def mixed(images: ByClass, classes: list[str]) -> tuple[list[Path], np.ndarray]:
    """(paths, labels): the first image of every class, then the second of every class, and so on."""
    places = [(place, label) for label, name in enumerate(classes) for place in range(len(images[name]))]
    places.sort()
    return [images[classes[label]][place] for place, label in places], np.array([label for _, label in places])


def by_class(part: Path) -> ByClass:
    """{class: its images} in a folder that has one folder a class, with the images in it or in images/ of it."""
    found: ByClass = {}
    for name in names_in(part):
        folder = part / name
        if folder.is_dir():
            inner = folder / "images"
            found[name] = images_in(inner if inner.is_dir() else folder)
            if not found[name]:
                raise InputError(f"{folder} holds no images ({', '.join(SUFFIXES)}): add some, or remove the class")
    if not found:
        raise InputError(f"{part} holds no folders of images: {LAYOUT}")
    return found


def by_annotation(part: Path, classes: list[str]) -> ByClass:
    """{class: its images} as val_annotations.txt says: a line an image, its name, a tab, its class, and more."""
    text = part / ANNOTATIONS
    try:
        lines = [line.split("\t") for line in text.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{text} cannot be read ({error}): replace it") from None
    class_of = {line[0]: line[1].strip() for line in lines if len(line) > 1}
    images = images_in(part / "images")
    there = {path.name for path in images}
    for name in sorted(there ^ set(class_of)):
        wrong = "has no line in" if name in there else "is not there, but has a line in"
        raise InputError(f"{part / 'images' / name} {wrong} {text}: make them agree")
    found: ByClass = {}
    for path in images:
        found.setdefault(class_of[path.name], []).append(path)
    return found


def images_in(folder: Path) -> list[Path]:
    """The images of a folder, by name; other files are left out."""
    found = [folder / name for name in names_in(folder) if name.lower().endswith(SUFFIXES)]
    for path in found:
        if not os.path.isfile(path):  # reading a pipe would wait for ever
            raise InputError(f"{path} is no file: remove it")
    return found


def names_in(folder: Path) -> list[str]:
    """What is in a folder, sorted, without what is hidden."""
    try:
        return sorted(name for name in os.listdir(folder) if not name.startswith("."))
    except FileNotFoundError:
        raise InputError(f"there is no folder {folder}: {LAYOUT}") from None
    except OSError as error:
        raise InputError(f"{folder} cannot be read: {error.strerror}") from None


def check_same(folder: Path, train: set[str], val: set[str]) -> None:
    """Raise InputError unless train/ and val/ have the same classes."""
    for one, other, more in (("train", "val", train - val), ("val", "train", val - train)):
        if more:
            raise InputError(
                f"{folder}: train and val must have the same classes, but {one} has {min(more)} and {len(more) - 1} "
                f"more that {other} has not: add them there, or remove them"
            )
