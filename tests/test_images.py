"""Folders of images as data sets: their layouts, their pixels, and what is refused."""

import os
import sys
import zlib

import numpy as np
import pytest
from PIL import Image

import numpyfa as fa
from numpyfa import data
from numpyfa.data import decoded, images
from numpyfa.learn import prepare


@pytest.fixture(autouse=True)
def cache(monkeypatch, tmp_path):
    monkeypatch.setattr(data.sources, "cache", lambda: tmp_path / "cache")
    return tmp_path / "cache"


def paint(path, shape=(6, 6), colour=(10, 20, 30), mode="RGB"):
    """An image (height, width) of one colour, or of these pixels."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = colour if isinstance(colour, np.ndarray) else np.full((*shape, 3), colour, np.uint8)
    Image.fromarray(pixels).convert(mode).save(path)


@pytest.fixture
def folder(tmp_path):
    """Two classes: 3 and 2 images to train on, 1 and 1 to test on; each image's red says which it is."""
    places = ["train/ant/a.png", "train/ant/b.png", "train/ant/c.png", "train/bee/a.png", "train/bee/b.png"]
    for red, place in enumerate([*places, "val/ant/x.png", "val/bee/x.png"]):
        paint(tmp_path / "pets" / place, colour=(red, 100, 200))
    return tmp_path / "pets"


def test_a_folder_a_class_gives_every_image_once_one_of_each_class_in_turn(folder):
    found = fa.load(folder)
    assert repr(found) == "Dataset(pets: 5 + 2 of (6, 6, 3) uint8, 2 classes)"
    assert found.x_train[:, 2, 3, 0].tolist() == [0, 3, 1, 4, 2] and found.y_train.tolist() == [0, 1, 0, 1, 0]
    assert found.x_test[:, 0, 0].tolist() == [[5, 100, 200], [6, 100, 200]] and found.y_test.tolist() == [0, 1]


def test_tiny_imagenets_layout_takes_the_classes_of_val_from_its_annotations(tmp_path):
    folder = tmp_path / "tiny"
    places = ["train/n1/images/n1_0.JPEG", "train/n2/images/n2_0.JPEG", "train/n2/images/n2_1.JPEG"]
    for red, place in enumerate([*places, "val/images/val_0.JPEG", "val/images/val_1.JPEG", "test/images/t_0.JPEG"]):
        paint(folder / place, (64, 64), (40 * red, 0, 0))
    (folder / "train" / "n1" / "n1_boxes.txt").write_text("n1_0.JPEG\t0\t0\t63\t63\n")
    (folder / "val" / "val_annotations.txt").write_text("val_0.JPEG\tn2\t0\t0\t9\t9\nval_1.JPEG\tn1\t0\t0\t9\t9\n")
    found = fa.load(folder)
    assert found.x_train.shape == (3, 64, 64, 3) and found.y_train.tolist() == [0, 1, 1]
    assert found.y_test.tolist() == [0, 1] and found.x_test[:, 0, 0, 0].tolist() == pytest.approx([160, 120], abs=3)

    (folder / "val" / "val_annotations.txt").write_text("val_0.JPEG\tn2\nval_2.JPEG\tn1\n")
    with pytest.raises(fa.InputError, match="val_1.JPEG has no line in .*val_annotations.txt: make them agree"):
        fa.load(folder)


def test_a_size_brings_the_shorter_side_to_it_and_keeps_the_middle_of_the_longer(tmp_path):
    """An image of 8 x 16 in stripes of 4. Halved, a pixel is four of before by 1/8, 3/8, 3/8 and 1/8; the middle four
    are 80 x 7/8, 80 x 7/8 + 160/8, 160 x 7/8 + 80/8 and 160 x 7/8 + 240/8."""
    stripes = np.repeat(np.array([0, 80, 160, 240], np.uint8), 4)
    wide = np.broadcast_to(stripes[None, :, None], (8, 16, 3)).copy()
    for part in ("train", "val"):
        paint(tmp_path / "s" / part / "wide" / "a.png", colour=wide)
        paint(tmp_path / "s" / part / "tall" / "a.png", colour=wide.transpose(1, 0, 2).copy())
    found = fa.load(f"{tmp_path / 's'}@4")
    tall, wide = found.x_train[..., 1].astype(float)
    np.testing.assert_array_equal(tall, wide.T)
    assert wide.shape == (4, 4) and (np.diff(wide, axis=0) == 0).all()
    assert wide[0].tolist() == [70, 90, 150, 170]


