"""Sphinx configuration: sphinx-build -W --keep-going -b html docs docs/_build/html."""

import os
import sys
from importlib import metadata
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
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
]
exclude_patterns = [
    "channel_noise_areas.md",
    "channel_noise_cost.md",
    "channel_noise_published.md",
    "coverage.md",
    "orders.md",
    "step_control.md",
    "validation_cells.md",
    *(f"{name}_*.md" for name in generate.MEASURED),
    "_build",
    "jupyter_execute",
]
default_role = "literal"
html_theme = "pydata_sphinx_theme"
html_title = "hh_sde"
html_theme_options = {"show_toc_level": 2, "navigation_with_keys": False}

myst_enable_extensions = ["dollarmath", "amsmath"]
myst_heading_anchors = 3
nb_execution_mode = "force"
nb_execution_in_temp = True
nb_execution_raise_on_error = True
nb_execution_timeout = 120
nb_merge_streams = True

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


def setup(app):
    """See that the tables in the pages are up to date before they are read."""
    app.connect("builder-inited", lambda app: generate.check())
    app.connect("autodoc-process-docstring", without_colon, priority=400)
