# mypy: disable-error-code="no-untyped-call"
"""Legends whose parts are measured once.

matplotlib asks each part for its size again on every level that it stands in.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from matplotlib.offsetbox import OffsetBox

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.legend import Legend


def measure_once(legend: Legend) -> None:
    """Let a finished legend remember the sizes of its parts, for each renderer."""
    for child in legend.get_children():
        _remember(child)


def _remember(part: Artist) -> None:
    if isinstance(part, OffsetBox):
        part.get_bbox = functools.cache(part.get_bbox)  # type: ignore[method-assign]
        for child in part.get_children():
            _remember(child)
