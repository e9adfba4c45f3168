"""Emittances of each bunch by the synchrotron-light monitors (BSRT)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from lumimod.arrays import BoolArray, FloatArray, IntArray, Series, select_rows
from lumimod.errors import BadInputError, NoDataError, download
from lumimod.physics.emittance import emittance_um
from lumimod.tables.calibration import BsrtCalibration
from lumimod.tables.lhc import N_SLOTS

ENERGY_BANDS_GEV = {450: (400.0, 500.0), 6500: (6400.0, 6600.0), 6800: (6700.0, 6900.0)}
"""By nominal energy: range of the measured energy in which its calibration holds."""


def is_calibrated(energy_gev: float) -> bool:
    """Tell whether the BSRT is calibrated at an energy."""
    return any(low < energy_gev < high for low, high in ENERGY_BANDS_GEV.values())


@dataclass(frozen=True)
class Scans:
    """Emittances by the BSRT, sorted by slot, then by time."""

    slots: IntArray
    """(n_slots,), the measured slots, in increasing order."""
    start: IntArray
    """(n_slots + 1,): the samples of slots[j] are start[j]:start[j + 1]."""
    time_s: FloatArray
    """(n_samples,), Unix s."""
    emit_um: FloatArray
    """(n_samples, 2), horizontal and vertical, normalised."""
    n_dropped: int = 0
    """Samples dropped: a plane was not measured at that time, or its size is not positive."""

    def select(self, keep: BoolArray) -> Scans:
        """Return the samples where `keep`, (n_samples,), is True; slots may be left without any."""
        kept = np.concatenate([[0], np.cumsum(keep)])
        return Scans(self.slots, kept[self.start], self.time_s[keep], self.emit_um[keep])

    def of(self, slots: IntArray) -> Scans:
        """Return the samples of some slots, which must have been measured."""
        rows = np.searchsorted(self.slots, slots)
        sizes = np.diff(self.start)[rows]
        start = np.concatenate([[0], np.cumsum(sizes)])
        where = np.repeat(self.start[rows] - start[:-1], sizes) + np.arange(start[-1])
        return Scans(slots, start, self.time_s[where], self.emit_um[where])


def bsrt_scans(
    gates: Series,
    size_h: Series,
    size_v: Series,
    energy: Series,
    beam: int,
    calibration: BsrtCalibration,
) -> Scans:
    """Return the emittances of each slot, from beam sizes.

    Consecutive equal gates of a record are repeats of one measurement, which count once with their
    mean, at j/N ms after the time of the record: j is the position of the last repeat among the N
    values of the record. Samples at energies without calibration (the ramp) are left out.

    Parameters
    ----------
    gates
        Slots that were measured, a list per record.
    size_h, size_v
        Beam sizes in mm, one for each gate.
    energy
        Beam energy in GeV.
    beam, calibration
        1 or 2, and the calibration of its monitor.

    Raises
    ------
    NoDataError
        There is no measurement at a calibrated energy.
    BadInputError
        The variables do not fit together, or a gate is not a slot.
    """
    n_records = max(gates.time_s.size, size_h.time_s.size, size_v.time_s.size)
    gates, size_h, size_v = _same_records(gates, size_h, size_v)
    n_lost = n_records - gates.time_s.size
    ends, n_repeats = _repeats(gates)
    record = np.searchsorted(gates.row_start, ends, side="right") - 1
    place = ends - gates.row_start[record]
    time_s = gates.time_s[record] + place * 1e-3 / gates.lengths[record]
    slots = _slot_numbers(gates, ends)
    sizes_mm = _means((size_h, size_v), ends, n_repeats)
    emit_um = _emittances(sizes_mm, _energy_at(energy, time_s), beam, calibration)
    calibrated = np.isfinite(emit_um).all(axis=1)
    good = calibrated & (sizes_mm > 0).all(axis=1)
    if not good.any():
        raise NoDataError(
            f"{gates.name} in {gates.origin}: no measurement at a calibrated energy; "
            "is this the right fill?"
        )
    scans = _sorted_by_slot(slots[good], time_s[good], emit_um[good])
    n_no_size = int(np.count_nonzero((sizes_mm <= 0).any(axis=1)))
    return replace(scans, n_dropped=n_lost + n_no_size)


def emittance_scans(emit_h: Series, emit_v: Series, energy: Series) -> Scans:
    """Return the emittances of each slot, as the BSRT logs them in Run 3.

    An acquisition has a value in um for each slot, NaN or 0 without a bunch. Samples at other than
    the nominal energies (the ramp) are left out.

    Raises
    ------
    NoDataError
        There is no emittance at a known energy.
    BadInputError
        An acquisition has more values than the ring has slots.
    """
    emit_h, emit_v = _same_times(emit_h, emit_v)
    energy_gev = _energy_at(energy, emit_h.time_s)
    inside = np.zeros(energy_gev.shape, bool)
    for low, high in ENERGY_BANDS_GEV.values():
        inside |= (energy_gev > low) & (energy_gev < high)
    h, v = _matrix(emit_h), _matrix(emit_v)
    width = min(h.shape[1], v.shape[1])
    with np.errstate(invalid="ignore"):
        measured = np.isfinite(h[:, :width] + v[:, :width]) & inside[:, None]
        measured &= (h[:, :width] > 0) & (v[:, :width] > 0)
    slot, row = np.nonzero(measured.T)
    if not slot.size:
        raise NoDataError(
            f"{emit_h.name} in {emit_h.origin}: no emittance at a known energy; "
            "is this the right fill?"
        )
    slots, first = np.unique(slot, return_index=True)
    start = np.append(first, slot.size).astype(np.int64)
    emit_um = np.stack([h[row, slot], v[row, slot]], axis=1)
    return Scans(slots, start, emit_h.time_s[row], emit_um)


def _matrix(series: Series) -> FloatArray:
    """Return the acquisitions as (n_times, n_slots), NaN after the end of a shorter one."""
    values = series.matrix()
    if values.shape[1] > N_SLOTS:
        raise BadInputError(
            f"{series.name} in {series.origin} has {values.shape[1]} values a row, but there are "
            f"{N_SLOTS} slots; download the file again"
        )
    return values


def _same_records(*channels: Series) -> tuple[Series, ...]:
    """Return the records that all channels have; they must be equally long in each."""
    channels = _same_times(*channels)
    for c in channels[1:]:
        if not np.array_equal(channels[0].lengths, c.lengths):
            first = int(np.flatnonzero(channels[0].lengths != c.lengths)[0])
            raise BadInputError(
                f"{c.name} in {c.origin} does not match {channels[0].name}: record {first + 1} has "
                f"{c.lengths[first]} values for {channels[0].lengths[first]} gates; "
                "download the file again"
            )
    return channels


def _same_times(*channels: Series) -> tuple[Series, ...]:
    """Return the records that all channels have, equally many of each time."""
    first = channels[0]
    if not first.time_s.size:
        raise NoDataError(f"{first.name} in {first.origin} has no row: the BSRT measured nothing")
    if any(not np.array_equal(first.time_s, c.time_s) for c in channels[1:]):
        _check_lost_records(channels)
        counts = [Counter(c.time_s.tolist()) for c in channels]  # a time may have several records
        common = set.intersection(*(set(n.items()) for n in counts))
        channels = tuple(
            select_rows(c, np.array([(t, n[t]) in common for t in c.time_s.tolist()]))
            for c, n in zip(channels, counts)
        )
        if not common:
            together = ", ".join(c.name for c in channels)
            raise NoDataError(f"{first.origin}: {together} have no time in common")
    return channels


def _check_lost_records(channels: tuple[Series, ...]) -> None:
    """Raise an error if the channels differ by more records than were dropped from them."""
    rows = [c.time_s.size + c.n_dropped for c in channels]
    if len(set(rows)) > 1:
        counts = ", ".join(f"{c.name} {n}" for c, n in zip(channels, rows))
        raise BadInputError(
            f"BSRT channels in {channels[0].origin} have different numbers of records ({counts}); "
            "download the file again"
        )


def _repeats(gates: Series) -> tuple[IntArray, IntArray]:
    """Return for each run of equal gates the index of its last value, and its length."""
    values = gates.values
    starts = np.ones(values.size, dtype=bool)
    starts[1:] = values[1:] != values[:-1]
    starts[gates.row_start[:-1][gates.lengths > 0]] = True
    first = np.flatnonzero(starts)
    ends = np.append(first[1:], values.size)[: first.size] - 1  # without values no run
    return ends, ends - first + 1


def _means(channels: Sequence[Series], ends: IntArray, n_repeats: IntArray) -> FloatArray:
    """Return the mean of each run of repeats, (n_runs, n_channels)."""
    sums = [np.add.reduceat(channel.values, ends - n_repeats + 1) for channel in channels]
    return np.stack(sums, axis=1) / n_repeats[:, None]


def _slot_numbers(gates: Series, where: IntArray) -> IntArray:
    slots = gates.values[where].astype(np.int64)
    if slots.size and (slots.min() < 0 or slots.max() >= N_SLOTS):
        wrong = slots[(slots < 0) | (slots >= N_SLOTS)][0]
        raise BadInputError(
            f"{gates.name} in {gates.origin}: gate {wrong} is not a slot (0 to {N_SLOTS - 1}); "
            "download the file again"
        )
    return slots


def _energy_at(energy: Series, time_s: FloatArray) -> FloatArray:
    """Return the last energy logged before each time, NaN before the first."""
    values = energy.scalar()
    newest = np.searchsorted(energy.time_s, time_s, side="right") - 1
    if not values.size:
        raise BadInputError(
            f"{energy.name} in {energy.origin} has no row; {download(energy.origin)}"
        )
    return np.where(newest >= 0, values[newest], np.nan)


def _emittances(
    sizes_mm: FloatArray, energy_gev: FloatArray, beam: int, calibration: BsrtCalibration
) -> FloatArray:
    """Return the emittances in um, (n_samples, 2), NaN at energies without calibration."""
    emit_um = np.full(sizes_mm.shape, np.nan)
    for nominal, (low, high) in ENERGY_BANDS_GEV.items():
        inside = (energy_gev > low) & (energy_gev < high)
        if inside.any():
            for plane, optics in enumerate(calibration.at(beam, nominal)):
                emit_um[inside, plane] = emittance_um(sizes_mm[inside, plane], optics)
    return emit_um


def _sorted_by_slot(slots: IntArray, time_s: FloatArray, emit_um: FloatArray) -> Scans:
    order = np.argsort(slots, kind="stable")
    measured, first = np.unique(slots[order], return_index=True)
    start = np.append(first, slots.size).astype(np.int64)
    return Scans(measured, start, time_s[order], emit_um[order])
