"""The rooms of the package and their floors, from the table that the tests check."""

from __future__ import annotations

from tests.floors import markdown_table


def markdown() -> str:
    """Return the table of rooms."""
    return markdown_table()
