"""Evolution of all bunches from injection to dump, step by step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.random import Generator

from lumimod.arrays import BoolArray, FloatArray, IntArray
from lumimod.simulate.bunches import BunchState, Growth
from lumimod.simulate.full import FullStepper, cloud_pattern
from lumimod.simulate.full_settings import FullPhysics
from lumimod.simulate.growth import Stepper
from lumimod.simulate.scheme import TRAIN, BeamScheme, FillingScheme
from lumimod.simulate.settings import STEP_S, FillSettings
from lumimod.simulate.timeline import Timeline
from lumimod.tables.lhc import EXPERIMENTS

ALONG_TRAIN = {"intensity": -0.02, "emit": 0.10}
"""Relative change from the first to the last bunch of a train."""


@dataclass(frozen=True)
class BeamHistory:
    """One beam against time; before its injection a bunch has the values of its injection."""

    scheme: BeamScheme
    arrival_s: FloatArray
    """When each bunch is injected, Unix s: (n_bunches,)."""
    growth: Growth
    states: BunchState

    def present(self, time_s: FloatArray, dump_s: float) -> BoolArray:
        """Return whether each bunch is in the ring: (n_times, n_bunches)."""
        return (time_s[:, None] >= self.arrival_s) & (time_s[:, None] < dump_s)


@dataclass(frozen=True)
class History:
    """Both beams and the luminosities, every minute from injection to dump."""

    time_s: FloatArray
    beams: dict[int, BeamHistory]
    lumi: dict[str, FloatArray]
    """By experiment: (n_times, n_colliding), in 1/(m^2 s)."""
    half_crossing_rad: FloatArray
    told: Mapping[str, FloatArray] = field(default_factory=dict)
    """Of the full truth: what no instrument sees, at each time, see `truth_arrays`."""
    stepper: FullStepper | None = None
    """Of the full truth: what does not change in time."""


def at_times(
    history: History, values: FloatArray, time_s: FloatArray, columns: IntArray | None = None
) -> FloatArray:
    """Return `values` of the history at other times, interpolated linearly; end values held.

    Without `columns`: (n_times, n_columns). With `columns`, one for each time: (n_times,).
    """
    place = np.clip((time_s - history.time_s[0]) / STEP_S, 0, len(values) - 1)
    left = np.minimum(place.astype(np.int64), len(values) - 2)
    weight = place - left
    if columns is not None:
        before, after = values[left, columns], values[left + 1, columns]
        return np.asarray(before + (after - before) * weight)
    before, after = values[left], values[left + 1]
    return np.asarray(before + (after - before) * weight[:, None])


def simulate_history(
    scheme: FillingScheme, times: Timeline, settings: FillSettings, rng: Generator
) -> History:
    """Return the evolution of both beams in a fill."""
    time_s = np.arange(times.modes["INJPHYS"][0], times.dump_s + STEP_S / 2, STEP_S)
    state = {beam: _injected(scheme.beams[beam], settings, rng) for beam in (1, 2)}
    growth = {beam: _extra_growth(state[beam], settings, rng) for beam in (1, 2)}
    arrival_s = {beam: _arrival_s(scheme, beam, times) for beam in (1, 2)}
    stepper: Stepper | FullStepper
    if settings.full is None:
        stepper = Stepper(scheme, times, settings, growth, arrival_s)
    else:
        state[2] = _other_beam(state[2], settings.full)
        for beam in (1, 2):
            pattern = cloud_pattern(scheme.beams[beam].position, settings.full.cloud)
            growth[beam] = Growth(*(values * pattern for values in growth[beam]))
        stepper = FullStepper(scheme, times, settings, settings.full, growth, arrival_s, rng)
    states: dict[int, list[BunchState]] = {1: [], 2: []}
    lumi: dict[str, list[FloatArray]] = {name: [] for name in EXPERIMENTS}
    for now_s in time_s:
        here = stepper.luminosity(state, now_s)
        for name in EXPERIMENTS:
            lumi[name].append(here[name])
        for beam in (1, 2):
            states[beam].append(state[beam])
        state = stepper.advance(state, here, now_s)
    return History(
        time_s,
        {
            beam: BeamHistory(
                scheme.beams[beam],
                arrival_s[beam],
                growth[beam],
                BunchState(*(np.stack(series) for series in zip(*states[beam]))),
            )
            for beam in (1, 2)
        },
        {name: np.stack(rows) for name, rows in lumi.items()},
        times.half_crossing_rad(time_s),
        *_told(stepper),
    )


def _told(stepper: Stepper | FullStepper) -> tuple[dict[str, FloatArray], FullStepper | None]:
    if isinstance(stepper, Stepper):
        return {}, None
    return {name: np.stack(rows) for name, rows in stepper.told.items()}, stepper


def _injected(scheme: BeamScheme, settings: FillSettings, rng: Generator) -> BunchState:
    along = scheme.position / (TRAIN - 1) - 0.5

    def spread(relative: float, slope: float = 0.0) -> FloatArray:
        noise = np.clip(rng.standard_normal(scheme.slot.size), -3, 3)
        return (1 + slope * along) * np.maximum(1 + relative * noise, 0.1)

    return BunchState(
        settings.intensity_ppb * spread(settings.intensity_spread, ALONG_TRAIN["intensity"]),
        settings.emit_h_um * spread(settings.emit_spread, ALONG_TRAIN["emit"]),
        settings.emit_v_um * spread(settings.emit_spread, ALONG_TRAIN["emit"]),
        settings.bl_injected_s * spread(settings.bl_spread),
    )


def _other_beam(state: BunchState, full: FullPhysics) -> BunchState:
    """Return the bunches of beam 2, which differ in the mean from those of beam 1."""
    return state._replace(
        n_ppb=state.n_ppb * full.intensity_ratio_b2,
        emit_h_um=state.emit_h_um * full.emit_ratio_b2,
        emit_v_um=state.emit_v_um * full.emit_ratio_b2,
    )


def _extra_growth(state: BunchState, settings: FillSettings, rng: Generator) -> Growth:
    factors = 1 + settings.growth_spread * rng.standard_normal((2, state.n_ppb.size))
    return Growth(settings.growth_h_um_per_h * factors[0], settings.growth_v_um_per_h * factors[1])


def _arrival_s(scheme: FillingScheme, beam: int, times: Timeline) -> FloatArray:
    """Return when each bunch is injected; injections alternate between beam 1 and beam 2."""
    start_s, stop_s = times.modes["INJPHYS"]
    n_injections = 2 * scheme.n_injections
    spacing_s = (stop_s - start_s - 4 * STEP_S) / n_injections
    turn = 2 * scheme.beams[beam].injection + beam - 1
    return start_s + STEP_S * (1 + np.round(turn * spacing_s / STEP_S))
