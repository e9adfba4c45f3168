"""Installs the package and the `lumimod` command; everything else stands in pyproject.toml."""

from setuptools import setup

setup()
