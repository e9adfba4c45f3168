"""What became of a fill in a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from lumimod.readers.stamps import ZURICH

BLOCKED_BY = "blocked by "
"""How the reason begins of a step that could not run because others had failed."""


NOTHING_TO_DO = "no stable beams: nothing to follow up"
"""Why nothing was done of a fill that had no stable beams."""


def local_minutes(time: str) -> str:
    """Return a time, ISO 8601, as the clocks of Zurich show it, without seconds."""
    return f"{datetime.fromisoformat(time).astimezone(ZURICH):%Y-%m-%d %H:%M}"


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
    waiting: Mapping[str, str] = field(default_factory=dict)
    """What steps wait for that may still come, which is no failure."""
    since: Mapping[str, str] = field(default_factory=dict)
    """Since when steps fail that failed in the last run too, UTC as ISO 8601."""
    in_progress: bool = False
    """Whether the fill was not over."""
    nothing: str = ""
    """Why there is nothing to follow up, which is no failure; empty where there is something."""

    @property
    def is_idle(self) -> bool:
        """Whether all is up to date."""
        return not (self.done or self.failed or self.stale or self.waiting or self.nothing)

    def to_dict(self) -> dict[str, Any]:
        """Return the report as JSON has it."""
        return {
            "fill": self.fill,
            "done": dict(self.done),
            "skipped": list(self.skipped),
            "failed": dict(self.failed),
            "stale": dict(self.stale),
            "waiting": dict(self.waiting),
            "since": dict(self.since),
            "in_progress": self.in_progress,
            "nothing": self.nothing,
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
            {str(step): str(why) for step, why in dict(data.get("waiting", {})).items()},
            {str(step): str(time) for step, time in dict(data.get("since", {})).items()},
            bool(data.get("in_progress", False)),
            str(data.get("nothing", "")),
        )
