"""Data sets: examples with labels, where they come from, and what is done to images before a network sees them.

MNIST ships inside the package. The others are found on the machine or downloaded and checked, and any npz file with
the arrays x_train, y_train, x_test, y_test is a data set too.

    dataset.py    what a data set is, and how it is cut, split and standardised
    loading.py    `load`: a data set by its name
    sources.py    where the published sets come from, their checksums, and the folders they may lie in
    download.py   one file over HTTP, resumed and checked
    idx.py, cifar.py, npz.py   one reader a file format
    augment.py    flips and shifts of whole batches
"""

from .augment import flip_and_crop
from .dataset import Dataset
from .idx import parse_idx
from .loading import fetch, load, status, whole
from .sources import NAMES, SOURCES, Source, cache, find, folders
