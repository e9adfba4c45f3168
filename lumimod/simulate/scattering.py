"""Intra-beam scattering of the full truth: tabulated rates, evaluated and integrated here.

The rates are data: growth of the LHC's bunches from first principles, see the table.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from lumimod.arrays import FloatArray
from lumimod.errors import UsageError
from lumimod.tables.packaged import packaged_table

POWERS = np.array(
    [[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1], [2, 0, 0], [0, 2, 0], [0, 0, 2],
     [1, 1, 0], [1, 0, 1], [0, 1, 1]]
)  # fmt: skip
"""Powers of the three logarithms in the polynomial, in the order of the table's coefficients."""


class Rates(NamedTuple):
    """Relative growth of the horizontal emittance and of the length, in 1/s."""

    emit_h: FloatArray
    length: FloatArray


@lru_cache(maxsize=8)
def _coefficients(energy_gev: float, v_rf_mv: float) -> FloatArray:
    """Return the coefficients of emittance and length, (2, 10)."""
    for one in packaged_table("ibs_rates_xy.json")["sets"]:
        if (one["energy_GeV"], one["V_RF_MV"]) == (energy_gev, v_rf_mv):
            return np.array([one["emit_h"], one["bl4s"]])
    raise UsageError(f"no scattering rates for {energy_gev:g} GeV and {v_rf_mv:g} MV")


def scattering_rates(
    energy_gev: float,
    v_rf_mv: float,
    n_ppb: FloatArray,
    emit_h_um: FloatArray,
    emit_v_um: FloatArray,
    bl4s_s: FloatArray,
) -> Rates:
    """Return the growth rates of bunches by scattering, (n_bunches,).

    Raises
    ------
    UsageError
        The table has none for the energy and voltage.
    """
    logs = np.log(np.stack([emit_h_um, emit_v_um, bl4s_s * 1e9]))
    terms = np.prod(logs[None] ** POWERS[:, :, None], axis=1)
    per_h = np.exp(_coefficients(energy_gev, v_rf_mv) @ terms) * (n_ppb / 1e11)
    return Rates(*(per_h / 3600))


def damping_time_s(gamma: float) -> float:
    """Return in which time radiation damps transverse amplitudes, in s; lengths in half of it.

    tau = 2 E T0/U0 with the loss a turn U0 = (4 pi/3) r_p m c^2 gamma^4/rho in dipoles of the
    bending radius rho. Source: LHC Design Report, CERN-2004-003-V-1, table 2.1 (rho = 2803.95 m).
    """
    radius_m, bending_m, turn_s = 1.5346983e-18, 2803.95, 8.8924e-5
    loss_over_mc2 = 4 * np.pi / 3 * radius_m * gamma**4 / bending_m
    return float(2 * gamma * turn_s / loss_over_mc2)
