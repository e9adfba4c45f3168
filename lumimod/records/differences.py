"""Arrays that change little from row to row, by their differences: 48 bits a number.

A float64 is two words of 32 bits. The high one has the sign, the exponent and 20 bits of the
mantissa: where values change by less than 1.5 to 3 % from a row to the next, its differences fit
in 16 bits. They are stored in its place, and the low words as they are. All of these are integers,
whatever they stand for, so every value comes back bit for bit, NaN and -0.0 as well.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

MIN_BYTES = 100_000
"""Smaller arrays stay as they are."""
WORD = "<i4"
_NUMBER, _STEP = "<f8", "<i2"
_BLOCK = 1 << 15
"""Numbers at a time: they and all that is made of them stay in the cache."""
_LOW_HALF, _HIGH_HALF = -(1 << 15), (1 << 15) - 1

_Words = npt.NDArray[np.int32]
_Steps = npt.NDArray[np.int16]


class Differences(NamedTuple):
    """What an array of the shape (n_rows, n) is made of again."""

    low: _Words
    """Low words, (n_rows, n, 1)."""
    first: _Words
    """High words of the first row, (1, n, 1)."""
    steps: _Steps
    """Differences of the high words from each row to the next, (n_rows - 1, n, 1)."""


class Differencing:
    """Makes the differences of arrays, one after the other, in memory that it keeps."""

    def __init__(self) -> None:
        self._low: _Words = np.empty(0, WORD)
        self._steps: _Steps = np.empty(0, _STEP)

    def of(self, array: npt.NDArray[Any]) -> Differences | None:
        """Return the differences of an array; they are valid until the next one comes.

        None of an array that is small, is not of float64 in two dimensions, has a single row, or
        changes by too much somewhere.
        """
        if array.dtype.str != _NUMBER or array.ndim != 2 or array.nbytes < MIN_BYTES:
            return None
        n_rows, n = array.shape
        words = np.ascontiguousarray(array).view(WORD)
        low, steps = self._room(n_rows, n)
        if n_rows < 2 or not _split(words[:, ::2], words[:, 1::2], low, steps):
            return None
        first = words[:1, 1::2].copy()
        return Differences(low[..., None], first[..., None], steps[..., None])

    def _room(self, n_rows: int, n: int) -> tuple[_Words, _Steps]:
        """Return arrays for low words and differences."""
        if self._low.size < n_rows * n:
            self._low, self._steps = np.empty(n_rows * n, WORD), np.empty(n_rows * n, _STEP)
        n_steps = (n_rows - 1) * n
        return self._low[: n_rows * n].reshape(-1, n), self._steps[:n_steps].reshape(-1, n)


def _split(low: _Words, high: _Words, low_out: _Words, steps_out: _Steps) -> bool:
    """Copy the low words and the differences of the high ones; stop where one is too large."""
    n_steps, n = steps_out.shape
    n_block = max(1, _BLOCK // n)
    room = np.empty((min(n_block, n_steps), n), WORD)
    for start in range(0, n_steps, n_block):
        stop = min(start + n_block, n_steps)
        steps = room[: stop - start]
        np.subtract(high[start + 1 : stop + 1], high[start:stop], steps)
        if steps.max() > _HIGH_HALF or steps.min() < _LOW_HALF:
            return False
        steps_out[start:stop] = steps
        low_out[start:stop] = low[start:stop]
    low_out[-1] = low[-1]
    return True
