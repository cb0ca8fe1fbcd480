"""The binary version of CIFAR: a tar archive of files of records."""

import io
import tarfile

import numpy as np


def parse_cifar(raw: bytes, labels: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """(x_train, y_train, x_test, y_test) in the bytes of an archive whose checksum is right.

    A record is `labels` bytes, of which the last is the class, then 32 x 32 bytes of red, of green and of blue.
    The images come as (N, 32, 32, 3) uint8, the labels as (N,) int64.
    """
    parts: dict[str, list[np.ndarray]] = {"train": [], "test": []}
    with tarfile.open(fileobj=io.BytesIO(raw)) as archive:
        for member in sorted(archive.getnames()):
            file = archive.extractfile(member)
            if member.endswith(".bin") and file:
                records = np.frombuffer(file.read(), np.uint8).reshape(-1, labels + 3072)
                parts["test" if "test" in member else "train"].append(records)
    return *split(np.concatenate(parts["train"]), labels), *split(np.concatenate(parts["test"]), labels)


def split(records: np.ndarray, labels: int) -> tuple[np.ndarray, np.ndarray]:
    """(images, classes) of records (N, labels + 3072)."""
    images = records[:, labels:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
    return np.ascontiguousarray(images), records[:, labels - 1].astype(np.int64)
