"""Results of a fill that belong together: all have the times of stable beams."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np

from lumimod.arrays import FloatArray
from lumimod.errors import MissingStepError
from lumimod.records.stable_beams import StableBeams


class _HasTimes(Protocol):
    @property
    def time_s(self) -> FloatArray: ...


Timed = TypeVar("Timed", bound=_HasTimes)


def of_same_times(found: Timed | None, path: Path, sb: StableBeams, step: str) -> Timed | None:
    """Return a result of a step if it has the times of stable beams, None where there is none.

    Raises
    ------
    MissingStepError
        It has other times, as where stable beams alone were made again.
    """
    if found is not None and not np.array_equal(found.time_s, sb.time_s):
        raise MissingStepError(
            f"{path} has other times than the stable beams; run with --force {step}"
        )
    return found
