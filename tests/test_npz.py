"""npz files, the user's data sets and others: read whole or refused in one clear line."""

import io
import os
import subprocess
import sys
import zipfile

import numpy as np
import pytest

import numpyfa as fa
from numpyfa.files import read_npz


def member(array=None, header=None, body=b""):
    """The bytes of an npy file: of an array, or of a header and a body of one's own."""
    stream = io.BytesIO()
    if header is None:
        np.lib.format.write_array(stream, np.asarray(array), allow_pickle=True)
        return stream.getvalue()
    text = header.encode().ljust(118) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + body


def write_zip(path, members, **options):
    with zipfile.ZipFile(path, "w", **options) as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def test_a_users_npz_is_a_data_set(tmp_path, rng):
    arrays = {"x_train": rng.standard_normal((8, 3)), "y_train": np.arange(8) % 3}
    arrays |= {"x_test": rng.standard_normal((4, 3)), "y_test": np.arange(4) % 3}
    np.savez(tmp_path / "mine.npz", **arrays)
    mine = fa.load(tmp_path / "mine.npz")
    assert mine.name == "mine" and mine.classes == 3
    np.testing.assert_array_equal(mine.x_train, arrays["x_train"])


@pytest.mark.parametrize(
    "what, message", [("npy", "npz"), ("missing", "there is no file"), ("cut", "truncated"), ("other", "x_train")]
)
def test_a_bad_npz_is_named_with_what_is_wrong(tmp_path, what, message):
    path = tmp_path / "mine.npz"
    if what != "missing":
        np.savez(path, something=np.zeros(1000))
    if what == "npy":
        with path.open("wb") as file:
            np.save(file, np.zeros(10))
    if what == "cut":
        path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(fa.InputError, match=message):
        fa.load(path)


def test_an_npz_is_read_as_numpy_reads_it(tmp_path, rng):
    arrays = {"a": rng.standard_normal((2, 3)), "t": np.array("text"), "f": np.asfortranarray(rng.random((3, 4)))}
    arrays |= {"none": np.zeros((0, 5), np.uint8), "big": np.arange(3, dtype=">i4"), "deep/name": np.array(True)}
    for save in (np.savez, np.savez_compressed):
        save(tmp_path / "a.npz", **arrays)
        found = read_npz(tmp_path / "a.npz")
        assert list(found) == list(arrays)
        for name, array in arrays.items():
            np.testing.assert_array_equal(found[name], array, strict=True)
            assert found[name].flags.writeable


def header(descr="'<f8'", shape="(2,)", order="False"):
    return f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"hello",
        member([1.0, 2])[:-1],
        member([1.0, 2])[:20],
        member(np.array([{"a": 1}, None], object)),
        member(header=header("'|O'", "()"), body=b"cos\nsystem\n(S'echo hello'\ntR."),
        member(header=header(shape="(1000000000000000,)")),
        member(header=header(shape="(10000000000000000000000000,)")),
        member(header=header(shape="(-2,)")),
        member(header=header(shape="(2.7,)")),
        member(header=header("'<q9'")),
        member(header=header("[('a', '|O')]")),
        member(header="{" * 100),
        member(header="(" * 9999),
        member(header="'\\x"),
        b"\x93NUMPY\x02\x00\xff\xff\xff\xff" + b"(" * 1000,
        b"\x93NUMPY\x09\x09" + member([1.0])[8:],
        b"PK\x03\x04 a zip in the zip",
        b"\x80\x04N.",
    ],
)
def test_an_odd_member_is_one_clear_message_with_its_name(tmp_path, content):
    write_zip(tmp_path / "odd.npz", {"good.npy": member([1.0]), "x_train.npy": content})
    with pytest.raises(fa.InputError, match="odd.npz is no data file: x_train.npy cannot be read .*no Python objects"):
        read_npz(tmp_path / "odd.npz", "data file")


def test_a_member_that_is_no_array_is_refused(tmp_path):
    write_zip(tmp_path / "odd.npz", {"x.npy": member([1.0]), "notes.txt": b"hello"})
    with pytest.raises(fa.InputError, match="holds notes.txt, which is no array: .* np.savez"):
        read_npz(tmp_path / "odd.npz")


