"""First-principles rates of intra-beam scattering, by energy and RF voltage."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path

from lumimod.errors import ConfigError
from lumimod.physics.constants import PROTON_MASS_GEV
from lumimod.physics.ibs_rates import GrowthRates, at_voltage

FILE = Path(__file__).with_suffix(".json")

ENERGY_WINDOW_GEV = 20.0
VOLTAGE_TOLERANCE_MV = 1e-3


@lru_cache(maxsize=1)
def growth_rate_sets() -> tuple[GrowthRates, ...]:
    """Return every set of rates there is, sorted by energy and voltage."""
    table = json.loads(FILE.read_text(encoding="utf-8"))["sets"]
    sets = (
        GrowthRates(
            float(s["energy_GeV"]), float(s["V_RF_MV"]), tuple(s["emit_h"]), tuple(s["bl4s"])
        )
        for s in table
    )
    return tuple(sorted(sets, key=lambda s: (s.energy_gev, s.v_rf_mv)))


def growth_rates_of(gamma: float, v_rf_v: float) -> GrowthRates:
    """Return the rates at an energy and RF voltage, interpolated between voltages.

    Raises
    ------
    ConfigError
        There are none at this energy, or the voltage lies outside those that there are; the
        message lists what there is.
    """
    energy_gev, v_rf_mv = gamma * PROTON_MASS_GEV, v_rf_v / 1e6
    near = [s for s in growth_rate_sets() if abs(s.energy_gev - energy_gev) <= ENERGY_WINDOW_GEV]
    for rates in near:
        if abs(rates.v_rf_mv - v_rf_mv) < VOLTAGE_TOLERANCE_MV:
            return rates
    for low, high in zip(near, near[1:]):
        if low.v_rf_mv < v_rf_mv < high.v_rf_mv:
            return at_voltage(low, high, v_rf_mv)
    have = ", ".join(f"{s.energy_gev:.0f} GeV with {s.v_rf_mv:g} MV" for s in growth_rate_sets())
    raise ConfigError(
        f"no rates of intra-beam scattering for {energy_gev:.0f} GeV with {v_rf_mv:g} MV; there "
        f"are {have}, and voltages between two of one energy: check gammaFT, gammaFB, VRF_FT and "
        "VRF_FB in config.py"
    )
