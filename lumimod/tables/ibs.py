"""Intra-beam scattering (IBS): coefficients and growth rates by energy and RF voltage."""

from __future__ import annotations

from functools import lru_cache

from lumimod.errors import ConfigError
from lumimod.physics.constants import PROTON_MASS_GEV
from lumimod.physics.ibs import Ibs, IbsRates, IbsSet
from lumimod.tables.packaged import packaged_table

SHORTEST_IBS_STEP_S, LONGEST_IBS_STEP_S = 300.0, 3600.0
"""The coefficients hold for steps of 5 minutes to an hour; the polynomials run away beyond."""

_ENERGY_WINDOW_GEV = 20.0


@lru_cache(maxsize=1)
def ibs_sets() -> tuple[IbsSet, ...]:
    """Return all sets of IBS coefficients."""
    table = packaged_table("ibs_parametrisation.json")["sets"]
    named = {(s["energy_GeV"], s["V_RF_MV"]): s["coefficients"] for s in table}
    # At 8 MV no bunch lengths were fitted: those of 10 MV are taken, as in the original.
    named[6500, 8] = {**named[6500, 10], **named[6500, 8]}
    return tuple(
        IbsSet(float(e), float(v), tuple((n, tuple(map(tuple, t))) for n, t in c.items()))
        for (e, v), c in named.items()
    )


@lru_cache(maxsize=1)
def ibs_rates() -> tuple[IbsRates, ...]:
    """Return the growth rates at energies for which there are no coefficients."""
    table = packaged_table("ibs_rates.json")["sets"]
    return tuple(
        IbsRates(
            float(s["energy_GeV"]), float(s["V_RF_MV"]), tuple(s["emit_h"]), tuple(s["bl4s"]),
            s["damping_time_xy_h"], s["damping_time_l_h"],
        )
        for s in table
    )  # fmt: skip


def ibs_of(gamma: float, v_rf_v: float) -> Ibs:
    """Return the IBS coefficients, or growth rates, for a relativistic gamma and an RF voltage.

    Raises
    ------
    ConfigError
        There are none; the message lists those that exist.
    """
    energy_gev = gamma * PROTON_MASS_GEV
    known: tuple[Ibs, ...] = (*ibs_sets(), *ibs_rates())
    for ibs in known:
        same_energy = abs(ibs.energy_gev - energy_gev) <= _ENERGY_WINDOW_GEV
        if same_energy and abs(ibs.v_rf_mv * 1e6 - v_rf_v) < 1e3:
            return ibs
    have = ", ".join(f"{s.energy_gev:.0f} GeV with {s.v_rf_mv:.0f} MV" for s in known)
    raise ConfigError(
        f"no intra-beam-scattering coefficients for {energy_gev:.0f} GeV with "
        f"{v_rf_v / 1e6:g} MV; there are {have}: check gammaFT, gammaFB, VRF_FT and VRF_FB "
        "in config.py"
    )
