"""Numbers to text, whole arrays at once: every cell of fixed width becomes bytes of one matrix.

Several hundred million characters are written for a fill; one format call per number would take
minutes.
"""

from __future__ import annotations

import numpy as np

from lumimod.arrays import BoolArray, ByteArray, FloatArray, IntArray

EMPTY = b"0.0"
"""How a slot without bunch is written."""
STAMP_WIDTH = 23
LOWEST, HIGHEST = -60, 60
"""Powers of ten that are told apart; below is zero."""

_POWERS = 10.0 ** np.arange(LOWEST, HIGHEST + 1)
_TRIPLES = np.frombuffer(b"".join(b"%03d" % i for i in range(1000)), np.uint8).reshape(-1, 3)
_EXPONENTS = np.frombuffer(
    b"".join(b"e%+03d" % i for i in range(LOWEST, HIGHEST + 1)), np.uint8
).reshape(-1, 4)


def stamps(time_s: FloatArray) -> ByteArray:
    """Return `YYYY-MM-DD HH:MM:SS.mmm` of Unix times: (n, 23) characters."""
    ms = np.round(time_s * 1000).astype(np.int64).astype("datetime64[ms]")
    text = np.datetime_as_string(ms).astype(f"S{STAMP_WIDTH}")
    out = text.view(np.uint8).reshape(-1, STAMP_WIDTH).copy()
    out[:, 10] = ord(" ")
    return out


def integers(values: IntArray, width: int) -> ByteArray:
    """Return whole numbers of `width` digits each, with leading zeros: (..., width)."""
    powers = 10 ** np.arange(width - 1, -1, -1, dtype=np.int64)
    return (values[..., None] // powers % 10 + ord("0")).astype(np.uint8)


def fixed(values: FloatArray) -> ByteArray:
    """Return numbers from 0 to below 10 with six decimals: (..., 8), as by `%.6f`."""
    micro = np.minimum(np.rint(values * 1e6).astype(np.int64), 9_999_999)
    out = np.empty((*values.shape, 8), np.uint8)
    rest = micro % 1_000_000
    out[..., 0] = micro // 1_000_000 + ord("0")
    out[..., 1] = ord(".")
    out[..., 2:5] = _TRIPLES[rest // 1000]
    out[..., 5:] = _TRIPLES[rest % 1000]
    return out


def scientific(values: FloatArray, decimals: int) -> ByteArray:
    """Return numbers >= 0 as by `%.2e` or `%.5e`: (..., decimals + 6)."""
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
    out = np.empty((*values.shape, decimals + 6), np.uint8)
    head, tail = (mantissa // 1000, mantissa % 1000) if decimals == 5 else (mantissa, None)
    digits = _TRIPLES[head]
    out[..., 0] = digits[..., 0]
    out[..., 1] = ord(".")
    out[..., 2:4] = digits[..., 1:]
    if tail is not None:
        out[..., 4:7] = _TRIPLES[tail]
    out[..., -4:] = _EXPONENTS[exponent - LOWEST]
    return out


def array_rows(stamp: ByteArray, cells: ByteArray, filled: BoolArray) -> bytes:
    """Return rows of a variable with an array value.

    Parameters
    ----------
    stamp
        Characters of the times, (n_rows, 23).
    cells
        Characters of the values, (n_rows, n_filled, width).
    filled
        Which places of the array have a value; the others are written as `EMPTY`.
    """
    n_rows, _, width = cells.shape
    widths = np.where(filled, width, len(EMPTY)) + 1
    stop = STAMP_WIDTH + np.cumsum(widths)
    start = (stop - width)[filled]
    blank = b"".join(b"," + (b"x" * width if full else EMPTY) for full in filled)
    template = np.frombuffer(b"x" * STAMP_WIDTH + blank + b"\n", np.uint8)
    out = np.tile(template, (n_rows, 1))
    out[:, :STAMP_WIDTH] = stamp
    out[:, (start[:, None] + np.arange(width)).ravel()] = cells.reshape(n_rows, -1)
    return out.tobytes()


def side_by_side(*columns: ByteArray, separator: bytes = b" ") -> ByteArray:
    """Return columns of characters side by side, with a separator between and a line end."""
    shape = columns[0].shape[:-1]
    parts = []
    for column in columns:
        parts += [column, np.full((*shape, 1), ord(separator), np.uint8)]
    parts[-1] = np.full((*shape, 1), ord("\n"), np.uint8)
    return np.concatenate(parts, axis=-1)
