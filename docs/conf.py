"""How the documentation is built: `python -m sphinx -W docs build/docs`.

Pages of docs/ are written by hand. README, changelog and cookbook are taken from where they are,
and the reference is made of the package's own tables and docstrings; see pages.py.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import pages  # noqa: E402

import groqnb  # noqa: E402

if TYPE_CHECKING:
    from sphinx.application import Sphinx

project = "groqnb"
author = "the groqnb developers"
version = release = groqnb.__version__

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_copybutton"]
exclude_patterns = ["cookbook/data", "cookbook/README.md"]
default_role = "code"
smartquotes = False

html_theme = "furo"
html_title = f"groqnb {version}"
html_static_path = ["static"]
html_css_files = ["groqnb.css"]
html_copy_source = False
html_show_copyright = False

# The notebooks are shown as they are committed.
nb_execution_mode = "off"
nb_merge_streams = True
# What a saved widget shows is its own HTML, not its state; and plain text comes last.
nb_mime_priority_overrides = [("html", "text/html", 0)]
myst_heading_anchors = 3
myst_enable_extensions = ["colon_fence"]
# A cell of the magics is Python to no highlighter; what is wrong in it is nobody's mistake.
suppress_warnings = ["misc.highlighting_failure", "mystnb.mime_priority"]

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
python_maximum_signature_line_length = 88
napoleon_custom_sections = [("Fields", "params_style"), ("Attributes", "params_style")]
napoleon_numpy_docstring = False
napoleon_preprocess_types = False
copybutton_exclude = ".linenos, .gp, .go"


def setup(app: Sphinx) -> None:
    """Write the pages that are made, before Sphinx looks for pages."""
    pages.write(HERE)
    # Before napoleon (500): what it makes is reStructuredText already.
    app.connect("autodoc-process-docstring", pages.to_rst, priority=100)
    app.connect("autodoc-process-signature", pages.short_signature)
