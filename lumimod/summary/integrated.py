"""Luminosities integrated over stable beams: all from the first time to the same end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from lumimod.arrays import BoolArray, FloatArray
from lumimod.physics.integrals import trapezoid
from lumimod.readers.bmodes import FillModes
from lumimod.steps.sb import stable_end_s

PER_PB_IN_PER_M2 = 1e40
_ROUNDING_S = 1e-3
"""By which a step may seem longer: of times in Unix s, as sums of steps."""


def end_of_integrals_s(modes: FillModes, time_s: FloatArray) -> float:
    """Return until when luminosities are integrated, Unix s: to the end of stable beams.

    That is at most a step after the last of the times, (n_times,). Where it is not, as in a fill
    that was in progress when its results were made, or where no end is known, it is the last time.
    """
    end_s, last_s = stable_end_s(modes), float(time_s[-1])
    step_s = float(time_s[1] - time_s[0]) if time_s.size > 1 else 0.0
    return end_s if last_s <= end_s <= last_s + step_s + _ROUNDING_S else last_s


class Total(NamedTuple):
    """Luminosity of all bunches, at the times at which any bunch has one."""

    time_s: FloatArray
    """(n_known,), Unix s."""
    lumi: FloatArray
    """(n_known,), 1/(m^2 s)."""
    ends_known: bool
    """Whether the last of them is the last of all times."""

    def integrated_pb(self, end_s: float | None = None) -> float:
        """Return the integral in 1/pb until a time; None: the last of these times.

        The last luminosity is held, if it is that of the last of all times.
        """
        per_m2 = trapezoid(self.lumi, self.time_s)
        if end_s is not None and self.ends_known:
            per_m2 += float(self.lumi[-1]) * (end_s - float(self.time_s[-1]))
        return per_m2 / PER_PB_IN_PER_M2


def totals_of(time_s: FloatArray, bunch_lumi: Mapping[str, FloatArray]) -> dict[str, Total]:
    """Return the luminosity of each experiment that has any.

    Parameters
    ----------
    time_s
        (n_times,), Unix s.
    bunch_lumi
        By experiment, (n_times, n_slots), 1/(m^2 s).
    """
    found = {}
    for exp, values in bunch_lumi.items():
        known: BoolArray = np.asarray(np.isfinite(values).any(axis=1))
        if known.any():
            total = np.nansum(values[known], axis=1)
            found[exp] = Total(time_s[known], total, bool(known[-1]))
    return found


def integrated_pb(
    time_s: FloatArray, bunch_lumi: Mapping[str, FloatArray], end_s: float | None = None
) -> dict[str, float]:
    """Return the integrated luminosity of each experiment that has any, in 1/pb.

    Arguments as of `totals_of` and `Total.integrated_pb`.
    """
    return {e: total.integrated_pb(end_s) for e, total in totals_of(time_s, bunch_lumi).items()}