def test_neither_a_pipe_nor_a_folder_nor_a_device_is_opened(tmp_path):
    os.mkfifo(tmp_path / "pipe.npz")  # opening it would wait for a writer
    words = [sys.executable, "-m", "numpyfa", "train", "--data", "pipe.npz"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, timeout=30)
    assert (
        done.returncode == 2
        and done.stderr == "numpyfa: pipe.npz is a pipe or device, no npz file: name a regular file\n"
    )
    (tmp_path / "folder.npz").mkdir()
    (tmp_path / "device.npz").symlink_to("/dev/zero")
    for name, message in (("pipe", "a pipe or device"), ("folder", "a folder"), ("device", "a pipe or device")):
        with pytest.raises(fa.InputError, match=f"{name}.npz is {message}, no npz file: name a regular file"):
            fa.load(tmp_path / f"{name}.npz")


@pytest.mark.parametrize("name", ["n" * 5000 + ".npz", "a\0b.npz", "none/there.npz", "file/below.npz"])
def test_a_path_that_cannot_be_is_no_file(tmp_path, name):
    (tmp_path / "file").write_text("")
    with pytest.raises(fa.InputError, match="there is no file"):
        fa.load(f"{tmp_path}/{name}")


def test_a_file_that_must_not_be_read_is_one_clear_message(tmp_path, monkeypatch):
    np.savez(tmp_path / "a.npz", a=1)

    def forbid(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("numpyfa.files.zipfile.ZipFile", forbid)
    with pytest.raises(fa.InputError, match="a.npz cannot be read: Permission denied"):
        read_npz(tmp_path / "a.npz")


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_no_flipped_bit_gives_other_arrays_or_a_traceback(tmp_path, rng, save):
    """2000 bits of a small file, 1000 of them in its table of contents: each is refused or changes nothing."""
    path, arrays = tmp_path / "a.npz", {"x_train": np.arange(3.0), "y": np.array([[1, 2]], np.uint8)}
    save(path, **arrays)
    good = path.read_bytes()
    contents = 8 * good.index(b"PK\x01\x02")
    bits = [*rng.permutation(contents)[:1000], *(contents + rng.permutation(8 * len(good) - contents)[:1000])]
    refused = 0
    with open(path, "r+b", buffering=0) as file:
        for bit in bits:
            byte = bit // 8
            os.pwrite(file.fileno(), bytes([good[byte] ^ 1 << bit % 8]), byte)
            try:
                found = read_npz(path)
            except fa.InputError:
                refused += 1
            else:
                assert list(found) == list(arrays), bit
                assert all(np.array_equal(found[name], arrays[name]) for name in arrays), bit
                assert all(found[name].dtype == arrays[name].dtype for name in arrays), bit
            os.pwrite(file.fileno(), good[byte : byte + 1], byte)
    assert 1000 < refused < 2000


def test_no_file_cut_short_is_read(tmp_path):
    path = tmp_path / "a.npz"
    np.savez(path, x_train=np.arange(3.0), y=np.array([[1, 2]], np.uint8))
    good = path.read_bytes()
    for length in range(0, len(good), 3):
        path.write_bytes(good[:length])
        with pytest.raises(fa.InputError, match="truncated"):
            read_npz(path)


def test_an_npz_without_labels_or_without_whole_ones_is_no_data_set(tmp_path):
    path, good = (
        tmp_path / "mine.npz",
        {"x_train": np.zeros((2, 3)), "x_test": np.zeros((2, 3)), "y_test": np.arange(2)},
    )
    np.savez(path, **good)
    with pytest.raises(fa.InputError, match="found x_train, x_test, y_test: add y_train"):
        fa.load(path)
    for labels in (np.zeros(2), np.array(["a", "b"]), np.array([1j, 2]), np.zeros((2, 1), int), np.zeros(0, int)):
        np.savez(path, **good, y_train=labels)
        with pytest.raises(fa.InputError, match="mine: train"):
            fa.load(path)
