"""What panels show: points, lines and bands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from lumimod.arrays import BoolArray, FloatArray, IntArray
from lumimod.physics.filling import LARGEST_GAP_IN_TRAIN
from lumimod.plots.axes import POINT_AREA, unit_of
from lumimod.plots.numbers import centre_and_band, quantiles_of_rows
from lumimod.plots.style import TIME_MAP, Look, Style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Normalize
    from matplotlib.figure import Figure

_AS_LARGE = {"s": 0.9, "D": 0.85, "^": 1.25, "v": 1.25}
"""Factors on the size of markers, which makes them look as large as a dot."""
FEW_BUNCHES = 4
"""So many bunches are lines, not a band."""
MANY_BUNCHES = 200
"""More bunches hide each other as points."""
MOST_MARKERS = 20_000
"""More points are drawn as one image, which takes no longer for 2,500 bunches than for ten."""


def draw_slots(ax: Axes, slots: IntArray, values: FloatArray, look: Look, label: str) -> None:
    """Draw one point for each bunch, (n_slots,), in the colour and marker of a look.

    Many bunches are faint points, with median and middle 68 % of each train before them.
    """
    size = 5.0 if slots.size <= 100 else 3.0 if slots.size <= 1000 else 2.0
    size *= _AS_LARGE.get(look.marker, 1.0)
    how: dict[str, Any] = {
        "linestyle": "none",
        "markeredgewidth": 0,
        "color": look.color,
        "marker": look.marker,
    }
    if slots.size <= MANY_BUNCHES:
        ax.plot(slots, values, markersize=size, label=label, **how)
        return
    ax.plot(slots, values, markersize=1.5, alpha=0.15, zorder=1.6, rasterized=True, **how)
    middles, centre, low, high = train_medians(slots, values)
    ax.vlines(middles, low, high, color=look.color, linewidth=1.0, alpha=0.7)
    ax.plot(middles, centre, markersize=4.5 * _AS_LARGE.get(look.marker, 1.0), label=label, **how)


def shown_slots(slots: IntArray, values: FloatArray) -> list[FloatArray]:
    """Return what sets the limits of `draw_slots`: the trains, where there are many bunches."""
    return [values] if slots.size <= MANY_BUNCHES else list(train_medians(slots, values)[1:])


def trains_of(slots: IntArray) -> list[IntArray]:
    """Return the indices of the bunches of each train, in the order of their slots."""
    order = np.argsort(slots)
    starts = np.flatnonzero(np.diff(slots[order]) > LARGEST_GAP_IN_TRAIN + 1) + 1
    return np.split(order, starts)


def _by_train(slots: IntArray, values: FloatArray) -> FloatArray:
    """Return values by train and place in it, NaN behind the ends of short trains."""
    trains = trains_of(slots)
    table = np.full((len(trains), max(train.size for train in trains)), np.nan)
    for row, train in zip(table, trains):
        row[: train.size] = values[train]
    return table


def train_medians(
    slots: IntArray, values: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Return middle slot, median, and ends of the middle 68 % of each train, (n_trains,) each."""
    middles = np.array([slots[train].mean() for train in trains_of(slots)])
    return middles, *centre_and_band(_by_train(slots, values))


def place_medians(slots: IntArray, values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the places in a train, from 1, and the median over trains at each of them."""
    [centre] = quantiles_of_rows(_by_train(slots, values).T, (0.5,))
    return np.arange(1.0, centre.size + 1), centre


def draw_evolution(
    ax: Axes, hours: FloatArray, values: FloatArray, look: Look, label: str
) -> list[FloatArray]:
    """Draw median and middle 68 % over bunches of values (n_times, n_slots) against time.

    Two to four bunches are lines of their own beside the median: they have no 68 %. Return what is
    drawn, the median first of many bunches: the limits of an axis follow from it.
    """
    centre, low, high = centre_and_band(values)
    draw_line(ax, hours, centre, look, label=label)
    n_bunches = values.shape[1]
    if 1 < n_bunches <= FEW_BUNCHES:
        for bunch in values.T:
            draw_line(ax, hours, bunch, look, linewidth=0.8, linestyle="-", alpha=0.5)
    elif n_bunches > FEW_BUNCHES:
        draw_band(ax, hours, low, high, look.color, alpha=0.2)
    return [centre, low, high] if n_bunches > FEW_BUNCHES else [values]


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
    from lumimod.plots.rendering.points import draw_points

    norm = _norm_of(hours)
    values, hours = values[:: style.n_skip], hours[: len(values) : style.n_skip]
    if values.size <= MOST_MARKERS:
        size = POINT_AREA if slots.size <= 100 else 12.0
        draw_points(
            ax, np.tile(slots, hours.size), values.ravel(), np.repeat(hours, slots.size),
            size=size, cmap=TIME_MAP, norm=norm,
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
    from matplotlib.colors import Normalize

    scale, unit = unit_of(hours)
    norm = Normalize(0.0, scale * _last_of(hours))
    bar = figure.colorbar(ScalarMappable(norm, TIME_MAP), cax=bar_axes(figure, axes, style))
    bar.set_label(f"{unit} of stable beams")


def bar_axes(figure: Figure, axes: Sequence[Axes], style: Style) -> Axes:
    """Return the place of a colour bar to the right of a column of panels."""
    from lumimod.plots.rendering.ticks import QuickAxes

    boxes = [ax.get_position() for ax in axes]
    width_em = style.fig_size_in[0] / style.em_in
    left = max(box.x1 for box in boxes) + 0.7 / width_em
    bottom, top = min(box.y0 for box in boxes), max(box.y1 for box in boxes)
    place = (left, bottom, 0.7 / width_em, top - bottom)
    return figure.add_axes(place, axes_class=QuickAxes)


def _norm_of(hours: FloatArray) -> Normalize:
    """Return the scale of the colours, for points and for their bar."""
    from matplotlib.colors import Normalize

    return Normalize(0.0, _last_of(hours))


def _last_of(hours: FloatArray) -> float:
    return max(float(hours[-1]), 0.02)
