"""Downloads from a server on loopback: tried again, resumed, cut off, and never kept damaged."""

import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from data_server import FIRST, mirrors, put, sha256

import numpyfa as fa
from numpyfa import cli, data
from numpyfa.data import download


def serve(server, tiny, folder=""):
    server.files |= {f"/{folder}{name}": content for name, content in tiny[0].items()}


def assert_loads(tiny):
    np.testing.assert_array_equal(fa.load("fashion-mnist").x_train[..., 0], tiny[1]["train-images-idx3-ubyte"])


def paths(server):
    return [path for path, _ in server.asked]


def test_the_first_mirror_is_dead_the_second_serves_and_the_third_is_never_asked(tiny, server, monkeypatch):
    serve(server, tiny, "good/")
    mirrors(monkeypatch, "http://127.0.0.1:9/", f"{server.url}/good/", f"{server.url}/never/")
    assert_loads(tiny)
    assert len(server.asked) == 4 and not any("never" in path for path in paths(server))
    assert_loads(tiny)
    assert len(server.asked) == 4, "the second time it comes from the cache"


@pytest.mark.parametrize("damage", ["corrupt", "interrupted"])
def test_a_damaged_download_is_not_kept_and_the_next_mirror_is_tried(tiny, server, monkeypatch, tmp_path, damage):
    serve(server, tiny, "good/")
    serve(server, tiny, "bad/")
    if damage == "corrupt":
        server.files[f"/bad/{FIRST}"] = tiny[0][FIRST][:-9] + b"x" * 9
    else:
        server.short.add(f"/bad/{FIRST}")
    mirrors(monkeypatch, f"{server.url}/bad/", f"{server.url}/good/")
    assert_loads(tiny)
    assert sorted(path.name for path in (tmp_path / "cache" / "fashion-mnist").iterdir()) == sorted(tiny[0])


@pytest.mark.parametrize("damage, reason", [("corrupt", "wrong checksum"), ("busy", "503"), ("missing", "404")])
def test_without_a_good_mirror_the_message_says_which_files_to_put_where(
    tiny, server, monkeypatch, tmp_path, damage, reason
):
    serve(server, tiny)
    if damage == "corrupt":
        server.files[f"/{FIRST}"] = b"nonsense"
    elif damage == "busy":
        server.busy = 4
    else:
        del server.files[f"/{FIRST}"]
    mirrors(monkeypatch, f"{server.url}/")
    with pytest.raises(fa.InputError) as error:
        fa.load("fashion-mnist")
    for word in (reason, *tiny[0], str(tmp_path / "cache" / "fashion-mnist"), "NUMPYFA_DATA"):
        assert word in str(error.value)
    assert not list((tmp_path / "cache").rglob("*ubyte*")), "nothing damaged is kept"
    assert len(server.asked) == (4 if damage == "busy" else 1), "only what may pass is tried again"


def test_no_network_is_one_clear_message_at_once(tiny, monkeypatch):
    mirrors(monkeypatch, "http://127.0.0.1:9/")
    monkeypatch.setattr(download, "WAITS", (0, 100))
    with pytest.raises(fa.InputError, match="could not be downloaded .*127.0.0.1.*no connection.*Put train-images"):
        fa.load("fashion-mnist")


def test_three_busy_answers_are_waited_out(tiny, server, monkeypatch):
    serve(server, tiny)
    server.busy = 3
    mirrors(monkeypatch, f"{server.url}/")
    assert_loads(tiny)
    assert len(server.asked) == 4 * 4, "each of 4 files is asked for 4 times"


def test_the_waits_grow_and_last_less_than_10_seconds_together():
    assert list(download.WAITS) == sorted(set(download.WAITS)) and download.WAITS[0] == 0 and sum(download.WAITS) < 10


