"""Beam modes, energy and crossing angle of a simulated fill against time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from lumimod.arrays import FloatArray
from lumimod.simulate.machine import RUNS
from lumimod.simulate.place import FillPlace
from lumimod.simulate.settings import STEP_S, FillSettings, Steps

FIRST_FILL = 5690
DAYS = 240
"""Length of the simulated year; later fills start again at its first day."""

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
COLLIDE_S = 300.0
"""Time before stable beams at which collisions start."""
COLLIDE_OVERLAP = 0.08
"""Fraction of the luminosity until stable beams."""


@dataclass(frozen=True)
class Timeline:
    """Times of a fill, Unix s UTC."""

    modes: dict[str, tuple[float, float]]
    """Start and end of each mode that occurs, in order of time."""
    end_s: float
    """Start of the next fill."""
    half_crossing: tuple[FloatArray, FloatArray]
    """Times [s], and the half crossing angles [rad] from then on."""
    betastar: tuple[FloatArray, FloatArray]
    """Times [s], and beta* at both experiments [m] from then on."""
    energy_top_gev: float
    lost_s: float | None = None
    """When the beams were gone, if not at the end of STABLE."""
    told: Mapping[str, tuple[float, float]] | None = None
    """The modes that occurred, if not all; the last one has the end -1 while it lasts."""
    complete: bool = True
    """Whether the fill is over."""

    @property
    def start_s(self) -> float:
        """Return the start of the fill."""
        return self.modes["CYCLING"][0]

    @property
    def stable_s(self) -> float:
        """Return the start of stable beams."""
        return self.modes["STABLE"][0]

    @property
    def dump_s(self) -> float:
        """Return when the beams were gone: the end of stable beams, if it came to them."""
        return self.modes["STABLE"][1] if self.lost_s is None else self.lost_s

    def energy_gev(self, time_s: FloatArray) -> FloatArray:
        """Return the energy in GeV, which rises smoothly in the ramp and falls after the dump."""
        up = _smooth_step(time_s, *self.modes["RAMP"]) * (self.dump_s > self.modes["RAMP"][0])
        down = _smooth_step(time_s, *self.modes["RAMPDOWN"])
        return ENERGY_INJECTION_GEV + (self.energy_top_gev - ENERGY_INJECTION_GEV) * (up - down)

    def half_crossing_rad(self, time_s: FloatArray) -> FloatArray:
        """Return the half crossing angle of both experiments, in rad."""
        return _newest(self.half_crossing, time_s)

    def betastar_m(self, time_s: FloatArray) -> FloatArray:
        """Return beta* at both experiments, in m."""
        return _newest(self.betastar, time_s)

    def overlap(self, time_s: FloatArray) -> FloatArray:
        """Return the fraction of the full luminosity: 0 without collisions, 1 in stable beams."""
        early = (time_s >= self.stable_s - COLLIDE_S) * COLLIDE_OVERLAP
        stable = (time_s >= self.stable_s) & (time_s <= self.dump_s)
        return np.where(stable, 1.0, early * (time_s < self.stable_s))


def n_fills(settings: FillSettings) -> int:
    """Return the number of fills in the simulated year, from FIRST_FILL on."""
    return max(1, int(DAYS * 86400 // (_stable_s(settings) + _other_s(settings))))


def _stable_s(settings: FillSettings) -> float:
    return max(1, round(settings.hours * 3600 / STEP_S)) * STEP_S


def _other_s(settings: FillSettings) -> float:
    return sum(BEFORE_STABLE_S.values()) + settings.to_next_fill_s


def timeline(fill: int, settings: FillSettings) -> Timeline:
    """Return the times of a fill; fills follow each other without a gap."""
    stable_s = _stable_s(settings)
    lengths_s = {**BEFORE_STABLE_S, "STABLE": stable_s, "BEAMDUMP": BEAMDUMP_S}
    whole_s = stable_s + _other_s(settings)
    first_s = RUNS[settings.run].first_start_s
    now_s = first_s + (fill - FIRST_FILL) % n_fills(settings) * whole_s
    if settings.place is not None:
        now_s = settings.place.start_s
    end_s = now_s + whole_s
    modes = {}
    for mode, length_s in lengths_s.items():
        modes[mode] = (now_s, now_s + length_s)
        now_s += length_s
    modes["RAMPDOWN"] = (now_s, end_s)
    start_s = modes["STABLE"][0]
    since_s, angle_urad = _steps(start_s, settings.half_crossing_urad, settings.crossing_steps)
    betastar = _steps(start_s, settings.betastar_m, settings.betastar_steps)
    times = Timeline(
        modes, end_s, (since_s, angle_urad * 1e-6), betastar, RUNS[settings.run].energy_gev
    )
    return times if settings.place is None else _placed(times, settings.place)


def _placed(times: Timeline, place: FillPlace) -> Timeline:
    """Return the times of a fill that ends as its place in the season says."""
    lost_s = times.modes[place.last_mode][1]
    cut_s = times.dump_s - lost_s
    told = {mode: span for mode, span in times.modes.items() if span[1] <= lost_s}
    dumped_s = lost_s if place.fault else lost_s + BEAMDUMP_S
    if not place.fault:
        told["BEAMDUMP"] = (lost_s, dumped_s)
    told["RAMPDOWN"] = (dumped_s, times.end_s - cut_s)
    modes = {**times.modes, "RAMPDOWN": told["RAMPDOWN"]}
    times = replace(times, modes=modes, end_s=told["RAMPDOWN"][1], lost_s=lost_s, told=told)
    if place.now_s is None or place.now_s >= times.end_s:
        return times
    return _until(times, told, place.now_s)


def _until(times: Timeline, told: Mapping[str, tuple[float, float]], now_s: float) -> Timeline:
    """Return the times of a fill in progress."""
    begun = {mode: span for mode, span in told.items() if span[0] < now_s}
    so_far = {mode: (a, b if b <= now_s else -1.0) for mode, (a, b) in begun.items()}
    last_s = now_s // STEP_S * STEP_S  # a step of the evolution
    lost_s = min(times.dump_s, last_s)
    return replace(times, end_s=last_s, lost_s=lost_s, told=so_far, complete=False)


def bmodes_entry(times: Timeline) -> dict[str, object]:
    """Return the fill's entry of the beam-mode file; -1 for modes that did not occur."""
    entry: dict[str, object] = {}
    told = times.modes if times.told is None else times.told
    for mode, (start_s, stop_s) in told.items():
        entry[f"t_start_{mode}"] = start_s
        entry[f"t_stop_{mode}"] = stop_s
    for mode in (*UNUSED_MODES, *(mode for mode in times.modes if mode not in told)):
        entry[f"t_start_{mode}"] = entry[f"t_stop_{mode}"] = -1.0
    entry["t_startfill"] = times.start_s
    entry["t_endfill"] = times.end_s
    entry["flag_complete"] = times.complete
    return entry


def _steps(stable_s: float, first: float, later: Steps) -> tuple[FloatArray, FloatArray]:
    """Return times, the first being -inf, and the values from then on."""
    # Values change at steps of the evolution.
    times_s = [stable_s + round(hours * 3600 / STEP_S) * STEP_S for hours, _ in sorted(later)]
    values = [value for _, value in sorted(later)]
    return np.array([-np.inf, *times_s]), np.array([first, *values])


def _newest(steps: tuple[FloatArray, FloatArray], time_s: FloatArray) -> FloatArray:
    since_s, values = steps
    return values[np.searchsorted(since_s, time_s, side="right") - 1]


def _smooth_step(time_s: FloatArray, start_s: float, stop_s: float) -> FloatArray:
    x = np.clip((time_s - start_s) / (stop_s - start_s), 0.0, 1.0)
    return x**2 * (3 - 2 * x)
