"""A range of fills."""

from __future__ import annotations

from typing import NamedTuple


class FillsBetween(NamedTuple):
    """A range of fills, both ends included."""

    first: int
    last: int

    def __str__(self) -> str:
        return f"{self.first}-{self.last}"
