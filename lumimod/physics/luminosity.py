"""Luminosity of colliding Gaussian bunches."""

from __future__ import annotations

import numpy as np

from lumimod.arrays import FloatArray

Pair = tuple[FloatArray, FloatArray]
CROSSING_PLANE = {"ATLAS": "v", "CMS": "h"}
"""Plane of the crossing angle at each experiment (2016 to 2018)."""


def beam_size_m(
    emit_1_um: FloatArray, emit_2_um: FloatArray, *, betastar_m: FloatArray | float, gamma: float
) -> FloatArray:
    """Return the quadratic mean of both beams' sizes at the interaction point, in m.

    Emittances are normalised, in um, of any shape, with which `betastar_m` broadcasts; each
    beam's size is sqrt(eps_n/gamma*beta*).
    Where their sum is negative (sizes measured below the monitor's resolution) it is NaN.
    """
    mean_square_m2 = (emit_1_um + emit_2_um) * 1e-6 / gamma * betastar_m / 2
    with np.errstate(invalid="ignore"):
        return np.sqrt(mean_square_m2)


def pair_luminosity(
    n1_ppb: FloatArray,
    n2_ppb: FloatArray,
    sigma_cross_m: FloatArray,
    sigma_sep_m: FloatArray,
    sigma_s_m: FloatArray,
    *,
    f_rev_hz: float,
    half_crossing_rad: FloatArray | float,
) -> FloatArray:
    """Return the luminosity of each colliding pair, in 1/(m^2 s).

    Gaussian beams of equal size in the crossing plane (`sigma_cross_m`) and in the other
    (`sigma_sep_m`), mean bunch length `sigma_s_m`; no hourglass effect, small angle, no offset.
    Shapes broadcast, usually to (n_times, n_slots); NaN in, NaN out.
    Source: W. Herr and B. Muratori, Concept of luminosity, CERN-2006-002, p. 361.
    """
    piwinski = sigma_s_m / sigma_cross_m * half_crossing_rad
    head_on = f_rev_hz * n1_ppb * n2_ppb / (4 * np.pi * sigma_cross_m * sigma_sep_m)
    return head_on / np.sqrt(1 + piwinski**2)


def piwinski(
    emit_1_um: FloatArray,
    emit_2_um: FloatArray,
    length_m: FloatArray,
    full_crossing_rad: FloatArray | float,
    *,
    betastar_m: FloatArray | float,
    gamma: float,
) -> FloatArray:
    """Return the Piwinski parameter: length over size in the crossing plane, times half the angle.

    Emittances are those in the crossing plane, the length the mean of both beams; shapes as for
    `beam_size_m`.
    """
    size_m = beam_size_m(emit_1_um, emit_2_um, betastar_m=betastar_m, gamma=gamma)
    return length_m / size_m * (full_crossing_rad / 2)


def experiment_luminosity(
    crossing_plane: str,
    n_ppb: Pair,
    emit_h_um: Pair,
    emit_v_um: Pair,
    length_m: Pair,
    full_crossing_rad: FloatArray | float,
    *,
    betastar_m: FloatArray | float,
    gamma: float,
    f_rev_hz: float,
) -> FloatArray:
    """Return the luminosity of bunch pairs at an experiment, in 1/(m^2 s).

    Every pair is (beam 1, beam 2); arrays of any one shape, with which `full_crossing_rad` and
    `betastar_m` broadcast. `crossing_plane` is "v" or "h".
    """
    size = {
        "h": beam_size_m(*emit_h_um, betastar_m=betastar_m, gamma=gamma),
        "v": beam_size_m(*emit_v_um, betastar_m=betastar_m, gamma=gamma),
    }
    return pair_luminosity(
        *n_ppb,
        size[crossing_plane],
        size["h" if crossing_plane == "v" else "v"],
        (length_m[0] + length_m[1]) / 2,
        f_rev_hz=f_rev_hz,
        half_crossing_rad=full_crossing_rad / 2,
    )


def level(bunch_lumi: FloatArray, level_total: float) -> FloatArray:
    """Return bunch luminosities, in 1/(m^2 s), with their sum capped at `level_total`.

    The last axis is the slots. Where the sum exceeds the level all bunches of that instant are
    reduced by the same factor, as by a separation of the beams. NaN bunches do not count.
    """
    total = np.nansum(bunch_lumi, axis=-1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        factor = np.minimum(1.0, level_total / total)
    return bunch_lumi * np.where(total > 0, factor, 1.0)
