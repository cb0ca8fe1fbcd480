import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy: on small products threads only wait for each other

import numpy as np  # noqa: E402
import pytest  # noqa: E402
from data_server import server, tiny  # noqa: E402, F401

import numpyfa as fa  # noqa: E402


@pytest.fixture(scope="session")
def mnist():
    return fa.load("mnist")


@pytest.fixture(scope="session")
def mini(mnist):
    """2000 training and 500 test images."""
    return mnist.part(2000, 500)


@pytest.fixture
def rng():
    return np.random.default_rng(0)
