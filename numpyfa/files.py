"""Files that are never half-written, and npz files that are never half-read."""

import io
import os
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np

from .errors import InputError

# What np.load and json raise on a damaged or foreign file, as found by feeding them such files.
UNREADABLE = (OSError, EOFError, KeyError, ValueError, TypeError, AttributeError, NotImplementedError, RuntimeError,
              zipfile.BadZipFile, zlib.error)  # fmt: skip


@contextmanager
def whole_file(path: str | Path, mode: str = "w") -> Iterator[IO[Any]]:
    """Open a temporary file in the folder of `path`; it takes that name only if the block ends well.

    Raises InputError, with the system's reason, where the folder cannot be written.
    """
    path = Path(path)
    encoding = None if "b" in mode else "utf-8"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    except OSError as error:
        raise InputError(f"cannot write into {path.parent}: {error.strerror}; choose another folder") from error
    try:
        with os.fdopen(handle, mode, encoding=encoding) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o666 & ~umask())  # mkstemp makes it private; a result is for everyone
        os.replace(temporary, path)
    except BaseException as error:
        Path(temporary).unlink(missing_ok=True)  # a run that goes on elsewhere may have cleared it away
        if isinstance(error, OSError):
            raise InputError(f"cannot write {path}: {error.strerror}") from error
        raise


def umask() -> int:
    """What the process takes from the permissions of a new file."""
    mask = os.umask(0)
    os.umask(mask)
    return mask


def read_npz(path: str | os.PathLike[str], what: str = "npz file", remedy: str = "replace it") -> dict[str, np.ndarray]:
    """All arrays of an npz file, {name: array}, in the order of the file.

    Every member is read whole, so that its checksum (CRC-32) is compared before NumPy looks at it: a flipped bit in an
    array's header gives no other array. There is no pickle. Raises InputError, which calls the file a `what`, if it is
    no regular file, damaged, or holds anything but arrays of numbers and text.
    """
    path = Path(path)
    if not os.path.exists(path):
        raise InputError(f"there is no file {path}: name an existing {what}")
    if not os.path.isfile(path):  # opening a named pipe would wait for ever
        kind = "a folder" if path.is_dir() else "a pipe or device"
        raise InputError(f"{path} is {kind}, no {what}: name a regular file")
    try:
        with zipfile.ZipFile(path) as archive:
            members = {member.filename: archive.read(member) for member in archive.infolist()}
        promised = _promised_members(path)
        if min(len(members), 0xFFFF) != promised:  # a wrong length in the table of contents hides the next member
            raise zipfile.BadZipFile(f"{len(members)} members of {promised}")
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}") from None
    except MemoryError:
        raise InputError(f"{path} needs more memory than there is") from None
    except Exception as error:  # zipfile's list of what a damaged file raises is open
        raise InputError(f"{path} is truncated, damaged or no {what} ({_words(error)}): {remedy}") from None
    return {name.removesuffix(".npy"): _array(name, content, path, what) for name, content in members.items()}


def _promised_members(path: Path) -> int:
    """How many members the end of a zip file says it has, which zipfile does not compare; at most 65535."""
    with open(path, "rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - (1 << 16)))
        tail = file.read()
    end = tail.rfind(b"PK\x05\x06")
    return int.from_bytes(tail[end + 10 : end + 12], "little")


def _array(name: str, content: bytes, path: Path, what: str) -> np.ndarray:
    if not name.endswith(".npy"):
        raise InputError(f"{path} holds {name}, which is no array: a {what} is written by np.savez, of arrays only")
    try:
        return np.lib.format.read_array(io.BytesIO(content), allow_pickle=False)
    except Exception as error:  # the header is text that NumPy evaluates; anything may be in it
        what_to_do = "save numbers or text, no Python objects"
        raise InputError(f"{path} is no {what}: {name} cannot be read ({_words(error)}); {what_to_do}") from None


def _words(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
