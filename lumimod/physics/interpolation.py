"""Linear interpolation in time, end values held, of many bunches at once."""

from __future__ import annotations

import numpy as np

from lumimod.arrays import FloatArray, IntArray


def interp_columns(
    time_s: FloatArray, sample_time_s: FloatArray, samples: FloatArray
) -> FloatArray:
    """Return every column of `samples` at the times `time_s`: (n_times, n_columns).

    The arithmetic is that of `numpy.interp`, so the numbers are the same to the last bit, but
    the bracketing samples are searched once for all columns. Outside the samples the end values
    hold. A NaN sample gives NaN between its neighbours; use `interp_valid_columns` to bridge it.

    Parameters
    ----------
    time_s
        Where to interpolate, (n_times,).
    sample_time_s
        Increasing times of the samples, (n_samples,), at least one.
    samples
        (n_samples, n_columns).
    """
    if sample_time_s.size == 1:
        return np.repeat(samples[:1], time_s.size, axis=0)
    left = np.clip(np.searchsorted(sample_time_s, time_s, side="right") - 1, 0, len(samples) - 2)
    t0, t1 = sample_time_s[left], sample_time_s[left + 1]
    y0, y1 = samples[left], samples[left + 1]
    with np.errstate(invalid="ignore", divide="ignore"):
        slope = (y1 - y0) / (t1 - t0)[:, None]
        out = slope * (time_s - t0)[:, None] + y0
    _hold_ends(out, time_s, sample_time_s, samples)
    return out


def _hold_ends(
    out: FloatArray, time_s: FloatArray, sample_time_s: FloatArray, samples: FloatArray
) -> None:
    out[time_s <= sample_time_s[0]] = samples[0]
    out[time_s >= sample_time_s[-1]] = samples[-1]


def interp_valid_columns(
    time_s: FloatArray, sample_time_s: FloatArray, samples: FloatArray
) -> FloatArray:
    """Return every column at `time_s` from its own finite samples: (n_times, n_columns).

    Columns without a finite sample are NaN.
    """
    column = np.arange(samples.shape[1])
    return _from_valid(time_s[:, None], column, sample_time_s, samples)


def interp_each_column(
    time_s: FloatArray, sample_time_s: FloatArray, samples: FloatArray
) -> FloatArray:
    """Return column j at its own time `time_s[j]` from its finite samples: (n_columns,).

    NaN times and columns without a finite sample give NaN.
    """
    out = np.full(time_s.size, np.nan)
    asked = np.flatnonzero(np.isfinite(time_s))
    out[asked] = _from_valid(time_s[asked], asked, sample_time_s, samples)
    return out


def _from_valid(
    time_s: FloatArray, column: IntArray, sample_time_s: FloatArray, samples: FloatArray
) -> FloatArray:
    """Return `column` at `time_s`, broadcast against each other, from its finite samples."""
    n = len(samples)
    if n == 0:
        return np.full(np.broadcast(time_s, column).shape, np.nan)
    valid = np.isfinite(samples)
    row = np.arange(n)[:, None]
    before = np.maximum.accumulate(np.where(valid, row, -1), axis=0)
    after = np.minimum.accumulate(np.where(valid, row, n)[::-1], axis=0)[::-1]
    left = np.searchsorted(sample_time_s, time_s, side="right") - 1
    i0 = np.where(left >= 0, before[np.maximum(left, 0), column], -1)
    i1 = np.where(left + 1 < n, after[np.minimum(left + 1, n - 1), column], n)
    # Beyond a column's samples the nearest one holds; without any, both ends are NaN.
    lower, upper = np.where(i0 < 0, i1, i0), np.where(i1 >= n, i0, i1)
    lower, upper = np.minimum(lower, n - 1), np.maximum(upper, 0)
    t0, t1 = sample_time_s[lower], sample_time_s[upper]
    y0, y1 = samples[lower, column], samples[upper, column]
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(t1 > t0, (y1 - y0) / (t1 - t0) * (time_s - t0) + y0, y0)


def interp_groups(
    time_s: FloatArray, group_start: IntArray, sample_time_s: FloatArray, samples: FloatArray
) -> FloatArray:
    """Return each group of samples at the times `time_s`: (n_times, n_groups).

    Group j holds the samples `group_start[j]:group_start[j + 1]`, in order of time. A group
    without samples is NaN.
    """
    out = np.full((time_s.size, group_start.size - 1), np.nan)
    for j, (a, b) in enumerate(zip(group_start[:-1], group_start[1:])):
        if b > a:
            out[:, j] = np.interp(time_s, sample_time_s[a:b], samples[a:b])
    return out
