"""What records are made of: beams and families, rows of DataFrames, arrays of files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from lumimod.arrays import FloatArray, IntArray

FAMILIES = ("coll", "noncoll")
FITTED = ("emit_h", "emit_v", "bl", "inten")
ALL_BUNCHES = -1
"""The slot of a row that holds the sum over all bunches."""


class FrameRows(NamedTuple):
    """Rows of a record's DataFrame with the same labels, one for each slot and time."""

    labels: Mapping[str, Any]
    """Columns that are the same in all rows, such as the beam."""
    slots: IntArray
    """Bunch slots, (n_slots,)."""
    columns: Mapping[str, FloatArray]
    """Values, (n_times, n_slots), NaN at later times than they have; (n_slots,) without times."""
    time_s: FloatArray | None = None
    """Times, (n_times,), Unix seconds; None: the rows have no time, or one in `columns`."""


def floats(values: Any) -> FloatArray:
    """Return values of a file (an array, or the original's list) as float array."""
    return np.asarray(values, dtype=np.float64)


def slot_numbers(values: Any) -> IntArray:
    """Return slots of a file as integer array."""
    return np.asarray(values, dtype=np.int64)
