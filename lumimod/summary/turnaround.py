"""Turn-around: for how long there were no stable beams before those of a fill."""

from __future__ import annotations

from lumimod.readers.bmodes import BeamModes, FillModes


def ends_before(modes: BeamModes) -> dict[int, float]:
    """Return for each fill with stable beams when those before it ended, Unix s."""
    having = [(m.start("STABLE"), m.stop("STABLE"), fill) for fill, m in modes.items()]
    ordered = sorted(one for one in having if one[0] == one[0])
    ends = {fill: end_s for (_, end_s, _), (_, _, fill) in zip(ordered, ordered[1:])}
    return {fill: end_s for fill, end_s in ends.items() if end_s == end_s}


def turnaround_h(modes: FillModes, before_s: float) -> float:
    """Return the turn-around of a fill in hours, from when the stable beams before it ended."""
    return (modes.start("STABLE") - before_s) / 3600