@pytest.mark.parametrize("mode, suffix", [("L", "png"), ("L", "jpg"), ("P", "png"), ("RGBA", "png"), ("CMYK", "jpg"),
                                          ("1", "bmp")])  # fmt: skip
def test_an_image_of_any_kind_has_3_channels_of_bytes(tmp_path, mode, suffix):
    for part in ("train", "val"):
        path = tmp_path / "m" / part / "white" / f"a.{suffix}"
        paint(path, colour=(255, 255, 255), mode=mode)
    found = fa.load(tmp_path / "m")
    assert found.x_train.shape == (1, 6, 6, 3) and found.x_train.dtype == np.uint8
    assert (found.x_train > 250).all()


def test_pixels_are_mapped_from_one_file_that_is_made_once(folder, monkeypatch):
    first = fa.load(f"{folder}@4")
    monkeypatch.setattr(decoded, "decode", None)  # from here on no image can be opened
    second = fa.load(f"{folder}@4")
    for found in (first, second):
        assert isinstance(found.x_train, np.memmap) and not found.x_train.flags.writeable
        assert found.x_test.base is not None and found.x_train.filename == found.x_test.filename
    assert first.fingerprint() == second.fingerprint()


def test_nothing_of_a_mapped_file_is_copied_but_batches(folder):
    """An image of training is a view of the file: in fit, in a part, and in the network's input."""
    found = fa.load(folder)
    net = fa.Network((6, 6, 3), [fa.Dense(2)])
    x, *_, x_test, _ = prepare(net, found)
    assert np.shares_memory(x, found.x_train) and np.shares_memory(x_test, found.x_test)
    assert np.shares_memory(found.part(2, 1).x_train, found.x_train)
    net.standardise(*found.statistics())
    history = fa.fit(net, fa.BP(net), fa.SoftmaxCrossEntropy(), fa.SGD(0.1), found, epochs=2, batch_size=2)
    assert len(history) == 3


def test_training_on_a_map_of_39_megabytes_takes_less_than_half_of_that(tmp_path):
    """The levels, an epoch and its errors; the peak is of what Python and NumPy allocate, which the map is not."""
    import tracemalloc

    n, shape = 40_000, (18, 18, 3)
    path = tmp_path / "many.pixels"
    np.memmap(path, np.uint8, "w+", shape=(n, *shape)).flush()
    x = np.memmap(path, np.uint8, "r", shape=(n, *shape))
    labels = np.arange(n, dtype=np.uint8) % 2
    tracemalloc.start()
    found = fa.Dataset("many", x[:-500], labels[:-500], x[-500:], labels[-500:], 2, mark="many")
    net = fa.Network(shape, [fa.Dense(2)])
    net.standardise(*found.statistics())
    fa.fit(net, fa.BP(net), fa.SoftmaxCrossEntropy(), fa.SGD(0.1), found.part(), epochs=1, batch_size=1000)
    assert found.fingerprint()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert x.nbytes == 38_880_000 > 2 * peak, f"{peak / 1e6:.0f} MB"


def test_levels_counted_in_pieces_are_those_of_the_whole(folder, monkeypatch):
    whole = fa.load(folder).statistics()
    monkeypatch.setattr(data.dataset, "BYTES", 200)
    np.testing.assert_array_equal(fa.load(folder).statistics(), whole)
    np.testing.assert_allclose(whole[0], np.array([2, 100, 200]) / 255, rtol=1e-14)


def test_another_image_another_size_and_another_part_are_other_data(folder, cache):
    marks = [fa.load(folder).fingerprint(), fa.load(f"{folder}@5").fingerprint(), fa.load(folder).part(4).fingerprint()]
    marks.append(fa.load(folder).validation(2).fingerprint())
    paint(folder / "train" / "ant" / "b.png", colour=(9, 9, 9))
    marks.append(fa.load(folder).fingerprint())
    assert len(set(marks)) == 5
    assert fa.load(folder).x_train[2, 0, 0].tolist() == [9, 9, 9]
    assert len(list(cache.rglob("*.pixels"))) == 2, "what the changed folder had before is gone"


