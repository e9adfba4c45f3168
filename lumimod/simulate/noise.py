"""Noise of the full truth: what a transverse damper leaves of white kicks."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from lumimod.arrays import FloatArray
from lumimod.simulate.machine import F_REV_HZ

_RMS_KICK = {(1, "h"): 3.8e-5, (1, "v"): 5.3e-5, (2, "h"): 4.4e-5, (2, "v"): 5.6e-5}
_RMS_MONITOR = {(1, "h"): 2.2e-3, (1, "v"): 2.5e-3, (2, "h"): 1.9e-3, (2, "v"): 2.1e-3}
"""Kicks a turn over the divergence, and noise of the damper's monitors over the size, of a beam of
1.9 um, by beam and plane. Source: github.com/stpapado/lumiModel, for 2018.
"""
_EMITTANCE_UM = 1.9
_MONITOR_PPB = 1.2e11
"""Intensity at which the monitors have that noise."""
_PROTON_RADIUS_M = 1.5346983e-18
_SPREAD_OF_SHIFT = 0.167
"""RMS tune spread of a round Gaussian bunch over its head-on beam-beam tune shift."""


@lru_cache(maxsize=1)
def _table() -> tuple[FloatArray, FloatArray]:
    """Return ln(damping rate over 2 pi tune spread), and what is left of kicks there.

    A proton off by d in tune (times 2 pi) feels, beside its own kick, the damper pull at the
    whole bunch, which fades as exp(-r n) in n turns. What it keeps is 1 - r/(r + i d) of the
    kick, d^2/(r^2 + d^2) of its square: here averaged over a Gaussian of d.
    """
    offsets = np.linspace(-8, 8, 4001)
    weights = np.exp(-(offsets**2) / 2)
    weights /= weights.sum()
    ratio = np.geomspace(1e-3, 1e4, 400)
    left = (weights * offsets**2 / (ratio[:, None] ** 2 + offsets**2)).sum(axis=1)
    return np.log(ratio), left


def undamped_growth(beam: int, plane: str, gain: float, n_ppb: FloatArray) -> FloatArray:
    """Return the growth of bunches by noise, if no damper took any of it out, in um/s.

    A kick adds half of its square to the action, and so to the emittance, each turn; the damper's
    monitors kick by its gain times what they are off.
    """
    monitors = (gain * _RMS_MONITOR[beam, plane]) ** 2 * (_MONITOR_PPB / n_ppb)
    return F_REV_HZ * _EMITTANCE_UM / 2 * (_RMS_KICK[beam, plane] ** 2 + monitors)


def left_by_damper(gain: float, tune_spread: FloatArray) -> FloatArray:
    """Return which part of the growth by white noise is left, of the shape of `tune_spread`.

    A damper of the gain g takes g/2 of the amplitude of the bunch in a turn.
    """
    if gain == 0:
        return np.ones_like(tune_spread)
    known, left = _table()
    return np.interp(np.log(gain / 2 / (2 * np.pi * tune_spread)), known, left)


def beam_beam_spread(
    other_ppb: FloatArray,
    emit_cross_um: FloatArray,
    emit_sep_um: FloatArray,
    piwinski: FloatArray,
) -> FloatArray:
    """Return the tune spread that a bunch gets in one collision, mean of both planes, (n,).

    Tune shift of a flat Gaussian beam, N r_p beta*/(2 pi gamma s (sx + sy)); the crossing angle
    widens the other bunch by sqrt(1 + piwinski^2). beta* and gamma drop out with normalised
    emittances.
    """
    wide = np.sqrt(emit_cross_um * 1e-6 * (1 + piwinski**2))
    narrow = np.sqrt(emit_sep_um * 1e-6)
    shift = other_ppb * _PROTON_RADIUS_M / (2 * np.pi * (wide + narrow))
    return _SPREAD_OF_SHIFT * shift * (1 / wide + 1 / narrow) / 2
