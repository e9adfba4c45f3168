"""Emittances from the synchrotron-light monitor (BSRT)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from lumimod.arrays import FloatArray


class MonitorOptics(NamedTuple):
    """Calibration of the monitor in one plane at one energy."""

    betaf_m: float
    """Beta function at the monitor."""
    sigma_corr_mm: float
    """Resolution of the monitor, subtracted in quadrature."""
    rescale: float
    """Factor on the measured size, from one calibration period to another."""
    gamma: float
    """Relativistic gamma of the beam."""


def emittance_um(sigma_mm: FloatArray, optics: MonitorOptics) -> FloatArray:
    """Return the normalised emittance, in um, of beam sizes measured in mm (any shape).

    A size below the resolution gives a negative emittance, kept as measured.
    mm^2 / m = um. Source: G. Trad, PhD thesis, CERN-THESIS-2014-264.
    """
    size_mm2 = (sigma_mm * optics.rescale) ** 2 - optics.sigma_corr_mm**2
    return size_mm2 / optics.betaf_m * optics.gamma


def brightness_ppb_um(
    intensity_ppb: FloatArray, emit_h_um: FloatArray, emit_v_um: FloatArray
) -> FloatArray:
    """Return intensity/sqrt(emit_h*emit_v), in protons per um; NaN if one of them is negative."""
    with np.errstate(invalid="ignore"):
        return intensity_ppb / np.sqrt(emit_h_um * emit_v_um)
