"""All bunch-by-bunch measurements of one beam in one fill."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Callable

import numpy as np

from lumimod.arrays import IntArray, Series, select_rows
from lumimod.errors import BadInputError, Note
from lumimod.instruments.bqm import bqm_lengths, possible_lengths
from lumimod.instruments.bsrt import Scans, bsrt_scans, emittance_scans
from lumimod.instruments.drops import BUNCH_INTENSITY, BUNCH_LENGTH, EMITTANCE, DropLog
from lumimod.instruments.fbct import fbct_intensities, with_other_system
from lumimod.instruments.gaps import NOTED_GAP_S, find_gaps
from lumimod.instruments.samples import BunchSamples
from lumimod.readers.variables import read_first
from lumimod.tables.calibration import BsrtCalibration
from lumimod.tables.lhc import BEAMS
from lumimod.tables.variables import Names

BUNCHES = ("bunch_intensity", "filled_buckets", "bunch_lengths")
EMITTANCES = ("bsrt_emittance_h", "bsrt_emittance_v")
SIZES = ("bsrt_gate", "bsrt_sigma_h", "bsrt_sigma_v")
"""Quantities of the table of variables, without the beam."""
_QUANTITY = {
    "bunch_intensity": BUNCH_INTENSITY,
    "filled_buckets": BUNCH_LENGTH,
    "bunch_lengths": BUNCH_LENGTH,
    **dict.fromkeys((*EMITTANCES, *SIZES), EMITTANCE),
}
HIGHEST_ENERGY_GEV = 7500.0
"""The LHC was designed for 7 TeV."""
AT_TOP = 0.98
"""Fraction of the highest energy at which the ramp has ended."""


@dataclass(frozen=True)
class BeamMeasurements:
    """Measurements of one beam in one fill; those of bunches are of the slots of `scans`."""

    beam: int
    scans: Scans
    """Emittances."""
    intensity_ppb: BunchSamples
    length_4s_s: BunchSamples
    notes: tuple[Note, ...] = ()
    """What was dropped or replaced."""
    highest_energy_gev: float = float("nan")
    top_since_s: float = float("-inf")
    """End of the ramp, Unix s: samples before it are those of injection."""
    dropped: Mapping[str, int] = field(default_factory=dict)
    """By quantity: the number of samples or rows that were dropped."""

    def with_length_factor(self, factor: float) -> BeamMeasurements:
        """Return the measurements with all bunch lengths times a factor."""
        if factor == 1:
            return self
        length = self.length_4s_s
        return replace(self, length_4s_s=BunchSamples(length.time_s, length.values * factor))


def read_beams(
    basic_data: Path,
    bbb_data: Path,
    names: Mapping[str, Names],
    calibration: Callable[[], BsrtCalibration],
    stable_s: tuple[float, float] | None = None,
    *,
    beams: Sequence[int] = BEAMS,
) -> dict[int, BeamMeasurements]:
    """Return the measurements of each beam in one fill.

    Parameters
    ----------
    basic_data, bbb_data
        Data files with the energy, and with what is measured of each bunch.
    names
        Variables of each quantity, the best first.
    calibration
        Returns the calibration of the BSRT; called only if emittances are not logged.
    stable_s
        Start and end of stable beams, Unix s: if system A of the FBCT stops in between, system B
        is taken.
    beams
        Those to read, in one pass through the files.

    Raises
    ------
    MissingInputError
        A file or a variable is missing.
    BadInputError
        A file is damaged, or its variables do not fit together.
    NoDataError
        The BSRT measured no bunch.
    """
    energies = read_first(basic_data, _of_beams(names, {b: ("energy",) for b in beams}))
    series = _read_bunches(bbb_data, names, beams)
    return {
        b: _beam(b, energies[f"energy_b{b}"], series[b], bbb_data, names, calibration, stable_s)
        for b in beams
    }


def _of_beams(
    names: Mapping[str, Names], quantities: Mapping[int, Sequence[str]]
) -> dict[str, Names]:
    """Return the variables of some quantities of each beam."""
    keys = [f"{what}_b{b}" for b, of_beam in quantities.items() for what in of_beam]
    return {key: names[key] for key in keys}


def _beam(
    beam: int,
    energy: Series,
    series: Mapping[str, Series],
    bbb_data: Path,
    names: Mapping[str, Names],
    calibration: Callable[[], BsrtCalibration],
    stable_s: tuple[float, float] | None,
) -> BeamMeasurements:
    """Return the measurements of one beam."""
    log = DropLog(beam)
    energy = _possible_energies(energy, log)
    for what, one in series.items():
        n_rows = one.time_s.size + one.n_dropped
        text = f"{one.name}: {{}} rows with an empty value"
        log.drop(_QUANTITY[what], one.n_dropped, n_rows, text)
    scans = _scans(series, energy, calibration, log)
    length = bqm_lengths(series["filled_buckets"], series["bunch_lengths"], scans.slots, log)
    length = possible_lengths(length, series["bunch_lengths"].name, log)
    systems = names[f"bunch_intensity_b{beam}"]
    intensity = _intensities(
        series["bunch_intensity"], bbb_data, systems, scans.slots, stable_s, log
    )
    highest = float(np.fmax.reduce(energy.scalar()))
    top_since_s = float(energy.time_s[energy.scalar() >= AT_TOP * highest][0])
    return BeamMeasurements(
        beam, scans, intensity, length, tuple(log.notes), highest, top_since_s, log.counts
    )


def _read_bunches(
    path: Path, names: Mapping[str, Names], beams: Sequence[int]
) -> dict[int, dict[str, Series]]:
    """Return what is measured of each bunch: emittances if they are logged, else beam sizes."""
    logged = [b for b in beams if all(names[f"{what}_b{b}"] for what in EMITTANCES)]
    wanted = {b: (*BUNCHES, *(EMITTANCES if b in logged else SIZES)) for b in beams}
    emittances = _of_beams(names, {b: EMITTANCES for b in logged})
    series = read_first(path, _of_beams(names, wanted), optional=emittances)
    lacking = [b for b in logged if any(f"{what}_b{b}" not in series for what in EMITTANCES)]
    if lacking:
        series.update(read_first(path, _of_beams(names, {b: SIZES for b in lacking})))
    every = (*BUNCHES, *EMITTANCES, *SIZES)
    return {
        b: {what: series[key] for what in every if (key := f"{what}_b{b}") in series} for b in beams
    }


def _scans(
    series: Mapping[str, Series],
    energy: Series,
    calibration: Callable[[], BsrtCalibration],
    log: DropLog,
) -> Scans:
    """Return the emittances: as they are logged, or from beam sizes."""
    if set(EMITTANCES) <= set(series):
        emit_h, emit_v = (series[what] for what in EMITTANCES)
        scans = emittance_scans(emit_h, emit_v, energy)
    else:
        gates, size_h, size_v = (series[what] for what in SIZES)
        calibrated = calibration()
        if calibrated.note and log.beam == 1:  # it is the same for both beams
            log.notes.append(Note("calibration", calibrated.note, EMITTANCE, log.beam))
        scans = bsrt_scans(gates, size_h, size_v, energy, log.beam, calibrated)
    n_scans = scans.time_s.size + scans.n_dropped
    text = f"BSRT of beam {log.beam}: {{}} measurements without a positive size in both planes"
    log.drop(EMITTANCE, scans.n_dropped, n_scans, text)
    return scans


def _intensities(
    series: Series,
    path: Path,
    systems: Names,
    slots: IntArray,
    stable_s: tuple[float, float] | None,
    log: DropLog,
) -> BunchSamples:
    """Return the bunch intensities of the first system, and of others where it does not measure."""
    intensity = fbct_intensities(series, slots, log)
    if series.name != systems[0]:
        text = (
            f"{systems[0]} is not in {path}: bunch intensities of beam {log.beam} are of "
            f"{series.name}"
        )
        log.notes.append(Note("replaced", text, BUNCH_INTENSITY, log.beam))
    elif stable_s is not None and find_gaps(intensity.time_s, stable_s, NOTED_GAP_S):
        return with_other_system(intensity, path, systems[1:], slots, stable_s, log)
    return intensity


def _possible_energies(energy: Series, log: DropLog) -> Series:
    """Return the energies without those that the LHC cannot have."""
    values = energy.scalar()
    good = (values >= 0) & (values <= HIGHEST_ENERGY_GEV)
    limits = f"outside 0 to {HIGHEST_ENERGY_GEV:.0f} GeV"
    log.drop("energy", int((~good).sum()), good.size, f"{energy.name}: {{}} energies {limits}")
    if good.size and not good.any():
        raise BadInputError(f"{energy.name} in {energy.origin}: all energies are {limits}")
    return energy if good.all() else select_rows(energy, good)
