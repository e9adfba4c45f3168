"""The budget of luminosity of a fill: what its luminosity was lost to."""

from __future__ import annotations

import numpy as np

from lumimod.arrays import FloatArray
from lumimod.paths import FillPaths
from lumimod.physics.budget import ColliderState, burned_off, luminosity_budget
from lumimod.records import (
    BEAMS,
    EXPERIMENTS,
    IP_OF,
    CalculatedLumi,
    MeasuredLumi,
    StableBeams,
)
from lumimod.summary.optics import betastar_in_use


def budgets(
    paths: FillPaths, sb: StableBeams, calc: CalculatedLumi | None, meas: MeasuredLumi | None
) -> dict[str, dict[str, FloatArray]]:
    """Return by experiment and cause how the luminosity has changed since the start, ln(L/L0).

    Each is (n_times,). There are none without any luminosity, which burns the beams off, and of
    an experiment whose beta* is not known.
    """
    lumi = meas or calc
    if lumi is None:
        return {}
    both = np.nansum([lumi.bunch_lumi[exp] for exp in EXPERIMENTS], axis=0)
    return {exp: _budget(paths, sb, calc, both, IP_OF[exp]) for exp in EXPERIMENTS}


def _budget(
    paths: FillPaths, sb: StableBeams, calc: CalculatedLumi | None, both: FloatArray, ip: int
) -> dict[str, FloatArray]:
    machine, betastar_m = paths.cfg.machine, betastar_in_use(paths, calc, sb.time_s)
    if not betastar_m:
        return {}
    state = _state(sb, ip, betastar_m[ip])
    left = burned_off(state.intensity_ppb, both, sb.time_s, machine.sigma_boff_m2)
    plane = sb.crossing_plane[ip]
    return luminosity_budget(
        state, left, crossing_plane=plane, gamma=machine.gamma_ft, f_rev_hz=machine.f_rev_hz
    )


def _state(sb: StableBeams, ip: int, betastar_m: FloatArray) -> ColliderState:
    b = [sb.bunches[beam, "coll"] for beam in BEAMS]
    return ColliderState(
        np.stack([one.intensity_ppb for one in b]),
        np.stack([one.emit_h_um for one in b]),
        np.stack([one.emit_v_um for one in b]),
        np.stack([one.length_m for one in b]),
        sb.xing_angle_rad[ip],
        betastar_m,
    )
