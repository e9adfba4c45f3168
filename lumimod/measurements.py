"""What the instruments measured of one beam in one fill, ordered by bunch."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from lumimod.errors import BadInputError, MissingInputError, NoDataError
from lumimod.physics.emittance import emittance_um
from lumimod.physics.types import BoolArray, FloatArray, IntArray
from lumimod.readers.timber import Series, read_timber
from lumimod.reference import BsrtCalibration

log = logging.getLogger(__name__)

N_SLOTS = 3564
"""25 ns slots of the LHC."""

BSRT_OF_BEAM = {1: "LHC.BSRT.5R4.B1", 2: "LHC.BSRT.5L4.B2"}
ENERGY_BANDS_GEV = {450: (400.0, 500.0), 6500: (6400.0, 6600.0), 6800: (6700.0, 6900.0)}
"""Nominal energy: limits of the measured one between which its calibration holds."""


@dataclass(frozen=True)
class Scans:
    """Emittances from the BSRT, sorted by slot, then time."""

    slots: IntArray
    """(n_slots,), every slot that was measured."""
    start: IntArray
    """(n_slots + 1,): slot j has the samples start[j]:start[j + 1]."""
    time_s: FloatArray
    """(n_samples,), Unix seconds."""
    emit_um: FloatArray
    """(n_samples, 2), horizontal and vertical, normalised."""

    def select(self, keep: BoolArray) -> Scans:
        """Return the samples where `keep`, (n_samples,), is True; slots may become empty."""
        kept = np.concatenate([[0], np.cumsum(keep)])
        return Scans(self.slots, kept[self.start], self.time_s[keep], self.emit_um[keep])

    def of(self, slots: IntArray) -> Scans:
        """Return the samples of some of the slots."""
        rows = np.searchsorted(self.slots, slots)
        sizes = np.diff(self.start)[rows]
        start = np.concatenate([[0], np.cumsum(sizes)])
        where = np.repeat(self.start[rows] - start[:-1], sizes) + np.arange(start[-1])
        return Scans(slots, start, self.time_s[where], self.emit_um[where])


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
    notes: tuple[str, ...] = ()
    """What was dropped, for the log."""


def read_beam(
    beam: int, basic_data: Path, bbb_data: Path, calibration: BsrtCalibration
) -> BeamMeasurements:
    """Return everything measured of one beam in one fill.

    Raises
    ------
    MissingInputError
        A file or a variable is missing.
    BadInputError
        A file is malformed, or its variables do not fit together.
    NoDataError
        The BSRT measured no bunch.
    """
    energy_name = f"LHC.BSRA.US45.B{beam}:ABORT_GAP_ENERGY"
    energy = read_timber(basic_data, [energy_name])[energy_name]
    device = BSRT_OF_BEAM[beam]
    gates, size_h, size_v = (
        f"{device}:{channel}" for channel in ("GATE_DELAY", "FIT_SIGMA_H", "FIT_SIGMA_V")
    )
    buckets, lengths = f"LHC.BQM.B{beam}:FILLED_BUCKETS", f"LHC.BQM.B{beam}:BUNCH_LENGTHS"
    series = _read_with_intensity(beam, bbb_data, [gates, size_h, size_v, buckets, lengths])
    notes = [
        f"{s.name}: {s.n_dropped} rows with an empty value dropped"
        for s in series.values()
        if s.n_dropped
    ]
    scans = bsrt_scans(series[gates], series[size_h], series[size_v], energy, beam, calibration)
    length = bqm_lengths(series[buckets], series[lengths], scans.slots, notes)
    intensity = _intensities(next(s for n, s in series.items() if "BCTFR" in n), scans.slots, notes)
    return BeamMeasurements(beam, scans, intensity, length, tuple(notes))


def _read_with_intensity(beam: int, path: Path, names: list[str]) -> dict[str, Series]:
    """Return the named variables and the intensities of system A, or else of system B."""
    a, b = (f"LHC.BCTFR.{system}6R4.B{beam}:BUNCH_INTENSITY" for system in "AB")
    series = read_timber(path, names, optional=[a])
    if a in series:
        return series
    try:
        return {**series, **read_timber(path, [b])}
    except MissingInputError:
        raise MissingInputError(
            f"neither {a} nor {b} in {path}; download it again with "
            "Utilities/001c_get_bunchbybunch_data_for_fill.py"
        ) from None


def _intensities(series: Series, slots: IntArray, notes: list[str]) -> BunchSamples:
    if not series.time_s.size:
        raise BadInputError(f"{series.name} in {series.path} has no row; download it again")
    matrix = series.matrix()
    whole = series.lengths > slots.max()
    if not whole.any():
        raise BadInputError(
            f"{series.name} in {series.path} has {matrix.shape[1]} columns, but the BSRT "
            f"measured slot {slots.max()}; download it again"
        )
    if not whole.all():
        notes.append(
            f"{series.name}: {np.count_nonzero(~whole)} rows that end before slot {slots.max()} "
            "dropped"
        )
    return BunchSamples(series.time_s[whole], matrix[np.ix_(whole, slots)])


# --- BSRT


def bsrt_scans(
    gates: Series,
    size_h: Series,
    size_v: Series,
    energy: Series,
    beam: int,
    calibration: BsrtCalibration,
) -> Scans:
    """Return the emittances of every slot.

    Consecutive equal gates of a record are repeats of one measurement: their mean counts once,
    stamped j/N ms after the record, j the place of the last repeat among the record's N values.
    Samples whose energy is in no calibrated band (the ramp) are left out.
    """
    gates, size_h, size_v = _same_records(gates, size_h, size_v)
    ends, n_repeats = _repeats(gates)
    record = np.searchsorted(gates.row_start, ends, side="right") - 1
    place = ends - gates.row_start[record]
    time_s = gates.time_s[record] + place * 1e-3 / gates.lengths[record]
    slots = _slot_numbers(gates, ends)
    sizes = (
        np.stack(
            [np.add.reduceat(s.values, ends - n_repeats + 1) / n_repeats for s in (size_h, size_v)],
            axis=1,
        )
        if ends.size
        else np.empty((0, 2))
    )
    emit_um = _emittances(sizes, _energy_at(energy, time_s), beam, calibration)
    good = np.isfinite(emit_um).all(axis=1)
    if not good.any():
        raise NoDataError(
            f"{gates.name} in {gates.path}: no measurement at a calibrated energy; "
            "is this the right fill?"
        )
    return _sorted_by_slot(slots[good], time_s[good], emit_um[good])


def _same_records(*channels: Series) -> tuple[Series, ...]:
    """Return the records that all channels have, checked to be of the same lengths."""
    gates = channels[0]
    if not gates.time_s.size:
        raise NoDataError(f"{gates.name} in {gates.path} has no row: the BSRT measured nothing")
    if any(not np.array_equal(gates.time_s, c.time_s) for c in channels[1:]):
        _check_lost_records(channels)
        common = set.intersection(*(set(c.time_s.tolist()) for c in channels))
        channels = tuple(
            _select_rows(c, np.array([t in common for t in c.time_s.tolist()])) for c in channels
        )
    for c in channels[1:]:
        if not np.array_equal(channels[0].lengths, c.lengths):
            first = int(np.flatnonzero(channels[0].lengths != c.lengths)[0])
            raise BadInputError(
                f"{c.name} in {c.path} does not match {gates.name}: record {first + 1} has "
                f"{c.lengths[first]} values for {channels[0].lengths[first]} gates; "
                "download the file again"
            )
    return channels


def _select_rows(series: Series, keep: BoolArray) -> Series:
    lengths = series.lengths
    return replace(
        series,
        time_s=series.time_s[keep],
        values=series.values[np.repeat(keep, lengths)],
        row_start=np.concatenate([[0], np.cumsum(lengths[keep])]),
    )


def _check_lost_records(channels: tuple[Series, ...]) -> None:
    """Refuse channels whose numbers of records differ by more than their invalid rows."""
    rows = [c.time_s.size + c.n_dropped for c in channels]
    if len(set(rows)) > 1:
        counts = ", ".join(f"{c.name} {n}" for c, n in zip(channels, rows))
        raise BadInputError(
            f"BSRT channels in {channels[0].path} have different numbers of records ({counts}); "
            "download the file again"
        )


def _repeats(gates: Series) -> tuple[IntArray, IntArray]:
    """Return, for each run of equal gates, the index of its last value and its length."""
    values = gates.values
    starts = np.ones(values.size, dtype=bool)
    starts[1:] = values[1:] != values[:-1]
    starts[gates.row_start[:-1][gates.lengths > 0]] = True
    first = np.flatnonzero(starts)
    ends = np.append(first[1:], values.size)[: first.size] - 1  # without values no run
    return ends, ends - first + 1


def _slot_numbers(gates: Series, where: IntArray) -> IntArray:
    slots = gates.values[where].astype(np.int64)
    if slots.size and (slots.min() < 0 or slots.max() >= N_SLOTS):
        wrong = slots[(slots < 0) | (slots >= N_SLOTS)][0]
        raise BadInputError(
            f"{gates.name} in {gates.path}: gate {wrong} is no slot (0 to {N_SLOTS - 1}); "
            "download the file again"
        )
    return slots


def _energy_at(energy: Series, time_s: FloatArray) -> FloatArray:
    """Return the newest energy not after each time, NaN before the first."""
    values = energy.scalar()
    newest = np.searchsorted(energy.time_s, time_s, side="right") - 1
    if not values.size:
        raise BadInputError(f"{energy.name} in {energy.path} has no row; download it again")
    return np.where(newest >= 0, values[newest], np.nan)


def _emittances(
    sizes_mm: FloatArray, energy_gev: FloatArray, beam: int, calibration: BsrtCalibration
) -> FloatArray:
    """Return (n_samples, 2) emittances, NaN between the energy bands."""
    out = np.full(sizes_mm.shape, np.nan)
    for nominal, (low, high) in ENERGY_BANDS_GEV.items():
        inside = (energy_gev > low) & (energy_gev < high)
        if inside.any():
            for plane, optics in enumerate(calibration.at(beam, nominal)):
                out[inside, plane] = emittance_um(sizes_mm[inside, plane], optics)
    return out


def _sorted_by_slot(slots: IntArray, time_s: FloatArray, emit_um: FloatArray) -> Scans:
    order = np.argsort(slots, kind="stable")
    found, first = np.unique(slots[order], return_index=True)
    start = np.append(first, slots.size).astype(np.int64)
    return Scans(found, start, time_s[order], emit_um[order])


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
            f"{buckets.name} in {buckets.path}: bucket {int(values.max())} is beyond the ring; "
            "download the file again"
        )
    return slots


def crossing_angles(path: Path) -> Mapping[int, Series] | None:
    """Return the measured half crossing angles (microrad) at IP 1 and 5, None without any."""
    names = {1: "LHC.RUNCONFIG:IP1-XING-V-MURAD", 5: "LHC.RUNCONFIG:IP5-XING-H-MURAD"}
    if not path.exists():
        return None
    series = read_timber(path, [], optional=names.values())
    found = {ip: series[name] for ip, name in names.items() if name in series}
    if len(found) < len(names) or any(s.time_s.size == 0 for s in found.values()):
        log.warning("%s lacks a crossing angle; taking XingAngle of config.py", path)
        return None
    return found
