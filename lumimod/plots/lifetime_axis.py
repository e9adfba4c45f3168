"""The axis of lifetimes.

A lifetime is infinite where nothing is lost and negative where there is growth. The axis is
therefore linear in the rate 1/lifetime and labelled with lifetimes in hours. Medians and quantiles
are those of the rate.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from lumimod.arrays import FloatArray
from lumimod.plots.axes import (
    joint_limits,
    limits_of_each,
    marker_radius,
    note_outside,
    set_ticks,
    without_spikes,
)
from lumimod.plots.numbers import MIDDLE, finite, minus, significant
from lumimod.plots.style import MUTED
from lumimod.summary.loss_words import NEAR_NONE, lifetime_words

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NOISE = 0.01
"""Rate in 1/h, of a lifetime of 100 h, up to which an axis goes on both sides of no loss.

Rates that scatter around none would fill the panel otherwise, as lifetimes of 1,000 h and more.
"""
ROUND = (
    (1, 2, 5),
    (1.5, 3, 4, 7),
    (1.2, 2.5, 6, 8, 9),
    (1.1, 1.3, 1.4, 1.6, 1.8, 2.2, 3.5, 4.5),
    tuple(n / 10 for n in range(10, 100)),
    tuple(n / 100 for n in range(100, 1000)),
)
"""Leading digits of the hours at ticks, the roundest first."""


def per_hour(lifetime_s: FloatArray) -> FloatArray:
    """Return 1/lifetime in 1/h: 0 if it is infinite, NaN if it is not known."""
    with np.errstate(divide="ignore"):
        rate = 3600.0 / lifetime_s
    return np.where(np.isfinite(rate), rate, np.nan)


def hours_text(rate_per_h: float) -> str:
    """Return the lifetime or the growth time of a rate, with three digits."""
    return lifetime_words(rate_per_h, significant)


def _range_text(low_per_h: float, high_per_h: float) -> str:
    """Return the range between the lifetimes of two rates, the largest loss first."""
    if low_per_h > NEAR_NONE:
        return f"{significant(1 / high_per_h)} to {hours_text(low_per_h)}"
    if high_per_h < -NEAR_NONE:  # growth times alone, the shortest first
        return _range_text(-high_per_h, -low_per_h)
    lifetime = "lifetime " * (high_per_h > NEAR_NONE)
    return f"{lifetime}{hours_text(high_per_h)} to {hours_text(low_per_h)}"


def error_text(hours: float, error_h: float) -> str:
    """Return a lifetime with its standard error, both to the digits that the error allows."""
    digits = -int(np.floor(np.log10(error_h)))
    digits += error_h * 10**digits < 2  # 0.14 rather than 0.1
    digits = max(digits, 0)
    return f"{hours:.{digits}f} ± {error_h:.{digits}f} h"


def median_text(rate_per_h: FloatArray, error_h: float = np.nan) -> str:
    """Return the median lifetime and, in brackets, the range of the middle 68 %.

    `error_h` is the standard error of one bunch's lifetime, NaN if it is not known; one that is
    larger than the lifetime is not shown.
    """
    known = finite(rate_per_h)
    if not known.size:
        return "no data"
    low, median, high = map(float, np.quantile(known, MIDDLE))
    centre = hours_text(median)
    if median > NEAR_NONE and 0 < error_h < 1 / median:
        centre = error_text(1 / median, error_h)
    if hours_text(low) == hours_text(high):
        return centre
    return f"{centre} ({_range_text(low, high)})"


def set_lifetime_axis(ax: Axes, label: str, *rates: FloatArray, in_time: bool = False) -> None:
    """Make y linear in the rate in 1/h, long lifetimes on top, with ticks in hours.

    Spikes of rates that are lines against time, `in_time`, set no limits.
    """
    shown, tail = (map(without_spikes, rates), 0.0) if in_time else (rates, 0.01)
    low, high = limits_of_each(*shown, tail=tail, marker=marker_radius(ax)) if rates else (0.0, 0.1)
    if high - low < NEAR_NONE:
        low, high = (low + high - NEAR_NONE) / 2, (low + high + NEAR_NONE) / 2
    if low < 0 < high:
        low, high = min(low, -NOISE), max(high, NOISE)
    _set_limits(ax, low, high)
    ax.set_ylabel(label)
    note_outside(ax, *rates)


def _set_limits(ax: Axes, low: float, high: float) -> None:
    ax.set_ylim(high, low)
    ticks = lifetime_ticks(low, high)
    set_ticks(ax.yaxis, ticks, [minus(f"{1 / t:.4g}") if t else "∞" for t in ticks])
    if low < 0 < high:
        ax.axhline(0.0, color=MUTED, linewidth=0.9, zorder=1)


def share_lifetimes(axes: Sequence[Axes]) -> None:
    """Give axes of lifetimes the same limits and ticks."""
    if axes:
        low, high = joint_limits(axes)
        for ax in axes:
            _set_limits(ax, low, high)


def lifetime_ticks(low: float, high: float) -> list[float]:
    """Return the rates in 1/h of round lifetimes in hours, well apart from each other."""
    ticks = [0.0] if low <= 0 <= high else []
    for leading in ROUND:
        hours = np.outer(10.0 ** np.arange(-2, 5), leading).ravel()
        for rate in sorted([*(1 / hours), *(-1 / hours)], key=abs):
            if low <= rate <= high and all(abs(rate - t) > (high - low) / 8 for t in ticks):
                ticks.append(rate)
        if len(ticks) >= 4:
            break
    return sorted(ticks)
