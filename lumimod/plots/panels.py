"""Panels that all pictures are made of: evolutions, bunch-by-bunch panels, their axes and notes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.gridspec import GridSpec
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, MaxNLocator

from lumimod.arrays import BoolArray, FloatArray, IntArray
from lumimod.plots.style import MUTED, TIME_MAP, Look, Style
from lumimod.readers.stamps import ZURICH

_AS_LARGE = {"s": 0.9, "D": 0.85, "^": 1.25, "v": 1.25}
"""Factors that make markers look as large as a dot."""
MOST_MARKERS = 20_000
"""Panels with more points are drawn as one image: as quick for 2,500 bunches as for ten."""


# --- layout


@dataclass(frozen=True)
class Margins:
    """Space around and between panels, in units of the font size."""

    left: float = 5.0
    right: float = 1.5
    top: float = 4.6
    bottom: float = 4.2
    between_columns: float = 6.7
    between_rows: float = 3.7


def panels(
    figure: Figure,
    style: Style,
    n_rows: int,
    n_columns: int,
    *,
    margins: Margins = Margins(),  # noqa: B008 - frozen
    widths: Sequence[float] | None = None,
    heights: Sequence[float] | None = None,
) -> list[list[Axes]]:
    """Return rows of axes, placed by the font size: quicker than an automatic layout."""
    width, height = (size / style.em_in for size in style.fig_size_in)
    gaps_x, gaps_y = margins.between_columns * (n_columns - 1), margins.between_rows * (n_rows - 1)
    each_width = max((width - margins.left - margins.right - gaps_x) / n_columns, 1.0)
    each_height = max((height - margins.top - margins.bottom - gaps_y) / n_rows, 1.0)
    grid = GridSpec(
        n_rows,
        n_columns,
        figure=figure,
        left=margins.left / width,
        right=1 - margins.right / width,
        bottom=margins.bottom / height,
        top=1 - margins.top / height,
        wspace=margins.between_columns / each_width,
        hspace=margins.between_rows / each_height,
        width_ratios=widths,
        height_ratios=heights,
    )
    return [[figure.add_subplot(grid[r, c]) for c in range(n_columns)] for r in range(n_rows)]


def title(figure: Figure, style: Style, fill: int, start_s: float, what: str) -> None:
    """Write the title of a picture of stable beams: the fill, and when they were declared."""
    when = datetime.fromtimestamp(start_s, ZURICH)
    declared = f"STABLE BEAMS declared on {when:%a %d %b %Y %H:%M} (Europe/Zurich)"
    write_title(figure, style, f"Fill {fill}: {declared}", what)


def write_title(figure: Figure, style: Style, first: str, second: str) -> None:
    """Write the two lines above the panels."""
    width_em, height_em = (size / style.em_in for size in style.fig_size_in)
    # Long lines are written smaller: a letter is 0.55 em wide in the mean, a bold one 0.62.
    room = width_em - 1.0
    bold = style.font_size * min(1.0, room / (0.62 * max(len(first), 1)))
    small = style.font_size * min(0.833, room / (0.55 * max(len(second), 1)))
    at = 0.5 / width_em
    figure.text(at, 1 - 0.4 / height_em, first, va="top", weight="bold", size=bold)
    figure.text(at, 1 - 1.8 / height_em, second, va="top", color=MUTED, size=small)


# --- axes


def hours_since(time_s: FloatArray) -> FloatArray:
    """Return times in hours since the first."""
    return (time_s - time_s[0]) / 3600.0


def hour_axis(ax: Axes, time_s: FloatArray, *, label: bool = True) -> None:
    """Make x hours since stable beams, the time of day in Zurich below each tick."""
    last = max(float(hours_since(time_s)[-1]), 0.02)
    ax.set_xlim(-0.015 * last, 1.015 * last)
    ticks = [t for t in MaxNLocator(6, steps=[1, 2, 5, 10]).tick_values(0, last) if t >= 0]
    ticks = [t for t in ticks if t <= 1.01 * last]
    ax.xaxis.set_major_locator(FixedLocator(ticks))
    clocks = (datetime.fromtimestamp(time_s[0] + 3600 * t, ZURICH) for t in ticks)
    ax.set_xticklabels([f"{t:g}\n{clock:%H:%M}" for t, clock in zip(ticks, clocks)])
    if label:
        ax.set_xlabel("hours of stable beams | time of day (Europe/Zurich)")


def slot_axis(ax: Axes, *slots: IntArray, label: bool = True) -> None:
    """Make x the 25 ns slots, with some room at both ends."""
    found = np.concatenate([np.empty(0, np.int64), *slots])
    low, high = (found.min(), found.max()) if found.size else (0, 3563)
    room = max(0.02 * (high - low), 1.0)
    ax.set_xlim(low - room, high + room)
    ax.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    if label:
        ax.set_xlabel("25 ns slot")


def robust_limits(*values: FloatArray, tail: float = 0.01) -> tuple[float, float]:
    """Return limits that hold the values but for far outliers; (0, 1) without values.

    Outliers are more than the span of the middle 98 % away from it, `tail` being what is left out
    at each end.
    """
    found = np.concatenate([np.empty(0), *(v[np.isfinite(v)].ravel() for v in values)])
    if not found.size:
        return 0.0, 1.0
    low, high = np.quantile(found, [tail, 1 - tail])
    rounding = 1e-9 * max(abs(low), abs(high))
    span = max(high - low, rounding)
    inside = found[(found >= low - span) & (found <= high + span)]
    low, high = inside.min(), inside.max()
    room = 0.06 * (high - low) if high - low > rounding else 0.05 * abs(high) or 1.0
    return float(low - room), float(high + room)


def limits_of_each(*values: FloatArray, tail: float = 0.01) -> tuple[float, float]:
    """Return limits that hold the robust limits of each: four bunches of 2,500 count too."""
    each = [robust_limits(v, tail=tail) for v in values if np.isfinite(v).any()] or [(0.0, 1.0)]
    return min(low for low, _ in each), max(high for _, high in each)


def set_value_axis(
    ax: Axes,
    label: str,
    *values: FloatArray,
    tail: float = 0.01,
    beside: Sequence[FloatArray] = (),
    include: float | None = None,
) -> None:
    """Label y and set its limits from the values; say how many of them lie outside.

    Limits also hold the values `beside`, of a panel that is to have the same, and one to compare
    with that they are to `include`.
    """
    low, high = limits_of_each(*values, *beside, tail=tail)
    if include is not None:
        room = 0.06 * (high - low)
        low, high = min(low, include - room), max(high, include + room)
    ax.set_ylim(low, high)
    ax.set_ylabel(label)
    note_outside(ax, *values)


def note_outside(ax: Axes, *values: FloatArray) -> None:
    """Say how many of the values lie outside the limits of y, if any do."""
    low, high = sorted(ax.get_ylim())
    found = np.concatenate([np.empty(0), *(v[np.isfinite(v)].ravel() for v in values)])
    outside = int(np.count_nonzero((found < low) | (found > high)))
    if outside:
        ax.annotate(
            f"{outside:,} of {found.size:,} points outside", (1.0, 0.0), (-2, 3),
            xycoords="axes fraction", textcoords="offset points",
            ha="right", va="bottom", size="x-small", color=MUTED,
            bbox={"boxstyle": "square,pad=0.1", "facecolor": "white", "alpha": 0.8, "lw": 0},
        )  # fmt: skip


def note_missing(ax: Axes, why: str) -> None:
    """Say in words what a panel cannot show."""
    ax.text(
        0.5, 0.5, why, transform=ax.transAxes, ha="center", va="center", color=MUTED, zorder=10,
        bbox={"boxstyle": "round,pad=0.6", "facecolor": "white", "edgecolor": MUTED},
    )  # fmt: skip


def missing_picture(figure: Figure, why: str) -> None:
    """Say in words why a picture has no panels."""
    ax = figure.add_axes((0.0, 0.0, 1.0, 0.9))
    ax.set_axis_off()
    note_missing(ax, why)


def legend_above(
    ax: Axes, n_columns: int = 2, *, marker_size: float | None = None, size: str = "small"
) -> None:
    """Put the legend above the panel, where it hides nothing.

    `marker_size` makes the markers of the legend larger than those of many points.
    """
    handles, labels = ax.get_legend_handles_labels()
    if handles:
        legend = ax.legend(
            handles, labels, loc="lower left", bbox_to_anchor=(0.0, 1.01), ncols=n_columns,
            fontsize=size, labelspacing=0.3,
        )  # fmt: skip
        for handle in legend.legend_handles:
            if marker_size is not None and isinstance(handle, Line2D):
                handle.set_markersize(marker_size)


# --- panels


def spread_text(values: FloatArray, unit: str) -> str:
    """Return 'mean ± spread unit' of all finite values, with two digits of the spread."""
    found = values[np.isfinite(values)]
    if not found.size:
        return "no data"
    mean, spread = float(found.mean()), float(found.std())
    # Equal values, but for rounding, are given with four digits.
    scale = spread if spread > 1e-6 * abs(mean) else mean / 100
    return f"{_rounded(mean, scale)} ± {_rounded(spread, scale)} {unit}".rstrip()


def _rounded(value: float, scale: float) -> str:
    """Return a value with as many decimals as show two digits of `scale`."""
    decimals = 2 if scale == 0 else 1 - int(np.floor(np.log10(abs(scale))))
    return f"{value:,.{min(max(decimals, 0), 6)}f}"


def mean_and_spread(values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return mean and rms over the finite values of each row; NaN where there are none."""
    counts = np.isfinite(values).sum(axis=1)
    filled = np.where(np.isfinite(values), values, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = filled.sum(axis=1) / counts
        deviation = np.where(np.isfinite(values), values - mean[:, None], 0.0)
        return mean, np.sqrt((deviation**2).sum(axis=1) / counts)


def finite(values: FloatArray) -> FloatArray:
    """Return the values that there are, flat."""
    return values[np.isfinite(values)]


def draw_slots(ax: Axes, slots: IntArray, values: FloatArray, look: Look, label: str) -> None:
    """Draw one point per bunch, (n_slots,), in the colour and marker of a look."""
    size = 5.0 if slots.size <= 100 else 3.0 if slots.size <= 1000 else 2.0
    size *= _AS_LARGE.get(look.marker, 1.0)
    ax.plot(
        slots, values, linestyle="none", marker=look.marker, markersize=size,
        markeredgewidth=0, color=look.color, label=label,
    )  # fmt: skip


def draw_evolution(ax: Axes, hours: FloatArray, values: FloatArray, look: Look, label: str) -> None:
    """Draw mean and +-1 sigma over bunches, (n_times, n_slots), against time."""
    mean, spread = mean_and_spread(values)
    draw_line(ax, hours, mean, look, label=label)
    if values.shape[1] > 1:
        draw_band(ax, hours, mean - spread, mean + spread, look.color, alpha=0.2)


def draw_line(ax: Axes, x: FloatArray, y: FloatArray, look: Look, **how: Any) -> None:
    """Draw a line in the colour and dashes of a look, with its marker where there is no line."""
    how = {"color": look.color, "linestyle": look.linestyle, **how}
    lone = _without_neighbours(y)
    if lone.any():
        how |= {"marker": look.marker, "markevery": np.flatnonzero(lone).tolist()}
    ax.plot(x, y, **how)


def draw_band(
    ax: Axes, x: FloatArray, low: FloatArray, high: FloatArray, color: str, *, alpha: float
) -> None:
    """Fill the space between two lines, as a bar where they are points."""
    ax.fill_between(x, low, high, color=color, alpha=alpha, lw=0)
    lone = _without_neighbours(low) & np.isfinite(high)
    if lone.any():
        ax.vlines(x[lone], low[lone], high[lone], color=color, alpha=alpha, linewidth=6.0)


def _without_neighbours(values: FloatArray) -> BoolArray:
    """Return where there is a value but none before or after: a line through it is not seen."""
    there = np.concatenate([[False], np.isfinite(values), [False]])
    return there[1:-1] & ~there[:-2] & ~there[2:]


def draw_bunches(
    ax: Axes, slots: IntArray, values: FloatArray, hours: FloatArray, style: Style
) -> None:
    """Draw one point per bunch and time, (n_times, n_slots), coloured by time.

    `hours` are those of the colour bar; `values` may lack the last ones. The limits of the axes
    must be set: panels of many points are drawn as an image between them, whose values are the
    hours.
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
    """Return the panel pixel by pixel: the hours of the newest point there, masked elsewhere."""
    box = ax.get_window_extent()
    width, height = max(int(box.width), 1), max(int(box.height), 1)
    (x0, x1), (y0, y1) = ax.get_xlim(), ax.get_ylim()
    column = ((slots - x0) / (x1 - x0) * width).astype(np.int64)
    with np.errstate(invalid="ignore"):
        place = (values - y0) / (y1 - y0) * height
    out = np.full((height, width), np.nan)
    radius = max(1, round(height / 300))
    for row, hour in zip(place, hours):
        seen = np.isfinite(row) & (row >= 0) & (row < height)
        y, x = row[seen].astype(np.int64), column[seen]
        for dy in range(-radius, radius + 1):
            for dx in range(-radius, radius + 1):
                if dx * dx + dy * dy <= radius * radius:
                    out[np.clip(y + dy, 0, height - 1), np.clip(x + dx, 0, width - 1)] = hour
    return np.ma.masked_invalid(out)


def hours_bar(figure: Figure, axes: Sequence[Axes], hours: FloatArray, style: Style) -> None:
    """Draw the colour bar of `draw_bunches` right of a column of panels."""
    boxes = [ax.get_position() for ax in axes]
    width_em = style.fig_size_in[0] / style.em_in
    left = max(box.x1 for box in boxes) + 0.7 / width_em
    bottom, top = min(box.y0 for box in boxes), max(box.y1 for box in boxes)
    bar_axes = figure.add_axes((left, bottom, 0.7 / width_em, top - bottom))
    bar = figure.colorbar(ScalarMappable(_norm_of(hours), TIME_MAP), cax=bar_axes)
    bar.set_label("hours of stable beams")


def _norm_of(hours: FloatArray) -> Normalize:
    """Return the scale of the colours of time: the same for points and for their bar."""
    return Normalize(0.0, max(float(hours[-1]), 0.02))
