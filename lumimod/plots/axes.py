"""Axes of panels: hours of stable beams, 25 ns slots, values."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from lumimod.arrays import FloatArray, IntArray
from lumimod.plots.numbers import finite
from lumimod.plots.style import MUTED
from lumimod.readers.stamps import ZURICH

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis


def hours_since(time_s: FloatArray) -> FloatArray:
    """Return times in hours since the first."""
    return (time_s - time_s[0]) / 3600.0


def few_ticks(
    axis: Axis, most: int, *, integer: bool = False, steps: Sequence[float] | None = None
) -> None:
    """Put ticks at round values, at most `most` + 1 of them."""
    from matplotlib.ticker import MaxNLocator

    axis.set_major_locator(MaxNLocator(most, integer=integer, steps=steps))


def set_ticks(axis: Axis, places: Sequence[float], words: Sequence[str] | None = None) -> None:
    """Put ticks at places, with words beside them if not the numbers.

    `Axis.set_ticks` would make five artists for each of them.
    """
    from matplotlib.ticker import FixedFormatter, FixedLocator

    axis.set_major_locator(FixedLocator(places))
    if words is not None:
        axis.set_major_formatter(FixedFormatter(words))


def hour_axis(ax: Axes, time_s: FloatArray, *, label: bool = True) -> None:
    """Make x the hours of stable beams, with the time of day in Zurich below each tick."""
    from matplotlib.ticker import MaxNLocator

    last = max(float(hours_since(time_s)[-1]), 0.02)
    ax.set_xlim(-0.015 * last, 1.015 * last)
    round_hours = MaxNLocator(6, steps=[1, 2, 5, 10]).tick_values(0, last)
    ticks = [t for t in round_hours if 0 <= t <= 1.01 * last]
    clocks = (datetime.fromtimestamp(time_s[0] + 3600 * t, ZURICH) for t in ticks)
    set_ticks(ax.xaxis, ticks, [f"{t:g}\n{clock:%H:%M}" for t, clock in zip(ticks, clocks)])
    if label:
        ax.set_xlabel("hours of stable beams | time of day (Europe/Zurich)")


def slot_axis(ax: Axes, *slots: IntArray, label: bool = True) -> None:
    """Make x the 25 ns slots, with room at both ends."""
    every_slot = np.concatenate([np.empty(0, np.int64), *slots])
    low, high = (every_slot.min(), every_slot.max()) if every_slot.size else (0, 3563)
    room = max(0.02 * (high - low), 1.0)
    ax.set_xlim(low - room, high + room)
    few_ticks(ax.xaxis, 6, integer=True)
    if label:
        ax.set_xlabel("25 ns slot")


def robust_limits(*values: FloatArray, tail: float = 0.01) -> tuple[float, float]:
    """Return limits that hold all values but far outliers; (0, 1) without values.

    The central range leaves out a fraction `tail` at each end. Outliers are further away from it
    than it is wide.
    """
    known = finite(*values)
    if not known.size:
        return 0.0, 1.0
    low, high = np.quantile(known, [tail, 1 - tail])
    rounding = 1e-9 * max(abs(low), abs(high))
    span = max(high - low, rounding)
    inside = known[(known >= low - span) & (known <= high + span)]
    low, high = inside.min(), inside.max()
    room = 0.06 * (high - low) if high - low > rounding else 0.05 * abs(high) or 1.0
    return float(low - room), float(high + room)


def limits_of_each(*values: FloatArray, tail: float = 0.01) -> tuple[float, float]:
    """Return limits that hold the robust limits of each array, of four bunches beside 2,500 too."""
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
    """Label y, set its limits from the values, and note how many lie outside.

    Parameters
    ----------
    ax
        The panel.
    label
        Of the axis.
    values
        What the panel shows.
    tail
        As of `robust_limits`.
    beside
        What a panel beside shows that is to have the same limits.
    include
        A value to compare with, which is always in view.
    """
    low, high = limits_of_each(*values, *beside, tail=tail)
    if include is not None:
        room = 0.06 * (high - low)
        low, high = min(low, include - room), max(high, include + room)
    ax.set_ylim(low, high)
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
