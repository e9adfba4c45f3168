"""Means and spreads over bunches, and how legends write them."""

from __future__ import annotations

import numpy as np

from lumimod.arrays import FloatArray


def finite(*arrays: FloatArray) -> FloatArray:
    """Return the finite values of some arrays, flat."""
    return np.concatenate([np.empty(0), *(array[np.isfinite(array)] for array in arrays)])


def mean_and_spread(values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return mean and standard deviation of the finite values of each row; NaN without any."""
    counts = np.isfinite(values).sum(axis=1)
    filled = np.where(np.isfinite(values), values, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = filled.sum(axis=1) / counts
        deviation = np.where(np.isfinite(values), values - mean[:, None], 0.0)
        return mean, np.sqrt((deviation**2).sum(axis=1) / counts)


def spread_text(values: FloatArray, unit: str) -> str:
    """Return 'mean ± spread unit' of all finite values; the spread has two digits."""
    known = finite(values)
    if not known.size:
        return "no data"
    mean, spread = float(known.mean()), float(known.std())
    # Values that differ by rounding alone are given with four digits.
    scale = spread if spread > 1e-6 * abs(mean) else mean / 100
    return f"{_rounded(mean, scale)} ± {_rounded(spread, scale)} {unit}".rstrip()


def _rounded(value: float, scale: float) -> str:
    """Return a value with as many decimals as two digits of `scale` need."""
    decimals = 2 if scale == 0 else 1 - int(np.floor(np.log10(abs(scale))))
    return f"{value:,.{min(max(decimals, 0), 6)}f}"


def spread_of_bunches(values: FloatArray, unit: str) -> str:
    """Return mean and spread over bunches, and how many have a value unless all have."""
    there = finite(values).size
    text = spread_text(values, unit)
    return text if there in (0, values.size) else f"{text} ({there:,} of {values.size:,})"


def count_text(values: FloatArray) -> str:
    """Return how many bunches ever have a value, as '4 of 6' unless all have."""
    n_bunches = values.shape[1]
    there = int(np.count_nonzero(np.isfinite(values).any(axis=0)))
    return f"{there:,}" if there == n_bunches else f"{there:,} of {n_bunches:,}"


def ends_text(values: FloatArray) -> str:
    """Return mean and spread over bunches at the first and last time that have a value."""
    seen = np.flatnonzero(np.isfinite(values).any(axis=1))
    if not seen.size:
        return "no data"
    return " to ".join(spread_text(values[row], "") for row in (seen[0], seen[-1]))
