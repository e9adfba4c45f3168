"""Axes of panels: hours of stable beams, 25 ns slots, values."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from lumimod.arrays import FloatArray, IntArray
from lumimod.plots.numbers import finite
from lumimod.plots.style import MUTED, REFERENCE
from lumimod.readers.stamps import ZURICH

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis


ROOM = 0.08
"""Part of the range that stays free at both ends: no line or marker lies on the frame."""
POINT_AREA = 26.0
"""Of the largest markers of bunches and times, in square points."""
SPIKES = 0.06
"""Part of the values of bunches at each end that may be spikes, which set no limits."""
SPIKE_TIMES = 2
"""A spike of a line lasts no more times than that."""
ROUND_STEPS = (1, 2, 2.5, 5, 10)
"""Of ticks."""
LEAST_RATIO = 0.01
"""No axis of ratios shows less than that on both sides of 1."""


def hours_since(time_s: FloatArray) -> FloatArray:
    """Return times in hours since the first."""
    return (time_s - time_s[0]) / 3600.0


def unit_of(hours: FloatArray) -> tuple[float, str]:
    """Return by what hours are multiplied to be shown, and the unit: minutes below one hour."""
    return (60.0, "minutes") if hours.size and hours[-1] < 1 else (1.0, "hours")


def few_ticks(
    axis: Axis, most: int, *, integer: bool = False, steps: Sequence[float] | None = None
) -> None:
    """Put ticks at round values, at most `most` + 1 of them."""
    from matplotlib.ticker import MaxNLocator

    axis.set_major_locator(MaxNLocator(most, integer=integer, steps=steps))


def set_ticks(
    axis: Axis, places: Sequence[float], words: Sequence[str] | None = None, *, minor: bool = False
) -> None:
    """Put ticks at places, major ones unless `minor`, with words beside them if not the numbers.

    `Axis.set_ticks` would make five artists for each of them.
    """
    from matplotlib.ticker import FixedFormatter, FixedLocator

    locate, form = (
        (axis.set_minor_locator, axis.set_minor_formatter)
        if minor
        else (axis.set_major_locator, axis.set_major_formatter)
    )
    locate(FixedLocator(places))
    if words is not None:
        form(FixedFormatter(words))


def hour_axis(ax: Axes, time_s: FloatArray, *, label: bool = True) -> None:
    """Make x the hours of stable beams, with the time of day in Zurich below each tick.

    Of less than an hour ticks are minutes.
    """
    from matplotlib.ticker import MaxNLocator

    last = max(float(hours_since(time_s)[-1]), 0.02)
    ax.set_xlim(-0.015 * last, 1.015 * last)
    per_hour, unit = unit_of(np.array([last]))
    rounded = MaxNLocator(6, steps=[1, 2, 5, 10]).tick_values(0, per_hour * last)
    ticks = [t / per_hour for t in rounded if 0 <= t <= 1.01 * per_hour * last]
    clocks = (datetime.fromtimestamp(time_s[0] + 3600 * t, ZURICH) for t in ticks)
    words = [f"{per_hour * t:g}\n{clock:%H:%M}" for t, clock in zip(ticks, clocks)]
    set_ticks(ax.xaxis, ticks, words)
    if label:
        ax.set_xlabel(f"{unit} of stable beams | time of day (Europe/Zurich)")


def slot_axis(ax: Axes, *slots: IntArray, label: bool = True) -> None:
    """Make x the 25 ns slots, with room at both ends."""
    every_slot = np.concatenate([np.empty(0, np.int64), *slots])
    low, high = (every_slot.min(), every_slot.max()) if every_slot.size else (0, 3563)
    room = max(0.02 * (high - low), 1.0)
    ax.set_xlim(low - room, high + room)
    few_ticks(ax.xaxis, 6, integer=True)
    if high - low < 2:
        set_ticks(ax.xaxis, np.unique(every_slot).tolist() or [low, high])
    if label:
        ax.set_xlabel("25 ns slot")


def robust_range(values: FloatArray, tail: float = 0.01) -> tuple[float, float]:
    """Return from where to where the finite values are, far outliers left out; there must be one.

    The central range leaves out a fraction `tail` at each end. Outliers are further away from it
    than it is wide.
    """
    known = finite(values)
    low, high = np.quantile(known, [tail, 1 - tail])
    span = max(high - low, _rounding(low, high))
    inside = known[(known >= low - span) & (known <= high + span)]
    return float(inside.min()), float(inside.max())


def without_spikes(values: FloatArray) -> FloatArray:
    """Return values against time, (..., n_times), as NaN where one or two times are far off.

    Far is beyond the range of the running median of five times by more than that range. What
    lasts longer is no spike, such as losses at the start of a fill.
    """
    width = 2 * SPIKE_TIMES + 1
    if values.shape[-1] < width:
        return values
    ends = [(0, 0)] * (values.ndim - 1) + [(SPIKE_TIMES, SPIKE_TIMES)]
    around = np.lib.stride_tricks.sliding_window_view(
        np.pad(values, ends, constant_values=np.nan), width, axis=-1
    )
    # NaN is sorted to the end: of what is known, the lower of two middle values will do.
    middle = np.maximum((np.isfinite(around).sum(axis=-1) - 1) // 2, 0)
    usual = finite(np.take_along_axis(np.sort(around, axis=-1), middle[..., None], axis=-1))
    if not usual.size:
        return values
    low, high = usual.min(), usual.max()
    span = max(high - low, _rounding(low, high))
    with np.errstate(invalid="ignore"):
        return np.where((values >= low - span) & (values <= high + span), values, np.nan)


def _rounding(low: float, high: float) -> float:
    """Return how far values may be apart that are equal but for rounding."""
    return 1e-9 * max(abs(low), abs(high))


def robust_limits(*values: FloatArray, tail: float = 0.01) -> tuple[float, float]:
    """Return limits that hold all values together but far outliers; (0, 1) without values."""
    return limits_of_each(finite(*values), tail=tail)


def limits_of_each(
    *values: FloatArray, tail: float = 0.01, marker: float = 0.0
) -> tuple[float, float]:
    """Return limits that hold the robust range of each array, of four bunches beside 2,500 too.

    The joint range gets `ROOM` at both ends, and the radius of markers, `marker`, in units of the
    height of the panel.
    """
    ranges = [robust_range(of, tail) for of in values if np.isfinite(of).any()]
    if not ranges:
        return 0.0, 1.0
    low, high = min(low for low, _ in ranges), max(high for _, high in ranges)
    if high - low <= _rounding(low, high):
        room = 0.05 * abs(high) or 1.0
    else:
        room = _room(marker) * (high - low)
    return low - room, high + room


def _room(marker: float) -> float:
    """Return the room beyond a range, in units of the range, for markers of that radius."""
    return (ROOM + marker) / (1 - 2 * marker)


def marker_radius(ax: Axes) -> float:
    """Return the largest radius of the markers in a panel, in units of its height.

    Points of bunches and times are drawn when the limits are known: room is left for them too.
    """
    lines = [one for one in ax.lines if one.get_marker() not in ("None", "none", " ", "", None)]
    sizes = [POINT_AREA**0.5, *(one.get_markersize() + one.get_markeredgewidth() for one in lines)]
    height = ax.get_window_extent().height / ax.figure.dpi * 72
    return min(max(sizes) / 2 / height, 0.1)


def set_value_axis(
    ax: Axes,
    label: str,
    *values: FloatArray,
    tail: float = 0.01,
    beside: Sequence[FloatArray] = (),
    include: float | None = None,
    in_time: bool = False,
) -> None:
    """Label y, set its limits from the values, and note how many lie outside.

    Parameters
    ----------
    ax
        The panel, with its markers.
    label
        Of the axis.
    values
        What the panel shows.
    tail
        As of `robust_range`.
    beside
        What a panel beside shows that is to have the same limits.
    include
        A value to compare with, which is always in view.
    in_time
        All values are lines against time, whose spikes set no limits.
    """
    compared = [] if include is None else [np.array([include])]
    every = (*values, *beside, *compared)
    if in_time:
        tail, every = 0.0, tuple(map(without_spikes, every))
    ax.set_ylim(*limits_of_each(*every, tail=tail, marker=marker_radius(ax)))
    ax.set_ylabel(label)
    note_outside(ax, *values)


def note_outside(ax: Axes, *values: FloatArray) -> None:
    """Note how many values lie outside the limits of y, if any do."""
    low, high = sorted(ax.get_ylim())
    known = finite(*values)
    outside = int(np.count_nonzero((known < low) | (known > high)))
    if outside:
        ax.annotate(
            f"{outside:,} of {known.size:,} points outside", (1.0, 0.0), (-2, 3),
            xycoords="axes fraction", textcoords="offset points",
            ha="right", va="bottom", size="x-small", color=MUTED,
            bbox={"boxstyle": "square,pad=0.1", "facecolor": "white", "alpha": 0.8, "lw": 0},
        )  # fmt: skip


def share_values(axes: Sequence[Axes]) -> None:
    """Give panels of the same quantity the same limits and ticks of y."""
    low, high = joint_limits(axes)
    for ax in axes:
        ax.set_ylim(low, high)


def joint_limits(axes: Sequence[Axes]) -> tuple[float, float]:
    """Return limits with room around the joint range of panels that each have room now."""
    rooms = [_room(marker_radius(ax)) for ax in axes]
    ranges = []
    for ax, room in zip(axes, rooms):
        low, high = sorted(ax.get_ylim())
        within = room / (1 + 2 * room) * (high - low)
        ranges.append((low + within, high - within))
    low, high = min(low for low, _ in ranges), max(high for _, high in ranges)
    return low - max(rooms) * (high - low), high + max(rooms) * (high - low)


def ratio_axis(ax: Axes, label: str, *lines: FloatArray, tail: float = 0.05) -> None:
    """Make y an axis of ratios: 1 is in view, at least 1 % on both sides of it, round ticks."""
    least = np.array([1 - LEAST_RATIO, 1 + LEAST_RATIO])
    ax.set_ylim(*limits_of_each(*lines, least, tail=tail, marker=marker_radius(ax)))
    ax.set_ylabel(label)
    ax.axhline(1.0, color=REFERENCE, linewidth=1.2, zorder=1.5)
    few_ticks(ax.yaxis, 4, steps=ROUND_STEPS)
    note_outside(ax, *lines)
