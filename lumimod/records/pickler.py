"""How results are pickled: by public names of NumPy alone, and in as few bytes as that allows."""

from __future__ import annotations

import pickle
from io import BufferedIOBase
from typing import Any, Callable

import numpy as np

from lumimod.records.differences import WORD, Differences, Differencing


class Pickler(pickle.Pickler):
    """Writes arrays as `numpy.ndarray(shape, dtype, buffer)`.

    The default form names a private module of NumPy that was renamed in version 2; this one loads
    with every NumPy, and needs no copy of the data. The buffer is that of the array or, with
    `differences`, where they are smaller,
    `concatenate([low, cumsum(concatenate([first, steps]), 0, "<i4")], 2)`, words of 32 bits.
    """

    def __init__(self, stream: BufferedIOBase, *, differences: bool) -> None:
        super().__init__(stream, protocol=5)
        self._differencing = Differencing() if differences else None

    def reducer_override(self, obj: Any) -> Any:
        """Return a function and its arguments, which give the object."""
        if type(obj) is np.ndarray and obj.dtype.kind in "fiub":
            parts = None if self._differencing is None else self._differencing.of(obj)
            if parts is not None:
                return np.ndarray, (obj.shape, obj.dtype.str, self._words(parts), _Last())
            data: Any = np.ascontiguousarray(obj)
            if not data.flags.writeable:
                data = data.copy()  # a read-only buffer would give a read-only array
            return np.ndarray, (obj.shape, obj.dtype.str, pickle.PickleBuffer(data))
        if type(obj) is _Call:
            return obj.function, obj.args
        if type(obj) is _Last:
            self.fast = False
            return int, ()
        return NotImplemented

    def _words(self, parts: Differences) -> _Call:
        """Return the call that gives the words of an array.

        Nothing of it is to be remembered (`fast`): whoever reads the file would keep what it is
        made of to the end, as large as the array itself. `_Last` ends that.
        """
        self.fast = True
        low, first, steps = map(_array, parts)
        high = _Call(np.cumsum, _Call(np.concatenate, [first, steps]), 0, WORD)
        return _Call(np.concatenate, [low, high], 2)


class _Call:
    """Stands for what a function returns; the pickle has the call."""

    def __init__(self, function: Callable[..., Any], *args: Any) -> None:
        self.function, self.args = function, args


class _Last:
    """Stands for 0, the offset into the buffer of an array, which is written last."""


def _array(array: Any) -> _Call:
    return _Call(np.ndarray, array.shape, array.dtype.str, pickle.PickleBuffer(array))
