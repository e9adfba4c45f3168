"""Timber CSV: for each variable a `VARIABLE:` line, a header and rows; times UTC, to the ms."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from io import BufferedIOBase

import numpy as np

from lumimod.arrays import FloatArray, Series
from lumimod.writers.text import stamps

VALUES_AT_ONCE = 100_000
"""Limits the memory for the text."""


def write_timber(stream: BufferedIOBase, series: Mapping[str, Series]) -> None:
    """Write the variables, a block each; every value reads back exactly.

    Rows that were dropped when a series was read are written as rows without a value.
    """
    for name, one in series.items():
        write_block(stream, name, _rows(one), array=bool(np.any(one.lengths != 1)))


def write_block(
    stream: BufferedIOBase, name: str, rows: Iterable[bytes], *, array: bool = True
) -> None:
    """Write a block; the rows are text, each with its newline."""
    value = "Array Values" if array else "Value"
    stream.write(f"VARIABLE: {name}\n\nTimestamp (UTC_TIME),{value}\n".encode())
    stream.writelines(rows)
    stream.write(b"\n")


def _rows(series: Series) -> Iterator[bytes]:
    at_once = max(VALUES_AT_ONCE // int(series.lengths.max(initial=1)), 1)
    for first in range(0, series.time_s.size, at_once):
        rows = slice(first, first + at_once)
        starts = series.row_start[first : first + at_once + 1]
        cells = _numbers(series.values[starts[0] : starts[-1]])
        edges = (starts - starts[0]).tolist()
        for stamp, start, stop in zip(stamps(series.time_s[rows]), edges, edges[1:]):
            yield stamp.tobytes() + b"," + ",".join(cells[start:stop]).encode() + b"\n"
    if series.n_dropped and series.time_s.size:
        yield (stamps(series.time_s[-1:]).tobytes() + b",\n") * series.n_dropped


def _numbers(values: FloatArray) -> list[str]:
    """Return the shortest text of each number that reads back exactly."""
    # Most slots of an array are empty: their text is made once.
    cells = ["0.0"] * values.size
    filled = np.flatnonzero((values != 0) | np.signbit(values))
    for index, value in zip(filled.tolist(), values[filled].tolist()):
        cells[index] = repr(value)
    return cells
