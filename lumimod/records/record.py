"""What every record can do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol, TypeVar

from lumimod.errors import MissingStepError
from lumimod.records.base import FrameRows
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


def parse(kind: type[R], data: Any, source: str) -> R:
    """Return the record of `data`; MissingStepError if that is not a dict of this kind."""
    try:
        return kind.from_dict({key: value for key, value in data.items() if key != KEY})
    except (KeyError, TypeError, IndexError, AttributeError, ValueError) as exc:
        raise MissingStepError(
            f"{source}: not a {kind.__name__} result ({type(exc).__name__}: {exc}); "
            "remove it or force the step that makes it"
        ) from exc
