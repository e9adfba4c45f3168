"""Luminosities integrated over stable beams: all from the first time to the same end."""

from __future__ import annotations

from collections.abc import Mapping

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


def integrated_pb(
    time_s: FloatArray, bunch_lumi: Mapping[str, FloatArray], end_s: float | None = None
) -> dict[str, float]:
    """Return the integrated luminosity of each experiment that has any, in 1/pb.

    Parameters
    ----------
    time_s
        (n_times,), Unix s.
    bunch_lumi
        By experiment, (n_times, n_slots), 1/(m^2 s). Times at which no bunch has any are left out.
    end_s
        Until when; the luminosity of the last time is held, if it is known. None: the last time.
    """
    out = {}
    for exp, values in bunch_lumi.items():
        known: BoolArray = np.asarray(np.isfinite(values).any(axis=1))
        if not known.any():
            continue
        total, at_s = np.nansum(values[known], axis=1), time_s[known]
        per_m2 = trapezoid(total, at_s)
        if end_s is not None and known[-1]:
            per_m2 += float(total[-1]) * (end_s - float(at_s[-1]))
        out[exp] = per_m2 / PER_PB_IN_PER_M2
    return out
