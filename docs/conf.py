"""The site: ``make docs`` builds it into docs/_build/html, lessons executed, warnings as errors.

Sphinx reads from the project's root, so that the relative links of the documents and the
lessons hold on a code host and in the site alike, and nothing is copied.
"""

from __future__ import annotations

import sys
from pathlib import Path

from paglets_nb import __version__

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "paglets_nb"
author = "the paglets_nb authors"
version = release = __version__

root_doc = "docs/index"
include_patterns = ["docs/**", "notebooks/*.ipynb", "CHANGELOG.md"]
exclude_patterns = ["**/.*", "**/_build", "**/__pycache__", "build", "dist", "paglets_nb", "tests", "binder"]

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "lesson_kernels",
    "public_names",
    "verb_reference",
]

# ---- text and lessons

myst_heading_anchors = 3
nb_execution_mode = "force"
nb_execution_timeout = 60
nb_execution_in_temp = True
nb_execution_raise_on_error = True
nb_merge_streams = True
suppress_warnings = ["mystnb.unknown_mime_type"]  # a chart of altair stands beside its picture
# A page has no kernel: it shows the picture that stands beside each live view and chart.
nb_mime_priority_overrides = [
    ("html", "application/vnd.jupyter.widget-view+json", None),
    ("html", "application/vnd.vegalite.v5+json", None),
]
nb_ipywidgets_js: dict[str, dict[str, str]] = {}

# ---- names

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_class_signature = "mixed"
autodoc_preserve_defaults = True
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True
napoleon_use_rtype = False
napoleon_custom_sections = [("Class attributes", "Attributes")]
add_module_names = False
python_use_unqualified_type_names = True
toc_object_entries_show_parents = "hide"

# ---- pages

html_theme = "pydata_sphinx_theme"
html_title = "paglets_nb"
html_static_path = ["_static"]
html_extra_path = ["_extra"]
html_sidebars = {"docs/benchmarks": [], "CHANGELOG": []}  # they have no pages beside them
html_css_files = ["site.css"]
html_copy_source = False
html_show_sourcelink = False
html_theme_options = {
    "logo": {"text": "paglets_nb"},
    "navigation_with_keys": False,
    "show_prev_next": True,
    "show_toc_level": 2,
    "header_links_before_dropdown": 8,
    "navbar_end": ["theme-switcher"],
    "footer_start": [],
    "footer_end": [],
    "secondary_sidebar_items": ["page-toc"],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
