"""Installs the package and the `lumimod` command; the rest stands in pyproject.toml."""

import re
from pathlib import Path

from setuptools import setup

# Read, not imported: lumimod.py beside the package has the same name, and setuptools' own `attr`
# would take that one.
text = (Path(__file__).parent / "lumimod" / "__init__.py").read_text(encoding="utf-8")

setup(version=re.search(r'^__version__ = "(.+)"$', text, re.MULTILINE)[1])
