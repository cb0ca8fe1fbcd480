"""What a data set may hold, how it is cut, split and standardised, and how batches of images are augmented."""

import numpy as np
import pytest

import numpyfa as fa
from numpyfa import data
from numpyfa.lab.protocol import Protocol, build


def make(**changes):
    arrays = {"x_train": np.zeros((4, 3)), "y_train": np.array([0, 1, 2, 1])}
    arrays |= {"x_test": np.zeros((2, 3)), "y_test": np.array([0, 2])} | {"classes": 3} | changes
    return fa.Dataset("mine", **arrays)


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
        (
            {"x_train": np.zeros((4, 3), np.uint8)},
            "of one kind, found uint8 and float64.*make both uint8 or both floats",
        ),
        ({"x_test": np.zeros((2, 3), np.uint8)}, "of one kind, found float64 and uint8"),
        (
            {"x_train": np.zeros((4, 3), np.int64)},
            r"found int64: take x.astype\(np.uint8\) of pixels of 0 to 255, x.asty",
        ),
        ({"x_test": np.zeros((2, 3), np.int8)}, "test examples must be bytes .* or floats, found int8"),
        ({"x_train": np.zeros((4, 3), bool)}, "must be bytes .* or floats, found bool"),
        ({"x_train": np.zeros((4, 3), ">u2")}, "must be bytes .* or floats, found >u2"),
        ({"x_train": [[0.0] * 3] * 4}, r"x_train must be a NumPy array, found a list: take np.asarray\(x_train\)"),
        ({"y_test": [0, 2]}, r"y_test must be a NumPy array, found a list: take np.asarray\(y_test\)"),
        ({"y_train": None}, "y_train must be a NumPy array, found a NoneType"),
        ({"x_test": np.zeros((2, 4))}, r"must have one shape, found \(3,\) and \(4,\)"),
        ({"x_train": np.zeros((4, 0))}, r"at least one number each, found shape \(4, 0\)"),
        ({"x_train": np.zeros((4, 5, 5, 0))}, r"at least one number each, found shape \(4, 5, 5, 0\)"),
        ({"x_train": np.zeros((4, 1, 28, 28))}, r"channels first: take x.transpose\(0, 2, 3, 1\)"),
        ({"x_train": np.zeros((4, 3, 32, 32))}, "channels first"),
        ({"classes": 2.7}, "mine: classes must be a whole number from 1, found 2.7"),
        ({"classes": 0}, "classes must be a whole number from 1, found 0"),
    ],
)
def test_data_that_cannot_be_is_refused_with_the_place(changes, message):
    with pytest.raises(fa.InputError, match=message):
        make(**changes)


@pytest.mark.parametrize("dtype", ["uint8", "float16", "float32", ">f4", "float64"])
def test_bytes_and_all_floats_are_data(dtype):
    assert make(x_train=np.ones((4, 3), dtype), x_test=np.ones((2, 3), dtype)).x_train.dtype == dtype


def test_floats_of_two_lengths_numpy_numbers_and_small_images_are_data():
    assert make(x_train=np.zeros((4, 3), np.float32), classes=np.int64(3)).classes == 3
    small = np.zeros((4, 3, 4, 4))  # as well 3 lines of 4 pixels in 4 channels
    assert make(x_train=small, x_test=small[:2]).x_train.shape == (4, 3, 4, 4)


def test_a_data_set_says_what_it_is_in_one_line(mnist):
    assert repr(mnist) == "Dataset(mnist: 60000 + 10000 of (28, 28, 1) uint8, 10 classes)"


def test_a_fingerprint_tells_data_sets_apart_by_a_single_pixel():
    changed = np.zeros((4, 3))
    changed[2, 1] = 1e-9
    assert make().fingerprint() == make().fingerprint() != make(x_train=changed).fingerprint()


