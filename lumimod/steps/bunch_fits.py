"""Exponential fits of a family of bunches, as the steps sb and fits both need them."""

from __future__ import annotations

from lumimod.arrays import FloatArray
from lumimod.physics.expfit import ExpFits, fit_short_and_full
from lumimod.records import BunchFamily

INTENSITY_UNIT_PPB = 1e11
LUMI_UNIT_M2S = 1e34
"""Values are fitted in these units, as by the original: they decide where a fit starts."""


def bunch_fits(time_s: FloatArray, b: BunchFamily, fit_length_s: float) -> dict[str, ExpFits]:
    """Return the fits of emittances, bunch length and intensity of every bunch."""
    quantities = {
        "emit_h": (b.emit_h_um, 1.0),
        "emit_v": (b.emit_v_um, 1.0),
        "bl": (b.length_m, 1.0),
        "inten": (b.intensity_ppb, INTENSITY_UNIT_PPB),
    }
    return {
        name: fit_short_and_full(time_s, values, fit_length_s, scale)
        for name, (values, scale) in quantities.items()
    }
