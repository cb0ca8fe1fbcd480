"""The documentation site: python -m sphinx -W -b html docs build/site   (pip install '.[docs]')

Pages that follow from the code are written first, into folders of docs/ that git ignores, by tools/site_pages.py.
Equations are MathML, so that nothing is fetched when a page is read. myst-nb and not sphinx-gallery, since the course's
notebooks and the repository's Markdown are pages as they are; napoleon and not numpydoc, since it comes with Sphinx and
only the docstrings of numpyfa.sklearn have sections to read.
"""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tools")]

import equations  # noqa: E402
import notebooks  # noqa: E402
import site_pages  # noqa: E402
from docutils.nodes import SkipNode  # noqa: E402

import numpyfa  # noqa: E402

project = "numpyfa"
author = copyright = "The numpyfa authors"
version = release = numpyfa.__version__
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
napoleon_google_docstring = False
napoleon_use_ivar = True
source_suffix = {".md": "myst-nb", ".ipynb": "myst-nb"}
exclude_patterns = ["**/.ipynb_checkpoints"]
root_doc = "index"
myst_enable_extensions = ["dollarmath", "amsmath"]
myst_heading_anchors = 3
nb_execution_mode = os.environ.get("NUMPYFA_DOCS_EXECUTE", "cache")  # "off" shows the notebooks without their outputs
nb_execution_cache_path = str(ROOT / "build" / "notebooks")
nb_execution_timeout = 240
nb_execution_raise_on_error = True
autodoc_typehints = "signature"
autodoc_member_order = "bysource"
autodoc_default_options = {"members": True, "show-inheritance": True}
default_role = "code"
nitpicky = False
html_theme = "pydata_sphinx_theme"
html_title = "numpyfa"
html_show_sourcelink = False
html_copy_source = False
html_sidebars = {name: [] for name in ("index", "start", "theory", "search", "genindex")}  # nothing is below them
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_theme_options = {
    "navigation_with_keys": False,
    "show_toc_level": 2,
    "header_links_before_dropdown": 4,
    "icon_links": [{"name": "Repository", "url": notebooks.REPOSITORY, "icon": "fa-brands fa-github"}],
    "footer_start": ["copyright"],
    "footer_end": ["theme-version"],
}
suppress_warnings = ["mystnb.unknown_mime_type"]


# -- Links -----------------------------------------------------------------------------------------------------------


def to_the_site(app, name, source):
    """In the pages, which are also read in the repository: links to results and notebooks lead to their pages here, and
    links to other files of the repository to the repository."""
    source[0] = site_pages.relinked(
        source[0], app.env.doc2path(name, base=False), notebooks.REPOSITORY, notebooks.BRANCH
    )
    if name == "course":
        source[0] += site_pages.below_the_course()


# -- Docstrings ------------------------------------------------------------------------------------------------------


def as_written(app, what, name, thing, options, lines):
    """Docstrings are plain text with `code` and indented equations: keep both, and take no sign for markup."""
    if not name.startswith("numpyfa.sklearn.FeedbackAlignmentClassifier"):  # written as scikit-learn's docstrings are
        lines[:] = site_pages.plain_docstring(lines)


# -- Equations -------------------------------------------------------------------------------------------------------


def inline(self, node):
    self.body.append(equations.mathml(node.astext()))
    raise SkipNode


def display(self, node):
    self.body.append(f'<div class="math">{equations.mathml(node.astext(), display=True)}</div>')
    raise SkipNode


def setup(app):
    app.add_html_math_renderer("mathml", (inline, None), (display, None))
    app.config.html_math_renderer = "mathml"
    app.connect("builder-inited", lambda app: site_pages.write(Path(app.srcdir)))
    app.connect("source-read", to_the_site)
    app.connect("autodoc-process-docstring", as_written)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
