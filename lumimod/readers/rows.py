"""Rows of Timber files: text to time stamps and numbers, a chunk at a time.

Only the separators are searched byte by byte. With the time stamps blanked out, one long list of
numbers is left, which is converted in one call. Runs of zeros, those of slots without a bunch, are
left out of it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from lumimod.arrays import BoolArray, ByteArray, FloatArray, IntArray, ranges
from lumimod.readers.decimals import to_floats
from lumimod.readers.stamps import MALFORMED, stamps_us

COMMA, NEWLINE, SPACE = b",\n "
ZERO, POINT = b"0."
_ZEROS_OF_A_RUN, _BYTES_AMONG_ZEROS = 4, 8
"""Fewer zeros side by side take longer to leave out than to convert, and so do those among values
that have more bytes on average, with their commas."""


@dataclass(frozen=True)
class Rows:
    """Rows of one chunk."""

    time_us: IntArray
    """(n_rows,), as written, whatever the time zone."""
    values: FloatArray
    """The values of all rows, one after the other."""
    lengths: IntArray
    """(n_rows,), the number of values of each row."""
    n_dropped: int
    """Rows left out because a value was empty."""


class RowError(Exception):
    """A row cannot be read; the message shows it."""


def shortened(row: bytes) -> str:
    """Return a row as a message shows it."""
    text = row.decode("ascii", "backslashreplace")
    return repr(text if len(text) <= 60 else text[:57] + "...")


def parse_rows(text: bytes) -> Rows:
    """Return the rows of whole lines; a row with an empty value is dropped and counted.

    Raises
    ------
    RowError
        If a row has no time stamp, or a value that is not a number.
    """
    text, ends = _tidied(text)
    layout = _layout(text, ends)
    time_us = _time_us(text, layout)
    kept = _is_complete(layout)
    values = _values(layout, kept)
    if values is None:
        values = _floats_row_by_row(layout.rows(text, kept))
    return Rows(time_us[kept], values, layout.lengths[kept], int(np.count_nonzero(~kept)))


# --- text to its layout


def _tidied(text: bytes) -> tuple[bytes, IntArray]:
    """Return the rows without comments, blank lines and stray spaces, and where each line ends."""
    if b"\r" in text:
        text = text.replace(b"\r\n", b"\n")
    if text[-2:].strip(b"\n") != text[-2:-1]:  # not one line end
        text = text.rstrip(b"\n") + b"\n"
    ends = _line_ends(text)
    if _is_tidy(text, ends):
        return text, ends
    if b"#" in text:
        text = re.sub(rb"(?m)^[ \t]*#.*\n", b"", text)
    text = text.replace(b"\t", b" ")
    for quirk in (b" ,", b", ", b" \n", b"\n ", b"\n\n"):
        while quirk in text:
            text = text.replace(quirk, quirk.strip(b" ") if b" " in quirk else b"\n")
    text = text.lstrip(b" \n")
    return text, _line_ends(text)


def _line_ends(text: bytes) -> IntArray:
    return np.flatnonzero(np.frombuffer(text, np.uint8) == NEWLINE)


def _is_tidy(text: bytes, ends: IntArray) -> bool:
    """Tell whether every line is a row whose only space is the one within its time stamp."""
    has_blank_line = np.any(np.diff(ends, prepend=-1) == 1)
    n_spaces = np.count_nonzero(np.frombuffer(text, np.uint8) <= SPACE)  # line ends included
    return b"#" not in text and not has_blank_line and n_spaces == 2 * ends.size


@dataclass(frozen=True)
class _Layout:
    """Where the parts of each row are: row i is `raw[starts[i]:ends[i]]`.

    A row is a time stamp, which ends at `stamp_ends`, and a comma before each of its values.
    """

    raw: ByteArray
    starts: IntArray
    stamp_ends: IntArray
    ends: IntArray
    commas: IntArray
    """(n_values,), of all rows."""
    lengths: IntArray
    """Values of each row."""

    def rows(self, text: bytes, kept: BoolArray) -> list[bytes]:
        """Return the text of the rows that are kept."""
        return [text[start:end] for start, end in zip(self.starts[kept], self.ends[kept])]


def _layout(text: bytes, ends: IntArray) -> _Layout:
    raw = np.frombuffer(text, np.uint8)
    commas = np.flatnonzero(raw == COMMA)
    starts = np.concatenate([np.zeros(1, np.int64), ends + 1])[:-1]
    first_comma = np.searchsorted(commas, starts)
    lengths = np.diff(np.append(first_comma, commas.size))
    stamp_ends = np.where(lengths > 0, np.append(commas, 0)[first_comma], ends)
    return _Layout(raw, starts, stamp_ends, ends, commas, lengths)


# --- layout to times and values


def _time_us(text: bytes, layout: _Layout) -> IntArray:
    """Return the time stamps as they are written, in us."""
    time_us = stamps_us(layout.raw, layout.starts, layout.stamp_ends)
    malformed = time_us == MALFORMED
    if malformed.any():
        first = layout.rows(text, malformed)[0]
        raise RowError(f"bad time stamp in row {shortened(first)}")
    return time_us


def _is_complete(layout: _Layout) -> BoolArray:
    """Tell which rows have a value, and none that is empty."""
    raw, commas = layout.raw, layout.commas
    complete = (layout.lengths > 0) & (raw[layout.ends - 1] != COMMA)
    empty = commas[:-1][np.diff(commas) == 1]
    complete[np.searchsorted(layout.ends, empty)] = False
    return complete


def _values(layout: _Layout, kept: BoolArray) -> FloatArray | None:
    """Return the values of the kept rows, one after the other; None if one is not a number."""
    text = _numbers(layout, kept)
    has_few_zeros = layout.raw.size > _BYTES_AMONG_ZEROS * layout.commas.size
    if has_few_zeros or not kept.all():
        return to_floats(text, int(layout.lengths[kept].sum()))
    zero = _is_zero(layout)
    edges = np.flatnonzero(np.diff(zero, prepend=True, append=True))  # of runs of other values
    if zero.sum() < _ZEROS_OF_A_RUN * edges.size / 2:
        return to_floats(text, zero.size)
    starts, ends = layout.commas[edges[::2]] + 1, _value_ends(layout)[edges[1::2] - 1] + 1
    others = b"".join(text[start:end] for start, end in zip(starts.tolist(), ends.tolist()))
    found = to_floats(others, int(np.count_nonzero(~zero)))
    if found is None:
        return None
    values = np.zeros(zero.size)
    values[~zero] = found
    return values


def _value_ends(layout: _Layout) -> IntArray:
    """Return where each value ends, at a comma or the end of its row; all rows have values."""
    ends = np.append(layout.commas[1:], 0)
    ends[np.cumsum(layout.lengths) - 1] = layout.ends
    return ends


def _is_zero(layout: _Layout) -> BoolArray:
    """Tell which values are written as 0 or 0.0."""
    raw = np.append(layout.raw, np.zeros(4, np.uint8))  # so that what follows the last is there
    comma, zero = raw == COMMA, raw == ZERO
    end = comma | (raw == NEWLINE)
    long = zero[1:-3] & (raw[2:-2] == POINT) & zero[3:-1] & end[4:]
    begins = comma[:-4] & (long | (zero[1:-3] & end[2:-2]))
    found: BoolArray = begins[layout.commas]
    return found


def _numbers(layout: _Layout, kept: BoolArray) -> bytes:
    """Return the values of the kept rows, a comma after each; the stamps are blanked out."""
    text = layout.raw.copy()
    text[layout.ends] = COMMA
    stamps = np.minimum(layout.stamp_ends + 1, layout.ends) - layout.starts  # with their commas
    text[ranges(layout.starts, stamps)] = SPACE
    if not kept.all():
        text = text[np.repeat(kept, layout.ends - layout.starts + 1)]
    return text.tobytes()


def _floats_row_by_row(rows: list[bytes]) -> FloatArray:
    """Return the values of all rows, slowly, to find the row that cannot be read."""
    values: list[float] = []
    for row in rows:
        fields = row.split(b",")[1:]
        try:
            if b"_" in row:  # float() takes 1_000
                raise ValueError
            values.extend(map(float, fields))
        except ValueError:
            raise RowError(f"a value is not a number in row {shortened(row)}") from None
    return np.array(values)
