"""Where a fill lies in a season, and how it ends."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class FillPlace:
    """Place of a fill in a season."""

    start_s: float
    """Start of the fill, Unix s: a whole minute."""
    last_mode: str = "STABLE"
    """Beam mode at the end of which the beams are gone; it ends before stable beams if another."""
    fault: bool = False
    """Whether the machine dumped the beams, and not the operators."""
    now_s: float | None = None
    """The present, Unix s: what comes later is not logged. None: the fill is over."""
    posted_s: float | None = None
    """When the archives were posted, Unix s: the time of their files. None: that of writing."""
    massi_factor: float = 1.0
    """Factor on the luminosities of archives that are to be replaced by better ones."""
