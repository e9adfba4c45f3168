"""Effective cross-section of losses: protons lost for each unit of integrated luminosity."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from lumimod.arrays import FloatArray, IntArray
from lumimod.physics.interpolation import interp_valid_columns
from lumimod.physics.lines import Lines, fit_lines
from lumimod.physics.uncertainty import sample_noise

LAST_SAMPLES = 3
"""In which a dump is looked for."""
MAD_TO_RMS = 1.4826
"""Standard deviation of a Gaussian over the median of its modulus."""
ENOUGH_SAMPLES = 8
"""From which number on the noise is taken from third differences."""


class CrossSection(NamedTuple):
    """Protons lost over integrated luminosity; shapes (n_windows, ...) of the bunches."""

    sigma_m2: FloatArray
    """Effective cross-section, signed: noise does not bias it."""
    error_m2: FloatArray
    """Its standard error, from the noise of intensity and luminosity; NaN below three samples."""
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
    takes at least three samples. The error is that of the slope, from the noise of N, and that of
    the integral, from the noise of the luminosity.

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
    many, each = (v.reshape(time_s.size, -1) for v in (intensity_ppb, lumi))
    integrated = _integrated(time_s, each)
    starts = _window_starts(time_s, window_s)
    parts = [slice(*ends) for ends in zip(starts, np.append(starts[1:], time_s.size))]
    lines = Lines(*map(np.stack, zip(*(fit_lines(integrated[of], many[of]) for of in parts))))
    middle = np.array([(time_s[of][0] + time_s[of][-1]) / 2 for of in parts])
    shape = (starts.size, *intensity_ppb.shape[1:])
    error = np.hypot(_error(lines, many), lines.slope * _relative_error(each, lines.n))
    return CrossSection(-lines.slope.reshape(shape), error.reshape(shape), middle)


def whole_cross_section(
    time_s: FloatArray, intensity_ppb: FloatArray, lumi: FloatArray
) -> CrossSection:
    """Return the effective cross-section over all times: what was lost, over what was integrated.

    A straight line through all samples is the more exact if the cross-section is the same all the
    time. If it falls, as after the start of collisions, the line tells another number: where 91 mb
    were lost in a fill of 6 h, from 140 down to 82, it says 89.

    Parameters
    ----------
    time_s, intensity_ppb, lumi
        As of `effective_cross_section`. The first and last sample of a bunch count that it has in
        both; NaN below three samples.

    Returns
    -------
    CrossSection
        Of one window.
    """
    many, each = (v.reshape(time_s.size, -1) for v in (intensity_ppb, lumi))
    integrated = _integrated(time_s, each)
    lines = Lines(*(values[None] for values in fit_lines(integrated, many)))
    seen = np.isfinite(integrated) & np.isfinite(many)
    first, last = seen.argmax(axis=0), len(seen) - 1 - seen[::-1].argmax(axis=0)
    columns = np.arange(many.shape[1])
    lost = many[first, columns] - many[last, columns]
    gained = integrated[last, columns] - integrated[first, columns]
    with np.errstate(invalid="ignore", divide="ignore"):
        sigma = np.where(np.isfinite(lines.slope), lost / gained, np.nan)
        error = np.hypot(
            np.sqrt(2) * _noise(lines, many) / gained, sigma * _relative_error(each, lines.n)[0]
        )
    shape = (1, *intensity_ppb.shape[1:])
    middle = np.array([(time_s[0] + time_s[-1]) / 2])
    return CrossSection(sigma.reshape(shape), error.reshape(shape), middle)


def n_before_dump(total_ppb: FloatArray) -> int:
    """Return how many samples of the intensity of a beam, (n_times,), are from before the dump.

    One that lies between the last measurement with beam and the first without is interpolated
    between both: its loss is far above the usual one. Of the last three samples those are left out
    that follow a loss of more than twice the usual one, the median of six steps, and its noise.
    """
    lost = -np.diff(total_ppb)
    thirds = np.abs(np.diff(total_ppb, n=3))
    noise = np.sqrt(2) * MAD_TO_RMS * np.median(thirds) / np.sqrt(20) if thirds.size else 0.0
    n = total_ppb.size
    for last in range(max(n - LAST_SAMPLES, 7), n):
        usual = max(np.median(lost[last - 7 : last - 1]), 0.0)
        if lost[last - 1] > 2 * usual + 5 * noise:
            return last
    return n


def _integrated(time_s: FloatArray, lumi: FloatArray) -> FloatArray:
    """Return the luminosity integrated from the first time on, of the shape of `lumi`.

    Over samples that are NaN it is integrated as a straight line: beams burn off there, too.
    """
    there = np.isfinite(lumi)
    whole = lumi if there.all() else interp_valid_columns(time_s, time_s, lumi)
    steps = (whole[1:] + whole[:-1]) / 2 * np.diff(time_s)[:, None]
    total = np.concatenate([np.zeros((1, lumi.shape[1])), np.cumsum(steps, axis=0)])
    return np.where(there, total, np.nan)


def _window_starts(time_s: FloatArray, window_s: float) -> IntArray:
    """Return the index of the first sample of each window."""
    if not np.isfinite(window_s):
        return np.zeros(1, int)
    number = np.floor((time_s - time_s[0]) / window_s + 1e-9)
    _, starts = np.unique(number, return_index=True)
    return starts[:-1] if starts.size > 1 and time_s.size - starts[-1] < 3 else starts


def _error(lines: Lines, intensity_ppb: FloatArray) -> FloatArray:
    """Return the standard error of the slopes, (n_windows, n_bunches)."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(
            np.isfinite(lines.slope), _noise(lines, intensity_ppb) / np.sqrt(lines.spread), np.nan
        )


def _noise(lines: Lines, intensity_ppb: FloatArray) -> FloatArray:
    """Return the noise of the intensity of each bunch, (n_bunches,).

    It is that of the instrument, the same in all windows, from third differences: the scatter
    about the lines would have in it how the cross-section changes within a window. Of few samples
    the scatter is all there is.
    """
    fitted = np.isfinite(lines.slope)
    freedom = np.where(fitted, lines.n - 2, 0.0).sum(axis=0)
    scatter = np.sqrt(np.where(fitted, lines.rest, 0.0).sum(axis=0) / freedom)
    if len(intensity_ppb) < ENOUGH_SAMPLES:
        return scatter
    noise = sample_noise(intensity_ppb, order=3)
    return np.where(np.isfinite(noise), noise, scatter)


def _relative_error(lumi: FloatArray, n: FloatArray) -> FloatArray:
    """Return the relative error of the integral of n samples, due to their noise."""
    seen = np.isfinite(lumi)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(seen, lumi, 0.0).sum(axis=0) / seen.sum(axis=0)
        return np.nan_to_num(sample_noise(lumi) / mean) / np.sqrt(n)
