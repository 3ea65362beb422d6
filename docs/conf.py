"""How the documentation is built, by `make docs`: Sphinx with MyST, without a network."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent
sys.path.insert(0, str(HERE / "_ext"))

from nucel_interp import __version__  # noqa: E402

project = "nucel-interp"
author = "The nucel-interp authors"
release = version = __version__

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "generated",
    "mathml",
]

myst_enable_extensions = ["deflist", "dollarmath"]
myst_heading_anchors = 3
nb_execution_mode = "off"  # `make test` executes the notebooks; here their stored outputs are shown
nb_merge_streams = True

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
python_maximum_signature_line_length = 80
napoleon_numpy_docstring = False
napoleon_use_ivar = True

nitpicky = True
# types of other projects, whose documentation the build does not fetch, and our own inner types
nitpick_ignore_regex = [(r"py:.*", r".*")]

html_theme = "furo"
html_title = "nucel-interp"
html_static_path = ["_static"]
html_css_files = ["pages.css"]
html_math_renderer = "mathml"
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
html_show_copyright = False
exclude_patterns = ["_build"]
copybutton_exclude = ".linenos, .gp, .go"


def bring_notebooks() -> None:
    """Copy the notebooks into the source folder, where Sphinx looks for pages."""
    for notebook in sorted((ROOT / "notebooks").glob("*.ipynb")):
        copy = HERE / "tutorials" / notebook.name
        if not copy.exists() or copy.read_bytes() != notebook.read_bytes():
            shutil.copyfile(notebook, copy)


bring_notebooks()
