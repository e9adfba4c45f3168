"""Bunches of the simulated machine, and what the ramp does to them."""

from __future__ import annotations

from typing import NamedTuple

from lumimod.arrays import FloatArray
from lumimod.simulate.settings import STEP_S, FillSettings
from lumimod.simulate.timeline import Timeline


class BunchState(NamedTuple):
    """State of the bunches of one beam: (n_bunches,) or (n_times, n_bunches)."""

    n_ppb: FloatArray
    emit_h_um: FloatArray
    emit_v_um: FloatArray
    bl4s_s: FloatArray


class Growth(NamedTuple):
    """Extra growth of the emittances of each bunch at top energy, in um/h."""

    h_um_per_h: FloatArray
    v_um_per_h: FloatArray


def ramped(state: BunchState, now_s: float, times: Timeline, settings: FillSettings) -> BunchState:
    """Return the state one step of the ramp later."""
    # The blow-up in the ramp is controlled by the mean length, which ends at its set value.
    start_s, stop_s = times.modes["RAMP"]
    n_steps = (stop_s - start_s) / STEP_S
    growth_um = settings.ramp_growth_um / n_steps
    left = (stop_s - now_s) / STEP_S
    target_s = settings.bl_flattop_s * state.bl4s_s / state.bl4s_s.mean()
    return BunchState(
        state.n_ppb * (1 - settings.ramp_loss) ** (1 / n_steps),
        state.emit_h_um + growth_um,
        state.emit_v_um + growth_um,
        state.bl4s_s + (target_s - state.bl4s_s) / left,
    )
