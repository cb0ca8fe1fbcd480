"""A server on loopback for downloads, and a small stand-in for Fashion-MNIST for it to serve."""

import gzip
import hashlib
import http.server
import threading
import time
from dataclasses import replace

import numpy as np
import pytest

from numpyfa import data

FIRST = "train-images-idx3-ubyte.gz"


def idx(array):
    header = bytes([0, 0, 8, array.ndim]) + b"".join(n.to_bytes(4, "big") for n in array.shape)
    return header + array.tobytes()


def sha256(raw):
    return hashlib.sha256(raw).hexdigest()


def mirrors(monkeypatch, *urls):
    monkeypatch.setitem(data.SOURCES, "fashion-mnist", replace(data.SOURCES["fashion-mnist"], mirrors=urls))


def put(folder, files):
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)


@pytest.fixture
def tiny(monkeypatch, tmp_path, rng):
    """A small stand-in for Fashion-MNIST: its files as bytes, its source with their checksums, an empty cache."""
    arrays = {
        "train-images-idx3-ubyte": rng.integers(0, 256, (30, 28, 28), np.uint8),
        "train-labels-idx1-ubyte": np.arange(30, dtype=np.uint8) % 10,
        "t10k-images-idx3-ubyte": rng.integers(0, 256, (20, 28, 28), np.uint8),
        "t10k-labels-idx1-ubyte": np.arange(20, dtype=np.uint8) % 10,
    }
    raw = {name: idx(array) for name, array in arrays.items()}
    files = {f"{name}.gz": gzip.compress(content, mtime=0) for name, content in raw.items()}
    source = replace(
        data.SOURCES["fashion-mnist"],
        files={name: sha256(content) for name, content in files.items()},
        contents={name: sha256(content) for name, content in raw.items()},
        folders=(),
        mirrors=(),
    )
    monkeypatch.setitem(data.SOURCES, "fashion-mnist", source)
    monkeypatch.setattr(data.sources, "cache", lambda: tmp_path / "cache")
    monkeypatch.setattr(data.download, "WAITS", (0, 0.01, 0.02, 0.04))
    monkeypatch.delenv("NUMPYFA_DATA", raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return files, arrays


@pytest.fixture
def server():
    """A server: `files` maps a path to the bytes it sends, `short` names those cut off half way.

    `busy` is how many 503 come before each path's first answer, `ranges` whether it can send the rest of a file,
    `trickle` the seconds before each single byte. `asked` are the requests, as (path, Range or None).
    """

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked = self.headers.get("Range")
            before = sum(path == self.path for path, _ in here.asked)
            here.asked.append((self.path, asked))
            content = here.files.get(self.path)
            if content is None:
                return self.send_error(404)
            if before < here.busy:
                return self.send_error(503)
            start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked and here.ranges else 0
            if start >= len(content) > 0 and start:
                return self.send_error(416)
            self.send_response(206 if start else 200)
            if start:
                self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
            self.send_header("Content-Length", str(len(content) - start))
            self.end_headers()
            body = content[start:]
            body = body[: len(body) // 2] if self.path in here.short else body
            try:
                for piece in [body] if not here.trickle else (body[i : i + 1] for i in range(len(body))):
                    self.wfile.write(piece)
                    time.sleep(here.trickle)
            except OSError:  # the client has hung up
                pass

        def log_message(self, *_):
            pass

    here = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    here.files, here.short, here.asked = {}, set(), []
    here.busy, here.ranges, here.trickle = 0, True, 0
    here.url = f"http://127.0.0.1:{here.server_port}"
    thread = threading.Thread(target=here.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield here
    here.shutdown()
    here.server_close()
