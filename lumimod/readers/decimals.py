"""Numbers in text to float64, each rounded to the nearest one.

A fill has tens of millions of numbers, and most of the reading is their conversion. A JSON parser
is twice as fast as the CSV parser of pandas, which takes what is no JSON (nan, inf, 1.), and all
where simdjson is not installed.
"""

from __future__ import annotations

import csv
import io
import re
from typing import Any

import numpy as np

from lumimod.arrays import FloatArray

try:
    import simdjson
except ImportError:  # there are machines without wheels of it
    simdjson = None

MISREAD = b"\0uUlL"
"""No number has these. Before version 3 pandas ends a number at a zero byte, whatever follows, and
it reads a column of true or false as 1 or 0."""


_MINUS_ZERO = re.compile(rb"-0[, \t\r\n]")
"""To JSON it is a whole number, which has no sign if it is 0."""


def to_floats(text: bytes, n_values: int) -> FloatArray | None:
    """Return the numbers of a text, a comma after each; None if they are not `n_values` numbers.

    There may be blanks around a number, and no line ends.
    """
    if n_values == 0:
        return np.zeros(0)
    values = _json(text)
    if values is None:
        values = _csv(text)
    return values if values is not None and values.size == n_values else None


def _json(text: bytes) -> FloatArray | None:
    """Return the numbers as of one JSON array; None if they are not one, as of nan."""
    if simdjson is None or b"[" in text:  # an array within would be flattened
        return None
    try:
        array: Any = simdjson.Parser().parse(b"".join((b"[", memoryview(text)[:-1], b"]")))
        values = np.frombuffer(array.as_buffer(of_type="d"))
    except (ValueError, TypeError, RuntimeError):  # the last of whole numbers of over 64 bits
        return None
    return None if np.any(values == 0) and _MINUS_ZERO.search(text) else values


def _csv(text: bytes) -> FloatArray | None:
    """Return the numbers as of a table of one column; None if one cannot be read."""
    import pandas as pd  # only now: a dry run answers before it is there

    if any(byte in text for byte in MISREAD):
        return None
    lines = text.replace(b",", b"\n")
    options: dict[str, Any] = {"float_precision": "round_trip"} if _loses_digits(lines) else {}
    may_be_nan = b"n" in lines or b"N" in lines  # to look for names of NaN takes a tenth longer
    try:
        table = pd.read_csv(
            io.BytesIO(lines),
            header=None,
            names=["value"],
            dtype=np.float64,
            engine="c",
            quoting=csv.QUOTE_NONE,
            skip_blank_lines=False,
            keep_default_na=False,
            na_values=["NaN", "nan"],
            na_filter=may_be_nan,
            low_memory=False,
            **options,
        )
    except ValueError:  # pandas' own ParserError and UnicodeDecodeError are ValueErrors
        return None
    return table["value"].to_numpy()


def pandas_is_exact() -> bool:
    """Tell whether pandas rounds every number to the nearest one."""
    import pandas as pd

    return int(pd.__version__.split(".")[0]) >= 3


def _loses_digits(lines: bytes) -> bool:
    """Tell whether pandas would round a number wrongly without its slower, exact conversion.

    Before version 3 it reads 17 digits of a number, leading zeros (0.00123) included.
    """
    if pandas_is_exact():
        return False
    raw = np.frombuffer(lines.replace(b" ", b""), np.uint8)
    ends = np.flatnonzero(raw == ord("\n"))
    starts = np.append(0, ends[:-1] + 1)
    first = raw[starts[ends - starts > 17]]
    return bool(np.any((first == ord("0")) | (first == ord("-"))))
