"""The published data sets: the bundled MNIST and files found on the machine, whole or damaged."""

import gzip
import io
import os
import tarfile
from dataclasses import replace

import numpy as np
import pytest
from data_server import FIRST, idx, put, sha256

import numpyfa as fa
from numpyfa import data


def test_mnist_is_bundled_whole(mnist):
    assert mnist.x_train.shape == (60000, 28, 28, 1) and mnist.x_test.shape == (10000, 28, 28, 1)
    assert mnist.x_train.dtype == np.uint8
    assert np.bincount(mnist.y_train).tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert np.bincount(mnist.y_test).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]


def test_mnist_is_byte_for_byte_the_original(mnist):
    original = "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"  # SHA-256 of train-images-idx3-ubyte
    assert sha256(idx(mnist.x_train[..., 0])) == original


def test_fashion_mnist_from_this_machine():
    if not data.whole("fashion-mnist")[0]:
        pytest.skip("Fashion-MNIST is not on this machine: set NUMPYFA_DATA or run `numpyfa data fashion-mnist`")
    fashion = fa.load("fashion-mnist")
    assert fashion.x_train.shape == (60000, 28, 28, 1) and np.bincount(fashion.y_test).tolist() == [1000] * 10


@pytest.mark.parametrize("inside", ["fashion-mnist", "."])
def test_numpyfa_data_comes_first_with_or_without_a_folder_of_its_own(tiny, monkeypatch, tmp_path, inside):
    put(tmp_path / "mine" / inside, tiny[0])
    monkeypatch.setenv("NUMPYFA_DATA", str(tmp_path / "mine"))
    assert len(fa.load("fashion-mnist").x_train) == 30


def test_unpacked_and_differently_gzipped_files_are_accepted(tiny, monkeypatch, tmp_path):
    files = dict(tiny[0])
    name = "train-images-idx3-ubyte.gz"
    files["train-images-idx3-ubyte"] = gzip.decompress(files.pop(name))
    labels = "train-labels-idx1-ubyte.gz"
    files[labels] = gzip.compress(gzip.decompress(files[labels]), 1, mtime=5)
    put(tmp_path / "mine", files)
    monkeypatch.setenv("NUMPYFA_DATA", str(tmp_path / "mine"))
    assert len(fa.load("fashion-mnist").x_train) == 30


def damage(content, how):
    raw = gzip.decompress(content)
    return {
        "cut gzip": content[: len(content) // 2],
        "cut inside": gzip.compress(raw[:-100]),
        "changed": gzip.compress(raw[:-1] + bytes([raw[-1] ^ 1])),
        "no idx": gzip.compress(b"hello, world"),
        "empty": b"",
    }[how]


@pytest.mark.parametrize(
    "how, message",
    [
        ("cut gzip", "truncated"),
        ("cut inside", "wrong checksum"),
        ("changed", "wrong checksum"),
        ("no idx", "wrong checksum"),
        ("empty", "wrong checksum"),
    ],
)
def test_a_damaged_local_file_is_named_with_what_is_wrong(tiny, monkeypatch, tmp_path, how, message):
    put(tmp_path / "mine", tiny[0] | {FIRST: damage(tiny[0][FIRST], how)})
    monkeypatch.setenv("NUMPYFA_DATA", str(tmp_path / "mine"))
    for download in (True, False):
        with pytest.raises(fa.InputError, match=message) as error:
            fa.load("fashion-mnist", download=download)
        assert FIRST in str(error.value) and "replace it" in str(error.value)


def test_a_file_that_must_not_be_read_is_one_clear_message(tiny, monkeypatch, tmp_path):
    put(tmp_path / "mine", tiny[0])
    monkeypatch.setenv("NUMPYFA_DATA", str(tmp_path / "mine"))
    monkeypatch.setattr(data.sources.Path, "read_bytes", lambda path: os.listdir("/nowhere/at/all"))
    with pytest.raises(fa.InputError, match=f"{FIRST} is truncated or cannot be read .*replace it"):
        fa.load("fashion-mnist", download=False)


def test_an_idx_file_is_its_header_and_its_bytes():
    array = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    np.testing.assert_array_equal(data.parse_idx(idx(array), "f"), array)


@pytest.mark.parametrize(
    "raw, message",
    [
        (b"", "no IDX file"),
        (b"hello, world", "no IDX file"),
        (b"\0\0\x08\0", "no IDX file"),
        (b"\0\0\x0d\x01\0\0\0\x01\0\0\0\0", "no IDX file of bytes"),
        (idx(np.zeros((2, 3), np.uint8))[:-1], "f is truncated: 5 bytes of 6"),
        (b"\0\0\x08\x04" + b"\xff" * 16, "f is truncated: 0 bytes of 3402823"),
    ],
)
def test_what_is_no_idx_file_is_refused(raw, message):
    with pytest.raises(fa.InputError, match=message):
        data.parse_idx(raw, "f")


def test_numpyfa_data_that_is_no_folder_is_an_error(tiny, monkeypatch):
    monkeypatch.setenv("NUMPYFA_DATA", "/nowhere/at/all")
    with pytest.raises(fa.InputError, match="NUMPYFA_DATA says /nowhere/at/all, which is no folder"):
        fa.load("fashion-mnist")


def test_a_folder_with_other_files_of_the_same_names_is_passed_over(tiny, monkeypatch, tmp_path):
    """MNIST's own files have the same names as Fashion-MNIST's."""
    other = {name: damage(content, "changed") for name, content in tiny[0].items()}
    put(tmp_path / "mine", other)
    put(tmp_path / "cache" / "fashion-mnist", tiny[0])
    monkeypatch.setenv("NUMPYFA_DATA", str(tmp_path / "mine"))
    assert len(fa.load("fashion-mnist").x_train) == 30


@pytest.mark.parametrize("name, labels, classes", [("cifar-10", 1, 10), ("cifar-100", 2, 100)])
def test_cifar_is_read_from_its_binary_archive(monkeypatch, tmp_path, rng, name, labels, classes):
    """Records are label bytes, then the red, green and blue planes; CIFAR-100's second label is the fine one."""
    records = rng.integers(0, 10, (6, labels + 3072), np.uint8)
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        members = {"data_batch_2.bin": records[2:4], "data_batch_1.bin": records[:2], "test_batch.bin": records[4:]}
        for member, part in members.items():
            info = tarfile.TarInfo(f"folder/{member}")
            info.size = part.nbytes
            archive.addfile(info, io.BytesIO(part.tobytes()))
    raw = stream.getvalue()
    file = next(iter(data.SOURCES[name].files))
    monkeypatch.setitem(data.SOURCES, name, replace(data.SOURCES[name], files={file: sha256(raw)}))
    put(tmp_path / name, {file: raw})
    monkeypatch.setenv("NUMPYFA_DATA", str(tmp_path))
    cifar = fa.load(name)
    assert cifar.x_train.shape == (4, 32, 32, 3) and cifar.x_test.shape == (2, 32, 32, 3) and cifar.classes == classes
    np.testing.assert_array_equal(cifar.y_train, records[:4, labels - 1])
    assert cifar.x_train[3, 5, 7, 2] == records[3, labels + 2 * 1024 + 5 * 32 + 7]
    (tmp_path / name / file).write_bytes(raw[:-1])
    with pytest.raises(fa.InputError, match="wrong checksum"):
        fa.load(name)


def test_an_unknown_data_set_gets_the_nearest_name():
    with pytest.raises(fa.InputError, match="unknown data set 'mnits': did you mean 'mnist'"):
        fa.load("mnits")
