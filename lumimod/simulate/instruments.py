"""What the instruments measure of a simulated fill: samples with noise.

The times of each variable have their own fraction of a second, as in logged data.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from lumimod.arrays import BoolArray, FloatArray, IntArray
from lumimod.simulate.beams import BeamHistory, History, at_times
from lumimod.simulate.machine import monitor_sigma_mm
from lumimod.simulate.settings import FillSettings
from lumimod.simulate.timeline import Timeline
from lumimod.tables.calibration import bsrt_calibration
from lumimod.tables.lhc import EXPERIMENTS

SAMPLES_AT_ONCE = 128
"""Limits the memory for a full-size fill."""
HZ_UB = 1e34
"""1 Hz/ub in 1/(m^2 s)."""
MASSI_MARGIN_S = 300.0
"""Time before and after stable beams for which the experiments publish luminosities."""


@dataclass(frozen=True)
class Fill:
    """A simulated fill, as the instruments see it."""

    number: int
    times: Timeline
    history: History
    settings: FillSettings

    def bsrt_scale(self, beam: int, plane: str) -> float:
        """Return the factor on emittances of a beam and plane that the BSRT is off."""
        stepper = self.history.stepper
        return 1.0 if stepper is None else stepper.bsrt_scale[beam, plane]


@dataclass(frozen=True)
class Block:
    """Consecutive samples with the same bunches in the ring."""

    time_s: FloatArray
    filled: BoolArray
    """Whether each bunch is in the ring: (n_bunches,)."""
    values: FloatArray
    """(n_times, n_filled)."""


@dataclass(frozen=True)
class Scan:
    """Records of the BSRT, which measures a few bunches at a time."""

    time_s: FloatArray
    gates: IntArray
    """Indices of the measured bunches, (n_records, gates per record)."""
    sigma_h_mm: FloatArray
    """(n_records, values per record)."""
    sigma_v_mm: FloatArray


def clock(fill: Fill, interval_s: float, rng: Generator) -> FloatArray:
    """Return sample times over the whole fill, to the millisecond."""
    phase_s = rng.integers(0, 1000) / 1000
    return np.round(np.arange(fill.times.start_s + phase_s, fill.times.end_s, interval_s), 3)


def beam_intensity(fill: Fill, beam: int, time_s: FloatArray, rng: Generator) -> FloatArray:
    """Return the beam intensity measured by the DCCT, in protons."""
    one = fill.history.beams[beam]
    total = np.zeros(time_s.size)
    for rows in _chunks(time_s.size):
        ppb = at_times(fill.history, one.states.n_ppb, time_s[rows])
        total[rows] = (ppb * one.present(time_s[rows], fill.times.dump_s)).sum(axis=1)
    return total * (1 + fill.settings.dcct_noise * rng.standard_normal(time_s.size))


def bunch_intensity(fill: Fill, beam: int, time_s: FloatArray, rng: Generator) -> Iterator[Block]:
    """Yield the bunch intensities measured by an FBCT, normalised to the DCCT, in protons."""
    total = beam_intensity(fill, beam, time_s, rng)
    one = fill.history.beams[beam]
    for rows, filled in same_filling(one, time_s, fill.times.dump_s):
        values = at_times(fill.history, one.states.n_ppb[:, filled], time_s[rows])
        values *= 1 + fill.settings.fbct_noise * rng.standard_normal(values.shape)
        if filled.any():
            values *= (total[rows] / values.sum(axis=1))[:, None]
        yield Block(time_s[rows], filled, values)


def bunch_length(fill: Fill, beam: int, time_s: FloatArray, rng: Generator) -> Iterator[Block]:
    """Yield the bunch lengths (4 sigma) measured by the BQM, in s; nothing without beam."""
    one = fill.history.beams[beam]
    for rows, filled in same_filling(one, time_s, fill.times.dump_s):
        if filled.any():
            values = at_times(fill.history, one.states.bl4s_s[:, filled], time_s[rows])
            values *= 1 + fill.settings.bqm_noise * rng.standard_normal(values.shape)
            yield Block(time_s[rows], filled, values)


def bunch_emittance(
    fill: Fill, beam: int, plane: str, time_s: FloatArray, rng: Generator
) -> Iterator[Block]:
    """Yield the normalised emittances, in um, as the BSRT logs them in Run 3."""
    one = fill.history.beams[beam]
    emit_um = one.states.emit_h_um if plane == "h" else one.states.emit_v_um
    scale = fill.bsrt_scale(beam, plane)
    # The noise is that of the size; the emittance goes with its square.
    noise = 2 * fill.settings.bsrt_noise / math.sqrt(fill.settings.bsrt_repeats)
    for rows, filled in same_filling(one, time_s, fill.times.dump_s):
        values = at_times(fill.history, emit_um[:, filled], time_s[rows])
        values *= (1 + noise * rng.standard_normal(values.shape)) * scale
        yield Block(time_s[rows], filled, np.maximum(values, 0.0))


def same_filling(
    beam: BeamHistory, time_s: FloatArray, dump_s: float
) -> Iterator[tuple[slice, BoolArray]]:
    """Yield slices of at most SAMPLES_AT_ONCE times, with the bunches in the ring during them."""
    n_present = beam.present(time_s, dump_s).sum(axis=1)
    changes = np.flatnonzero(np.diff(n_present)) + 1
    edges = [0, *changes.tolist(), time_s.size]
    for start, stop in zip(edges[:-1], edges[1:]):
        filled = beam.present(time_s[start : start + 1], dump_s)[0]
        for rows in _chunks(stop - start):
            yield slice(start + rows.start, start + rows.stop), filled


def filling_changes(fill: Fill, beam: int) -> Iterator[tuple[float, BoolArray]]:
    """Yield the times at which the filled bunches change, and the bunches from then on."""
    one = fill.history.beams[beam]
    yield fill.times.start_s, np.zeros(one.arrival_s.size, bool)
    for arrival_s in np.unique(one.arrival_s).tolist():
        yield arrival_s, one.arrival_s <= arrival_s
    if fill.times.dump_s < fill.times.end_s:  # else they are still there
        yield fill.times.dump_s, np.zeros(one.arrival_s.size, bool)


def gate_scan(
    fill: Fill,
    beam: int,
    energy: tuple[FloatArray, FloatArray],
    rng: Generator,
) -> Scan:
    """Return the scan of the BSRT over the bunches; it continues when new bunches are injected.

    Parameters
    ----------
    fill, beam
        What is measured.
    energy
        Times and values of the logged energy [GeV], which decides on the calibration.
    rng
        Generator of the noise.
    """
    one, settings = fill.history.beams[beam], fill.settings
    phase_s = rng.integers(0, 1000) / 1000
    first_s = one.arrival_s.min() + phase_s
    n_records = math.ceil((fill.times.dump_s - first_s) / settings.bsrt_period_s)
    time_s = np.round(first_s + settings.bsrt_period_s * np.arange(n_records), 3)
    gates = _gates(one, time_s, settings.bsrt_record // settings.bsrt_repeats)
    energy_gev = energy[1][np.searchsorted(energy[0], time_s, side="right") - 1]
    sigmas: list[FloatArray] = []
    calibration = bsrt_calibration(fill.number)
    planes = zip(
        (("h", one.states.emit_h_um), ("v", one.states.emit_v_um)),
        calibration.at(beam, 450),
        calibration.at(beam, 6500),
    )
    for (plane, emit_um), injection, top in planes:
        each_s = np.repeat(time_s, gates.shape[1])
        true_um = at_times(fill.history, emit_um, each_s, gates.ravel())
        each_gev = np.repeat(energy_gev, gates.shape[1])
        true_um = true_um * fill.bsrt_scale(beam, plane)
        true_mm = monitor_sigma_mm(true_um, each_gev, injection, top)
        single_mm = np.repeat(true_mm, settings.bsrt_repeats).reshape(time_s.size, -1)
        sigmas.append(single_mm * (1 + settings.bsrt_noise * rng.standard_normal(single_mm.shape)))
    return Scan(time_s, gates, *sigmas)


def _gates(beam: BeamHistory, time_s: FloatArray, per_record: int) -> IntArray:
    n_present = (time_s[:, None] >= np.unique(beam.arrival_s)).sum(axis=1)
    edges = [0, *(np.flatnonzero(np.diff(n_present)) + 1).tolist(), time_s.size]
    parts, last = [], -1
    for start, stop in zip(edges[:-1], edges[1:]):
        present = np.flatnonzero(beam.arrival_s <= time_s[start])
        first = np.searchsorted(present, last, side="right")
        part = present[(first + np.arange((stop - start) * per_record)) % present.size]
        last = part[-1]
        parts.append(part)
    return np.concatenate(parts).reshape(-1, per_record)


def massi_clock(fill: Fill) -> FloatArray:
    """Return the times of the Massi archives: whole seconds from the start of stable beams."""
    step_s = fill.settings.massi_s
    before = int(MASSI_MARGIN_S // step_s)
    n_after = int((fill.times.dump_s + MASSI_MARGIN_S - fill.times.stable_s) // step_s)
    return fill.times.stable_s + np.round(np.arange(-before, n_after + 1) * step_s)


def scale_errors(settings: FillSettings, rng: Generator) -> dict[str, float]:
    """Return the error of each experiment's luminosity scale, as a factor."""
    error = settings.massi_scale_error
    factor = 1.0 if settings.place is None else settings.place.massi_factor
    return {name: float(1 + rng.uniform(-error, error)) * factor for name in EXPERIMENTS}


def bunch_luminosity(
    fill: Fill,
    experiment: str,
    time_s: FloatArray,
    columns: slice,
    scale: float,
    rng: Generator,
) -> tuple[FloatArray, FloatArray]:
    """Return the luminosity of colliding slots in Hz/ub, and the same per 1e22 protons squared."""
    # It ends with the dump.
    colliding = time_s[:, None] < fill.times.dump_s
    true = at_times(fill.history, fill.history.lumi[experiment][:, columns], time_s) * colliding
    noise = fill.settings.massi_noise * rng.standard_normal(true.shape)
    measured = true * scale * (1 + noise) / HZ_UB
    product = np.ones_like(true)
    for beam in fill.history.beams.values():
        own = np.flatnonzero(beam.scheme.colliding)[columns]
        product *= at_times(fill.history, beam.states.n_ppb[:, own], time_s) / 1e11
    return measured, measured / product


def _chunks(n_rows: int) -> Iterator[slice]:
    for start in range(0, n_rows, SAMPLES_AT_ONCE):
        yield slice(start, min(start + SAMPLES_AT_ONCE, n_rows))
