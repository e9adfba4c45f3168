"""Array types, and the samples of one logged variable as arrays."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Union

import numpy as np
import numpy.typing as npt

from lumimod.errors import BadInputError, download

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]
ByteArray = npt.NDArray[np.uint8]

Origin = Union[Path, str]
"""Where samples come from: a file, or the name of a service."""

LARGEST_PADDED, MOST_PADDING = 1 << 26, 10
"""Rows of different lengths may become a matrix of so many numbers, or so many times their values:
one row of millions among thousands of short ones would fill any memory."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Series:
    """The samples of one variable in the order of time; rows may differ in length.

    `time_s` (n,) is Unix time UTC in s, milliseconds kept; `values` holds the values of all rows
    one after the other, row i being `values[row_start[i]:row_start[i + 1]]`; `n_dropped` counts
    the rows left out because a value was empty.
    """

    name: str
    origin: Origin
    time_s: FloatArray
    values: FloatArray
    row_start: IntArray
    n_dropped: int

    @property
    def lengths(self) -> IntArray:
        """Return the number of values of each row, (n,)."""
        return np.diff(self.row_start)

    def scalar(self) -> FloatArray:
        """Return the one value of each row, (n,).

        Raises
        ------
        BadInputError
            If a row has more than one value.
        """
        odd = np.flatnonzero(self.lengths != 1)
        if odd.size:
            raise BadInputError(
                f"{self.origin}: {self.name}: row {odd[0] + 1} holds {self.lengths[odd[0]]} values"
                f" where one is expected; {download(self.origin)}"
            )
        return self.values

    def matrix(self) -> FloatArray:
        """Return the rows as (n, longest row), shorter rows padded with NaN at their end.

        Raises
        ------
        BadInputError
            If hardly anything of it would be values.
        """
        lengths = self.lengths
        width = int(lengths.max()) if lengths.size else 0
        if np.all(lengths == width):
            return self.values.reshape(lengths.size, width)
        if lengths.size * width > max(LARGEST_PADDED, MOST_PADDING * self.values.size):
            raise BadInputError(
                f"{self.origin}: {self.name}: row {lengths.argmax() + 1} holds {width:,} values,"
                f" the {lengths.size:,} rows {np.median(lengths):,.0f} as a rule; "
                f"{download(self.origin)}"
            )
        padded = np.full((lengths.size, width), np.nan)
        padded[np.arange(width) < lengths[:, None]] = self.values
        return padded


def in_order_of_time(
    name: str,
    origin: Origin,
    time_s: FloatArray,
    values: FloatArray,
    lengths: IntArray,
    n_dropped: int = 0,
) -> Series:
    """Return the series of rows with `lengths` values each, sorted by time (stably) if need be."""
    if np.any(np.diff(time_s) < 0):
        order = np.argsort(time_s, kind="stable")
        starts = np.cumsum(lengths) - lengths
        values = values[ranges(starts[order], lengths[order])]
        time_s, lengths = time_s[order], lengths[order]
    row_start = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
    log.debug("%s: %s: %d rows, %d dropped", origin, name, lengths.size, n_dropped)
    return Series(name, origin, time_s, values, row_start, n_dropped)


def select_rows(series: Series, keep: BoolArray) -> Series:
    """Return the series of the rows where `keep`, (n,), is True."""
    lengths = series.lengths
    return replace(
        series,
        time_s=series.time_s[keep],
        values=series.values[np.repeat(keep, lengths)],
        row_start=np.concatenate([[0], np.cumsum(lengths[keep])]),
    )


def ranges(starts: IntArray, counts: IntArray) -> IntArray:
    """Return the integers of all ranges [start, start + count), one after the other."""
    ends = np.cumsum(counts)
    return np.arange(counts.sum()) + np.repeat(starts - ends + counts, counts)


def columns_alike(mask: BoolArray) -> list[IntArray]:
    """Return the columns of `mask`, (n, n_columns), in groups: those of a group are equal."""
    packed = np.ascontiguousarray(np.packbits(mask, axis=0).T)
    if not packed.size:
        return [np.arange(mask.shape[1])] if mask.shape[1] else []
    rows = packed.view(np.dtype((np.void, packed.shape[1]))).ravel()
    _, group = np.unique(rows, return_inverse=True)
    order = np.argsort(group, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(group[order])) + 1)
