"""What a pickle may call, and with what: as NumPy, pandas and Python themselves write it.

Many classes take other arguments as well, which ask for any amount of memory, or for access to it.
"""

from __future__ import annotations

import importlib
import math
from collections import OrderedDict, defaultdict
from collections.abc import Iterable, Mapping
from datetime import date, timezone
from typing import Any, Callable

import numpy as np

from lumimod.readers.admitted import NUMPY_CORE, Refused
from lumimod.readers.pickle_differences import (
    NUMBER,
    are_words,
    concatenated,
    cumulated,
    n_bytes_of_words,
)

ITEM_BYTES = 1 << 20
"""Largest item of an array: text of 260,000 characters."""
KEY_PARTS = 100
"""Most parts of a key: columns of tables have a few."""
NUMBER_CHARACTERS = 1000
"""Longest number as text: longer ones take ever longer."""
_PLAIN_KEYS = {str, int, float, bool, bytes, complex, type(None)}


# --- keys


def check_keys(keys: Iterable[Any]) -> None:
    """Check keys before they are hashed: tuples that share their parts may take for ever.

    Raises
    ------
    Refused
        One is no number, text, time, or small tuple of these.
    """
    for key in keys:
        if type(key) not in _PLAIN_KEYS and not _is_small_key(key, [KEY_PARTS]):
            raise Refused(f"a key that is a {type(key).__name__}")


def _is_small_key(key: Any, left: list[int]) -> bool:
    """Tell whether a key has no more parts than are left, and only plain ones."""
    left[0] -= 1
    if left[0] < 0:
        return False
    if type(key) is tuple:
        return all(_is_small_key(part, left) for part in key)
    return type(key) in _PLAIN_KEYS or isinstance(key, (np.generic, date))


# --- calls


def call(function: Any, args: Any) -> Any:
    """Call what a pickle names as NumPy, pandas and Python write it.

    Raises
    ------
    Refused
        They never write such a call.
    """
    if type(args) is not tuple:
        raise Refused("a call without arguments")
    if isinstance(function, type) and function.__name__ in _NEVER_CALLED:
        raise Refused(f"a call of {function.__name__}")
    return _CALLS.get(function, function)(*args)


def n_bytes_made(function: Any, args: Any) -> int:
    """Return how many bytes a call may make of texts, bytes and differences; others need none."""
    if type(args) is not tuple:
        return 0
    copied = sum(len(arg) for arg in args if type(arg) in (str, bytes))
    return copied + n_bytes_of_words(function, args)


def new(kind: Any, args: Any) -> Any:
    """Return an empty object of a class, which gets its contents in the next step.

    Raises
    ------
    Refused
        Such objects are never written so.
    """
    if not isinstance(kind, type) or kind in _CALLS or args != ():
        raise Refused("an odd object")
    create: Any = kind.__new__
    return create(kind)


def check_state(made: Any, state: Any) -> None:
    """Check the contents of an object before it takes them.

    Raises
    ------
    Refused
        They are not of that object, or only announced.
    """
    if type(made) is np.ndarray:
        _check_array(state)
    elif type(made).__module__.partition(".")[0] not in ("numpy", "pandas") or isinstance(
        made, type
    ):
        raise Refused(f"contents of a {type(made).__name__}")


def _check_array(state: Any) -> None:
    """Check that an array has as many items as it announces."""
    if type(state) is not tuple or len(state) not in (4, 5):
        raise Refused("an odd array")
    shape, dtype, _, data = state[-4:]
    if not isinstance(dtype, np.dtype) or not all(type(n) is int and n >= 0 for n in shape):
        raise Refused("an odd array")
    n_items, holds_objects = math.prod(shape), checked_dtype(dtype).hasobject
    if type(data) not in ((list,) if holds_objects else (bytes, str)):
        raise Refused("an odd array")
    if len(data) != (n_items if holds_objects else n_items * dtype.itemsize):
        raise Refused("an array without its data")


