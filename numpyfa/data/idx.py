"""The format of MNIST and Fashion-MNIST: a header with the shape, then the bytes of one array."""

import math

import numpy as np

from ..errors import InputError


def parse_idx(raw: bytes, path: object) -> np.ndarray:
    """The uint8 array in the bytes of an IDX file; `path` is for the message.

    The header: two bytes 0, 8 for "bytes", the number of dimensions, and each dimension in four bytes, highest first.
    Raises InputError if the file is truncated or no such file.
    """
    dimensions = raw[3] if len(raw) > 4 and raw[:3] == b"\0\0\x08" else 0
    if not 0 < 4 * dimensions <= len(raw) - 4:
        raise InputError(f"{path} is no IDX file of bytes: replace it")
    shape = np.frombuffer(raw, ">u4", dimensions, 4).tolist()
    pixels = raw[4 + 4 * dimensions :]
    if len(pixels) != math.prod(shape):
        raise InputError(f"{path} is truncated: {len(pixels)} bytes of {math.prod(shape)}; replace it")
    return np.frombuffer(pixels, np.uint8).reshape(shape)
