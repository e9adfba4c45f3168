"""Numbers to text, whole arrays at once, as bytes of a fixed width per number.

A simulated fill has several hundred million characters: with a call per number it would take
minutes.
"""

from __future__ import annotations

import numpy as np

from lumimod.arrays import BoolArray, ByteArray, FloatArray, IntArray

EMPTY = b"0.0"
"""Text of a slot without bunch."""
STAMP_WIDTH = 23
LOWEST, HIGHEST = -60, 60
"""Powers of ten; smaller numbers are written as zero."""

_POWERS = 10.0 ** np.arange(LOWEST, HIGHEST + 1)
_TRIPLES = np.frombuffer(b"".join(b"%03d" % i for i in range(1000)), np.uint8).reshape(-1, 3)
_EXPONENTS = np.frombuffer(
    b"".join(b"e%+03d" % i for i in range(LOWEST, HIGHEST + 1)), np.uint8
).reshape(-1, 4)


def stamps(time_s: FloatArray) -> ByteArray:
    """Return Unix times as `YYYY-MM-DD HH:MM:SS.mmm` in UTC, (n, 23)."""
    ms = np.round(time_s * 1000).astype(np.int64).astype("datetime64[ms]")
    text = np.datetime_as_string(ms).astype(f"S{STAMP_WIDTH}")
    characters = text.view(np.uint8).reshape(-1, STAMP_WIDTH).copy()
    characters[:, 10] = ord(" ")
    return characters


def integers(values: IntArray, width: int) -> ByteArray:
    """Return integers with `width` digits and leading zeros, (..., width)."""
    powers = 10 ** np.arange(width - 1, -1, -1, dtype=np.int64)
    return (values[..., None] // powers % 10 + ord("0")).astype(np.uint8)


def fixed(values: FloatArray) -> ByteArray:
    """Return numbers from 0 to below 10 with six decimals, as `%.6f` does: (..., 8)."""
    micro = np.minimum(np.rint(values * 1e6).astype(np.int64), 9_999_999)
    characters = np.empty((*values.shape, 8), np.uint8)
    rest = micro % 1_000_000
    characters[..., 0] = micro // 1_000_000 + ord("0")
    characters[..., 1] = ord(".")
    characters[..., 2:5] = _TRIPLES[rest // 1000]
    characters[..., 5:] = _TRIPLES[rest % 1000]
    return characters


def scientific(values: FloatArray, decimals: int) -> ByteArray:
    """Return numbers >= 0 as `%.2e` or `%.5e` does: (..., decimals + 6)."""
    if decimals not in (2, 5):
        raise ValueError("decimals must be 2 or 5")
    low = 10**decimals
    with np.errstate(divide="ignore"):
        exponent = np.floor(np.log10(values))
    zero = ~(exponent >= LOWEST + decimals)
    exponent = np.where(zero, 0, exponent).astype(np.int64)
    mantissa = np.rint(values * _POWERS[decimals - exponent - LOWEST]).astype(np.int64)
    carried = mantissa >= 10 * low
    mantissa[carried] = low
    exponent[carried] += 1
    mantissa[zero] = 0
    characters = np.empty((*values.shape, decimals + 6), np.uint8)
    head, tail = (mantissa // 1000, mantissa % 1000) if decimals == 5 else (mantissa, None)
    digits = _TRIPLES[head]
    characters[..., 0] = digits[..., 0]
    characters[..., 1] = ord(".")
    characters[..., 2:4] = digits[..., 1:]
    if tail is not None:
        characters[..., 4:7] = _TRIPLES[tail]
    characters[..., -4:] = _EXPONENTS[exponent - LOWEST]
    return characters


def array_rows(stamp: ByteArray, cells: ByteArray, filled: BoolArray) -> bytes:
    """Return the text of rows of an array variable.

    Parameters
    ----------
    stamp
        Text of the times, (n_rows, 23).
    cells
        Text of the values, (n_rows, n_filled, width).
    filled
        Which elements of the array have a value, (n_elements,); the others are `EMPTY`.
    """
    n_rows, _, width = cells.shape
    widths = np.where(filled, width, len(EMPTY)) + 1
    stop = STAMP_WIDTH + np.cumsum(widths)
    start = (stop - width)[filled]
    blank = b"".join(b"," + (b"x" * width if full else EMPTY) for full in filled)
    template = np.frombuffer(b"x" * STAMP_WIDTH + blank + b"\n", np.uint8)
    characters = np.tile(template, (n_rows, 1))
    characters[:, :STAMP_WIDTH] = stamp
    characters[:, (start[:, None] + np.arange(width)).ravel()] = cells.reshape(n_rows, -1)
    return characters.tobytes()


def side_by_side(*columns: ByteArray, separator: bytes = b" ") -> ByteArray:
    """Return columns of text side by side, with a separator between and a newline at the end."""
    shape = columns[0].shape[:-1]
    parts = []
    for column in columns:
        parts += [column, np.full((*shape, 1), ord(separator), np.uint8)]
    parts[-1] = np.full((*shape, 1), ord("\n"), np.uint8)
    return np.concatenate(parts, axis=-1)