def test_the_same_pixels_elsewhere_are_the_same_data(folder, tmp_path):
    before = fa.load(folder).fingerprint()
    folder.rename(tmp_path / "moved")
    os.utime(tmp_path / "moved" / "train" / "ant" / "a.png", (1, 1))
    assert fa.load(tmp_path / "moved").fingerprint() == before


def test_a_file_cut_off_while_it_was_made_goes_on_from_its_last_whole_chunks(folder, cache, monkeypatch):
    monkeypatch.setattr(decoded, "CHUNK", 2)
    whole = fa.load(folder)
    pixels, checksum = np.array(whole.x_train), whole.mark
    (path,) = cache.rglob("*.pixels")
    content = path.read_bytes()
    path.with_suffix(".json").unlink()
    path.unlink()
    path.with_suffix(".part").write_bytes(content[: 4 * 108] + b"a crash")  # two chunks, of which the first is trusted
    opened = []
    true_decode = decoded.decode
    monkeypatch.setattr(decoded, "decode", lambda p, size: opened.append(p.name) or true_decode(p, size))
    again = fa.load(folder)
    assert len(opened) == 1 + 5 and again.mark == checksum, "the first for its shape, and those from the third on"
    np.testing.assert_array_equal(again.x_train, pixels)
    assert not list(cache.rglob("*.part"))


def test_what_cannot_be_cleaned_up_is_told_and_a_folder_there_stays(folder, cache, monkeypatch):
    fa.load(folder)
    (before,) = cache.rglob("*.pixels")
    (before.parent / "a folder").mkdir()
    paint(folder / "train/ant/d.png", colour=(9, 100, 200))

    def forbid(path):
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as forbidden:
        forbidden.setattr(decoded.Path, "unlink", forbid)
        with pytest.warns(UserWarning, match="is of no use any more and cannot be removed: Permission denied"):
            assert len(fa.load(folder).x_train) == 6
    assert before.exists()
    paint(folder / "train/ant/e.png", colour=(8, 100, 200))
    assert len(fa.load(folder).x_train) == 7
    assert not before.exists() and (before.parent / "a folder").is_dir()


def test_where_no_process_can_be_kept_out_each_writes_a_file_of_its_own(folder, cache, monkeypatch):
    """Another process is in the midst of it when this one begins."""
    whole = np.array(fa.load(folder).x_train)
    (path,) = cache.rglob("*.pixels")
    mark = path.stem
    path.with_suffix(".json").unlink()
    monkeypatch.setitem(sys.modules, "fcntl", None)  # as on Windows
    theirs = path.parent / f"{mark}.{os.getpid() + 1}.part"
    theirs.write_bytes(b"theirs")
    np.testing.assert_array_equal(fa.load(folder).x_train, whole)
    assert theirs.read_bytes() == b"theirs" and [each.name for each in path.parent.glob("*.part")] == [theirs.name]
    names = []
    monkeypatch.setattr(decoded, "whole_chunks", lambda part, image_bytes: names.append(part.name) or 0)
    path.with_suffix(".json").unlink()
    fa.load(folder)
    assert names == [f"{mark}.{os.getpid()}.part"]


@pytest.mark.parametrize("damage", ["short", "long", "no record", "no json", "another shape"])
def test_a_damaged_cache_is_made_anew(folder, cache, damage):
    before = np.array(fa.load(folder).x_train)
    (path,) = cache.rglob("*.pixels")
    record = path.with_suffix(".json")
    if damage in ("short", "long"):
        path.write_bytes(path.read_bytes()[:-1] if damage == "short" else path.read_bytes() + b"0")
    elif damage == "no record":
        record.unlink()
    else:
        record.write_text("{" if damage == "no json" else '{"shape": [1, 6, 6, 3], "crc32": "0"}')
    np.testing.assert_array_equal(fa.load(folder).x_train, before)


