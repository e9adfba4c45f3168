"""What became of a fill in a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class FillReport:
    """How the steps of a fill went."""

    fill: int
    done: Mapping[str, float] = field(default_factory=dict)
    """Seconds that each step took."""
    skipped: tuple[str, ...] = ()
    failed: Mapping[str, str] = field(default_factory=dict)
    """Why each step failed or could not run."""
    stale: Mapping[str, str] = field(default_factory=dict)
    """Why results that are there are out of date."""
    in_progress: bool = False
    """Whether the fill was not over."""

    def to_dict(self) -> dict[str, Any]:
        """Return the report as JSON has it."""
        return {
            "fill": self.fill,
            "done": dict(self.done),
            "skipped": list(self.skipped),
            "failed": dict(self.failed),
            "stale": dict(self.stale),
            "in_progress": self.in_progress,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> FillReport:
        """Return the report of a `to_dict`.

        Raises
        ------
        KeyError, TypeError, ValueError
            It is something else.
        """
        return cls(
            int(data["fill"]),
            {str(step): float(seconds) for step, seconds in dict(data["done"]).items()},
            tuple(str(step) for step in data["skipped"]),
            {str(step): str(why) for step, why in dict(data["failed"]).items()},
            {str(step): str(why) for step, why in dict(data.get("stale", {})).items()},
            bool(data.get("in_progress", False)),
        )
