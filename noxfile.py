#!/usr/bin/env -S uv run --script
# /// script
# dependencies = ["nox>=2025.2.9"]
# ///
"""The few commands of CONTRIBUTING.md, each in a virtual environment of its own: `nox -s tests`; `nox -l` lists all."""

import shutil
from pathlib import Path

import nox

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "uv|virtualenv"

BUILT = Path("build")
ENGINE = ["engine", "parts", "gradcheck", "rule_files", "theory", "download", "papers", "images"]  # as in .ci/run
FLOOR = [f"tests/test_{name}.py" for name in [*ENGINE, "sklearn"]]


@nox.session
def tests(session: nox.Session) -> None:
    """All tests, on the Python that nox runs on; those with Dask and pandas too."""
    session.install("-e", ".[test]", "distributed", "pandas")
    session.run("pytest", *session.posargs)


@nox.session
def floor(session: nox.Session) -> None:
    """A part of the tests with the lower bounds of setup.cfg; old releases use what newer ones deprecate."""
    pinned = session.run("python", "tools/floor.py", "test", silent=True)
    requirements = Path(session.create_tmp()) / "floor.txt"
    requirements.write_text(str(pinned), encoding="utf-8")
    session.install("-r", str(requirements))
    shutil.rmtree(BUILT / "lib", ignore_errors=True)  # an old one would be installed with the new
    session.install("--no-deps", ".")
    session.run("pytest", "-W", "ignore::DeprecationWarning", *(session.posargs or FLOOR))


@nox.session
def lint(session: nox.Session) -> None:
    """Style, generated pages and notebooks in step, and repo-review; nothing is changed."""
    session.install("-e", ".[test,dev]")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("python", "tools/pages.py", "--check")
    session.run("python", "tools/notebooks.py", "--check")
    session.run("repo-review", ".")


@nox.session
def types(session: nox.Session) -> None:
    """mypy, as strict as pyproject.toml says."""
    session.install("-e", ".[test]")
    session.run("mypy")


@nox.session(default=False)
def otter(session: nox.Session) -> None:
    """A notebook of the course handed out, filled in and marked by otter-grader."""
    session.install("-e", ".[test,otter]")
    session.run("pytest", "-m", "otter", "tests/test_course_folder.py")


@nox.session(default=False)
def docs(session: nox.Session) -> None:
    """The site, in build/site, its notebooks executed. A warning is an error, and so is a dead link inside it."""
    session.install("-e", ".[docs,test]")
    session.run("pytest", "-m", "docs", "tests/test_site.py", "-k", "not is_built")  # it is built in the next line
    trees = str(BUILT / "doctrees")  # no part of the site
    session.run("python", "-m", "sphinx", "-W", "-b", "html", "-d", trees, "docs", str(BUILT / "site"))
    session.run("python", "tools/site_links.py", str(BUILT / "site"))


@nox.session(default=False)
def build(session: nox.Session) -> None:
    """The wheel and the source distribution, in dist/, as the package index wants them; the wheel is installed and run
    from another folder."""
    for old in (BUILT / "lib", Path("dist")):  # an old build/lib would be packed with the new
        shutil.rmtree(old, ignore_errors=True)
    session.install("build", "twine")
    session.run("python", "-m", "build")
    session.run("twine", "check", "--strict", *map(str, Path("dist").iterdir()))
    (wheel,) = Path("dist").glob("*.whl")
    session.install(str(wheel.resolve()))
    session.chdir(session.create_tmp())
    session.run("python", "-m", "numpyfa", "check", "bp", "fa")


if __name__ == "__main__":
    nox.main()