def test_flips_and_crops_are_windows_of_the_padded_image_and_a_stream_of_their_own():
    """Every pixel of every image is where its flip and shift say, against a loop; half of 400 images are flipped."""
    x = np.random.default_rng(0).integers(1, 255, (400, 6, 5, 2), dtype=np.uint8)
    out = data.flip_and_crop(x, np.random.default_rng(1), pad=2)
    assert out.dtype == np.uint8 and out.shape == x.shape
    padded, flipped = np.pad(x, ((0, 0), (2, 2), (2, 2), (0, 0))), 0
    for image, window in zip(padded, out):
        ways = [(down, right, flip) for down in range(5) for right in range(5) for flip in (1, -1)]
        found = [way for way in ways
                 if np.array_equal(image[way[0] : way[0] + 6, way[1] : way[1] + 5][:, :: way[2]], window)]  # fmt: skip
        assert len(found) == 1
        flipped += found[0][2] == -1
    assert 160 < flipped < 240
    np.testing.assert_array_equal(out, data.flip_and_crop(x, np.random.default_rng(1), pad=2))


def images(n=200):
    return np.random.default_rng(0).integers(1, 255, (n, 8, 8, 1), dtype=np.uint8)


def test_what_a_shift_brings_in_is_0():
    """No pixel of the images is 0, so each shift of (down, right) leaves 8 x 8 - (8 - |down|)(8 - |right|) zeros."""
    zeros = (data.flip_and_crop(images(), np.random.default_rng(0), pad=3) == 0)[..., 0]
    lines, columns = zeros.all(axis=2).sum(axis=1), zeros.all(axis=1).sum(axis=1)
    assert set(lines) == set(columns) == {0, 1, 2, 3}
    np.testing.assert_array_equal(zeros.sum(axis=(1, 2)), 64 - (8 - lines) * (8 - columns))


def test_every_shift_is_equally_likely_and_down_tells_nothing_of_right():
    """A lit middle pixel lands on each of the 9 places in 300 of 2700 images, within 4 standard deviations of 16."""
    x = np.zeros((2700, 3, 3, 1), np.float32)
    x[:, 1, 1] = 1
    places = data.flip_and_crop(x, np.random.default_rng(0), pad=1).sum(axis=0)[..., 0]
    assert places.sum() == 2700 and (abs(places - 300) < 64).all()


def test_each_image_is_flipped_and_shifted_by_itself():
    same = np.broadcast_to(images(1), (200, 8, 8, 1))
    assert len(np.unique(data.flip_and_crop(same, np.random.default_rng(0)), axis=0)) > 80, "of 2 x 81 ways"


def test_without_a_shift_an_image_is_itself_or_its_mirror():
    x = images()
    out = data.flip_and_crop(x, np.random.default_rng(0), pad=0)
    same, mirrored = (out == x).all(axis=(1, 2, 3)), (out == x[:, :, ::-1]).all(axis=(1, 2, 3))
    assert (same ^ mirrored).all() and 70 < same.sum() < 130


def test_another_stream_augments_otherwise_and_the_images_stay_as_they_are():
    x = images()
    before = x.copy()
    outs = [data.flip_and_crop(x, np.random.default_rng(seed)) for seed in (0, 1)]
    rng = np.random.default_rng(0)
    data.flip_and_crop(x, rng)
    outs.append(data.flip_and_crop(x, rng))
    for i, j in ((0, 1), (0, 2), (1, 2)):
        assert (outs[i] != outs[j]).any(axis=(1, 2, 3)).sum() > 180, "of 200 images"
    np.testing.assert_array_equal(x, before)


@pytest.mark.parametrize("shape, pad, message", [((5, 64), 4, r"found \(5, 64\)"), ((5, 8, 8, 1), 2.7, "found 2.7"),
                                                 ((5, 8, 8, 1), -1, "whole number from 0, found -1")])  # fmt: skip
def test_only_batches_of_images_are_flipped_and_cropped(shape, pad, message):
    with pytest.raises(fa.InputError, match=message):
        data.flip_and_crop(np.zeros(shape), np.random.default_rng(0), pad)


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


def test_images_in_a_row_are_standardised_by_the_channels_they_have_as_images():
    x = np.random.default_rng(0).integers(0, 255, (50, 4, 4, 3), dtype=np.uint8)
    found = data.Dataset("x", x, np.arange(50) % 10, x[:5], np.arange(5), 10)
    nets = fa.Network((4, 4, 3), [fa.Dense(10)]), fa.Network(48, [fa.Dense(10)])
    for net in nets:
        net.standardise(*found.statistics())
    images, rows = (net.to_float(net.as_input(x)) for net in nets)
    np.testing.assert_array_equal(rows, images.reshape(50, 48))


