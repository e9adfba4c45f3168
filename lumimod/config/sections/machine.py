"""The LHC."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lumimod.config.entries import entry
from lumimod.config.kinds.by_fill import (
    MEASURED,
    AtPoints,
    Betastar,
    FillRange,
    betastar,
    crossing_planes,
    crossing_ranges,
)
from lumimod.config.kinds.numbers import (
    flag,
    positive_or_inf,
    within,
)
from lumimod.errors import ConfigError


@dataclass(frozen=True)
class Machine:
    """Machine (FT: flat top, FB: flat bottom)."""

    f_rev_hz: float = entry("frev", within(11_200, 11_300, "Hz"), 11245.5, "revolution frequency")
    gamma_ft: float = entry(
        "gammaFT", within(400, 8000), 6927.64, "Lorentz factor, flat top", older="gamma"
    )
    gamma_fb: float = entry("gammaFB", within(400, 8000), 479.6, "Lorentz factor, flat bottom")
    tau_sr_xy_ft_s: float = entry(
        "tauSRxy_FT",
        positive_or_inf("s"),
        64.7 * 3600,
        "radiation damping time of the transverse amplitudes, flat top",
    )
    tau_sr_xy_fb_s: float = entry(
        "tauSRxy_FB",
        positive_or_inf("s"),
        float("inf"),
        "radiation damping time of the transverse amplitudes, flat bottom; taken where `damping` "
        "is on",
    )
    tau_sr_l_ft_s: float = entry(
        "tauSRl_FT",
        positive_or_inf("s"),
        32.35 * 3600,
        "radiation damping time, longitudinal, flat top; taken with ibs = 'rates'",
    )
    v_rf_ft_v: float = entry("VRF_FT", within(1e5, 2e7, "V"), 12e6, "RF voltage, flat top")
    v_rf_fb_v: float = entry("VRF_FB", within(1e5, 2e7, "V"), 6e6, "RF voltage, flat bottom")
    betastar_m: Betastar = entry("betastar_m", betastar, 0.30, "beta* at IP1 and IP5")
    sigma_boff_m2: float = entry(
        "sigmaBOff_m2",
        within(1e-31, 1e-28, "m^2"),
        80e-31,
        "cross section of the burn-off: inelastic",
    )
    sigma_el_m2: float = entry(
        "sigma_el_m2", within(0, 1e-28, "m^2"), 29.7e-31, "elastic cross section"
    )
    sigma_inel_m2: float = entry(
        "sigma_inel_m2",
        within(1e-31, 1e-28, "m^2"),
        80e-31,
        "inelastic cross section, for the pile-up",
    )
    crossing_planes: Mapping[int, str] = entry(
        "crossing_planes",
        crossing_planes,
        {},
        "crossing plane at IP1 and IP5; left out: that of the year, or of the larger logged angle",
    )
    crossing_angle_change: bool = entry(
        "crossingAngleChange",
        flag,
        True,
        "the crossing angle changes in stable beams",
        no_effect="XingAngle gives the angles",
    )
    crossing_angles: Mapping[FillRange, AtPoints] = entry(
        "XingAngle",
        crossing_ranges,
        {(5695, 6055): [300e-6, 300e-6], (6055, 7001 + 1): [300e-6, 300e-6]},
        "full crossing angles, for fills whose angles are not logged",
    )

    def crossing_angle(self, fill: int) -> AtPoints | None:
        """Return the full angles at IP1 and IP5 in rad, None if no range holds the fill."""
        return _of_fill(self.crossing_angles, fill)

    @property
    def betastar_is_measured(self) -> bool:
        """Whether beta* is taken from the logged data."""
        return self.betastar_m == MEASURED

    def betastar(self, fill: int) -> AtPoints:
        """Return the configured beta* at IP1 and IP5 in m.

        Raises
        ------
        ConfigError
            No range holds the fill.
        """
        if isinstance(self.betastar_m, float):
            return self.betastar_m, self.betastar_m
        found = None if isinstance(self.betastar_m, str) else _of_fill(self.betastar_m, fill)
        if found is None:
            raise ConfigError("no range of betastar_m in config.py holds this fill; add one")
        return found


def _of_fill(ranges: Mapping[FillRange, AtPoints], fill: int) -> AtPoints | None:
    """Return the values of the first range that holds the fill."""
    return next((v for (first, end), v in ranges.items() if first <= fill < end), None)
