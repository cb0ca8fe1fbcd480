import numpy as np
import pytest

import numpyfa as fa


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
