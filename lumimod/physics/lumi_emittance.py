"""Emittances from the bunch luminosities of two experiments."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from lumimod.arrays import FloatArray


class Collision(NamedTuple):
    """What one experiment measured, and the optics there; shapes broadcast."""

    lumi: FloatArray
    """Luminosity of each pair, in 1/(m^2 s)."""
    plane: str
    """Plane of the crossing angle, "h" or "v"."""
    full_crossing_rad: FloatArray | float
    betastar_m: FloatArray | float


class Emittances(NamedTuple):
    """Mean of both beams, normalised, in um."""

    emit_h_um: FloatArray
    emit_v_um: FloatArray


def emittances_from_luminosity(
    first: Collision,
    second: Collision,
    n1_ppb: FloatArray,
    n2_ppb: FloatArray,
    length_m: FloatArray,
    *,
    gamma: float,
    f_rev_hz: float,
) -> Emittances:
    """Return the emittances for which both experiments have the luminosities that they measured.

    Two luminosities give two emittances if the experiments cross in different planes; where they
    cross in the same one, or the equations have no positive solution, the result is NaN.

    With a = (f N1 N2/(4 pi L beta*))^2 and p = (sigma_z phi/2)^2/beta* of each experiment, phi the
    full angle, and X, Y the mean of both beams' geometric emittances H and V, the luminosity of
    Gaussian beams says X (Y + p) = a where the crossing is vertical and Y (X + p) = a where it is
    horizontal. Y follows from X by their difference, X is the positive root of a quadratic.

    Parameters
    ----------
    first, second
        Experiments.
    n1_ppb, n2_ppb
        Intensities of the pair.
    length_m
        Mean length of both bunches, 1 sigma.
    """
    if first.plane == second.plane:
        nothing = np.full(np.broadcast_shapes(first.lumi.shape, n1_ppb.shape), np.nan)
        return Emittances(nothing, nothing.copy())
    vertical, horizontal = (first, second) if first.plane == "v" else (second, first)
    a_v, a_h = (_squared_area(c, n1_ppb, n2_ppb, f_rev_hz) for c in (vertical, horizontal))
    p_v, p_h = (_smear(c, length_m) for c in (vertical, horizontal))
    with np.errstate(invalid="ignore", divide="ignore"):
        b = a_h - a_v + p_v * p_h
        x = (-b + np.sqrt(b**2 + 4 * p_v * p_h * a_v)) / (2 * p_v)
        y = (a_h - a_v + p_v * x) / p_h
        good = (x > 0) & (y > 0)
        return Emittances(*(np.where(good, e * gamma * 1e6, np.nan) for e in (x, y)))


def _squared_area(
    c: Collision, n1_ppb: FloatArray, n2_ppb: FloatArray, f_rev_hz: float
) -> FloatArray:
    """Return (f N1 N2/(4 pi L beta*))^2, in m^2 (a product of geometric emittances)."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return (f_rev_hz * n1_ppb * n2_ppb / (4 * np.pi * c.lumi * c.betastar_m)) ** 2


def _smear(c: Collision, length_m: FloatArray) -> FloatArray:
    """Return (sigma_z phi/2)^2/beta*, in m (a geometric emittance)."""
    return (length_m * c.full_crossing_rad / 2) ** 2 / c.betastar_m


class Pairs(NamedTuple):
    """Colliding pairs at both experiments; shapes broadcast."""

    first: Collision
    second: Collision
    n1_ppb: FloatArray
    n2_ppb: FloatArray
    length_m: FloatArray


class ScaleErrors(NamedTuple):
    """Relative errors of the scales of what emittances are calculated from."""

    lumi: float
    intensity: float
    length: float
    betastar: float


def emittance_scale_errors(
    pairs: Pairs, errors: ScaleErrors, *, gamma: float, f_rev_hz: float
) -> tuple[FloatArray, FloatArray]:
    """Return the relative errors of both emittances by scales, those of each shifted alone.

    The shifts are of each experiment's luminosity and beta*, of each beam's intensity, and of the
    length; they are added in quadrature. Shapes as of `emittances_from_luminosity`.
    """

    def solved(of: Pairs) -> FloatArray:
        return np.stack(emittances_from_luminosity(*of, gamma=gamma, f_rev_hz=f_rev_hz))

    shifted = [
        pairs._replace(n1_ppb=pairs.n1_ppb * (1 + errors.intensity)),
        pairs._replace(n2_ppb=pairs.n2_ppb * (1 + errors.intensity)),
        pairs._replace(length_m=pairs.length_m * (1 + errors.length)),
        pairs._replace(first=_scaled(pairs.first, lumi=1 + errors.lumi)),
        pairs._replace(second=_scaled(pairs.second, lumi=1 + errors.lumi)),
        pairs._replace(first=_scaled(pairs.first, betastar=1 + errors.betastar)),
        pairs._replace(second=_scaled(pairs.second, betastar=1 + errors.betastar)),
    ]
    usual = solved(pairs)
    squares = [(solved(of) / usual - 1) ** 2 for of in shifted]
    error_h, error_v = np.sqrt(np.sum(squares, axis=0))
    return error_h, error_v


def _scaled(c: Collision, *, lumi: float = 1.0, betastar: float = 1.0) -> Collision:
    return c._replace(lumi=c.lumi * lumi, betastar_m=c.betastar_m * betastar)


def separation_m(measured: FloatArray, calculated: FloatArray, sigma_m: FloatArray) -> FloatArray:
    """Return the separation of the beams from their luminosity and that of beams that meet.

    L = L0 exp(-d^2/(4 sigma^2)), sigma the mean size of both beams in the plane of separation; 0
    where the beams have all the luminosity that was calculated. Shapes broadcast; NaN in, NaN out.
    Source: W. Herr and B. Muratori, Concept of luminosity, CERN-2006-002, p. 361.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        return 2 * sigma_m * np.sqrt(np.maximum(-np.log(measured / calculated), 0.0))
