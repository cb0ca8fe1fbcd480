"""Files that are never half-written: a temporary file beside the target, then a rename."""

import os
import tempfile
import zipfile
import zlib
from contextlib import contextmanager
from pathlib import Path

from .errors import InputError

# What np.load and json raise on a damaged or foreign file, as found by feeding them such files.
UNREADABLE = (OSError, EOFError, KeyError, ValueError, TypeError, AttributeError, NotImplementedError, RuntimeError,
              zipfile.BadZipFile, zlib.error)  # fmt: skip


@contextmanager
def whole_file(path, mode="w"):
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
        os.chmod(temporary, 0o666 & ~_umask())  # mkstemp makes it private; a result is for everyone
        os.replace(temporary, path)
    except BaseException as error:
        os.unlink(temporary)
        if isinstance(error, OSError):
            raise InputError(f"cannot write {path}: {error.strerror}") from error
        raise


def _umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask
