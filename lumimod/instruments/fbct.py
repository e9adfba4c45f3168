"""Bunch intensities by the fast beam-current transformers (FBCT)."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lumimod.arrays import IntArray, Series
from lumimod.errors import BadInputError, Note, download
from lumimod.instruments.drops import BUNCH_INTENSITY, DropLog
from lumimod.instruments.gaps import NOTED_GAP_S, Gap, find_gaps, utc_clock
from lumimod.instruments.samples import BunchSamples
from lumimod.readers.variables import read_first
from lumimod.tables.variables import Names


def fbct_intensities(series: Series, slots: IntArray, log: DropLog) -> BunchSamples:
    """Return the intensities of `slots`, (n_slots,), in protons.

    Acquisitions that end before the last of the slots are dropped.

    Raises
    ------
    BadInputError
        There is no acquisition, or each ends before the last slot.
    """
    if not series.time_s.size:
        raise BadInputError(
            f"{series.name} in {series.origin} has no row; {download(series.origin)}"
        )
    matrix = series.matrix()
    last = slots.max()
    whole = series.lengths > last
    if not whole.any():
        raise BadInputError(
            f"{series.name} in {series.origin} has {matrix.shape[1]} columns, but the BSRT "
            f"measured slot {last}; {download(series.origin)}"
        )
    n_short = int((~whole).sum())
    text = f"{series.name}: {{}} rows that end before slot {last}"
    log.drop(BUNCH_INTENSITY, n_short, whole.size, text)
    values = np.take(matrix, slots, axis=1)
    return BunchSamples(series.time_s[whole], values if whole.all() else values[whole])


def with_other_system(
    intensity: BunchSamples,
    path: Path,
    names: Names,
    slots: IntArray,
    stable_s: tuple[float, float],
    log: DropLog,
) -> BunchSamples:
    """Return the intensities, with those of the other system in the gaps of stable beams.

    Parameters
    ----------
    intensity
        Those of the first system.
    path, names
        Data file, and the variables of the other systems, the best first.
    slots
        (n_slots,).
    stable_s
        Start and end of stable beams, Unix s.
    log
        Takes a note of each gap that is filled.
    """
    series = read_first(path, {BUNCH_INTENSITY: names}, optional=[BUNCH_INTENSITY])
    other = series.get(BUNCH_INTENSITY)
    if other is None or not (other.lengths > slots.max()).any():
        return intensity
    spare = fbct_intensities(other, slots, log)
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
