"""Data sets: the bundled MNIST, files found on the machine, and downloads from a server on loopback."""

import gzip
import hashlib
import http.server
import io
import tarfile
import threading
from dataclasses import replace

import numpy as np
import pytest

import numpyfa as fa
from numpyfa import data, dataset


def idx(array):
    header = bytes([0, 0, 8, array.ndim]) + b"".join(n.to_bytes(4, "big") for n in array.shape)
    return header + array.tobytes()


def sha256(raw):
    return hashlib.sha256(raw).hexdigest()


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
    monkeypatch.setattr(data, "cache", lambda: tmp_path / "cache")
    monkeypatch.delenv("NUMPYFA_DATA", raising=False)
    return files, arrays


@pytest.fixture
def server():
    """A server on loopback: `files` maps a path to the bytes it sends, `short` names those cut off half way."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            here.asked.append(self.path)
            content = here.files.get(self.path)
            if content is None:
                return self.send_error(404)
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content[: len(content) // 2] if self.path in here.short else content)

        def log_message(self, *_):
            pass

    here = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    here.files, here.short, here.asked = {}, set(), []
    here.url = f"http://127.0.0.1:{here.server_port}"
    threading.Thread(target=here.serve_forever, daemon=True).start()
    yield here
    here.shutdown()
    here.server_close()


def mirrors(monkeypatch, *urls):
    monkeypatch.setitem(data.SOURCES, "fashion-mnist", replace(data.SOURCES["fashion-mnist"], mirrors=urls))


def put(folder, files):
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)


def test_mnist_is_bundled_whole(mnist):
    assert mnist.x_train.shape == (60000, 28, 28, 1) and mnist.x_test.shape == (10000, 28, 28, 1)
    assert mnist.x_train.dtype == np.uint8
    assert np.bincount(mnist.y_train).tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert np.bincount(mnist.y_test).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]


def test_mnist_is_byte_for_byte_the_original(mnist):
    original = "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"  # SHA-256 of train-images-idx3-ubyte
    assert sha256(idx(mnist.x_train[..., 0])) == original


def test_fashion_mnist_from_this_machine():
    if not data.find("fashion-mnist"):
        pytest.skip("Fashion-MNIST is not on this machine: set NUMPYFA_DATA or run `numpyfa data fashion-mnist`")
    fashion = fa.load("fashion-mnist")
    assert fashion.x_train.shape == (60000, 28, 28, 1) and np.bincount(fashion.y_test).tolist() == [1000] * 10


def test_the_first_mirror_is_dead_the_second_serves_and_the_third_is_never_asked(tiny, server, monkeypatch, tmp_path):
    files, arrays = tiny
    server.files = {f"/good/{name}": content for name, content in files.items()}
    mirrors(monkeypatch, "http://127.0.0.1:9/", f"{server.url}/good/", f"{server.url}/never/")
    fashion = fa.load("fashion-mnist")
    np.testing.assert_array_equal(fashion.x_train[..., 0], arrays["train-images-idx3-ubyte"])
    assert len(server.asked) == 4 and not any("never" in path for path in server.asked)
    asked = len(server.asked)
    fa.load("fashion-mnist")
    assert len(server.asked) == asked, "the second time it comes from the cache"


@pytest.mark.parametrize("damage", ["corrupt", "interrupted"])
def test_a_damaged_download_is_not_kept_and_the_next_mirror_is_tried(tiny, server, monkeypatch, tmp_path, damage):
    files, arrays = tiny
    name = "train-images-idx3-ubyte.gz"
    server.files = {f"/good/{name}": content for name, content in files.items()}
    server.files |= {f"/bad/{name}": content for name, content in files.items()}
    if damage == "corrupt":
        server.files[f"/bad/{name}"] = files[name][:-9] + b"x" * 9
    else:
        server.short.add(f"/bad/{name}")
    mirrors(monkeypatch, f"{server.url}/bad/", f"{server.url}/good/")
    np.testing.assert_array_equal(fa.load("fashion-mnist").x_train[..., 0], arrays["train-images-idx3-ubyte"])


@pytest.mark.parametrize("damage, reason", [("corrupt", "wrong checksum"), ("interrupted", ""), ("missing", "404")])
def test_without_a_good_mirror_the_message_says_which_files_to_put_where(
    tiny, server, monkeypatch, tmp_path, damage, reason
):
    files, _ = tiny
    first = "train-images-idx3-ubyte.gz"
    server.files = {f"/{name}": content for name, content in files.items()}
    if damage == "corrupt":
        server.files[f"/{first}"] = b"nonsense"
    elif damage == "interrupted":
        server.short.add(f"/{first}")
    else:
        del server.files[f"/{first}"]
    mirrors(monkeypatch, f"{server.url}/")
    with pytest.raises(fa.InputError) as error:
        fa.load("fashion-mnist")
    for word in (reason, *files, str(tmp_path / "cache" / "fashion-mnist"), "NUMPYFA_DATA"):
        assert word in str(error.value)
    assert not list((tmp_path / "cache").rglob(first)), "a damaged file is not kept"


def test_no_network_is_one_clear_message(tiny, monkeypatch):
    mirrors(monkeypatch, "http://127.0.0.1:9/")
    with pytest.raises(fa.InputError, match="could not be downloaded .*127.0.0.1.*Put train-images"):
        fa.load("fashion-mnist")


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
        ("cut inside", "truncated: 23420 bytes of 23520"),
        ("changed", "wrong checksum"),
        ("no idx", "no IDX file"),
        ("empty", "no IDX file|truncated"),
    ],
)
def test_a_damaged_local_file_is_named_with_what_is_wrong(tiny, monkeypatch, tmp_path, how, message):
    files = dict(tiny[0])
    files["train-images-idx3-ubyte.gz"] = damage(files["train-images-idx3-ubyte.gz"], how)
    put(tmp_path / "mine", files)
    monkeypatch.setenv("NUMPYFA_DATA", str(tmp_path / "mine"))
    with pytest.raises(fa.InputError, match=message) as error:
        fa.load("fashion-mnist")
    assert "train-images-idx3-ubyte.gz" in str(error.value) and "replace it" in str(error.value)


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


def make(**changes):
    arrays = {"x_train": np.zeros((4, 3)), "y_train": np.array([0, 1, 2, 1])}
    arrays |= {"x_test": np.zeros((2, 3)), "y_test": np.array([0, 2])} | changes
    return fa.Dataset("mine", **arrays, classes=3)


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"y_train": np.array([0, 1, 3, 1])}, r"labels must lie in 0\.\.2, found 3"),
        ({"y_test": np.array([0, -1])}, r"labels must lie in 0\.\.2, found -1"),
        ({"y_train": np.array([0, 1, 2])}, "as many labels as examples, found 3 and 4"),
        ({"y_train": np.array([0.0, 1, 2, 1])}, "whole numbers in one column, found float64"),
        ({"y_train": np.eye(4, dtype=int)}, "whole numbers in one column"),
        ({"x_train": np.array([[0, 0, 0], [0, np.nan, 0], [0, 0, 0], [0, 0, 0]])}, "train example 1 holds NaN"),
        ({"x_test": np.full((2, 3), np.inf)}, "test example 0 holds NaN or infinity"),
        ({"x_test": np.zeros((0, 3)), "y_test": np.zeros(0, int)}, "as many labels as examples, found 0 and 0"),
        ({"y_train": np.array(["a", "b", "c", "a"])}, "whole numbers in one column"),
        ({"y_train": np.int64(3)}, "whole numbers in one column"),
        ({"x_train": np.float64(3)}, "must be numbers, one row an example"),
        ({"x_train": np.full((4, 3), "a")}, "must be numbers, one row an example"),
        ({"x_train": np.zeros((4, 3), complex)}, "must be numbers, one row an example"),
    ],
)
def test_data_that_cannot_be_is_refused_with_the_place(changes, message):
    with pytest.raises(fa.InputError, match=message):
        make(**changes)


def test_a_users_npz_is_a_data_set(tmp_path, rng):
    arrays = {"x_train": rng.standard_normal((8, 3)), "y_train": np.arange(8) % 3}
    arrays |= {"x_test": rng.standard_normal((4, 3)), "y_test": np.arange(4) % 3}
    np.savez(tmp_path / "mine.npz", **arrays)
    mine = fa.load(tmp_path / "mine.npz")
    assert mine.name == "mine" and mine.classes == 3
    np.testing.assert_array_equal(mine.x_train, arrays["x_train"])


def test_a_fingerprint_tells_data_sets_apart_by_a_single_pixel():
    changed = np.zeros((4, 3))
    changed[2, 1] = 1e-9
    assert make().fingerprint() == make().fingerprint() != make(x_train=changed).fingerprint()


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


def test_flips_and_crops_are_windows_of_the_padded_image_and_a_stream_of_their_own():
    """Every pixel of every image is where its flip and shift say, against a loop; half of 400 images are flipped."""
    x = np.random.default_rng(0).integers(1, 255, (400, 6, 5, 2), dtype=np.uint8)
    out = dataset.flip_and_crop(x, np.random.default_rng(1), pad=2)
    assert out.dtype == np.uint8 and out.shape == x.shape
    padded, flipped = np.pad(x, ((0, 0), (2, 2), (2, 2), (0, 0))), 0
    for image, window in zip(padded, out):
        ways = [(down, right, flip) for down in range(5) for right in range(5) for flip in (1, -1)]
        found = [way for way in ways
                 if np.array_equal(image[way[0] : way[0] + 6, way[1] : way[1] + 5][:, :: way[2]], window)]  # fmt: skip
        assert len(found) == 1
        flipped += found[0][2] == -1
    assert 160 < flipped < 240
    np.testing.assert_array_equal(out, dataset.flip_and_crop(x, np.random.default_rng(1), pad=2))


def test_standardised_images_have_mean_0_and_variance_1_in_each_channel():
    x = np.random.default_rng(0).integers(0, 255, (50, 4, 4, 3), dtype=np.uint8)
    x[..., 1] = x[..., 1] // 3 + 20
    x[..., 2] = 7  # a constant channel
    found = data.Dataset("x", x, np.arange(50) % 10, x[:5], np.arange(5), 10)
    net = fa.Network((4, 4, 3), [fa.Dense(10)], dtype="float64")
    net.standardise(*found.statistics())
    z = net.to_float(x)
    np.testing.assert_allclose(z.mean(axis=(0, 1, 2)), 0, atol=1e-13)
    np.testing.assert_allclose(z.std(axis=(0, 1, 2)), [1, 1, 0], atol=1e-13)
    same = fa.Network((4, 4, 3), [fa.Dense(10)], dtype="float64")
    rows = data.Dataset("y", x / 255, found.y_train, x[:5] / 255, found.y_test, 10)
    same.standardise(*rows.statistics())
    np.testing.assert_allclose(same.to_float(x / 255), z, atol=1e-12)


def test_a_validation_split_loses_and_repeats_no_example():
    x = np.arange(100, dtype=float)[:, None]
    found = data.Dataset("x", x, np.arange(100) % 10, x[:3] - 1, np.arange(3), 10).validation(30)
    assert len(found.x_test) == 30 and sorted([*found.x_train[:, 0], *found.x_test[:, 0]]) == list(range(100))
    np.testing.assert_array_equal(found.y_test, found.x_test[:, 0] % 10)
    with pytest.raises(fa.InputError, match="1 to 69 training examples, found 70"):
        found.validation(70)
