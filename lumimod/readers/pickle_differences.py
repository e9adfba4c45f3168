"""Arrays that a pickle holds by the differences of their rows: the calls that make them again.

`records/pickler.py` writes them, `records/differences.py` says what the numbers are:

    high = cumsum(concatenate([first, steps]), 0, "<i4")
    numpy.ndarray((n_rows, n), "<f8", concatenate([low, high], 2), 0)

Nothing else is admitted: NumPy would repeat a few bytes to fill any memory.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from lumimod.readers.admitted import Refused

NUMBER = "<f8"
_WORD, _STEP = "<i4", "<i2"
_FEW = 64
"""So few numbers of a row are cumulated faster than Python goes from row to row."""

_Words = npt.NDArray[np.int32]


def concatenated(parts: Any = None, axis: Any = 0, *more: Any) -> _Words:
    """Return a first row and the steps that follow, or low words with the high ones beside them.

    Raises
    ------
    Refused
        They are something else, or do not fit each other.
    """
    if type(parts) is list and len(parts) == 2 and type(axis) is int and not more:
        one, other = parts
        words = _is(one, _WORD, 1)
        follow = words and axis == 0 and _is(other, _STEP, 1) and one.shape == (1, *other.shape[1:])
        beside = words and axis == 2 and _is(other, _WORD, 1) and one.shape == other.shape
        if follow or beside:
            return np.concatenate(parts, axis)
    raise Refused("an odd numpy.concatenate")


def cumulated(words: Any = None, axis: Any = None, dtype: Any = None, *more: Any) -> _Words:
    """Return the sums of words from row to row.

    Raises
    ------
    Refused
        They are something else.
    """
    plain = (type(axis), type(dtype)) == (int, str) and not more
    if not (plain and (axis, dtype) == (0, _WORD) and _is(words, _WORD, 1)):
        raise Refused("an odd numpy.cumsum")
    if words.shape[1] < _FEW:
        return np.cumsum(words, 0, _WORD)
    sums = np.empty_like(words)
    sums[0] = words[0]
    for i in range(1, len(words)):  # numpy.cumsum goes down each column: four times as long
        np.add(sums[i - 1], words[i], sums[i])
    return sums


def are_words(value: Any) -> bool:
    """Tell whether something is the words of numbers, the low one of each beside the high one."""
    return _is(value, _WORD, 2)


def n_bytes_of_words(function: Any, args: tuple[Any, ...]) -> int:
    """Return how many bytes one of these calls will make, 0 of any other."""
    if not args or not (function is concatenated or function is cumulated):
        return 0
    parts = args[0] if type(args[0]) is list else args[:1]
    return sum(4 * part.size for part in parts if type(part) is np.ndarray)


def _is(value: Any, dtype: str, n_words: int) -> bool:
    """Tell whether something is an array (n_rows, n, n_words) that has all its bytes itself."""
    return (
        type(value) is np.ndarray
        and value.dtype.str == dtype
        and value.ndim == 3
        and value.shape[2] == n_words
        and value.size > 0
        and bool(value.flags.c_contiguous)
    )
