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


@pytest.fixture
def in_this_process(monkeypatch, mnist):
    """The jobs of a run are done here, one after the other: a process of its own takes a second to start, and MNIST
    half a second to unpack."""
    from numpyfa.lab import run

    load = fa.data.load
    monkeypatch.setattr(fa.data, "load", lambda name, **how: mnist if name == "mnist" else load(name, **how))

    def run_here(work, jobs, workers, hear):
        monkeypatch.setattr(run, "tell", hear)
        for job in jobs:
            work(*job)

    monkeypatch.setattr(run, "run_jobs", run_here)
    monkeypatch.setattr(run, "stop_if_alone", lambda: None)


@pytest.fixture
def refused(capfd):
    """A function that runs a command which must be refused, and returns the one line that it says. capfd, unlike
    capsys, hears what the workers say too."""
    from numpyfa import cli

    def run(*arguments):
        capfd.readouterr()
        assert cli.main([str(argument) for argument in arguments]) == 2
        lines = [line for line in capfd.readouterr().err.strip().splitlines() if ": epoch " not in line]
        assert len(lines) == 1 and lines[0].startswith("numpyfa: "), lines
        return lines[0]

    return run
