"""Configuration of the documentation. `make docs` builds it, offline."""

import os
import sys
from pathlib import Path

import skdeepclust

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "_ext"))
os.environ.setdefault("MPLBACKEND", "agg")

project = "skdeepclust"
author = "The skdeepclust developers"
copyright = author
version = release = skdeepclust.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.doctest",
    "sphinx.ext.mathjax",
    "numpydoc",
    "myst_parser",
    "sphinx-mathjax-offline",  # MathJax comes with the pages, not from a network
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
    "matplotlib.sphinxext.plot_directive",
    "elsewhere",
    "gallery_figure",
]
source_suffix = {".rst": "restructuredtext", ".md": "markdown"}
exclude_patterns = ["_build", "_templates", "**/GALLERY_HEADER.rst"]
templates_path = ["_templates"]
default_role = "literal"
nitpicky = True  # an unresolved reference is a warning, and `make docs` fails

# -- API pages -------------------------------------------------------------------------

autosummary_generate = True
autodoc_member_order = "bysource"
toc_object_entries_show_parents = "hide"
autodoc_typehints = "none"  # the docstrings have the types
numpydoc_show_class_members = False  # the templates list them
numpydoc_class_members_toctree = False

# -- the gallery -----------------------------------------------------------------------

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "filename_pattern": r"/plot_",
    "ignore_pattern": r"quickstart\.py|landing_page\.py|__init__\.py",
    "within_subsection_order": "FileNameSortKey",
    "reference_url": {"skdeepclust": None},
    "backreferences_dir": "api/backreferences",
    "doc_module": ("skdeepclust",),
    "download_all_examples": True,  # all scripts and all notebooks, a zip of each
    "nested_sections": True,
    "show_memory": False,
    "write_computation_times": False,
    "show_signature": False,
    "matplotlib_animations": False,
    "remove_config_comments": True,
    "plot_gallery": "True",
    "capture_repr": ("_repr_html_",),  # tables and estimators, not "<... at 0x...>"
}

# -- figures of single pages: scripts in docs/figures, run at every build --------------

plot_formats = [("png", 100)]
plot_html_show_formats = plot_html_show_source_link = plot_include_source = False

# -- code on the pages, run by `sphinx-build -b doctest` -------------------------------

doctest_global_setup = "from tiny import shrink\nshrink()"
doctest_test_doctest_blocks = ""  # pytest runs the docstrings

# -- pages in Markdown: the changelog and the benchmarks -------------------------------

myst_heading_anchors = 3

# -- HTML ------------------------------------------------------------------------------

_WIDE_PAGES = ("index", "measured", "field")  # no sidebar at all
_SINGLE_PAGES = (
    "install",
    "quickstart",
    "glossary",
    "cite",
    "whats_new",
)  # no left one

html_theme = "pydata_sphinx_theme"
html_title = "skdeepclust"
html_static_path = ["_static"]
html_css_files = ["custom.css"]
html_logo = html_favicon = "_static/logo.svg"
html_theme_options = {
    "logo": {"text": "skdeepclust", "alt_text": "skdeepclust"},
    "navbar_align": "left",
    "header_links_before_dropdown": 6,
    "show_prev_next": True,
    "show_toc_level": 2,
    "footer_start": ["copyright"],
    "footer_end": [],
    "secondary_sidebar_items": {
        "**": ["page-toc", "sg_download_links"],  # script and notebook of an example
        **{page: [] for page in _WIDE_PAGES},
    },
    "pygments_light_style": "tango",
    "pygments_dark_style": "monokai",
}
# Published pages only: the address is that of .github/workflows/docs.yml.
if PUBLIC_URL := os.environ.get("PUBLIC_URL", "").rstrip("/"):
    html_baseurl = f"{PUBLIC_URL}/stable/"
    html_theme_options |= {
        "switcher": {
            "json_url": f"{PUBLIC_URL}/switcher.json",
            "version_match": os.environ.get("DOCS_VERSION", "dev"),
        },
        "check_switcher": False,  # the file is made with the first published version
        "navbar_end": ["version-switcher", "theme-switcher"],
        "show_version_warning_banner": True,
    }
html_sidebars = {page: [] for page in _WIDE_PAGES + _SINGLE_PAGES}
html_show_sourcelink = False
copybutton_exclude = ".linenos, .gp, .go"
