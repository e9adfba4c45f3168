"""Constants of nature, in the units that their names say."""

from __future__ import annotations

SPEED_OF_LIGHT_M_S = 299_792_458.0
"""Exact by definition (SI)."""

PROTON_MASS_GEV = 0.93828
"""As in the IBS parametrisation, which is chosen by gamma times this mass."""

PROTON_RADIUS_M = 1.534698e-18
"""Classical radius of the proton (CODATA)."""
