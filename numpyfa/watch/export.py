"""The page as a static site, whose engine runs inside the browser: Python and NumPy by Pyodide, numpyfa by its wheel.

    FOLDER/index.html, *.js, *.css   the same page, told to ask a worker instead of a server
    FOLDER/numpyfa-*.whl             this package, with MNIST
    FOLDER/site.json                 what the worker loads, and from where

Pyodide and NumPy are no part of it: the browser loads them from Pyodide's public distribution when the page is opened.
The wheel is written here file by file, so that neither a build tool nor a checkout is needed.
"""

import hashlib
import io
import json
import zipfile
from base64 import urlsafe_b64encode
from importlib import resources
from pathlib import Path
from typing import Any

from .. import __version__
from ..errors import InputError
from .server import page_files

PYODIDE = "https://cdn.jsdelivr.net/pyodide/v314.0.7/full/"  # of the version that the tests boot
PACKAGES = ["numpy", "threadpoolctl"]  # all that numpyfa's engine asks for, from Pyodide's distribution
ENGINE = "numpyfa.watch.engine"
LEFT_OUT = ("numpyfa/course/", "numpyfa/watch/page/")  # what no worker asks for
ENDINGS = (".py", ".npz", ".typed")
LONG_AGO = (2020, 1, 1, 0, 0, 0)  # the time of every file in the wheel: one package makes one wheel
SERVER, WORKER = b'data-engine="server"', b'data-engine="worker"'


def export(folder: Path, pyodide: str = PYODIDE) -> list[str]:
    """Write the site; return what to say. Raises InputError for a folder that holds anything but an earlier one."""
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file: choose a folder")
    if folder.exists() and any(folder.iterdir()) and not (folder / "site.json").exists():
        raise InputError(f"{folder} holds other files: choose an empty folder, or one that was exported before")
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("numpyfa-*.whl"):
        old.unlink()
    files = {name[1:]: content for name, content in page_files().items() if name != "/"}
    files["index.html"] = files["index.html"].replace(SERVER, WORKER)
    name, wheel = make_wheel()
    site = {"pyodide": pyodide, "packages": PACKAGES, "wheel": name, "engine": ENGINE}
    files |= {name: wheel, "site.json": json.dumps(site, indent=2).encode()}
    for name, content in files.items():
        (folder / name).write_bytes(content)
    size = sum(map(len, files.values())) / 1e6
    return [
        f"{folder} holds the page as a static site: {len(files)} files, {size:.0f} MB",
        f"any web server can serve it; to try it here: python -m http.server --bind 127.0.0.1 --directory {folder}",
        f"a browser that opens it loads Python and NumPy from {pyodide}",
    ]


def make_wheel() -> tuple[str, bytes]:
    """(name, content) of a wheel of this package."""
    version = __version__ if __version__[0].isdigit() else "0"
    about = f"numpyfa-{version}.dist-info"
    contents = dict(sorted(package_files(resources.files("numpyfa"), "numpyfa/")))
    contents[f"{about}/METADATA"] = f"Metadata-Version: 2.1\nName: numpyfa\nVersion: {version}\n".encode()
    contents[f"{about}/WHEEL"] = b"Wheel-Version: 1.0\nGenerator: numpyfa\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    lines = [f"{name},sha256={checksum(content)},{len(content)}" for name, content in contents.items()]
    contents[f"{about}/RECORD"] = "\n".join([*lines, f"{about}/RECORD,,\n"]).encode()
    return f"numpyfa-{version}-py3-none-any.whl", zipped(contents)


def package_files(folder: Any, path: str) -> list[tuple[str, bytes]]:
    """(name, content) of what the wheel holds of a folder."""
    found: list[tuple[str, bytes]] = []
    for each in folder.iterdir():
        name = path + each.name
        if each.is_dir() and not f"{name}/".startswith(LEFT_OUT):
            found += package_files(each, f"{name}/")
        elif each.is_file() and each.name.endswith(ENDINGS):
            found.append((name, each.read_bytes()))
    return found


def checksum(content: bytes) -> str:
    """As a wheel's RECORD has it."""
    return urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()


def zipped(contents: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in contents.items():
            archive.writestr(zipfile.ZipInfo(name, LONG_AGO), content, zipfile.ZIP_DEFLATED)
    return out.getvalue()
