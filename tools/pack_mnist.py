"""Pack the four IDX files of MNIST into numpyfa/bundled/mnist.npz, losslessly.

    python tools/pack_mnist.py FOLDER

FOLDER holds train-images-idx3-ubyte.gz and its three siblings, as distributed by LeCun, Cortes & Burges.
The checksums are those of the unpacked files; the packed file is read back and compared before it is kept.
"""

import gzip
import hashlib
import sys
from pathlib import Path

import numpy as np

from numpyfa.data import parse_idx
from numpyfa.files import read_npz, whole_file

FILES = {
    "x_train": ("train-images-idx3-ubyte.gz", "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"),
    "y_train": ("train-labels-idx1-ubyte.gz", "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"),
    "x_test": ("t10k-images-idx3-ubyte.gz", "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"),
    "y_test": ("t10k-labels-idx1-ubyte.gz", "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"),
}
TARGET = Path(__file__).parents[1] / "numpyfa" / "bundled" / "mnist.npz"


def main(folder: str) -> None:
    arrays = {}
    for key, (name, sha256) in FILES.items():
        raw = gzip.decompress((Path(folder) / name).read_bytes())
        if hashlib.sha256(raw).hexdigest() != sha256:
            raise SystemExit(f"{name} has the wrong checksum")
        arrays[key] = parse_idx(raw, name)
    with whole_file(TARGET, "wb") as file:
        np.savez_compressed(file, **arrays)
    packed = read_npz(TARGET)
    assert all((packed[key] == arrays[key]).all() for key in arrays)
    print(f"{TARGET.name}: {TARGET.stat().st_size:,} bytes, equal to the source")


if __name__ == "__main__":
    main(*sys.argv[1:])