def checked_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return a type of items if it is what it says, and not larger than items are.

    Raises
    ------
    Refused
        Its bytes would be taken for addresses, or for more than they are.
    """
    parts = [(part[0], part[1]) for part in (dtype.fields or {}).values()]
    if dtype.subdtype is not None:
        base, shape = dtype.subdtype
        parts = [(base, 0)]
        if math.prod(shape) * base.itemsize != dtype.itemsize:
            raise Refused("an odd type of items")
    fits = all(at >= 0 and at + part.itemsize <= dtype.itemsize for part, at in parts)
    holds_objects = dtype.kind == "O" or any(checked_dtype(part).hasobject for part, _ in parts)
    if not fits or holds_objects != dtype.hasobject or not 0 <= dtype.itemsize <= ITEM_BYTES:
        raise Refused("an odd type of items")
    return dtype


# --- calls as they are written


def _dtype(text: Any, *flags: Any) -> np.dtype[Any]:
    if type(text) not in (str, bytes) or len(text) > 100:
        raise Refused("an odd type of items")
    return np.dtype(text, *flags)


def _encoded(text: Any, encoding: Any) -> bytes:
    """Return bytes that are written as text; other encodings may take for ever."""
    if type(text) is not str or encoding not in ("latin1", "latin-1"):
        raise Refused("text in an odd encoding")
    return text.encode("latin1")


def _array(shape: Any, dtype: Any, buffer: Any, offset: Any = 0, *strides: Any) -> Any:
    """Return an array of the bytes given; without them NumPy would take any memory there is.

    With strides an array may repeat its bytes, and whoever copies it takes any memory there is.
    """
    if strides:
        raise Refused("an array that may repeat its bytes")
    if not (type(dtype) is str and dtype == NUMBER and are_words(buffer)):
        _check_buffer(dtype, buffer)
    return np.ndarray(shape, dtype, buffer, offset)


def _from_buffer(buffer: Any, dtype: Any, *shape: Any) -> Any:
    _check_buffer(dtype, buffer)
    return _FROM_BUFFER(buffer, dtype, *shape)


def _check_buffer(dtype: Any, buffer: Any) -> None:
    if type(buffer) not in (bytes, bytearray):
        raise Refused("an array without its data")
    if checked_dtype(_dtype(dtype) if type(dtype) is str else dtype).hasobject:
        raise Refused("an array of objects without their values")


def _empty_array(kind: Any, shape: Any, dtype: Any) -> Any:
    """Return the empty array that gets its contents in the next step."""
    if kind is not np.ndarray or shape != (0,):
        raise Refused("an array without its data")
    return _RECONSTRUCT(kind, shape, dtype)


def _scalar(dtype: Any, data: Any) -> Any:
    if type(data) not in (bytes, str) or checked_dtype(dtype).hasobject:
        raise Refused("an odd number")
    return _SCALAR(dtype, data.encode("latin1") if type(data) is str else data)


def _utc() -> timezone:
    """Return UTC, instead of that of pytz, on which pandas no longer depends."""
    return timezone.utc


def _of_text(kind: Any) -> Callable[..., Any]:
    """Return a call that makes a number, a text or bytes of texts or small numbers."""

    def made(*args: Any) -> Any:
        sizes = [len(arg) if type(arg) in (str, bytes) else 0 for arg in args]
        counts = kind in (bytes, bytearray) and any(type(arg) is int for arg in args)
        if counts or (kind is int and max(sizes, default=0) > NUMBER_CHARACTERS):
            raise Refused(f"an odd {kind.__name__}")
        if not all(type(arg) in (str, bytes, int, float) for arg in args):
            raise Refused(f"an odd {kind.__name__}")
        return kind(*args)

    return made


def _of_items(kind: Any) -> Callable[..., Any]:
    """Return a call that makes a container of a list."""

    def made(items: Any = ()) -> Any:
        if type(items) not in (list, tuple):
            raise Refused(f"an odd {kind.__name__}")
        if kind in (set, frozenset):
            check_keys(items)
        elif kind in (dict, OrderedDict):
            check_keys(key for key, _ in items)
        return kind(items)

    return made


def _default_dict(factory: Any) -> Any:
    if factory not in (None, list, dict, set, int, float, str, tuple):
        raise Refused("an odd defaultdict")
    return defaultdict(factory)


def _range(*limits: Any) -> slice:
    if not all(limit is None or type(limit) is int for limit in limits):
        raise Refused("an odd slice")
    return slice(*limits)


def _of_numpy(name: str) -> Any:
    """Return a private function of NumPy, whose module was renamed in version 2."""
    module = "numeric" if name == "_frombuffer" else "multiarray"
    return getattr(importlib.import_module(f"{NUMPY_CORE}.{module}"), name)


_FROM_BUFFER, _SCALAR, _RECONSTRUCT = map(_of_numpy, ("_frombuffer", "scalar", "_reconstruct"))

STAND_INS: Mapping[tuple[str, str], Callable[..., Any]] = {
    ("pytz", "_UTC"): _utc,
    ("_codecs", "encode"): _encoded,
    ("numpy", "concatenate"): concatenated,
    ("numpy", "cumsum"): cumulated,
    **{
        (f"{core}.{module}", name): function
        for core in ("numpy.core", "numpy._core")
        for module, name, function in (
            ("numeric", "_frombuffer", _from_buffer),
            ("multiarray", "scalar", _scalar),
            ("multiarray", "_reconstruct", _empty_array),
        )
    },
}
"""What is taken for a name."""

_CALLS: Mapping[Any, Callable[..., Any]] = {
    np.ndarray: _array,
    np.dtype: _dtype,
    **{kind: _of_text(kind) for kind in (int, float, complex, bool, str, bytes, bytearray)},
    **{kind: _of_items(kind) for kind in (set, frozenset, list, tuple, dict, OrderedDict)},
    defaultdict: _default_dict,
    slice: _range,
}
_NEVER_CALLED = {"DataFrame", "Series", "Index", "RangeIndex", "DatetimeIndex"}
"""Their contents follow; a call with a range and a number would take any memory there is."""
