import os
import subprocess
import sys
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy: on small products threads only wait for each other

import numpy as np  # noqa: E402
import pytest  # noqa: E402
from data_server import server, tiny  # noqa: E402, F401

import numpyfa as fa  # noqa: E402

COURSE = Path(__file__).parents[1] / "numpyfa" / "course"


def first_of(form, name):
    """FORM/NAME of a notebook to execute: a page without blanks is the same in both forms, and is run once."""
    texts = {each: (COURSE / each / f"{name}.ipynb").read_bytes() for each in ("notebooks", "solutions")}
    return f"{form if texts['notebooks'] != texts['solutions'] else 'notebooks'}/{name}"


def run_notebooks(folder, jobs):
    """A process that executes them."""
    return subprocess.Popen([sys.executable, Path(__file__).with_name("run_notebooks.py"), folder, *jobs])


@pytest.fixture(scope="session", autouse=True)
def notebooks(request, tmp_path_factory):
    """(folder, FORM/NAME of the notebooks whose tests were asked for, the process that executes them). It begins with
    the first test, so that notebooks run while other tests do; the tests of test_notebooks.py wait for it."""
    asked = [each.callspec.params for each in request.session.items if each.path.stem == "test_notebooks"
             and hasattr(each, "callspec") and "form" in each.callspec.params]  # fmt: skip
    jobs = list(dict.fromkeys(first_of(each["form"], each["name"]) for each in asked))
    folder = tmp_path_factory.mktemp("notebooks")
    runner = run_notebooks(folder, jobs)
    yield folder, jobs, runner
    runner.terminate()
    runner.wait()


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

    def run_here(work, jobs, executor, hear, take, lost):
        monkeypatch.setattr(run, "tell", hear)
        jobs = list(jobs)
        for job in jobs:
            jobs += take(job, work(*job))  # and those that it calls for

    monkeypatch.setattr(run, "run_jobs", run_here)
    monkeypatch.setattr(run, "stop_if_alone", lambda: None)


@pytest.fixture
def unrendered(monkeypatch):
    """Figures are drawn, and their files are stubs: to render one takes a second, which is most of a short run."""
    from matplotlib.figure import Figure

    render = Figure.savefig
    monkeypatch.setattr(Figure, "savefig", lambda figure, file, format, **_: file.write(b"a stub"))
    return render


@pytest.fixture
def rendered(unrendered, monkeypatch):
    """They are rendered, in a module where others are not."""
    from matplotlib.figure import Figure

    monkeypatch.setattr(Figure, "savefig", unrendered)


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
