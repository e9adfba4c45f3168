"""Growth of measured emittances beyond what a model explains."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from lumimod.arrays import FloatArray
from lumimod.physics.lines import fit_lines, residuals
from lumimod.physics.uncertainty import noise_of_mean


class ResidualGrowth(NamedTuple):
    """Residual growth of each bunch in one plane, (n_bunches,) in um/h; NaN without data."""

    growth_um_h: FloatArray
    """Slope of what was summed up, by a straight line through raw samples."""
    error_um_h: FloatArray
    """Its standard error, from the scatter about the line."""
    of_ends_um_h: FloatArray
    """What was summed up by the last time, by hour: the ends of the smoothed curve alone."""
    summed_um: FloatArray
    """What was summed up to each time, (n_times, n_bunches) in um."""


def residual_growth(
    time_s: FloatArray, emit_um: FloatArray, step_um: FloatArray, raw_um: FloatArray
) -> ResidualGrowth:
    """Return the growth beyond that of a model which starts each step from the measured beam.

    At each time the model's emittance, one step after the measured one before, is subtracted from
    the measured one. The differences are summed up: against the time they give a line, of
    which the slope is the residual growth. (End values of a model that runs freely would not: its
    growth depends on the emittance that it has reached.) The samples are those of raw emittances,
    whose noise is independent, about the same sum; their correlation from interpolation counts.

    Parameters
    ----------
    time_s
        (n_times,).
    emit_um, step_um
        Measured emittances, and those modelled one step after the measured ones before; at the
        first time both are the same. (n_times, n_bunches). A step with NaN in either is left out
        of sum and time.
    raw_um
        Measured emittances before smoothing, of the same shape.
    """
    gained = emit_um - step_um
    seen = np.isfinite(gained)
    steps_h = np.diff(time_s, prepend=time_s[:1])[:, None] / 3600
    hours = np.cumsum(np.where(seen, steps_h, 0.0), axis=0)
    summed = np.cumsum(np.where(seen, gained, 0.0), axis=0)
    samples = np.where(seen, summed + raw_um - emit_um, np.nan)
    lines = fit_lines(hours, samples)
    noise = noise_of_mean(residuals(hours, samples, lines.slope))
    with np.errstate(invalid="ignore", divide="ignore"):
        freedom = np.sqrt(lines.n / (lines.n - 2))
        error = np.where(np.isfinite(lines.slope), noise * freedom / np.sqrt(lines.spread), np.nan)
        of_ends = np.where(np.isfinite(lines.slope), summed[-1] / hours[-1], np.nan)
    return ResidualGrowth(lines.slope, error, of_ends, summed)
