"""What panels show: points, lines and bands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from lumimod.arrays import BoolArray, FloatArray, IntArray
from lumimod.plots.numbers import mean_and_spread
from lumimod.plots.style import TIME_MAP, Look, Style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Normalize
    from matplotlib.figure import Figure

_AS_LARGE = {"s": 0.9, "D": 0.85, "^": 1.25, "v": 1.25}
"""Factors on the size of markers, which makes them look as large as a dot."""
GAP = "0.9"
"""Grey of times without data."""
MOST_MARKERS = 20_000
"""More points are drawn as one image, which takes no longer for 2,500 bunches than for ten."""


def draw_slots(ax: Axes, slots: IntArray, values: FloatArray, look: Look, label: str) -> None:
    """Draw one point for each bunch, (n_slots,), in the colour and marker of a look."""
    size = 5.0 if slots.size <= 100 else 3.0 if slots.size <= 1000 else 2.0
    size *= _AS_LARGE.get(look.marker, 1.0)
    ax.plot(
        slots, values, linestyle="none", marker=look.marker, markersize=size,
        markeredgewidth=0, color=look.color, label=label,
    )  # fmt: skip


def draw_evolution(ax: Axes, hours: FloatArray, values: FloatArray, look: Look, label: str) -> None:
    """Draw mean and +-1 sigma over bunches of values (n_times, n_slots) against time."""
    mean, spread = mean_and_spread(values)
    draw_line(ax, hours, mean, look, label=label)
    if values.shape[1] > 1:
        draw_band(ax, hours, mean - spread, mean + spread, look.color, alpha=0.2)


def draw_line(ax: Axes, x: FloatArray, y: FloatArray, look: Look, **how: Any) -> None:
    """Draw a line in colour and dashes of a look; points without neighbours get its marker."""
    how = {"color": look.color, "linestyle": look.linestyle, **how}
    lone = _without_neighbours(y)
    if lone.any():
        how |= {"marker": look.marker, "markevery": np.flatnonzero(lone).tolist()}
    ax.plot(x, y, **how)


def draw_band(
    ax: Axes, x: FloatArray, low: FloatArray, high: FloatArray, color: str, *, alpha: float
) -> None:
    """Fill the space between two lines; a point without neighbours gets a bar."""
    ax.fill_between(x, low, high, color=color, alpha=alpha, lw=0)
    lone = _without_neighbours(low) & np.isfinite(high)
    if lone.any():
        ax.vlines(x[lone], low[lone], high[lone], color=color, alpha=alpha, linewidth=6.0)


def draw_gaps(ax: Axes, hours: FloatArray, each: Sequence[FloatArray]) -> None:
    """Shade the times without any value of some quantities, (n_times, n_bunches) each.

    There the instrument stopped for longer than its last value is held.
    """
    lacks = np.ones(hours.size, bool)
    for values in each:
        lacks[: len(values)] &= ~np.isfinite(values).any(axis=1)
    if not lacks.any() or lacks.all():
        return
    edges = np.flatnonzero(np.diff(np.concatenate([[False], lacks, [False]])))
    for first, after in zip(edges[::2], edges[1::2]):
        until = min(after, hours.size - 1)
        ax.axvspan(hours[max(first - 1, 0)], hours[until], color=GAP, lw=0, zorder=0.5)
        middle = (hours[max(first - 1, 0)] + hours[until]) / 2
        ax.annotate(
            "no data", (middle, 0.5), xycoords=("data", "axes fraction"),
            rotation=90, ha="center", va="center", fontsize="small",
        )  # fmt: skip


def _without_neighbours(values: FloatArray) -> BoolArray:
    """Return where a value has none before or after it: no line would show it."""
    there = np.concatenate([[False], np.isfinite(values), [False]])
    return there[1:-1] & ~there[:-2] & ~there[2:]


def draw_bunches(
    ax: Axes, slots: IntArray, values: FloatArray, hours: FloatArray, style: Style
) -> None:
    """Draw one point for each bunch and time, (n_times, n_slots), coloured by time.

    `hours`, (n_times,), also set the scale of the colours; `values` may end before them. Limits of
    the axes must be set before: many points are drawn as one image between them.
    """
    norm = _norm_of(hours)
    values, hours = values[:: style.n_skip], hours[: len(values) : style.n_skip]
    if values.size <= MOST_MARKERS:
        size = 26.0 if slots.size <= 100 else 12.0
        ax.scatter(
            np.tile(slots, hours.size), values.ravel(), size, np.repeat(hours, slots.size),
            cmap=TIME_MAP, norm=norm, linewidths=0,
        )  # fmt: skip
        return
    ax.imshow(
        _rasterised(ax, slots, values, hours), cmap=TIME_MAP, norm=norm, aspect="auto",
        origin="lower", extent=(*ax.get_xlim(), *ax.get_ylim()), zorder=2,
    )  # fmt: skip


def _rasterised(
    ax: Axes, slots: IntArray, values: FloatArray, hours: FloatArray
) -> np.ma.MaskedArray:
    """Return the hours of the latest point at each pixel of a panel, masked where there is none."""
    box = ax.get_window_extent()
    width, height = max(int(box.width), 1), max(int(box.height), 1)
    (x0, x1), (y0, y1) = ax.get_xlim(), ax.get_ylim()
    column = ((slots - x0) / (x1 - x0) * width).astype(np.int64)
    with np.errstate(invalid="ignore"):
        place = (values - y0) / (y1 - y0) * height
    pixels = np.full((height, width), np.nan)
    radius = max(1, round(height / 300))
    for row, hour in zip(place, hours):
        seen = np.isfinite(row) & (row >= 0) & (row < height)
        y, x = row[seen].astype(np.int64), column[seen]
        for dy in range(-radius, radius + 1):
            for dx in range(-radius, radius + 1):
                if dx * dx + dy * dy <= radius * radius:
                    pixels[np.clip(y + dy, 0, height - 1), np.clip(x + dx, 0, width - 1)] = hour
    return np.ma.masked_invalid(pixels)


def hours_bar(figure: Figure, axes: Sequence[Axes], hours: FloatArray, style: Style) -> None:
    """Draw the colour bar of `draw_bunches` to the right of a column of panels."""
    from matplotlib.cm import ScalarMappable

    boxes = [ax.get_position() for ax in axes]
    width_em = style.fig_size_in[0] / style.em_in
    left = max(box.x1 for box in boxes) + 0.7 / width_em
    bottom, top = min(box.y0 for box in boxes), max(box.y1 for box in boxes)
    bar_axes = figure.add_axes((left, bottom, 0.7 / width_em, top - bottom))
    bar = figure.colorbar(ScalarMappable(_norm_of(hours), TIME_MAP), cax=bar_axes)
    bar.set_label("hours of stable beams")


def _norm_of(hours: FloatArray) -> Normalize:
    """Return the scale of the colours, for points and for their bar."""
    from matplotlib.colors import Normalize

    return Normalize(0.0, max(float(hours[-1]), 0.02))
