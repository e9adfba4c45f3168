"""Maps of slot and time: how much each bunch has changed since the start."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lumimod.arrays import FloatArray, IntArray
from lumimod.plots.axes import SPIKES, few_ticks, hours_since, robust_range, unit_of
from lumimod.plots.numbers import finite
from lumimod.plots.panels import bar_axes
from lumimod.plots.style import CHANGE_MAP, GROWTH_MAP, LOSS_MAP, Style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDEST = 900
"""Columns of a map; more slots than a screen has pixels are averaged."""
TAIL = 0.01
"""Part of the changes that may lie beyond the scale of the colours, besides spikes."""
ONE_SIDED = 0.15
"""Changes of the other sign that are smaller than this part of the largest have no colours."""
NO_BUNCH = "#d4d4d4"
"""Colour of a map where there is no bunch, or nothing was measured."""
LEAST = 0.1
"""No scale of colours ends at less than that, in %."""


def change_percent(values: FloatArray) -> FloatArray:
    """Return the change of each bunch since its first value, in %, (n_times, n_slots)."""
    known = np.isfinite(values)
    first = values[known.argmax(axis=0), np.arange(values.shape[1])]
    with np.errstate(invalid="ignore", divide="ignore"):
        change: FloatArray = 100 * (values / first - 1)
    return np.where(np.isfinite(change), change, np.nan)


class ChangeScale(NamedTuple):
    """Colours of changes in %, from where to where they go, and what they are changes of."""

    low: float
    high: float
    colors: str
    words: str


def change_scale(*values: FloatArray) -> ChangeScale:
    """Return the colours of the changes of some bunches, (n_times, n_slots) each.

    Changes of one sign alone, but for a small part, are from white for none to dark for the
    largest. Of both signs they go as far on both sides of grey for none; more is lighter, less
    darker.
    """
    changes = [of for of in (finite(change_percent(of)) for of in values if of.size) if of.size]
    ends = [_ends_of(of) for of in changes]
    lost = max(0.0, *(-low for low, _ in ends)) if ends else 0.0
    gained = max(0.0, *(high for _, high in ends)) if ends else 0.0
    most = float(max(LEAST, lost, gained))
    if lost <= ONE_SIDED * gained:
        return ChangeScale(0.0, most, GROWTH_MAP, "growth")
    if gained <= ONE_SIDED * lost:
        return ChangeScale(-most, 0.0, LOSS_MAP, "change")
    return ChangeScale(-most, most, CHANGE_MAP, "change")


def _ends_of(changes: FloatArray) -> tuple[float, float]:
    """Return from where to where all but few changes are, spikes at some of the times left out."""
    low, high = robust_range(changes, SPIKES)
    inside = changes[(changes >= low) & (changes <= high)]
    ends = np.quantile(inside, (TAIL, 1 - TAIL))
    return float(ends[0]), float(ends[1])


def draw_change_map(
    ax: Axes,
    series: Sequence[tuple[IntArray, FloatArray]],
    time_s: FloatArray,
    scale: ChangeScale,
) -> None:
    """Draw the change of bunches (slots, values) since the start by slot and hours.

    Where there is no bunch, or nothing was measured, it is grey.
    """
    slots = np.concatenate([of for of, _ in series])
    changes = np.concatenate([change_percent(values) for _, values in series], axis=1)
    first, last = int(slots.min()), int(slots.max()) + 1
    per_column = -(-(last - first) // WIDEST)
    n_columns = -(-(last - first) // per_column)
    hours = hours_since(time_s)[: len(changes)]
    per_hour, unit = unit_of(hours)
    hours = per_hour * hours
    half = (hours[1] - hours[0]) / 2 if hours.size > 1 else 0.01
    ax.imshow(
        averaged(changes, (slots - first) // per_column, n_columns), cmap=scale.colors,
        vmin=scale.low, vmax=scale.high, aspect="auto", origin="lower", zorder=2,
        extent=(
            first - 0.5, first + n_columns * per_column - 0.5, hours[0] - half, hours[-1] + half
        ),
    )  # fmt: skip
    grey_background(ax)
    ax.set_ylabel(unit)
    few_ticks(ax.yaxis, 5)


def grey_background(ax: Axes) -> None:
    """Make a panel grey where its map has no colour: white there would be a change of nought."""
    ax.grid(visible=False)
    ax.set_facecolor(NO_BUNCH)


def averaged(values: FloatArray, columns: IntArray, n_columns: int) -> FloatArray:
    """Return means of the finite values of each column, (n_times, n_columns); NaN without any."""
    known = np.isfinite(values)
    order = np.argsort(columns, kind="stable")
    starts = np.flatnonzero(np.diff(columns[order], prepend=-1))
    sums, counts = (
        np.add.reduceat(of[:, order], starts, axis=1)
        for of in (np.where(known, values, 0.0), known.astype(float))
    )
    means = np.full((len(values), n_columns), np.nan)
    with np.errstate(invalid="ignore", divide="ignore"):
        means[:, columns[order][starts]] = sums / counts
    return means


def change_bar(figure: Figure, axes: Sequence[Axes], scale: ChangeScale, style: Style) -> None:
    """Draw the colour bar of `draw_change_map` to the right of a column of panels."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    colours = ScalarMappable(Normalize(scale.low, scale.high), scale.colors)
    bar = figure.colorbar(colours, cax=bar_axes(figure, axes, style), extend="both")
    bar.set_label(f"{scale.words} since the start [%]")
