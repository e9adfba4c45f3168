"""First-principles rates of intra-beam scattering, by energy and RF voltage."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from lumimod.errors import ConfigError
from lumimod.physics.constants import PROTON_MASS_GEV
from lumimod.physics.ibs_rates import GrowthRates, at_voltage

FILE = Path(__file__).with_suffix(".json")

ENERGY_WINDOW_GEV = 20.0
VOLTAGE_TOLERANCE_MV = 1e-3
N_COEFFICIENTS = 10


@lru_cache(maxsize=4)
def growth_rate_sets(file: Path | None = None) -> tuple[GrowthRates, ...]:
    """Return every set of rates there is, sorted by energy and voltage.

    Those of `file`, made by Utilities/build_ibs_rates.py, take the place of those that come with
    the package.

    Raises
    ------
    ConfigError
        The file is missing or is none of rates.
    """
    sets = {(s.energy_gev, s.v_rf_mv): s for path in (FILE, file) if path for s in _sets_in(path)}
    return tuple(sets[key] for key in sorted(sets))


def joined_sets(file: Path, one: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the sets of a file, if it is there, with one more as they stand in the file.

    It takes the place of one for the same energy and voltage.

    Raises
    ------
    ConfigError
        What is there holds no rates.
    """
    if not file.exists():
        return [dict(one)]
    _sets_in(file)
    there = json.loads(file.read_text(encoding="utf-8"))["sets"]
    key = ("energy_GeV", "V_RF_MV")
    others = [s for s in there if [float(s[k]) for k in key] != [float(one[k]) for k in key]]
    return [*others, dict(one)]


def _sets_in(path: Path) -> list[GrowthRates]:
    try:
        table = json.loads(path.read_text(encoding="utf-8"))["sets"]
        sets = [
            GrowthRates(
                float(s["energy_GeV"]),
                float(s["V_RF_MV"]),
                tuple(float(c) for c in s["emit_h"]),
                tuple(float(c) for c in s["bl4s"]),
            )
            for s in table
        ]
    except (OSError, ValueError, KeyError, TypeError) as exc:
        raise ConfigError(
            f"{path} (ibs_rates_file) cannot be read as rates of intra-beam scattering: {exc!r}; "
            "make it with Utilities/build_ibs_rates.py"
        ) from exc
    for one in sets:
        if {len(one.emit_h), len(one.bl4s)} != {N_COEFFICIENTS}:
            what = f"a set has other than {N_COEFFICIENTS} coefficients for one quantity"
            raise ConfigError(f"{path} (ibs_rates_file): {what}")
    return sets


def growth_rates_of(gamma: float, v_rf_v: float, file: Path | None = None) -> GrowthRates:
    """Return the rates at an energy and RF voltage, interpolated between voltages.

    Raises
    ------
    ConfigError
        There are none at this energy, or the voltage lies outside those that there are; the
        message lists what there is. Or `file`, with further sets, cannot be read.
    """
    energy_gev, v_rf_mv = gamma * PROTON_MASS_GEV, v_rf_v / 1e6
    known = growth_rate_sets(file)
    near = [s for s in known if abs(s.energy_gev - energy_gev) <= ENERGY_WINDOW_GEV]
    for rates in near:
        if abs(rates.v_rf_mv - v_rf_mv) < VOLTAGE_TOLERANCE_MV:
            return rates
    for low, high in zip(near, near[1:]):
        if low.v_rf_mv < v_rf_mv < high.v_rf_mv:
            return at_voltage(low, high, v_rf_mv)
    have = ", ".join(f"{s.energy_gev:.0f} GeV with {s.v_rf_mv:g} MV" for s in known)
    raise ConfigError(
        f"no rates of intra-beam scattering for {energy_gev:.0f} GeV with {v_rf_mv:g} MV; there "
        f"are {have}, and voltages between two of one energy: check gammaFT, gammaFB, VRF_FT and "
        "VRF_FB in config.py, or make a set with Utilities/build_ibs_rates.py"
    )
