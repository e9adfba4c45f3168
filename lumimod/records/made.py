"""What a result was made from: it travels in the result, under the key `made`.

Only what the numbers follow from is in it, so that equal runs give equal files: no time, no host,
no folder.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

KEY = "made"
"""Key of a result file under which it stands."""
MODES_INPUT = "beam modes"
"""Name, among inputs, of the times of beam modes that entered."""


@dataclass(frozen=True)
class Made:
    """What one result was made from; plain Python throughout."""

    fill: int
    """Number of the fill."""
    step: str
    """Name of the step."""
    revision: int
    """Revision of the step, raised whenever its numbers change."""
    lumimod: str
    """Version of the program."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Settings of config.py that enter the step, with the values that hold for this fill."""
    inputs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Files that were read, by name: `size` in bytes and `digest` (sha256) of the content."""
    results: Mapping[str, str] = field(default_factory=dict)
    """Identity (`key`) of each result of another step that was read, by the name of the step."""
    notes: tuple[Mapping[str, Any], ...] = ()
    """What to know before the numbers are believed: gaps, dropped samples, values held."""

    @cached_property
    def key(self) -> str:
        """Identity of the result: equal if revision, settings and all it was made from are."""
        content = (self.fill, self.step, self.revision, self.settings, self.inputs, self.results)
        return hashlib.sha256(canonical(content).encode()).hexdigest()[:16]

    @property
    def in_progress(self) -> bool:
        """Whether the fill was not over when the result was made."""
        return any(note.get("kind") == "in progress" for note in self.notes)

    def to_dict(self) -> dict[str, Any]:
        """Return it as it stands in the result file."""
        return {
            "fill": self.fill,
            "step": self.step,
            "revision": self.revision,
            "lumimod": self.lumimod,
            "settings": dict(self.settings),
            "inputs": {name: dict(of) for name, of in self.inputs.items()},
            "results": dict(self.results),
            "notes": [dict(note) for note in self.notes],
        }

    @classmethod
    def from_dict(cls, data: object) -> Made | None:
        """Return it from what stands in a result file, None if that is something else.

        Keys of later versions are left out.
        """
        if not isinstance(data, Mapping):
            return None
        try:
            return cls(
                int(data["fill"]),
                str(data["step"]),
                int(data["revision"]),
                str(data["lumimod"]),
                dict(data["settings"]),
                {str(name): dict(of) for name, of in dict(data["inputs"]).items()},
                {str(step): str(key) for step, key in dict(data["results"]).items()},
                tuple(dict(note) for note in data["notes"]),
            )
        except (KeyError, TypeError, ValueError):
            return None


def canonical(value: Any) -> str:
    """Return plain Python as JSON text that is the same for equal values."""
    return json.dumps(value, sort_keys=True, default=str)


def same(one: Any, other: Any) -> bool:
    """Return whether two plain values are equal, tuples counting as lists."""
    if type(one) is type(other) and one == other:  # most are, and this is quick
        return True
    return canonical(one) == canonical(other)