def test_a_broken_download_goes_on_where_it_stopped(tiny, server, monkeypatch):
    """The server sends half of what is asked for, so 4 tries bring 15/16 of a file; the next call brings the rest."""
    serve(server, tiny)
    server.short = {f"/{FIRST}"}
    mirrors(monkeypatch, f"{server.url}/")
    with pytest.raises(fa.InputError, match="could not be downloaded"):
        fa.load("fashion-mnist")
    size = len(tiny[0][FIRST])
    starts = [int(asked[6:-1]) if asked else 0 for _, asked in server.asked]
    left = [size - start for start in starts]
    assert starts[0] == 0 and all(new == old - old // 2 for old, new in zip(left, left[1:])) and len(starts) == 4
    server.short.clear()
    assert_loads(tiny)
    assert server.asked[4] == (f"/{FIRST}", f"bytes={size - (left[3] - left[3] // 2)}-")


@pytest.mark.parametrize("part", ["first half", "all", "too much", "other bytes"])
@pytest.mark.parametrize("ranges", [True, False])
def test_a_part_that_was_left_is_used_or_replaced_and_gone_in_the_end(
    tiny, server, monkeypatch, tmp_path, part, ranges
):
    content = tiny[0][FIRST]
    left = {"first half": content[:3000], "all": content, "too much": content + b"more", "other bytes": b"x" * 3000}
    folder = tmp_path / "cache" / "fashion-mnist"
    put(folder, {f"{FIRST}.part": left[part]})
    serve(server, tiny)
    server.ranges = ranges
    mirrors(monkeypatch, f"{server.url}/")
    assert_loads(tiny)
    assert sorted(path.name for path in folder.iterdir()) == sorted(tiny[0])
    first = [asked for path, asked in server.asked if path == f"/{FIRST}"]
    assert (
        first
        == {
            "first half": ["bytes=3000-"],
            "all": [],
            "too much": [f"bytes={len(content) + 4}-"] + [None] * ranges,
            "other bytes": ["bytes=3000-"] + [None] * ranges,
        }[part]
    )


def test_a_mirror_goes_on_with_what_another_began(tiny, server, monkeypatch):
    serve(server, tiny, "a/")
    serve(server, tiny, "b/")
    server.short = {f"/a/{FIRST}"}
    mirrors(monkeypatch, f"{server.url}/a/", f"{server.url}/b/")
    assert_loads(tiny)
    assert server.asked[1] == (f"/b/{FIRST}", f"bytes={len(tiny[0][FIRST]) // 2}-")


def test_a_trickling_server_is_cut_off_and_the_next_mirror_asked(tiny, server, monkeypatch):
    """It would take more than 20,000 x 1 ms = 20 s."""
    serve(server, tiny)
    server.trickle = 0.001
    mirrors(monkeypatch, f"{server.url}/", "http://127.0.0.1:9/")
    monkeypatch.setattr(download, "WINDOW", 0.3)
    began = time.monotonic()
    with pytest.raises(fa.InputError, match=r"too slow: \d+ bytes in 0 s; http://127.0.0.1:9"):
        fa.load("fashion-mnist")
    assert time.monotonic() - began < 3 and len(server.asked) == 1


def test_a_silent_server_is_cut_off(tiny, server, monkeypatch):
    serve(server, tiny)
    server.trickle = 2
    mirrors(monkeypatch, f"{server.url}/")
    monkeypatch.setattr(download, "TIMEOUT", 0.2)
    began = time.monotonic()
    with pytest.raises(fa.InputError, match=r"no sign for 0.2 s"):
        fa.load("fashion-mnist")
    assert time.monotonic() - began < 1.5 and len(server.asked) == 1


def test_an_endless_file_is_not_kept(tiny, server, monkeypatch, tmp_path):
    serve(server, tiny)
    mirrors(monkeypatch, f"{server.url}/")
    monkeypatch.setattr(download, "LARGEST", 5000)
    with pytest.raises(fa.InputError, match="larger than 5000 bytes"):
        fa.load("fashion-mnist")
    assert not list((tmp_path / "cache").rglob("*ubyte*"))


KILLED = """
import sys
from dataclasses import replace
from pathlib import Path
from numpyfa import data

url, cache = sys.argv[1:]
data.sources.cache = lambda: Path(cache)
data.SOURCES["fashion-mnist"] = replace(data.SOURCES["fashion-mnist"], mirrors=(url,), folders=())
data.fetch("fashion-mnist")
"""


def test_a_killed_download_leaves_one_part_which_the_next_goes_on_with(tiny, server, monkeypatch, tmp_path):
    folder = tmp_path / "cache" / "fashion-mnist"
    serve(server, tiny)
    server.files[f"/{FIRST}"] = tiny[0][FIRST]
    server.trickle = 0.0001
    words = [sys.executable, "-c", KILLED, f"{server.url}/", str(tmp_path / "cache")]
    process = subprocess.Popen(words)
    part = folder / f"{FIRST}.part"
    deadline = time.monotonic() + 20
    while not (part.is_file() and part.stat().st_size) and time.monotonic() < deadline:
        time.sleep(0.01)
    process.kill()
    process.wait()
    assert [path.name for path in folder.iterdir()] == [part.name] and part.stat().st_size > 0
    server.trickle, size = 0, part.stat().st_size
    server.asked.clear()
    mirrors(monkeypatch, f"{server.url}/")
    assert_loads(tiny)
    assert server.asked[0] == (f"/{FIRST}", f"bytes={size}-")
    assert sorted(path.name for path in folder.iterdir()) == sorted(tiny[0])


def test_two_downloads_at_once_wait_for_each_other_and_one_asks(tiny, server, monkeypatch, capfd):
    serve(server, tiny)
    server.busy = 1
    monkeypatch.setattr(download, "WAITS", (0, 0.1))
    mirrors(monkeypatch, f"{server.url}/")
    threads = [threading.Thread(target=data.fetch, args=["fashion-mnist"]) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(paths(server)) == sorted(2 * [f"/{name}" for name in tiny[0]]), "one 503 and one file each"
    assert "waiting for another process" in capfd.readouterr().err


def test_a_damaged_file_in_the_cache_is_called_damaged_and_fetched_anew(tiny, server, monkeypatch, tmp_path, capsys):
    folder = tmp_path / "cache" / "fashion-mnist"
    put(folder, tiny[0] | {FIRST: tiny[0][FIRST][:-1]})
    serve(server, tiny)
    mirrors(monkeypatch, f"{server.url}/")
    assert cli.main(["data"]) == 0
    line = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("fashion-mnist"))
    assert "damaged" in line and FIRST in line and "numpyfa data fashion-mnist fetches it" in line
    with pytest.raises(fa.InputError, match="replace it"):
        fa.load("fashion-mnist", download=False)
    assert cli.main(["data", "fashion-mnist"]) == 0
    assert capsys.readouterr().out.split() == ["fashion-mnist", str(folder)]
    assert paths(server) == [f"/{FIRST}"], "the three whole files stay"
    (folder / FIRST).write_bytes(b"")
    assert_loads(tiny)
    assert sha256((folder / FIRST).read_bytes()) == data.SOURCES["fashion-mnist"].files[FIRST]


def test_a_damaged_file_of_the_users_is_left_alone(tiny, server, monkeypatch, tmp_path, capsys):
    damaged = tiny[0] | {FIRST: b"mine"}
    put(tmp_path / "mine", damaged)
    monkeypatch.setenv("NUMPYFA_DATA", str(tmp_path / "mine"))
    serve(server, tiny)
    mirrors(monkeypatch, f"{server.url}/")
    assert_loads(tiny)
    assert {path.name: path.read_bytes() for path in (tmp_path / "mine").iterdir()} == damaged
    assert cli.main(["data", "fashion-mnist"]) == 0
    printed = capsys.readouterr().out
    assert str(tmp_path / "cache") in printed and f"damaged: {tmp_path / 'mine' / FIRST}" in printed


def test_a_cache_that_cannot_be_written_is_one_clear_message(tiny, server, monkeypatch, tmp_path):
    (tmp_path / "cache").write_text("a file where the folder should be")
    mirrors(monkeypatch, f"{server.url}/")
    with pytest.raises(fa.InputError, match="cannot write into .*NUMPYFA_DATA"):
        fa.load("fashion-mnist")
