"""One file over HTTP: tried again, resumed, cut off where it trickles, and kept only if its checksum is right.

`pooch.retrieve` begins anew each time under another temporary name and waits for a slow server for ever, so what
pooch stands on, `requests`, is used here instead.
"""

import hashlib
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from ..errors import InputError

if TYPE_CHECKING:
    import requests

WAITS = (0, 1, 2, 4)  # seconds before each round of tries
PASSING = (429, 500, 502, 503, 504)  # answers that may be another one a second later
TIMEOUT = 20  # seconds without a sign of the server
WINDOW = 20  # seconds over which the speed is measured
SLOWEST = 5_000  # bytes a second; 0.2 GB would take 11 hours
LARGEST = 1 << 28  # bytes; no file of ours is larger


class NotServed(Exception):
    """A file cannot be had from an address, and a next try would be no better."""


def fetch_file(addresses: list[str], path: Path, sha256: str) -> None:
    """Bring a file to `path`, from the first of these addresses that serves it whole.

    Until its checksum is right it is called `path` with .part at the end, and the next call goes on from there. Each
    round asks every address that may still serve. Raises NotServed with each one's reason, or InputError if the folder
    cannot be written.
    """
    part = path.with_name(path.name + ".part")
    reasons, left = {}, list(addresses)
    for wait in WAITS:
        time.sleep(wait if left else 0)
        for address in list(left):
            try:
                with open_part(part) as file:
                    complete(address, file, sha256)
                os.replace(part, path)
                return
            except NotServed as error:
                left.remove(address)
                reasons[address] = str(error)
            except passing_errors() as error:
                reasons[address] = reason(error)
    if part.is_file() and not part.stat().st_size:
        part.unlink()
    raise NotServed("; ".join(f"{address}: {why}" for address, why in reasons.items()) or "no mirror is known")


def open_part(part: Path) -> BinaryIO:
    """The unfinished file, to be read and written on."""
    try:
        return open(part, "a+b")
    except OSError as error:
        raise InputError(f"cannot write {part}: {error.strerror}; choose another folder by NUMPYFA_DATA") from None


def complete(address: str, file: BinaryIO, sha256: str) -> None:
    """Go on with `file` from `address` until it is whole. A file of the wrong checksum is emptied."""
    begun = file.seek(0, os.SEEK_END) > 0
    if begun and checksum(file) == sha256:
        return
    receive(address, file)
    if checksum(file) == sha256:
        return
    file.truncate(0)
    if begun:  # its beginning may be what is wrong
        complete(address, file, sha256)
        return
    raise NotServed("the file has the wrong checksum")


def checksum(file: BinaryIO) -> str:
    """The SHA-256 of an open file; its place is then the end."""
    digest = hashlib.sha256()
    file.seek(0)
    while piece := file.read(1 << 20):
        digest.update(piece)
    return digest.hexdigest()


def receive(address: str, file: BinaryIO) -> None:
    """Append what `file` lacks, or write all of it anew where the server cannot send a part.

    Raises NotServed, or one of `passing_errors`.
    """
    import requests

    start = file.seek(0, os.SEEK_END)
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={start}-"} if start else {})
    try:
        with requests.get(address, headers=headers, stream=True, timeout=TIMEOUT) as answer:
            if start and answer.status_code == requests.codes.requested_range_not_satisfiable:
                return  # nothing is lacking: the checksum will tell
            if answer.status_code >= 400 and answer.status_code not in PASSING:
                raise NotServed(f"{answer.status_code} {answer.reason}")
            answer.raise_for_status()
            if not answer.headers.get("Content-Range", "").startswith(f"bytes {start}-"):
                start = 0
                file.truncate(0)
            length = answer.headers.get("Content-Length", "")
            append(answer, file, start, start + int(length) if length.isdecimal() else None)
    except requests.ConnectionError as error:
        cause = getattr(error.args[0], "reason", None) if error.args else None
        if not isinstance(cause, no_connections()):
            raise
        raise NotServed(f"no connection ({str(cause).rpartition(': ')[2]})") from None
    except silences():
        raise NotServed(f"no sign for {TIMEOUT} s") from None


def append(answer: "requests.Response", file: BinaryIO, start: int, total: int | None) -> None:
    """Write the body as it arrives. Raises NotServed if it trickles or never ends.

    Where it breaks off, urllib3 raises.
    """
    from tqdm import tqdm

    size = before = start
    since = time.monotonic()
    with tqdm(total=total, initial=start, unit="B", unit_scale=True, disable=None, desc=Path(file.name).stem) as bar:
        while piece := answer.raw.read1(1 << 16):  # what has come: `read` would wait for all of it
            file.write(piece)
            bar.update(len(piece))
            size += len(piece)
            seconds = time.monotonic() - since
            if size > LARGEST:
                file.truncate(0)
                raise NotServed(f"larger than {LARGEST} bytes, so another file")
            if seconds > WINDOW:
                if size - before < SLOWEST * WINDOW:
                    raise NotServed(f"too slow: {size - before} bytes in {seconds:.0f} s")
                before, since = size, time.monotonic()


def passing_errors() -> tuple[type[Exception], ...]:
    """What requests, the library under it and the system raise for what may pass."""
    from urllib3.exceptions import HTTPError

    return OSError, HTTPError


def silences() -> tuple[type[Exception], ...]:
    """What is raised if nothing comes for a time, before the answer and within it."""
    from requests import ReadTimeout
    from urllib3.exceptions import ReadTimeoutError

    return ReadTimeout, ReadTimeoutError


def no_connections() -> tuple[type[Exception], ...]:
    """The causes if there was no connection at all: no network, no such host, or nobody listening."""
    from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

    return ConnectTimeoutError, NewConnectionError


def reason(error: Exception) -> str:
    """An error in a few words."""
    text = str(error)
    return f"{type(error).__name__} ({text.splitlines()[0][:120]})" if text else type(error).__name__


@contextmanager
def alone_in(folder: Path) -> Iterator[bool]:
    """Make the folder, and wait until no other process writes into it; False where the system cannot tell."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot write into {folder}: {error.strerror}; choose another by NUMPYFA_DATA") from None
    try:
        import fcntl
    except ImportError:  # Windows
        yield False
        return
    try:
        handle, alone = os.open(folder, os.O_RDONLY), True
    except OSError as error:
        raise InputError(f"cannot read {folder}: {error.strerror}; choose another by NUMPYFA_DATA") from None
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"numpyfa: waiting for another process that writes into {folder}", file=sys.stderr)
            fcntl.flock(handle, fcntl.LOCK_EX)
        except OSError:  # a network's file system without locks
            alone = False
        yield alone
    finally:
        os.close(handle)
