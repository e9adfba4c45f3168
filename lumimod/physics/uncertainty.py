"""Standard errors: of exponential fits, and of a luminosity calculated from the beams."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from lumimod.arrays import FloatArray

TINY = np.finfo(np.float64).tiny


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


class ErrorsOfFits(NamedTuple):
    """Errors of the fits over the first hours, and over all times."""

    short: FitErrors
    full: FitErrors


def exponential_fit_errors(
    time_s: FloatArray,
    values: FloatArray,
    init: FloatArray,
    tau_s: FloatArray,
    *,
    interpolated: bool = False,
    noise: FloatArray | None = None,
) -> FitErrors:
    """Return the standard errors of fitted exponentials from the scatter of the samples.

    The covariance is s^2 (J^T J)^-1, s^2 the sum of squared residuals divided by the degrees of
    freedom.

    Parameters
    ----------
    time_s
        (n_times,), Unix time or any other; t counts from the first.
    values
        (n_times, n_bunches); NaN does not count. Raw samples, not smoothed ones, give true errors.
    init, tau_s
        (n_bunches,), of the fit: a, and 1/b in s.
    interpolated
        Whether samples are interpolated between fewer measurements: the errors are wider by
        their correlation over two samples.
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
        wider = _wider(rest) if interpolated else 1.0
        error_a, error_b = (np.sqrt(variance * wider * d / det) for d in (bb, aa))
        lag1 = (rest[1:] * rest[:-1]).sum(axis=0) / (rest**2).sum(axis=0)
        chi2 = variance / noise**2 if noise is not None else np.full(n.shape, np.nan)
        return FitErrors(error_a, error_b * tau_s**2, chi2, lag1)


def errors_of_correlated(errors: FitErrors) -> FitErrors:
    """Return the errors of fits to samples that were smoothed, from those as of independent ones.

    As many independent samples are assumed as have their correlation rho of successive residuals:
    n (1 - rho)/(1 + rho) (first-order autoregression).
    """
    rho = np.clip(errors.lag1, 0.0, 0.999)
    wider = np.sqrt((1 + rho) / (1 - rho))
    return errors._replace(init=errors.init * wider, tau_s=errors.tau_s * wider)


def sample_noise(values: FloatArray, order: int = 2) -> FloatArray:
    """Return the standard deviation of the noise of each column, from its second differences.

    A slow change does not count: that of a straight line drops out, with the third differences of
    `order` 3 that of a parabola. `values` is (n_times, n_bunches); NaN where fewer samples in a
    row are there than one more than the order.
    """
    differences = np.diff(values, n=order, axis=0)
    seen = np.isfinite(differences)
    squares = np.where(seen, differences, 0.0) ** 2
    with np.errstate(invalid="ignore"):
        mean_square = squares.sum(axis=0) / seen.sum(axis=0)
        return np.sqrt(mean_square / math.comb(2 * order, order))


def _wider(residuals: FloatArray) -> FloatArray:
    """Return how many times the variance of a mean is that of independent samples, at least 1."""
    squares = np.maximum((residuals**2).sum(axis=0), TINY)
    together = sum((residuals[k:] * residuals[:-k]).sum(axis=0) for k in (1, 2)) / squares
    return np.maximum(1 + 2 * together, 1.0)


def noise_of_mean(residuals: FloatArray) -> FloatArray:
    """Return the noise of independent samples whose mean would be as uncertain, of each column.

    Successive samples that are interpolated between fewer measurements vary together:
    s^2 (1 + 2 rho_1 + 2 rho_2), rho their correlation. NaN in `residuals` does not count.
    """
    r = np.where(np.isfinite(residuals), residuals, 0.0)
    with np.errstate(invalid="ignore"):
        variance = (r**2).sum(axis=0) / np.isfinite(residuals).sum(axis=0)
        return np.sqrt(variance * _wider(r))


TRICUBE = 2 * 175 / 247
"""Variance of a value smoothed with the tricube weights of LOWESS, times the number of samples in
the window, over that of a sample.
"""


class LumiFactors(NamedTuple):
    """Relative change of a luminosity for each relative change of what it is calculated from."""

    emit_sep: FloatArray
    """Emittance in the plane of separation, both beams together."""
    emit_cross: FloatArray
    """Emittance in the plane of crossing, both beams together."""
    length: FloatArray
    betastar: FloatArray
    n1: FloatArray | float = 1.0
    n2: FloatArray | float = 1.0


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


class BeamErrors(NamedTuple):
    """Relative errors of what is measured of the bunches of a beam; shapes broadcast."""

    emit_sep: FloatArray
    """Of the emittance in the plane of separation."""
    emit_cross: FloatArray
    """Of that in the plane of crossing."""
    length: FloatArray
    intensity: FloatArray


def pair_errors(one: BeamErrors, two: BeamErrors) -> LumiFactors:
    """Return the relative errors that enter a luminosity, from those of both beams.

    The mean of two equal quantities has half of their errors, added in quadrature.
    """
    means = (np.hypot(a, b) / 2 for a, b in zip(one[:3], two))
    sep, cross, length = means
    nothing = np.zeros(np.shape(sep))
    return LumiFactors(sep, cross, length, nothing, one.intensity, two.intensity)
