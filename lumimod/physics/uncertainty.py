"""Standard errors: of exponential fits, and of a luminosity calculated from the beams."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from lumimod.arrays import FloatArray


class FitErrors(NamedTuple):
    """How well an exponential a*exp(b*t) is known, for each bunch."""

    init: FloatArray
    """Standard error of a, in its unit."""
    tau_s: FloatArray
    """Standard error of tau = 1/b, in s."""
    chi2_dof: FloatArray
    """Mean square of the residuals for each degree of freedom, in units of the noise given;
    NaN where no noise was given."""
    lag1: FloatArray
    """Correlation of successive residuals: far from 0 where the curve is no exponential, or where
    the samples are not independent."""


def exponential_fit_errors(
    time_s: FloatArray,
    values: FloatArray,
    init: FloatArray,
    tau_s: FloatArray,
    *,
    n_independent: float | None = None,
    noise: FloatArray | None = None,
) -> FitErrors:
    """Return the standard errors of fitted exponentials from the scatter of the samples.

    The covariance is s^2 (J^T J)^-1, s^2 the sum of squared residuals divided by the degrees of
    freedom. Samples that were smoothed are not independent: with `n_independent` fewer than there
    are (the length of the fit over the window of the smoothing) the errors are those of so many.

    Parameters
    ----------
    time_s
        (n_times,), Unix time or any other; t counts from the first.
    values
        (n_times, n_bunches); NaN does not count. Raw samples, not smoothed ones, give true errors.
    init, tau_s
        (n_bunches,), of the fit: a, and 1/b in s.
    n_independent
        Number of independent samples, if it is not that of `values`.
    noise
        (n_bunches,), standard deviation of a sample where it is known otherwise.
    """
    t = time_s - time_s[0]
    seen = np.isfinite(values)
    n = seen.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        growth = np.where(seen, np.exp(t[:, None] / tau_s), 0.0)
        rest = np.where(seen, values - init * growth, 0.0)
        # By a, and by b = 1/tau.
        by_a, by_b = growth, init * t[:, None] * growth
        aa, ab, bb = ((p * q).sum(axis=0) for p, q in ((by_a, by_a), (by_a, by_b), (by_b, by_b)))
        det = aa * bb - ab**2
        dof = np.where(n > 2, n - 2, np.nan)
        variance = (rest**2).sum(axis=0) / dof
        thinned = 1.0 if n_independent is None else np.maximum(n / n_independent, 1.0)
        error_a, error_b = (np.sqrt(variance * thinned * d / det) for d in (bb, aa))
        lag1 = (rest[1:] * rest[:-1]).sum(axis=0) / (rest**2).sum(axis=0)
        chi2 = variance / noise**2 if noise is not None else np.full(n.shape, np.nan)
        return FitErrors(error_a, error_b * tau_s**2, chi2, lag1)


class LumiFactors(NamedTuple):
    """Relative change of a luminosity for each relative change of what it is calculated from."""

    emit_sep: FloatArray
    """Emittance in the plane of separation, both beams together."""
    emit_cross: FloatArray
    """Emittance in the plane of crossing, both beams together."""
    length: FloatArray
    betastar: FloatArray
    n1: float = 1.0
    n2: float = 1.0


def lumi_factors(piwinski: FloatArray) -> LumiFactors:
    """Return d(ln L)/d(ln q) of every quantity q, for Gaussian beams with a crossing angle.

    `piwinski` is sigma_z/sigma_crossing times half the full angle. At 2017 parameters
    (1 + piwinski^2 = 2.8) they are -0.50, -0.18, -0.64, -0.68, 1 and 1.
    """
    share = 1 / (1 + np.asarray(piwinski) ** 2)
    half = np.full(np.shape(share), -0.5)
    return LumiFactors(half, -share / 2, share - 1, half - share / 2)


def lumi_error(factors: LumiFactors, relative: LumiFactors) -> FloatArray:
    """Return the relative error of a luminosity from independent relative errors of its inputs."""
    squares = [(np.asarray(f) * np.asarray(e)) ** 2 for f, e in zip(factors, relative)]
    return np.sqrt(sum(squares[1:], squares[0]))
