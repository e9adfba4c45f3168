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
