"""Beam modes, energy and crossing angle of a simulated fill against time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lumimod.simulate.settings import STEP_S, FillSettings

FloatArray = npt.NDArray[np.float64]

FIRST_FILL = 5690
FIRST_START_S = 1_493_596_800.0
"""2017-05-01 00:00 UTC."""
DAYS = 240
"""Fills later than this start again at the first day, so that all are of 2017."""

BEFORE_STABLE_S = {
    "CYCLING": 600,
    "SETUP": 300,
    "INJPROT": 600,
    "INJPHYS": 2400,
    "PRERAMP": 300,
    "RAMP": 1200,
    "FLATTOP": 480,
    "SQUEEZE": 780,
    "ADJUST": 600,
}
BEAMDUMP_S = 300
UNUSED_MODES = (
    *("NOMODE", "ABORT", "INJDUMP", "CIRCDUMP", "UNSTABLE"),
    *("RECOVERY", "WBDUMP", "NOBEAM", "INJSTUP"),
)

ENERGY_INJECTION_GEV = 450.0
ENERGY_TOP_GEV = 6500.0
COLLIDE_S = 300.0
"""The beams are brought together this long before stable beams."""
COLLIDE_OVERLAP = 0.08
"""Part of the luminosity until then."""


@dataclass(frozen=True)
class Timeline:
    """When what happens, in Unix seconds UTC."""

    modes: dict[str, tuple[float, float]]
    """Start and stop of every mode that occurs, in order of time."""
    end_s: float
    """Start of the next fill."""
    half_crossing: tuple[FloatArray, FloatArray]
    """Times [s] and the half angles [rad] from then on."""

    @property
    def start_s(self) -> float:
        """Start of the fill."""
        return self.modes["CYCLING"][0]

    @property
    def stable_s(self) -> float:
        """Start of stable beams."""
        return self.modes["STABLE"][0]

    @property
    def dump_s(self) -> float:
        """End of stable beams."""
        return self.modes["STABLE"][1]

    def energy_gev(self, time_s: FloatArray) -> FloatArray:
        """Return the energy in GeV: smooth from 450 to 6500 in the ramp, back after the dump."""
        up = _smooth_step(time_s, *self.modes["RAMP"])
        down = _smooth_step(time_s, *self.modes["RAMPDOWN"])
        return ENERGY_INJECTION_GEV + (ENERGY_TOP_GEV - ENERGY_INJECTION_GEV) * (up - down)

    def half_crossing_rad(self, time_s: FloatArray) -> FloatArray:
        """Return the half crossing angle of both experiments, in rad."""
        since_s, angle_rad = self.half_crossing
        return angle_rad[np.searchsorted(since_s, time_s, side="right") - 1]

    def overlap(self, time_s: FloatArray) -> FloatArray:
        """Return the part of the head-on luminosity that there is: 0 apart, 1 in stable beams."""
        early = (time_s >= self.stable_s - COLLIDE_S) * COLLIDE_OVERLAP
        stable = (time_s >= self.stable_s) & (time_s <= self.dump_s)
        return np.where(stable, 1.0, early * (time_s < self.stable_s))


def timeline(fill: int, settings: FillSettings) -> Timeline:
    """Return the times of a fill; successive fills follow each other without a gap."""
    stable_s = max(1, round(settings.hours * 3600 / STEP_S)) * STEP_S
    lengths_s = {**BEFORE_STABLE_S, "STABLE": stable_s, "BEAMDUMP": BEAMDUMP_S}
    whole_s = sum(BEFORE_STABLE_S.values()) + stable_s + settings.to_next_fill_s
    n_fills = max(1, int(DAYS * 86400 // whole_s))
    now_s = FIRST_START_S + (fill - FIRST_FILL) % n_fills * whole_s
    end_s = now_s + whole_s
    modes = {}
    for mode, length_s in lengths_s.items():
        modes[mode] = (now_s, now_s + length_s)
        now_s += length_s
    modes["RAMPDOWN"] = (now_s, end_s)
    return Timeline(modes, end_s, _half_crossing(modes["STABLE"][0], settings))


def bmodes_entry(times: Timeline) -> dict[str, object]:
    """Return the fill's entry of the beam-mode file; -1 for modes that did not occur."""
    entry: dict[str, object] = {}
    for mode, (start_s, stop_s) in times.modes.items():
        entry[f"t_start_{mode}"] = start_s
        entry[f"t_stop_{mode}"] = stop_s
    for mode in UNUSED_MODES:
        entry[f"t_start_{mode}"] = entry[f"t_stop_{mode}"] = -1.0
    entry["t_startfill"] = times.start_s
    entry["t_endfill"] = times.end_s
    entry["flag_complete"] = True
    return entry


def _half_crossing(stable_s: float, settings: FillSettings) -> tuple[FloatArray, FloatArray]:
    steps = [(-np.inf, settings.half_crossing_urad)]
    # Angles change on the evolution's own grid.
    steps += [
        (stable_s + round(hours * 3600 / STEP_S) * STEP_S, angle)
        for hours, angle in sorted(settings.crossing_steps)
    ]
    since_s, angle_urad = np.array(steps).T
    return since_s, angle_urad * 1e-6


def _smooth_step(time_s: FloatArray, start_s: float, stop_s: float) -> FloatArray:
    x = np.clip((time_s - start_s) / (stop_s - start_s), 0.0, 1.0)
    return x**2 * (3 - 2 * x)
