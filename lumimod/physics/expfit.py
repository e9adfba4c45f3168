"""Least-squares fits of a*exp(b*t), of all bunches at once.

For a given b the best a is a quotient of two sums, so that one unknown is left (variable
projection: G. H. Golub and V. Pereyra, SIAM J. Numer. Anal. 10 (1973) 413). Newton's method finds
it for hundreds of bunches at a time. It starts from the straight line through the logarithms,
which is near the minimum for fills of any length.

The original fits with `scipy.optimize.curve_fit`, which stops short of the minimum once a step
gains too little: mostly 1e-8 of tau or less. Where noise may make it more than `AGREEMENT`, and
where Newton's method finds no minimum, scipy does the fit, so that the numbers stay those of the
original.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from lumimod.arrays import FloatArray

AGREEMENT = 1e-6
"""Largest relative difference of tau from that of `curve_fit`, where `curve_fit` succeeds."""
LONGEST_AS_ORIGINAL_H = 30.0
"""Longest fits that agree so. In longer ones `curve_fit` fails, from 35 h on in all that decay, or
stops a few 1e-6 before the minimum, after 100 steps of each bunch: what is found here stands."""

_VALUES_AT_ONCE = 40_000  # so that the working arrays stay in the processor's cache
_NEWTON_STEPS = 20
_TOLERANCE = 1e-10  # of b times the length of the fit
_CURVE_FIT_TOLERANCE = 1.49012e-8  # curve_fit's own: of the sum of squares, in one step


class ExpFit(NamedTuple):
    """Fit of init*exp(t/tau) for every bunch; NaN where there is none."""

    tau_s: FloatArray
    """Time in which the value grows by a factor e, (n_slots,), in s; negative for a decay."""
    init: FloatArray
    """Fitted value at the first time, (n_slots,), in the unit of the data."""

    @property
    def n_failed(self) -> int:
        """Number of bunches without a fit. An infinite lifetime is a fit."""
        return int(np.count_nonzero(np.isnan(self.tau_s)))


class ExpFits(NamedTuple):
    """Fits of one quantity over the first hours, and over all times."""

    short: ExpFit
    full: ExpFit


def fit_short_and_full(
    time_s: FloatArray, values: FloatArray, fit_length_s: float, scale: float = 1.0
) -> ExpFits:
    """Return the fits of every column over the first `fit_length_s` seconds and over all times.

    Arguments as of `fit_exponentials`.
    """
    first = time_s - time_s[0] < fit_length_s
    return ExpFits(
        fit_exponentials(time_s[first], values[first], scale=scale),
        fit_exponentials(time_s, values, scale=scale),
    )


def fit_exponentials(time_s: FloatArray, values: FloatArray, *, scale: float = 1.0) -> ExpFit:
    """Return the least-squares fit of init*exp(t/tau) to every column of `values`.

    Parameters
    ----------
    time_s
        (n_times,), increasing, common to all bunches; t is counted from the first.
    values
        (n_times, n_slots), of any sign; zeros are data like others.
    scale
        Unit in which the values are of the order of 1, where `curve_fit` starts.

    Notes
    -----
    There is no fit, and both results are NaN, with fewer than two times, where a value of the
    column is NaN or infinite, where all are zero, and where no minimum is found.
    """
    n_slots = values.shape[1]
    tau_s, init = np.full(n_slots, np.nan), np.full(n_slots, np.nan)
    usable = np.flatnonzero(np.isfinite(values).all(axis=0) & values.any(axis=0))
    if time_s.size < 2 or not usable.size:
        return ExpFit(tau_s, init)
    hours = (time_s - time_s[0]) / 3600.0
    n_batches = -(-usable.size * time_s.size // _VALUES_AT_ONCE)
    for some in np.array_split(usable, n_batches):
        with np.errstate(all="ignore"):  # a step that overflows ends as NaN
            a, b = _fit(hours, values[:, some] / scale)
            tau_s[some] = 3600.0 / b
        init[some] = a * scale
    return ExpFit(tau_s, init)


def _fit(hours: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return a and b, (n_bunches,), of the columns of y; b in 1/h."""
    a, b, early = _minima(hours, y)
    agrees = early <= AGREEMENT * np.abs(b)
    if hours[-1] > LONGEST_AS_ORIGINAL_H:
        agrees = np.isfinite(b)
    for j in np.flatnonzero(~agrees):
        a[j], b[j] = _curve_fit(hours, y[:, j], a[j], b[j])
    return a, b


