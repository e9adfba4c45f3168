"""Axes of panels: hours of stable beams, 25 ns slots, and values with their outliers counted."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from lumimod.arrays import FloatArray, IntArray
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
    """Put ticks at round values, at most so many and one more."""
    from matplotlib.ticker import MaxNLocator

    axis.set_major_locator(MaxNLocator(most, integer=integer, steps=steps))


def hour_axis(ax: Axes, time_s: FloatArray, *, label: bool = True) -> None:
    """Make x hours since stable beams, the time of day in Zurich below each tick."""
    from matplotlib.ticker import MaxNLocator

    last = max(float(hours_since(time_s)[-1]), 0.02)
    ax.set_xlim(-0.015 * last, 1.015 * last)
    round_hours = MaxNLocator(6, steps=[1, 2, 5, 10]).tick_values(0, last)
    ticks = [t for t in round_hours if 0 <= t <= 1.01 * last]
    ax.set_xticks(ticks)
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
    few_ticks(ax.xaxis, 6, integer=True)
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
