"""Rows of Timber files: lines of text to time stamps and numbers, a chunk at a time."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any, cast

import numpy as np
import pandas as pd

from lumimod.arrays import ByteArray, FloatArray, IntArray, ranges
from lumimod.readers.stamps import MALFORMED, stamps_us

COMMA, NEWLINE, SPACE = b",\n "
PANDAS_IS_EXACT = int(pd.__version__.split(".")[0]) >= 3


@dataclass(frozen=True)
class Rows:
    """Rows of one chunk: times as written in us, values, values per row, rows dropped."""

    time_us: IntArray
    values: FloatArray
    lengths: IntArray
    n_dropped: int


class RowError(Exception):
    """A row cannot be read; the message shows it."""


def shortened(row: bytes) -> str:
    """Return a row as a message shows it."""
    text = row.decode("ascii", "backslashreplace")
    return repr(text if len(text) <= 60 else text[:57] + "...")


def _tidy(text: bytes) -> bytes:
    """Return the rows without comments, blank lines and stray spaces."""
    if b"#" in text:
        text = re.sub(rb"(?m)^[ \t]*#.*\n", b"", text)
    text = text.replace(b"\t", b" ")
    for quirk in (b" ,", b", ", b" \n", b"\n ", b"\n\n"):
        while quirk in text:
            text = text.replace(quirk, quirk.strip(b" ") if b" " in quirk else b"\n")
    return text.lstrip(b" \n")


def _is_tidy(text: bytes, raw: ByteArray, row_ends: IntArray) -> bool:
    """Tell whether every line is a row whose only blank is the one within its stamp."""
    blank_lines = np.any(np.diff(row_ends, prepend=-1) == 1)
    n_blank = np.count_nonzero(raw <= SPACE)
    return b"#" not in text and not blank_lines and n_blank == 2 * row_ends.size


def parse_rows(text: bytes) -> Rows:
    """Return the rows of whole lines; a row with an empty value is dropped and counted."""
    if b"\r" in text:
        text = text.replace(b"\r\n", b"\n")
    text = text.rstrip(b"\n") + b"\n"
    raw = np.frombuffer(bytearray(text), np.uint8)
    ends = np.flatnonzero(raw == NEWLINE)
    if not _is_tidy(text, raw, ends):
        text = _tidy(text)
        raw = np.frombuffer(bytearray(text), np.uint8)
        ends = np.flatnonzero(raw == NEWLINE)
    commas = np.flatnonzero(raw == COMMA)
    starts = np.concatenate([np.zeros(1, np.int64), ends + 1])[:-1]
    first = np.searchsorted(commas, starts)
    lengths = np.diff(np.append(first, commas.size))
    stamp_ends = np.where(lengths > 0, np.append(commas, 0)[first], ends)
    time_us = stamps_us(raw, starts, stamp_ends)
    if np.any(time_us == MALFORMED):
        row = int(np.argmax(time_us == MALFORMED))
        raise RowError(f"bad time stamp in row {shortened(text[starts[row] : ends[row]])}")
    keep = lengths > 0
    empty = (raw[commas + 1] == COMMA) | (raw[commas + 1] == NEWLINE)
    keep[np.searchsorted(ends, commas[empty])] = False
    raw[commas] = NEWLINE
    raw[ranges(starts, np.minimum(stamp_ends + 1, ends) - starts)] = SPACE
    if not keep.all():
        raw = raw[np.repeat(keep, ends - starts + 1)]
    values = _to_floats(raw.tobytes(), int(lengths[keep].sum()))
    if values is None:
        rows = [text[start:end] for start, end in zip(starts[keep], ends[keep])]
        values = _floats_row_by_row(rows)
    return Rows(time_us[keep], values, lengths[keep], int(np.count_nonzero(~keep)))


class _Lines:
    """Bytes to read() from, which pandas takes as they are: it would decode those of a BytesIO."""

    def __init__(self, lines: bytes) -> None:
        self._lines = lines
        self._at = 0

    def read(self, size: int) -> bytes:
        self._at += size
        return self._lines[self._at - size : self._at]

    def __iter__(self) -> Iterator[bytes]:  # what pandas knows a file by
        raise NotImplementedError


def _to_floats(lines: bytes, n_values: int) -> FloatArray | None:
    """Return the numbers, one a line, or None if they are not `n_values` plain numbers."""
    if n_values == 0:
        return np.zeros(0)
    if b"\0" in lines:  # ends a number for pandas before 3, whatever follows
        return None
    options: dict[str, Any] = {"float_precision": "round_trip"} if _loses_digits(lines) else {}
    try:
        table = pd.read_csv(
            cast("IO[bytes]", _Lines(lines)),
            header=None,
            names=["value"],
            dtype=np.float64,
            engine="c",
            quoting=csv.QUOTE_NONE,
            skip_blank_lines=False,
            keep_default_na=False,
            na_values=["NaN", "nan"],
            low_memory=False,
            **options,
        )
    except ValueError:  # pandas' own ParserError and UnicodeDecodeError are ValueErrors
        return None
    values = table["value"].to_numpy()
    return values if values.size == n_values else None


def _loses_digits(lines: bytes) -> bool:
    """Tell whether pandas would round a number badly unless told to be exact, which is slower.

    Before version 3 it reads 17 digits of a number, counting the zeros that 0.00123 starts with.
    """
    if PANDAS_IS_EXACT:
        return False
    raw = np.frombuffer(lines.replace(b" ", b""), np.uint8)
    ends = np.flatnonzero(raw == NEWLINE)
    starts = np.append(0, ends[:-1] + 1)
    first = raw[starts[ends - starts > 17]]
    return bool(np.any((first == ord("0")) | (first == ord("-"))))


def _floats_row_by_row(rows: list[bytes]) -> FloatArray:
    """Return the values of all rows, slowly: finds the row that cannot be read."""
    values: list[float] = []
    for row in rows:
        fields = row.split(b",")[1:]
        try:
            if b"_" in row:  # Python's own digit grouping
                raise ValueError
            values.extend(map(float, fields))
        except ValueError:
            raise RowError(f"a value is not a number in row {shortened(row)}") from None
    return np.array(values)