def _minima(hours: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return a and b of all columns of y, and how far from b `curve_fit` may stop.

    With e = exp(b*t) and a = sum(y*e)/sum(e*e) the sum of squares is least where the times
    weighted by y*e and those weighted by e*e have the same mean. NaN without convergence.
    """
    powers = np.stack([np.ones_like(hours), hours, hours**2])
    a, b, early = np.full((3, y.shape[1]), np.nan)
    running, trial = np.arange(b.size), _slope_of_logarithm(powers, y)
    for _ in range(_NEWTON_STEPS):
        e = np.exp(np.multiply.outer(hours, trial))
        ye, ee = powers @ (y * e), powers @ (e * e)
        mean_ye, mean_ee = ye[1] / ye[0], ee[1] / ee[0]
        spread_ye, spread_ee = ye[2] / ye[0] - mean_ye**2, ee[2] / ee[0] - mean_ee**2
        # The derivative, and far from an exponential half of what it is for one.
        step = (mean_ye - mean_ee) / np.maximum(2 * spread_ee - spread_ye, spread_ee / 2)
        trial = trial + np.clip(step, -1 / hours[-1], 1 / hours[-1])  # so that none runs away
        done = np.abs(step) * hours[-1] <= _TOLERANCE
        squares = np.sum(y[:, done] ** 2, axis=0) * (ee[0] / ye[0] ** 2)[done] - 1
        a[running[done]], b[running[done]] = (ye[0] / ee[0])[done], trial[done]
        early[running[done]] = _early_stop(squares, spread_ye[done], spread_ee[done])
        running, y, trial = running[~done], y[:, ~done], trial[~done]
        if not running.size:
            break
    return a, b, early


def _early_stop(squares: FloatArray, spread_ye: FloatArray, spread_ee: FloatArray) -> FloatArray:
    """Return how far from the minimum `curve_fit` may stop in b.

    Its last step lowers the sum of squares, here in units of sum((a*e)^2), by less than its
    tolerance; what remains is to that step as every step to the one before.
    """
    last_step = np.sqrt(_CURVE_FIT_TOLERANCE * np.maximum(squares, 0) / spread_ee)
    return last_step * np.abs(spread_ye / spread_ee - 1)


def _slope_of_logarithm(powers: FloatArray, y: FloatArray) -> FloatArray:
    """Return the slope of the straight line through ln|y|, (n_bunches,).

    The weights y^2 make errors of the logarithm those of y, and leave out zeros.
    """
    weight = y * y
    log_y = np.log(np.where(weight > 0, weight, 1.0)) / 2
    s0, s1, s2 = powers @ weight
    l0, l1 = powers[:2] @ (weight * log_y)
    return (s0 * l1 - s1 * l0) / (s0 * s2 - s1**2)


def _curve_fit(hours: FloatArray, y: FloatArray, a: float, b: float) -> tuple[float, float]:
    """Return a and b of one bunch from scipy's fit, or those given if it does worse."""
    from scipy.optimize import leastsq  # here, as the import takes longer than most fits

    def residual(p: FloatArray) -> FloatArray:
        return p[0] * np.exp(p[1] * hours) - y

    def derivatives(p: FloatArray) -> FloatArray:
        e = np.exp(p[1] * hours)
        return np.stack([e, p[0] * hours * e], axis=1)

    def squares(p: FloatArray) -> float:
        return float(np.sum(residual(p) ** 2))

    start = np.ones(2)  # as in curve_fit
    fitted, status = leastsq(residual, start, Dfun=derivatives)
    given = squares(np.array([a, b]))
    most = given * (1 + AGREEMENT) if np.isfinite(given) else np.sum(y**2)
    reached = squares(fitted)
    better = 1 <= status <= 4 and np.isfinite(reached) and reached <= most
    return tuple(fitted) if better else (a, b)
