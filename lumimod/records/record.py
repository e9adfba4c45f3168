"""What every record can do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol, TypeVar

from lumimod.errors import MissingStepError
from lumimod.records.base import FrameRows
from lumimod.records.checks import check, kind_of
from lumimod.records.made import KEY
from lumimod.records.stable_beams import StableBeams


class Record(Protocol):
    """What every record can do."""

    def to_dict(self) -> dict[Any, Any]:
        """Return the dict that is saved."""
        ...

    @classmethod
    def from_dict(cls: type[R], data: Mapping[Any, Any]) -> R:
        """Return the record of a saved dict."""
        ...

    def to_rows(self, sb: StableBeams | None) -> Iterable[FrameRows]:
        """Return the rows of its DataFrame; `sb` names times and slots if the record does not."""
        ...


R = TypeVar("R", bound=Record)


_FAULTS = (KeyError, TypeError, IndexError, AttributeError, ValueError)


def parse(kind: type[R], data: Any, source: str) -> R:
    """Return the record of `data`; MissingStepError if that is none of this kind."""
    try:
        return _checked(kind, data)
    except _FAULTS as exc:
        raise MissingStepError(
            f"{source}: not a {kind.__name__} result ({_told(exc)}); "
            "remove it or force the step that makes it"
        ) from exc


def fault_of(data: object) -> str:
    """Return what is wrong with the dict of a result; nothing if all is well, or it is another's.

    Shapes, times and slots are looked at, see `checks`.
    """
    kind = kind_of(data)
    if kind is None:
        return ""
    try:
        _checked(kind, data)
    except _FAULTS as exc:
        return f"not a {kind.__name__} result ({_told(exc)})"
    return ""


def _checked(kind: type[R], data: Any) -> R:
    record = kind.from_dict({key: value for key, value in data.items() if key != KEY})
    check(record)
    return record


def _told(exc: Exception) -> str:
    return str(exc) if type(exc) is ValueError else f"{type(exc).__name__}: {exc}"
