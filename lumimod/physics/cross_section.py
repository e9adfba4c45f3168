"""Effective cross-section of losses: protons lost for each unit of integrated luminosity."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from lumimod.arrays import FloatArray, IntArray


class CrossSection(NamedTuple):
    """Slope of -N against integrated luminosity; shapes (n_windows, ...) of the bunches."""

    sigma_m2: FloatArray
    """Effective cross-section, signed: noise does not bias it."""
    error_m2: FloatArray
    """Its standard error, from the scatter about the line; NaN below three samples."""
    time_s: FloatArray
    """Middle of each window, (n_windows,)."""


def effective_cross_section(
    time_s: FloatArray,
    intensity_ppb: FloatArray,
    lumi: FloatArray,
    *,
    window_s: float = np.inf,
) -> CrossSection:
    """Return the effective cross-section by regression in successive windows.

    In each window N is fitted by a straight line against the luminosity integrated from the
    start (trapezoid): the slope is minus the cross-section. The last window may be shorter, but
    takes at least three samples.

    Parameters
    ----------
    time_s
        (n_times,).
    intensity_ppb, lumi
        (n_times,) or (n_times, n_slots); `lumi` in 1/(m^2 s), the sum of all experiments.
        Samples that are NaN in either do not count.
    window_s
        Length of a window; infinite: one window over all times.
    """
    many = intensity_ppb.reshape(time_s.size, -1)
    integrated = _integrated(time_s, lumi.reshape(time_s.size, -1))
    starts = _window_starts(time_s, window_s)
    ends = np.append(starts[1:], time_s.size)
    shape = (starts.size, many.shape[1])
    sigma, error = np.empty(shape), np.empty(shape)
    for i, (start, end) in enumerate(zip(starts, ends)):
        sigma[i], error[i] = _line(integrated[start:end], many[start:end])
    middle = np.array([(time_s[a] + time_s[b - 1]) / 2 for a, b in zip(starts, ends)])
    of_bunches = (starts.size, *intensity_ppb.shape[1:])
    return CrossSection(sigma.reshape(of_bunches), error.reshape(of_bunches), middle)


def _integrated(time_s: FloatArray, lumi: FloatArray) -> FloatArray:
    """Return the luminosity integrated from the first time on, of the shape of `lumi`."""
    from scipy.integrate import cumulative_trapezoid

    total = cumulative_trapezoid(np.nan_to_num(lumi), time_s, axis=0, initial=0)
    return np.where(np.isfinite(lumi), total, np.nan)


def _window_starts(time_s: FloatArray, window_s: float) -> IntArray:
    """Return the index of the first sample of each window."""
    if not np.isfinite(window_s):
        return np.zeros(1, int)
    number = np.floor((time_s - time_s[0]) / window_s + 1e-9)
    starts = np.flatnonzero(np.diff(number, prepend=-1))
    return starts[:-1] if starts.size > 1 and time_s.size - starts[-1] < 3 else starts


def _line(x: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return minus the slope of each column and its standard error."""
    seen = np.isfinite(x) & np.isfinite(y)
    n = seen.sum(axis=0)
    x, y = np.where(seen, x, 0.0), np.where(seen, y, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        dx = np.where(seen, x - x.sum(axis=0) / n, 0.0)
        dy = np.where(seen, y - y.sum(axis=0) / n, 0.0)
        spread = (dx**2).sum(axis=0)
        slope = (dx * dy).sum(axis=0) / spread
        rest = ((dy - slope * dx) ** 2).sum(axis=0)
        error = np.sqrt(rest / (n - 2) / spread)
    enough = (n >= 3) & (spread > 0)
    return np.where(enough, -slope, np.nan), np.where(enough, error, np.nan)
