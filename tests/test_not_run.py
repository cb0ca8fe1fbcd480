"""The experiments that cannot run here: each from its command to its table, on a few made-up images of its shape."""

import csv
import json
import re
import shutil
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from PIL import Image

from numpyfa import checkpoint, cli, data
from numpyfa.models import MODELS
from numpyfa.papers import EXPERIMENTS

pytestmark = pytest.mark.usefixtures("unrendered")
LARGE = ("vgg16", "belilovsky", "bartunov-lc", "clark-conv", "clark-lc")
NOT_RUN = {name: each for name, each in EXPERIMENTS.items() if each.not_run and each.begun}
SHAPES = {"mnist": ((28, 28, 1), 10), "fashion-mnist": ((28, 28, 1), 10)}
SHAPES |= {"cifar-10": ((32, 32, 3), 10), "cifar-100": ((32, 32, 3), 100)}


def made_up(folder, name):
    """The path of 12 images to train on and 4 to test on, of the shape and classes of a data set; for ImageNet a folder
    of JPEGs, brought to 32 x 32."""
    rng = np.random.default_rng(0)
    if name not in SHAPES:
        for place in (f"{part}/{label}/{k}.jpg" for part in ("train", "val") for label in "ab" for k in range(5)):
            (folder / place).parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(rng.integers(0, 256, (40, 50, 3), dtype=np.uint8)).save(folder / place)
        return f"{folder}@32"
    shape, classes = SHAPES[name]
    x, labels = rng.integers(0, 256, (16, *shape), dtype=np.uint8), np.arange(classes - 16, classes) % classes
    np.savez(folder / "few.npz", x_train=x[:12], y_train=labels[:12], x_test=x[12:], y_test=labels[12:])
    return folder / "few.npz"


def two_rules(each):
    """Those with more published columns than an error, or else the first and the last; one where the net is large."""
    rules = each.settings["rules"]
    more = [name for name in rules if any(key.startswith(f"{name} ") for key in each.published)]
    large = each.settings["net"] in ("nokland-conv", "drtp-conv", "resnet56", "resnet18-imagenet", *LARGE)
    return more or [*dict.fromkeys([rules[0], rules[-1]])][-1 if large else -2 :]


@pytest.mark.filterwarnings("ignore::UserWarning")  # protocols in which a law does not hold say so
@pytest.mark.parametrize("name", NOT_RUN)
def test_what_is_not_run_here_runs_from_its_command_to_its_table(name, monkeypatch, in_this_process, tmp_path, capsys):
    monkeypatch.setattr(data.sources, "cache", lambda: tmp_path / "cache")
    monkeypatch.setitem(MODELS, "alexnet", partial(MODELS["alexnet"], units=64))  # 4096 would take half a gigabyte
    each, out = NOT_RUN[name], tmp_path / "run"
    if each.settings["net"] == "bartunov-lc":  # a checkpoint would hold its 50 million parameters three times
        monkeypatch.setattr(checkpoint, "save", lambda *arguments: None)
    rules = two_rules(each)
    words = ["reproduce", name, "--data", made_up(tmp_path, each.settings["data"]), "--rule", ",".join(rules)]
    words += ["--examples", 4, "--batch-size", 4, "--measured", 4, "--epochs", 1, "--seeds", 1, "--out", out]
    words += ["--validation", 4] if each.settings["validation"] else []
    assert cli.main([str(word) for word in words]) == 0
    summary = json.loads((out / "summary.json").read_text())
    assert [row["rule"] for row in summary["rows"]] == list(rules)
    for row in summary["rows"]:
        assert 0 <= row["test_error"] <= 100
        own = [key.partition(" ")[2] for key in each.published if key.startswith(f"{row['rule']} ")]
        assert set(own) <= set(row), f"{name} publishes {own} of {row['rule']}"
    assert len(list(csv.DictReader((out / "history.csv").read_text().splitlines()))) == 2 * len(rules)
    shutil.rmtree(out / "checkpoints", ignore_errors=True)  # of all these nets two gigabytes
    printed = capsys.readouterr().out
    assert all(
        re.search(rf"^{re.escape(rule)} +test error ", printed, re.M) for rule in rules if rule in each.published
    )


@pytest.mark.parametrize("name", NOT_RUN)
def test_what_is_not_run_says_why_where_it_is_from_and_what_it_takes(name):
    each = NOT_RUN[name]
    assert each.source and each.place and each.question and each.minutes >= 5 and len(each.not_run) > 20
    published = {key.partition(" ")[0] for key in each.published}
    assert published <= set(each.settings["rules"]) and all(0 < error < 100 for error in each.published.values())


@pytest.mark.parametrize(
    "name, message",
    [
        ("nokland-cifar10-conv", "cifar-10: .*Put cifar-10-binary.tar.gz into .*cifar-10, or .* NUMPYFA_DATA"),
        ("webster-cifar100", "cifar-100: .*Put cifar-100-binary.tar.gz into .*cifar-100, or .* NUMPYFA_DATA"),
        ("li-benna-imagenet", "there is no folder imagenet, here or in NUMPYFA_DATA: a folder of images holds train/"),
    ],
)
def test_without_its_data_one_line_says_what_to_put_where(name, message, monkeypatch, refused, tmp_path):
    monkeypatch.setattr(data.sources, "cache", lambda: tmp_path / "cache")
    monkeypatch.delenv("NUMPYFA_DATA", raising=False)
    monkeypatch.chdir(tmp_path)
    for each in ("cifar-10", "cifar-100"):
        monkeypatch.setitem(data.SOURCES, each, replace(data.SOURCES[each], mirrors=()))
    line = refused("reproduce", name, "--out", tmp_path / "run")
    assert re.search(message, line), line
