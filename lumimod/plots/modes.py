"""Beam modes in a picture of a whole fill: shades behind panels, names above them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lumimod.plots.style import MUTED
from lumimod.readers.bmodes import FillModes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SHADE = ("#ffffff", "#ececec")
STABLE_SHADE = "#fff3c4"
"""Pale yellow, which colour-blind readers see, too, and which is lighter than any line."""
LABEL_PITCH_EM = 1.0
"""Room that a vertical name needs, in units of the font size."""


class Shade(NamedTuple):
    """A beam mode in hours since the fill began, and its colour."""

    mode: str
    start: float
    stop: float
    color: str


def shades(modes: FillModes) -> list[Shade]:
    """Return the modes of a fill, in alternating colours."""
    spans = [
        (modes.start(mode), modes.stop(mode), mode)
        for mode in modes.start_s
        if np.isfinite(modes.start(mode))
    ]
    shaded = []
    for number, (start_s, stop_s, mode) in enumerate(sorted(spans)):
        stop_s = modes.t_endfill_s if np.isnan(stop_s) else stop_s
        color = STABLE_SHADE if mode == "STABLE" else SHADE[number % 2]
        start, stop = ((t - modes.t_startfill_s) / 3600 for t in (start_s, stop_s))
        shaded.append(Shade(mode, start, stop, color))
    return shaded


def shade(ax: Axes, modes: Sequence[Shade]) -> None:
    """Shade the modes behind a panel."""
    for one in modes:
        ax.axvspan(one.start, one.stop, color=one.color, lw=0, zorder=0)


def name_strip(ax: Axes, modes: Sequence[Shade], hours: float, width_em: float) -> None:
    """Draw the modes as a strip, with their names upright above it.

    `width_em` is the width of the panel in units of the font size. Names that would cover each
    other are moved apart, and lines lead to their modes.
    """
    ax.set_axis_off()
    ax.set_ylim(0, 1)
    low, high = -0.015 * hours, 1.015 * hours
    ax.set_xlim(low, high)
    pitch = LABEL_PITCH_EM * (high - low) / width_em
    middles = [(one.start + one.stop) / 2 for one in modes]
    for one, middle, at in zip(modes, middles, spread(middles, pitch, low + pitch / 2)):
        ax.axvspan(one.start, one.stop, 0.0, 0.12, facecolor=one.color, edgecolor=MUTED, lw=0.5)
        ax.plot([middle, at], [0.12, 0.26], color=MUTED, lw=0.7)
        ax.text(
            at, 0.3, one.mode, rotation=90, ha="center", va="bottom", size="x-small",
            weight="bold" if one.mode == "STABLE" else "normal",
        )  # fmt: skip


def spread(places: Sequence[float], pitch: float, lowest: float) -> list[float]:
    """Return rising places moved apart to at least `pitch`, none below `lowest`.

    Groups that would overlap are centred on the mean of where they belong.
    """
    groups: list[list[float]] = []  # [sum of the places, number]
    for place in places:
        groups.append([place, 1.0])
        while len(groups) > 1 and _start(groups[-1], pitch) < _stop(groups[-2], pitch):
            total, count = groups.pop()
            groups[-1][0] += total
            groups[-1][1] += count
    moved_apart: list[float] = []
    for group in groups:
        first = _start(group, pitch) + pitch / 2
        moved_apart += [first + pitch * n for n in range(int(group[1]))]
    moved = max(lowest - moved_apart[0], 0.0) if moved_apart else 0.0
    return [max(place, moved_apart[0] + moved + pitch * n) for n, place in enumerate(moved_apart)]


def _start(group: Sequence[float], pitch: float) -> float:
    return group[0] / group[1] - pitch * group[1] / 2


def _stop(group: Sequence[float], pitch: float) -> float:
    return group[0] / group[1] + pitch * group[1] / 2
