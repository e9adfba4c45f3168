"""Growth rates of scattering as polynomials: the points, the fit, the matched energy spread."""

from __future__ import annotations

import itertools
from typing import NamedTuple

import numpy as np

from lumimod.arrays import FloatArray
from lumimod.physics.ibs_rates import RatePolynomial

EMITTANCES_UM = (1.0, 1.6, 2.4, 3.6)
"""Of both planes, normalised."""
LENGTHS_NS = (0.8, 1.0, 1.2, 1.45)
"""4 sigma."""
REFERENCE_PPB = 1e11
"""Rates are proportional to the intensity."""


class FitPoint(NamedTuple):
    """A bunch for which rates are computed."""

    emit_h_um: float
    emit_v_um: float
    bl4s_ns: float


class FittedRate(NamedTuple):
    """A polynomial, and how far it is off."""

    coefficients: RatePolynomial
    rms_percent: float
    max_percent: float


def fit_points() -> list[FitPoint]:
    """Return the points at which rates are computed: every combination."""
    return [FitPoint(*p) for p in itertools.product(EMITTANCES_UM, EMITTANCES_UM, LENGTHS_NS)]


def fitted_rate(points: list[FitPoint], rates_per_h: FloatArray) -> FittedRate:
    """Return the polynomial of second order in logarithms through the logarithms of rates.

    Least squares; the terms are those of `RatePolynomial`. Deviations are of the rates.

    Raises
    ------
    ValueError
        A rate is not above zero: its logarithm has no value.
    """
    if not (rates_per_h > 0).all():
        raise ValueError("growth rates are not all above zero")
    u, v, w = np.log(np.array(points)).T
    terms = np.stack([np.ones_like(u), u, v, w, u * u, v * v, w * w, u * v, u * w, v * w], axis=1)
    wanted = np.log(rates_per_h)
    coefficients = np.linalg.lstsq(terms, wanted, rcond=None)[0]
    off_percent = 100 * np.abs(np.expm1(terms @ coefficients - wanted))
    rms = float(np.sqrt((off_percent**2).mean()))
    return FittedRate(tuple(map(float, coefficients)), rms, float(off_percent.max()))


def matched_spread(
    length_m: float,
    *,
    energy_ev: float,
    v_rf_v: float,
    slip_factor: float,
    circumference_m: float,
    harmonic: int,
    mass_ev: float,
) -> float:
    """Return the rms energy spread dp/p that belongs to a length (1 sigma) in a linear bucket.

    No acceleration: sigma_delta = Q_s sigma_z / (|eta| R), with the synchrotron tune
    Q_s^2 = h |eta| e V / (2 pi beta^2 E).
    """
    beta_square = 1 - (mass_ev / energy_ev) ** 2
    tune = np.sqrt(harmonic * abs(slip_factor) * v_rf_v / (2 * np.pi * beta_square * energy_ev))
    return float(tune * length_m / (abs(slip_factor) * circumference_m / (2 * np.pi)))
