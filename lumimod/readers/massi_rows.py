"""Rows of Massi files: Unix time, stable-beams flag, luminosity in Hz/ub, and what follows.

A row that cannot be read is an error. One that can, but cannot be right, is left out and counted: a
blank field moves another number into the place of the luminosity.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from lumimod.arrays import BoolArray, ByteArray, FloatArray, IntArray
from lumimod.errors import BadInputError, Note
from lumimod.readers.decimals import MISREAD, to_floats

GET_AGAIN = "copy the archive again from the experiment's Massi folder"

# 2008 to 2100. Files from before 2012 count seconds from 2010, which is outside.
ERA_START_S, ERA_STOP_S = 1_199_145_600.0, 4_102_444_800.0
COLUMNS, ALL_COLUMNS = 3, 6
"""Fields that are used, and those of a whole row."""
_ZERO, _NINE = b"09"
EXACT_DIGITS = 15
"""Whole numbers of so many digits are exact as float64, whatever way they are added up."""

_ROWS_FOLDED = 64
_BLANKS = frozenset(b" \t\n")
_PANDAS: Mapping[str, Any] = {
    "header": None,
    "dtype": np.float64,
    "engine": "c",
    "na_filter": False,
    "low_memory": False,
}
TOO_FEW = "a field missing"
ODD_FLAG = "a stable-beams flag that is not 0 to 1"
NEGATIVE = "a negative luminosity"
OUTSIDE = "a time outside the fill"


class MemberRows(NamedTuple):
    """The rows of several members, one after the other."""

    names: list[str]
    counts: IntArray
    """Rows of each member."""
    time_s: FloatArray
    flag: FloatArray
    lumi_hz_ub: FloatArray
    n_fields: IntArray
    """Of each row."""


def parse_members(batch: Mapping[str, bytes], archive: Path) -> MemberRows:
    """Return the rows of members, whose texts end in a newline.

    Raises
    ------
    BadInputError
        A row is not Unix time, flag, luminosity.
    """
    text = b"".join(batch.values())
    return (
        _parse_alike(batch, text)
        or _parse_together(batch, text)
        or _parse_one_by_one(batch, archive)
    )


def _parse_alike(batch: Mapping[str, bytes], text: bytes) -> MemberRows | None:
    """Return the rows if all have their fields at the same places, as writers print them.

    Only the fields that are used are then looked at, with the same numbers as of all. None if they
    differ, or are not valid.
    """
    width = text.find(b"\n") + 1
    if not width or len(text) % width:
        return None
    rows = np.frombuffer(text, np.uint8).reshape(-1, width)
    low, high = _extremes(rows)
    blank = low <= ord(" ")
    if np.any(low[blank] != high[blank]) or not _BLANKS.issuperset(low[blank].tolist()):
        return None
    fields = np.flatnonzero(np.diff(blank, prepend=True)).reshape(-1, 2)  # where each begins, ends
    if len(fields) < COLUMNS:
        return None
    places = [slice(*field) for field in fields[:COLUMNS].tolist()]
    columns = [_numbers(rows[:, place], low[place], high[place]) for place in places]
    time_s, flag, lumi = columns
    if time_s is None or flag is None or lumi is None or not np.all(_is_valid(time_s, lumi)):
        return None
    counts = np.array([len(member) // width for member in batch.values()], np.int64)
    n_fields = np.full(len(rows), len(fields), np.int64)
    return MemberRows([*batch], counts, time_s, flag, lumi, n_fields)


def _extremes(rows: ByteArray) -> tuple[ByteArray, ByteArray]:
    """Return the least and the largest character of each column."""
    n_folded = len(rows) // _ROWS_FOLDED * _ROWS_FOLDED
    low = high = rows[-1]
    for part, n_side in ((rows[:n_folded], _ROWS_FOLDED), (rows[n_folded:], 1)):
        if part.size:  # NumPy reduces long rows ten times faster than short ones
            side_by_side = part.reshape(-1, n_side * rows.shape[1])
            lowest, highest = side_by_side.min(axis=0), side_by_side.max(axis=0)
            low = np.minimum(low, lowest.reshape(n_side, -1).min(axis=0))
            high = np.maximum(high, highest.reshape(n_side, -1).max(axis=0))
    return low, high


def _numbers(chars: ByteArray, low: ByteArray, high: ByteArray) -> FloatArray | None:
    """Return the number in each row of characters, (n_rows, width); None if they are no numbers.

    `low` and `high` are the least and the largest character at each place.
    """
    n_rows, width = chars.shape
    if width <= EXACT_DIGITS and low.min() >= _ZERO and high.max() <= _NINE:
        same = int(np.argmax(np.append(low != high, True)))  # leading digits that all rows share
        whole = np.full(n_rows, float(low[:same].tobytes() or b"0"))
        for column in chars[:, same:].T:
            whole *= 10
            whole += column
            whole -= _ZERO
        return whole
    text = np.full((n_rows, width + 1), ord(","), np.uint8)
    text[:, :width] = chars
    return to_floats(text.tobytes(), n_rows)


def _parse_together(batch: Mapping[str, bytes], text: bytes) -> MemberRows | None:
    """Return the rows; None if a line is a comment or not valid."""
    import pandas as pd

    if any(byte in text for byte in MISREAD):
        return None
    counts = np.array([member.count(b"\n") for member in batch.values()], np.int64)
    try:
        table = pd.read_csv(io.BytesIO(text), sep=r"\s+", usecols=range(COLUMNS), **_PANDAS)
    except ValueError:  # pandas' own errors and UnicodeDecodeError are ValueErrors
        return None
    time_s, flag, lumi = table.to_numpy().T
    if time_s.size != counts.sum() or not np.all(_is_valid(time_s, lumi)):
        return None
    return MemberRows([*batch], counts, time_s, flag, lumi, _fields_of_lines(text))


def _fields_of_lines(text: bytes) -> IntArray:
    """Return the number of fields of each line."""
    raw = np.frombuffer(text, np.uint8)
    blank = raw <= ord(" ")
    begins = ~blank
    begins[1:] &= blank[:-1]
    ends = np.flatnonzero(raw == ord("\n"))
    return np.diff(np.searchsorted(np.flatnonzero(begins), ends), prepend=0)


def _parse_one_by_one(batch: Mapping[str, bytes], archive: Path) -> MemberRows:
    """Return the rows, slowly: skips comments, and names a bad row."""
    rows: list[tuple[float, float, float, int]] = []
    counts: list[int] = []
    for name, text in batch.items():
        before = len(rows)
        rows += _rows_of_member(text, f"{archive}: {name}")
        counts.append(len(rows) - before)
    time_s, flag, lumi, n_fields = np.array(rows, np.float64).reshape(-1, 4).T
    return MemberRows([*batch], np.array(counts), time_s, flag, lumi, n_fields.astype(np.int64))


def _rows_of_member(text: bytes, where: str) -> Iterator[tuple[float, float, float, int]]:
    for number, line in enumerate(text.splitlines(), start=1):
        fields = line.split()
        if not fields or fields[0].startswith(b"#"):
            continue
        try:
            time_s, lumi = float(fields[0]), float(fields[2])
        except (IndexError, ValueError):
            time_s = lumi = np.nan
        if not _is_valid(time_s, lumi):
            raise BadInputError(
                f"{where}: row {number} {line[:60].decode('ascii', 'backslashreplace')!r} is not"
                f" Unix time, flag, luminosity; {GET_AGAIN}"
            )
        yield time_s, _number(fields[1]), lumi, len(fields)


def _number(field: bytes) -> float:
    try:
        return float(field)
    except ValueError:
        return np.nan


def _is_valid(time_s: FloatArray | float, lumi: FloatArray | float) -> npt.NDArray[np.bool_]:
    """Tell which rows have a time from 2008 on and a finite luminosity."""
    in_era = (time_s >= ERA_START_S) & (time_s < ERA_STOP_S)  # False for NaN
    return np.asarray(in_era & np.isfinite(lumi))


# --- rows that cannot be right


class RowFilter:
    """Tells which rows are taken, and counts the others."""

    def __init__(self, span_s: tuple[float, float]) -> None:
        """Begin an archive; `span_s` is the time of its fill, Unix s."""
        self._span_s = span_s
        self._is_full = False
        """Whether rows have the error of the luminosity, and what follows."""
        self.n_rows = 0
        self._dropped: Counter[str] = Counter()
        self._first: dict[str, str] = {}

    @property
    def n_dropped(self) -> int:
        """How many rows were left out."""
        return sum(self._dropped.values())

    def keep(self, table: MemberRows) -> BoolArray:
        """Return which rows are taken, (n_rows,)."""
        begin_s, end_s = self._span_s
        faults = {
            TOO_FEW: self._lacks_fields(table),
            ODD_FLAG: ~((table.flag >= 0) & (table.flag <= 1)),
            NEGATIVE: table.lumi_hz_ub < 0,
            OUTSIDE: ~((table.time_s >= begin_s) & (table.time_s <= end_s)),
        }
        kept = np.ones(table.time_s.size, bool)
        for why, bad in faults.items():
            self._count(why, table, kept & bad)
            kept &= ~bad
        self.n_rows += kept.size
        return kept

    def _lacks_fields(self, table: MemberRows) -> BoolArray:
        """Tell which rows have fewer fields than they should.

        Those are as many as the member has in any row; a member may have the first three alone.
        """
        self._is_full |= bool(np.any(table.n_fields >= ALL_COLUMNS))
        most = np.zeros(len(table.names), np.int64)
        np.maximum.at(most, np.repeat(np.arange(len(table.names)), table.counts), table.n_fields)
        most = np.minimum(most, ALL_COLUMNS)
        if self._is_full:
            most[most > COLUMNS] = ALL_COLUMNS
        return table.n_fields < np.repeat(most, table.counts)

    def _count(self, why: str, table: MemberRows, bad: BoolArray) -> None:
        rows = np.flatnonzero(bad)
        if rows.size:
            self._dropped[why] += rows.size
            ends = np.cumsum(table.counts)
            member = int(np.searchsorted(ends, rows[0], side="right"))
            row = rows[0] - (ends[member] - table.counts[member]) + 1
            self._first.setdefault(why, f"{table.names[member]}, row {row}")

    def reasons(self) -> str:
        """Return why rows were left out, with numbers."""
        return ", ".join(f"{n} with {why}" for why, n in self._dropped.items())

    def notes(self, archive: Path) -> list[Note]:
        """Return a note of each reason for which rows were left out."""
        return [
            Note(
                "dropped",
                f"{archive.name}: {n} of {self.n_rows} rows dropped that have {why}, the first in "
                f"{self._first[why]}; {GET_AGAIN} if there are many",
                "luminosity",
                numbers={"dropped": n, "rows": self.n_rows},
            )
            for why, n in self._dropped.items()
        ]
