"""Sphinx configuration: sphinx-build -W --keep-going -b html docs docs/_build/html.

With -t no_examples none of the examples is run, with -D nb_execution_mode=off no page executed.
What was executed is kept in docs/_build until its text changes: remove it after a change to the
library.
"""

import os
import re
import shutil
import sys
from importlib import metadata
from pathlib import Path

HERE = Path(__file__).parent
EXTRA = HERE / "_build" / "extra"
sys.path.insert(0, str(HERE))
import gallery_pages  # noqa: E402
import generate  # noqa: E402

# The pages that are executed: their figures' style, and the command hh-sde.
os.environ["MATPLOTLIBRC"] = str(HERE / "matplotlibrc")
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])

project = "hh_sde"
author = "The hh_sde developers"
release = metadata.version("hh_sde")
extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.napoleon",
    "sphinx.ext.mathjax",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = [
    "channel_noise_areas.md",
    "channel_noise_cost.md",
    "channel_noise_long.md",
    "coverage.md",
    "orders.md",
    "step_control.md",
    "validation_cells.md",
    "validation_table.md",
    *(f"{name}_*.md" for name in generate.MEASURED),
    "_build",
    "jupyter_execute",
    "gallery/**/*.ipynb",
    "gallery/**/*.py",
    "gallery/**/*.md5",
]
suppress_warnings = ["config.cache"]
default_role = "literal"
nitpicky = False
html_theme = "pydata_sphinx_theme"
html_title = "hh_sde"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_js_files = ["site.js"]
html_favicon = "_static/favicon.svg"
html_context = {"default_mode": "auto"}
html_show_sourcelink = False
html_domain_indices = False
html_extra_path = ["_build/extra"]
EXTRA.mkdir(parents=True, exist_ok=True)
html_theme_options = {
    "show_toc_level": 2,
    "navigation_with_keys": False,
    "header_links_before_dropdown": 8,
    "navbar_align": "left",
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
    "footer_start": ["copyright"],
    "footer_end": [],
    "logo": {
        "image_light": "_static/favicon.svg",
        "image_dark": "_static/favicon.svg",
        "text": "hh_sde",
    },
    "back_to_top_button": False,
}
html_sidebars = {"index": [], "performance": [], "validation": []}
copyright = "The hh_sde developers, GPL-3.0-or-later"

# Formulas need no network: MathJax is one file, glyphs in it, out of a package of the index, so
# that a build takes pip alone. It is laid beside the pages below.
mathjax_path = "tex-svg.js"
mathjax3_config = {"options": {"enableMenu": False}}

myst_enable_extensions = ["dollarmath", "amsmath", "colon_fence", "attrs_inline"]
myst_heading_anchors = 3
nb_execution_mode = "cache"
nb_execution_in_temp = True
nb_execution_raise_on_error = True
nb_execution_timeout = 120
nb_merge_streams = True

sphinx_gallery_conf = {**gallery_pages.settings(), "plot_gallery": not tags.has("no_examples")}  # noqa: F821

autodoc_typehints = "none"
autodoc_member_order = "bysource"
autodoc_default_options = {"exclude-members": "units, kinds, formula, constant"}
autosummary_generate = False
napoleon_google_docstring = False
napoleon_use_ivar = True


def without_colon(app, what, name, obj, options, lines):
    """Napoleon would take "a: b" at the head of a property's docstring for a type and a text."""
    if what in {"property", "attribute", "data"} and lines:
        lines[0] = lines[0].replace(": ", " \N{EN DASH} ", 1)


def write_explorer(app):
    """The page with which one can play, for the first page and for its own."""
    import hh_sde as hh

    coupled = hh.Synapse.sigmoidal(weights=0.1)
    net = hh.Network(2, stimulus=10.0, synapses=coupled, noise=hh.CurrentNoise(sigma=1.0))
    hh.explore(net, EXTRA / "live.html")


def lay_mathjax(app, exception):
    """Copy MathJax beside the pages."""
    if exception is None and app.builder.format == "html":
        files = metadata.files("sphinx-mathjax-offline") or ()
        (found,) = (file for file in files if file.match("mathjax/tex-svg.js"))
        shutil.copy(found.locate(), Path(app.outdir) / "_static" / "tex-svg.js")


def show_first_page_at_once(app, exception):
    """Of the first page, read scripts after it is shown, and only the style sheets that it uses."""
    if exception is None and app.builder.format == "html":
        path = Path(app.outdir) / "index.html"
        head, end, body = path.read_text(encoding="utf-8").partition("</head>")
        first = "_static/documentation"
        head = re.sub(rf'<script (?=src=|data-sd)(?!src="{first})', "<script defer ", head)
        unused = r'\s*<link rel="stylesheet"[^>]*_static/(mystnb|sg_gallery)[^>]*/>'
        path.write_text(re.sub(unused, "", head) + end + body, encoding="utf-8")


def setup(app):
    """See that the tables in the pages are up to date before they are read."""
    app.connect("builder-inited", lambda app: generate.check())
    app.connect("builder-inited", write_explorer)
    app.connect("autodoc-process-docstring", without_colon, priority=400)
    app.connect("build-finished", lay_mathjax)
    app.connect("build-finished", show_first_page_at_once)
