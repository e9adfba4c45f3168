"""Least-squares fits of a*exp(b*t), of all bunches at once.

The fits use the Levenberg-Marquardt method in the form of J. J. Moré (Numerical Analysis,
Lecture Notes in Mathematics 630, 1978, p. 105), which MINPACK and `scipy.optimize.curve_fit`
use as well, with the same start (a = b = 1), scaling, trust region and stopping rules. The last
matters: those rules stop up to a few 1e-6 of tau away from the exact minimum where the data
are noisy, and only the same path gives the same numbers. What differs is that all bunches are
one array: one call fits thousands of bunches in a few tens of ms.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from lumimod.arrays import BoolArray, FloatArray

_TOLERANCE = 1.49012e-8  # of both the sum of squares and the parameters, as in curve_fit
_MAX_ITERATIONS = 300
_STEP_BOUND = 100.0  # MINPACK's `factor`: the first trust region in units of |D*x|
_MAX_LAMBDA_STEPS = 10
_TINY = np.finfo(float).tiny
_FITS_AT_ONCE = 256  # so that the working arrays stay in the processor's cache


class ExpFit(NamedTuple):
    """Fit of init*exp(t/tau) for every bunch; NaN where the fit failed."""

    tau_s: FloatArray
    """(n_slots,), in s, signed: negative for a decay."""
    init: FloatArray
    """(n_slots,), in the unit of the fitted values."""

    @property
    def n_failed(self) -> int:
        """Number of bunches without a fit; an infinite lifetime is one."""
        return int(np.count_nonzero(np.isnan(self.tau_s)))


class ExpFits(NamedTuple):
    """One quantity's fits: over the first hours, and over all times."""

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
    """Return the fit of every column of `values` from the first of `time_s` on.

    Parameters
    ----------
    time_s
        (n_times,), common to all bunches; the fit's time is in hours from the first.
    values
        (n_times, n_slots).
    scale
        Values are fitted in units of it (1e11 for intensities, 1e34 for luminosities): the fit
        starts at a = b = 1. `init` is returned in the unit of `values`.

    Notes
    -----
    Fewer than two times, a NaN in a column, or no convergence give NaN.
    """
    n_slots = values.shape[1]
    tau_s, init = np.full(n_slots, np.nan), np.full(n_slots, np.nan)
    usable = np.isfinite(values).all(axis=0)
    if time_s.size >= 2 and usable.any():
        hours = (time_s - time_s[0]) / 3600.0
        for some in np.array_split(np.flatnonzero(usable), -(-usable.sum() // _FITS_AT_ONCE)):
            a, b = _fit(hours, np.ascontiguousarray(values[:, some].T) / scale)
            with np.errstate(divide="ignore"):
                tau_s[some] = 3600.0 / b
            init[some] = a * scale
    return ExpFit(tau_s, init)


@dataclass
class _State:
    """All fits that still run; every array has one entry per fit."""

    y: FloatArray  # (n_fits, n_times)
    e: FloatArray  # (n_fits, n_times), exp(b*t)
    a: FloatArray
    b: FloatArray
    norm: FloatArray  # |residual|
    d_a: FloatArray  # MINPACK's diag: the scale of each parameter
    d_b: FloatArray
    lam: FloatArray
    radius: FloatArray  # trust region, in scaled parameters
    first: BoolArray

    def take(self, keep: BoolArray) -> _State:
        return _State(**{name: value[keep] for name, value in vars(self).items()})


class _Normal(NamedTuple):
    """Normal equations J^T J p = J^T r of one linearisation, per fit."""

    aa: FloatArray
    ab: FloatArray
    bb: FloatArray
    ra: FloatArray
    rb: FloatArray

    def solve(self, la: FloatArray, lb: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return p of (J^T J + diag(la, lb)) p = J^T r."""
        aa, bb = self.aa + la, self.bb + lb
        det = aa * bb - self.ab**2
        return (self.ra * bb - self.rb * self.ab) / det, (self.rb * aa - self.ra * self.ab) / det


def _fit(t: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return a and b, (n_fits,), of the rows of y; NaN where not converged."""
    a_out, b_out = np.full(len(y), np.nan), np.full(len(y), np.nan)
    running = np.arange(len(y))
    one, zero = np.ones(len(y)), np.zeros(len(y))
    e = np.exp(one[:, None] * t)
    first = np.full(len(y), True)
    state = _State(y, e, one, one, _norm(y, e, one), zero, zero, zero, zero, first)
    with np.errstate(all="ignore"):  # overflowing trial steps are rejected, not fatal
        for _ in range(_MAX_ITERATIONS):
            if not running.size:
                break
            done = _iterate(t, state)
            good = done & np.isfinite(state.norm)
            a_out[running[good]], b_out[running[good]] = state.a[good], state.b[good]
            # Fits whose numbers ran away cannot come back.
            go_on = ~done & np.isfinite(state.a) & np.isfinite(state.b)
            running, state = running[go_on], state.take(go_on)
    return a_out, b_out


def _norm(y: FloatArray, e: FloatArray, a: FloatArray) -> FloatArray:
    residual = a[:, None] * e - y
    return np.sqrt(np.einsum("ij,ij->i", residual, residual))


def _linearise(t: FloatArray, s: _State) -> _Normal:
    powers = np.stack([np.ones_like(t), t, t**2], axis=1)
    ee = (s.e * s.e) @ powers
    er = (s.e * (s.a[:, None] * s.e - s.y)) @ powers[:, :2]
    return _Normal(ee[:, 0], s.a * ee[:, 1], s.a**2 * ee[:, 2], er[:, 0], s.a * er[:, 1])


def _iterate(t: FloatArray, s: _State) -> BoolArray:
    """Linearise, try steps until each fit has taken one; return which fits have converged."""
    normal = _linearise(t, s)
    norm_a, norm_b = np.sqrt(normal.aa), np.sqrt(normal.bb)
    s.d_a = np.where(s.first, np.where(norm_a == 0, 1.0, norm_a), np.maximum(s.d_a, norm_a))
    s.d_b = np.where(s.first, np.where(norm_b == 0, 1.0, norm_b), np.maximum(s.d_b, norm_b))
    start = _STEP_BOUND * np.hypot(s.d_a * s.a, s.d_b * s.b)
    s.radius = np.where(s.first, np.where(start == 0, _STEP_BOUND, start), s.radius)
    gradient = np.maximum(np.abs(normal.ra) / norm_a, np.abs(normal.rb) / norm_b) / s.norm
    done: BoolArray = (s.norm == 0) | (gradient == 0)
    trying = ~done
    while trying.any():
        converged, accepted = _try_step(t, s, normal, trying)
        done |= converged
        failed = trying & ~np.isfinite(s.radius * s.lam)
        trying &= ~(converged | accepted | failed)
    return done


def _try_step(
    t: FloatArray, s: _State, normal: _Normal, trying: BoolArray
) -> tuple[BoolArray, BoolArray]:
    """Try one step of the fits that are `trying`; return which converged, which accepted it."""
    lam, pa, pb = _trust_region_step(normal, s)
    s.lam = np.where(trying, lam, s.lam)
    step = np.hypot(s.d_a * pa, s.d_b * pb)
    s.radius = np.where(trying & s.first, np.minimum(s.radius, step), s.radius)
    a, b = s.a - pa, s.b - pb
    e = np.exp(b[:, None] * t)
    norm = _norm(s.y, e, a)
    norm = np.where(np.isfinite(norm), norm, np.inf)
    actual = np.where(0.1 * norm < s.norm, 1 - (norm / s.norm) ** 2, -1.0)
    linear = (normal.aa * pa**2 + 2 * normal.ab * pa * pb + normal.bb * pb**2) / s.norm**2
    damping = s.lam * (step / s.norm) ** 2
    predicted = linear + 2 * damping
    slope = -(linear + damping)
    ratio = np.where(predicted != 0, actual / predicted, 0.0)
    _resize(s, trying, actual, ratio, slope, step)
    accepted = trying & (ratio >= 1e-4)
    s.a, s.b = np.where(accepted, a, s.a), np.where(accepted, b, s.b)
    s.norm = np.where(accepted, norm, s.norm)
    s.e = e if accepted.all() else np.where(accepted[:, None], e, s.e)
    s.first = s.first & ~accepted
    size = np.hypot(s.d_a * s.a, s.d_b * s.b)
    by_norm = (np.abs(actual) <= _TOLERANCE) & (predicted <= _TOLERANCE) & (ratio <= 2)
    by_step = s.radius <= _TOLERANCE * size
    return trying & (by_norm | by_step), accepted


def _resize(
    s: _State,
    trying: BoolArray,
    actual: FloatArray,
    ratio: FloatArray,
    slope: FloatArray,
    step: FloatArray,
) -> None:
    """Shrink or widen the trust region by how well the linearisation predicted the step."""
    poor = trying & (ratio <= 0.25)
    shrink = np.where(actual >= 0, 0.5, 0.5 * slope / (slope + 0.5 * actual))
    shrink = np.where((actual <= -99.0) | (shrink < 0.1), 0.1, shrink)
    good = trying & ~poor & ((s.lam == 0) | (ratio >= 0.75))
    s.radius = np.where(poor, shrink * np.minimum(s.radius, 10 * step), s.radius)
    s.lam = np.where(poor, s.lam / shrink, s.lam)
    s.radius = np.where(good, 2 * step, s.radius)
    s.lam = np.where(good, 0.5 * s.lam, s.lam)


def _trust_region_step(normal: _Normal, s: _State) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return lambda and the step whose scaled length is the radius within 10 %.

    Moré's safeguarded Newton iteration on 1/|D p(lambda)|.
    """
    d2a, d2b = s.d_a**2, s.d_b**2
    zero = np.zeros_like(s.lam)
    pa, pb = normal.solve(zero, zero)
    length = np.hypot(s.d_a * pa, s.d_b * pb)
    excess = length - s.radius
    inside = excess <= 0.1 * s.radius
    low = np.where(inside, 0.0, excess / s.radius * _inverse_slope(normal, s, pa, pb, length, zero))
    high = np.hypot(normal.ra / s.d_a, normal.rb / s.d_b) / s.radius
    high = np.where(high == 0, _TINY / np.minimum(s.radius, 0.1), high)
    lam = np.minimum(np.maximum(s.lam, low), high)
    lam = np.where(lam == 0, np.hypot(normal.ra / s.d_a, normal.rb / s.d_b) / length, lam)
    lam = np.where(inside, 0.0, lam)
    open_ = ~inside
    for count in range(_MAX_LAMBDA_STEPS):
        if not open_.any():
            break
        lam = np.where(open_ & (lam == 0), np.maximum(_TINY, 0.001 * high), lam)
        qa, qb = normal.solve(lam * d2a, lam * d2b)
        pa, pb = np.where(open_, qa, pa), np.where(open_, qb, pb)
        before, length = excess, np.hypot(s.d_a * pa, s.d_b * pb)
        excess = np.where(open_, length - s.radius, excess)
        open_ = open_ & (np.abs(excess) > 0.1 * s.radius)
        open_ &= ~((low == 0) & (excess <= before) & (before < 0))
        if count == _MAX_LAMBDA_STEPS - 1:
            break
        correction = excess / s.radius * _inverse_slope(normal, s, pa, pb, length, lam)
        low = np.where(open_ & (excess > 0), np.maximum(low, lam), low)
        high = np.where(open_ & (excess < 0), np.minimum(high, lam), high)
        lam = np.where(open_, np.maximum(low, lam + correction), lam)
    return lam, pa, pb


def _inverse_slope(
    normal: _Normal,
    s: _State,
    pa: FloatArray,
    pb: FloatArray,
    length: FloatArray,
    lam: FloatArray,
) -> FloatArray:
    """Return 1/(q^T M^-1 q) with q = D^2 p/|D p| and M = J^T J + lambda D^2."""
    qa, qb = s.d_a**2 * pa / length, s.d_b**2 * pb / length
    aa, bb = normal.aa + lam * s.d_a**2, normal.bb + lam * s.d_b**2
    det = aa * bb - normal.ab**2
    return det / (qa**2 * bb - 2 * qa * qb * normal.ab + qb**2 * aa)