def test_standardisation_is_by_the_training_set_whatever_the_test_set_holds():
    x = np.array([[1.0, 3], [5, 7]])
    sets = [data.Dataset("x", x, np.arange(2), test, np.arange(2), 2) for test in (x, 100 * x, np.zeros((2, 2)))]
    for found in sets:
        mean, deviation = found.statistics()
        np.testing.assert_allclose([*mean, *deviation], [4, 5**0.5], rtol=1e-15)
        net = build(Protocol(net="2-2", standardise=True, rules=("bp",)), "bp", 0, found)[0]
        np.testing.assert_allclose([*net.mean, *net.deviation], [4, 5**0.5], rtol=1e-6)


def test_the_statistics_of_bytes_are_those_of_the_numbers_0_to_1():
    x = np.random.default_rng(0).integers(0, 256, (50, 4, 4, 3), dtype=np.uint8)
    bytes_, floats = (
        data.Dataset("x", x, np.zeros(50, int), x, np.zeros(50, int), 1).statistics() for x in (x, x / 255)
    )
    np.testing.assert_allclose(bytes_, floats, rtol=1e-13)
    assert bytes_[0].shape == bytes_[1].shape == (3,)


def numbered(n):
    """A data set whose example k is the number k."""
    x = np.arange(n, dtype=float)[:, None]
    return data.Dataset("x", x, np.arange(n) % 10, x[:3] - 3, np.arange(3), 10)


def test_a_validation_split_loses_and_repeats_no_example():
    found = numbered(100).validation(30)
    assert len(found.x_test) == 30 and sorted([*found.x_train[:, 0], *found.x_test[:, 0]]) == list(range(100))
    np.testing.assert_array_equal(found.y_test, found.x_test[:, 0] % 10)
    np.testing.assert_array_equal(found.y_train, found.x_train[:, 0] % 10)


def test_a_validation_split_is_drawn_at_random_from_the_whole_training_set():
    """Of 300 held-out examples of 1000, each tenth of the set holds 30, within 4 standard deviations of 4.4."""
    held = numbered(1000).validation(300).x_test[:, 0]
    counts = np.histogram(held, 10, (0, 1000))[0]
    assert (abs(counts - 30) < 18).all() and len(set(np.diff(held))) > 3


def test_a_validation_split_differs_by_seed_and_never_changes():
    """Results are compared with those of earlier versions, so the examples drawn are pinned."""
    held = [numbered(100).validation(5, seed).x_test[:, 0].tolist() for seed in (0, 0, 1)]
    assert held[0] == held[1] == [13, 16, 20, 29, 70] and held[2] == [6, 14, 18, 20, 35]


@pytest.mark.parametrize("n", [0, -1, 100, 2.7, 2.0, True, "5", None])
def test_a_validation_set_of_no_whole_number_of_examples_is_refused(n):
    with pytest.raises(fa.InputError, match="must be a whole number from 1 to 99, found"):
        numbered(100).validation(n)
    with pytest.raises(fa.InputError, match="seed must be a whole number from 0, found 2.7"):
        numbered(100).validation(5, seed=2.7)


def test_a_part_is_the_first_examples_and_none_takes_all():
    found = numbered(100)
    assert found.part(7, 2).x_train[:, 0].tolist() == list(range(7)) and len(found.part(7, 2).x_test) == 2
    assert len(found.part(np.int64(7)).y_train) == 7 and len(found.part(7).y_test) == 3
    assert len(found.part().x_train) == 100


@pytest.mark.parametrize("train, test, message", [(2.7, 1, "training examples .* 1 to 100, found 2.7"),
                                                  (0, 1, "found 0"), (101, 1, "found 101"),
                                                  (1, 4, "test examples .* 1 to 3, found 4"),
                                                  (-5, 1, "found -5"), (True, 1, "found True")])  # fmt: skip
def test_a_part_of_no_whole_number_of_examples_is_refused(train, test, message):
    with pytest.raises(fa.InputError, match=message):
        numbered(100).part(train, test)
