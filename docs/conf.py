"""The site: Sphinx, the theme furo, and pages in Markdown (MyST). ``sphinx-build -W docs build/docs`` makes it."""

import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]

project = "Auricle"
author = "The Auricle authors"
project_copyright = author
release = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]

extensions = ["myst_parser", "sphinx.ext.autodoc"]
html_theme = "furo"
html_title = "Auricle"
html_show_sphinx = False

# Headings can be linked to as on GitHub, so that the pages are read well in either place.
myst_heading_anchors = 4

# Docstrings are prose with `names` in it: those that are documented here become links.
default_role = "py:obj"
autodoc_member_order = "bysource"
autodoc_default_options = {"members": True}

# Pages that are rendered from results begin their tables where they like.
suppress_warnings = ["myst.header"]
