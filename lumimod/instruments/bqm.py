"""Bunch lengths by the beam quality monitor (BQM)."""

from __future__ import annotations

import numpy as np

from lumimod.arrays import IntArray, Series
from lumimod.errors import BadInputError, Note
from lumimod.instruments.drops import BUNCH_LENGTH, DropLog
from lumimod.instruments.samples import BunchSamples
from lumimod.tables.lhc import N_SLOTS

LENGTHS_4S_S = (0.1e-9, 2.5e-9)
"""Lengths (4 sigma) that a bunch can have: a bucket is 2.5 ns long."""


def bqm_lengths(buckets: Series, lengths: Series, slots: IntArray, log: DropLog) -> BunchSamples:
    """Return the bunch lengths (4 sigma) of `slots`, (n_slots,), in s.

    The BQM logs lengths without their slots: those above zero belong, in order, to the filled
    buckets in the last list that was logged before. An acquisition with another number of lengths
    is dropped.

    Parameters
    ----------
    buckets
        Numbers of the filled buckets: slot 0 is bucket 1, slot 1 is bucket 11.
    lengths
        Bunch lengths in s.
    slots
        Those to return.
    log
        Takes what was dropped.

    Raises
    ------
    BadInputError
        A bucket is beyond the ring.
    """
    column_of = np.full(N_SLOTS, -1)
    column_of[slots] = np.arange(slots.size)
    newest = np.searchsorted(buckets.time_s, lengths.time_s, side="right") - 1
    filled = {  # the columns of its slots, and which of them are asked for
        k: column_of[_filled_slots(buckets, k)] for k in np.unique(newest[newest >= 0]).tolist()
    }
    asked = {k: np.flatnonzero(columns >= 0) for k, columns in filled.items()}
    above = lengths.values > 0
    start = np.append(0, np.cumsum(above, dtype=np.int32))[lengths.row_start]
    expected = np.array([filled[k].size if k >= 0 else -1 for k in newest.tolist()])
    good = np.diff(start) == expected
    logged = lengths.values[above]
    length_s = np.full((np.count_nonzero(good), slots.size), np.nan)
    for row, k, first in zip(length_s, newest[good].tolist(), start[:-1][good].tolist()):
        row[filled[k][asked[k]]] = logged[first + asked[k]]
    if not good.any():
        text = f"{lengths.name}: no usable acquisition: bunch lengths and luminosity are NaN"
        log.notes.append(Note("lacking", text, BUNCH_LENGTH, log.beam))
    text = (
        f"{lengths.name}: {{}} acquisitions whose number of lengths is not that of {buckets.name}"
    )
    log.drop(BUNCH_LENGTH, int((~good).sum()), good.size, text)
    return BunchSamples(lengths.time_s[good], length_s)


def _filled_slots(buckets: Series, row: int) -> IntArray:
    values = buckets.values[buckets.row_start[row] : buckets.row_start[row + 1]]
    slots = ((values[values > 0] - 1) // 10).astype(np.int64)
    if slots.size and slots.max() >= N_SLOTS:
        raise BadInputError(
            f"{buckets.name} in {buckets.origin}: bucket {int(values.max())} is beyond the ring; "
            "download the file again"
        )
    return slots


def possible_lengths(lengths: BunchSamples, name: str, log: DropLog) -> BunchSamples:
    """Return the lengths, NaN for those that no bunch can have."""
    low, high = LENGTHS_4S_S
    bad = (lengths.values < low) | (lengths.values > high)
    if not bad.any():
        return lengths
    n_values = int(np.isfinite(lengths.values).sum())
    text = f"{name}: {{}} bunch lengths outside {low * 1e9:g} to {high * 1e9:g} ns"
    log.drop(BUNCH_LENGTH, int(bad.sum()), n_values, text)
    return BunchSamples(lengths.time_s, np.where(bad, np.nan, lengths.values))
