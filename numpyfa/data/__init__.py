"""Data sets: examples with labels, where they come from, and what is done to images before a network sees them.

MNIST ships inside the package. The others are found on the machine or downloaded and checked, and any npz file with
the arrays x_train, y_train, x_test, y_test is a data set too, and so is a folder of images.

    dataset.py    what a data set is, and how it is cut, split and standardised
    loading.py    `load`: a data set by its name
    sources.py    where the published sets come from, their checksums, and the folders they may lie in
    download.py   one file over HTTP, resumed and checked
    idx.py, cifar.py, npz.py   one reader a file format
    images.py    folders of images: their layouts, classes and labels
    decoded.py   the pixels of images in one file that is mapped into memory
    augment.py    flips and shifts of whole batches
"""

from .augment import flip_and_crop as flip_and_crop
from .dataset import Dataset as Dataset
from .idx import parse_idx as parse_idx
from .loading import fetch as fetch
from .loading import load as load
from .loading import status as status
from .loading import whole as whole
from .sources import NAMES as NAMES
from .sources import SOURCES as SOURCES
from .sources import Source as Source
from .sources import cache as cache
from .sources import find as find
from .sources import folders as folders
