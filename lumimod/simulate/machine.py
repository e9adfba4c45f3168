"""Constants of the simulated machine, and the beam size that its BSRT measures."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from lumimod.arrays import FloatArray

F_REV_HZ = 11245.5
GAMMA_INJECTION = 479.6
V_RF_INJECTION_V = 6e6
V_RF_TOP_V = 12e6
ELASTIC_SLOPE_GEV2 = 19.9


MonitorOf = tuple[float, float, float, float]
"""beta [m] and resolution [mm] of a BSRT, factor on its sizes, and gamma."""


class Run(NamedTuple):
    """What differs between Run 2 and Run 3."""

    year: int
    first_start_s: float
    """Start of the fill FIRST_FILL, 1 May 00:00 UTC."""
    energy_gev: float
    gamma: float
    """At top energy."""

    @property
    def tau_sr_s(self) -> float:
        """Return the radiation damping time of transverse amplitudes at top energy, in s."""
        return 64.7 * 3600 * (6500.0 / self.energy_gev) ** 3

    @property
    def elastic_angle2_rad2(self) -> float:
        """Return the mean square angle of elastic scattering, 1/(slope * momentum^2)."""
        return 1 / (ELASTIC_SLOPE_GEV2 * self.energy_gev**2)


RUNS = {
    2: Run(2017, 1_493_596_800.0, 6500.0, 6927.64),
    3: Run(2023, 1_682_899_200.0, 6800.0, 7247.4),
}
BANDS_GEV = (500.0, 6400.0)
"""Below the first the BSRT calibration at injection holds, above the second that at top energy."""


def monitor_sigma_mm(
    emit_um: FloatArray, energy_gev: FloatArray, injection: MonitorOf, top: MonitorOf
) -> FloatArray:
    """Return the beam size that the BSRT measures, in mm.

    The inverse of `lumimod.physics.emittance.emittance_um`. Between injection and top energy, where
    the BSRT is not calibrated, the calibrations are interpolated.
    """
    weight = np.clip((energy_gev - BANDS_GEV[0]) / (BANDS_GEV[1] - BANDS_GEV[0]), 0.0, 1.0)
    betaf_m, corr_mm, rescale, gamma = (a + (b - a) * weight for a, b in zip(injection, top))
    return np.asarray(np.sqrt(emit_um * betaf_m / gamma + corr_mm**2) / rescale)