def break_image(folder, how):
    path = folder / "train" / "bee" / "b.png"
    if how == "cut":
        path.write_bytes(path.read_bytes()[:50])
    elif how == "text":
        path.write_text("no image at all")
    elif how == "deep":
        Image.fromarray(np.full((6, 6), 1000, np.uint16)).save(path)
    elif how == "size":
        paint(path, (5, 7))
    elif how == "pipe":
        path.unlink()
        os.mkfifo(path)
    elif how == "link":
        path.unlink()
        path.symlink_to("nowhere")
    elif how == "empty class":
        (folder / "train" / "cat").mkdir()
        (folder / "train" / "cat" / "notes.txt").write_text("none yet")
    elif how == "val lacks":
        paint(folder / "train" / "cat" / "a.png")
    elif how == "train lacks":
        paint(folder / "val" / "cat" / "a.png")
    elif how == "no val":
        (folder / "val").rename(folder / "test")
    elif how == "flat":
        (folder / "train").rename(folder / "t")
        paint(folder / "train" / "a.png")


@pytest.mark.parametrize(
    "how, message",
    [
        ("cut", "bee/b.png is damaged or no image .*: replace it"),
        ("text", "bee/b.png is damaged or no image"),
        ("deep", "bee/b.png is damaged or no image .more than 8 bits a channel"),
        ("size", "bee/b.png is 7 x 5, but .*ant/a.png is 6 x 6: say to which size all are to be brought, .*pets@64"),
        ("pipe", "bee/b.png is no file: remove it"),
        ("link", "bee/b.png is no file: remove it"),
        ("empty class", "train/cat holds no images .*: add some, or remove the class"),
        ("val lacks", "the same classes, but train has cat and 0 more that val has not"),
        ("train lacks", "the same classes, but val has cat and 0 more that train has not"),
        ("no val", "there is no folder .*val: a folder of images holds train/CLASS"),
        ("flat", "train holds no folders of images: a folder of images holds train/CLASS"),
    ],
)
def test_what_is_wrong_in_a_folder_is_named_with_its_place(folder, how, message):
    break_image(folder, how)
    with pytest.raises(fa.InputError, match=message):
        fa.load(folder)


def test_without_pillow_the_extra_is_named_unless_the_pixels_are_there_already(folder, monkeypatch):
    fa.load(folder)
    monkeypatch.setitem(sys.modules, "PIL", None)
    monkeypatch.setitem(sys.modules, "PIL.Image", None)
    assert len(fa.load(folder).x_train) == 5
    with pytest.raises(fa.InputError, match=r"pip install 'numpyfa\[images\]'"):
        fa.load(f"{folder}@5")


def test_a_folder_that_must_not_be_read_is_one_clear_message(folder, monkeypatch):
    def forbid(path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(images.os, "listdir", forbid)
    with pytest.raises(fa.InputError, match="train cannot be read: Permission denied"):
        fa.load(folder)


def test_a_disk_that_is_too_small_is_said_before_the_work(folder, monkeypatch):
    monkeypatch.setattr(decoded.shutil, "disk_usage", lambda path: type("", (), {"free": 1000}))
    with pytest.raises(fa.InputError, match=r"take 0.0 GB at 9 x 9, and .* left: take a smaller size, or .*XDG_CACHE"):
        fa.load(f"{folder}@9")


def test_names_of_folders_and_of_sets_are_told_apart(folder, monkeypatch, tmp_path):
    monkeypatch.setenv("NUMPYFA_DATA", str(tmp_path))
    monkeypatch.chdir(folder)
    assert len(fa.load("pets@4").x_train) == 5, "in NUMPYFA_DATA"
    (folder / "mnist").mkdir()
    assert fa.load("mnist").name == "mnist"
    for name in ("nothing@64", "no/such/folder", "mnist@64"):
        with pytest.raises(fa.InputError, match="there is no folder .*, here or in NUMPYFA_DATA"):
            fa.load(name)
    with pytest.raises(fa.InputError, match="unknown data set 'pest'"):
        fa.load("pest")
    with pytest.raises(fa.InputError, match="unknown data set ''"):
        fa.load("")


def test_a_mark_is_the_checksum_of_what_was_written(folder):
    found = fa.load(folder)
    content = np.concatenate([found.x_train, found.x_test]).tobytes()
    assert found.mark.startswith(f"{zlib.crc32(content):08x} ")
