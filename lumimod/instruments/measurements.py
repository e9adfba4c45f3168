"""What the instruments measured of one beam in one fill, ordered by bunch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable

import numpy as np

from lumimod.arrays import FloatArray, IntArray, Series, select_rows
from lumimod.errors import BadInputError, Note
from lumimod.instruments.bsrt import Scans, bsrt_scans, emittance_scans
from lumimod.instruments.drops import BUNCH_INTENSITY, BUNCH_LENGTH, EMITTANCE, DropLog
from lumimod.instruments.gaps import NOTED_GAP_S, Gap, find_gaps, utc_clock
from lumimod.readers.variables import read_first
from lumimod.tables.calibration import BsrtCalibration
from lumimod.tables.lhc import N_SLOTS
from lumimod.tables.variables import Names

BUNCHES = ("bunch_intensity", "filled_buckets", "bunch_lengths")
EMITTANCES = ("bsrt_emittance_h", "bsrt_emittance_v")
SIZES = ("bsrt_gate", "bsrt_sigma_h", "bsrt_sigma_v")
"""Quantities as the table of variables has them, without the beam."""
_QUANTITY = {
    "bunch_intensity": BUNCH_INTENSITY,
    "filled_buckets": BUNCH_LENGTH,
    "bunch_lengths": BUNCH_LENGTH,
    **dict.fromkeys((*EMITTANCES, *SIZES), EMITTANCE),
}
HIGHEST_ENERGY_GEV = 7500.0
"""The LHC was designed for 7 TeV."""
LENGTHS_4S_S = (0.1e-9, 2.5e-9)
"""Lengths (4 sigma) that a bunch can have: a bucket is 2.5 ns long."""
AT_TOP = 0.98
"""From this part of the highest energy on the ramp has ended."""


@dataclass(frozen=True)
class BunchSamples:
    """A quantity of every slot of the scans, sampled for all at once."""

    time_s: FloatArray
    """(n_samples,)."""
    values: FloatArray
    """(n_samples, n_slots), NaN where a slot was not measured."""


@dataclass(frozen=True)
class BeamMeasurements:
    """One beam in one fill."""

    beam: int
    scans: Scans
    intensity_ppb: BunchSamples
    length_4s_s: BunchSamples
    notes: tuple[Note, ...] = ()
    """What was dropped."""
    highest_energy_gev: float = float("nan")
    top_since_s: float = float("-inf")
    """When the ramp had ended: samples before are those of injection."""
    dropped: Mapping[str, int] = field(default_factory=dict)
    """By quantity: samples or rows that were left out."""


def read_beam(
    beam: int,
    basic_data: Path,
    bbb_data: Path,
    names: Mapping[str, Names],
    calibration: Callable[[], BsrtCalibration],
    stable_s: tuple[float, float] | None = None,
) -> BeamMeasurements:
    """Return everything measured of one beam in one fill.

    Parameters
    ----------
    beam
        1 or 2.
    basic_data, bbb_data
        Files of variables.
    names
        Of the variables, by quantity, the best one first.
    calibration
        Makes the calibration of the beam sizes; it is called only if emittances are not logged.
    stable_s
        Start and end of stable beams: where system A of the FBCT stops between them, system B
        steps in.

    Raises
    ------
    MissingInputError
        A file or a variable is missing.
    BadInputError
        A file is malformed, or its variables do not fit together.
    NoDataError
        The BSRT measured no bunch.
    """
    log = DropLog(beam)
    energy = read_first(basic_data, {"energy": names[f"energy_b{beam}"]})["energy"]
    energy = _possible_energies(energy, log)
    wanted = {what: names[f"{what}_b{beam}"] for what in (*BUNCHES, *EMITTANCES, *SIZES)}
    series = _read_bunches(bbb_data, wanted)
    for what, s in series.items():
        n_rows = s.time_s.size + s.n_dropped
        log.drop(_QUANTITY[what], s.n_dropped, n_rows, f"{s.name}: {{}} rows with an empty value")
    if set(EMITTANCES) <= set(series):
        emit_h, emit_v = (series[what] for what in EMITTANCES)
        scans = emittance_scans(emit_h, emit_v, energy)
    else:
        gates, size_h, size_v = (series[what] for what in SIZES)
        calibrated = calibration()
        if calibrated.note and beam == 1:  # it is said once, for both beams
            log.notes.append(Note("calibration", calibrated.note, EMITTANCE, beam))
        scans = bsrt_scans(gates, size_h, size_v, energy, beam, calibrated)
    n_scans = scans.time_s.size + scans.n_dropped
    pairs = f"BSRT of beam {beam}: {{}} measurements without a positive size in both planes"
    log.drop(EMITTANCE, scans.n_dropped, n_scans, pairs)
    length = bqm_lengths(series["filled_buckets"], series["bunch_lengths"], scans.slots, log)
    length = _possible_lengths(length, series["bunch_lengths"].name, log)
    intensity = _intensities(series["bunch_intensity"], scans.slots, log)
    systems, used = wanted["bunch_intensity"], series["bunch_intensity"].name
    if used != systems[0]:
        text = f"{systems[0]} is not in {bbb_data}: bunch intensities of beam {beam} are of {used}"
        log.notes.append(Note("replaced", text, BUNCH_INTENSITY, beam))
    elif stable_s is not None and find_gaps(intensity.time_s, stable_s, NOTED_GAP_S):
        intensity = _with_other_system(intensity, bbb_data, systems[1:], scans.slots, stable_s, log)
    highest = float(np.fmax.reduce(energy.scalar()))
    top_since_s = float(energy.time_s[energy.scalar() >= AT_TOP * highest][0])
    return BeamMeasurements(
        beam, scans, intensity, length, tuple(log.notes), highest, top_since_s, log.counts
    )


def _read_bunches(path: Path, wanted: Mapping[str, Names]) -> dict[str, Series]:
    """Return what was measured bunch by bunch: emittances if they are logged, else sizes."""
    emittances = {what: wanted[what] for what in EMITTANCES if wanted[what]}
    first = {what: wanted[what] for what in BUNCHES}
    if len(emittances) < len(EMITTANCES):
        return read_first(path, {**first, **{what: wanted[what] for what in SIZES}})
    found = read_first(path, {**first, **emittances}, optional=EMITTANCES)
    if set(EMITTANCES) <= set(found):
        return found
    return {**found, **read_first(path, {what: wanted[what] for what in SIZES})}


def _possible_energies(energy: Series, log: DropLog) -> Series:
    """Return the energies without those that the LHC cannot have."""
    values = energy.scalar()
    good = (values >= 0) & (values <= HIGHEST_ENERGY_GEV)
    low_high = f"outside 0 to {HIGHEST_ENERGY_GEV:.0f} GeV"
    log.drop("energy", int((~good).sum()), good.size, f"{energy.name}: {{}} energies {low_high}")
    if good.size and not good.any():
        raise BadInputError(f"{energy.name} in {energy.origin}: all energies are {low_high}")
    return energy if good.all() else select_rows(energy, good)


def _possible_lengths(lengths: BunchSamples, name: str, log: DropLog) -> BunchSamples:
    """Return the bunch lengths, NaN for those that fit in no bucket."""
    low, high = LENGTHS_4S_S
    with np.errstate(invalid="ignore"):
        bad = (lengths.values < low) | (lengths.values > high)
    if not bad.any():
        return lengths
    n_values = int(np.isfinite(lengths.values).sum())
    log.drop(
        BUNCH_LENGTH,
        int(bad.sum()),
        n_values,
        f"{name}: {{}} bunch lengths outside {low * 1e9:g} to {high * 1e9:g} ns",
    )
    return BunchSamples(lengths.time_s, np.where(bad, np.nan, lengths.values))


def _intensities(series: Series, slots: IntArray, log: DropLog) -> BunchSamples:
    if not series.time_s.size:
        raise BadInputError(f"{series.name} in {series.origin} has no row; download it again")
    matrix = series.matrix()
    whole = series.lengths > slots.max()
    if not whole.any():
        raise BadInputError(
            f"{series.name} in {series.origin} has {matrix.shape[1]} columns, but the BSRT "
            f"measured slot {slots.max()}; download it again"
        )
    n_short = int((~whole).sum())
    log.drop(
        BUNCH_INTENSITY,
        n_short,
        whole.size,
        f"{series.name}: {{}} rows that end before slot {slots.max()}",
    )
    return BunchSamples(series.time_s[whole], matrix[np.ix_(whole, slots)])


def _with_other_system(
    intensity: BunchSamples,
    path: Path,
    names: Names,
    slots: IntArray,
    stable_s: tuple[float, float],
    log: DropLog,
) -> BunchSamples:
    """Return the intensities with those of another system in the gaps of stable beams."""
    other = read_first(path, {BUNCH_INTENSITY: names}, optional=[BUNCH_INTENSITY]).get(
        BUNCH_INTENSITY
    )
    if other is None or not (other.lengths > slots.max()).any():
        return intensity
    spare = _intensities(other, slots, log)
    inside = np.zeros(spare.time_s.shape, bool)
    for gap in find_gaps(intensity.time_s, stable_s, NOTED_GAP_S):
        here = (spare.time_s > gap.start_s) & (spare.time_s < gap.end_s)
        if here.any():
            log.notes.append(_replaced(gap, other.name, log.beam))
        inside |= here
    time_s = np.concatenate([intensity.time_s, spare.time_s[inside]])
    values = np.concatenate([intensity.values, spare.values[inside]])
    order = np.argsort(time_s, kind="stable")
    return BunchSamples(time_s[order], values[order])


def _replaced(gap: Gap, by: str, beam: int) -> Note:
    minutes = (gap.end_s - gap.start_s) / 60
    return Note(
        "replaced",
        f"{BUNCH_INTENSITY} of beam {beam}: no measurement for {minutes:.0f} min from "
        f"{utc_clock(gap.start_s)} to {utc_clock(gap.end_s)} UTC: {by} steps in",
        BUNCH_INTENSITY,
        beam,
        (gap.start_s, gap.end_s),
        {"minutes": minutes, "from": gap.start_s, "to": gap.end_s},
    )


# --- BQM


def bqm_lengths(buckets: Series, lengths: Series, slots: IntArray, log: DropLog) -> BunchSamples:
    """Return the bunch lengths (4 sigma, s) of `slots`.

    The lengths of an acquisition that are not zero belong to the slots of the newest list of
    filled buckets not after it, in order. An acquisition with another number of them is left
    out, and the number of those is noted.

    Raises
    ------
    BadInputError
        A bucket is beyond the ring.
    """
    column_of = np.full(N_SLOTS, -1)
    column_of[slots] = np.arange(slots.size)
    out = np.full((lengths.time_s.size, slots.size), np.nan)
    newest = np.searchsorted(buckets.time_s, lengths.time_s, side="right") - 1
    filled = {k: _filled_slots(buckets, k) for k in np.unique(newest[newest >= 0]).tolist()}
    good = np.zeros(lengths.time_s.size, dtype=bool)
    for row, k in enumerate(newest.tolist()):
        values = lengths.values[lengths.row_start[row] : lengths.row_start[row + 1]]
        values = values[values > 0]
        if k >= 0 and values.size == filled[k].size:
            columns = column_of[filled[k]]
            out[row, columns[columns >= 0]] = values[columns >= 0]
            good[row] = True
    if not good.any():
        text = f"{lengths.name}: no usable acquisition: bunch lengths and luminosity are NaN"
        log.notes.append(Note("lacking", text, BUNCH_LENGTH, log.beam))
    log.drop(
        BUNCH_LENGTH,
        int((~good).sum()),
        good.size,
        f"{lengths.name}: {{}} acquisitions whose number of lengths is not that of {buckets.name}",
    )
    return BunchSamples(lengths.time_s[good], out[good])


def _filled_slots(buckets: Series, row: int) -> IntArray:
    values = buckets.values[buckets.row_start[row] : buckets.row_start[row + 1]]
    slots = ((values[values > 0] - 1) // 10).astype(np.int64)
    if slots.size and slots.max() >= N_SLOTS:
        raise BadInputError(
            f"{buckets.name} in {buckets.origin}: bucket {int(values.max())} is beyond the ring; "
            "download the file again"
        )
    return slots
