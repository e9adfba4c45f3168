"""What the instruments measured of one beam in one fill, ordered by bunch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

import numpy as np

from lumimod.arrays import FloatArray, IntArray, Series
from lumimod.errors import BadInputError, Note
from lumimod.instruments.bsrt import Scans, bsrt_scans, emittance_scans
from lumimod.readers.variables import read_first
from lumimod.tables.calibration import BsrtCalibration
from lumimod.tables.lhc import N_SLOTS
from lumimod.tables.variables import Names

BUNCHES = ("bunch_intensity", "filled_buckets", "bunch_lengths")
EMITTANCES = ("bsrt_emittance_h", "bsrt_emittance_v")
SIZES = ("bsrt_gate", "bsrt_sigma_h", "bsrt_sigma_v")
"""Quantities as the table of variables has them, without the beam."""


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


def read_beam(
    beam: int,
    basic_data: Path,
    bbb_data: Path,
    names: Mapping[str, Names],
    calibration: Callable[[], BsrtCalibration],
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

    Raises
    ------
    MissingInputError
        A file or a variable is missing.
    BadInputError
        A file is malformed, or its variables do not fit together.
    NoDataError
        The BSRT measured no bunch.
    """
    energy = read_first(basic_data, {"energy": names[f"energy_b{beam}"]})["energy"]
    wanted = {what: names[f"{what}_b{beam}"] for what in (*BUNCHES, *EMITTANCES, *SIZES)}
    series = _read_bunches(bbb_data, wanted)
    notes = [
        f"{s.name}: {s.n_dropped} rows with an empty value dropped"
        for s in series.values()
        if s.n_dropped
    ]
    if set(EMITTANCES) <= set(series):
        emit_h, emit_v = (series[what] for what in EMITTANCES)
        scans = emittance_scans(emit_h, emit_v, energy)
    else:
        gates, size_h, size_v = (series[what] for what in SIZES)
        calibrated = calibration()
        if calibrated.note and beam == 1:  # it is said once, for both beams
            notes.append(calibrated.note)
        scans = bsrt_scans(gates, size_h, size_v, energy, beam, calibrated)
    length = bqm_lengths(series["filled_buckets"], series["bunch_lengths"], scans.slots, notes)
    intensity = _intensities(series["bunch_intensity"], scans.slots, notes)
    highest = float(np.fmax.reduce(energy.scalar()))
    said = tuple(Note("dropped", text, beam=beam) for text in notes)
    return BeamMeasurements(beam, scans, intensity, length, said, highest)


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


def _intensities(series: Series, slots: IntArray, notes: list[str]) -> BunchSamples:
    if not series.time_s.size:
        raise BadInputError(f"{series.name} in {series.origin} has no row; download it again")
    matrix = series.matrix()
    whole = series.lengths > slots.max()
    if not whole.any():
        raise BadInputError(
            f"{series.name} in {series.origin} has {matrix.shape[1]} columns, but the BSRT "
            f"measured slot {slots.max()}; download it again"
        )
    if not whole.all():
        notes.append(
            f"{series.name}: {np.count_nonzero(~whole)} rows that end before slot {slots.max()} "
            "dropped"
        )
    return BunchSamples(series.time_s[whole], matrix[np.ix_(whole, slots)])


# --- BQM


def bqm_lengths(
    buckets: Series, lengths: Series, slots: IntArray, notes: list[str]
) -> BunchSamples:
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
        notes.append(f"{lengths.name}: no usable acquisition: bunch lengths and luminosity are NaN")
    if not good.all():
        notes.append(
            f"{lengths.name}: {np.count_nonzero(~good)} acquisitions whose number of "
            f"lengths is not that of {buckets.name} dropped"
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
