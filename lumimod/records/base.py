"""What all records share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, TypeVar

import numpy as np

from lumimod.arrays import FloatArray, IntArray
from lumimod.errors import MissingStepError

BEAMS = (1, 2)
FAMILIES = ("coll", "noncoll")
FITTED = ("emit_h", "emit_v", "bl", "inten")


class Record(Protocol):
    """What every record can do."""

    def to_dict(self) -> dict[Any, Any]:
        """Return the dict that is saved."""
        ...

    @classmethod
    def from_dict(cls: type[R], data: Mapping[Any, Any]) -> R:
        """Return the record of a saved dict."""
        ...


R = TypeVar("R", bound=Record)


def parse(kind: type[R], data: Any, source: str) -> R:
    """Return the record of `data`; MissingStepError if that is not a dict of this kind."""
    try:
        return kind.from_dict(data)
    except (KeyError, TypeError, IndexError, AttributeError, ValueError) as exc:
        raise MissingStepError(
            f"{source}: not a {kind.__name__} result ({type(exc).__name__}: {exc}); "
            "remove it or force the step that makes it"
        ) from exc


def floats(values: Any) -> FloatArray:
    """Return values of a file (an array, or the original's list) as float array."""
    return np.asarray(values, dtype=np.float64)


def slot_numbers(values: Any) -> IntArray:
    """Return slots of a file as integer array."""
    return np.asarray(values, dtype=np.int64)
