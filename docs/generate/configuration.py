"""Every setting of config.py."""

from __future__ import annotations

from lumimod.config.reference import reference


def markdown() -> str:
    """Return a table of the settings of each section of config.py."""
    return reference()
